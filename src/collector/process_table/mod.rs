//! The processes of a procfs, looked at in one pass for all who want to know of any.
//!
//! ```text
//! proc     lists processes and reads their files, some on descriptors that stay open
//! parse    those files, pure
//! member   a process that belongs to a group, and what it has used
//! tasks    its threads, where they are asked for
//! classify which group a process belongs to, decided when it is seen first
//! ledger   who inherits what the dead have used
//! groups   the sums
//! live     those of the living
//! names    those of threads
//! control  those that the kernel has of control groups
//! ```
//!
//! The folder's listing has an inode for each process, which tells it from another of the same id;
//! so what belongs to no group costs nothing but its entry there. As a process may become another
//! program, those are looked at once more at the scrape after their first, and then in turns.

mod classify;
pub(crate) mod control;
pub(crate) mod groups;
mod ledger;
mod live;
mod member;
mod names;
pub(crate) mod parse;
mod proc;
mod tasks;
mod usage;

pub(crate) use classify::{Root, Rules};
pub(crate) use groups::{Group, Groups};
pub(crate) use live::{Live, STATES};
pub(crate) use member::Scope;
pub(crate) use names::{Named, Waiting};
pub(crate) use proc::{Proc, list_numbers};
pub use usage::Usage;

use classify::Candidate;
use groups::GroupId;
use ledger::Gone;
use member::Member;
use parse::parse_stat;
use proc::{Keep, Listed};
use std::io;
use std::path::PathBuf;

/// Processes of no group that are looked at again at each scrape: 0.4 ms, and every process of a
/// host of 1,000 within 32 scrapes.
const RECHECKED_MAX: usize = 32;

/// A process that there is.
#[derive(Debug)]
struct Process {
    listed: Listed,
    parent: u32,
    start_ticks: u64,
    member: Option<Box<Member>>,
    /// What it was in a group that it has left, which has counted what it used by then.
    former: Option<Box<Member>>,
    /// Whether this scrape is the first that sees it.
    is_new: bool,
    /// Whether it is to be classified, again or for the first time.
    is_due: bool,
    /// Whether it was listed and then not found any more.
    is_gone: bool,
}

impl Process {
    fn new(listed: Listed) -> Process {
        Process {
            listed,
            parent: 0,
            start_ticks: 0,
            member: None,
            former: None,
            is_new: true,
            is_due: true,
            is_gone: false,
        }
    }

    fn group(&self) -> Option<GroupId> {
        self.member.as_ref().map(|member| member.group)
    }
}

/// The place of a process among all, by its id.
fn position(processes: &[Process], pid: u32) -> Option<usize> {
    processes.binary_search_by_key(&pid, |process| process.listed.pid).ok()
}

/// All processes of a procfs, and the members of groups among them.
pub(crate) struct Processes {
    proc: Proc,
    /// By id.
    known: Vec<Process>,
    /// The list before, of which those that are still there are moved to `known`.
    before: Vec<Process>,
    listed: Vec<Listed>,
    candidates: Vec<Candidate>,
    gone: Vec<Gone>,
    /// The places of the members, the older ones first.
    order: Vec<usize>,
    /// Behind the last one that was looked at again.
    next_recheck: usize,
}

impl Processes {
    /// Nothing is looked at yet. `root` is a procfs, or a fixture of one.
    pub(crate) fn new(root: PathBuf, scope: Scope) -> Processes {
        Processes {
            proc: Proc::new(root, scope),
            known: Vec::new(),
            before: Vec::new(),
            listed: Vec::new(),
            candidates: Vec::new(),
            gone: Vec::new(),
            order: Vec::new(),
            next_recheck: 0,
        }
    }

    /// Finds the processes that there are and adds those that belong to them to `groups`.
    ///
    /// # Errors
    /// When there is no list to be had; then those are there that were.
    pub(crate) fn refresh(&mut self, groups: &mut Groups, rules: &Rules<'_>) -> io::Result<()> {
        let listed = self.proc.list(&mut self.listed);
        if listed.is_ok() {
            self.match_list();
        }
        self.release(groups, rules);
        self.choose_due(rules);
        self.classify(groups, rules);
        self.read_members(groups);
        ledger::settle(&self.gone, &mut self.known, groups);
        self.gone.clear();
        for process in &mut self.known {
            if let Some(member) = &mut process.member
                && let Some(group) = groups.get_mut(member.group)
            {
                group.add(member);
            }
        }
        listed
    }

