//! `processes`: how many processes and threads there are, and in which states. Sources: the
//! processes of procfs (proc_pid_stat(5)) and two limits in `sys/kernel`.
//!
//! A walk over all threads is dear: some 8 us each. The state of a process of one thread is that of
//! its thread, so only those of several are listed.

use super::devices::Attributes;
use super::error::CollectError;
use super::fs::{Files, Records, read_once};
use super::lines::{Lines, parse_only_number};
use super::process_table::list_numbers;
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SUMS: [Metric; 4] = [
    Metric::gauge("node_processes_pids", "Processes that there are."),
    Metric::gauge("node_processes_threads", "Threads that there are."),
    Metric::gauge("node_processes_max_processes", "Process ids that there can be."),
    Metric::gauge("node_processes_max_threads", "Threads that there can be."),
];
const PROCESS_STATES: [Metric; 1] =
    [Metric::gauge("node_processes_state", "Processes that are in this state.")];
const THREAD_STATES: [Metric; 1] =
    [Metric::gauge("node_processes_threads_state", "Threads in each state.")];

const LIMITS: [&str; 2] = ["pid_max", "threads-max"];

/// Fields of `stat` between the state and the number of threads.
const FIELDS_BETWEEN: usize = 16;
/// States are letters.
const STATES: usize = 128;

pub(super) struct Processes {
    proc: Arc<Path>,
    limits: Attributes<{ LIMITS.len() }>,
    sums: Table,
    process_states: Table,
    thread_states: Table,
    walk: Walk,
}

/// What a pass over the processes counts.
struct Walk {
    path: String,
    pids: Vec<u32>,
    tasks: Vec<u32>,
    threads: u64,
    process_states: [u64; STATES],
    thread_states: [u64; STATES],
}

impl Processes {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, proc) = (&setup.registry, &setup.roots.proc);
        let states = |label, metrics: &[Metric]| Table::register(registry, &[label], metrics);
        Ok(Box::new(Processes {
            proc: Arc::from(PathBuf::clone(proc)),
            limits: Attributes::new(&proc.join("sys/kernel"), LIMITS),
            sums: Table::register(registry, &[], &SUMS)?,
            process_states: states("state", &PROCESS_STATES)?,
            thread_states: states("thread_state", &THREAD_STATES)?,
            walk: Walk {
                path: String::new(),
                pids: Vec::new(),
                tasks: Vec::new(),
                threads: 0,
                process_states: [0; STATES],
                thread_states: [0; STATES],
            },
        }))
    }
}

impl Collector for Processes {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut sums, mut processes) = (self.sums.sweep(), self.process_states.sweep());
        let mut threads = self.thread_states.sweep();
        let mut outcome = self.walk.count(&self.proc, files);
        let count = self.walk.process_states.iter().sum::<u64>();
        if count == 0 {
            return outcome.and(Err(CollectError::NoData { path: Arc::clone(&self.proc) }));
        }
        self.limits.begin_scrape();
        let mut limits = [None; LIMITS.len()];
        for (index, name) in LIMITS.iter().enumerate() {
            let content = self.limits.read(index, files);
            match content.and_then(|content| parse_only_number(name, content)) {
                Ok(number) => limits[index] = Some(number),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        let [processes_max, threads_max] = limits;
        let counts = [count, self.walk.threads].map(|count| Some(count as f64));
        sums.only_row().set_all(&[counts[0], counts[1], processes_max, threads_max]);
        show(&self.walk.process_states, &mut processes);
        show(&self.walk.thread_states, &mut threads);
        outcome
    }
}

fn show(counts: &[u64; STATES], sweep: &mut Sweep<'_>) {
    for (state, count) in (0_u8..).zip(counts).filter(|(_, count)| **count > 0) {
        let letter = char::from(state);
        sweep.row(&[letter.encode_utf8(&mut [0; 4])]).set(0, Some(*count as f64));
    }
}

