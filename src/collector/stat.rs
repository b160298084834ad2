//! `stat`: what the kernel counted since it booted. Source: proc_stat(5), all but the CPU lines.
//!
//! Of the line `softirq` the counts by vector are shown where a flag asks for them.

use super::error::CollectError;
use super::flags::Flag;
use super::fs::{Files, SharedId};
use super::lines::{Line, Lines};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 6] = [
    Metric::gauge("node_boot_time_seconds", "When the host booted, in seconds since 1970."),
    Metric::counter("node_context_switches_total", "Context switches on all CPUs."),
    Metric::counter("node_forks_total", "Processes and threads created."),
    Metric::counter("node_intr_total", "Interrupts serviced, of all kinds."),
    Metric::gauge("node_procs_blocked", "Tasks that wait for input or output."),
    Metric::gauge("node_procs_running", "Tasks that run or are ready to run."),
];

const SOFTIRQ_FLAG: &str = "collector.stat.softirq";

pub(super) const FLAGS: &[Flag] =
    &[Flag::switch(SOFTIRQ_FLAG, false, "Count soft interrupts by vector.")];

/// In the order of the line `softirq`, behind the sum of all.
const VECTORS: [Metric; 10] = [
    vector("hi"),
    vector("timer"),
    vector("net_tx"),
    vector("net_rx"),
    vector("block"),
    vector("block_iopoll"),
    vector("tasklet"),
    vector("sched"),
    vector("hrtimer"),
    vector("rcu"),
];

const fn vector(name: &'static str) -> Metric {
    Metric::counter("node_softirqs_total", "Soft interrupts serviced, by vector.")
        .with_label("vector", name)
}

/// What the line of each of [`METRICS`] begins with.
const KEYS: [&[u8]; METRICS.len()] =
    [b"btime", b"ctxt", b"processes", b"intr", b"procs_blocked", b"procs_running"];

pub(super) struct Stat {
    file: SharedId,
    table: Table,
    /// Where the flag asks for it.
    vectors: Option<Table>,
}

impl Stat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = setup.files.share(setup.roots.proc.join("stat"));
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        let vectors = if setup.flags.switch(SOFTIRQ_FLAG) {
            Some(Table::register(&setup.registry, &[], &VECTORS)?)
        } else {
            None
        };
        Ok(Box::new(Stat { file, table, vectors }))
    }
}

impl Collector for Stat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let mut vectors = self.vectors.as_mut().map(Table::sweep);
        let content = files.read_shared(self.file)?;
        sweep.only_row().set_all(&parse_counts(content)?);
        if let Some(vectors) = &mut vectors {
            vectors.only_row().set_all(&parse_vectors(content)?);
        }
        Ok(())
    }
}

/// The first number in each of the lines of [`KEYS`] that are there.
fn parse_counts(content: &[u8]) -> Result<[Option<f64>; KEYS.len()], CollectError> {
    let mut counts = [None; KEYS.len()];
    for mut line in Lines::new("stat", content) {
        let key = line.word();
        if let Some(index) = KEYS.iter().position(|known| key == Some(known)) {
            counts[index] = Some(line.number::<u64>("a count")? as f64);
        }
    }
    Ok(counts)
}

/// The numbers of the line `softirq` behind the first, which is their sum.
fn parse_vectors(content: &[u8]) -> Result<[Option<f64>; VECTORS.len()], CollectError> {
    let is_it = |line: &Line<'_>| line.clone().word() == Some(b"softirq");
    let mut counts = [None; VECTORS.len()];
    if let Some(mut line) = Lines::new("stat", content).find(is_it) {
        line.word();
        line.number::<u64>("a sum")?;
        for count in &mut counts {
            *count = line.number_if_any::<u64>("a count")?.map(|count| count as f64);
        }
    }
    Ok(counts)
}

/// When the host booted, in seconds since 1970.
pub(super) fn parse_boot_time(content: &[u8]) -> Result<Option<f64>, CollectError> {
    Ok(parse_counts(content)?[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "\
cpu  1 2 3
cpu0 1 2 3
intr 457000 0 0 14
ctxt 18446744073709551615
btime 1763824000
processes 31353
procs_running 2
procs_blocked 0
softirq 1 2 3
";

    #[test]
    fn reads_the_first_number_of_each_line() {
        let expected = [1763824000.0, u64::MAX as f64, 31353.0, 457000.0, 0.0, 2.0];
        assert_eq!(parse_counts(STAT.as_bytes()).unwrap(), expected.map(Some));
    }

    #[test]
    fn reads_the_vectors_that_a_kernel_has() {
        let counts = parse_vectors(b"intr 1\nsoftirq 60 1 2 3\n").unwrap();
        assert_eq!(counts[..4], [Some(1.0), Some(2.0), Some(3.0), None]);
        assert_eq!(parse_vectors(b"intr 1\n").unwrap(), [None; VECTORS.len()]);
        let error = parse_vectors(b"intr 1\nsoftirq 1 x\n").unwrap_err();
        assert_eq!(error.to_string(), "stat:2: expected a count, found x");
    }

    #[test]
    fn a_line_that_is_not_there_is_no_zero() {
        let counts = parse_counts(b"ctxt 7\n").unwrap();
        assert_eq!(counts, [None, Some(7.0), None, None, None, None]);
        assert_eq!(parse_counts(b"").unwrap(), [None; 6]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("cpu 1\nctxt\n", "stat:2: expected a count, found end of line"),
            ("btime soon\n", "stat:1: expected a count, found soon"),
        ];
        for (content, expected) in CASES {
            let error = parse_counts(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
