//! `stat`: what the kernel counted since it booted. Source: proc_stat(5), all but the CPU lines.

use super::error::CollectError;
use super::fs::{Files, SharedId};
use super::lines::Lines;
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

/// What the line of each of [`METRICS`] begins with.
const KEYS: [&[u8]; METRICS.len()] =
    [b"btime", b"ctxt", b"processes", b"intr", b"procs_blocked", b"procs_running"];

pub(super) struct Stat {
    file: SharedId,
    table: Table,
}

impl Stat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = setup.files.share(setup.roots.proc.join("stat"));
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        Ok(Box::new(Stat { file, table }))
    }
}

impl Collector for Stat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let counts = parse_counts(files.read_shared(self.file)?)?;
        sweep.only_row().set_all(&counts);
        Ok(())
    }
}

/// The first number in each of the lines of [`KEYS`] that are there.
fn parse_counts(content: &[u8]) -> Result<[Option<f64>; KEYS.len()], CollectError> {
    let mut counts = [None; KEYS.len()];
    for mut line in Lines::new("stat", content)? {
        let key = line.word();
        if let Some(index) = KEYS.iter().position(|known| key == Some(known)) {
            counts[index] = Some(line.number::<u64>("a count")? as f64);
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
            ("ctxt 1\nbtime 17", "stat:2: expected a line end, found end of file"),
        ];
        for (content, expected) in CASES {
            let error = parse_counts(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
