//! `ethtool`: what drivers of network interfaces tell of themselves, their links and their
//! statistics. Sources: the names in sysfs' `class/net`, and the request `SIOCETHTOOL` of
//! netdevice(7), whatever the roots.
//!
//! A driver that tells nothing of one of the three costs neither the others nor success: most tell
//! only some of them.

mod answer;
mod modes;
mod statistics;

use super::devices::Devices;
use super::error::CollectError;
use super::fields::{Described, Fields};
use super::flags::{Filter, Flag};
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::model::Kind;
use crate::regex::Regex;
use crate::registry::RegisterError;
use crate::sys::ethtool::Ethtool;
use answer::{Driver, Settings};
use modes::{AUTONEGOTIATION, PAUSE, PAUSE_ASYMMETRIC, PORTS, SPEEDS, Speed};
use statistics::Statistics;
use std::io;
use std::path::Path;

const DEVICE_EXCLUDE: &str = "collector.ethtool.device-exclude";
const DEVICE_INCLUDE: &str = "collector.ethtool.device-include";
const METRICS_INCLUDE: &str = "collector.ethtool.metrics-include";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(DEVICE_EXCLUDE, "", "Network interfaces to leave out."),
    Flag::pattern(DEVICE_INCLUDE, "", "Network interfaces to show; the rest is left out."),
    Flag::pattern(METRICS_INCLUDE, ".*", "Statistics to show, by the names of their drivers."),
];

/// Families that the names of statistics can become. Drivers with hundreds of queues have as many
/// thousands; the limit keeps the registry bounded.
const FAMILIES_MAX: usize = 16_384;

const INFO: [Metric; 1] =
    [Metric::gauge("node_ethtool_info", "What drives a network interface; always 1.")];
const INFO_LABELS: [&str; 6] =
    ["bus_info", "device", "driver", "expansion_rom_version", "firmware_version", "version"];

/// In the order of what [`link_values`] returns.
const LINK: [Metric; 7] = [
    Metric::gauge("node_network_autonegotiate", "Whether the link negotiates its settings."),
    Metric::gauge("node_network_autonegotiate_advertised", "Whether negotiating is offered."),
    Metric::gauge("node_network_autonegotiate_supported", "Whether the port can negotiate."),
    Metric::gauge("node_network_asymmetricpause_advertised", "Whether pauses one way are offered."),
    Metric::gauge("node_network_asymmetricpause_supported", "Whether the port can pause one way."),
    Metric::gauge("node_network_pause_advertised", "Whether pause frames are offered."),
    Metric::gauge("node_network_pause_supported", "Whether the port knows pause frames."),
];

const PORT: [Metric; 1] =
    [Metric::gauge("node_network_supported_port_info", "Kind of port there can be; always 1.")];

const SPEED_LABELS: [&str; 3] = ["device", "duplex", "mode"];
const SUPPORTED_SPEED: [Metric; 1] = [Metric::gauge(
    "node_network_supported_speed_bytes",
    "Speed that the port can have, in bytes per second.",
)];
const ADVERTISED_SPEED: [Metric; 1] = [Metric::gauge(
    "node_network_advertised_speed_bytes",
    "Speed that is offered to the other end, in bytes per second.",
)];

/// Who answers for the drivers.
pub(super) trait Drivers: Send {
    fn settings(&mut self, device: &str) -> io::Result<&[u8]>;
    fn driver(&mut self, device: &str) -> io::Result<&[u8]>;
    fn statistic_names(&mut self, device: &str, count: u32) -> io::Result<&[u8]>;
    fn statistics(&mut self, device: &str, count: u32) -> io::Result<&[u8]>;
}

impl Drivers for Ethtool {
    fn settings(&mut self, device: &str) -> io::Result<&[u8]> {
        self.settings(device)
    }

    fn driver(&mut self, device: &str) -> io::Result<&[u8]> {
        self.driver(device)
    }

    fn statistic_names(&mut self, device: &str, count: u32) -> io::Result<&[u8]> {
        self.statistic_names(device, count)
    }

    fn statistics(&mut self, device: &str, count: u32) -> io::Result<&[u8]> {
        self.statistics(device, count)
    }
}

pub(super) struct EthTool<D> {
    open: fn() -> io::Result<D>,
    drivers: Option<D>,
    /// Those that are left out have no statistics.
    devices: Devices<Option<Statistics>>,
    filter: Filter,
    included: Option<Regex>,
    tables: Tables,
    families: Fields,
}

struct Tables {
    info: Table,
    link: Table,
    ports: Table,
    supported_speeds: Table,
    advertised_speeds: Table,
}

impl EthTool<Ethtool> {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(EthTool::new(setup, Ethtool::open)?))
    }
}

