//! Properties of network interfaces as netlink tells them: rtnetlink(7), and ethtool for speeds.
//!
//! As in node_exporter the same families show other things then than those from sysfs:
//!
//! ```text
//! carrier     also of an interface that is down
//! dormant     the mode of the link
//! flags       with those that are made up for userspace
//! info        without adminstate, and Half, Full or Unknown as duplex
//! speed       unknown as the largest number
//! ```
//!
//! Counters are gauges here. Where netdev runs as well, it has the names that both would show.

use super::super::devices::{Attributes, Devices};
use super::super::error::CollectError;
use super::super::fs::Files;
use super::super::netdev::{self, set_statistics};
use super::super::rtnetlink::Link;
use super::super::table::{Metric, Table};
use super::super::{Collector, Setup};
use super::interface::Number::{self, *};
use super::interface::{BITS_PER_BYTE, BITS_PER_MEGABIT, NUMBERS, parse_integer};
use super::link_modes::{LinkMode, LinkModes};
use super::{IGNORED, INFO, METRICS, WITH_STATISTICS};
use crate::regex::Regex;
use crate::registry::RegisterError;
use std::fmt::Write as _;
use std::path::PathBuf;

const INFO_LABELS: [&str; 6] = ["address", "broadcast", "device", "duplex", "ifalias", "operstate"];

const ALTERNATIVE_NAMES: [Metric; 1] =
    [Metric::gauge("node_network_altnames_info", "Another name of an interface; always 1.")];

/// Files of sysfs for what netlink does not tell.
const FILES: [(&str, Number); 3] = [
    ("addr_assign_type", AddressAssignType),
    ("dev_id", DeviceId),
    ("name_assign_type", NameAssignType),
];

pub(super) struct ByNetlink {
    ignored: Option<Regex>,
    modes: LinkModes,
    folders: Devices<Folder>,
    table: Table,
    info: Table,
    names: Table,
    counters: Option<Counters>,
    /// Addresses as text, kept for their memory.
    addresses: [String; 2],
}

/// The families of counters that are shown.
struct Counters {
    columns: Vec<netdev::Column>,
    table: Table,
}

/// The folder of an interface, and what its files held last.
struct Folder {
    files: Attributes<{ FILES.len() }>,
    numbers: [Option<i64>; FILES.len()],
}

impl ByNetlink {
    pub(super) fn register(setup: &Setup<'_>, folder: PathBuf) -> Result<ByNetlink, RegisterError> {
        let registry = &setup.registry;
        let counters = setup.flags.switch(WITH_STATISTICS).then(|| Counters::register(setup));
        Ok(ByNetlink {
            ignored: setup.flags.pattern(IGNORED),
            modes: LinkModes::new(),
            folders: Devices::new(folder),
            table: Table::register(registry, &["device"], &METRICS)?,
            info: Table::register(registry, &INFO_LABELS, &INFO)?,
            names: Table::register(registry, &["altname", "device"], &ALTERNATIVE_NAMES)?,
            counters: counters.transpose()?,
            addresses: Default::default(),
        })
    }

    fn read_folders(&mut self, files: &mut Files) -> Result<(), CollectError> {
        self.folders.refresh(|_, folder| {
            let names = FILES.map(|(name, _)| name);
            let files = Attributes::new(folder, names);
            folder.is_dir().then_some(Folder { files, numbers: [None; FILES.len()] })
        })?;
        for (_, folder) in self.folders.iter_mut() {
            folder.files.begin_scrape();
            for (index, number) in folder.numbers.iter_mut().enumerate() {
                *number = folder.files.read(index, files).ok().and_then(parse_integer);
            }
        }
        Ok(())
    }

    /// Visits the rows of one interface.
    fn show(&mut self, link: &Link) {
        let mode = self.modes.of(link.index);
        let mut values = numbers(link, mode);
        if let Some(folder) = self.folders.get_mut(&link.name) {
            for ((_, number), value) in FILES.into_iter().zip(folder.numbers) {
                values[number as usize] = value.map(|value| value as f64);
            }
        }
        let operstate = link.operstate().unwrap_or("unknown");
        let mut row = self.table.visit(&[&link.name]);
        row.set_all(&values);
        row.set(NUMBERS, Some(if operstate == "up" { 1.0 } else { 0.0 }));
        for (text, address) in self.addresses.iter_mut().zip([link.address, link.broadcast]) {
            text.clear();
            write!(text, "{address}").expect("a string takes all");
        }
        let [address, broadcast] = &self.addresses;
        let duplex = mode.map_or("", |mode| mode.duplex);
        let labels = [address, broadcast, &link.name, duplex, &link.alias, operstate];
        self.info.visit(&labels).set(0, Some(1.0));
        for name in link.alternative_names() {
            self.names.visit(&[name, &link.name]).set(0, Some(1.0));
        }
        if let (Some(counters), Some(statistics)) = (&mut self.counters, &link.statistics) {
            let row = counters.table.visit(&[&link.name]);
            set_statistics(row, &counters.columns, statistics);
        }
    }

