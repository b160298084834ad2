//! `pcidevice`: devices on PCI buses. Source: sysfs' `bus/pci/devices`
//! (Documentation/ABI/testing/sysfs-bus-pci of the kernel).
//!
//! What a device does not have is shown as node_exporter does: -1 of a link, 0 of virtual functions.

mod names;

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::flags::Flag;
use super::fs::Files;
use super::lines::parse_hexadecimal;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use names::{NAMES, Names};
use std::path::Path;

const IDS_FILE: &str = "collector.pcidevice.idsfile";
const SHOW_NAMES: &str = "collector.pcidevice.names";

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(IDS_FILE, "", "The file pci.ids, if it is not where distributions have it."),
    Flag::switch(SHOW_NAMES, false, "Show names out of pci.ids as labels of info."),
];

/// Segment, bus, device and function.
const LOCATION: [&str; 4] = ["segment", "bus", "device", "function"];
/// Digits that each of them has at least.
const LOCATION_DIGITS: [usize; 4] = [4, 2, 2, 1];

/// In the order of [`FILES`], behind the ids, and the NUMA node last.
const METRICS: [Metric; 10] = [
    Metric::gauge(
        "node_pcidevice_max_link_transfers_per_second",
        "Most transfers per second that the link of a device can make.",
    ),
    Metric::gauge(
        "node_pcidevice_current_link_transfers_per_second",
        "Transfers per second that the link of a device makes.",
    ),
    Metric::gauge("node_pcidevice_max_link_width", "Most lanes that the link can have."),
    Metric::gauge("node_pcidevice_current_link_width", "Lanes that the link has."),
    Metric::gauge("node_pcidevice_d3cold_allowed", "Whether the power may be taken away whole."),
    Metric::gauge(
        "node_pcidevice_sriov_drivers_autoprobe",
        "Whether drivers are looked for when virtual functions appear.",
    ),
    Metric::gauge("node_pcidevice_sriov_numvfs", "Virtual functions that there are."),
    Metric::gauge("node_pcidevice_sriov_totalvfs", "Virtual functions that there may be."),
    Metric::gauge(
        "node_pcidevice_sriov_vf_total_msix",
        "Interrupts (MSI-X) that virtual functions may share.",
    ),
    Metric::gauge("node_pcidevice_numa_node", "NUMA node that a device is near to."),
];

const fn state(name: &'static str) -> Metric {
    Metric::gauge("node_pcidevice_power_state", "Whether a device is in a state of power.")
        .with_label("state", name)
}

const STATES: [&str; 7] = ["D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error"];
const STATE_METRICS: [Metric; STATES.len()] = [
    state(STATES[0]),
    state(STATES[1]),
    state(STATES[2]),
    state(STATES[3]),
    state(STATES[4]),
    state(STATES[5]),
    state(STATES[6]),
];

const INFO: [Metric; 1] =
    [Metric::gauge("node_pcidevice_info", "What a device is, and where; always 1.")];
const INFO_LABELS: [&str; 10] = [
    "parent_segment",
    "parent_bus",
    "parent_device",
    "parent_function",
    "class_id",
    "vendor_id",
    "device_id",
    "subsystem_vendor_id",
    "subsystem_device_id",
    "revision",
];

const FILES: [&str; 17] = [
    "class",
    "vendor",
    "device",
    "subsystem_vendor",
    "subsystem_device",
    "revision",
    "max_link_speed",
    "current_link_speed",
    "max_link_width",
    "current_link_width",
    "d3cold_allowed",
    "sriov_drivers_autoprobe",
    "sriov_numvfs",
    "sriov_totalvfs",
    "sriov_vf_total_msix",
    "numa_node",
    "power_state",
];
/// Files of hexadecimal numbers, and the digits that each is shown with at least.
const ID_DIGITS: [usize; 6] = [6, 4, 4, 4, 4, 2];
const SPEEDS: std::ops::Range<usize> = 6..8;
const WIDTHS: std::ops::Range<usize> = 8..10;
const FLAGS_OF_DEVICE: [usize; 2] = [10, 11];
const NUMA_NODE: usize = 15;
const POWER_STATE: usize = 16;

pub(super) struct PciDevice {
    devices: Devices<Device>,
    names: Option<Names>,
    info: Table,
    table: Table,
    states: Table,
}

struct Device {
    location: [String; 4],
    parent: [String; 4],
    /// Ids, and names where those are shown; empty until they have been read.
    ids: Vec<String>,
    files: Attributes<{ FILES.len() }>,
}

impl PciDevice {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let Setup { registry, roots, flags, .. } = setup;
        let names = flags.switch(SHOW_NAMES).then(|| Names::new(flags.text(IDS_FILE)));
        let name_labels: &[&str] = if names.is_some() { &NAMES } else { &[] };
        let info_labels = [&LOCATION, &INFO_LABELS[..], name_labels].concat();
        Ok(Box::new(PciDevice {
            devices: Devices::new(roots.sys.join("bus/pci/devices")),
            names,
            info: Table::register(registry, &info_labels, &INFO)?,
            table: Table::register(registry, &LOCATION, &METRICS)?,
            states: Table::register(registry, &LOCATION, &STATE_METRICS)?,
        }))
    }
}

