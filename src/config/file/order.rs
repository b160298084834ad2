//! Whether the order that `after` asks for exists.

use super::super::suggest;
use super::error::{Errors, Fault};
use super::syntax::Section;
use crate::supervisor::Application;

/// Refuses names in `after` that no section has, and circles.
pub(super) fn check(sections: &[&Section<'_>], applications: &[Application], errors: &mut Errors) {
    let line_of = |name: &str| {
        let section = sections.iter().find(|section| section.name == name);
        section.map_or(0, |section| section.line_of("after"))
    };
    for application in applications {
        for name in &application.after {
            // Also one that is wrong otherwise: it is said there.
            if !sections.iter().any(|section| section.name == name) {
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
    let mut left: Vec<&Application> = applications.iter().collect();
    // Takes away those that wait for nobody, until all that is left waits for each other.
    loop {
        let waits = |application: &&Application| {
            application.after.iter().any(|name| left.iter().any(|other| other.name == *name))
        };
        let waiting: Vec<_> = left.iter().copied().filter(waits).collect();
        if waiting.len() == left.len() {
            break;
        }
        left = waiting;
    }
    let mut path = vec![left.first()?.name.as_str()];
    loop {
        let last = left.iter().find(|application| application.name == path[path.len() - 1])?;
        let next = last.after.iter().find(|name| left.iter().any(|other| other.name == **name))?;
        if let Some(start) = path.iter().position(|name| name == next) {
            path.push(next);
            return Some(path.split_off(start));
        }
        path.push(next);
    }
}
