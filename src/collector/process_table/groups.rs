//! Groups of processes: applications, and what sections of watching make of processes.
//!
//! What a group has used is what its living members have, what the dead had used that no living one
//! has inherited (`past`), and for an application what promlet got to know when it reaped.

use super::control::{Control, Hierarchies};
use super::live::Live;
use super::member::Member;
use super::names::Threads;
use super::usage::Usage;
use crate::collector::application::Status;
use crate::collector::watch::{OVERFLOW, Version, Watch};
use std::time::Instant;

/// The shortest time over which a rate says anything: a hundred ticks, in which the kernel counts. Who
/// asks sooner after another scraper gets what that one got.
const RATE_SECONDS_MIN: f64 = 1.0;

/// A group in [`Groups`], also when it is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupId {
    slot: usize,
    /// Of the group, among all that ever were.
    number: u64,
}

/// All groups. The places of those that are removed are used again.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    slots: Vec<Option<Group>>,
    /// How many there ever were.
    created: u64,
    /// The slot behind that of the application visited last.
    next: usize,
    /// Processes for whom a section had no group left.
    overflows: u64,
    pub(crate) failures: Failures,
    /// Where control groups are, if they are to be read.
    hierarchies: Option<Hierarchies>,
    buffer: Vec<u8>,
}

/// What could not be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    /// Lists of processes.
    pub(crate) lists: u64,
    /// Processes of which nothing was to be learned.
    pub(crate) processes: u64,
    /// Processes of which something was hidden or not understood, at each scrape.
    pub(crate) partial: u64,
}

/// A group and what is known of it at this scrape.
#[derive(Debug)]
pub(crate) struct Group {
    number: u64,
    pub(crate) name: String,
    pub(crate) origin: Origin,
    /// Of the dead that nobody has inherited from.
    past: Usage,
    /// The most that was shown so far: what is shown next is not less.
    used: Usage,
    /// How often a process appeared in it whose parent is not in it.
    appearances: u64,
    pub(crate) errors: u64,
    pub(crate) live: Live,
    /// Empty where they are not asked for.
    pub(crate) threads: Threads,
    /// The control groups that it stands for, if it is all of them.
    control: Option<Box<Control>>,
    /// Whether several sections put processes into it.
    is_shared: bool,
    /// Processor time a second, between the last two scrapes.
    pub(crate) cores: Option<f64>,
    measured: Option<(Instant, u64)>,
    is_visited: bool,
    /// Whether children begin or cease to belong to it.
    is_turned: bool,
}

/// Where a group comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// An application that promlet runs.
    Application(Box<Status>),
    /// A section.
    Watch { section: String, children: bool, pid: Option<u32> },
}

impl Group {
    fn new(number: u64, name: &str, origin: Origin) -> Group {
        Group {
            number,
            name: name.to_owned(),
            origin,
            past: Usage::default(),
            used: Usage::default(),
            appearances: 0,
            errors: 0,
            live: Live::default(),
            threads: Threads::default(),
            control: None,
            is_shared: false,
            cores: None,
            measured: None,
            is_visited: true,
            is_turned: false,
        }
    }

    /// Whether descendants of its members belong to it.
    pub(super) fn has_children(&self) -> bool {
        match &self.origin {
            Origin::Application(_) => true,
            Origin::Watch { children, .. } => *children,
        }
    }

    pub(super) fn is_turned(&self) -> bool {
        self.is_turned
    }

    /// Whether it runs: an application's first process, or any process that is watched.
    pub(crate) fn is_running(&self) -> bool {
        match &self.origin {
            Origin::Application(status) => status.pid.is_some(),
            Origin::Watch { .. } => self.live.running > 0,
        }
    }

    pub(super) fn is_application(&self) -> bool {
        matches!(self.origin, Origin::Application(_))
    }

    /// What its processes have used so far, the dead among them.
    pub(crate) fn used(&self) -> Usage {
        self.used
    }

