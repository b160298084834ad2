//! A process that belongs to a group, and what its files say of it.
//!
//! A process that sleeps costs two reads: while its only thread has not run (`schedstat`), nothing
//! that it does to itself can have changed, and only the memory that the kernel took from it is
//! looked at. All others cost six, on descriptors that stay open from the second time on.

use super::Group;
use super::groups::GroupId;
use super::parse::{
    Faults, ProcessStat, Proportional, Schedule, parse_descriptors_max, parse_io,
    parse_resident_pages, parse_schedstat, parse_smaps, parse_stat, parse_status,
};
use super::proc::{Keep, Proc};
use super::tasks::Tasks;
use super::usage::Usage;
use crate::collector::error::CollectError;
use crate::sys::constants::{clock_ticks_per_second, page_size_bytes};
use crate::sys::error::is_gone;
use std::fs::File;
use std::io;

/// How the kernel's units are those of metrics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units {
    tick_micros: u64,
    page_bytes: u64,
}

impl Default for Units {
    fn default() -> Units {
        Units { tick_micros: 1_000_000 / clock_ticks_per_second(), page_bytes: page_size_bytes() }
    }
}

impl Units {
    /// What a stat file counts, and the rest of `rest`.
    pub(super) fn usage(self, faults: Faults, rest: Usage) -> Usage {
        Usage {
            user_micros: faults.user_ticks.saturating_mul(self.tick_micros),
            system_micros: faults.system_ticks.saturating_mul(self.tick_micros),
            minor_faults: faults.minor_faults,
            major_faults: faults.major_faults,
            ..rest
        }
    }
}

/// What is wanted of each process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    /// The limits of its descriptors.
    pub(crate) limits: bool,
    /// Its threads.
    pub(crate) threads: bool,
    /// Its part of what it shares with others, which the kernel looks at every page for.
    pub(crate) smaps: bool,
}

/// What a process was found to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// What it has used itself. Of storage this is also what the children had used that it has
    /// waited for: the kernel does not tell them apart.
    pub(super) own: Usage,
    /// What those had used of the rest.
    pub(super) waited: Usage,
    pub(super) state: u8,
    pub(super) threads: u64,
    pub(super) start_ticks: u64,
    pub(super) resident_bytes: u64,
    pub(super) virtual_bytes: u64,
    pub(super) swapped_bytes: Option<u64>,
    pub(super) proportional: Option<Proportional>,
    pub(super) descriptors: Option<u64>,
    pub(super) descriptors_max: Option<u64>,
    pub(super) has_storage: bool,
    pub(super) has_switches: bool,
    /// Whether some of it could not be read.
    pub(super) is_partial: bool,
}

impl Reading {
    /// What it has used, with its waited-for children where they count.
    pub(super) fn used(&self, with_children: bool) -> Usage {
        if with_children { self.own.plus(self.waited) } else { self.own }
    }

    /// The part of that in which a child is when it is dead and was waited for.
    pub(super) fn inheritance(&self, with_children: bool) -> Usage {
        let Usage { read_bytes, write_bytes, .. } = self.own;
        let waited = if with_children { self.waited } else { Usage::default() };
        Usage { read_bytes, write_bytes, ..waited }
    }

    /// Whether it is dead and only its parent has not looked yet.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// That a process is not there any more.
#[derive(Debug)]
pub(super) struct Gone;

/// What was noticed while a process was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noticed {
    /// It executes something else.
    pub(super) is_renamed: bool,
    /// Its parent, if it was looked at.
    pub(super) parent: Option<u32>,
    /// Files that could not be read or understood.
    pub(super) errors: u64,
    /// Whether there are others that this process may not read.
    is_refused: bool,
    /// Whether nothing of it is known.
    pub(super) is_unread: bool,
}

/// A process of a group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) group: GroupId,
    pub(super) reading: Reading,
    /// What of the reading before could contain dead children.
    inheritance_before: Usage,
    /// What dead descendants had used that the counts of this process do not contain.
    pub(super) bequeathed: Usage,
    /// What they contain that belongs to others.
    pub(super) excluded: Usage,
    name: Name,
    schedule: Option<Schedule>,
    has_run: bool,
    /// Empty where they are not asked for.
    pub(super) tasks: Tasks,
    files: Files,
}

