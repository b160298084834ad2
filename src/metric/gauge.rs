//! Gauges: values that go up and down.

use super::cell::{Cells, Series};
use super::counter::add_f64;
use super::family::{Instrument, sealed};
use super::shape::{Number, Shape};
use crate::model::Kind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

/// A gauge of any number.
///
/// Setting is one relaxed store; adding is a compare-exchange loop on the bits of a double.
#[derive(Clone)]
pub struct Gauge(Cells);

impl Gauge {
    /// Makes `value` the value.
    #[inline]
    pub fn set(&self, value: f64) {
        // ORDERING: Relaxed: no other memory is published.
        self.0.first().store(value.to_bits(), Ordering::Relaxed);
    }

    /// Adds `amount`, which may be negative.
    #[inline]
    pub fn add(&self, amount: f64) {
        add_f64(self.0.first(), amount);
    }

    /// Makes the present time the value, in seconds since 1970.
    pub fn set_to_current_time(&self) {
        // A clock before 1970 has no better number than the epoch itself.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.set(since_epoch.as_secs_f64());
    }

    /// The current value.
    pub fn value(&self) -> f64 {
        // ORDERING: Relaxed: only this value is read.
        f64::from_bits(self.0.first().load(Ordering::Relaxed))
    }
}

impl sealed::Sealed for Gauge {}

impl Instrument for Gauge {
    type Options = ();
    const KIND: Kind = Kind::Gauge;

    fn shape((): ()) -> Shape {
        Shape::Scalar(Number::F64)
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> Gauge {
        Gauge(Cells::new(series))
    }
}

/// A gauge of whole things: connections, items in a queue.
///
/// Every update is one relaxed atomic operation; additions wrap.
#[derive(Clone)]
pub struct IntGauge(Cells);

impl IntGauge {
    /// Makes `value` the value.
    #[inline]
    pub fn set(&self, value: i64) {
        // ORDERING: Relaxed: no other memory is published.
        self.0.first().store(value as u64, Ordering::Relaxed);
    }

    /// Adds `amount`, which may be negative.
    #[inline]
    pub fn add(&self, amount: i64) {
        // ORDERING: Relaxed: only the sum matters and no other memory is read through it.
        self.0.first().fetch_add(amount as u64, Ordering::Relaxed);
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Takes one away.
    #[inline]
    pub fn dec(&self) {
        self.add(-1);
    }

    /// The current value.
    pub fn value(&self) -> i64 {
        // ORDERING: Relaxed: only this value is read.
        self.0.first().load(Ordering::Relaxed) as i64
    }
}

impl sealed::Sealed for IntGauge {}

impl Instrument for IntGauge {
    type Options = ();
    const KIND: Kind = Kind::Gauge;

    fn shape((): ()) -> Shape {
        Shape::Scalar(Number::I64)
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> IntGauge {
        IntGauge(Cells::new(series))
    }
}
