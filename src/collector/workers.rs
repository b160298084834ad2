//! Helper threads, for what may block outside our control: a dead NFS mount, a sensor that sleeps.
//!
//! A [`Task`] lives as long as its owner, which begins it again and again: a helper runs it, and
//! the owner looks at what came of it when it is done. It is never waited for by a lock, so that a
//! task that hangs costs a thread and nothing else.
//!
//! ```text
//! begin, begin, begin, start ──> queue ──> the one helper ──> done, done, done ──> wakers
//!                                  └─(it holds one task for too long)─> another helper
//! ```
//!
//! There is one helper, from the first start on. Only where it is stuck another one is made for what
//! waits, and so on; one that comes free and finds another free ends.

use crate::metric::lock;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

/// How long tasks wait while no helper takes the next one, before another helper is made; also how
/// often those who wait look whether it is so. Longer than any source that merely reads slowly
/// should take, and short enough that a stuck one delays the others by nothing that a scrape
/// notices.
const HOLD_MAX: Duration = Duration::from_millis(50);

/// Helpers at once. So many are needed only where as many sources hang; what is behind them then
/// waits, and is late too.
const THREADS_MAX: usize = 64;

/// The stack of a helper, of which only the pages that are used take memory. Collectors keep what
/// they read on the heap.
const STACK_BYTES: usize = 256 * 1024;

/// Who waits at once, in most cases: the event loop. More make the list of them grow.
const WAKERS: usize = 4;

/// What a helper does.
pub(crate) trait Work: Send + 'static {
    /// Does it, however long that takes.
    fn run(&mut self);
}

/// Work that runs on a helper each time that it is begun.
pub(crate) struct Task<W> {
    /// Locked while it runs: only who knows that it does not may lock it.
    work: Mutex<W>,
    is_under_way: Mutex<bool>,
}

impl<W: Work> Task<W> {
    pub(crate) fn new(work: W) -> Arc<Task<W>> {
        Arc::new(Task { work: Mutex::new(work), is_under_way: Mutex::new(false) })
    }

    /// Whether it was begun and is not done.
    pub(crate) fn is_under_way(&self) -> bool {
        *lock(&self.is_under_way)
    }

    /// The work with what came of its last run, unless it is under way.
    pub(crate) fn done(&self) -> Option<MutexGuard<'_, W>> {
        if self.is_under_way() { None } else { Some(lock(&self.work)) }
    }
}

/// A task of any work.
trait Run: Send + Sync {
    fn run(&self);
}

impl<W: Work> Run for Task<W> {
    fn run(&self) {
        lock(&self.work).run();
        *lock(&self.is_under_way) = false;
    }
}

/// The helpers and what they have to do. They end when it is dropped, each when it comes free.
pub(crate) struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something in the queue, or it is the end.
    call: Condvar,
}

struct State {
    queue: VecDeque<Arc<dyn Run>>,
    threads: usize,
    /// Helpers that wait for the call.
    free: usize,
    /// When the queue began to wait for a helper, or one took something from it.
    moved: Instant,
    /// Who wants to know when the queue is done.
    wakers: Vec<Waker>,
    is_over: bool,
}

impl Workers {
    /// No thread yet.
    pub(crate) fn new() -> Workers {
        let state = State {
            queue: VecDeque::new(),
            threads: 0,
            free: 0,
            moved: Instant::now(),
            wakers: Vec::with_capacity(WAKERS),
            is_over: false,
        };
        Workers { shared: Arc::new(Shared { state: Mutex::new(state), call: Condvar::new() }) }
    }

    /// Puts `task` into the queue, unless it is under way already. [`Workers::start`] follows.
    pub(crate) fn begin<W: Work>(&self, task: &Arc<Task<W>>) {
        if std::mem::replace(&mut *lock(&task.is_under_way), true) {
            return;
        }
        let mut state = lock(&self.shared.state);
        if state.queue.is_empty() {
            state.moved = Instant::now();
        }
        state.queue.push_back(Arc::clone(task) as Arc<dyn Run>);
    }

    /// Lets a helper work on the queue, and makes one if there is none or all are stuck.
    ///
    /// # Errors
    /// If there can be no more threads. Another call tries again.
    pub(crate) fn start(&self, now: Instant) -> io::Result<()> {
        self.start_helper(lock(&self.shared.state), now)
    }

    fn start_helper(&self, mut state: MutexGuard<'_, State>, now: Instant) -> io::Result<()> {
        let is_stuck = now.saturating_duration_since(state.moved) >= HOLD_MAX;
        if state.queue.is_empty() {
            return Ok(());
        }
        if state.free > 0 {
            // Unlocked, so that whoever is called does not have to wait for that.
            drop(state);
            self.shared.call.notify_one();
        } else if state.threads == 0 || is_stuck && state.threads < THREADS_MAX {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("promlet-helper".into());
            thread.stack_size(STACK_BYTES).spawn(move || shared.help())?;
            state.threads += 1;
            state.moved = now;
        }
        Ok(())
    }

    /// Asks `until` whether what the caller needs is done, or up to when that is worth waiting for.
    /// In the second case `waker` is woken when the queue is done, and the caller asks again then,
    /// at the time that is returned at the latest.
    pub(crate) fn poll(
        &self,
        waker: &Waker,
        now: Instant,
        until: impl FnOnce() -> Option<Instant>,
    ) -> Option<Instant> {
        // Helpers look for wakers behind each task, so one that is done unseen is heard of.
        let mut state = lock(&self.shared.state);
        let until = until()?;
        if !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        // Where there can be no thread, there may be one the next time; what waits is late else.
        let _ = self.start_helper(state, now);
        Some(until.min(now + HOLD_MAX))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.is_over = true;
        state.queue.clear();
        self.shared.call.notify_all();
    }
}

