//! `watchdog`: watchdog timers. Source: sysfs' `class/watchdog`
//! (Documentation/ABI/testing/sysfs-class-watchdog).

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::Files;
use super::number_files::{NumberFile, NumberFiles};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;

const NUMBERS: [NumberFile; 7] = [
    NumberFile::new(
        "access_cs0",
        Metric::gauge("node_watchdog_access_cs0", "Whether the watchdog can reach the other ROM."),
    ),
    NumberFile::new(
        "bootstatus",
        Metric::gauge("node_watchdog_bootstatus", "What the watchdog knows of the last start."),
    ),
    NumberFile::new(
        "fw_version",
        Metric::gauge("node_watchdog_fw_version", "Version of the watchdog's firmware."),
    ),
    NumberFile::new(
        "nowayout",
        Metric::gauge("node_watchdog_nowayout", "Whether the watchdog can no longer be stopped."),
    ),
    NumberFile::new(
        "pretimeout",
        Metric::gauge(
            "node_watchdog_pretimeout_seconds",
            "Time before the timeout at which the watchdog gives warning.",
        ),
    ),
    NumberFile::new(
        "timeleft",
        Metric::gauge("node_watchdog_timeleft_seconds", "Time left until the watchdog acts."),
    ),
    NumberFile::new(
        "timeout",
        Metric::gauge(
            "node_watchdog_timeout_seconds",
            "Time without a sign of life after which the watchdog acts.",
        ),
    ),
];

const INFO: [Metric; 1] =
    [Metric::gauge("node_watchdog_info", "What a watchdog is and does; always 1.")];
const TEXTS: [&str; 5] = ["identity", "options", "pretimeout_governor", "state", "status"];
/// Those of [`TEXTS`], and the name of the device.
const INFO_LABELS: [&str; TEXTS.len() + 1] =
    ["identity", "options", "pretimeout_governor", "state", "status", "name"];

struct Timer {
    numbers: NumberFiles<{ NUMBERS.len() }>,
    texts: Attributes<{ TEXTS.len() }>,
}

impl Timer {
    fn new(folder: &Path) -> Timer {
        let numbers = NumberFiles::new(folder, &NUMBERS);
        Timer { numbers, texts: Attributes::new(folder, TEXTS) }
    }
}

pub(super) struct Watchdog {
    devices: Devices<Timer>,
    numbers: Table,
    info: Table,
    labels: [String; INFO_LABELS.len()],
}

impl Watchdog {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(Watchdog {
            devices: Devices::new(setup.roots.sys.join("class/watchdog")),
            numbers: NumberFiles::register(&setup.registry, &["name"], &NUMBERS)?,
            info: Table::register(&setup.registry, &INFO_LABELS, &INFO)?,
            labels: Default::default(),
        }))
    }
}

impl Collector for Watchdog {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut numbers, mut info) = (self.numbers.sweep(), self.info.sweep());
        self.devices.refresh(|_, folder| Some(Timer::new(folder)))?;
        self.devices.visit(|name, timer| {
            timer.texts.begin_scrape();
            let [texts @ .., last] = &mut self.labels;
            timer.texts.copy_texts(files, texts);
            name.clone_into(last);
            info.row(&self.labels).set(0, Some(1.0));
            numbers.row(&[name]).set_all(&timer.numbers.read(files)?);
            Ok(())
        })
    }
}
