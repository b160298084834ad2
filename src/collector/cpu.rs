//! `cpu`: CPU time by CPU and mode, and how often CPUs were throttled. Sources: the CPU lines of
//! proc_stat(5), and sysfs for the rest (see [`topology`]).
//!
//! The kernel's counters step back: `idle` and `iowait` of a CPU that sleeps are computed anew by
//! each read. The series do not: a value that falls is left as it was. Only when `idle` falls by
//! [`REPLUGGED_SECONDS`] the CPU was unplugged and plugged in again, and starts anew.
//!
//! What the CPUs are is shown where a flag asks for it (see [`info`]).

mod info;
mod topology;

use super::error::CollectError;
use super::flags::Flag;
use super::fs::{Files, SharedId};
use super::lines::{Line, Lines};
use super::table::{Metric, RowMut, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use crate::sys::constants::clock_ticks_per_second;
use info::Info;
use topology::Topology;

pub(super) use info::shows_info;

const GUEST_FLAG: &str = "collector.cpu.guest";

pub(super) const FLAGS: &[Flag] = {
    let [info, flags, bugs] = info::FLAGS;
    &[Flag::switch(GUEST_FLAG, true, "Show the time spent in virtual machines."), info, flags, bugs]
};

/// How far `idle` falls when a CPU starts anew; node_exporter's limit.
const REPLUGGED_SECONDS: f64 = 3.0;

/// In the order of /proc/stat. All kernels since Linux 2.6 give [`COUNTED_BY_ALL`] of them; what one
/// does not count of the others is zero, as in node_exporter.
const METRICS: [Metric; 10] = [
    seconds("user"),
    seconds("nice"),
    seconds("system"),
    seconds("idle"),
    seconds("iowait"),
    seconds("irq"),
    seconds("softirq"),
    seconds("steal"),
    guest_seconds("user"),
    guest_seconds("nice"),
];
const COUNTED_BY_ALL: usize = 7;
const IDLE: usize = 3;
/// Those in front are not of virtual machines.
const GUEST: usize = 8;

const fn seconds(mode: &'static str) -> Metric {
    Metric::counter("node_cpu_seconds_total", "Time that each CPU spent in each mode.")
        .with_label("mode", mode)
}

const fn guest_seconds(mode: &'static str) -> Metric {
    Metric::counter(
        "node_cpu_guest_seconds_total",
        "Time that each CPU spent in virtual machines, which user and nice count as well.",
    )
    .with_label("mode", mode)
}

pub(super) struct Cpu {
    stat: SharedId,
    /// How many of [`METRICS`] are shown.
    columns: usize,
    times: Table,
    topology: Topology,
    info: Option<Info>,
    ticks_per_second: f64,
}

impl Cpu {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let shown = if setup.flags.switch(GUEST_FLAG) { METRICS.len() } else { GUEST };
        Ok(Box::new(Cpu {
            columns: shown,
            stat: setup.files.share(setup.roots.proc.join("stat")),
            times: Table::register(&setup.registry, &["cpu"], &METRICS[..shown])?,
            topology: Topology::create(setup)?,
            info: Info::create(setup)?,
            ticks_per_second: clock_ticks_per_second() as f64,
        }))
    }

    fn set_times(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut cpus = self.times.sweep();
        let content = files.read_shared(self.stat)?;
        // A copy that is cut may lack what the kernel counts.
        let is_whole = content.ends_with(b"\n");
        for line in Lines::new("stat", content) {
            if let Some(cpu) = parse_cpu(line, is_whole)? {
                let seconds = |ticks: u64| ticks as f64 / self.ticks_per_second;
                let times = cpu.ticks.map(|ticks| ticks.map(seconds));
                advance(&mut cpus.row(&[cpu.number]), &times[..self.columns]);
            }
        }
        Ok(())
    }
}

impl Collector for Cpu {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let times = self.set_times(files);
        let topology = self.topology.collect(files, self.times.changes());
        let info = self.info.as_mut().map_or(Ok(()), |info| info.collect(files));
        times.and(topology).and(info)
    }
}

