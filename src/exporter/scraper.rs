//! Scrapes: one collection for those that overlap, and a body for each.

use crate::encoding::{Choice, Encoder, Exposition};
use crate::http::{BodySource, Progress};
use crate::metric::{Histogram, lock};
use crate::registry::{Collection, Registry, Scrape};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

/// What the answers to scrapes have in common.
pub(super) struct Scraper {
    encoder: Encoder,
    /// Makes the server ask bodies that wait.
    waker: Waker,
    collecting: Option<Histogram>,
    /// The collection that was begun last, while others may share it: it was begun in this turn of
    /// the server's loop, or somebody waits for it.
    latest: Option<Collection>,
    /// One share per answer that waits for `latest`, and this one.
    waiting: Arc<()>,
}

impl Scraper {
    pub(super) fn new(registry: Registry) -> Scraper {
        Scraper {
            encoder: Encoder::new(registry),
            waker: Waker::noop().clone(),
            collecting: None,
            latest: None,
            waiting: Arc::new(()),
        }
    }

    /// Lets `collecting` observe how long collections take.
    pub(super) fn measure_collecting(&mut self, collecting: Histogram) {
        self.collecting = Some(collecting);
    }

    pub(super) fn set_waker(&mut self, waker: Waker) {
        self.waker = waker;
    }

    /// What comes in from here on did not come in together with what came before.
    pub(super) fn begin_turn(&mut self) {
        if Arc::strong_count(&self.waiting) == 1 {
            self.latest = None;
        }
    }

    /// Begins a collection for `scrape`, or joins the one that is under way.
    fn collect(&mut self, scrape: &Scrape) -> Stage {
        let shared = self.latest.filter(|latest| latest.scrape.selection == scrape.selection);
        let collection = match shared {
            Some(shared) => shared.until(scrape.deadline),
            None => {
                let begun = self.encoder.registry().begin(scrape);
                if Arc::strong_count(&self.waiting) > 1 {
                    self.waiting = Arc::new(());
                }
                self.latest = Some(begun);
                begun
            }
        };
        let is_first = shared.is_none();
        Stage::Collecting { collection, is_first, _waiting: Arc::clone(&self.waiting) }
    }

    /// The exposition of what `collection` brought, or when to ask again for it.
    fn finish(
        &mut self,
        collection: &Collection,
        is_first: bool,
        choice: Choice,
    ) -> Result<Exposition, Instant> {
        let registry = self.encoder.registry();
        if let Some(until) = registry.poll(collection, &self.waker) {
            return Err(until);
        }
        let shown = registry.finish(collection);
        let start = collection.scrape.start;
        if let Some(collecting) = self.collecting.as_ref().filter(|_| is_first) {
            collecting.observe_duration(start.elapsed());
        }
        Ok(self.encoder.exposition(choice, shown, start))
    }
}

/// The body of one scrape.
pub struct ScrapeBody {
    scraper: Arc<Mutex<Scraper>>,
    choice: Choice,
    stage: Stage,
    /// Spent in rendering so far.
    rendering: Duration,
}

enum Stage {
    Collecting {
        collection: Collection,
        /// Whether it was begun for this scrape.
        is_first: bool,
        _waiting: Arc<()>,
    },
    Rendering(Exposition),
}

impl ScrapeBody {
    pub(super) fn begin(
        scraper: Arc<Mutex<Scraper>>,
        scrape: &Scrape,
        choice: Choice,
    ) -> ScrapeBody {
        let stage = lock(&scraper).collect(scrape);
        ScrapeBody { scraper, choice, stage, rendering: Duration::ZERO }
    }

    pub(super) fn rendering(&self) -> Duration {
        self.rendering
    }
}

impl BodySource for ScrapeBody {
    fn fill(&mut self, out: &mut Vec<u8>, room: usize) -> Progress {
        if let Stage::Collecting { collection, is_first, .. } = &self.stage {
            match lock(&self.scraper).finish(collection, *is_first, self.choice) {
                Ok(exposition) => self.stage = Stage::Rendering(exposition),
                Err(until) => return Progress::Wait(until),
            }
        }
        let Stage::Rendering(exposition) = &mut self.stage else {
            unreachable!("what is collected is rendered");
        };
        let start = Instant::now();
        let is_done = exposition.write_some(out, room);
        self.rendering += start.elapsed();
        if is_done { Progress::Done } else { Progress::More }
    }
}
