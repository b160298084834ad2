//! Scrapes: one collection for those that overlap, and a body for each.

use crate::encoding::{Choice, Encoder, Exposition, Sink};
use crate::http::{BodySource, Output, Progress};
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
    /// Whether the server stops: nothing is waited for then.
    is_stopping: bool,
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
            is_stopping: false,
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

    pub(super) fn stop_waiting(&mut self) {
        self.is_stopping = true;
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
        if !self.is_stopping
            && let Some(until) = registry.poll(collection, &self.waker)
        {
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

impl Sink for Output {
    fn own(&mut self, room: usize) -> &mut Vec<u8> {
        self.own(room)
    }

    fn share(&mut self, text: &Arc<Vec<u8>>) {
        self.share(text);
    }

    fn len(&self) -> usize {
        self.len()
    }
}

impl BodySource for ScrapeBody {
    fn fill(&mut self, out: &mut Output, room: usize) -> Progress {
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
        let is_done = exposition.write_pieces(out, room);
        self.rendering += start.elapsed();
        if is_done { Progress::Done } else { Progress::More }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Gather, Group, Selection};

    /// Leaves a group to others, which are done when the test says so.
    #[derive(Clone, Default)]
    struct Elsewhere(Arc<Mutex<Log>>);

    #[derive(Default)]
    struct Log {
        begun: usize,
        finished: usize,
        is_done: bool,
    }

    const GROUP: Group = Group::new(1).expect("it is below the limit");

    impl Gather for Elsewhere {
        fn begin(&mut self, _: &Scrape) -> Selection {
            lock(&self.0).begun += 1;
            Selection::NONE.with(GROUP)
        }

        fn poll(&mut self, _: Selection, _: &Waker) -> Option<Instant> {
            (!lock(&self.0).is_done).then(|| Instant::now() + Duration::from_secs(1))
        }

        fn finish(&mut self, _: &Scrape, _: Selection) -> Selection {
            let mut log = lock(&self.0);
            log.finished += 1;
            if log.is_done { Selection::NONE } else { Selection::NONE.with(GROUP) }
        }
    }

    struct Fixture {
        scraper: Arc<Mutex<Scraper>>,
        elsewhere: Elsewhere,
    }

    impl Fixture {
        fn new() -> Fixture {
            let (registry, elsewhere) = (Registry::new(), Elsewhere::default());
            registry.gauge("always", "").unwrap().set(1.0);
            registry.in_group(GROUP).gauge("elsewhere", "").unwrap().set(2.0);
            registry.register_gatherer(elsewhere.clone());
            Fixture { scraper: Arc::new(Mutex::new(Scraper::new(registry))), elsewhere }
        }

        fn scrape(&self, selection: Selection) -> ScrapeBody {
            let scraper = Arc::clone(&self.scraper);
            ScrapeBody::begin(scraper, &Scrape::new(selection), Choice::TEXT)
        }

        fn set_done(&self, is_done: bool) {
            lock(&self.elsewhere.0).is_done = is_done;
        }

        /// A new turn of the server's loop, and how many collections were begun before.
        fn turn(&self) -> usize {
            lock(&self.scraper).begin_turn();
            lock(&self.elsewhere.0).begun
        }
    }

    /// The text, or nothing while it waits.
    fn text(body: &mut ScrapeBody) -> Option<String> {
        let mut out = Output::default();
        match body.fill(&mut out, 1 << 20) {
            Progress::Wait(until) => {
                assert!(out.len() == 0 && until > Instant::now());
                None
            }
            Progress::Done => Some(String::from_utf8(out.own(0).clone()).unwrap()),
            Progress::More => panic!("there was room for all"),
        }
    }

    fn shows_all(body: &mut ScrapeBody) -> bool {
        let text = text(body).expect("it is done");
        assert!(text.contains("\nalways 1\n"), "{text}");
        text.contains("\nelsewhere 2\n")
    }

    #[test]
    fn scrapes_that_overlap_share_one_collection() {
        let fixture = Fixture::new();
        let mut first = fixture.scrape(Selection::ALL);
        assert_eq!(text(&mut first), None);
        assert_eq!(fixture.turn(), 1);
        let mut second = fixture.scrape(Selection::ALL);
        assert_eq!(text(&mut second), None);
        assert_eq!(fixture.turn(), 1);
        let mut other = fixture.scrape(Selection::NONE.with(GROUP));
        assert_eq!(text(&mut other), None);
        assert_eq!(fixture.turn(), 2, "of another selection");
        fixture.set_done(true);
        assert!(shows_all(&mut first) && shows_all(&mut second) && shows_all(&mut other));
        assert_eq!(lock(&fixture.elsewhere.0).finished, 3);
    }

    #[test]
    fn scrapes_that_come_in_together_share_one_that_is_over() {
        let fixture = Fixture::new();
        fixture.set_done(true);
        assert!(shows_all(&mut fixture.scrape(Selection::ALL)));
        assert!(shows_all(&mut fixture.scrape(Selection::ALL)));
        assert_eq!(fixture.turn(), 1);
        assert!(shows_all(&mut fixture.scrape(Selection::ALL)));
        assert_eq!(fixture.turn(), 2);
    }

    #[test]
    fn a_collection_that_nobody_waits_for_is_not_shared() {
        let fixture = Fixture::new();
        let mut left = fixture.scrape(Selection::ALL);
        assert_eq!((text(&mut left), fixture.turn()), (None, 1));
        drop(left);
        assert_eq!(fixture.turn(), 1);
        let mut next = fixture.scrape(Selection::ALL);
        assert_eq!((text(&mut next), fixture.turn()), (None, 2));
    }

    #[test]
    fn each_scrape_waits_until_its_own_deadline_or_the_end() {
        let fixture = Fixture::new();
        let mut patient = fixture.scrape(Selection::ALL);
        let scrape = Scrape::within(Selection::ALL, Duration::ZERO);
        let mut hasty = ScrapeBody::begin(Arc::clone(&fixture.scraper), &scrape, Choice::TEXT);
        assert!(!shows_all(&mut hasty));
        assert_eq!((text(&mut patient), fixture.turn()), (None, 1));
        lock(&fixture.scraper).stop_waiting();
        assert!(!shows_all(&mut patient));
    }
}
