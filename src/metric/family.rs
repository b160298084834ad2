//! Families: from label values to the handle of a series.
//!
//! ```text
//! look-up:   hash of the values -> one of up to 8 tables, behind a read lock -> Series -> handle
//! creation:  member lock, then the table's write lock
//! scrape:    member lock, only for pages whose series changed
//! ```
//!
//! The member lock orders everything that changes which series there are. A look-up of a series
//! that exists takes only the read lock of its table, so it waits for nothing but the moment in
//! which a new series is put into the same table.

mod members;

use super::cell::{Block, Cells, Series};
use super::exemplar::Exemplars;
use super::key::{self, WholeKey};
use super::labels::{LabelSchema, Labels};
use super::lock;
use super::shape::{Part, Shape};
use super::source::PageSource;
use crate::model::{Desc, Kind};
use members::{BlockMembers, Contents, Members};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Tables per family, so that look-ups on several threads rarely meet; a power of two.
const TABLES: usize = 8;

/// The label value of the series that stands for all those beyond a family's limit.
const OVERFLOW_VALUE: &str = "__overflow__";

/// A kind of instrument that a family can have. Sealed: the formats know all of them.
pub trait Instrument: sealed::Sealed + Clone + Send + Sync + 'static {
    /// What all series of a family share: the buckets of a histogram; nothing for the others.
    type Options;
    /// What the samples mean.
    const KIND: Kind;

    /// How the series of a family with these options lie in cells.
    #[doc(hidden)]
    fn shape(options: Self::Options) -> Shape;

    /// A handle to `series`, which lies in cells as [`shape`](Self::shape) says.
    #[doc(hidden)]
    fn from_series(series: Arc<Series>) -> Self;
}

pub(super) mod sealed {
    pub trait Sealed {}
}

/// The schema of families whose label names are given at run time.
///
/// Label sets of such a family are arrays or slices of `&str`, one value per name.
pub struct Dynamic;

impl<const N: usize> Labels for [&str; N] {
    type Schema = Dynamic;

    #[inline]
    fn with_values<R>(&self, f: impl FnOnce(&[&str]) -> R) -> R {
        f(self)
    }
}

impl Labels for [&str] {
    type Schema = Dynamic;

    #[inline]
    fn with_values<R>(&self, f: impl FnOnce(&[&str]) -> R) -> R {
        f(self)
    }
}

/// How many series a family may have, and for how long an unused one stays.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SeriesLimit {
    /// Series that can be created. Look-ups beyond it all lead to one more series, whose label
    /// values are `__overflow__`, and are counted in `promlet_family_overflows_total`.
    pub series_max: usize,
    /// A series that was not looked up for this long, and to which no handle is held, is removed
    /// at a scrape.
    pub idle: Option<Duration>,
}

impl Default for SeriesLimit {
    fn default() -> SeriesLimit {
        SeriesLimit { series_max: usize::MAX, idle: None }
    }
}

impl SeriesLimit {
    /// At most `series_max` series.
    pub fn series(series_max: usize) -> SeriesLimit {
        SeriesLimit { series_max, idle: None }
    }

    /// Removes series that were idle for `idle`.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> SeriesLimit {
        self.idle = Some(idle);
        self
    }
}

/// A family of instruments `M`, told apart by the labels of schema `L`.
///
/// Cloning gives another handle to the same family.
///
/// A look-up hashes the label values, takes a read lock that nothing holds for long, and compares
/// them; keep the handle it returns where an update must be faster. Handles stay good after their
/// series was removed; what they count is then seen by nobody.
pub struct Family<L, M> {
    core: Arc<FamilyCore>,
    types: PhantomData<fn(L) -> M>,
}

impl<L, M> Clone for Family<L, M> {
    fn clone(&self) -> Self {
        Family { core: Arc::clone(&self.core), types: PhantomData }
    }
}

impl<L, M: Instrument> Family<L, M> {
    /// `core` has the shape of `M` and the label names of `L`.
    pub(crate) fn new(core: Arc<FamilyCore>) -> Family<L, M> {
        Family { core, types: PhantomData }
    }

    /// The instrument of the series with these labels, which is created at zero if there is none.
    ///
    /// # Panics
    /// When a label set of a [`Dynamic`] family has another number of values than it has names.
    #[inline]
    pub fn get_or_create<Q: Labels<Schema = L> + ?Sized>(&self, labels: &Q) -> M {
        M::from_series(labels.with_values(|values| self.core.get_or_create(values)))
    }

    /// The instrument of the series with these labels, if there is one.
    pub fn get<Q: Labels<Schema = L> + ?Sized>(&self, labels: &Q) -> Option<M> {
        labels.with_values(|values| self.core.find(key::hash(values), values)).map(M::from_series)
    }

    /// Removes the series with these labels. Says whether there was one.
    pub fn remove<Q: Labels<Schema = L> + ?Sized>(&self, labels: &Q) -> bool {
        labels.with_values(|values| self.core.remove(values))
    }

    /// Removes all series.
    pub fn clear(&self) {
        self.core.retain(|_| false);
    }

