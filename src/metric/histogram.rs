//! Histograms: observations counted in buckets with fixed upper bounds.
//!
//! An observation adds one to the cell of its bucket (not cumulative) and its value to the sum; in
//! a native histogram also to a cell of its native bucket. The count is not stored: it is what the
//! buckets add up to, so that no scrape can see them differ.

use super::cell::{Cells, FIRST_BUCKET, SUM, Series};
use super::counter::add_f64;
use super::exemplar::Exemplar;
use super::family::{Instrument, sealed};
use super::native::NativeBuckets;
use super::shape::Shape;
use crate::model::Kind;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bounds up to this many are compared all at once, without a branch; a search needs fewer
/// comparisons but each waits for the one before.
const SCANNED_BOUNDS_MAX: usize = 32;

/// The upper bounds of a histogram's buckets: ascending, finite, at most [`Buckets::MAX`]; `+Inf`
/// is implied. Native buckets can be counted beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    bounds: Box<[f64]>,
    native: Option<NativeBuckets>,
}

impl Buckets {
    /// Bounds a histogram can have. Each costs a line of every scrape and series.
    pub const MAX: usize = 256;

    /// Takes `bounds` as they are.
    ///
    /// # Errors
    /// When a bound is not finite or not above the one before, or there are too many.
    pub fn new(bounds: impl Into<Vec<f64>>) -> Result<Buckets, BoundsError> {
        let bounds = bounds.into();
        if bounds.len() > Buckets::MAX {
            return Err(BoundsError::TooMany { count: bounds.len() });
        }
        for (index, &bound) in bounds.iter().enumerate() {
            if !bound.is_finite() {
                return Err(BoundsError::NotFinite { index, bound });
            }
            if index > 0 && bound <= bounds[index - 1] {
                return Err(BoundsError::NotAscending {
                    index,
                    bound,
                    previous: bounds[index - 1],
                });
            }
        }
        // -0 and 0 are one bound; `le` spells it 0.
        let bounds = bounds.into_iter().map(|bound| bound + 0.0).collect();
        Ok(Buckets { bounds, native: None })
    }

    /// `count` bounds: `start`, `start + width`, `start + 2 * width`, ….
    ///
    /// # Errors
    /// As [`Buckets::new`]: `width` must be positive and large enough to tell the bounds apart.
    pub fn linear(start: f64, width: f64, count: usize) -> Result<Buckets, BoundsError> {
        Buckets::generate(count, (0_u32..).map(|index| start + width * f64::from(index)))
    }

    /// `count` bounds: `start`, `start * factor`, `start * factor^2`, ….
    ///
    /// # Errors
    /// As [`Buckets::new`]: `start` must be positive and `factor` above one.
    pub fn exponential(start: f64, factor: f64, count: usize) -> Result<Buckets, BoundsError> {
        Buckets::generate(count, std::iter::successors(Some(start), |bound| Some(bound * factor)))
    }

    fn generate(count: usize, bounds: impl Iterator<Item = f64>) -> Result<Buckets, BoundsError> {
        if count > Buckets::MAX {
            return Err(BoundsError::TooMany { count });
        }
        Buckets::new(bounds.take(count).collect::<Vec<_>>())
    }

    /// These buckets, and beside them native ones, which cost another addition per observation.
    /// They are sent in protobuf; the other formats show the classic buckets. Negative values have
    /// native buckets too if the lowest classic bound is negative, else they count as zero.
    ///
    /// A scraper that asks for protobuf without wanting native histograms (Prometheus with
    /// `created-timestamp-zero-ingestion` alone) may refuse them, up to 2.42 the whole scrape.
    ///
    /// ```
    /// use promlet::{Buckets, NativeBuckets, Registry};
    ///
    /// let registry = Registry::new();
    /// let native = NativeBuckets::new(3, 1e-6..=1e3)?;
    /// let buckets = Buckets::default().with_native(native);
    /// let seconds = registry.histogram("job_duration_seconds", "How long jobs took.", buckets)?;
    /// seconds.observe(0.03);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_native(self, native: NativeBuckets) -> Buckets {
        Buckets { native: Some(native), ..self }
    }

    /// The bounds, without `+Inf`.
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }
}

/// Seconds from 5 ms to 10 s, the customary bounds for the latency of a network service.
impl Default for Buckets {
    fn default() -> Buckets {
        let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        Buckets { bounds: Box::new(bounds), native: None }
    }
}

