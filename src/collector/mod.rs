//! Collectors: samples of the node, under node_exporter's names.
//!
//! ```text
//! COLLECTORS  a row each: name, on by default or not, help, constructor
//! Node        runs those that are enabled and selected, and says how long each took and whether
//!             it worked
//! Files       what collectors read: kept descriptors, one buffer, one read for all who share a file
//! Table       what collectors write: series that are there while their source has them
//! ```
//!
//! To add one: write `NAME.rs` with a type that implements `Collector`, and add its row. A
//! collector whose source is missing is *no data*, one whose source is malformed is an error; both
//! have success 0, and neither costs the rest of the scrape anything.

#![forbid(unsafe_code)]

pub mod application;
mod choice;
mod cpu;
#[allow(dead_code, reason = "more collectors come next")]
mod devices;
mod error;
mod fields;
mod filefd;
#[allow(dead_code, reason = "the collectors with flags come next")]
mod flags;
mod fs;
mod lines;
mod loadavg;
mod meminfo;
pub mod process;
mod process_tree;
mod stat;
mod table;
mod thermal_zone;
mod time;
mod uname;
mod watchdog;

pub use choice::{Choice, SelectError, UnknownCollector};
pub use error::CollectError;
pub(crate) use flags::parse_duration;
pub use flags::{Flag, FlagError, Flags, Takes};
pub use fs::Roots;

use crate::registry::{Collect, Group, RegisterError, Registry, Scrape};
use fs::Files;
use std::time::Instant;
use table::{Metric, Table};

/// A collector that there is.
pub struct Row {
    /// The name in flags, queries and the `collector` label.
    pub name: &'static str,
    /// Whether it runs where no flag names it.
    pub on_by_default: bool,
    /// What it shows, as a phrase that can follow "Expose".
    pub help: &'static str,
    /// Its own flags.
    pub flags: &'static [Flag],
    /// Whether its sources may keep a reader waiting.
    #[allow(dead_code, reason = "helper threads come next")]
    is_slow: bool,
    create: Create,
}

type Create = fn(&mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError>;

impl Row {
    const fn on(name: &'static str, help: &'static str, create: Create) -> Row {
        Row { name, on_by_default: true, help, flags: &[], is_slow: false, create }
    }

    /// A row of a collector that runs only where a flag names it.
    #[allow(dead_code, reason = "the collectors that are off come next")]
    const fn off(name: &'static str, help: &'static str, create: Create) -> Row {
        Row { on_by_default: false, ..Row::on(name, help, create) }
    }

    /// This row, with flags of its own.
    #[allow(dead_code, reason = "the collectors with flags come next")]
    const fn with_flags(self, flags: &'static [Flag]) -> Row {
        Row { flags, ..self }
    }

    /// This row, of a collector whose sources may keep a reader waiting: drivers that ask their
    /// hardware, folders on networks.
    const fn slow(self) -> Row {
        Row { is_slow: true, ..self }
    }
}

/// The collectors, by name.
pub const COLLECTORS: &[Row] = &[
    Row::on("cpu", "CPU time by CPU and mode, throttling and isolation", cpu::Cpu::create),
    Row::on("filefd", "open files of the whole host and their limit", filefd::FileFd::create),
    Row::on("loadavg", "load averages", loadavg::LoadAvg::create),
    Row::on("meminfo", "memory by use, from /proc/meminfo", meminfo::MemInfo::create),
    Row::on("stat", "boot time, forks, interrupts and context switches", stat::Stat::create),
    Row::on(
        "thermal_zone",
        "temperatures of thermal zones and states of cooling devices",
        thermal_zone::ThermalZone::create,
    )
    .slow(),
    Row::on("time", "system time, time zone and clock sources", time::Time::create),
    Row::on("uname", "names of the kernel and the host, from uname(2)", uname::Uname::create),
    Row::on("watchdog", "watchdog timers", watchdog::Watchdog::create).slow(),
];

const _: () = assert!(COLLECTORS.len() < Group::LIMIT as usize, "each collector has a group");

/// The group of the families of the collector in row `index`.
fn group(index: usize) -> Group {
    let number = u8::try_from(index + 1).ok();
    number.and_then(Group::new).expect("a row of COLLECTORS has a group")
}

/// Where collectors look, and what their flags say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where the host's file systems are.
    pub roots: Roots,
    /// The values of the collectors' own flags.
    pub flags: Flags,
}

