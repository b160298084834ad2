//! Cells: the values of the series of a page, end to end in memory.
//!
//! ```text
//! Block   one page's worth of one family's series
//!   cells   slot 0: stride cells | slot 1: stride cells | ...      64-byte aligned
//!   free    one bit per slot
//!   exemplars   slots of another kind, where the family keeps exemplars
//! Series  owns one slot of one block until the last handle, look-up entry and page is gone
//! Cells   a handle's view: the address of its first cell, and the Series that keeps it alive
//! ScalarCells   a page's view of a block of scalars, likewise
//! ```
//!
//! A slot is given out again only when its [`Series`] is dropped, so neither an update through an
//! old handle nor a scrape of an old page can touch the cells of a later series.

use super::exemplar::{Exemplar, Exemplars};
use super::given::Given;
use super::key::{Key, WholeKey};
use super::shape::{LINES_PER_PAGE, Number, Part, Shape};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Cells of one cache line; sharded counters and histograms start on a line of their own.
pub(crate) const CELLS_PER_LINE: usize = 8;

/// The cell of a histogram's sum, and that of its lowest bucket.
pub(super) const SUM: usize = 0;
pub(super) const FIRST_BUCKET: usize = 1;

/// The cell of the time of a value that has one, in milliseconds since 1970; 0 is none.
pub(super) const TIME: usize = 1;

/// The value of one line of an exposition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    U64(u64),
    I64(i64),
    F64(f64),
}

impl Value {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Value::U64(value) => value as f64,
            Value::I64(value) => value as f64,
            Value::F64(value) => value,
        }
    }
}

/// Eight cells on a cache line.
#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU64; CELLS_PER_LINE]);

/// The cells of up to 64 series.
pub(crate) struct Block {
    pub(super) shape: Arc<Shape>,
    lines: Box<[Line]>,
    /// What the keys of the block's series are made after.
    model: WholeKey,
    /// Bit `i` is set while slot `i` belongs to no series.
    free: AtomicU64,
    /// Shared by the blocks of a family: set when a slot became free, so that the family looks for
    /// free slots only where there may be some.
    released: Arc<AtomicBool>,
    /// For each slot as many as its shape has.
    pub(super) exemplars: Option<Exemplars>,
}

impl Block {
    /// A block of `slots` slots, 1 to 64, all free and zero. Its series have most of their label
    /// values in common with those of `model`, if things go as usual. If there are `exemplars`, they
    /// are those of so many slots.
    pub(crate) fn new(
        shape: Arc<Shape>,
        slots: usize,
        released: Arc<AtomicBool>,
        model: WholeKey,
        exemplars: Option<Exemplars>,
    ) -> Arc<Block> {
        assert!((1..=LINES_PER_PAGE).contains(&slots), "a block has 1 to 64 slots, not {slots}");
        let lines = (slots * shape.stride()).div_ceil(CELLS_PER_LINE);
        Arc::new(Block {
            shape,
            lines: (0..lines).map(|_| Line::default()).collect(),
            model,
            free: AtomicU64::new(u64::MAX >> (64 - slots)),
            released,
            exemplars,
        })
    }

    pub(crate) fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// Takes a free slot and makes its cells zero. Only one thread at a time may ask: the family's
    /// member lock sees to that.
    pub(crate) fn take_slot(&self) -> Option<u8> {
        // ORDERING: Acquire pairs with the Release in `release`: what the former owner of the slot
        // did to its cells comes before they are made zero below.
        let free = self.free.load(Ordering::Acquire);
        if free == 0 {
            return None;
        }
        let slot = free.trailing_zeros() as u8;
        // ORDERING: Relaxed: taking publishes nothing; the new series is published by the lock.
        self.free.fetch_and(!(1 << slot), Ordering::Relaxed);
        let first = usize::from(slot) * self.shape.stride();
        for index in first..first + self.shape.stride() {
            // ORDERING: Relaxed: handles to the slot are made after this, by the same thread.
            self.cell(index).store(0, Ordering::Relaxed);
        }
        Some(slot)
    }

    fn release(&self, slot: u8) {
        if let Some(exemplars) = &self.exemplars {
            let count = self.shape.exemplars();
            exemplars.clear(usize::from(slot) * count, count);
        }
        // ORDERING: Release pairs with the Acquire in `take_slot`.
        self.free.fetch_or(1 << slot, Ordering::Release);
        // ORDERING: Release pairs with the Acquire in `FamilyCore::find_released_slot`: who sees the
        // mark sees the bit.
        self.released.store(true, Ordering::Release);
    }