    /// How often it was started, as far as that can be known.
    pub(crate) fn starts(&self) -> u64 {
        match &self.origin {
            Origin::Application(status) => status.starts,
            Origin::Watch { .. } => self.appearances,
        }
    }

    /// Takes over what a member had that is dead or has left. What an application's had comes by
    /// its being reaped.
    pub(super) fn bury(&mut self, contribution: Usage) {
        if !self.is_application() {
            self.past = self.past.plus(contribution);
        }
    }

    pub(super) fn note_appearance(&mut self) {
        self.appearances += 1;
    }

    pub(super) fn add(&mut self, member: &mut Member) {
        let with_children = self.has_children();
        self.live.add(&member.reading, member.contribution(with_children));
        self.live.add_states(member);
        self.threads.add(&mut member.tasks);
    }

    /// Adds up what it has used.
    fn finish(&mut self, now: Instant, buffer: &mut Vec<u8>) {
        let reaped = match &self.origin {
            Origin::Application(status) => status.reaped,
            Origin::Watch { .. } => Usage::default(),
        };
        let mut used = self.live.used.plus(self.past).plus(reaped);
        if let Some(times) = self.control.as_mut().and_then(|control| control.read(buffer)) {
            (used.user_micros, used.system_micros) = (times.user_micros, times.system_micros);
        }
        self.used = self.used.max(used);
        let micros = self.used.cpu_micros();
        let Some((then, before)) = self.measured else {
            self.measured = Some((now, micros));
            return;
        };
        let seconds = (now - then).as_secs_f64();
        if seconds >= RATE_SECONDS_MIN {
            self.cores = Some((micros - before) as f64 / 1e6 / seconds);
            self.measured = Some((now, micros));
        }
    }
}

impl Groups {
    /// No groups, whose control groups are read in `hierarchies`.
    pub(crate) fn new(hierarchies: Hierarchies) -> Groups {
        Groups { hierarchies: Some(hierarchies), ..Groups::default() }
    }

    /// Begins a scrape: there are no members until they are found, and no applications until they
    /// are visited.
    pub(crate) fn begin(&mut self) {
        for group in self.slots.iter_mut().flatten() {
            let Live { has_storage, has_switches, .. } = group.live;
            group.live = Live { has_storage, has_switches, ..Live::default() };
            group.threads.begin();
            group.is_visited = !group.is_application();
            group.is_turned = false;
        }
        self.next = 0;
    }

    /// Says how an application is.
    pub(crate) fn visit_application(&mut self, name: &str, status: Status) -> GroupId {
        let is_next = self.slots.get(self.next).and_then(Option::as_ref);
        let id = match is_next.filter(|group| group.name == name) {
            Some(group) => GroupId { slot: self.next, number: group.number },
            None => self.find_or_add(name, || Origin::Application(Box::new(status))),
        };
        self.next = id.slot + 1;
        if let Some(group) = self.get_mut(id) {
            group.is_visited = true;
            match &mut group.origin {
                Origin::Application(known) => **known = status,
                watch => *watch = Origin::Application(Box::new(status)),
            }
        }
        id
    }

    /// Says what promlet knows of the dead of an application.
    pub(crate) fn set_reaped(&mut self, name: &str, reaped: Usage) {
        let group = self.slots.iter_mut().flatten().find(|group| group.name == name);
        if let Some(Group { origin: Origin::Application(status), .. }) = group {
            status.reaped = reaped;
        }
    }

    /// Removes the applications that were not visited.
    pub(crate) fn remove_unvisited(&mut self) {
        self.retain(|group| group.is_visited);
    }

    /// Removes the groups of sections that are not in force any more, and has those of the others
    /// be as these are.
    pub(crate) fn follow(&mut self, watches: &[Watch]) {
        self.retain(|group| match &mut group.origin {
            Origin::Application(_) => true,
            Origin::Watch { section, children, .. } => {
                let watch = watches.iter().find(|watch| watch.name == *section);
                if let Some(watch) = watch {
                    // Those of the section are noted again.
                    group.control = None;
                    group.is_turned = std::mem::replace(children, watch.children) != *children;
                }
                watch.is_some()
            }
        });
    }