/// What a collector is made from.
struct Setup<'s> {
    /// A view that registers into the collector's group.
    registry: Registry,
    roots: &'s Roots,
    #[allow(dead_code, reason = "the collectors with flags come next")]
    flags: &'s Flags,
    files: &'s mut Files,
}

/// A source of samples.
trait Collector: Send {
    /// Brings the collector's series up to date. What is not known is left without a series; so
    /// tables are swept from before the first source is read, which may be gone.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError>;
}

/// How a collector fares, when that changes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Report<'a> {
    /// The name of the collector.
    pub collector: &'static str,
    /// What is wrong; `None` when it works again.
    pub error: Option<&'a CollectError>,
}

/// Hears of collectors that begin to fail, fail otherwise or work again.
pub type Reporter = Box<dyn FnMut(Report<'_>) + Send>;

const SCRAPE_METRICS: [Metric; 2] = [
    Metric::gauge(
        "node_scrape_collector_duration_seconds",
        "Time that a collector took in this scrape.",
    ),
    Metric::gauge(
        "node_scrape_collector_success",
        "Whether a collector got its samples in this scrape.",
    ),
];

/// Samples of the node from all collectors that are enabled.
///
/// Each collector's families are in a group of their own, so that a
/// [`Selection`](crate::registry::Selection) can leave them out; see [`Choice::selection`].
pub struct Node {
    collectors: Vec<Running>,
    scrapes: Table,
    files: Files,
    report: Reporter,
}

struct Running {
    name: &'static str,
    group: Group,
    collector: Box<dyn Collector>,
    error: Option<CollectError>,
}

impl Node {
    /// Registers the families of the collectors that `choice` enables and lets them run at each
    /// scrape of `registry`. Nothing is read before the first.
    ///
    /// ```
    /// use promlet::collector::{Choice, Node, Report, Settings};
    ///
    /// let registry = promlet::Registry::new();
    /// let report = |report: Report<'_>| eprintln!("{report:?}");
    /// Node::register(&registry, &Settings::default(), &Choice::default(), Box::new(report))?;
    /// # Ok::<(), promlet::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// [`RegisterError`] when one of their names is taken.
    pub fn register(
        registry: &Registry,
        settings: &Settings,
        choice: &Choice,
        report: Reporter,
    ) -> Result<(), RegisterError> {
        registry.register_collector(Node::new(registry, settings, choice, report)?);
        Ok(())
    }

    fn new(
        registry: &Registry,
        settings: &Settings,
        choice: &Choice,
        report: Reporter,
    ) -> Result<Node, RegisterError> {
        let mut files = Files::default();
        let mut collectors = Vec::new();
        for (index, row) in COLLECTORS.iter().enumerate().filter(|(i, _)| choice.is_enabled(*i)) {
            let group = group(index);
            let registry = registry.in_group(group);
            let Settings { roots, flags } = settings;
            let collector = (row.create)(&mut Setup { registry, roots, flags, files: &mut files })?;
            collectors.push(Running { name: row.name, group, collector, error: None });
        }
        let scrapes = Table::register(registry, &["collector"], &SCRAPE_METRICS)?;
        Ok(Node { collectors, scrapes, files, report })
    }
}

impl Collect for Node {
    fn collect(&mut self, scrape: &Scrape) {
        self.files.begin_scrape();
        let mut scrapes = self.scrapes.sweep();
        let selected = |running: &&mut Running| scrape.selection.contains(running.group);
        for running in self.collectors.iter_mut().filter(selected) {
            let start = Instant::now();
            let outcome = running.collector.collect(&mut self.files);
            let seconds = start.elapsed().as_secs_f64();
            let success = if outcome.is_ok() { 1.0 } else { 0.0 };
            scrapes.row(&[running.name]).set_all(&[Some(seconds), Some(success)]);
            running.note(outcome.err(), &mut self.report);
        }
    }
}

impl Running {
    /// Keeps `error`, and reports it unless it is the one of the scrape before.
    fn note(&mut self, error: Option<CollectError>, report: &mut Reporter) {
        let is_like_before = match (&self.error, &error) {
            (Some(before), Some(error)) => before.is_like(error),
            (before, error) => before.is_none() && error.is_none(),
        };
        self.error = error;
        if !is_like_before {
            report(Report { collector: self.name, error: self.error.as_ref() });
        }
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod tests;
