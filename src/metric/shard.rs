//! Which of its cells a sharded instrument lets this thread write.
//!
//! Threads are dealt to shards in turn when they first update a sharded instrument, so that few
//! threads never share a cache line and many share evenly. (papaya and the Linux kernel's per-CPU
//! counters deal by thread and by CPU; asking for the CPU costs more than the update.)

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More shards than this cost a scrape more than they save the updates of one counter.
const SHARDS_MAX: usize = 16;

/// The number of shards for this machine: a power of two, at least the number of CPUs up to 16.
pub(crate) fn shard_count() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    cpus.next_power_of_two().min(SHARDS_MAX)
}

/// A number that few other threads have, to be reduced to a shard by a mask.
#[inline]
pub(crate) fn thread_number() -> usize {
    thread_local! {
        /// `usize::MAX` before the thread's first use.
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| match number.get() {
        usize::MAX => deal(number),
        dealt => dealt,
    })
}

#[cold]
fn deal(number: &Cell<usize>) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // ORDERING: Relaxed: only that the numbers differ matters. Below usize::MAX, the mark of a
    // thread without a number, by any number of threads a machine can start.
    number.set(NEXT.fetch_add(1, Ordering::Relaxed) & (usize::MAX >> 1));
    number.get()
}