/// Its files, as far as they stay open.
#[derive(Debug, Default)]
struct Files {
    schedstat: Option<File>,
    statm: Option<File>,
    stat: Option<File>,
    status: Option<File>,
    io: Option<File>,
    fd: Option<File>,
    limits: Option<File>,
}

impl Member {
    pub(super) fn new(group: GroupId) -> Member {
        Member {
            group,
            reading: Reading::default(),
            inheritance_before: Usage::default(),
            bequeathed: Usage::default(),
            excluded: Usage::default(),
            name: Name::default(),
            schedule: None,
            has_run: false,
            tasks: Tasks::default(),
            files: Files::default(),
        }
    }

    /// What its group has by it.
    pub(super) fn contribution(&self, with_children: bool) -> Usage {
        self.reading.used(with_children).plus(self.bequeathed).minus(self.excluded)
    }

    /// How much the dead children in its counts can have become since the reading before.
    pub(super) fn inherited(&self, with_children: bool) -> Usage {
        self.reading.inheritance(with_children).minus(self.inheritance_before)
    }

    /// Remembers what the growth of the next reading is to be compared with.
    pub(super) fn begin_reading(&mut self, with_children: bool) {
        self.inheritance_before = self.reading.inheritance(with_children);
    }

    /// Has its group keep what it has by it where children begin or cease to count.
    pub(super) fn turn(&mut self, with_children: bool) {
        let part = if with_children { &mut self.excluded } else { &mut self.bequeathed };
        *part = part.plus(self.reading.waited);
    }

    /// Closes its files, as nobody reads it any more.
    pub(super) fn close(&mut self) {
        self.files = Files::default();
        self.tasks.close();
    }

    /// Moves to another group, which counts what it uses from here on.
    pub(super) fn join(&mut self, group: GroupId, with_children: bool) {
        self.group = group;
        self.excluded = self.reading.used(with_children);
        self.bequeathed = Usage::default();
    }

    /// Brings the reading up to date. `group` is the process' own; `is_suspect` where it may have
    /// changed without having run.
    pub(super) fn read(
        &mut self,
        pid: u32,
        proc: &mut Proc,
        group: &Group,
        is_suspect: bool,
    ) -> Result<Noticed, Gone> {
        self.begin_reading(group.has_children());
        // In this order: what happens between the two is found at the next scrape.
        let sleeps = self.sleeps(pid, proc);
        let is_known = sleeps && !is_suspect;
        let mut noticed = match is_known {
            true => Noticed::default(),
            false => self.read_all(pid, proc)?,
        };
        let Self { files, reading, .. } = self;
        let statm = proc.read(pid, "statm", &mut files.statm, Keep::Open);
        if statm.as_ref().is_err_and(is_gone) {
            return Err(Gone);
        }
        if let Some(pages) = noticed.take(statm, parse_resident_pages) {
            reading.resident_bytes = pages.saturating_mul(proc.units().page_bytes);
        }
        if proc.scope().smaps {
            // An open one is that of the program that was executed when it was opened.
            let content = proc.read(pid, "smaps_rollup", &mut None, Keep::Closed);
            reading.proportional = noticed.take(content, parse_smaps).flatten();
        }
        let is_partial = noticed.is_refused || noticed.errors > 0;
        reading.is_partial = is_partial || (is_known && reading.is_partial);
        Ok(noticed)
    }

    /// Whether its only thread has not run since the scrape before.
    fn sleeps(&mut self, pid: u32, proc: &mut Proc) -> bool {
        let content = proc.read(pid, "schedstat", &mut self.files.schedstat, Keep::Open);
        // Where there is no such file, nobody sleeps.
        let schedule = content.ok().and_then(|content| parse_schedstat(content).ok());
        let is_same = schedule.is_some_and(|s| s.slices != 0) && schedule == self.schedule;
        self.schedule = schedule;
        is_same && self.reading.threads == 1
    }

