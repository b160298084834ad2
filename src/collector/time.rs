//! `time`: the clock. Sources: the system clock, the local time zone, and sysfs' `clocksource0`
//! (Documentation/ABI/testing/sysfs-devices-system-clocksource), the one such device that the
//! kernel makes.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use crate::sys::time_zone::ZoneOffset;
use std::time::{SystemTime, UNIX_EPOCH};

const CLOCK: [Metric; 1] =
    [Metric::gauge("node_time_seconds", "The clock of this system, in seconds since 1970.")];
const ZONE: [Metric; 1] =
    [Metric::gauge("node_time_zone_offset_seconds", "Seconds that local time is ahead of UTC.")];
const AVAILABLE: [Metric; 1] = [Metric::gauge(
    "node_time_clocksource_available_info",
    "Clock sources that the kernel could use; always 1.",
)];
const CURRENT: [Metric; 1] = [Metric::gauge(
    "node_time_clocksource_current_info",
    "The clock source that the kernel uses; always 1.",
)];

const CLOCKSOURCE_LABELS: [&str; 2] = ["clocksource", "device"];
/// The value of the label `device`: the number of `clocksource0`.
const DEVICE: &str = "0";

pub(super) struct Time {
    clock: Table,
    zone: Table,
    available: ClockSources,
    current: ClockSources,
}

/// A file of names of clock sources, and their series.
struct ClockSources {
    file: KeptFile,
    table: Table,
}

impl Time {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        let folder = setup.roots.sys.join("devices/system/clocksource/clocksource0");
        let sources = |name: &str, metrics: &[Metric]| {
            let file = KeptFile::new(folder.join(name));
            let table = Table::register(registry, &CLOCKSOURCE_LABELS, metrics)?;
            Ok(ClockSources { file, table })
        };
        Ok(Box::new(Time {
            clock: Table::register(registry, &[], &CLOCK)?,
            zone: Table::register(registry, &["time_zone"], &ZONE)?,
            available: sources("available_clocksource", &AVAILABLE)?,
            current: sources("current_clocksource", &CURRENT)?,
        }))
    }
}

impl Collector for Time {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        self.set_clock();
        let available = self.available.collect(files);
        self.current.collect(files).and(available)
    }
}

impl Time {
    fn set_clock(&mut self) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let nanoseconds = since_epoch.map(|since| since.as_nanos() as f64);
        self.clock.set(&[nanoseconds.map(|nanoseconds| nanoseconds / 1e9)]);
        let mut zones = self.zone.sweep();
        let seconds = since_epoch.and_then(|since| i64::try_from(since.as_secs()).ok());
        if let Some(offset) = seconds.and_then(ZoneOffset::at) {
            zones.row(&[offset.name()]).set(0, Some(offset.seconds as f64));
        }
    }
}

impl ClockSources {
    /// As in node_exporter, a host without clock sources in sysfs is not at fault.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let content = match files.read(&mut self.file) {
            Err(error) if error.is_no_data() => return Ok(()),
            content => content?,
        };
        for name in names(content) {
            sweep.row(&[name, DEVICE]).set(0, Some(1.0));
        }
        Ok(())
    }
}

/// The words of a list of names. A name that is no UTF-8 is none that the kernel gives.
fn names(content: &[u8]) -> impl Iterator<Item = &str> {
    content.utf8_chunks().flat_map(|chunk| chunk.valid().split_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_blanks() {
        assert_eq!(names(b"tsc hpet acpi_pm \n").collect::<Vec<_>>(), ["tsc", "hpet", "acpi_pm"]);
        assert_eq!(names(b"").count(), 0);
    }
}
