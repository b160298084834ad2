//! Native buckets: bounds that are powers of one base, so that a resolution names all of them.
//!
//! ```text
//! schema s    base = 2^(2^-s); bucket i holds (base^(i-1), base^i], and its mirror image below zero
//! cells       not a number | around zero | bucket first | ... | [the same below zero]
//! ```
//!
//! A histogram has cells for a range of values that is fixed when it is registered, so an
//! observation is one addition to one of them, and memory is bounded whatever is observed. What is
//! nearer to zero than the range belongs to the zero bucket, whose width scrapers are told; what is
//! further away is counted in the outermost bucket. (Other libraries begin anywhere, and halve the
//! resolution, under a lock, when they have too many buckets.)

use super::histogram::BoundsError;
use std::ops::RangeInclusive;

/// The cells of the two counts that stand before those of the buckets.
const NAN: usize = 0;
const ZERO: usize = 1;
const FIRST: usize = 2;

/// The resolution of a native histogram, and the values that it tells apart.
#[derive(Clone, Debug, PartialEq)]
pub struct NativeBuckets {
    schema: i8,
    /// The bounds of the buckets between 1 and 2, without 2; just 1 where buckets are wider.
    bounds: Box<[f64]>,
    /// Buckets this wide hold 2^shift doublings.
    shift: u32,
    /// Up to here values count as zero: a power of two, and the lower bound of bucket `first`.
    zero_threshold: f64,
    first: i32,
    count: usize,
}

impl NativeBuckets {
    /// Buckets that a range may have. Each costs eight bytes of every series, and as much again
    /// where there are negative values; scrapers are sent only those that counted something.
    pub const MAX: usize = 1_024;
    /// The range of schemas: of the coarsest a bucket is 65,536 times as wide as the one before, of
    /// 0 twice, of 3 1.09 times, of the finest 1.003 times.
    pub const SCHEMAS: RangeInclusive<i8> = -4..=8;
    /// The lowest value from which a range may go: the zero threshold of other libraries.
    pub const LOWEST: f64 = f64::from_bits((1023 - 128) << 52);

    /// Buckets of this resolution for values of `range`. Its start is rounded down to a power of two
    /// (of schemas below 0, to a bound): values from there to its negative count as zero.
    ///
    /// # Errors
    /// When the schema is none of [`SCHEMAS`](Self::SCHEMAS), the range does not go from
    /// [`LOWEST`](Self::LOWEST) or more to something finite and higher, or there would be more than
    /// [`MAX`](Self::MAX) buckets.
    pub fn new(schema: i8, range: RangeInclusive<f64>) -> Result<NativeBuckets, BoundsError> {
        if !NativeBuckets::SCHEMAS.contains(&schema) {
            return Err(BoundsError::Schema { schema });
        }
        let (lowest, highest) = range.into_inner();
        if !(lowest >= NativeBuckets::LOWEST && highest > lowest && highest.is_finite()) {
            return Err(BoundsError::Range { lowest, highest });
        }
        let bounds_per_doubling = 1_u32 << schema.max(0);
        let steps = (0..bounds_per_doubling).map(f64::from);
        let bounds = steps.map(|step| (step / f64::from(bounds_per_doubling)).exp2()).collect();
        let shift = u32::from(schema.min(0).unsigned_abs());
        // The bucket that ends where the range starts is part of the zero bucket.
        let before = exponent(lowest) >> shift;
        let mut native = NativeBuckets {
            schema,
            bounds,
            shift,
            zero_threshold: 2.0_f64.powi(before << shift),
            first: before * bounds_per_doubling.cast_signed() + 1,
            count: 0,
        };
        let count = native.index(highest) - native.first + 1;
        native.count = count.unsigned_abs() as usize;
        if native.count > NativeBuckets::MAX {
            return Err(BoundsError::TooManyNative { count: native.count });
        }
        Ok(native)
    }

    /// Says how fine the buckets are.
    pub fn schema(&self) -> i8 {
        self.schema
    }

    /// The absolute value up to which observations count as zero.
    pub fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// Buckets of either sign.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Cells of one series.
    pub(super) fn cells(&self, is_signed: bool) -> usize {
        FIRST + self.count * if is_signed { 2 } else { 1 }
    }

    /// The cell, less than [`cells`](Self::cells), that counts `value`. Without negative buckets
    /// negative values count as zero.
    #[inline]
    pub(super) fn cell(&self, value: f64, is_signed: bool) -> usize {
        if value.is_nan() {
            return NAN;
        }
        let size = value.abs();
        if size <= self.zero_threshold || value < 0.0 && !is_signed {
            return ZERO;
        }
        let last = self.count - 1;
        let bucket = self.index(size).abs_diff(self.first) as usize;
        FIRST + bucket.min(last) + if value < 0.0 { self.count } else { 0 }
    }

