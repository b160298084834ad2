//! Which group a process belongs to.
//!
//! The applications that promlet runs come first, with all that is below them; then the sections of
//! watching in their order; then the group of the nearest ancestor that has its children with it.

use super::groups::{GroupId, Groups};
use super::member::{Member, Name};
use super::parse::parse_stat;
use super::proc::{Keep, Proc};
use super::{Process, Processes, position};
use crate::collector::application::Orphan;
use crate::collector::watch::{Facts, Watch};

/// Generations that are climbed in search of a member. Shells in shells come to some ten; the
/// limit only ends circles of ids that were used again.
const GENERATIONS_MAX: usize = 1_024;

/// The first process of an application, or the one in a pid file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) pid: u32,
    /// That of the application; a section decides by what the process is.
    pub(crate) group: Option<GroupId>,
}

/// What decides.
pub(crate) struct Rules<'r> {
    pub(crate) roots: &'r [Root],
    /// Tells the name of the application that an orphan came from. Only where applications run.
    pub(crate) owner: Option<&'r dyn Fn(Orphan) -> Option<String>>,
    pub(crate) watches: &'r [Watch],
    /// The process in the pid file of each of these.
    pub(crate) listed: &'r [Option<u32>],
    /// Whether these are not those of the scrape before.
    pub(crate) have_changed: bool,
}

/// A process that is to be classified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    place: usize,
    name: Name,
    orphan: Orphan,
}

impl Processes {
    /// Classifies those that are due.
    pub(super) fn classify(&mut self, groups: &mut Groups, rules: &Rules<'_>) {
        let Processes { proc, known, candidates, .. } = self;
        candidates.clear();
        for (place, process) in known.iter_mut().enumerate() {
            if std::mem::take(&mut process.is_due) {
                candidates.extend(examine(place, process, proc));
            }
        }
        // Parents before their children.
        candidates.sort_unstable_by_key(|it| (known[it.place].start_ticks, it.place));
        let mut next = 0;
        while let Some(candidate) = candidates.get(next).copied() {
            next += 1;
            let group = choose(&candidate, known, proc, groups, rules);
            let has_joined = assign(candidate.place, group, known, groups, rules);
            if has_joined && !known[candidate.place].is_new {
                // Those below it were nobody's, and may be its now.
                let parent = known[candidate.place].listed.pid;
                for (place, child) in known.iter_mut().enumerate() {
                    if child.parent == parent && child.member.is_none() {
                        candidates.extend(examine(place, child, proc));
                    }
                }
            }
        }
    }
}

/// Looks at what a process is called and where it stands; `None` if it is gone.
fn examine(place: usize, process: &mut Process, proc: &mut Proc) -> Option<Candidate> {
    let pid = process.listed.pid;
    let stat = parse_stat(proc.read(pid, "stat", &mut None, Keep::Closed).ok()?).ok()?;
    process.parent = stat.parent;
    process.start_ticks = stat.start_ticks;
    let (group, session) = (stat.process_group, stat.session);
    let orphan = Orphan { pid, group, session };
    Some(Candidate { place, name: Name::new(stat.name), orphan })
}

fn choose(
    candidate: &Candidate,
    known: &[Process],
    proc: &mut Proc,
    groups: &mut Groups,
    rules: &Rules<'_>,
) -> Option<GroupId> {
    let process = &known[candidate.place];
    let pid = process.listed.pid;
    let root = rules.roots.iter().find(|root| root.pid == pid).and_then(|root| root.group);
    if root.is_some() {
        return root;
    }
    let inherited = find_ancestor(process, known, groups);
    let is_application = |id: &GroupId| groups.get(*id).is_some_and(|g| g.is_application());
    if let Some(application) = inherited.filter(is_application) {
        return Some(application);
    }
    if let (Some(owner), true) = (rules.owner, process.parent == std::process::id())
        && let Some(application) = owner(candidate.orphan).and_then(|name| groups.find(&name))
    {
        return Some(application);
    }
    let mut facts = Facts::new(proc, pid, candidate.name.as_bytes());
    for (watch, listed) in rules.watches.iter().zip(rules.listed) {
        if let Some(name) = watch.group_of(&mut facts, *listed) {
            let group = groups.of_watch(watch, &name);
            if let Some((path, version)) = watch.control_group(&mut facts) {
                groups.note_control(group, path, version);
            }
            if listed.is_some() {
                groups.set_pid(group, pid);
            }
            return Some(group);
        }
    }
    inherited
}

/// The group of the nearest ancestor whose group has its children with it.
fn find_ancestor(process: &Process, known: &[Process], groups: &Groups) -> Option<GroupId> {
    let mut parent = process.parent;
    for _ in 0..GENERATIONS_MAX {
        let ancestor = &known[position(known, parent)?];
        let group = ancestor.group();
        if group.is_some_and(|id| groups.get(id).is_some_and(|group| group.has_children())) {
            return group;
        }
        parent = ancestor.parent;
    }
    None
}

/// Puts a process into its group; whether it was in none.
fn assign(
    place: usize,
    group: Option<GroupId>,
    known: &mut [Process],
    groups: &mut Groups,
    rules: &Rules<'_>,
) -> bool {
    let of_parent = position(known, known[place].parent).and_then(|parent| known[parent].group());
    let process = &mut known[place];
    let Some(member) = &mut process.member else {
        // It may be between fork and exec.
        process.is_due = group.is_none() && process.is_new;
        let Some(id) = group else { return false };
        let Some(joined) = groups.get_mut(id) else { return false };
        let mut member = process.former.take().unwrap_or_else(|| Box::new(Member::new(id)));
        member.join(id, joined.has_children());
        process.member = Some(member);
        if of_parent != group {
            joined.note_appearance();
        }
        return true;
    };
    // Who is in no group by what it is now stays where it was, as what is left of a daemon does;
    // so does what belongs to an application.
    let leaves =
        group.is_some_and(|id| id != member.group) || (group.is_none() && rules.have_changed);
    let Some(before) = groups.get_mut(member.group) else { return false };
    if !leaves || before.is_application() {
        return false;
    }
    before.bury(member.contribution(before.has_children()));
    match group {
        Some(id) => member.join(id, groups.get(id).is_some_and(|group| group.has_children())),
        None => {
            member.close();
            process.former = process.member.take();
        }
    }
    false
}