    fn end_sweeps(&mut self) {
        let counters = self.counters.as_mut().map(|counters| &mut counters.table);
        let tables = [&mut self.table, &mut self.info, &mut self.names];
        tables.into_iter().chain(counters).for_each(Table::end_sweep);
    }
}

impl Counters {
    fn register(setup: &Setup<'_>) -> Result<Counters, RegisterError> {
        let columns = netdev::gauges_beside(setup);
        let metrics: Vec<Metric> = columns.iter().map(|(metric, _)| *metric).collect();
        Ok(Counters { columns, table: Table::register(&setup.registry, &["device"], &metrics)? })
    }
}

impl Collector for ByNetlink {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let read = files.read_links();
        let read = read.and_then(|()| self.modes.refresh()).and_then(|()| self.read_folders(files));
        if read.is_ok() {
            for link in files.links.all() {
                let is_ignored =
                    self.ignored.as_ref().is_some_and(|of| of.is_match(link.name.as_bytes()));
                if !is_ignored {
                    self.show(link);
                }
            }
        }
        self.end_sweeps();
        read
    }
}

/// What netlink tells in numbers, in the units of their families.
fn numbers(link: &Link, mode: Option<LinkMode>) -> [Option<f64>; NUMBERS] {
    // Zero stands for none below a tunnel.
    let lower_index = Some(link.lower_index()).filter(|index| *index != 0);
    let told = [
        (Carrier, link.told_carrier()),
        (CarrierChanges, link.carrier_changes),
        (CarrierDownCount, link.carrier_down_count),
        (CarrierUpCount, link.carrier_up_count),
        (Dormant, link.link_mode),
        (Flags, Some(link.told_flags())),
        (Index, Some(link.index)),
        (LowerIndex, Some(lower_index.unwrap_or(link.index))),
        (Number::LinkMode, link.link_mode),
        (Mtu, link.mtu),
        (Group, link.group),
        (Kind, Some(link.kind.into())),
        (QueueLength, link.queue_length),
    ];
    let mut numbers = [None; NUMBERS];
    for (number, value) in told {
        numbers[number as usize] = value.map(f64::from);
    }
    let bytes = |mode: LinkMode| i64::from(mode.speed) * BITS_PER_MEGABIT / BITS_PER_BYTE;
    numbers[Speed as usize] = mode.map(|mode| bytes(mode) as f64);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::collector::{Choice, Node, Report, Settings};
    use crate::model::Kind;
    use crate::registry::{Registry, Scrape, Selection};

    /// A scrape of this host by netlink, with counters, and the families with their kinds.
    fn scrape(collectors: &[&str]) -> (Vec<String>, Vec<(String, Kind)>) {
        let (registry, mut settings) = (Registry::new(), Settings::default());
        for flag in [super::super::NETLINK, WITH_STATISTICS] {
            settings.flags.set(flag, "true").unwrap();
        }
        let choice = Choice::only(collectors.iter().copied()).unwrap();
        let report = |report: Report<'_>| panic!("{report:?}");
        Node::register(&registry, &settings, &choice, Box::new(report)).unwrap();
        registry.collect(&Scrape::new(Selection::ALL));
        let families = registry.families();
        let kinds = families.iter().map(|family| &family.core.desc);
        (samples(&registry), kinds.map(|desc| (desc.name.to_string(), desc.kind)).collect())
    }

    #[test]
    fn the_loopback_is_told_of() {
        let (lines, _) = scrape(&["netclass"]);
        for expected in [
            "node_network_info{address=00:00:00:00:00:00,broadcast=00:00:00:00:00:00,device=lo,\
             duplex=,ifalias=,operstate=",
            "node_network_iface_id{device=lo} 1",
            "node_network_name_assign_type{device=lo} ",
            "node_network_protocol_type{device=lo} 772",
            "node_network_receive_over_errors_total{device=lo} ",
        ] {
            assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected} {lines:#?}");
        }
        assert!(!lines.iter().any(|line| line.contains("speed_bytes{device=lo}")));
    }

    #[test]
    fn netdev_has_the_names_that_both_would_show() {
        const CASES: [(&[&str], &str, Kind); 4] = [
            (&["netclass"], "node_network_receive_bytes_total", Kind::Gauge),
            (&["netclass", "netdev"], "node_network_receive_bytes_total", Kind::Counter),
            (&["netclass", "netdev"], "node_network_receive_dropped_total", Kind::Gauge),
            (&["netclass", "netdev"], "node_network_receive_drop_total", Kind::Counter),
        ];
        for (collectors, name, expected) in CASES {
            let (_, kinds) = scrape(collectors);
            let kind = kinds.iter().find(|(of, _)| of == name).map(|(_, kind)| *kind);
            assert_eq!(kind, Some(expected), "{name} of {collectors:?}");
        }
    }
}