    #[inline]
    fn cell(&self, index: usize) -> &AtomicU64 {
        &self.lines[index / CELLS_PER_LINE].0[index % CELLS_PER_LINE]
    }

    #[inline]
    pub(super) fn load(&self, index: usize) -> u64 {
        // ORDERING: Relaxed: a cell is the only memory that is read through it (see `metric`).
        self.cell(index).load(Ordering::Relaxed)
    }

    /// When the value of the series in `slot` was measured, if it says so.
    pub(super) fn time(&self, slot: usize) -> Option<u64> {
        let Shape::Timed = *self.shape else { return None };
        // ORDERING: Acquire pairs with the Release in `timed`: the value is read after this.
        let time_ms = self.cell(slot * self.shape.stride() + TIME).load(Ordering::Acquire);
        (time_ms > 0).then_some(time_ms)
    }

    /// Calls `line` with the value of each line of `part` of the series in `slots`.
    #[inline]
    pub(super) fn visit(&self, slots: &[u8], part: Part, mut line: impl FnMut(Value)) {
        let load = |slot: &u8| self.load(usize::from(*slot));
        match &*self.shape {
            Shape::Scalar(Number::U64) => slots.iter().for_each(|s| line(Value::U64(load(s)))),
            Shape::Scalar(Number::I64) => {
                slots.iter().for_each(|s| line(Value::I64(load(s).cast_signed())));
            }
            Shape::Scalar(Number::F64) => {
                slots.iter().for_each(|s| line(Value::F64(f64::from_bits(load(s)))));
            }
            Shape::Sharded { shards } => {
                for slot in slots {
                    let first = usize::from(*slot) * self.shape.stride();
                    let shard = |index| self.load(first + index * CELLS_PER_LINE);
                    line(Value::U64((0..*shards).map(shard).fold(0, u64::wrapping_add)));
                }
            }
            Shape::Histogram { bounds, .. } => {
                for slot in slots {
                    let first = usize::from(*slot) * self.shape.stride();
                    self.visit_histogram(first, bounds.len() + 1, part, &mut line);
                }
            }
            Shape::Timed => {
                for slot in slots {
                    let first = usize::from(*slot) * self.shape.stride();
                    line(Value::F64(f64::from_bits(self.load(first))));
                }
            }
            Shape::One => slots.iter().for_each(|_| line(Value::U64(1))),
            Shape::States { names } => {
                for slot in slots {
                    let bits = load(slot);
                    (0..names.len()).for_each(|state| line(Value::U64(bits >> state & 1)));
                }
            }
            Shape::Given(given) => {
                for slot in slots {
                    let first = usize::from(*slot) * self.shape.stride();
                    self.visit_given(first, given, part, &mut line);
                }
            }
        }
    }

    /// Calls `line` with the values of a series, as `part` has them.
    fn visit_given(&self, first: usize, given: &Given, part: Part, line: &mut impl FnMut(Value)) {
        let count = |index| Value::U64(self.load(first + index));
        let number = |index| Value::F64(f64::from_bits(self.load(first + index)));
        let levels = given.levels().len();
        if matches!(part, Part::All | Part::Buckets) {
            match given {
                Given::Number => return line(number(0)),
                Given::Summary { .. } => (0..levels).map(number).for_each(&mut *line),
                Given::Histogram { .. } => (0..levels).map(count).for_each(&mut *line),
            }
        }
        if matches!(part, Part::All | Part::Sum) {
            line(number(levels));
        }
        if matches!(part, Part::All | Part::Count) {
            line(count(levels + 1));
        }
    }

    /// Calls `line` with `buckets` cumulative counts, the sum and the count, as `part` has them.
    #[inline]
    fn visit_histogram(
        &self,
        first: usize,
        buckets: usize,
        part: Part,
        line: &mut impl FnMut(Value),
    ) {
        let mut count = 0_u64;
        for bucket in 0..buckets {
            count = count.wrapping_add(self.load(first + FIRST_BUCKET + bucket));
            if matches!(part, Part::All | Part::Buckets) {
                line(Value::U64(count));
            }
        }
        if matches!(part, Part::All | Part::Sum) {
            line(Value::F64(f64::from_bits(self.load(first + SUM))));
        }
        if matches!(part, Part::All | Part::Count) {
            line(Value::U64(count));
        }
    }
}

/// One series: its label values and the slot it owns.
pub struct Series {
    pub(super) block: Arc<Block>,
    pub(super) slot: u8,
    key: Key,
    /// Set by look-ups in families whose idle series expire.
    pub(crate) touched: AtomicBool,
    /// In seconds since 1970.
    created: u32,
}

