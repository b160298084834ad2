//! `thermal_zone`: temperatures of thermal zones and states of cooling devices. Source: sysfs'
//! `class/thermal` (Documentation/ABI/testing/sysfs-class-thermal).
//!
//! A zone whose driver refuses to read its sensor has no temperature. A cooling device of which not
//! all can be read is left out, as in node_exporter.

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const MILLIDEGREES_PER_DEGREE: f64 = 1000.0;

const ZONES: [Metric; 1] =
    [Metric::gauge("node_thermal_zone_temp", "Temperature of a thermal zone, in degrees Celsius.")];
const COOLERS: [Metric; 2] = [
    Metric::gauge("node_cooling_device_cur_state", "How much a cooling device cools at present."),
    Metric::gauge("node_cooling_device_max_state", "How much a cooling device can cool."),
];

pub(super) struct ThermalZone {
    zones: Devices<Attributes<2>>,
    zone_table: Table,
    coolers: Devices<Attributes<3>>,
    cooler_table: Table,
}

impl ThermalZone {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.sys.join("class/thermal");
        Ok(Box::new(ThermalZone {
            zones: Devices::new(&*folder),
            zone_table: Table::register(&setup.registry, &["type", "zone"], &ZONES)?,
            coolers: Devices::new(folder),
            cooler_table: Table::register(&setup.registry, &["name", "type"], &COOLERS)?,
        }))
    }

    fn set_zones(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.zone_table.sweep();
        self.zones.refresh_if_there(|name, folder| {
            let is_zone = name.starts_with(ZONE);
            is_zone.then(|| Attributes::new(folder, ["type", "temp"]))
        })?;
        for (name, zone) in self.zones.iter_mut() {
            zone.begin_scrape();
            let Some(temperature) = zone.number(1, files) else { continue };
            let kind = zone.text(0, files).unwrap_or_default();
            let mut row = sweep.row(&[kind, &name[ZONE.len()..]]);
            row.set(0, Some(temperature / MILLIDEGREES_PER_DEGREE));
        }
        Ok(())
    }

    fn set_coolers(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.cooler_table.sweep();
        self.coolers.refresh_if_there(|name, folder| {
            let is_cooler = name.starts_with(COOLER);
            is_cooler.then(|| Attributes::new(folder, ["type", "cur_state", "max_state"]))
        })?;
        for (name, cooler) in self.coolers.iter_mut() {
            cooler.begin_scrape();
            let states = [cooler.number(1, files), cooler.number(2, files)];
            let Some(kind) = cooler.text(0, files) else { continue };
            if states.iter().all(Option::is_some) {
                sweep.row(&[&name[COOLER.len()..], kind]).set_all(&states);
            }
        }
        Ok(())
    }
}

/// What the names of the folders begin with; a number follows.
const ZONE: &str = "thermal_zone";
const COOLER: &str = "cooling_device";

impl Collector for ThermalZone {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let zones = self.set_zones(files);
        zones.and(self.set_coolers(files))
    }
}
