//! Instruments: the values of an application, kept in its own memory and updated by one atomic
//! operation each.
//!
//! The values of a family's series stand end to end in blocks (`cell`), so that a scrape loads a
//! page of them in one pass. A handle ([`Counter`], [`Gauge`], …) holds a pointer to its cells and
//! keeps them alive; a [`Family`] finds the handle for a set of label values.
//!
//! # What a scrape may see of updates in flight
//!
//! Updates and scrapes share no lock. All cells are read and written with relaxed ordering: each
//! cell is the only memory that its readers look at, so there is nothing for a stronger ordering to
//! publish. From the coherence of single atomics follows:
//!
//! - A counter as seen by successive scrapes never goes back, and misses no finished update that
//!   happened before the scrape began. A sharded counter is the sum of cells of which each only
//!   grows, so the same holds for it.
//! - A gauge shows one of the values it was given.
//! - The buckets of a histogram are counted apart and summed up by the scrape, and the count *is*
//!   that sum: `+Inf` always equals `_count`, the buckets are cumulative, none of them goes back.
//! - The sum of a histogram is a cell of its own: a scrape during an observation may see it counted
//!   and not yet summed. At rest both agree.
//! - The native buckets of a histogram are counted apart from its classic ones. Where both are sent,
//!   the count is what the native ones add up to, and no classic bucket is shown above it.
//! - An exemplar is read before the values of its page, so the value has counted it already. Each
//!   stands behind a lock of its own, which a scrape takes and an update only tries.
//! - The time of a value, where it has one, is never later than that of the value beside it.
//! - Two families, or two series, are not read at one instant.
//!
//! What happens less often (a new series, a removal) takes the family's locks; a scrape takes them
//! only to lay out a page whose series changed, and never while it renders.

mod cell;
mod counter;
mod exemplar;
mod family;
mod gauge;
mod given;
mod histogram;
mod info;
mod key;
mod labels;
mod native;
mod shape;
mod shard;
mod source;
mod table;
mod time;
mod timed;

pub use counter::{Counter, FloatCounter, ShardedCounter};
pub use exemplar::{Exemplar, ExemplarError};
pub use family::{Dynamic, Family, Instrument, SeriesLimit};
pub use gauge::{Gauge, IntGauge};
pub use histogram::{BoundsError, Buckets, Histogram, Timer};
pub use info::{Info, StateSet, States, StatesError};
pub use labels::{LabelSchema, LabelValue, Labels};
pub use native::NativeBuckets;
pub use timed::{TimedCounter, TimedGauge};

pub(crate) use cell::{ScalarCells, Series, Value};
pub(crate) use exemplar::KeptExemplar;
pub(crate) use family::{BlockView, FamilyCore};
pub(crate) use given::{Given, GivenFamily, shapes as given_shapes};
pub(crate) use key::hash as hash_labels;
pub(crate) use shape::{Part, Shape};
pub(crate) use source::{NativeHistogram, Note, PageSource};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, whatever happened to an earlier owner: every critical section of this module
/// leaves its data valid at each step, so a panic elsewhere is no reason to lose the metrics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