impl<D: Drivers> EthTool<D> {
    fn new(setup: &Setup<'_>, open: fn() -> io::Result<D>) -> Result<EthTool<D>, RegisterError> {
        let Setup { registry, flags, roots, .. } = setup;
        Ok(EthTool {
            open,
            drivers: None,
            devices: Devices::new(roots.sys.join("class/net")),
            filter: flags.filter(DEVICE_INCLUDE, DEVICE_EXCLUDE),
            included: flags.pattern(METRICS_INCLUDE),
            tables: Tables {
                info: Table::register(registry, &INFO_LABELS, &INFO)?,
                link: Table::register(registry, &["device"], &LINK)?,
                ports: Table::register(registry, &["device", "type"], &PORT)?,
                supported_speeds: Table::register(registry, &SPEED_LABELS, &SUPPORTED_SPEED)?,
                advertised_speeds: Table::register(registry, &SPEED_LABELS, &ADVERTISED_SPEED)?,
            },
            families: Fields::up_to(FAMILIES_MAX, registry),
        })
    }
}

impl<D: Drivers> Collector for EthTool<D> {
    fn collect(&mut self, _: &mut Files) -> Result<(), CollectError> {
        let EthTool { open, drivers, devices, filter, included, tables, families } = self;
        let mut families = families.sweep();
        let listed = devices.refresh(|name, folder| {
            is_device(folder).then(|| filter.lets(name.as_bytes()).then(Statistics::default))
        });
        let mut outcome = listed.and_then(|()| match devices.is_empty() {
            true => Err(CollectError::NoData { path: devices.folder().into() }),
            false => Ok(()),
        });
        let drivers = match drivers {
            Some(drivers) => drivers,
            None => {
                let opened = open().map_err(|error| CollectError::from_call("ethtool", &error));
                drivers.insert(opened?)
            }
        };
        for (device, statistics) in devices.iter_mut() {
            let Some(statistics) = statistics else { continue };
            if let Some(settings) = drivers.settings(device).ok().and_then(Settings::parse) {
                tables.show_settings(device, settings);
            }
            let Some(driver) = drivers.driver(device).ok().and_then(Driver::parse) else {
                continue;
            };
            tables.show_driver(device, &driver);
            let count = driver.statistics;
            if count == 0 || !read(statistics, drivers, device, count, included.as_ref()) {
                continue;
            }
            for (family, value) in statistics.iter() {
                let row = families.row(family.as_bytes(), &[device], || describe(family));
                outcome = outcome.and(row.map(|mut row| row.set(0, Some(value))));
            }
        }
        tables.end_sweep();
        outcome
    }
}

/// Whether the entry of `class/net` is one of a device: beside them are files that belong to
/// drivers.
fn is_device(entry: &Path) -> bool {
    std::fs::symlink_metadata(entry).is_ok_and(|entry| !entry.is_file())
}

/// Asks for the statistics of a device; says whether they came.
fn read<D: Drivers>(
    statistics: &mut Statistics,
    drivers: &mut D,
    device: &str,
    count: u32,
    included: Option<&Regex>,
) -> bool {
    let names = drivers.statistic_names(device, count);
    if names.map(|names| statistics.set_names(names, included)).is_err() {
        return false;
    }
    let values = drivers.statistics(device, count);
    values.map(|values| statistics.set_values(values)).is_ok()
}

fn describe(family: &str) -> Described {
    Described {
        name: family.to_owned(),
        help: "Statistic of a network driver, which knows what it means.".into(),
        kind: Kind::Unknown,
        label_names: &["device"],
    }
}

impl Tables {
    fn show_driver(&mut self, device: &str, driver: &Driver<'_>) {
        let Driver { bus, name, version, firmware, rom, .. } = driver;
        self.info.visit(&[&**bus, device, name, rom, firmware, version]).set(0, Some(1.0));
    }

    fn show_settings(&mut self, device: &str, settings: Settings) {
        self.link.visit(&[device]).set_all(&link_values(settings).map(Some));
        for (bit, kind) in PORTS {
            if has(settings.supported, bit) {
                self.ports.visit(&[device, kind]).set(0, Some(1.0));
            }
        }
        show_speeds(&mut self.supported_speeds, device, settings.supported);
        show_speeds(&mut self.advertised_speeds, device, settings.advertised);
    }

    fn end_sweep(&mut self) {
        let Tables { info, link, ports, supported_speeds, advertised_speeds } = self;
        for table in [info, link, ports, supported_speeds, advertised_speeds] {
            table.end_sweep();
        }
    }
}

fn has(modes: u32, bit: u32) -> bool {
    modes & (1 << bit) != 0
}

fn link_values(settings: Settings) -> [f64; LINK.len()] {
    let Settings { supported, advertised, autonegotiation } = settings;
    let is_set = |modes, bit| f64::from(u8::from(has(modes, bit)));
    [
        f64::from(autonegotiation),
        is_set(advertised, AUTONEGOTIATION),
        is_set(supported, AUTONEGOTIATION),
        is_set(advertised, PAUSE_ASYMMETRIC),
        is_set(supported, PAUSE_ASYMMETRIC),
        is_set(advertised, PAUSE),
        is_set(supported, PAUSE),
    ]
}

fn show_speeds(table: &mut Table, device: &str, modes: u32) {
    for Speed { bit, bytes_per_second, duplex, mode } in SPEEDS {
        if has(modes, bit) {
            table.visit(&[device, duplex, mode]).set(0, Some(bytes_per_second));
        }
    }
}

#[cfg(test)]
mod tests;
