//! `timex`: how the clock is disciplined. Source: adjtimex(2), whatever the roots.

use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use crate::sys::clock::{ClockNumber, ClockState};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// What the kernel counts a number in.
#[derive(Clone, Copy)]
enum Unit {
    /// It is what it is.
    One,
    Microseconds,
    /// Nanoseconds or microseconds, which the status tells.
    Fractions,
    /// Parts per million, with 16 bits behind the point.
    ScaledPpm,
    /// The same, as how fast the clock is made to go: 1 is as it goes by itself.
    ScaledPpmRatio,
}

const SCALED_PPM_PER_ONE: f64 = 1_000_000.0 * 65536.0;
const MICROSECONDS_PER_SECOND: f64 = 1_000_000.0;
const NANOSECONDS_PER_SECOND: f64 = 1_000_000_000.0;

/// Table: number => family and unit.
const NUMBERS: [(ClockNumber, Metric, Unit); 16] = [
    (
        ClockNumber::Offset,
        Metric::gauge(
            "node_timex_offset_seconds",
            "How far the clock is from the one it is disciplined by.",
        ),
        Unit::Fractions,
    ),
    (
        ClockNumber::Frequency,
        Metric::gauge(
            "node_timex_frequency_adjustment_ratio",
            "How fast the clock is made to go; 1 is as it goes by itself.",
        ),
        Unit::ScaledPpmRatio,
    ),
    (
        ClockNumber::MaxError,
        Metric::gauge("node_timex_maxerror_seconds", "How wrong the clock is at most."),
        Unit::Microseconds,
    ),
    (
        ClockNumber::EstError,
        Metric::gauge("node_timex_estimated_error_seconds", "How wrong the clock probably is."),
        Unit::Microseconds,
    ),
    (
        ClockNumber::Status,
        Metric::gauge("node_timex_status", "The bits of the clock's status."),
        Unit::One,
    ),
    (
        ClockNumber::Constant,
        Metric::gauge("node_timex_loop_time_constant", "Time constant of the phase-locked loop."),
        Unit::One,
    ),
    (
        ClockNumber::Tick,
        Metric::gauge("node_timex_tick_seconds", "Time between two ticks of the clock."),
        Unit::Microseconds,
    ),
    (
        ClockNumber::PpsFrequency,
        Metric::gauge("node_timex_pps_frequency_hertz", "Frequency by the pulse per second."),
        Unit::ScaledPpm,
    ),
    (
        ClockNumber::Jitter,
        Metric::gauge("node_timex_pps_jitter_seconds", "Jitter of the pulse per second."),
        Unit::Fractions,
    ),
    (
        ClockNumber::Shift,
        Metric::gauge(
            "node_timex_pps_shift_seconds",
            "Length of the interval of the pulse per second, as a power of two.",
        ),
        Unit::One,
    ),
    (
        ClockNumber::Stability,
        Metric::gauge(
            "node_timex_pps_stability_hertz",
            "How much the frequency by the pulse per second wanders.",
        ),
        Unit::ScaledPpm,
    ),
    (
        ClockNumber::JitterCount,
        Metric::counter(
            "node_timex_pps_jitter_total",
            "Times that the jitter of the pulse per second was too large.",
        ),
        Unit::One,
    ),
    (
        ClockNumber::CalibrationCount,
        Metric::counter(
            "node_timex_pps_calibration_total",
            "Calibrations by the pulse per second.",
        ),
        Unit::One,
    ),
    (
        ClockNumber::ErrorCount,
        Metric::counter(
            "node_timex_pps_error_total",
            "Calibrations by the pulse per second that failed.",
        ),
        Unit::One,
    ),
    (
        ClockNumber::StabilityCount,
        Metric::counter(
            "node_timex_pps_stability_exceeded_total",
            "Times that the pulse per second wandered too much.",
        ),
        Unit::One,
    ),
    (
        ClockNumber::Tai,
        Metric::gauge("node_timex_tai_offset_seconds", "Seconds that TAI is ahead of UTC."),
        Unit::One,
    ),
];

const SYNC: [Metric; 1] =
    [Metric::gauge("node_timex_sync_status", "Whether a reliable source disciplines the clock.")];

pub(super) struct Timex {
    numbers: Table,
    sync: Table,
}

impl Timex {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let metrics = NUMBERS.map(|(_, metric, _)| metric);
        Ok(Box::new(Timex {
            numbers: Table::register(&setup.registry, &[], &metrics)?,
            sync: Table::register(&setup.registry, &[], &SYNC)?,
        }))
    }
}

impl Collector for Timex {
    fn collect(&mut self, _files: &mut Files) -> Result<(), CollectError> {
        let (mut numbers, mut sync) = (self.numbers.sweep(), self.sync.sweep());
        let state = ClockState::read().map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => {
                CollectError::NoData { path: Arc::from(Path::new("adjtimex")) }
            }
            _ => CollectError::from_call("adjtimex", &error),
        })?;
        let values = NUMBERS.map(|(number, _, unit)| {
            let raw = state.number(number) as f64;
            Some(unit.to_base(raw, state.is_in_nanoseconds()))
        });
        numbers.only_row().set_all(&values);
        let is_synchronized = if state.is_synchronized() { 1.0 } else { 0.0 };
        sync.only_row().set(0, Some(is_synchronized));
        Ok(())
    }
}

impl Unit {
    fn to_base(self, raw: f64, is_in_nanoseconds: bool) -> f64 {
        match self {
            Unit::One => raw,
            Unit::Microseconds => raw / MICROSECONDS_PER_SECOND,
            Unit::Fractions if is_in_nanoseconds => raw / NANOSECONDS_PER_SECOND,
            Unit::Fractions => raw / MICROSECONDS_PER_SECOND,
            Unit::ScaledPpm => raw / SCALED_PPM_PER_ONE,
            Unit::ScaledPpmRatio => 1.0 + raw / SCALED_PPM_PER_ONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_base_units() {
        const CASES: &[(Unit, f64, bool, f64)] = &[
            (Unit::One, 37.0, true, 37.0),
            (Unit::Microseconds, 10_000.0, true, 0.01),
            (Unit::Fractions, 1_500.0, true, 0.0000015),
            (Unit::Fractions, 1_500.0, false, 0.0015),
            (Unit::ScaledPpm, -65_536.0, true, -0.000001),
            (Unit::ScaledPpmRatio, 6_553_600.0, true, 1.0001),
            (Unit::ScaledPpmRatio, 0.0, true, 1.0),
        ];
        for (unit, raw, is_in_nanoseconds, expected) in CASES {
            assert_eq!(unit.to_base(*raw, *is_in_nanoseconds), *expected, "{raw}");
        }
    }
}
