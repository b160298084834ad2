//! `schedstat`: what the scheduler counts of each CPU. Source: /proc/schedstat
//! (Documentation/scheduler/sched-stats.rst of the kernel, which calls jiffies what are
//! nanoseconds).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 3] = [
    Metric::counter("node_schedstat_running_seconds_total", "Time that tasks ran on each CPU."),
    Metric::counter(
        "node_schedstat_waiting_seconds_total",
        "Time that tasks waited for each CPU, summed up.",
    ),
    Metric::counter("node_schedstat_timeslices_total", "Times that a task ran on each CPU."),
];

/// Words between the name of a CPU and what is shown of it.
const WORDS_BEFORE: usize = 6;
const NANOSECONDS_PER_SECOND: f64 = 1e9;

pub(super) struct SchedStat {
    file: KeptFile,
    table: Table,
}

impl SchedStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = KeptFile::of_many_records(setup.roots.proc.join("schedstat"));
        let table = Table::register(&setup.registry, &["cpu"], &METRICS)?;
        Ok(Box::new(SchedStat { file, table }))
    }
}

impl Collector for SchedStat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut cpus = self.table.sweep();
        for line in Lines::new("schedstat", files.read(&mut self.file)?) {
            if let Some(CpuLine { number, running, waiting, timeslices }) = parse_cpu(line)? {
                let seconds = |nanoseconds: u64| nanoseconds as f64 / NANOSECONDS_PER_SECOND;
                let values = [seconds(running), seconds(waiting), timeslices as f64];
                cpus.row(&[number]).set_all(&values.map(Some));
            }
        }
        Ok(())
    }
}

/// What is shown of one of the lines that tell of a CPU.
#[derive(Debug, PartialEq)]
struct CpuLine<'a> {
    number: &'a str,
    running: u64,
    waiting: u64,
    timeslices: u64,
}

/// `None` for the lines that tell of something else: the version, the time, and the domains.
fn parse_cpu(mut line: Line<'_>) -> Result<Option<CpuLine<'_>>, CollectError> {
    let word = line.word();
    let Some(digits) = word.and_then(|word| word.strip_prefix(b"cpu")) else { return Ok(None) };
    let number = std::str::from_utf8(digits).ok();
    let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.ok_or_else(|| line.malformed("the number of a CPU", word))?;
    for _ in 0..WORDS_BEFORE {
        line.number::<u64>("a count")?;
    }
    let mut count = || line.number("a count");
    Ok(Some(CpuLine { number, running: count()?, waiting: count()?, timeslices: count()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<Vec<CpuLine<'_>>, CollectError> {
        let lines = Lines::new("schedstat", content.as_bytes());
        lines.filter_map(|line| parse_cpu(line).transpose()).collect()
    }

    #[test]
    fn reads_the_lines_of_cpus() {
        let content = "version 15\ntimestamp 4297104311\ncpu0 1 2 3 4 5 6 7 8 9\n\
                       domain0 00000000,00000003 286223553 240140463\ncpu12 0 0 0 0 0 0 10 20 30 40\n";
        let cpu =
            |number, running, waiting, timeslices| CpuLine { number, running, waiting, timeslices };
        assert_eq!(parse(content).unwrap(), [cpu("0", 7, 8, 9), cpu("12", 10, 20, 30)]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("cpu0 1 2 3 4 5 6 7 8\n", "schedstat:1: expected a count, found end of line"),
            ("version 15\ncpux 1\n", "schedstat:2: expected the number of a CPU, found cpux"),
            ("cpu0 1 2 -3\n", "schedstat:1: expected a count, found -3"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
