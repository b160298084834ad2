//! One collection: begun, waited for, finished; the first half of a scrape.
//!
//! Most collectors are done when they return. One that leaves work to other threads names the
//! groups that wait for it, so that whoever scrapes can do something else meanwhile, and leave out
//! at the end what is late.

use super::{Collect, Group, Registry, Scrape, Selection};
use crate::metric::lock;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

/// Writes into families at the scrape, and may leave some of it to other threads.
pub(crate) trait Gather: Send {
    /// Brings up to date what never blocks, and begins the rest. Returns the groups of the rest.
    fn begin(&mut self, scrape: &Scrape) -> Selection;

    /// Up to when the groups that are `left` are worth waiting for; `None` when they are done. The
    /// caller asks again then, or when `waker` is woken.
    fn poll(&mut self, left: Selection, waker: &Waker) -> Option<Instant>;

    /// Takes over what came of the groups that were `left`, whether it is all or not. Returns the
    /// groups of the scrape that are not to be shown, because they are late.
    fn finish(&mut self, scrape: &Scrape, left: Selection) -> Selection;
}

/// A collector that is done when it returns.
pub(super) struct Plain<C>(pub(super) C);

impl<C: Collect> Gather for Plain<C> {
    fn begin(&mut self, scrape: &Scrape) -> Selection {
        self.0.collect(scrape);
        Selection::NONE
    }

    fn poll(&mut self, _: Selection, _: &Waker) -> Option<Instant> {
        None
    }

    fn finish(&mut self, _: &Scrape, _: Selection) -> Selection {
        Selection::NONE
    }
}

/// A collection that was begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collection {
    pub(crate) scrape: Scrape,
    /// The groups that other threads work on.
    left: Selection,
}

impl Collection {
    /// This collection, waited for until `deadline`.
    pub(crate) fn until(self, deadline: Instant) -> Collection {
        Collection { scrape: Scrape { deadline, ..self.scrape }, ..self }
    }
}

impl Registry {
    /// Lets `gatherer` write into its families at each scrape that selects this view's group.
    pub(crate) fn register_gatherer(&self, gatherer: impl Gather + 'static) {
        lock(&self.shared.collectors).push((self.group, Box::new(gatherer)));
    }

    /// Runs the collectors of the selected groups and removes idle series. The first half of a
    /// scrape; rendering what this returns is the second.
    ///
    /// Waits for collectors that work on other threads until the scrape's deadline; what is late is
    /// not in the selection that it returns.
    pub fn collect(&self, scrape: &Scrape) -> Selection {
        let collection = self.begin(scrape);
        UNPARK.with(|waker| {
            while let Some(until) = self.poll(&collection, waker) {
                thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
        });
        self.finish(&collection)
    }

    /// Begins the collection for a scrape; what never blocks is done then.
    pub(crate) fn begin(&self, scrape: &Scrape) -> Collection {
        let mut left = Selection::NONE;
        let mut gatherers = lock(&self.shared.collectors);
        for (_, gatherer) in gatherers.iter_mut().filter(|gatherer| is_selected(scrape, gatherer)) {
            left = left.and(gatherer.begin(scrape));
        }
        Collection { scrape: *scrape, left }
    }

    /// When to ask again whether the collection can be finished, if `waker` is not woken before;
    /// `None`: it can.
    pub(crate) fn poll(&self, collection: &Collection, waker: &Waker) -> Option<Instant> {
        let Collection { scrape, left } = collection;
        if *left == Selection::NONE || scrape.deadline <= Instant::now() {
            return None;
        }
        let mut gatherers = lock(&self.shared.collectors);
        let gatherers = gatherers.iter_mut().filter(|gatherer| is_selected(scrape, gatherer));
        let until = gatherers.filter_map(|(_, gatherer)| gatherer.poll(*left, waker)).min();
        until.map(|until| until.min(scrape.deadline))
    }

    /// Ends the collection, and gives what of it can be rendered.
    pub(crate) fn finish(&self, collection: &Collection) -> Selection {
        let Collection { scrape, left } = collection;
        let mut late = Selection::NONE;
        let mut gatherers = lock(&self.shared.collectors);
        for (_, gatherer) in gatherers.iter_mut().filter(|gatherer| is_selected(scrape, gatherer)) {
            late = late.and(gatherer.finish(scrape, *left));
        }
        drop(gatherers);
        for family in self.expiring().iter() {
            family.expire(scrape.start);
        }
        scrape.selection.less(late)
    }
}

/// Who collects, and for which group.
pub(super) type Gatherer = (Group, Box<dyn Gather>);

fn is_selected(scrape: &Scrape, gatherer: &Gatherer) -> bool {
    scrape.selection.contains(gatherer.0)
}

thread_local! {
    /// Wakes a thread that waits for its collection.
    static UNPARK: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    /// Leaves a group to a thread, which is done when it is told to be.
    struct Elsewhere {
        group: Group,
        done: Receiver<()>,
        wakers: Sender<Waker>,
        is_done: bool,
    }

    impl Gather for Elsewhere {
        fn begin(&mut self, _: &Scrape) -> Selection {
            Selection::NONE.with(self.group)
        }

        fn poll(&mut self, left: Selection, waker: &Waker) -> Option<Instant> {
            assert!(left.contains(self.group));
            self.wakers.send(waker.clone()).unwrap();
            self.is_done |= self.done.try_recv().is_ok();
            (!self.is_done).then(|| Instant::now() + Duration::from_secs(20))
        }

        fn finish(&mut self, _: &Scrape, _: Selection) -> Selection {
            if self.is_done { Selection::NONE } else { Selection::NONE.with(self.group) }
        }
    }

    fn elsewhere() -> (Registry, Group, Sender<()>, Receiver<Waker>) {
        let (group, registry) = (Group::new(5).unwrap(), Registry::new());
        let (sender, done) = channel();
        let (wakers, woken) = channel();
        registry.register_gatherer(Elsewhere { group, done, wakers, is_done: false });
        (registry, group, sender, woken)
    }

    #[test]
    fn what_is_left_to_others_is_waited_for() {
        let (registry, group, done, wakers) = elsewhere();
        let worker = thread::spawn(move || {
            let waker = wakers.recv().unwrap();
            done.send(()).unwrap();
            waker.wake();
            wakers
        });
        let selection = registry.collect(&Scrape::new(Selection::ALL));
        assert!(selection.contains(group) && selection == Selection::ALL);
        drop(worker.join().unwrap());
    }

    #[test]
    fn what_is_late_is_left_out() {
        let (registry, group, _done, _wakers) = elsewhere();
        let scrape = Scrape::within(Selection::ALL, Duration::from_millis(20));
        let selection = registry.collect(&scrape);
        assert_eq!(selection, Selection::ALL.without(group));
        assert!(scrape.deadline <= Instant::now());
    }
}