impl Walk {
    /// Counts the processes that there are. Those that end meanwhile are left out.
    fn count(&mut self, proc: &Path, files: &mut Files) -> Result<(), CollectError> {
        self.threads = 0;
        (self.process_states, self.thread_states) = ([0; STATES], [0; STATES]);
        let mut outcome = Ok(());
        let mut pids = std::mem::take(&mut self.pids);
        list_numbers(proc, &mut pids);
        for pid in &pids {
            match self.read(proc, format_args!("{pid}/stat"), files) {
                Ok(Some(stat)) => {
                    self.threads += stat.threads;
                    self.process_states[stat.state] += 1;
                    outcome = outcome.and(self.count_threads(proc, *pid, stat, files));
                }
                Ok(None) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        self.pids = pids;
        outcome
    }

    fn count_threads(
        &mut self,
        proc: &Path,
        pid: u32,
        stat: Stat,
        files: &mut Files,
    ) -> Result<(), CollectError> {
        self.set_path(proc, format_args!("{pid}/task"));
        // In a copy of a procfs there may be no threads at all.
        if stat.threads == 1 {
            self.thread_states[stat.state] += u64::from(Path::new(&self.path).exists());
            return Ok(());
        }
        let mut outcome = Ok(());
        let mut tasks = std::mem::take(&mut self.tasks);
        list_numbers(Path::new(&self.path), &mut tasks);
        for task in &tasks {
            if *task == pid {
                self.thread_states[stat.state] += 1;
                continue;
            }
            match self.read(proc, format_args!("{pid}/task/{task}/stat"), files) {
                Ok(Some(thread)) => self.thread_states[thread.state] += 1,
                Ok(None) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        self.tasks = tasks;
        outcome
    }

    /// `None` for a process or thread that is gone.
    fn read(
        &mut self,
        proc: &Path,
        below: std::fmt::Arguments<'_>,
        files: &mut Files,
    ) -> Result<Option<Stat>, CollectError> {
        self.set_path(proc, below);
        match read_once(Path::new(&self.path), Records::One, &mut files.buffer) {
            Ok(content) => parse_stat(content).map(Some),
            // It is gone, or ends just now, or a mount option hides it.
            Err(_) => Ok(None),
        }
    }

    fn set_path(&mut self, proc: &Path, below: std::fmt::Arguments<'_>) {
        self.path.clear();
        write!(self.path, "{}/{below}", proc.display()).expect("a string takes any text");
    }
}

/// What is looked at of a process or a thread.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    /// Its letter.
    state: usize,
    threads: u64,
}

/// Reads what stands behind the name, which may itself contain blanks and parentheses.
fn parse_stat(content: &[u8]) -> Result<Stat, CollectError> {
    let end = content.iter().rposition(|byte| *byte == b')').map(|at| at + 1);
    let malformed = || CollectError::malformed("stat", 1, "a name in parentheses", None);
    let mut lines = Lines::new("stat", &content[end.ok_or_else(malformed)?..]);
    let mut line = lines.next().ok_or_else(|| lines.missing("a state"))?;
    let word = line.word();
    let state = match word {
        Some([letter @ 0..=127]) => usize::from(*letter),
        _ => return Err(line.malformed("a state", word)),
    };
    for _ in 0..FIELDS_BETWEEN {
        line.word();
    }
    Ok(Stat { state, threads: line.number("a number of threads")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_behind_a_name_that_imitates_the_fields() {
        let stat = b"4417 (less) S 1 (x) R 4390 4417 4390 34818 4417 4194304 1 2 3 4 5 6 7 8 20 0 \
                     3 0 91244\n";
        assert_eq!(parse_stat(stat).unwrap(), Stat { state: usize::from(b'R'), threads: 3 });
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("", "stat:1: expected a name in parentheses, found end of line"),
            ("1 (x)\n", "stat:1: expected a state, found end of line"),
            ("1 (x) ab 2\n", "stat:1: expected a state, found ab"),
            ("1 (x) S 2\n", "stat:1: expected a number of threads, found end of line"),
        ];
        for (content, expected) in CASES {
            let error = parse_stat(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn no_content_panics(content in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(stat) = parse_stat(&content) {
                prop_assert!(stat.state < STATES);
            }
        }
    }
}
