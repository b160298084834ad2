//! What a page reads: the values of some series of one block, and the notes that stand beside them.

use super::cell::{Block, FIRST_BUCKET, SUM, ScalarCells, Series, Value};
use super::exemplar::KeptExemplar;
use super::histogram::histogram_cells;
use super::native::{NativeBuckets, NativeCounts};
use super::shape::{LINES_PER_PAGE, Part, Shape};
use std::sync::Arc;

/// What there is to say of a line's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note<'n> {
    /// It is the sum of events of which this is one.
    Exemplar(&'n KeptExemplar),
    /// It was measured at this time, in milliseconds since 1970.
    Time(u64),
}

/// One series of a native histogram, as one scrape sees it.
pub(crate) struct NativeHistogram<'c> {
    /// As [`Series::created`].
    pub(crate) created: u64,
    pub(crate) sum: f64,
    /// Those of the classic buckets but `+Inf`.
    pub(crate) bounds: &'c [f64],
    /// Counts, not cumulative, of the classic buckets but `+Inf`.
    pub(crate) buckets: &'c [u64],
    pub(crate) resolution: &'c NativeBuckets,
    pub(crate) counts: NativeCounts<'c>,
}

/// Where a page gets its values from: some series of one block, or a part of each, kept alive.
pub(crate) struct PageSource {
    part: Part,
    block: Arc<Block>,
    /// All of the block, in a list that is shared: whether a series is held is told by its count.
    series: Arc<Vec<Arc<Series>>>,
    /// The first of them that the page has.
    first: usize,
    /// The slot of each series from there on that the page has, so that reading does not visit them.
    slots: Slots,
}

/// Slots of a block.
enum Slots {
    /// The first so many, in their order: those of most pages, which so need no list.
    First(usize),
    Listed(Box<[u8]>),
}

/// All slots that a block can have.
static IN_ORDER: [u8; LINES_PER_PAGE] = {
    let mut slots = [0; LINES_PER_PAGE];
    let mut slot = 0;
    while slot < LINES_PER_PAGE {
        slots[slot] = slot as u8;
        slot += 1;
    }
    slots
};

impl Slots {
    fn new(slots: impl ExactSizeIterator<Item = u8> + Clone) -> Slots {
        let count = slots.len();
        match slots.clone().eq(IN_ORDER[..count].iter().copied()) {
            true => Slots::First(count),
            false => Slots::Listed(slots.collect()),
        }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Slots::First(count) => &IN_ORDER[..*count],
            Slots::Listed(slots) => slots,
        }
    }
}

impl PageSource {
    /// Those of `series` from `first` on. All of them lie in `block`.
    pub(crate) fn new(
        block: Arc<Block>,
        series: Arc<Vec<Arc<Series>>>,
        first: usize,
        part: Part,
    ) -> PageSource {
        debug_assert!(series.iter().all(|series| Arc::ptr_eq(&series.block, &block)));
        let slots = Slots::new(series[first..].iter().map(|series| series.slot));
        PageSource { part, block, series, first, slots }
    }

    /// Leaves all series out but the first `count`.
    pub(crate) fn truncate(&mut self, count: usize) {
        let slots = self.slots.as_slice();
        if count < slots.len() {
            self.slots = Slots::new(slots[..count].iter().copied());
        }
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.block.shape
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// The cells themselves, if the values are no more than they.
    pub(crate) fn scalar_cells(&self) -> Option<ScalarCells> {
        match (self.shape(), self.part, &self.slots) {
            (Shape::Scalar(_), Part::All, Slots::First(count)) => {
                Some(ScalarCells::new(Arc::clone(&self.block), *count))
            }
            _ => None,
        }
    }

    /// The lines of each series.
    pub(crate) fn lines_per_series(&self) -> usize {
        self.shape().lines_per_series(self.part)
    }

    /// The series, in the order of their lines.
    pub(crate) fn series(&self) -> &[Arc<Series>] {
        &self.series[self.first..self.first + self.slots.as_slice().len()]
    }

    /// Calls `series` with what each series of a native histogram counted, in the order of
    /// [`series`](Self::series).
    pub(crate) fn visit_native(&self, mut series: impl FnMut(NativeHistogram<'_>)) {
        let Shape::Histogram { bounds, native: Some(native) } = self.shape() else { return };
        let mut cells = Vec::new();
        for (of, slot) in self.series().iter().zip(self.slots.as_slice()) {
            let first = usize::from(*slot) * self.shape().stride();
            let end = first + histogram_cells(bounds, Some(native));
            cells.clear();
            cells.extend((first..end).map(|index| self.block.load(index)));
            let (classic, own) = cells.split_at(FIRST_BUCKET + bounds.len() + 1);
            series(NativeHistogram {
                created: of.created(),
                sum: f64::from_bits(classic[SUM]),
                bounds,
                buckets: &classic[FIRST_BUCKET..FIRST_BUCKET + bounds.len()],
                resolution: native,
                counts: native.counts(own),
            });
        }
    }

    /// Calls `line` with the note of each line, in their order, if it has one. To be called before
    /// [`visit`](Self::visit): then the values are those that the notes are of, or newer.
    ///
    /// Not for parts of histograms.
    pub(crate) fn visit_notes(&self, mut line: impl FnMut(Option<Note<'_>>)) {
        let exemplars = self.block.exemplars.as_ref().zip(Some(self.shape().exemplars()));
        for slot in self.slots.as_slice().iter().map(|slot| usize::from(*slot)) {
            for number in 0..self.lines_per_series() {
                match exemplars {
                    Some((exemplars, count)) if number < count => {
                        exemplars.with(slot * count + number, |kept| line(kept.map(Note::Exemplar)))
                    }
                    _ => line(self.block.time(slot).map(Note::Time)),
                }
            }
        }
    }

    /// Calls `line` with the current value of each line, in their order.
    #[inline]
    pub(crate) fn visit(&self, mut line: impl FnMut(Value)) {
        if self.part != Part::AllAndCreated {
            return self.block.visit(self.slots.as_slice(), self.part, line);
        }
        for (series, slot) in self.series().iter().zip(self.slots.as_slice()) {
            self.block.visit(&[*slot], Part::All, &mut line);
            line(Value::U64(series.created()));
        }
    }
}
