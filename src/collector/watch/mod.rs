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

    /// The control group that has counted what a process of this section used, if the section is
    /// about nothing but control groups: then its group stands for them as wholes.
    pub(crate) fn control_group<'f>(&self, facts: &'f mut Facts<'_>) -> Option<(&'f str, Version)> {
        let Selectors { pid_file: None, command_line: None, executables, users, cgroups } =
            &self.selectors
        else {
            return None;
        };
        if !executables.is_empty() || !users.is_empty() || !self.group.is_fixed() {
            return None;
        }
        memberships(facts.cgroups()).find_map(|(controllers, path)| {
            let version = match controllers {
                b"" => Version::Two,
                _ if controllers.split(|byte| *byte == b',').any(|one| one == b"cpuacct") => {
                    Version::One
                }
                _ => return None,
            };
            let part = cgroups.iter().find_map(|cgroup| cgroup.part_of(path))?;
            let part = std::str::from_utf8(part).ok()?;
            // One that is outside of what is mounted here begins with two dots.
            (!part.split('/').any(|name| name == "..")).then_some((part, version))
        })
    }
}

/// Of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A hierarchy for each controller.
    One,
    /// One for all.
    Two,
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
        memberships(content).any(|(_, path)| self.part_of(path).is_some())
    }

    /// The part of `path`, the one that a process is in, that is the path of this one.
    fn part_of<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        match self {
            Cgroup::Path(wanted) => {
                let wanted = wanted.trim_end_matches('/').as_bytes();
                let rest = path.strip_prefix(wanted)?;
                (rest.is_empty() || rest.starts_with(b"/")).then(|| &path[..wanted.len()])
            }
            Cgroup::Unit(unit) => {
                let mut end = 0;
                for part in path.split(|byte| *byte == b'/') {
                    end += part.len();
                    if part == unit.as_bytes() {
                        return path.get(..end);
                    }
                    // The slash.
                    end += 1;
                }
                None
            }
        }
    }
}

/// What each line of the cgroup file of a process says: controllers, and a path.
fn memberships(content: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    // hierarchy:controllers:path
    content.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut parts = line.splitn(3, |byte| *byte == b':').skip(1);
        Some((parts.next()?, parts.next()?))
    })
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
    fn the_part_of_a_path_that_is_the_control_group() {
        const PATH: &[u8] = b"/user.slice/a@1.service/app.slice/web.service/x";
        let cases = [
            (Cgroup::Path("/user.slice".to_owned()), Some("/user.slice")),
            (Cgroup::Path("/".to_owned()), Some("")),
            (Cgroup::Path("/user".to_owned()), None),
            (
                Cgroup::Unit("web.service".to_owned()),
                Some("/user.slice/a@1.service/app.slice/web.service"),
            ),
            (Cgroup::Unit("x.service".to_owned()), None),
        ];
        for (cgroup, expected) in cases {
            assert_eq!(cgroup.part_of(PATH), expected.map(str::as_bytes), "{cgroup:?}");
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
