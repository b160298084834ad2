//! `pressure`: time that was lost waiting. Source: /proc/pressure (Documentation/accounting/psi.rst
//! of the kernel).
//!
//! A kernel may lack some of the files, or refuse to read them where it was booted without `psi=1`.
//! Only where it has none there is no data.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines, parse_number};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;
use std::sync::Arc;

const METRICS: [Metric; 6] = [
    Metric::counter(
        "node_pressure_cpu_waiting_seconds_total",
        "Time in which some task waited for a CPU.",
    ),
    Metric::counter(
        "node_pressure_io_waiting_seconds_total",
        "Time in which some task waited for input or output.",
    ),
    Metric::counter(
        "node_pressure_io_stalled_seconds_total",
        "Time in which all tasks that could run waited for input or output.",
    ),
    Metric::counter(
        "node_pressure_memory_waiting_seconds_total",
        "Time in which some task waited for memory.",
    ),
    Metric::counter(
        "node_pressure_memory_stalled_seconds_total",
        "Time in which all tasks that could run waited for memory.",
    ),
    Metric::counter(
        "node_pressure_irq_stalled_seconds_total",
        "Time in which interrupts kept all tasks that could run from it.",
    ),
];

const FILES: [&str; 4] = ["cpu", "io", "memory", "irq"];

/// Table: metric => number of its file, and whether it is the line `full`.
const SOURCES: [(usize, bool); METRICS.len()] =
    [(0, false), (1, false), (1, true), (2, false), (2, true), (3, true)];

pub(super) struct Pressure {
    folder: Arc<Path>,
    files: [KeptFile; FILES.len()],
    table: Table,
}

impl Pressure {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder: Arc<Path> = Arc::from(setup.roots.proc.join("pressure"));
        let files = FILES.map(|name| KeptFile::new(folder.join(name)));
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        Ok(Box::new(Pressure { folder, files, table }))
    }
}

impl Collector for Pressure {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let mut totals = [None; FILES.len()];
        let mut outcome = Ok(());
        for (index, file) in self.files.iter_mut().enumerate() {
            let read = files.read(file);
            match read.and_then(|content| parse_pressure(FILES[index], content)) {
                Ok(read) => totals[index] = Some(read),
                Err(error) if error.is_no_data() || error.is_refusal() => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if totals.iter().all(Option::is_none) {
            return outcome.and(Err(CollectError::NoData { path: Arc::clone(&self.folder) }));
        }
        let seconds = SOURCES.map(|(file, is_full)| {
            let Totals { some, full } = totals[file]?;
            let microseconds = if is_full { full } else { some };
            microseconds.map(|microseconds| microseconds as f64 / 1000.0 / 1000.0)
        });
        sweep.only_row().set_all(&seconds);
        outcome
    }
}

/// Time that was lost since the host booted, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Totals {
    some: Option<u64>,
    full: Option<u64>,
}

/// Reads lines such as `some avg10=0.06 avg60=0.21 avg300=0.99 total=8537362`. Lines that begin
/// otherwise are passed over.
fn parse_pressure(file: &'static str, content: &[u8]) -> Result<Totals, CollectError> {
    let mut totals = Totals::default();
    for mut line in Lines::new(file, content) {
        match line.word() {
            Some(b"some") => totals.some = Some(parse_total(line)?),
            Some(b"full") => totals.full = Some(parse_total(line)?),
            _ => {}
        }
    }
    Ok(totals)
}

fn parse_total(mut line: Line<'_>) -> Result<u64, CollectError> {
    while let Some(word) = line.word() {
        if let Some(total) = word.strip_prefix(b"total=") {
            let number = parse_number(total);
            return number.ok_or_else(|| line.malformed("microseconds", Some(total)));
        }
    }
    Err(line.malformed("total=", None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_totals_that_there_are() {
        const CASES: &[(&str, Option<u64>, Option<u64>)] = &[
            ("some avg10=0.06 avg60=0.21 avg300=0.99 total=12\n", Some(12), None),
            ("some avg10=0.06 total=12\nfull avg10=0.00 total=7\n", Some(12), Some(7)),
            ("full avg10=0.00 avg60=0.13 avg300=0.96 total=0\nnew x\n", None, Some(0)),
            ("", None, None),
        ];
        for (content, some, full) in CASES {
            let totals = parse_pressure("cpu", content.as_bytes()).unwrap();
            assert_eq!(totals, Totals { some: *some, full: *full }, "{content:?}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("some total=1\nfull avg10=0\n", "io:2: expected total=, found end of line"),
            ("some total=x\n", "io:1: expected microseconds, found x"),
            ("some total=\n", "io:1: expected microseconds, found "),
        ];
        for (content, expected) in CASES {
            let error = parse_pressure("io", content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
