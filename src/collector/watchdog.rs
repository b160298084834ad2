//! `watchdog`: watchdog timers. Source: sysfs' `class/watchdog`
//! (Documentation/ABI/testing/sysfs-class-watchdog).

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const FILES: [&str; 12] = [
    "access_cs0",
    "bootstatus",
    "fw_version",
    "nowayout",
    "pretimeout",
    "timeleft",
    "timeout",
    "identity",
    "options",
    "pretimeout_governor",
    "state",
    "status",
];

/// Each shows the file in the same place of [`FILES`].
const NUMBERS: [Metric; 7] = [
    Metric::gauge("node_watchdog_access_cs0", "Whether the watchdog can reach the other ROM."),
    Metric::gauge("node_watchdog_bootstatus", "What the watchdog knows of the last start."),
    Metric::gauge("node_watchdog_fw_version", "Version of the watchdog's firmware."),
    Metric::gauge("node_watchdog_nowayout", "Whether the watchdog can no longer be stopped."),
    Metric::gauge(
        "node_watchdog_pretimeout_seconds",
        "Time before the timeout at which the watchdog gives warning.",
    ),
    Metric::gauge("node_watchdog_timeleft_seconds", "Time left until the watchdog acts."),
    Metric::gauge(
        "node_watchdog_timeout_seconds",
        "Time without a sign of life after which the watchdog acts.",
    ),
];

const INFO: [Metric; 1] =
    [Metric::gauge("node_watchdog_info", "What a watchdog is and does; always 1.")];
/// The texts of [`FILES`] behind the numbers, and the name of the device.
const INFO_LABELS: [&str; 6] =
    ["identity", "options", "pretimeout_governor", "state", "status", "name"];

pub(super) struct Watchdog {
    devices: Devices<Attributes<{ FILES.len() }>>,
    numbers: Table,
    info: Table,
    labels: [String; INFO_LABELS.len()],
}

impl Watchdog {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(Watchdog {
            devices: Devices::new(setup.roots.sys.join("class/watchdog")),
            numbers: Table::register(&setup.registry, &["name"], &NUMBERS)?,
            info: Table::register(&setup.registry, &INFO_LABELS, &INFO)?,
            labels: Default::default(),
        }))
    }
}

impl Collector for Watchdog {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut numbers, mut info) = (self.numbers.sweep(), self.info.sweep());
        self.devices.refresh(files, |_, folder| Some(Attributes::new(folder, FILES)))?;
        for (name, watchdog) in self.devices.iter_mut() {
            watchdog.begin_scrape();
            let values: [_; NUMBERS.len()] = std::array::from_fn(|i| watchdog.number(i, files));
            numbers.row(&[name]).set_all(&values);
            let [texts @ .., last] = &mut self.labels;
            for (index, text) in texts.iter_mut().enumerate() {
                watchdog.copy_text(NUMBERS.len() + index, files, text);
            }
            name.clone_into(last);
            info.row(&self.labels).set(0, Some(1.0));
        }
        Ok(())
    }
}
