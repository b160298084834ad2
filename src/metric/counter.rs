//! Counters: values that only grow.

use super::cell::{CELLS_PER_LINE, Cells, Series};
use super::exemplar::Exemplar;
use super::family::{Instrument, sealed};
use super::shape::{Number, Shape};
use super::shard;
use crate::model::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter of whole things.
///
/// Cloning gives another handle to the same value. An update is one relaxed atomic addition; it
/// wraps after 2^64 - 1.
#[derive(Clone)]
pub struct Counter(Cells);

impl Counter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds `amount`.
    #[inline]
    pub fn inc_by(&self, amount: u64) {
        // ORDERING: Relaxed: only the sum matters and no other memory is read through it.
        self.0.first().fetch_add(amount, Ordering::Relaxed);
    }

    /// Adds `amount` and leaves `exemplar` for it, in a family that keeps
    /// [`exemplars`](crate::FamilyBuilder::exemplars). It never waits: an exemplar that meets another
    /// one, or a scrape, is dropped.
    pub fn inc_by_with_exemplar(&self, amount: u64, exemplar: Exemplar) {
        self.inc_by(amount);
        self.0.put_exemplar(0, amount as f64, exemplar);
    }

    /// The current value.
    pub fn value(&self) -> u64 {
        // ORDERING: Relaxed: as for updates.
        self.0.first().load(Ordering::Relaxed)
    }

    /// Takes over a count that somebody else keeps (the kernel, a library), unless it is below the
    /// present value. For collectors; do not mix with [`inc`](Self::inc).
    #[inline]
    pub fn advance_to(&self, total: u64) {
        // ORDERING: Relaxed: as for updates; `fetch_max` keeps two collectors from going back.
        self.0.first().fetch_max(total, Ordering::Relaxed);
    }
}

impl sealed::Sealed for Counter {}

impl Instrument for Counter {
    type Options = ();
    const KIND: Kind = Kind::Counter;

    fn shape((): ()) -> Shape {
        Shape::Scalar(Number::U64)
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> Counter {
        Counter(Cells::new(series))
    }
}

/// A counter of seconds, joules or anything else that comes in parts.
///
/// An update is a compare-exchange loop on the bits of a double.
#[derive(Clone)]
pub struct FloatCounter(Cells);

impl FloatCounter {
    /// Adds `amount`. Negative amounts and NaN are left out: a counter cannot take them.
    #[inline]
    pub fn inc_by(&self, amount: f64) {
        if amount >= 0.0 {
            add_f64(self.0.first(), amount);
        }
    }

    /// Adds `amount` and leaves `exemplar` for it, as [`Counter::inc_by_with_exemplar`].
    pub fn inc_by_with_exemplar(&self, amount: f64, exemplar: Exemplar) {
        self.inc_by(amount);
        if amount >= 0.0 {
            self.0.put_exemplar(0, amount, exemplar);
        }
    }

    /// The current value.
    pub fn value(&self) -> f64 {
        // ORDERING: Relaxed: only this value is read.
        f64::from_bits(self.0.first().load(Ordering::Relaxed))
    }

    /// Takes over a total that somebody else keeps, as it is, even where it went back: the source
    /// says what happened, and scrapers know a reset. Negative totals and NaN are left out, as by
    /// [`inc_by`](Self::inc_by). For collectors.
    #[inline]
    pub fn set_total(&self, total: f64) {
        if total >= 0.0 {
            // ORDERING: Relaxed: no other memory is published.
            self.0.first().store(total.to_bits(), Ordering::Relaxed);
        }
    }
}

impl sealed::Sealed for FloatCounter {}

impl Instrument for FloatCounter {
    type Options = ();
    const KIND: Kind = Kind::Counter;

    fn shape((): ()) -> Shape {
        Shape::Scalar(Number::F64)
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> FloatCounter {
        FloatCounter(Cells::new(series))
    }
}

/// A counter for values that several threads increment all the time.
///
/// Each thread adds to one of several cells, each on a cache line of its own, and a scrape sums
/// them up. It takes 64 bytes a shard, so prefer [`Counter`] where updates do not collide.
#[derive(Clone)]
pub struct ShardedCounter {
    cells: Cells,
    /// INVARIANT: one less than the number of shards of the series' shape, a power of two.
    mask: usize,
}

impl ShardedCounter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds `amount`.
    #[inline]
    pub fn inc_by(&self, amount: u64) {
        // ORDERING: Relaxed: only the sum matters and no other memory is read through it.
        self.shard(shard::thread_number() & self.mask).fetch_add(amount, Ordering::Relaxed);
    }

    /// Adds `amount` and leaves `exemplar` for it, as [`Counter::inc_by_with_exemplar`]. There is one
    /// for all shards.
    pub fn inc_by_with_exemplar(&self, amount: u64, exemplar: Exemplar) {
        self.inc_by(amount);
        self.cells.put_exemplar(0, amount as f64, exemplar);
    }

    /// The current value: the sum of all shards.
    pub fn value(&self) -> u64 {
        // ORDERING: Relaxed: as for updates.
        let load = |index| self.shard(index & self.mask).load(Ordering::Relaxed);
        (0..=self.mask).map(load).fold(0, u64::wrapping_add)
    }

    #[inline]
    fn shard(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index <= self.mask);
        // SAFETY: the stride is shards * CELLS_PER_LINE, and `index` was masked to less than the
        // number of shards by both callers.
        unsafe { self.cells.at(index * CELLS_PER_LINE) }
    }
}

impl sealed::Sealed for ShardedCounter {}

impl Instrument for ShardedCounter {
    type Options = ();
    const KIND: Kind = Kind::Counter;

    fn shape((): ()) -> Shape {
        Shape::Sharded { shards: shard::shard_count() }
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> ShardedCounter {
        let mask = match series.shape() {
            Shape::Sharded { shards } => shards - 1,
            _ => 0,
        };
        ShardedCounter { cells: Cells::new(series), mask }
    }
}

/// Adds `amount` to the double in `cell`.
#[inline]
pub(super) fn add_f64(cell: &AtomicU64, amount: f64) {
    // ORDERING: Relaxed: the exchange below decides.
    let mut current = cell.load(Ordering::Relaxed);
    loop {
        let sum = (f64::from_bits(current) + amount).to_bits();
        // ORDERING: Relaxed on success and failure: only this value is read through the cell.
        match cell.compare_exchange_weak(current, sum, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(newer) => current = newer,
        }
    }
}
