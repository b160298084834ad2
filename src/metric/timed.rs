//! Values that somebody else measured, each with the time at which that was.

use super::cell::{Cells, Series, TIME};
use super::family::{Instrument, sealed};
use super::shape::Shape;
use super::time::unix_ms;
use crate::model::Kind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

/// A gauge whose values were measured at known times: by a device that is asked seldom, by a server
/// whose metrics are passed on.
///
/// For collectors, in families of their own. All formats show the time, to the millisecond; scrapers
/// then store the value at that time instead of the time of the scrape, and refuse what is too old
/// for them. Leave the time to the scraper wherever the value is of now: use a [`Gauge`](crate::Gauge).
///
/// A series is 0 and has no time before it is set. A time costs eight bytes of memory, and nine of a
/// page in gzip; such families are written anew at each scrape.
///
/// ```
/// use promlet::{Encoder, Registry, TimedGauge};
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let registry = Registry::new();
/// let builder = registry.family_builder("meter_watts", "What the meter read when it last reported.");
/// let watts: TimedGauge = builder.register_one(())?;
/// watts.set_at(230.5, UNIX_EPOCH + Duration::from_millis(1_700_000_000_123));
///
/// let mut body = Vec::new();
/// Encoder::new(registry).scrape(None, None).write_all(&mut body);
/// assert!(body.ends_with(b"meter_watts 230.5 1700000000123\n"));
/// # Ok::<(), promlet::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct TimedGauge(Cells);

impl TimedGauge {
    /// Makes `value` the value, as it was at `time`. Times before 1970 become its first millisecond.
    ///
    /// Costs two stores. A scrape between them shows the new value with the time of the old one.
    pub fn set_at(&self, value: f64, time: SystemTime) {
        set_at(&self.0, value, time);
    }
}

/// A counter whose totals were read at known times. As [`TimedGauge`], but of kind counter; times of
/// creation are not shown.
#[derive(Clone)]
pub struct TimedCounter(Cells);

impl TimedCounter {
    /// Takes over a total as it was at `time`, even where it went back. Negative totals and NaN are
    /// left out, as by [`FloatCounter::set_total`](crate::FloatCounter::set_total); for the rest see
    /// [`TimedGauge::set_at`].
    pub fn set_total_at(&self, total: f64, time: SystemTime) {
        if total >= 0.0 {
            set_at(&self.0, total, time);
        }
    }
}

fn set_at(cells: &Cells, value: f64, time: SystemTime) {
    // ORDERING: Relaxed: the store below publishes it to who reads the time first.
    cells.first().store(value.to_bits(), Ordering::Relaxed);
    // SAFETY: the series is one of a family of the shape `Timed`, whose stride is two cells.
    let time_cell = unsafe { cells.at(TIME) };
    // ORDERING: Release pairs with the Acquire in `PageSource::visit_notes`: who sees the time sees
    // its value, or a later one.
    time_cell.store(unix_ms(time), Ordering::Release);
}

impl sealed::Sealed for TimedGauge {}
impl sealed::Sealed for TimedCounter {}

impl Instrument for TimedGauge {
    type Options = ();
    const KIND: Kind = Kind::Gauge;

    fn shape((): ()) -> Shape {
        Shape::Timed
    }

    fn from_series(series: Arc<Series>) -> TimedGauge {
        TimedGauge(Cells::new(series))
    }
}

impl Instrument for TimedCounter {
    type Options = ();
    const KIND: Kind = Kind::Counter;

    fn shape((): ()) -> Shape {
        Shape::Timed
    }

    fn from_series(series: Arc<Series>) -> TimedCounter {
        TimedCounter(Cells::new(series))
    }
}
