//! `softnet`: packets that each CPU processed. Source: `net/softnet_stat` of proc_net(5), a line of
//! hexadecimal numbers for each CPU that is online.
//!
//! Kernels before 5.10 do not say which CPU a line is of: they are counted. What a line does not count
//! is zero, as in node_exporter.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::fmt::Write as _;

const METRICS: [Metric; 7] = [
    Metric::counter("node_softnet_processed_total", "Packets that a CPU processed."),
    Metric::counter("node_softnet_dropped_total", "Packets dropped as the CPU's queue was full."),
    Metric::counter(
        "node_softnet_times_squeezed_total",
        "Times that a CPU ran out of quota with packets left to process.",
    ),
    Metric::counter(
        "node_softnet_cpu_collision_total",
        "Times that a CPU found the lock of a device taken.",
    ),
    Metric::counter("node_softnet_received_rps_total", "Times that a CPU was woken for packets."),
    Metric::counter("node_softnet_flow_limit_count_total", "Times that a flow reached its limit."),
    Metric::gauge("node_softnet_backlog_len", "Packets in the CPU's queue."),
];

/// Where in a line the number of each of [`METRICS`] stands.
const PLACES: [usize; METRICS.len()] = [0, 1, 2, 8, 9, 10, BACKLOG_PLACE];

const BACKLOG_PLACE: usize = 11;

/// Where the number of the CPU stands.
const CPU_PLACE: usize = 12;

/// How many numbers a line has at least: those of Linux 2.6.23. Later ones have 10, 11 and 13 or more.
const WIDTH_MIN: usize = 9;

/// Bytes that no line has: 28 numbers of 32 bits, where the longest so far has 15.
const LINE_BYTES_MAX: usize = 256;

pub(super) struct SoftNet {
    file: KeptFile,
    table: Table,
    cpu: String,
}

impl SoftNet {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let path = setup.roots.proc.join("net/softnet_stat");
        let file = KeptFile::of_short_records(path, LINE_BYTES_MAX);
        let table = Table::register(&setup.registry, &["cpu"], &METRICS)?;
        Ok(Box::new(SoftNet { file, table, cpu: String::new() }))
    }
}

impl Collector for SoftNet {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let SoftNet { file, table, cpu } = self;
        let mut sweep = table.sweep();
        for (place, line) in Lines::new("softnet_stat", files.read(file)?).enumerate() {
            let (number, counts) = parse_cpu(line)?;
            cpu.clear();
            write!(cpu, "{}", number.unwrap_or(place as u64)).expect("a string takes all");
            sweep.row(&[&*cpu]).set_all(&counts.map(|count| Some(count as f64)));
        }
        Ok(())
    }
}

/// The number of a CPU, if it is told, and its counts.
type CpuCounts = (Option<u64>, [u64; METRICS.len()]);

fn parse_cpu(mut line: Line<'_>) -> Result<CpuCounts, CollectError> {
    let mut numbers = [0; CPU_PLACE + 1];
    let mut width = 0;
    while width < numbers.len() && !line.is_at_end() {
        numbers[width] = line.hexadecimal("a hexadecimal count")?;
        width += 1;
    }
    if width < WIDTH_MIN {
        return Err(line.malformed("nine counts or more", None));
    }
    if width <= CPU_PLACE {
        // Node_exporter takes the length of the queue with the number of the CPU or not at all.
        numbers[BACKLOG_PLACE] = 0;
    }
    let cpu = (width > CPU_PLACE).then_some(numbers[CPU_PLACE]);
    Ok((cpu, PLACES.map(|place| numbers[place])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<CpuCounts, CollectError> {
        parse_cpu(Lines::new("softnet_stat", content.as_bytes()).next().unwrap())
    }

    #[test]
    fn reads_the_lines_of_each_kernel() {
        const CASES: &[(&str, CpuCounts)] = &[
            ("1 2 3 0 0 0 0 0 ff\n", (None, [1, 2, 3, 255, 0, 0, 0])),
            ("1 2 3 0 0 0 0 0 4 5\n", (None, [1, 2, 3, 4, 5, 0, 0])),
            ("1 2 3 0 0 0 0 0 4 5 6\n", (None, [1, 2, 3, 4, 5, 6, 0])),
            ("1 2 3 0 0 0 0 0 4 5 6 7\n", (None, [1, 2, 3, 4, 5, 6, 0])),
            ("1 2 3 0 0 0 0 0 4 5 6 7 a\n", (Some(10), [1, 2, 3, 4, 5, 6, 7])),
            ("1 2 3 0 0 0 0 0 4 5 6 7 a b c d\n", (Some(10), [1, 2, 3, 4, 5, 6, 7])),
        ];
        for (line, expected) in CASES {
            assert_eq!(parse(line).unwrap(), *expected, "{line:?}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("1 2 3\n", "softnet_stat:1: expected nine counts or more, found end of line"),
            ("1 2 x\n", "softnet_stat:1: expected a hexadecimal count, found x"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
