//! What is watched: processes that promlet did not start, by section of the configuration.
//!
//! A section selects processes by any of five properties, all of which must fit, and says by a
//! template which group each belongs to. The first section that fits a process has it; with
//! `children`, so do those below it that no section selects.

mod facts;
mod template;

pub(crate) use facts::Facts;
pub use template::{Template, TemplateError};

use crate::regex::Regex;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the group of those for whom a section has no group left.
pub(crate) const OVERFLOW: &str = "__overflow__";

/// Bytes of an executable's name in the kernel (TASK_COMM_LEN, less its terminator).
const NAME_BYTES_MAX: usize = 15;

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Its name, and that of its group unless the template says otherwise.
    pub name: String,
    /// Which processes it is about.
    pub selectors: Selectors,
    /// Whether those belong to it that are below these, and what they used before they ended.
    pub children: bool,
    /// The name of the group of a process.
    pub group: Template,
    /// Most groups that it can have; past it, all are in one that is called `__overflow__`.
    pub groups_max: usize,
    /// The names of users, for templates that want them.
    pub users: Arc<[(u32, String)]>,
}

/// What fits a process: all that are given, at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors {
    /// The file that has its id.
    pub pid_file: Option<PathBuf>,
    /// Any of these: the path of its executable, or its name if there is no slash in it.
    pub executables: Vec<String>,
    /// Its arguments with blanks between them.
    pub command_line: Option<Regex>,
    /// Any of these is its effective user.
    pub users: Vec<u32>,
    /// Any of these.
    pub cgroups: Vec<Cgroup>,
}

/// Control groups of either version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cgroup {
    /// The one with this path in any hierarchy, and those below it.
    Path(String),
    /// Those of this systemd unit.
    Unit(String),
}

/// The sections in force. A handle: clones are the same list, which a reload replaces.
#[derive(Clone, Debug, Default)]
pub struct WatchList {
    watches: Arc<Mutex<Arc<[Watch]>>>,
}

impl WatchList {
    /// Puts `watches` in the place of those in force.
    pub fn set(&self, watches: Vec<Watch>) {
        *self.watches.lock().unwrap_or_else(PoisonError::into_inner) = watches.into();
    }

    pub(crate) fn get(&self) -> Arc<[Watch]> {
        Arc::clone(&self.watches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Watch {
    /// The group of a process, if this section selects it. `listed` is the process in the pid file.
    pub(crate) fn group_of(&self, facts: &mut Facts<'_>, listed: Option<u32>) -> Option<String> {
        let Selectors { pid_file, executables, command_line, users, cgroups } = &self.selectors;
        if pid_file.is_some() && listed != Some(facts.pid()) {
            return None;
        }
        if !executables.is_empty() && !executables.iter().any(|one| is_executable(one, facts)) {
            return None;
        }
        if !users.is_empty() && !facts.user().is_some_and(|user| users.contains(&user)) {
            return None;
        }
        if !cgroups.is_empty() && !cgroups.iter().any(|cgroup| cgroup.has(facts.cgroups())) {
            return None;
        }
        let mut captures = None;
        if let Some(regex) = command_line {
            let text = facts.command_line().to_owned();
            // A thread of the kernel has none.
            if text.is_empty() || !regex.is_match(&text) {
                return None;
            }
            captures = self.group.needs_captures().then_some((regex, text));
        }
        Some(self.group.expand(facts, captures.as_ref(), &self.users))
    }
}

fn is_executable(wanted: &str, facts: &mut Facts<'_>) -> bool {
    if wanted.contains('/') {
        return facts.executable() == Some(wanted.as_bytes());
    }
    let wanted = wanted.as_bytes();
    &wanted[..wanted.len().min(NAME_BYTES_MAX)] == facts.name()
}

impl Cgroup {
    /// Whether the cgroup file of a process (cgroups(7)) names this one.
    fn has(&self, content: &[u8]) -> bool {
        // hierarchy:controllers:path
        let paths = content.split(|byte| *byte == b'\n');
        let mut paths = paths.filter_map(|line| line.splitn(3, |byte| *byte == b':').nth(2));
        match self {
            Cgroup::Path(path) => paths.any(|found| {
                let rest = found.strip_prefix(path.trim_end_matches('/').as_bytes());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            }),
            Cgroup::Unit(unit) => paths
                .any(|found| found.split(|byte| *byte == b'/').any(|part| part == unit.as_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_of_either_version() {
        const V2: &[u8] = b"0::/system.slice/nginx.service/worker\n";
        const V1: &[u8] = b"9:name=systemd:/a:b\n4:memory:/shop/web\n1:cpu:/\n0::/\n";
        let path = |path: &str| Cgroup::Path(path.to_owned());
        let unit = |unit: &str| Cgroup::Unit(unit.to_owned());
        let cases = [
            (path("/system.slice"), V2, true),
            (path("/system.slice/"), V2, true),
            (path("/system.slice/nginx.service/worker"), V2, true),
            (path("/system.slice/nginx"), V2, false),
            (path("/shop"), V1, true),
            (path("/a:b"), V1, true),
            (path("/web"), V1, false),
            (unit("nginx.service"), V2, true),
            (unit("nginx"), V2, false),
            (unit("web"), V1, true),
            (unit("nginx.service"), b"", false),
        ];
        for (cgroup, content, expected) in cases {
            assert_eq!(cgroup.has(content), expected, "{cgroup:?} {}", content.escape_ascii());
        }
    }

    #[test]
    fn a_list_is_the_same_for_all_who_have_it() {
        let list = WatchList::default();
        let other = list.clone();
        assert!(Arc::ptr_eq(&list.get(), &other.get()));
        list.set(Vec::new());
        assert!(Arc::ptr_eq(&list.get(), &other.get()));
    }
}
