//! `hwmon`: sensors of chips. Source: sysfs' `class/hwmon` (Documentation/hwmon/sysfs-interface.rst
//! of the kernel).
//!
//! ```text
//! naming   chips by the place of their device, families by kind and property of a sensor
//! chip     the files of a chip, which are found when it appears
//! ```

mod chip;
mod naming;

use super::devices::Devices;
use super::error::CollectError;
use super::fields::{Described, Fields};
use super::flags::{Filter, Flag};
use super::fs::Files;
use super::lines::parse_number;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use chip::{Chip, Reading};

const CHIP_INCLUDE: &str = "collector.hwmon.chip-include";
const CHIP_EXCLUDE: &str = "collector.hwmon.chip-exclude";
const SENSOR_INCLUDE: &str = "collector.hwmon.sensor-include";
const SENSOR_EXCLUDE: &str = "collector.hwmon.sensor-exclude";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(CHIP_INCLUDE, "", "Show only the chips whose names match this."),
    Flag::pattern(CHIP_EXCLUDE, "", "Leave out the chips whose names match this."),
    Flag::pattern(
        SENSOR_INCLUDE,
        "",
        "Show only the sensors whose names match this. A name is CHIP;SENSOR.",
    ),
    Flag::pattern(
        SENSOR_EXCLUDE,
        "",
        "Leave out the sensors whose names match this. A name is CHIP;SENSOR.",
    ),
];

const CHIP_NAMES: [Metric; 1] =
    [Metric::gauge("node_hwmon_chip_names", "The name that a chip's driver gives it; always 1.")];
const SENSOR_LABELS: [Metric; 1] =
    [Metric::gauge("node_hwmon_sensor_label", "What a sensor is called; always 1.")];

pub(super) struct HwMon {
    chips: Devices<Chip>,
    chip_filter: Filter,
    sensor_filter: Filter,
    chip_names: Table,
    sensor_labels: Table,
    fields: Fields,
}

impl HwMon {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        Ok(Box::new(HwMon {
            chips: Devices::new(setup.roots.sys.join("class/hwmon")),
            chip_filter: setup.flags.filter(CHIP_INCLUDE, CHIP_EXCLUDE),
            sensor_filter: setup.flags.filter(SENSOR_INCLUDE, SENSOR_EXCLUDE),
            chip_names: Table::register(registry, &["chip", "chip_name"], &CHIP_NAMES)?,
            sensor_labels: Table::register(registry, &["chip", "label", "sensor"], &SENSOR_LABELS)?,
            fields: Fields::new(registry),
        }))
    }
}

impl Collector for HwMon {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut names, mut labels) = (self.chip_names.sweep(), self.sensor_labels.sweep());
        let mut fields = self.fields.sweep();
        self.chips
            .refresh(|_, folder| Chip::find(folder, &self.chip_filter, &self.sensor_filter))?;
        let mut outcome = Ok(());
        for (_, chip) in self.chips.iter_mut() {
            let Chip { name, driver, labels: found, readings } = chip;
            let name = &**name;
            if let Some(driver) = driver {
                names.row(&[name, driver]).set(0, Some(1.0));
            }
            for (sensor, label) in found {
                labels.row(&[name, label, sensor]).set(0, Some(1.0));
            }
            for Reading { file, sensor, family } in readings {
                // A driver that has no value at the moment refuses to give one.
                let number = files.read(file).ok().and_then(|read| parse_number(read.trim_ascii()));
                let Some(number) = number else { continue };
                let shown = fields.row(family.name.as_bytes(), &[name, sensor], || Described {
                    name: family.name.clone(),
                    help: family.help.clone(),
                    kind: family.kind(),
                    label_names: &["chip", "sensor"],
                });
                // Of chips that go by one name the first has it, as in node_exporter.
                let shown = shown.map(|mut row| {
                    if row.is_first_visit() {
                        row.set(0, Some(family.scale.apply(number)));
                    }
                });
                outcome = outcome.and(shown);
            }
        }
        outcome
    }
}