    fn retain(&mut self, stays: impl Fn(&mut Group) -> bool) {
        for slot in &mut self.slots {
            slot.take_if(|group| !stays(group));
        }
    }

    /// The group `name` of a section: a new one, unless the section has all that it may have. The
    /// name of an application is not to be had.
    pub(super) fn of_watch(&mut self, watch: &Watch, name: &str) -> GroupId {
        let known = self.find(name);
        let is_had = known.and_then(|id| self.get(id)).is_some_and(Group::is_application);
        let name = if is_had || (known.is_none() && self.is_full(watch)) {
            self.overflows += 1;
            OVERFLOW
        } else {
            name
        };
        let id = self.find_or_add(name, || Origin::Watch {
            section: watch.name.clone(),
            children: watch.children,
            pid: None,
        });
        if let Some(group) = self.get_mut(id) {
            let is_own =
                matches!(&group.origin, Origin::Watch { section, .. } if *section == watch.name);
            group.is_shared |= !is_own || name == OVERFLOW;
        }
        id
    }

    /// Says that a group stands for a control group as a whole.
    pub(super) fn note_control(&mut self, id: GroupId, path: &str, version: Version) {
        let Some(hierarchies) = self.hierarchies.take() else { return };
        if let Some(group) = self.get_mut(id) {
            let control = group.control.get_or_insert_default();
            control.note(path, version, &hierarchies);
            group.control.take_if(|_| group.is_shared);
        }
        self.hierarchies = Some(hierarchies);
    }

    fn is_full(&self, watch: &Watch) -> bool {
        let is_of_it = |group: &&Group| matches!(&group.origin, Origin::Watch { section, .. } if *section == watch.name);
        self.iter().filter(is_of_it).count() >= watch.groups_max
    }

    /// Says which process a section with a pid file is about.
    pub(crate) fn set_pid(&mut self, id: GroupId, pid: u32) {
        if let Some(Origin::Watch { pid: of_group, .. }) = self.get_mut(id).map(|g| &mut g.origin) {
            *of_group = Some(pid);
        }
    }

    /// Counts that no process could be looked at.
    pub(crate) fn note_error(&mut self) {
        self.failures.lists += 1;
        self.slots.iter_mut().flatten().for_each(|group| group.errors += 1);
    }

    /// Ends a scrape: adds up what each group has used.
    pub(crate) fn finish(&mut self, now: Instant) {
        let buffer = &mut self.buffer;
        self.slots.iter_mut().flatten().for_each(|group| group.finish(now, buffer));
    }

    /// How many processes are in an overflow group that should have had another.
    pub(crate) fn overflows(&self) -> u64 {
        self.overflows
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.slots.iter().flatten()
    }

    pub(super) fn get(&self, id: GroupId) -> Option<&Group> {
        self.slots[id.slot].as_ref().filter(|group| group.number == id.number)
    }

    pub(super) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.slots[id.slot].as_mut().filter(|group| group.number == id.number)
    }

    /// The group of this name.
    pub(super) fn find(&self, name: &str) -> Option<GroupId> {
        let groups = self.slots.iter().enumerate();
        let mut groups = groups.filter_map(|(slot, group)| Some((slot, group.as_ref()?)));
        let (slot, group) = groups.find(|(_, group)| group.name == name)?;
        Some(GroupId { slot, number: group.number })
    }

    fn find_or_add(&mut self, name: &str, origin: impl FnOnce() -> Origin) -> GroupId {
        if let Some(id) = self.find(name) {
            return id;
        }
        let slot = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.created += 1;
        let number = self.created;
        self.slots[slot] = Some(Group::new(number, name, origin()));
        GroupId { slot, number }
    }
}