/// Bounds that cannot be a histogram's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BoundsError {
    /// A bound is infinite or not a number.
    NotFinite {
        /// Its place, from 0.
        index: usize,
        /// The bound.
        bound: f64,
    },
    /// A bound is not above the one before it.
    NotAscending {
        /// Its place, from 1.
        index: usize,
        /// The bound.
        bound: f64,
        /// The bound before it.
        previous: f64,
    },
    /// More than [`Buckets::MAX`] bounds.
    TooMany {
        /// How many.
        count: usize,
    },
    /// No resolution of native buckets: it is none of [`NativeBuckets::SCHEMAS`].
    Schema {
        /// The schema.
        schema: i8,
    },
    /// Not a range of values that native buckets can be for.
    Range {
        /// Its start.
        lowest: f64,
        /// Its end.
        highest: f64,
    },
    /// More than [`NativeBuckets::MAX`] native buckets.
    TooManyNative {
        /// How many.
        count: usize,
    },
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BoundsError::NotFinite { index, bound } => {
                write!(f, "bucket bound {index} is {bound}, which is not finite")
            }
            BoundsError::NotAscending { index, bound, previous } => {
                write!(f, "bucket bound {index} is {bound}, which is not above {previous}")
            }
            BoundsError::TooMany { count } => {
                write!(f, "{count} bucket bounds, where at most {} are allowed", Buckets::MAX)
            }
            BoundsError::Schema { schema } => {
                let schemas = NativeBuckets::SCHEMAS;
                write!(
                    f,
                    "schema {schema}, where {} to {} are known",
                    schemas.start(),
                    schemas.end()
                )
            }
            BoundsError::Range { lowest, highest } => {
                write!(f, "native buckets from {lowest} to {highest}, which is no range")
            }
            BoundsError::TooManyNative { count } => {
                write!(f, "{count} native buckets, where {} are allowed", NativeBuckets::MAX)
            }
        }
    }
}

impl std::error::Error for BoundsError {}

/// A histogram with classic buckets and, where asked for, native ones.
///
/// Cloning gives another handle to the same values. An observation is an atomic addition to a
/// bucket and a compare-exchange loop on the sum; it finds its bucket in a few nanoseconds.
#[derive(Clone)]
pub struct Histogram {
    cells: Cells,
    /// INVARIANT: the bounds in the shape of `cells`' series, which `cells` keeps alive.
    bounds: NonNull<[f64]>,
    /// INVARIANT: the native buckets of that shape, if it has some.
    native: Option<NonNull<NativeBuckets>>,
}

// SAFETY: `bounds` and `native` point at immutable memory that `cells` keeps alive; `cells` can be
// sent.
unsafe impl Send for Histogram {}
// SAFETY: as for Send.
unsafe impl Sync for Histogram {}

impl Histogram {
    /// Counts `value`. NaN is counted in `+Inf` and makes the sum NaN, as in other libraries.
    #[inline]
    pub fn observe(&self, value: f64) {
        self.observe_in(self.bucket(value), value);
    }

    /// Counts `value` and leaves `exemplar` in its classic bucket, in a family that keeps
    /// [`exemplars`](crate::FamilyBuilder::exemplars). It never waits: an exemplar that meets another
    /// one, or a scrape, is dropped. So is that of a value that is infinite or not a number.
    pub fn observe_with_exemplar(&self, value: f64, exemplar: Exemplar) {
        let bucket = self.bucket(value);
        self.observe_in(bucket, value);
        self.cells.put_exemplar(bucket, value, exemplar);
    }

    /// The classic bucket of `value`; `bounds.len()` is that of `+Inf`.
    #[inline]
    fn bucket(&self, value: f64) -> usize {
        let bounds = self.bounds();
        if bounds.len() <= SCANNED_BOUNDS_MAX {
            bounds.iter().map(|&bound| usize::from(!within(value, bound))).sum()
        } else {
            bounds.partition_point(|&bound| !within(value, bound))
        }
    }

    /// Counts `value`, whose classic bucket is `bucket`.
    #[inline]
    fn observe_in(&self, bucket: usize, value: f64) {
        // ORDERING: Relaxed: a bucket is the only memory read through it; that the sum follows
        // later is what `metric` tells its readers.
        self.cell(FIRST_BUCKET + bucket).fetch_add(1, Ordering::Relaxed);
        add_f64(self.cell(SUM), value);
        if let Some(native) = self.native() {
            let bounds = self.bounds();
            let cell = FIRST_BUCKET + bounds.len() + 1 + native.cell(value, is_signed(bounds));
            // ORDERING: Relaxed: as for the classic bucket.
            self.cell(cell).fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a length of time, in seconds.
    #[inline]
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    /// Starts a timer that observes the seconds until it is dropped.
    pub fn start_timer(&self) -> Timer<'_> {
        Timer { histogram: self, start: Instant::now() }
    }

    /// Observations so far.
    pub fn count(&self) -> u64 {
        // ORDERING: Relaxed: as for updates.
        let load = |bucket| self.cell(FIRST_BUCKET + bucket).load(Ordering::Relaxed);
        (0..=self.bounds().len()).map(load).fold(0, u64::wrapping_add)
    }

    /// The sum of all observations so far.
    pub fn sum(&self) -> f64 {
        // ORDERING: Relaxed: only this value is read.
        f64::from_bits(self.cell(SUM).load(Ordering::Relaxed))
    }

    #[inline]
    fn bounds(&self) -> &[f64] {
        // SAFETY: the bounds live as long as `cells`, by the invariant of the field.
        unsafe { self.bounds.as_ref() }
    }

    #[inline]
    fn native(&self) -> Option<&NativeBuckets> {
        // SAFETY: they live as long as `cells`, by the invariant of the field.
        self.native.map(|native| unsafe { native.as_ref() })
    }

    /// The cell of the sum, that of a bucket (number `bounds.len()` is `+Inf`), or behind those a
    /// native one.
    #[inline]
    fn cell(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index < histogram_cells(self.bounds(), self.native()));
        // SAFETY: the stride is at least `histogram_cells`. A bucket is the number of bounds below a
        // value, so at most all of them, and `NativeBuckets::cell` is less than its `cells`.
        unsafe { self.cells.at(index) }
    }
}

