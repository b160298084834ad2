//! The processes below promlet: everything that it started, and what those started.
//!
//! Listed from /proc/PID/stat (proc_pid_stat(5)), because a process group or a session is only
//! what its members have not left. Always the real /proc of this PID namespace: `--path.procfs`
//! may point at another one's.

use std::collections::HashMap;
use std::fs;
use std::io;

use super::roster::Orphan;
use crate::log;
use crate::sys::error::plain;
use crate::sys::process::{self, Target};
use crate::sys::signal::Signal;

/// A process as its line in /proc tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    parent: i32,
    group: i32,
    pub(super) session: i32,
}

impl Process {
    /// What is known of it when promlet is its parent but did not start it.
    pub(super) fn orphan(self) -> Orphan {
        Orphan { pid: self.pid, group: self.group, session: self.session }
    }
}

/// Sends a signal and logs a refusal: a process of another user cannot be stopped, the rest can.
pub(super) fn signal_one(signal: Signal, target: Target) {
    if let Err(error) = process::send(signal, target) {
        let (target, error) = (format!("{target:?}"), plain(&error));
        log::warn("signal refused", &[("signal", &signal), ("target", &target), ("error", &error)]);
    }
}

/// Every process that there is.
///
/// Those that start meanwhile may be missed. Who must reach all of a tree repeats this until nothing
/// of it is left, and then has reached all: a process whose parent is killed falls to promlet.
pub(super) fn read() -> io::Result<Vec<Process>> {
    let pids = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // A process that ends while it is being looked at is not in the tree.
    let processes = pids.filter_map(|pid| {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        parse(pid, &stat)
    });
    Ok(processes.collect())
}

/// Whether a process without an environment may get one: one that execve(2) is about to give a new
/// program has none for a moment, nor has its memory when that was opened just before.
pub(super) fn may_be_changing_program(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/stat")).is_ok_and(|stat| has_no_settled_environment(&stat))
}

/// The state is field 3; where the environment starts and ends are fields 50 and 51.
fn has_no_settled_environment(stat: &[u8]) -> bool {
    let fields = || fields_behind_name(stat).into_iter().flatten();
    let is_alive = fields().next().is_some_and(|state| !matches!(state, "Z" | "X"));
    let (start, end) = (fields().nth(47), fields().nth(48));
    is_alive && start.is_some() && (start == Some("0") || start != end)
}

/// Parent, group and session, fields 4 to 6.
fn parse(pid: i32, stat: &[u8]) -> Option<Process> {
    let mut numbers = fields_behind_name(stat)?.skip(1).map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Process { pid, parent: next()?, group: next()?, session: next()? })
}

/// The fields from the third on. The command name before them may hold anything, parentheses too,
/// so it is the last one that ends it.
fn fields_behind_name(stat: &[u8]) -> Option<impl Iterator<Item = &str>> {
    let after_name = stat.iter().rposition(|&b| b == b')')? + 1;
    Some(str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace())
}

/// The children of `root` that `is_chosen`, and all below those, parents before their children.
pub(super) fn below(
    processes: &[Process],
    root: i32,
    is_chosen: impl Fn(Process) -> bool,
) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut generation = children.remove(&root).unwrap_or_default();
    generation.retain(|process| is_chosen(*process));
    let mut found = Vec::new();
    // Taken out as they are visited, so that not even a listing with a cycle in it (ids may be
    // reused while it is read) goes on for ever.
    while !generation.is_empty() {
        found.extend(generation.iter().map(|process| process.pid));
        let next = generation.iter().filter_map(|process| children.remove(&process.pid));
        generation = next.flatten().collect();
    }
    found.retain(|&pid| pid != root);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Process {
        Process { pid, parent, group: 1, session: 1 }
    }

    #[test]
    fn what_is_known_is_found_behind_any_name() {
        type Case = (&'static [u8], Option<(i32, i32, i32)>);
        const CASES: &[Case] = &[
            (b"7 (sh) S 3 7 8 0 -1 4194560", Some((3, 7, 8))),
            (b"7 (a) S 9 (b) R 4 7 7", Some((4, 7, 7))),
            (b"7 (\xff\n) Z 1 0 0", Some((1, 0, 0))),
            (b"7 (sh) S 3 7", None),
            (b"7 (sh) S", None),
            (b"7 sh S 3", None),
            (b"7 (sh) S x 7", None),
            (b"", None),
        ];
        for (stat, expected) in CASES {
            let found = parse(7, stat).map(|found| (found.parent, found.group, found.session));
            assert_eq!(found, *expected, "{}", stat.escape_ascii());
        }
    }

    #[test]
    fn an_environment_is_settled_unless_a_program_is_on_its_way() {
        let stat = |state: &str, start: u64, end: u64| {
            let between = "1 ".repeat(46);
            format!("7 (sh) {state} {between}{start} {end} 0\n")
        };
        for (state, start, end, expected) in [
            ("R", 0, 0, true),
            ("S", 4_096, 8_192, true),
            ("S", 4_096, 4_096, false),
            ("Z", 0, 0, false),
        ] {
            let stat = stat(state, start, end);
            assert_eq!(has_no_settled_environment(stat.as_bytes()), expected, "{stat}");
        }
        assert!(!has_no_settled_environment(b"7 (sh) R 1 1 1"));
        assert!(has_no_settled_environment(&fs::read("/proc/self/stat").unwrap()));
    }

    #[test]
    fn those_below_the_chosen_and_nobody_else() {
        let pairs = [(1, 0), (5, 1), (6, 5), (7, 6), (8, 5), (9, 1), (10, 9)];
        let processes = pairs.map(|(pid, parent)| process(pid, parent));
        assert_eq!(below(&processes, 5, |_| true), [6, 8, 7]);
        assert_eq!(below(&processes, 5, |child| child.pid == 6), [6, 7]);
        assert_eq!(below(&processes, 10, |_| true), Vec::<i32>::new());
        assert_eq!(below(&processes, 77, |_| true), Vec::<i32>::new());
    }

    #[test]
    fn a_cycle_comes_to_an_end() {
        assert_eq!(below(&[process(5, 6), process(6, 5), process(7, 7)], 5, |_| true), [6]);
        assert_eq!(below(&[process(7, 7)], 7, |_| true), Vec::<i32>::new());
    }

    #[test]
    fn this_process_has_a_parent() {
        let own = std::process::id() as i32;
        let processes = read().unwrap();
        let found = processes.iter().find(|process| process.pid == own).unwrap();
        assert_eq!(found.parent, std::os::unix::process::parent_id() as i32);
        let found = (found.group, found.session);
        assert_eq!(Some(found), process::group_and_session(own));
    }
}
