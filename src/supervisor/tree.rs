//! The processes below promlet: everything that it started, and what those started.
//!
//! Listed from /proc/PID/stat (proc_pid_stat(5)), because a process group or a session is only
//! what its members have not left. Always the real /proc of this PID namespace: `--path.procfs`
//! may point at another one's.

use std::collections::HashMap;
use std::fs;
use std::io;

use crate::log;
use crate::sys::error::plain;
use crate::sys::process::{self, Target};
use crate::sys::signal::Signal;

/// Sends a signal to every process below promlet. Where /proc is not to be read, to the group of
/// the application's first process, `leader`, as long as that one lives.
///
/// Processes that start while the tree is listed may be missed. A caller that must reach all of
/// them repeats this until no child is left, and then has reached all: a process whose parent is
/// killed falls to promlet.
pub(super) fn signal_all(signal: Signal, leader: Option<i32>) {
    match read_parents() {
        Ok(parents) => descendants(&parents, std::process::id() as i32)
            .into_iter()
            .for_each(|pid| signal_one(signal, Target::Process(pid))),
        Err(error) => {
            let fields: log::Fields<'_> = &[("error", &plain(&error))];
            log::warn("cannot list /proc: some processes may not stop", fields);
            if let Some(leader) = leader {
                signal_one(signal, Target::Group(leader));
            }
        }
    }
}

/// Sends a signal and logs a refusal: a process of another user cannot be stopped, the rest can.
pub(super) fn signal_one(signal: Signal, target: Target) {
    if let Err(error) = process::send(signal, target) {
        let (target, error) = (format!("{target:?}"), plain(&error));
        log::warn("signal refused", &[("signal", &signal), ("target", &target), ("error", &error)]);
    }
}

/// Every process and its parent, as pairs.
fn read_parents() -> io::Result<Vec<(i32, i32)>> {
    let pids = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // A process that ends while it is being looked at is not in the tree.
    let pairs = pids.filter_map(|pid| {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parse_parent(&stat)?))
    });
    Ok(pairs.collect())
}

/// The parent's id, field 4. The command name before it may hold anything, parentheses too, so it
/// is the last one that ends it.
fn parse_parent(stat: &[u8]) -> Option<i32> {
    let after_name = stat.iter().rposition(|&b| b == b')')? + 1;
    let text = str::from_utf8(&stat[after_name..]).ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// All processes below `root`, parents before their children.
fn descendants(parents: &[(i32, i32)], root: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for &(pid, parent) in parents {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut generation = vec![root];
    // Taken out as they are visited, so that not even a listing with a cycle in it (ids may be
    // reused while it is read) goes on for ever.
    while !generation.is_empty() {
        generation = generation.iter().filter_map(|pid| children.remove(pid)).flatten().collect();
        found.extend_from_slice(&generation);
    }
    found.retain(|&pid| pid != root);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        const CASES: &[(&[u8], Option<i32>)] = &[
            (b"7 (sh) S 3 7 7 0 -1 4194560", Some(3)),
            (b"7 (a) S 9 (b) R 4 7", Some(4)),
            (b"7 (\xff\n) Z 1 0", Some(1)),
            (b"7 (sh) S", None),
            (b"7 sh S 3", None),
            (b"7 (sh) S x 7", None),
            (b"", None),
        ];
        for (stat, parent) in CASES {
            assert_eq!(parse_parent(stat), *parent, "{}", stat.escape_ascii());
        }
    }

    #[test]
    fn descendants_are_those_below_and_nobody_else() {
        let parents = [(1, 0), (5, 1), (6, 5), (7, 6), (8, 5), (9, 1), (10, 9)];
        assert_eq!(descendants(&parents, 5), [6, 8, 7]);
        assert_eq!(descendants(&parents, 10), []);
        assert_eq!(descendants(&parents, 77), []);
    }

    #[test]
    fn a_cycle_comes_to_an_end() {
        assert_eq!(descendants(&[(5, 6), (6, 5), (7, 7)], 5), [6]);
        assert_eq!(descendants(&[(7, 7)], 7), []);
    }

    #[test]
    fn this_process_has_a_parent() {
        let own = std::process::id() as i32;
        let parents = read_parents().unwrap();
        let (_, parent) = parents.iter().find(|(pid, _)| *pid == own).unwrap();
        assert_eq!(*parent, std::os::unix::process::parent_id() as i32);
    }
}
