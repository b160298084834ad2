//! The CPU time of control groups as wholes (cgroups(7); Documentation/admin-guide/cgroup-v2.rst
//! and cgroup-v1/cpuacct.rst): of all that ever were in one, those among them that nobody waited for.
//!
//! Storage is not taken from here: `io.stat` has a byte once for each device that it passes through.

use crate::collector::fs::KeptFile;
use crate::collector::lines::{Lines, parse_number};
use crate::collector::watch::Version;
use std::path::{Path, PathBuf};

/// Control groups that are read for one group of processes. A unit of all users has one for each;
/// past it the processes are added up.
const PATHS_MAX: usize = 64;

/// Where control groups are mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hierarchies {
    unified: PathBuf,
    cpuacct: PathBuf,
}

impl Hierarchies {
    /// Below this sysfs, where all distributions have them. Version 2 stands in a folder of its own
    /// beside version 1.
    pub(crate) fn new(sysfs: &Path) -> Hierarchies {
        let root = sysfs.join("fs/cgroup");
        let beside = root.join("unified");
        let cpuacct = root.join("cpuacct");
        Hierarchies { unified: if beside.is_dir() { beside } else { root }, cpuacct }
    }
}

/// What the control groups have used that one group of processes stands for.
#[derive(Debug, Default)]
pub(crate) struct Control {
    paths: Vec<Accounted>,
    /// Whether there are more than can be read.
    is_full: bool,
}

/// A control group.
#[derive(Debug)]
struct Accounted {
    path: String,
    files: Files,
    /// What those before it had used that had its path.
    before: Times,
    last: Times,
    is_known: bool,
}

#[derive(Debug)]
enum Files {
    Unified(KeptFile),
    Cpuacct { user: KeptFile, system: KeptFile },
}

/// Processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) user_micros: u64,
    pub(crate) system_micros: u64,
}

impl Control {
    /// Has the control group at `path` read.
    pub(super) fn note(&mut self, path: &str, version: Version, hierarchies: &Hierarchies) {
        if self.paths.iter().any(|known| is_below(path, &known.path)) {
            return;
        }
        self.paths.retain(|known| !is_below(&known.path, path));
        self.is_full |= self.paths.len() >= PATHS_MAX;
        if !self.is_full {
            let files = Files::new(path, version, hierarchies);
            let (before, last) = (Times::default(), Times::default());
            let path = path.to_owned();
            self.paths.push(Accounted { path, files, before, last, is_known: false });
        }
    }

    /// What all have used by now; `None` where it cannot be known. Those that are gone have used
    /// what they had.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>) -> Option<Times> {
        let mut sum = None;
        for accounted in &mut self.paths {
            accounted.read(buffer);
            if !accounted.is_known {
                return None;
            }
            let times = accounted.before.plus(accounted.last);
            sum = Some(sum.map_or(times, |sum: Times| sum.plus(times)));
        }
        sum.filter(|_| !self.is_full)
    }
}

impl Accounted {
    fn read(&mut self, buffer: &mut Vec<u8>) {
        let Some(times) = self.files.read(buffer) else { return };
        // One that was removed and made again begins at zero.
        if times.user_micros < self.last.user_micros
            || times.system_micros < self.last.system_micros
        {
            self.before = self.before.plus(self.last);
        }
        self.last = times;
        self.is_known = true;
    }
}

impl Files {
    fn new(path: &str, version: Version, hierarchies: &Hierarchies) -> Files {
        let Hierarchies { unified, cpuacct } = hierarchies;
        let below = path.trim_start_matches('/');
        match version {
            Version::One => {
                let file = |name| KeptFile::new(cpuacct.join(below).join(name));
                let (user, system) = (file("cpuacct.usage_user"), file("cpuacct.usage_sys"));
                Files::Cpuacct { user, system }
            }
            Version::Two => Files::Unified(KeptFile::new(unified.join(below).join("cpu.stat"))),
        }
    }

    fn read(&mut self, buffer: &mut Vec<u8>) -> Option<Times> {
        match self {
            Files::Unified(file) => parse_cpu_stat(file.read(buffer).ok()?),
            Files::Cpuacct { user, system } => {
                let mut micros = |file: &mut KeptFile| {
                    parse_number::<u64>(file.read(buffer).ok()?.trim_ascii()).map(|ns| ns / 1000)
                };
                Some(Times { user_micros: micros(user)?, system_micros: micros(system)? })
            }
        }
    }
}

fn parse_cpu_stat(content: &[u8]) -> Option<Times> {
    let (mut user, mut system) = (None, None);
    for mut line in Lines::new("cpu.stat", content) {
        match line.word() {
            Some(b"user_usec") => user = Some(line.number("microseconds").ok()?),
            Some(b"system_usec") => system = Some(line.number("microseconds").ok()?),
            _ => {}
        }
    }
    user.zip(system).map(|(user_micros, system_micros)| Times { user_micros, system_micros })
}

impl Times {
    fn plus(self, other: Times) -> Times {
        Times {
            user_micros: self.user_micros.saturating_add(other.user_micros),
            system_micros: self.system_micros.saturating_add(other.system_micros),
        }
    }
}

/// Whether a control group is another one or below it.
fn is_below(path: &str, other: &str) -> bool {
    let rest = path.strip_prefix(other.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    fn times(user_micros: u64, system_micros: u64) -> Option<Times> {
        Some(Times { user_micros, system_micros })
    }

    #[test]
    fn a_control_group_that_is_made_again_goes_on() {
        let scratch = Scratch::new("control-again");
        let hierarchies = Hierarchies::new(&scratch.path(""));
        let mut control = Control::default();
        let mut buffer = Vec::new();
        assert_eq!(control.read(&mut buffer), None);
        control.note("/a", Version::Two, &hierarchies);
        assert_eq!(control.read(&mut buffer), None);
        let write = |user: u64, system: u64| {
            let stat = format!("usage_usec 9\nuser_usec {user}\nsystem_usec {system}\n");
            scratch.write("fs/cgroup/a/cpu.stat", stat.as_bytes());
        };
        write(5, 3);
        assert_eq!(control.read(&mut buffer), times(5, 3));
        write(1, 0);
        assert_eq!(control.read(&mut buffer), times(6, 3));
        std::fs::remove_dir_all(scratch.path("fs/cgroup/a")).unwrap();
        assert_eq!(control.read(&mut buffer), times(6, 3));
        scratch.write("fs/cgroup/a/cpu.stat", b"user_usec x\n");
        assert_eq!(control.read(&mut buffer), times(6, 3));
    }

    #[test]
    fn version_1_and_those_below_others() {
        let scratch = Scratch::new("control-versions");
        for (path, nanos) in [("a", "3000"), ("a/b", "1000"), ("c", "500000")] {
            for name in ["user", "sys"] {
                let file = format!("fs/cgroup/cpuacct/{path}/cpuacct.usage_{name}");
                scratch.write(&file, format!("{nanos}\n").as_bytes());
            }
        }
        let hierarchies = Hierarchies::new(&scratch.path(""));
        for paths in [["/a", "/a/b", "/c"], ["/a/b", "/c", "/a"], ["/c", "/a", "/a"]] {
            let mut control = Control::default();
            paths.iter().for_each(|path| control.note(path, Version::One, &hierarchies));
            assert_eq!(control.read(&mut Vec::new()), times(503, 503), "{paths:?}");
        }
        let mut control = Control::default();
        (0..=PATHS_MAX)
            .for_each(|number| control.note(&format!("/{number}"), Version::One, &hierarchies));
        assert_eq!((control.read(&mut Vec::new()), control.paths.len()), (None, PATHS_MAX));
    }
}