impl Series {
    /// A series with these label values that owns `slot`, which was taken from `block` for it.
    pub(crate) fn new(block: Arc<Block>, slot: u8, values: &[&str]) -> Series {
        let key = Key::new(values, &block.model);
        // A clock before 1970 or after 2106 is shown as those.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let created = u32::try_from(now).unwrap_or(u32::MAX);
        Series { block, slot, key, touched: AtomicBool::new(true), created }
    }

    /// The label values, in the order of their names.
    pub(crate) fn label_values(&self) -> impl Iterator<Item = &str> {
        self.key.values(&self.block.model)
    }

    /// Whether the label values are `values`.
    #[inline]
    pub(crate) fn has_label_values(&self, values: &[&str]) -> bool {
        self.key.matches(values, &self.block.model)
    }

    /// When the series was created, in whole seconds since 1970.
    pub(crate) fn created(&self) -> u64 {
        self.created.into()
    }

    pub(crate) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.block.shape
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        self.block.release(self.slot);
    }
}

/// The cells of one series, for a handle.
pub(crate) struct Cells {
    /// INVARIANT: the first of `stride` cells of `series`' slot, in a block that `series` owns a
    /// share of and that neither moves nor shrinks.
    first: NonNull<AtomicU64>,
    series: Arc<Series>,
}

// SAFETY: `first` points at atomics, which any thread may use, in memory that `series` keeps alive;
// `series` can itself be sent and shared.
unsafe impl Send for Cells {}
// SAFETY: as for Send.
unsafe impl Sync for Cells {}

impl Clone for Cells {
    #[inline]
    fn clone(&self) -> Cells {
        Cells { first: self.first, series: Arc::clone(&self.series) }
    }
}

impl Cells {
    #[inline]
    pub(crate) fn new(series: Arc<Series>) -> Cells {
        let block = &*series.block;
        let index = usize::from(series.slot) * block.shape.stride();
        // The pointer must be good for all cells of the block: derived from the whole slice.
        let base = NonNull::from(&*block.lines).cast::<AtomicU64>();
        assert!(index < block.lines.len() * CELLS_PER_LINE, "a slot lies in its block");
        // SAFETY: `index` is inside the block's lines, by the assertion.
        let first = unsafe { base.add(index) };
        Cells { first, series }
    }

    pub(crate) fn shape(&self) -> &Shape {
        self.series.shape()
    }

    /// Keeps `exemplar`, the one with this number of the series, if its family keeps any.
    pub(crate) fn put_exemplar(&self, number: usize, value: f64, exemplar: Exemplar) {
        let Series { block, slot, .. } = &*self.series;
        if let Some(exemplars) = &block.exemplars {
            exemplars.put(usize::from(*slot) * block.shape.exemplars() + number, value, exemplar);
        }
    }

    /// The cell of a scalar.
    #[inline]
    pub(crate) fn first(&self) -> &AtomicU64 {
        // SAFETY: `first` is a cell of a live block, by the invariant of the field.
        unsafe { self.first.as_ref() }
    }

    /// The cell `index` of the series.
    ///
    /// # Safety
    /// - `index` is less than the stride of the series' shape.
    #[inline]
    pub(crate) unsafe fn at(&self, index: usize) -> &AtomicU64 {
        // SAFETY: the slot has `stride` cells from `first` on, and `index` is one of them, which
        // the caller vouches for.
        let cell = unsafe { self.first.add(index) };
        // SAFETY: a cell of a live block, by the invariant of the field.
        unsafe { cell.as_ref() }
    }
}

/// The first cells of a block, for a page that shows them one by one: at hand without looking at the
/// block.
pub(crate) struct ScalarCells {
    /// INVARIANT: cells of `_block`, which neither move nor become fewer.
    cells: NonNull<[AtomicU64]>,
    /// Keeps `cells` alive.
    _block: Arc<Block>,
}

// SAFETY: `cells` points at atomics, which any thread may use, in memory that `_block` keeps alive;
// `_block` can itself be sent and shared.
unsafe impl Send for ScalarCells {}
// SAFETY: as for Send.
unsafe impl Sync for ScalarCells {}

impl ScalarCells {
    pub(super) fn new(block: Arc<Block>, count: usize) -> ScalarCells {
        assert!(count <= block.lines.len() * CELLS_PER_LINE, "a block has {count} cells");
        let first = NonNull::from(&*block.lines).cast::<AtomicU64>();
        let cells = NonNull::slice_from_raw_parts(first, count);
        ScalarCells { cells, _block: block }
    }