/// The cells of a histogram: sum, buckets with `+Inf`, native buckets.
#[inline]
pub(super) fn histogram_cells(bounds: &[f64], native: Option<&NativeBuckets>) -> usize {
    bounds.len() + 2 + native.map_or(0, |native| native.cells(is_signed(bounds)))
}

/// Whether negative values are foreseen.
#[inline]
fn is_signed(bounds: &[f64]) -> bool {
    bounds.first().is_some_and(|bound| *bound < 0.0)
}

/// Whether `value` belongs under `bound`; NaN belongs under none.
#[inline]
fn within(value: f64, bound: f64) -> bool {
    value <= bound
}

impl sealed::Sealed for Histogram {}

impl Instrument for Histogram {
    type Options = Buckets;
    const KIND: Kind = Kind::Histogram;

    fn shape(buckets: Buckets) -> Shape {
        Shape::Histogram { bounds: buckets.bounds, native: buckets.native }
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> Histogram {
        let Shape::Histogram { bounds, native } = series.shape() else {
            unreachable!("the series of a histogram family are histograms")
        };
        let (bounds, native) = (NonNull::from(&**bounds), native.as_ref().map(NonNull::from));
        Histogram { cells: Cells::new(series), bounds, native }
    }
}

/// Observes the time from its creation to its end, in seconds.
#[must_use = "a timer that is dropped at once measures nothing"]
pub struct Timer<'a> {
    histogram: &'a Histogram,
    start: Instant,
}

impl Timer<'_> {
    /// Observes now, and says how long it was.
    pub fn stop(self) -> Duration {
        let elapsed = self.start.elapsed();
        self.histogram.observe_duration(elapsed);
        std::mem::forget(self);
        elapsed
    }

    /// Ends without an observation.
    pub fn discard(self) {
        std::mem::forget(self);
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.histogram.observe_duration(self.start.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked_with_their_place() {
        let new = |bounds: &[f64]| Buckets::new(bounds).map(|_| ());
        assert_eq!(new(&[]), Ok(()));
        assert_eq!(new(&[-1.0, 0.0, 1e300]), Ok(()));
        let infinite = BoundsError::NotFinite { index: 1, bound: f64::INFINITY };
        assert_eq!(new(&[1.0, f64::INFINITY]), Err(infinite));
        assert!(matches!(new(&[f64::NAN]), Err(BoundsError::NotFinite { index: 0, .. })));
        let falling = BoundsError::NotAscending { index: 2, bound: 1.5, previous: 2.0 };
        assert_eq!(new(&[1.0, 2.0, 1.5]), Err(falling));
        assert_eq!(falling.to_string(), "bucket bound 2 is 1.5, which is not above 2");
        assert!(matches!(new(&[0.0, -0.0]), Err(BoundsError::NotAscending { .. })));
        let many = (0..257).map(f64::from).collect::<Vec<_>>();
        assert_eq!(new(&many), Err(BoundsError::TooMany { count: 257 }));
    }

    #[test]
    fn generated_bounds() {
        assert_eq!(Buckets::linear(1.0, 0.5, 3).unwrap().bounds(), [1.0, 1.5, 2.0]);
        assert_eq!(Buckets::exponential(0.5, 2.0, 4).unwrap().bounds(), [0.5, 1.0, 2.0, 4.0]);
        assert!(Buckets::linear(1.0, 0.0, 2).is_err());
        assert!(Buckets::exponential(0.0, 2.0, 2).is_err());
        assert!(Buckets::exponential(1.0, 1e10, 40).is_err());
        assert!(Buckets::linear(0.0, 1.0, usize::MAX).is_err());
        assert!(Buckets::new(Buckets::default().bounds()).is_ok());
    }
}
