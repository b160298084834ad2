//! Shapes: how the values of a family lie in cells, and which lines they make.

use super::cell::{CELLS_PER_LINE, TIME};
use super::given::Given;
use super::histogram::histogram_cells;
use super::native::NativeBuckets;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// Lines that a page aims at: enough to make the work per page small against that per line, few
/// enough that one series more or less is laid out again in microseconds. It is also the number of
/// bits in a block's mask of free slots, which bounds the slots of a block.
pub(super) const LINES_PER_PAGE: usize = 64;

/// Slots of the first block of a family with labels: most families of a node have few series.
const FIRST_SLOTS: usize = 8;

/// How the 64 bits of a cell are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// An unsigned integer.
    U64,
    /// A signed integer in two's complement.
    I64,
    /// The bits of an IEEE 754 double.
    F64,
}

/// How the series of a family lie in cells, and which lines they make.
#[derive(Debug)]
pub enum Shape {
    /// One cell, one line.
    Scalar(Number),
    /// One cell per shard, each on a cache line of its own; the value is their sum.
    Sharded {
        /// A power of two.
        shards: usize,
    },
    /// The sum, then one cell per bucket (not cumulative), the last for `+Inf`. The sum shares its
    /// cache line with the lowest buckets, where most observations of a latency fall. Behind them
    /// the native buckets, if there are some.
    Histogram {
        /// Upper bounds without `+Inf`, ascending and finite.
        bounds: Box<[f64]>,
        /// Those that are counted beside.
        native: Option<NativeBuckets>,
    },
    /// Two cells, one line: a double, and when it was measured.
    Timed,
    /// One line that is always 1; its cell is not used.
    One,
    /// One cell that has a bit for each state, each of them a line.
    States {
        /// The names of the states, at most 64, the lowest bit's first.
        names: Box<[Cow<'static, str>]>,
    },
    /// A cell for each value, which are shown as they are.
    Given(Given),
}

impl Shape {
    /// The shape to be shared by all blocks of a family: in the commonest case by all families.
    pub(super) fn share(self) -> Arc<Shape> {
        static DOUBLE: LazyLock<Arc<Shape>> =
            LazyLock::new(|| Arc::new(Shape::Scalar(Number::F64)));
        match self {
            Shape::Scalar(Number::F64) => Arc::clone(&DOUBLE),
            other => Arc::new(other),
        }
    }
}

/// Which lines of each series a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of them.
    All,
    /// All of them, and when the series was created.
    AllAndCreated,
    /// Of a histogram the buckets.
    Buckets,
    /// Of a histogram the sum.
    Sum,
    /// Of a histogram the count.
    Count,
}

impl Shape {
    /// The lines that `part` of one series makes: of a histogram its buckets with `+Inf`, sum and
    /// count.
    pub(crate) fn lines_per_series(&self, part: Part) -> usize {
        match (self, part) {
            (_, Part::AllAndCreated) => self.lines_per_series(Part::All) + 1,
            (Shape::Scalar(_) | Shape::Sharded { .. } | Shape::Timed | Shape::One, _) => 1,
            (Shape::States { names }, _) => names.len(),
            (Shape::Histogram { bounds, .. }, Part::All) => bounds.len() + 3,
            (Shape::Histogram { bounds, .. }, Part::Buckets) => bounds.len() + 1,
            (Shape::Given(given), Part::All) => given.values(),
            (Shape::Given(given), Part::Buckets) => given.levels().len(),
            (Shape::Histogram { .. } | Shape::Given(_), Part::Sum | Part::Count) => 1,
        }
    }

    /// Exemplars of one series, in a family that keeps them: those of its first lines.
    pub(super) fn exemplars(&self) -> usize {
        match self {
            Shape::Scalar(_) | Shape::Sharded { .. } => 1,
            Shape::Histogram { bounds, .. } => bounds.len() + 1,
            Shape::Timed | Shape::One | Shape::States { .. } | Shape::Given(_) => 0,
        }
    }

    /// Cells from the start of one slot to the start of the next.
    pub(super) fn stride(&self) -> usize {
        match self {
            Shape::Scalar(_) | Shape::One | Shape::States { .. } => 1,
            Shape::Sharded { shards } => shards * CELLS_PER_LINE,
            Shape::Timed => TIME + 1,
            Shape::Given(given) => given.values(),
            Shape::Histogram { bounds, native } => {
                histogram_cells(bounds, native.as_ref()).next_multiple_of(CELLS_PER_LINE)
            }
        }
    }

    /// Slots of a full-size block. The cells of native buckets, which are shown if they counted
    /// something, stand for an eighth of a line each.
    fn slots(&self) -> usize {
        let lines = self.lines_per_series(Part::All).max(match self.native() {
            Some(_) => self.stride() / CELLS_PER_LINE,
            None => 1,
        });
        (LINES_PER_PAGE / lines).max(1)
    }

    /// The native buckets of a histogram that has some.
    pub(crate) fn native(&self) -> Option<&NativeBuckets> {
        match self {
            Shape::Histogram { native, .. } => native.as_ref(),
            _ => None,
        }
    }

    /// Whether the values have a sum and a count.
    pub(crate) fn has_count(&self) -> bool {
        match self {
            Shape::Histogram { .. } => true,
            Shape::Given(given) => *given != Given::Number,
            _ => false,
        }
    }

    /// Whether a bucket of a histogram ends below zero.
    pub(crate) fn has_negative_bounds(&self) -> bool {
        let bounds = match self {
            Shape::Histogram { bounds, .. } | Shape::Given(Given::Histogram { bounds }) => bounds,
            _ => return false,
        };
        bounds.first().is_some_and(|bound| *bound < 0.0)
    }

    /// Slots of the block that follows `blocks` others, in a family with at most `limit` series.
    pub(crate) fn block_slots(&self, blocks: usize, limit: usize) -> usize {
        let wanted = if blocks == 0 { self.slots().min(FIRST_SLOTS) } else { self.slots() };
        wanted.min(limit).max(1)
    }
}