    /// Whether the cells are these, bit by bit.
    #[inline]
    pub(crate) fn are(&self, bits: &[u64]) -> bool {
        // SAFETY: cells of a live block, by the invariant of the field.
        let cells = unsafe { self.cells.as_ref() };
        // ORDERING: Relaxed: as in `Block::load`.
        let is_same = |(cell, bits): (&AtomicU64, &u64)| cell.load(Ordering::Relaxed) == *bits;
        cells.len() == bits.len() && cells.iter().zip(bits).all(is_same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn series(block: &Arc<Block>) -> Option<Arc<Series>> {
        let slot = block.take_slot()?;
        Some(Arc::new(Series::new(Arc::clone(block), slot, &[])))
    }

    #[test]
    fn a_slot_is_reused_only_after_its_last_handle() {
        let shape = Arc::new(Shape::Scalar(Number::U64));
        let block = Block::new(shape, 2, Arc::default(), WholeKey::default(), None);
        let held = Cells::new(series(&block).unwrap());
        let other = series(&block).unwrap();
        assert!(block.take_slot().is_none());
        drop(other);
        held.first().store(7, Ordering::Relaxed);
        let second = series(&block).unwrap();
        assert_ne!(second.slot, held.series.slot);
        assert!(block.take_slot().is_none());
        let clone = held.clone();
        drop(held);
        assert!(block.take_slot().is_none());
        drop(clone);
        let reused = Cells::new(series(&block).unwrap());
        assert_eq!(reused.first().load(Ordering::Relaxed), 0);
    }

    #[test]
    fn cells_of_a_page_keep_their_block_and_are_told_apart() {
        let shape = Arc::new(Shape::Scalar(Number::U64));
        let block = Block::new(shape, 9, Arc::default(), WholeKey::default(), None);
        let handles: Vec<Cells> = (0..9).map(|_| Cells::new(series(&block).unwrap())).collect();
        for (cells, value) in handles.iter().zip(1..) {
            cells.first().store(value, Ordering::Relaxed);
        }
        let page = ScalarCells::new(Arc::clone(&block), 9);
        assert!(page.are(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
        assert!(!page.are(&[1, 2, 3, 4, 5, 6, 7, 8]));
        assert!(!page.are(&[]));
        handles[8].first().store(10, Ordering::Relaxed);
        assert!(!page.are(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
        drop((handles, block));
        assert!(page.are(&[1, 2, 3, 4, 5, 6, 7, 8, 10]));
    }

    #[test]
    fn every_shape_reads_its_own_cells() {
        let histogram = Shape::Histogram { bounds: (0..9).map(f64::from).collect(), native: None };
        let states = Shape::States { names: [Cow::Borrowed("a"), Cow::Borrowed("b")].into() };
        let sharded = Shape::Sharded { shards: 4 };
        let given = Shape::Given(Given::Histogram { bounds: [1.0, f64::INFINITY].into() });
        let scalar = Shape::Scalar(Number::U64);
        for shape in [scalar, sharded, histogram, Shape::Timed, Shape::One, states, given] {
            let shape = Arc::new(shape);
            let block =
                Block::new(Arc::clone(&shape), 3, Arc::default(), WholeKey::default(), None);
            let handles: Vec<Cells> = (0..3).map(|_| Cells::new(series(&block).unwrap())).collect();
            for (number, cells) in handles.iter().enumerate() {
                for index in 0..shape.stride() {
                    // SAFETY: `index` is less than the stride.
                    let cell = unsafe { cells.at(index) };
                    cell.store(10_u64.pow(number as u32), Ordering::Relaxed);
                }
            }
            for (slot, weight) in [(0, 1), (1, 10), (2, 100)] {
                let mut values = Vec::new();
                block.visit(&[slot], Part::All, |value| values.push(value));
                let cumulative = |bucket: u64| Value::U64(bucket * weight);
                let expected = match &*shape {
                    Shape::Scalar(_) => vec![Value::U64(weight)],
                    Shape::Sharded { .. } => vec![Value::U64(4 * weight)],
                    Shape::Timed => vec![Value::F64(f64::from_bits(weight))],
                    Shape::One => vec![Value::U64(1)],
                    Shape::States { .. } => [0, 1].map(|bit| Value::U64(weight >> bit & 1)).into(),
                    Shape::Given(_) => {
                        let (count, sum) = (Value::U64(weight), Value::F64(f64::from_bits(weight)));
                        vec![count, count, sum, count]
                    }
                    Shape::Histogram { .. } => {
                        let sum = Value::F64(f64::from_bits(weight));
                        (1..=10).map(cumulative).chain([sum, cumulative(10)]).collect()
                    }
                };
                assert_eq!(values, expected, "{shape:?} slot {slot}");
            }
        }
    }
}
