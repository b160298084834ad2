//! The threads of a process, which are looked at only where that is asked for.
//!
//! A thread that has not run since the scrape before costs one read, any other five. What one used
//! between the last scrape and its end is known of its process, but not by its name.

use super::member::{Name, Noticed};
use super::parse::{Schedule, parse_io, parse_schedstat, parse_stat, parse_status};
use super::proc::Proc;
use super::usage::Usage;
use std::fs::File;

/// Bytes of the name of a function of the kernel (KSYM_NAME_LEN is 512, and none is half as long).
const WAIT_CHANNEL_BYTES_MAX: usize = 128;

/// The threads that a process has, and what is known of those it had.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    known: Vec<Task>,
    /// What those had used that have ended.
    ended: Usage,
    /// Whether there ever were several. The only thread of a process is shown as the process.
    pub(super) has_several: bool,
}

/// A thread.
#[derive(Debug, Default)]
pub(super) struct Task {
    id: u32,
    start_ticks: u64,
    pub(super) name: Name,
    pub(super) state: u8,
    /// The function of the kernel in which it waits; empty while it runs and where that is hidden.
    pub(super) wait_channel: String,
    /// Whether its bytes may be known.
    pub(super) has_storage: bool,
    used: Usage,
    /// What of that nobody has taken yet.
    grown: Usage,
    schedule: Option<Schedule>,
    schedstat: Option<File>,
    is_listed: bool,
}

impl Tasks {
    /// Brings them up to date. Who ends meanwhile keeps what was known.
    pub(super) fn read(&mut self, pid: u32, proc: &mut Proc, noticed: &mut Noticed) {
        let ids = proc.list_tasks(pid);
        let Some(ids) = noticed.value(ids) else { return };
        self.known.iter_mut().for_each(|task| task.is_listed = false);
        for (place, id) in ids.iter().enumerate() {
            let task = self.place_of(*id, place);
            let task = &mut self.known[task];
            task.is_listed = true;
            if !task.sleeps(pid, proc) {
                self.ended = self.ended.plus(task.read(pid, proc, noticed));
            }
        }
        proc.give_back(ids);
        self.has_several |= self.known.len() > 1;
        let ended = &mut self.ended;
        self.known.retain(|task| {
            if !task.is_listed {
                *ended = ended.plus(task.used);
            }
            task.is_listed
        });
    }

    pub(super) fn close(&mut self) {
        self.known.iter_mut().for_each(|task| task.schedstat = None);
    }

    /// Those that there are.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Task> {
        self.known.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Task> {
        self.known.iter_mut()
    }

    /// Switches of all of them that were ever seen: voluntary and other ones.
    pub(super) fn switches(&self) -> (u64, u64) {
        let used = self.known.iter().map(|task| task.used).fold(self.ended, Usage::plus);
        (used.voluntary_switches, used.involuntary_switches)
    }

    /// Where a thread is, which is most likely where it was before.
    fn place_of(&mut self, id: u32, hint: usize) -> usize {
        if self.known.get(hint).is_some_and(|task| task.id == id) {
            return hint;
        }
        self.known.iter().position(|task| task.id == id).unwrap_or_else(|| {
            self.known.push(Task { id, ..Task::default() });
            self.known.len() - 1
        })
    }
}

impl Task {
    /// Takes what it has used since this was done before.
    pub(super) fn take_growth(&mut self) -> Usage {
        std::mem::take(&mut self.grown)
    }

    fn sleeps(&mut self, pid: u32, proc: &mut Proc) -> bool {
        let content = proc.read_task(pid, self.id, "schedstat", Some(&mut self.schedstat));
        let schedule = content.ok().and_then(|content| parse_schedstat(content).ok());
        let is_same = schedule.is_some_and(|s| s.slices != 0) && schedule == self.schedule;
        self.schedule = schedule;
        is_same
    }

    /// Reads it anew; what another thread had used that had its id before.
    fn read(&mut self, pid: u32, proc: &mut Proc, noticed: &mut Noticed) -> Usage {
        let units = proc.units();
        let content = noticed.value(proc.read_task(pid, self.id, "stat", None));
        let Some(content) = content else { return Usage::default() };
        let Ok(stat) = parse_stat(content) else {
            noticed.errors += 1;
            return Usage::default();
        };
        let is_another = self.start_ticks != 0 && self.start_ticks != stat.start_ticks;
        let ended = if is_another { std::mem::take(&mut self.used) } else { Usage::default() };
        self.start_ticks = stat.start_ticks;
        self.name = Name::new(stat.name);
        self.state = stat.state;
        let before = self.used;
        self.used = units.usage(stat.own, before);
        self.read_others(pid, proc, noticed);
        self.grown = self.grown.plus(self.used.minus(before));
        ended
    }

    fn read_others(&mut self, pid: u32, proc: &mut Proc, noticed: &mut Noticed) {
        let id = self.id;
        if let Some((read, written)) = noticed.take(proc.read_task(pid, id, "io", None), parse_io) {
            (self.used.read_bytes, self.used.write_bytes) = (read, written);
            self.has_storage = true;
        }
        let status = noticed.take(proc.read_task(pid, id, "status", None), parse_status);
        let switches = status.and_then(|it| it.voluntary_switches.zip(it.involuntary_switches));
        if let Some(switches) = switches {
            (self.used.voluntary_switches, self.used.involuntary_switches) = switches;
        }
        self.wait_channel.clear();
        let channel = noticed.value(proc.read_task(pid, id, "wchan", None));
        // What runs waits in 0, and so does what another user's waits in.
        if let Some(name) = channel.filter(|name| *name != b"0" && name.is_ascii()) {
            let name = &name[..name.len().min(WAIT_CHANNEL_BYTES_MAX)];
            self.wait_channel.extend(name.iter().map(|byte| char::from(*byte)));
        }
    }
}
