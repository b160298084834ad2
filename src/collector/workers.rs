//! Helper threads, for what may block outside our control: a dead NFS mount, a sensor that sleeps.
//!
//! A [`Task`] lives as long as its owner, which begins it again and again: a helper runs it, and
//! the owner looks at what came of it when it is done. It is never waited for by a lock, so that a
//! task that hangs costs a thread and nothing else.
//!
//! ```text
//! begin, begin, start ──> queue ──> the one helper ──> done, done ──> wakers
//!                          └─(it holds one task for too long)─> another helper
//! offer, start, share ──> offers ──> the helper when the queue is empty, else the caller
//! ```
//!
//! Helper and caller work at the same time only where they run on different CPUs, and kernels bring
//! threads together that wake each other. So a helper that rests on the CPU of its caller may run
//! on all others from then on, but not on that.
//!
//! There is one helper, from the first start on. Only where it is stuck another one is made for what
//! waits, and so on; one that comes free and finds another free ends.

use crate::metric::lock;
use crate::sys::affinity::{CpuSet, ThreadId, current_cpu};
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

    /// From here on it is under way. Says whether it was not before.
    fn set_under_way(&self) -> bool {
        !std::mem::replace(&mut *lock(&self.is_under_way), true)
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
    /// What the one who offers it does where no helper has begun it.
    offers: VecDeque<Arc<dyn Run>>,
    threads: usize,
    /// The helper that waits for the call, if one does.
    free: Option<Rest>,
    /// When the queue began to wait for a helper, or one took something from it.
    moved: Instant,
    /// Who wants to know when the queue is done.
    wakers: Vec<Waker>,
    is_over: bool,
}

/// Where a helper waits.
#[derive(Clone, Copy)]
struct Rest {
    thread: ThreadId,
    cpu: Option<usize>,
}

impl State {
    /// What a helper does next.
    fn next_task(&mut self) -> Option<Arc<dyn Run>> {
        let queued = self.queue.pop_front();
        if queued.is_some() {
            self.moved = Instant::now();
        }
        queued.or_else(|| self.offers.pop_front())
    }

    /// Makes the helper that waits run on another CPU than the caller, if there is another. Where
    /// that is not allowed they take turns.
    fn part_from_caller(&self) -> Option<()> {
        let here = current_cpu()?;
        self.free.filter(|rest| rest.cpu == Some(here))?;
        self.send_to(CpuSet::of_current_thread().ok()?.without(here)?)
    }

    fn send_to(&self, cpus: CpuSet) -> Option<()> {
        cpus.confine(self.free?.thread).ok()
    }
}

impl Workers {
    /// No thread yet.
    pub(crate) fn new() -> Workers {
        let state = State {
            queue: VecDeque::new(),
            offers: VecDeque::new(),
            threads: 0,
            free: None,
            moved: Instant::now(),
            wakers: Vec::with_capacity(WAKERS),
            is_over: false,
        };
        Workers { shared: Arc::new(Shared { state: Mutex::new(state), call: Condvar::new() }) }
    }

    /// Puts `task` into the queue, unless it is under way already. [`Workers::start`] follows.
    pub(crate) fn begin<W: Work>(&self, task: &Arc<Task<W>>) {
        if !task.set_under_way() {
            return;
        }
        let mut state = lock(&self.shared.state);
        if state.queue.is_empty() {
            state.moved = Instant::now();
        }
        state.queue.push_back(Arc::clone(task) as Arc<dyn Run>);
    }

    /// Offers `task` to a helper that has nothing else to do, unless it is under way already.
    /// [`Workers::start`] follows, and [`Workers::share`] in the end.
    pub(crate) fn offer<W: Work>(&self, task: &Arc<Task<W>>) {
        if task.set_under_way() {
            lock(&self.shared.state).offers.push_back(Arc::clone(task) as Arc<dyn Run>);
        }
    }

    /// Does what was offered and no helper has begun, the last first.
    pub(crate) fn share(&self) {
        // Unlocked while it runs, so that the helper can take the next one.
        let take = || lock(&self.shared.state).offers.pop_back();
        while let Some(task) = take() {
            task.run();
        }
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
        if state.queue.is_empty() && (state.free.is_none() || state.offers.is_empty()) {
            return Ok(());
        }
        if state.free.is_some() {
            state.part_from_caller();
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
        state.offers.clear();
        self.shared.call.notify_all();
    }
}

impl Shared {
    /// What a helper does all its life.
    fn help(&self) {
        let mut woken = Vec::with_capacity(WAKERS);
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.next_task() {
                drop(state);
                task.run();
                state = lock(&self.state);
            } else if !state.wakers.is_empty() {
                std::mem::swap(&mut state.wakers, &mut woken);
                drop(state);
                woken.drain(..).for_each(Waker::wake);
                state = lock(&self.state);
            } else if state.is_over || state.free.is_some() {
                break;
            } else {
                state.free = Some(Rest { thread: ThreadId::current(), cpu: current_cpu() });
                state = self.call.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.free = None;
            }
        }
        state.threads -= 1;
    }
}

#[cfg(test)]
mod tests;