    /// The bucket of `value`, which is positive and normal, or infinite.
    #[inline]
    fn index(&self, value: f64) -> i32 {
        let mantissa = f64::from_bits(value.to_bits() & MANTISSA_MASK | 1.0_f64.to_bits());
        let below = self.bounds.partition_point(|bound| *bound < mantissa);
        let fine = exponent(value) * self.bounds.len() as i32 + below as i32;
        // Rounded up: a bucket includes its upper bound.
        (fine + (1 << self.shift) - 1) >> self.shift
    }

    /// Reads the cells of one series.
    pub(crate) fn counts<'c>(&self, cells: &'c [u64]) -> NativeCounts<'c> {
        let (positive, negative) = cells[FIRST..].split_at(self.count);
        let count = cells.iter().fold(0, |sum: u64, cell| sum.wrapping_add(*cell));
        let first = self.first;
        NativeCounts { first, count, nan: cells[NAN], zero: cells[ZERO], positive, negative }
    }
}

const MANTISSA_MASK: u64 = (1 << 52) - 1;

/// The largest `e` such that 2^e is at most `value`, which is positive and normal.
#[inline]
fn exponent(value: f64) -> i32 {
    (value.to_bits() >> 52) as i32 - 1023
}

/// What a native histogram counted, as one scrape sees it.
pub(crate) struct NativeCounts<'c> {
    /// The number of the first bucket of either sign.
    pub(crate) first: i32,
    /// All observations: those below, and NaN.
    pub(crate) count: u64,
    pub(crate) nan: u64,
    pub(crate) zero: u64,
    /// Counts, not cumulative, bucket by bucket.
    pub(crate) positive: &'c [u64],
    /// As `positive`, or empty.
    pub(crate) negative: &'c [u64],
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn resolutions_and_ranges_are_checked() {
        let new = |schema, range| NativeBuckets::new(schema, range).map(|_| ());
        assert_eq!(new(3, 1e-6..=1e3), Ok(()));
        assert_eq!(new(-4, NativeBuckets::LOWEST..=f64::MAX), Ok(()));
        assert_eq!(new(9, 1.0..=2.0), Err(BoundsError::Schema { schema: 9 }));
        assert_eq!(new(-5, 1.0..=2.0), Err(BoundsError::Schema { schema: -5 }));
        for (lowest, highest) in [(0.0, 1.0), (1.0, 1.0), (1.0, f64::INFINITY), (-1.0, 1.0)] {
            assert_eq!(new(0, lowest..=highest), Err(BoundsError::Range { lowest, highest }));
        }
        assert!(matches!(new(0, f64::NAN..=1.0), Err(BoundsError::Range { .. })));
        assert_eq!(new(8, 1.0..=16.0), Ok(()));
        assert_eq!(new(8, 1.0..=16.1), Err(BoundsError::TooManyNative { count: 1_027 }));
    }

    #[test]
    fn bounds_belong_to_the_bucket_below() {
        let native = NativeBuckets::new(0, 0.3..=9.0).unwrap();
        assert_eq!((native.zero_threshold(), native.first, native.count), (0.25, -1, 6));
        let cells = [
            (0.25, ZERO),
            (0.0, ZERO),
            (-0.2, ZERO),
            (0.26, FIRST),
            (0.5, FIRST),
            (0.51, FIRST + 1),
            (1.0, FIRST + 1),
            (8.0, FIRST + 4),
            (8.1, FIRST + 5),
            (1e300, FIRST + 5),
            (f64::INFINITY, FIRST + 5),
            (f64::NAN, NAN),
            (5e-324, ZERO),
        ];
        for (value, cell) in cells {
            assert_eq!(native.cell(value, true), cell, "{value}");
        }
        assert_eq!(native.cell(-1.0, true), FIRST + 6 + 1);
        assert_eq!(native.cell(f64::NEG_INFINITY, true), native.cells(true) - 1);
        assert_eq!(native.cell(-1.0, false), ZERO);
        let wide = NativeBuckets::new(-2, 0.3..=9.0).unwrap();
        assert_eq!((wide.zero_threshold(), wide.first, wide.count), (0.0625, 0, 2));
        assert_eq!((wide.cell(1.0, true), wide.cell(1.1, true)), (FIRST, FIRST + 1));
    }

    proptest! {
        /// A value lies between the bounds that the format gives to the bucket of its cell.
        #[test]
        fn values_lie_in_their_buckets(schema in -4..=8_i8, value in 1e-3..7e-3_f64) {
            let native = NativeBuckets::new(schema, 1e-3..=7e-3).unwrap();
            let bucket = native.cell(value, false) - FIRST;
            let bound = |index: i32| (f64::from(index) * (-f64::from(schema)).exp2()).exp2();
            let index = native.first + bucket as i32;
            prop_assert!(bucket < native.count);
            // Powers of the base have an error of a few units in the last place.
            let rounding = 1.0 + 1e-14;
            prop_assert!(value * rounding > bound(index - 1) && value <= bound(index) * rounding);
        }
    }
}