    /// The number of series, the overflow series not among them.
    pub fn series_count(&self) -> usize {
        self.core.contents.get().map_or(0, |contents| lock(&contents.members).series_count)
    }
}

impl<L: LabelSchema, M> Family<L, M> {
    /// The label names of a look-up's values.
    pub fn label_names(&self) -> &'static [&'static str] {
        L::NAMES
    }
}

/// A family without its types: what the registry and the formats see.
pub(crate) struct FamilyCore {
    pub(crate) desc: Desc,
    shape: Arc<Shape>,
    limit: SeriesLimit,
    /// Counts look-ups beyond the limit.
    overflows: Option<super::Counter>,
    has_one_user: bool,
    /// Not before there is a series: half of the families of a node never have one.
    contents: OnceLock<Box<Contents>>,
    /// Grows with every change of the members.
    version: AtomicU64,
    /// Grows with every change of any family of the registry.
    registry_version: Arc<AtomicU64>,
}

/// What a format needs to know of one block to decide whether its page is up to date.
pub(crate) struct BlockView {
    version: u64,
    block: Arc<Block>,
    series: Arc<Vec<Arc<Series>>>,
}

impl BlockView {
    /// Differs from that of every other state of every block of the family.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn shape(&self) -> &Shape {
        self.block.shape()
    }

    /// The series of the block from `first` on.
    pub(crate) fn source(&self, part: Part, first: usize) -> PageSource {
        PageSource::new(Arc::clone(&self.block), Arc::clone(&self.series), first, part)
    }

    pub(crate) fn series_count(&self) -> usize {
        self.series.len()
    }
}

impl FamilyCore {
    pub(crate) fn new(
        desc: Desc,
        shape: Shape,
        limit: SeriesLimit,
        overflows: Option<super::Counter>,
        registry_version: Arc<AtomicU64>,
    ) -> FamilyCore {
        FamilyCore {
            desc,
            shape: shape.share(),
            limit,
            overflows,
            has_one_user: false,
            contents: OnceLock::new(),
            version: AtomicU64::new(0),
            registry_version,
        }
    }

    /// Makes the new family take less memory, where look-ups never meet.
    pub(crate) fn with_one_table(self) -> FamilyCore {
        FamilyCore { has_one_user: true, ..self }
    }

    #[inline]
    fn get_or_create(&self, values: &[&str]) -> Arc<Series> {
        assert_eq!(
            values.len(),
            self.desc.label_names.len(),
            "{}: a value for each label name",
            self.desc.name
        );
        let hash = key::hash(values);
        self.find(hash, values).unwrap_or_else(|| self.create(hash, values))
    }

    #[inline]
    fn find(&self, hash: u64, values: &[&str]) -> Option<Arc<Series>> {
        let table = self.contents.get()?.table(hash);
        let table = table.read().unwrap_or_else(PoisonError::into_inner);
        let series = table.find(hash, values)?;
        if self.limit.idle.is_some() {
            // ORDERING: Relaxed: a mark that a later sweep sees or does not.
            series.touched.store(true, Ordering::Relaxed);
        }
        Some(Arc::clone(series))
    }

    fn contents(&self) -> &Contents {
        let tables = if self.has_one_user { 1 } else { TABLES };
        self.contents.get_or_init(|| Box::new(Contents::new(tables)))
    }

    #[cold]
    fn create(&self, hash: u64, values: &[&str]) -> Arc<Series> {
        let contents = self.contents();
        let mut members = lock(&contents.members);
        if let Some(created_meanwhile) = self.find(hash, values) {
            return created_meanwhile;
        }
        if members.series_count >= self.limit.series_max {
            return self.overflow(&mut members);
        }
        let series = self.add_member(&mut members, values, &self.shape);
        members.series_count += 1;
        let mut table = contents.table(hash).write().unwrap_or_else(PoisonError::into_inner);
        table.insert(hash, Arc::clone(&series));
        series
    }

    fn overflow(&self, members: &mut Members) -> Arc<Series> {
        if let Some(overflows) = &self.overflows {
            overflows.inc();
        }
        if let Some(series) = &members.overflow {
            return Arc::clone(series);
        }
        let values = vec![OVERFLOW_VALUE; self.desc.label_names.len()];
        let series = self.add_member(members, &values, &self.shape);
        members.overflow = Some(Arc::clone(&series));
        series
    }

