//! Whether the order that `after` asks for exists.

use std::collections::HashMap;

use super::super::suggest;
use super::error::{Errors, Fault};
use super::syntax::Section;
use crate::supervisor::Application;

/// Refuses names in `after` that no section has, and circles.
pub(super) fn check(sections: &[&Section<'_>], applications: &[Application], errors: &mut Errors) {
    let known: HashMap<&str, &Section<'_>> =
        sections.iter().map(|section| (section.name, *section)).collect();
    let line_of = |name: &str| known.get(name).map_or(0, |section| section.line_of("after"));
    for application in applications {
        for name in &application.after {
            // Also one that is wrong otherwise: it is said there.
            if !known.contains_key(name.as_str()) {
                let nearest = suggest::nearest(name, sections.iter().map(|section| section.name));
                let fault = Fault::new("the name of a section [app NAME]", name).or_rather(nearest);
                errors.push(line_of(&application.name), Some("after"), fault);
            }
        }
    }
    if let Some(circle) = circle(applications) {
        let fault = Fault::new("an order without a circle", &circle.join(" after "));
        errors.push(line_of(circle[0]), Some("after"), fault);
    }
}

/// A circle of names, its first one also at its end.
fn circle(applications: &[Application]) -> Option<Vec<&str>> {
    let mut left: HashMap<&str, &Application> =
        applications.iter().map(|application| (application.name.as_str(), application)).collect();
    let mut waiting: HashMap<&str, usize> = HashMap::new();
    let mut followers: HashMap<&str, Vec<&str>> = HashMap::new();
    for Application { name, after, .. } in applications {
        let before = after.iter().map(String::as_str).filter(|name| left.contains_key(name));
        before.for_each(|before| followers.entry(before).or_default().push(name));
        waiting.insert(name, after.iter().filter(|name| left.contains_key(name.as_str())).count());
    }
    // Takes away those that wait for nobody, until all that is left waits for each other.
    let is_free = |name: &&str| waiting.get(name) == Some(&0);
    let mut free: Vec<&str> = left.keys().copied().filter(is_free).collect();
    while let Some(name) = free.pop() {
        left.remove(name);
        for follower in followers.remove(name).unwrap_or_default() {
            let waits_for = waiting.entry(follower).or_default();
            *waits_for -= 1;
            if *waits_for == 0 {
                free.push(follower);
            }
        }
    }
    let first = applications.iter().find(|application| left.contains_key(&*application.name))?;
    let mut path = vec![first.name.as_str()];
    loop {
        let last = left.get(path[path.len() - 1])?;
        let next = last.after.iter().find(|name| left.contains_key(name.as_str()))?;
        if let Some(start) = path.iter().position(|name| name == next) {
            path.push(next);
            return Some(path.split_off(start));
        }
        path.push(next);
    }
}