    fn read_all(&mut self, pid: u32, proc: &mut Proc) -> Result<Noticed, Gone> {
        // One that runs once in its life needs no descriptors.
        let keep = if self.has_run { Keep::Open } else { Keep::Closed };
        self.has_run = true;
        let units = proc.units();
        let mut noticed = Noticed::default();
        if proc.scope().threads {
            // First: what they have by their names, their process has too.
            self.tasks.read(pid, proc, &mut noticed);
        }
        let content = proc.read(pid, "stat", &mut self.files.stat, keep);
        if content.as_ref().is_err_and(is_gone) {
            return Err(Gone);
        }
        let stat = noticed.value(content).map(parse_stat);
        match stat {
            Some(Ok(stat)) => {
                noticed.parent = Some(stat.parent);
                noticed.is_renamed = self.name.replace(stat.name);
                self.reading.take_stat(&stat, units);
            }
            other => {
                noticed.errors += u64::from(other.is_some());
                noticed.is_unread = true;
                return Ok(noticed);
            }
        }
        self.read_others(pid, proc, keep, &mut noticed);
        Ok(noticed)
    }

    /// All but its stat file; what another user's process hides stays unknown.
    fn read_others(&mut self, pid: u32, proc: &mut Proc, keep: Keep, noticed: &mut Noticed) {
        let Self { files, reading, tasks, .. } = self;
        if let Some((read, written)) =
            noticed.take(proc.read(pid, "io", &mut files.io, keep), parse_io)
        {
            (reading.own.read_bytes, reading.own.write_bytes) = (read, written);
            reading.has_storage = true;
        }
        let status = noticed.take(proc.read(pid, "status", &mut files.status, keep), parse_status);
        if let Some(status) = status {
            reading.swapped_bytes = status.swapped_kib.map(|kib| kib.saturating_mul(1024));
            if let Some(switches) = status.voluntary_switches.zip(status.involuntary_switches) {
                let of_all = proc.scope().threads.then(|| tasks.switches());
                let switches = of_all.unwrap_or(switches);
                (reading.own.voluntary_switches, reading.own.involuntary_switches) = switches;
                reading.has_switches = true;
            }
        }
        reading.descriptors = noticed.value(proc.count_descriptors(pid, &mut files.fd, keep));
        if proc.scope().limits {
            let content = proc.read(pid, "limits", &mut files.limits, keep);
            reading.descriptors_max = noticed.take(content, parse_descriptors_max).flatten();
        }
    }
}

impl Reading {
    fn take_stat(&mut self, stat: &ProcessStat<'_>, units: Units) {
        self.own = units.usage(stat.own, self.own);
        self.waited = units.usage(stat.waited, self.waited);
        self.state = stat.state;
        self.threads = stat.threads;
        self.start_ticks = stat.start_ticks;
        self.virtual_bytes = stat.virtual_bytes;
    }
}

impl Noticed {
    /// What a file says; nothing where it is not there or not to be read by this process.
    pub(super) fn take<T>(
        &mut self,
        content: io::Result<&[u8]>,
        parse: fn(&[u8]) -> Result<T, CollectError>,
    ) -> Option<T> {
        let parsed = parse(self.value(content)?);
        self.errors += u64::from(parsed.is_err());
        parsed.ok()
    }

    /// What there is to be had, with the errors counted that are more than a closed door.
    pub(super) fn value<T>(&mut self, value: io::Result<T>) -> Option<T> {
        match &value {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.is_refused = true,
            Err(error) if !is_gone(error) => self.errors += 1,
            _ => {}
        }
        value.ok()
    }
}

/// The name of a process in the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    bytes: [u8; Name::BYTES_MAX],
    length: usize,
}

impl Name {
    /// Twice TASK_COMM_LEN: names of threads of the kernel may be longer, and are cut.
    const BYTES_MAX: usize = 32;

    pub(super) fn new(name: &[u8]) -> Name {
        let length = name.len().min(Name::BYTES_MAX);
        let mut bytes = [0; Name::BYTES_MAX];
        bytes[..length].copy_from_slice(&name[..length]);
        Name { bytes, length }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Takes on another name; whether it is another, and not the first.
    fn replace(&mut self, name: &[u8]) -> bool {
        let before = std::mem::replace(self, Name::new(name));
        before != *self && before.length > 0
    }
}