    /// Adds a series that is given, behind those that were added before. It is not found by look-ups.
    pub(crate) fn add_given<'l>(
        &self,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
        shape: &Arc<Shape>,
    ) -> Cells {
        let names_and_values: Vec<&str> = labels.flat_map(|(name, value)| [name, value]).collect();
        let mut members = lock(&self.contents().members);
        let series = self.add_member(&mut members, &names_and_values, shape);
        members.series_count += 1;
        Cells::new(series)
    }

    /// Gives a new series a slot: a free one in the last block, one that a removed series left
    /// elsewhere, or one in a new block.
    fn add_member(
        &self,
        members: &mut Members,
        values: &[&str],
        shape: &Arc<Shape>,
    ) -> Arc<Series> {
        let last = members.blocks.len().checked_sub(1);
        let last = last.filter(|i| Arc::ptr_eq(members.blocks[*i].block.shape(), shape));
        let in_last = last.and_then(|i| members.blocks[i].block.take_slot().map(|slot| (i, slot)));
        let found = in_last.or_else(|| members.find_released_slot(shape));
        let (index, slot) = found.unwrap_or_else(|| {
            let slots = shape.block_slots(members.blocks.len(), self.limit.series_max);
            let exemplars = || Exemplars::new(slots * shape.exemplars());
            let released = Arc::clone(members.released.get_or_insert_default());
            members.add_block(Block::new(
                Arc::clone(shape),
                slots,
                released,
                WholeKey::new(values.iter().copied()),
                self.desc.keeps_exemplars.then(exemplars),
            ))
        });
        let entry = &mut members.blocks[index];
        let series = Arc::new(Series::new(Arc::clone(&entry.block), slot, values));
        Arc::make_mut(&mut entry.series).push(Arc::clone(&series));
        entry.version = self.changed();
        series
    }

    fn remove(&self, values: &[&str]) -> bool {
        let mut members = lock(&self.contents().members);
        let Some(removed) = self.remove_entry(values) else { return false };
        members.series_count -= 1;
        let index = members
            .blocks
            .iter()
            .position(|entry| Arc::ptr_eq(&entry.block, removed.block()))
            .expect("a series that is found lies in a block of its family");
        let entry = &mut members.blocks[index];
        Arc::make_mut(&mut entry.series).retain(|series| !Arc::ptr_eq(series, &removed));
        entry.version = self.changed();
        if entry.series.is_empty() {
            members.blocks.remove(index);
        }
        true
    }

    /// Removes every series, the overflow series among them, that `keep` does not want.
    fn retain(&self, mut keep: impl FnMut(&Arc<Series>) -> bool) {
        let mut members = lock(&self.contents().members);
        let Members { blocks, series_count, overflow, .. } = &mut *members;
        blocks.retain_mut(|entry| {
            let (kept, removed): (Vec<_>, Vec<_>) = entry.series.iter().partition(|s| keep(s));
            if removed.is_empty() {
                return true;
            }
            for series in removed {
                if overflow.take_if(|overflow| Arc::ptr_eq(overflow, series)).is_none() {
                    self.remove_entry(&series.label_values().collect::<Vec<_>>());
                    *series_count -= 1;
                }
            }
            entry.series = Arc::new(kept.into_iter().map(Arc::clone).collect());
            entry.version = self.changed();
            !entry.series.is_empty()
        });
    }

    fn remove_entry(&self, values: &[&str]) -> Option<Arc<Series>> {
        let hash = key::hash(values);
        let table = self.contents().table(hash);
        let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
        table.remove(hash, values)
    }

    /// Whether [`FamilyCore::expire`] ever removes a series.
    pub(crate) fn expires(&self) -> bool {
        self.limit.idle.is_some()
    }

    /// Removes the series that nobody looked up since the last call that did something, and to
    /// which no handle is held; does nothing before the family's idle time is over.
    pub(crate) fn expire(&self, now: Instant) {
        let Some(idle) = self.limit.idle else { return };
        let due = {
            let mut members = lock(&self.contents().members);
            let last = *members.last_expiry.get_or_insert(now);
            let due = now.duration_since(last) >= idle;
            if due {
                members.last_expiry = Some(now);
            }
            due
        };
        if due {
            // ORDERING: Relaxed: a look-up that comes after this is seen by the next sweep.
            self.retain(|series| series.touched.swap(false, Ordering::Relaxed) || is_held(series));
        }
    }

    /// Marks a change and says its version.
    fn changed(&self) -> u64 {
        // ORDERING: Release pairs with the Acquire in `version`: whoever sees the new version and
        // then takes the member lock, which is held here, waits for the change.
        let version = self.version.fetch_add(1, Ordering::Release) + 1;
        // ORDERING: Release pairs with the Acquire in `Registry::version`: whoever sees the new
        // version of the registry sees that of the family, which is why it comes second.
        self.registry_version.fetch_add(1, Ordering::Release);
        version
    }

    /// The number of the family's last change.
    pub(crate) fn version(&self) -> u64 {
        // ORDERING: Acquire pairs with the Release in `changed`.
        self.version.load(Ordering::Acquire)
    }

    /// The series by block, in the order of their pages.
    pub(crate) fn blocks(&self) -> Vec<BlockView> {
        let view = |entry: &BlockMembers| BlockView {
            version: entry.version,
            block: Arc::clone(&entry.block),
            series: Arc::clone(&entry.series),
        };
        lock(&self.contents().members).blocks.iter().map(view).collect()
    }
}

/// Whether somebody outside the family and its pages holds `series`.
///
/// The family holds it twice, in its table and its members, and so does every list of members that
/// pages were laid out from. A page that is still held makes the answer yes for longer than need
/// be, which only postpones the expiry.
fn is_held(series: &Arc<Series>) -> bool {
    Arc::strong_count(series) > 2
}

#[cfg(test)]
mod tests;