impl Collector for PciDevice {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut infos, mut table) = (self.info.sweep(), self.table.sweep());
        let mut states = self.states.sweep();
        self.devices.refresh(|_, folder| Device::new(folder))?;
        let mut outcome = Ok(());
        for (_, device) in self.devices.iter_mut() {
            let values = match device.read(&mut self.names, files) {
                Ok(values) => values,
                Err(error) => {
                    outcome = outcome.and(Err(error));
                    continue;
                }
            };
            let Device { location, parent, ids, files: own } = device;
            let mut labels = [""; LOCATION.len() + INFO_LABELS.len() + NAMES.len()];
            let texts = location.iter().chain(parent.iter()).chain(ids.iter());
            let count = labels.iter_mut().zip(texts).map(|(label, text)| *label = text).count();
            infos.row(&labels[..count]).set(0, Some(1.0));
            table.row(location).set_all(&values);
            if let Some(current) = own.text(POWER_STATE, files).filter(|text| !text.is_empty()) {
                let is_it = |state| Some(if state == current { 1.0 } else { 0.0 });
                states.row(location).set_all(&STATES.map(is_it));
            }
        }
        if let Some(names) = &mut self.names {
            names.forget();
        }
        outcome
    }
}

impl Device {
    /// A device by the link to its folder, which ends in where it is: `.../PARENT/LOCATION`. `None`
    /// for what is no such link.
    fn new(link: &Path) -> Option<Device> {
        let folder = std::fs::read_link(link).ok()?;
        let name = folder.file_name()?.to_str()?;
        let parent = folder.parent()?.file_name()?.to_str()?;
        Some(Device {
            location: parse_location(name)?,
            // A root is no device.
            parent: match parent.starts_with("pci") {
                true => std::array::from_fn(|_| "*".to_owned()),
                false => parse_location(parent)?,
            },
            ids: Vec::new(),
            files: Attributes::new(link, FILES),
        })
    }

    fn read(
        &mut self,
        names: &mut Option<Names>,
        files: &mut Files,
    ) -> Result<[Option<f64>; METRICS.len()], CollectError> {
        self.files.begin_scrape();
        if self.ids.is_empty() {
            let mut ids = Vec::with_capacity(ID_DIGITS.len() + NAMES.len());
            for (index, digits) in ID_DIGITS.into_iter().enumerate() {
                let content = self.files.read(index, files)?;
                let number = content.strip_prefix(b"0x").and_then(parse_hexadecimal);
                let number = number.ok_or_else(|| malformed(index, "an id", content))?;
                ids.push(format!("0x{number:0digits$x}"));
            }
            let found = names.as_mut().map(|names| names.find(&ids));
            ids.extend(found.into_iter().flatten());
            self.ids = ids;
        }
        let mut values = [None; METRICS.len()];
        for (value, index) in values.iter_mut().zip(ID_DIGITS.len()..=NUMA_NODE) {
            *value = self.value(index, files)?;
        }
        Ok(values)
    }

    fn value(&mut self, index: usize, files: &mut Files) -> Result<Option<f64>, CollectError> {
        let is_of_link = SPEEDS.contains(&index) || WIDTHS.contains(&index);
        let content = match self.files.read(index, files) {
            Err(error) if error.is_no_data() && index != NUMA_NODE => b"",
            content => content?,
        };
        if content.is_empty() || (is_of_link && content.starts_with(b"Unknown")) {
            return Ok(Some(if is_of_link { -1.0 } else { 0.0 }));
        }
        let is_speed = SPEEDS.contains(&index);
        let number = match is_speed {
            true => content.strip_suffix(b" GT/s PCIe"),
            false => Some(content),
        };
        let number: f64 = number
            .and_then(super::lines::parse_number)
            .ok_or_else(|| malformed(index, "a number or a speed in GT/s", content))?;
        Ok(match index {
            NUMA_NODE => Some(number).filter(|node| *node != -1.0),
            _ if is_speed => Some(number * 1e9),
            _ if FLAGS_OF_DEVICE.contains(&index) => Some(if number == 0.0 { 0.0 } else { 1.0 }),
            _ => Some(number),
        })
    }
}

fn malformed(index: usize, expected: &'static str, content: &[u8]) -> CollectError {
    CollectError::malformed(FILES[index], 1, expected, Some(content))
}

/// `SEGMENT:BUS:DEVICE.FUNCTION` in hexadecimal digits.
fn parse_location(text: &str) -> Option<[String; 4]> {
    let (rest, function) = text.split_once('.')?;
    let mut parts = rest.split(':').chain([function]);
    let mut location: [String; 4] = Default::default();
    for (part, digits) in location.iter_mut().zip(LOCATION_DIGITS) {
        let word = parts.next().filter(|word| !word.is_empty())?;
        let number = parse_hexadecimal(word.as_bytes())?;
        *part = format!("{number:0digits$x}");
    }
    parts.next().is_none().then_some(location)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_four_numbers() {
        let found = parse_location("0000:0a:1f.7").unwrap();
        assert_eq!(found, ["0000", "0a", "1f", "7"]);
        assert_eq!(parse_location("10000:e1:00.0").unwrap()[0], "10000");
        for text in ["", "0000:00:1f", "00:1f.7", "0:0:0:0.0", "0000:00:xx.0", "0000::1f.0"] {
            assert_eq!(parse_location(text), None, "{text:?}");
        }
    }
}
