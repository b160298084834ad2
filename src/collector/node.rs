//! The collectors of the node, run at each scrape: what may keep a reader waiting is begun first, on
//! helper threads, and waited for last.

use super::away::Away;
use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Table};
use super::workers::Workers;
use super::{Begun, COLLECTORS, Choice, Collector, Place, Settings, Setup, group};
use crate::registry::{Gather, Group, RegisterError, Registry, Scrape, Selection};
use std::task::Waker;
use std::time::{Duration, Instant};

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
/// [`Selection`](crate::registry::Selection) can leave them out; see [`Choice::selection`]. The
/// families of one that is late are left out of the scrape that it is late for.
pub struct Node {
    collectors: Vec<Running>,
    scrapes: Table,
    files: Files,
    workers: Workers,
    report: Reporter,
}

struct Running {
    name: &'static str,
    group: Group,
    collector: Box<dyn Collector>,
    /// How long it took, the last time that it ran.
    took: Duration,
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
        registry.register_gatherer(Node::new(registry, settings, choice, report)?);
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
            let collector: Box<dyn Collector> = if row.place == Place::Here {
                (row.create)(&mut Setup { registry, roots, flags, choice, files: &mut files })?
            } else {
                let mut files = Files::default();
                let mut setup = Setup { registry, roots, flags, choice, files: &mut files };
                let collector = (row.create)(&mut setup)?;
                Box::new(Away::new(collector, files, row.place == Place::Either))
            };
            let took = Duration::ZERO;
            collectors.push(Running { name: row.name, group, collector, took, error: None });
        }
        let scrapes = Table::register(registry, &["collector"], &SCRAPE_METRICS)?;
        Ok(Node { collectors, scrapes, files, workers: Workers::new(), report })
    }

    fn selected(
        collectors: &mut [Running],
        selection: Selection,
    ) -> impl Iterator<Item = &mut Running> {
        collectors.iter_mut().filter(move |running| selection.contains(running.group))
    }
}

impl Gather for Node {
    fn begin(&mut self, scrape: &Scrape) -> Selection {
        let Node { collectors, files, workers, report, .. } = self;
        files.begin_scrape();
        let (mut left, mut here) = (Selection::NONE, Selection::NONE);
        let mut laps = Laps::start();
        for running in Node::selected(collectors, scrape.selection) {
            let begun = running.collector.begin(files, workers);
            running.took = laps.next();
            match begun {
                Ok(Begun::Nothing) => here = here.with(running.group),
                Ok(Begun::Elsewhere) => left = left.with(running.group),
                Err(error) => running.note(Some(error), report),
            }
        }
        // Where there can be no thread, what waits for one is late and says so.
        let _ = workers.start(laps.last);
        laps = Laps::start();
        for running in Node::selected(collectors, here) {
            running.collect(files, report, &mut laps);
        }
        workers.share();
        left
    }

    fn poll(&mut self, left: Selection, waker: &Waker) -> Option<Instant> {
        let now = Instant::now();
        let waiting = Node::selected(&mut self.collectors, left);
        let until = waiting.filter_map(|running| running.collector.waits_until(now));
        self.workers.poll(waker, now, || until.min())
    }

    fn finish(&mut self, scrape: &Scrape, left: Selection) -> Selection {
        let Node { collectors, scrapes, files, report, .. } = self;
        let mut laps = Laps::start();
        for running in Node::selected(collectors, left) {
            running.collect(files, report, &mut laps);
        }
        let mut late = Selection::NONE;
        let mut sweep = scrapes.sweep();
        for running in Node::selected(collectors, scrape.selection) {
            let success = if running.error.is_none() { 1.0 } else { 0.0 };
            let seconds = running.took + running.collector.took_elsewhere();
            sweep.row(&[running.name]).set_all(&[Some(seconds.as_secs_f64()), Some(success)]);
            if matches!(running.error, Some(CollectError::Late)) {
                late = late.with(running.group);
            }
        }
        late
    }
}

impl Running {
    fn collect(&mut self, files: &mut Files, report: &mut Reporter, laps: &mut Laps) {
        let outcome = self.collector.collect(files);
        self.took += laps.next();
        self.note(outcome.err(), report);
    }

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

/// Times what follows each other by one look at the clock each.
struct Laps {
    last: Instant,
}

impl Laps {
    fn start() -> Laps {
        Laps { last: Instant::now() }
    }

    /// The time since the start, or the last call.
    fn next(&mut self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(std::mem::replace(&mut self.last, now))
    }
}
