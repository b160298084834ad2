//! A collector that runs on helper threads: because its sources may keep a reader waiting, or beside
//! the others, where the helper comes to it before they are done.

use super::error::CollectError;
use super::fs::Files;
use super::workers::{Task, Work, Workers};
use super::{Begun, Collector};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a scrape sees of such a collector.
///
/// A run that is late goes on, and holds up no other scrape: until it is over the collector is late
/// at once, and what it found is not looked at; by then it is old.
pub(super) struct Away {
    task: Arc<Task<Visit>>,
    is_offer: bool,
    begun: Instant,
    is_late: bool,
}

/// What a helper sees of it.
struct Visit {
    collector: Box<dyn Collector>,
    files: Files,
    outcome: Result<(), CollectError>,
    took: Duration,
}

impl Away {
    /// One that helpers run; if it `is_offer`, only those who come to it in time.
    pub(super) fn new(collector: Box<dyn Collector>, files: Files, is_offer: bool) -> Away {
        let visit = Visit { collector, files, outcome: Ok(()), took: Duration::ZERO };
        Away { task: Task::new(visit), is_offer, begun: Instant::now(), is_late: false }
    }
}

impl Collector for Away {
    fn begin(&mut self, _: &mut Files, workers: &Workers) -> Result<Begun, CollectError> {
        if self.task.is_under_way() {
            // Of an earlier scrape, which waits for it too or has given it up.
            return if self.is_late { Err(CollectError::Late) } else { Ok(Begun::Elsewhere) };
        }
        (self.is_late, self.begun) = (false, Instant::now());
        match self.is_offer {
            true => workers.offer(&self.task),
            false => workers.begin(&self.task),
        }
        Ok(Begun::Elsewhere)
    }

    fn waits_until(&self, now: Instant) -> Option<Instant> {
        /// Nothing but the scrape's deadline ends the waiting.
        const FOR_EVER: Duration = Duration::from_secs(31_536_000);
        self.task.is_under_way().then(|| now + FOR_EVER)
    }

    fn collect(&mut self, _: &mut Files) -> Result<(), CollectError> {
        match self.task.done() {
            Some(visit) => visit.outcome.clone(),
            None => {
                self.is_late = true;
                Err(CollectError::Late)
            }
        }
    }

    fn took_elsewhere(&self) -> Duration {
        self.task.done().map_or_else(|| self.begun.elapsed(), |visit| visit.took)
    }
}

impl Work for Visit {
    fn run(&mut self) {
        let start = Instant::now();
        self.files.begin_scrape();
        self.outcome = self.collector.collect(&mut self.files);
        self.took = start.elapsed();
    }
}
