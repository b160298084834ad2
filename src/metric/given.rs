//! Series that a source outside gives as they are to be shown, such as those of a textfile: the
//! labels differ from series to series of one family, and so do quantiles and buckets.
//!
//! Counts are stored as they are given, cumulative, so what is shown is what was given, also where
//! no observations could have made it.

use super::cell::{Cells, Value};
use super::shape::Shape;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a series consists of.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// One value.
    Number,
    /// The value of each quantile, their sum and count.
    Summary {
        /// Ascending.
        quantiles: Box<[f64]>,
    },
    /// The cumulative count of each bucket, their sum and count.
    Histogram {
        /// Upper bounds, ascending, the last of which is `+Inf`.
        bounds: Box<[f64]>,
    },
}

impl Given {
    /// The quantiles or bounds.
    pub(super) fn levels(&self) -> &[f64] {
        match self {
            Given::Number => &[],
            Given::Summary { quantiles: levels } | Given::Histogram { bounds: levels } => levels,
        }
    }

    /// The values of a series, each of which has a cell and a line.
    pub(super) fn values(&self) -> usize {
        match self {
            Given::Number => 1,
            Given::Summary { .. } | Given::Histogram { .. } => self.levels().len() + 2,
        }
    }
}

/// A family whose series are given. Which there are is settled when it is registered.
pub(crate) struct GivenFamily {
    series: Vec<Cells>,
}

impl GivenFamily {
    pub(crate) fn new(series: Vec<Cells>) -> GivenFamily {
        GivenFamily { series }
    }

    /// Sets the values of the series `index`, in the order of their lines: of a summary those of the
    /// quantiles, of a histogram the counts of the buckets, then sum and count.
    pub(crate) fn set(&self, index: usize, values: &[Value]) {
        let cells = &self.series[index];
        assert_eq!(values.len(), cells.shape().stride(), "a value for each line");
        for (index, value) in values.iter().enumerate() {
            // SAFETY: `index` is less than the number of values, which is the stride.
            let cell = unsafe { cells.at(index) };
            let bits = match value {
                Value::U64(value) => *value,
                Value::I64(value) => value.cast_unsigned(),
                Value::F64(value) => value.to_bits(),
            };
            // ORDERING: Relaxed: a cell is the only memory that is read through it (see `metric`).
            cell.store(bits, Ordering::Relaxed);
        }
    }
}

/// The shape of each of `series`; neighbours that are alike share it, and so may share a block.
pub(crate) fn shapes(series: impl Iterator<Item = Given>) -> impl Iterator<Item = Arc<Shape>> {
    let mut last: Option<Arc<Shape>> = None;
    series.map(move |given| {
        let same = last.take().filter(|last| matches!(&**last, Shape::Given(g) if *g == given));
        let shape = same.unwrap_or_else(|| Arc::new(Shape::Given(given)));
        last = Some(Arc::clone(&shape));
        shape
    })
}