/// Sets the times of a CPU, and lets none of them step back.
fn advance(row: &mut RowMut<'_>, times: &[Option<f64>]) {
    let fallen = row.value(IDLE).zip(times[IDLE]).map_or(0.0, |(before, now)| before - now);
    for (column, now) in times.iter().enumerate() {
        let before = row.value(column).filter(|_| fallen < REPLUGGED_SECONDS);
        row.set(column, now.map(|now| before.map_or(now, |before| now.max(before))));
    }
}

/// One of the lines of /proc/stat that tell of one CPU.
#[derive(Debug, PartialEq)]
struct CpuLine<'a> {
    number: &'a str,
    ticks: [Option<u64>; METRICS.len()],
}

/// `None` for lines that tell of something else, or of all CPUs together. What a kernel does not
/// count is zero where the line `is_whole`.
fn parse_cpu(mut line: Line<'_>, is_whole: bool) -> Result<Option<CpuLine<'_>>, CollectError> {
    let word = line.word();
    let Some(digits) = word.and_then(|word| word.strip_prefix(b"cpu")).filter(|d| !d.is_empty())
    else {
        return Ok(None);
    };
    let number = std::str::from_utf8(digits).ok();
    let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.ok_or_else(|| line.malformed("the number of a CPU", word))?;
    let mut ticks = [None; METRICS.len()];
    for index in 0..ticks.len() {
        let uncounted = || ticks[COUNTED_BY_ALL - 1].filter(|_| is_whole).map(|_| 0);
        ticks[index] = line.number_if_any("ticks")?.or_else(uncounted);
    }
    Ok(Some(CpuLine { number, ticks }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Registry;

    fn parse(content: &str) -> Result<Vec<CpuLine<'_>>, CollectError> {
        let lines = Lines::new("stat", content.as_bytes());
        let is_whole = content.ends_with('\n');
        lines.filter_map(|line| parse_cpu(line, is_whole).transpose()).collect()
    }

    #[test]
    fn reads_the_lines_of_single_cpus() {
        let content = "cpu  9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu12 1 2 3 4 5 6 7 8\nintr 5 6\n";
        let first = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(Some);
        let second = [1, 2, 3, 4, 5, 6, 7, 8, 0, 0].map(Some);
        assert_eq!(
            parse(content).unwrap(),
            [CpuLine { number: "0", ticks: first }, CpuLine { number: "12", ticks: second }]
        );
    }

    #[test]
    fn makes_nothing_up_where_the_line_is_cut() {
        for (content, counted) in [("cpu0 1 2 3 4\nintr 5\n", 4), ("cpu0 1 2 3 4 5 6 7", 7)] {
            let ticks = parse(content).unwrap()[0].ticks;
            assert_eq!(ticks.iter().flatten().count(), counted, "{content:?}");
            assert!(!ticks.contains(&Some(0)), "{content:?}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("cpu 1\ncpux 1 2\n", "stat:2: expected the number of a CPU, found cpux"),
            ("cpu0 1 -2\n", "stat:1: expected ticks, found -2"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }

    #[test]
    fn no_time_steps_back_unless_the_cpu_was_replugged() {
        let registry = Registry::new();
        let metrics = [seconds("user"), seconds("nice"), seconds("system"), seconds("idle")];
        let mut table = Table::register(&registry, &["cpu"], &metrics).unwrap();
        const STEPS: &[([f64; 4], [f64; 4])] = &[
            ([1.0, 2.0, 3.0, 40.0], [1.0, 2.0, 3.0, 40.0]),
            ([2.0, 1.0, 4.0, 37.5], [2.0, 2.0, 4.0, 40.0]),
            ([3.0, 3.0, 3.0, 41.0], [3.0, 3.0, 4.0, 41.0]),
            ([0.5, 0.0, 0.25, 38.0], [0.5, 0.0, 0.25, 38.0]),
        ];
        for (kernel, shown) in STEPS {
            advance(&mut table.sweep().row(&["0"]), &kernel.map(Some));
            let values: Vec<String> = samples(&registry)
                .iter()
                .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
                .collect();
            assert_eq!(values, shown.map(|value| value.to_string()));
        }
    }
}