    /// Brings `known` up to the list.
    fn match_list(&mut self) {
        std::mem::swap(&mut self.known, &mut self.before);
        let mut before = self.before.drain(..).peekable();
        for listed in &self.listed {
            while let Some(gone) = before.next_if(|process| process.listed.pid < listed.pid) {
                self.gone.extend(gone.into_gone());
            }
            let same = before.next_if(|process| process.listed.pid == listed.pid);
            self.known.push(match same {
                Some(process) if is_same(&process, *listed, &mut self.proc) => {
                    Process { listed: *listed, is_new: false, ..process }
                }
                Some(other) => {
                    self.gone.extend(other.into_gone());
                    Process::new(*listed)
                }
                None => Process::new(*listed),
            });
        }
        self.gone.extend(before.filter_map(Process::into_gone));
    }

    /// Lets go of the members of groups that are not there any more, and follows those that have
    /// changed.
    fn release(&mut self, groups: &Groups, rules: &Rules<'_>) {
        for process in &mut self.known {
            if process.group().is_some_and(|group| groups.get(group).is_none()) {
                process.member = None;
                process.is_due = true;
            }
            process.is_due |= rules.have_changed;
            if let Some(member) = &mut process.member
                && let Some(group) = groups.get(member.group).filter(|group| group.is_turned())
            {
                member.turn(group.has_children());
            }
        }
    }

    /// Chooses those that are to be looked at again.
    fn choose_due(&mut self, rules: &Rules<'_>) {
        for Root { pid, group } in rules.roots {
            if let Some(place) = position(&self.known, *pid) {
                self.known[place].is_due |= group.is_none() || self.known[place].group() != *group;
            }
        }
        for _ in 0..RECHECKED_MAX.min(self.known.len()) {
            self.next_recheck = (self.next_recheck + 1) % self.known.len();
            let process = &mut self.known[self.next_recheck];
            process.is_due |= process.member.is_none();
        }
    }

    /// Reads all members, parents before their children: a child that ends meanwhile is then at
    /// worst found at the next scrape, and never counted twice.
    fn read_members(&mut self, groups: &mut Groups) {
        let known = &mut self.known;
        self.order.clear();
        self.order.extend((0..known.len()).filter(|place| known[*place].member.is_some()));
        self.order.sort_unstable_by_key(|place| (known[*place].start_ticks, *place));
        for place in &self.order {
            // The first process has none, as have those whose parent this procfs does not show.
            let parent = known[*place].parent;
            let is_orphan = parent > 1 && position(known, parent).is_none();
            let process = &mut known[*place];
            let Some(member) = process.member.as_mut() else { continue };
            let Some(group) = groups.get_mut(member.group) else { continue };
            match member.read(process.listed.pid, &mut self.proc, group, is_orphan) {
                Ok(noticed) => {
                    process.parent = noticed.parent.unwrap_or(process.parent);
                    process.is_due |= noticed.is_renamed;
                    group.errors += noticed.errors;
                    groups.failures.processes += u64::from(noticed.is_unread);
                    groups.failures.partial += u64::from(member.reading.is_partial);
                }
                Err(member::Gone) => {
                    let member = process.member.take().expect("it was there");
                    let (pid, parent) = (process.listed.pid, process.parent);
                    process.is_gone = true;
                    self.gone.push(Gone { pid, parent, member });
                }
            }
        }
    }
}

/// Whether the process that is listed is this one. The kernel may forget the inode of a folder
/// that nobody uses; who began at the same time is the same all the same.
fn is_same(process: &Process, listed: Listed, proc: &mut Proc) -> bool {
    process.listed == listed
        || start_ticks(listed.pid, proc).is_some_and(|start| start == process.start_ticks)
}

#[cold]
fn start_ticks(pid: u32, proc: &mut Proc) -> Option<u64> {
    let content = proc.read(pid, "stat", &mut None, Keep::Closed).ok()?;
    Some(parse_stat(content).ok()?.start_ticks)
}

impl Process {
    fn into_gone(self) -> Option<Gone> {
        let Process { listed: Listed { pid, .. }, parent, member, .. } = self;
        member.map(|member| Gone { pid, parent, member })
    }
}

#[cfg(test)]
mod tests;
