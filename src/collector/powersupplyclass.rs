//! `powersupplyclass`: batteries, chargers and what else gives power. Source: sysfs'
//! `class/power_supply` (Documentation/ABI/testing/sysfs-class-power).

mod numbers;

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::flags::Flag;
use super::fs::Files;
use super::number_files::NumberFiles;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::regex::Regex;
use crate::registry::RegisterError;
use numbers::NUMBERS;

const IGNORED: &str = "collector.powersupply.ignored-supplies";
pub(super) const FLAGS: &[Flag] =
    &[Flag::pattern(IGNORED, "^$", "Power supplies that are not shown.")];

const INFO: [Metric; 1] = [Metric::gauge(
    "node_power_supply_info",
    "What a power supply is and does, as far as it says; always 1.",
)
.without_empty_labels()];
/// Files that are labels of the same names.
const TEXTS: [&str; 11] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
];

pub(super) struct PowerSupplyClass {
    ignored: Option<Regex>,
    supplies: Devices<Supply>,
    numbers: Table,
    info: Table,
    labels: [String; TEXTS.len() + 1],
}

struct Supply {
    numbers: NumberFiles<{ NUMBERS.len() }>,
    texts: Attributes<{ TEXTS.len() }>,
}

impl PowerSupplyClass {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let mut info_labels = TEXTS.to_vec();
        info_labels.push("power_supply");
        Ok(Box::new(PowerSupplyClass {
            ignored: setup.flags.pattern(IGNORED),
            supplies: Devices::new(setup.roots.sys.join("class/power_supply")),
            numbers: NumberFiles::register(&setup.registry, &["power_supply"], &NUMBERS)?,
            info: Table::register(&setup.registry, &info_labels, &INFO)?,
            labels: Default::default(),
        }))
    }
}

impl Collector for PowerSupplyClass {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut numbers, mut info) = (self.numbers.sweep(), self.info.sweep());
        let ignored = &self.ignored;
        self.supplies.refresh(|name, folder| {
            let is_shown =
                !ignored.as_ref().is_some_and(|ignored| ignored.is_match(name.as_bytes()));
            is_shown.then(|| Supply {
                numbers: NumberFiles::new(folder, &NUMBERS),
                texts: Attributes::new(folder, TEXTS),
            })
        })?;
        self.supplies.visit(|name, supply| {
            supply.texts.begin_scrape();
            let [texts @ .., last] = &mut self.labels;
            supply.texts.copy_texts(files, texts);
            name.clone_into(last);
            info.row(&self.labels).set(0, Some(1.0));
            numbers.row(&[name]).set_all(&supply.numbers.read(files)?);
            Ok(())
        })
    }
}