impl Shared {
    /// What a helper does all its life.
    fn help(&self) {
        let mut woken = Vec::with_capacity(WAKERS);
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.queue.pop_front() {
                state.moved = Instant::now();
                drop(state);
                task.run();
                state = lock(&self.state);
            } else if !state.wakers.is_empty() {
                std::mem::swap(&mut state.wakers, &mut woken);
                drop(state);
                woken.drain(..).for_each(Waker::wake);
                state = lock(&self.state);
            } else if state.is_over || state.free > 0 {
                break;
            } else {
                state.free += 1;
                state = self.call.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.free -= 1;
            }
        }
        state.threads -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::task::Wake;

    /// No test waits longer; one that does has failed.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Tells that it runs, and then waits until it is let go.
    struct Held {
        begun: Sender<thread::ThreadId>,
        release: Receiver<()>,
        runs: usize,
    }

    impl Work for Held {
        fn run(&mut self) {
            self.begun.send(thread::current().id()).unwrap();
            // A test that is over lets go too.
            let _ = self.release.recv();
            self.runs += 1;
        }
    }

    struct Bench {
        workers: Workers,
        begun: (Sender<thread::ThreadId>, Receiver<thread::ThreadId>),
        woken: Receiver<()>,
        waker: Waker,
    }

    struct Bell(Mutex<Sender<()>>);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            let _ = lock(&self.0).send(());
        }
    }

    impl Bench {
        fn new() -> Bench {
            let (bell, woken) = channel();
            let waker = Waker::from(Arc::new(Bell(Mutex::new(bell))));
            Bench { workers: Workers::new(), begun: channel(), woken, waker }
        }

        fn held(&self) -> (Arc<Task<Held>>, Sender<()>) {
            let (sender, release) = channel();
            (Task::new(Held { begun: self.begun.0.clone(), release, runs: 0 }), sender)
        }

        fn next_begun(&self) -> thread::ThreadId {
            self.begun.1.recv_timeout(PATIENCE).expect("a task is begun")
        }

        /// Waits as a scrape does until none of `tasks` is under way.
        fn wait_for(&self, tasks: &[&Arc<Task<Held>>]) {
            let started = Instant::now();
            let is_waiting = || tasks.iter().any(|task| task.is_under_way());
            while let Some(until) = {
                let now = Instant::now();
                self.workers.poll(&self.waker, now, || is_waiting().then_some(now + PATIENCE))
            } {
                assert!(started.elapsed() < PATIENCE);
                let _ = self.woken.recv_timeout(until.saturating_duration_since(Instant::now()));
            }
        }

        fn threads(&self) -> usize {
            lock(&self.workers.shared.state).threads
        }
    }

    #[test]
    fn one_helper_does_what_is_quick() {
        let bench = Bench::new();
        let mut helpers = Vec::new();
        for runs in 1..=3 {
            let (task, release) = bench.held();
            let (other, release_other) = bench.held();
            bench.workers.begin(&task);
            bench.workers.begin(&task);
            bench.workers.begin(&other);
            assert!(task.done().is_none());
            bench.workers.start(Instant::now()).unwrap();
            release.send(()).unwrap();
            release_other.send(()).unwrap();
            bench.wait_for(&[&task, &other]);
            assert_eq!((task.done().unwrap().runs, other.done().unwrap().runs), (1, 1), "{runs}");
            helpers.extend([bench.next_begun(), bench.next_begun()]);
        }
        assert!(helpers.iter().all(|helper| *helper == helpers[0]), "{helpers:?}");
        assert_eq!(bench.threads(), 1);
    }

    #[test]
    fn what_waits_behind_a_stuck_task_gets_another_helper() {
        let bench = Bench::new();
        let (stuck, release_stuck) = bench.held();
        let (quick, release_quick) = bench.held();
        bench.workers.begin(&stuck);
        bench.workers.begin(&quick);
        bench.workers.start(Instant::now()).unwrap();
        release_quick.send(()).unwrap();
        bench.wait_for(&[&quick]);
        assert!(stuck.is_under_way());
        assert_ne!(bench.next_begun(), bench.next_begun());
        assert_eq!(bench.threads(), 2);

        bench.workers.begin(&stuck);
        release_stuck.send(()).unwrap();
        bench.wait_for(&[&stuck]);
        assert_eq!(stuck.done().unwrap().runs, 1, "it was under way when it was begun again");
        let started = Instant::now();
        while bench.threads() > 1 {
            assert!(started.elapsed() < PATIENCE, "a helper too many ends when it comes free");
            thread::yield_now();
        }
    }

    #[test]
    fn the_end_waits_for_nobody() {
        let bench = Bench::new();
        let (stuck, release) = bench.held();
        bench.workers.begin(&stuck);
        bench.workers.start(Instant::now()).unwrap();
        bench.next_begun();
        let shared = Arc::downgrade(&bench.workers.shared);
        drop(bench);
        assert!(stuck.is_under_way());
        drop(release);
        let started = Instant::now();
        while shared.strong_count() > 0 {
            assert!(started.elapsed() < PATIENCE, "a helper that comes free ends");
            thread::yield_now();
        }
    }
}
