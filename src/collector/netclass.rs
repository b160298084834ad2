//! `netclass`: properties of network interfaces. Source: sysfs' `class/net`
//! (Documentation/ABI/testing/sysfs-class-net), and rtnetlink(7) for what it tells as well.
//!
//! An interface has some twenty files here, and a host may have a thousand interfaces. So what a
//! dump of the links tells is taken from there, where the links are those of this sysfs: a folder
//! mounted from elsewhere shows the interfaces of another network namespace. What can only be read
//! is read as often as it can change: what belongs to the device once, counts of the carrier when
//! their sum has changed, and settings in turns where there are many interfaces.
//!
//! On request netlink is the source and shows what it tells in its own way, see [`by_netlink`].

mod by_netlink;
mod interface;
mod link_modes;

use super::devices::Devices;
use super::error::CollectError;
use super::flags::Flag;
use super::fs::{Files, is_kernel_view};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::regex::Regex;
use crate::registry::RegisterError;
use by_netlink::ByNetlink;
use interface::{Interface, NUMBERS, TEXTS, Turn};

const IGNORED: &str = "collector.netclass.ignored-devices";
const IGNORE_INVALID_SPEED: &str = "collector.netclass.ignore-invalid-speed";
const NETLINK: &str = "collector.netclass.netlink";
const WITH_STATISTICS: &str = "collector.netclass_rtnl.with-stats";

pub(super) const FLAGS: &[Flag] = &[
    Flag::switch(IGNORE_INVALID_SPEED, false, "Leave out the speed where it is below zero."),
    Flag::pattern(IGNORED, "^$", "Network interfaces to leave out."),
    Flag::switch(
        NETLINK,
        false,
        "Ask the kernel by netlink rather than read sysfs: with altnames, without adminstate.",
    ),
    Flag::switch(
        WITH_STATISTICS,
        false,
        "With collector.netclass.netlink: show all counters too, but for those that netdev shows.",
    ),
];

/// How many interfaces' settings are read in one scrape; where there are more, those of all are read
/// in several,
const READ_AT_ONCE: usize = 64;

/// but in no more than these.
const TURNS_MAX: usize = 8;

/// In the order of [`interface::Number`], and whether it is up.
const METRICS: [Metric; NUMBERS + 1] = [
    Metric::gauge("node_network_address_assign_type", "How the hardware address was assigned."),
    Metric::gauge("node_network_carrier", "Whether the interface has a carrier."),
    Metric::counter("node_network_carrier_changes_total", "Times the carrier came or went."),
    Metric::counter("node_network_carrier_down_changes_total", "Times the carrier went."),
    Metric::counter("node_network_carrier_up_changes_total", "Times the carrier came."),
    Metric::gauge("node_network_device_id", "Which of its siblings on one card a device is."),
    Metric::gauge("node_network_dormant", "Whether the interface waits to be let in."),
    Metric::gauge("node_network_flags", "Flags of the interface, as bits."),
    Metric::gauge("node_network_iface_id", "Number of the interface."),
    Metric::gauge("node_network_iface_link", "Number of the interface that this one stands on."),
    Metric::gauge("node_network_iface_link_mode", "Whether the link may be dormant."),
    Metric::gauge("node_network_mtu_bytes", "Largest packet that the interface sends."),
    Metric::gauge("node_network_name_assign_type", "How the interface got its name."),
    Metric::gauge("node_network_net_dev_group", "Group that the interface is in."),
    Metric::gauge("node_network_protocol_type", "Protocol of the link layer, as ARP numbers it."),
    Metric::gauge("node_network_speed_bytes", "Speed of the link, in bytes per second."),
    Metric::gauge("node_network_transmit_queue_length", "Packets that may wait to be sent."),
    Metric::gauge("node_network_up", "Whether the interface is up and runs."),
];

const INFO: [Metric; 1] =
    [Metric::gauge("node_network_info", "What there is to say of an interface; always 1.")];
const INFO_LABELS: [&str; TEXTS + 2] =
    ["address", "adminstate", "broadcast", "device", "duplex", "ifalias", "operstate"];

pub(super) struct NetClass {
    interfaces: Devices<Interface>,
    ignored: Option<Regex>,
    ignores_invalid_speed: bool,
    /// Whether the folder is a view of the kernel, whose links these may be.
    may_ask_kernel: bool,
    table: Table,
    info: Table,
    scrape: usize,
}

impl NetClass {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.sys.join("class/net");
        if setup.flags.switch(NETLINK) && is_kernel_view(&folder) {
            return Ok(Box::new(ByNetlink::register(setup, folder)?));
        }
        Ok(Box::new(NetClass {
            may_ask_kernel: is_kernel_view(&folder),
            interfaces: Devices::new(folder),
            ignored: setup.flags.pattern(IGNORED),
            ignores_invalid_speed: setup.flags.switch(IGNORE_INVALID_SPEED),
            table: Table::register(&setup.registry, &["device"], &METRICS)?,
            info: Table::register(&setup.registry, &INFO_LABELS, &INFO)?,
            scrape: 0,
        }))
    }
}

impl Collector for NetClass {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let NetClass { interfaces, table, info, .. } = self;
        let (mut sweep, mut infos) = (table.sweep(), info.sweep());
        interfaces.refresh(|name, folder| {
            let is_ignored = self.ignored.as_ref().is_some_and(|of| of.is_match(name.as_bytes()));
            (!is_ignored && folder.is_dir()).then(|| Interface::new(folder))
        })?;
        let asks_kernel = self.may_ask_kernel && are_links(interfaces, files);
        let turns = interfaces.iter_mut().count().div_ceil(READ_AT_ONCE).min(TURNS_MAX);
        self.scrape = self.scrape.wrapping_add(1);
        for (index, (name, interface)) in interfaces.iter_mut().enumerate() {
            let turn = match index.wrapping_add(self.scrape).is_multiple_of(turns) {
                _ if turns == 1 => Turn::Always,
                true => Turn::Now,
                false => Turn::Later,
            };
            match asks_kernel {
                true => interface.read_link(name, turn, files),
                false => interface.read_files(turn, files),
            }
            let mut row = sweep.row(&[name]);
            row.set_all(&interface.values(self.ignores_invalid_speed));
            row.set(NUMBERS, Some(if interface.is_up() { 1.0 } else { 0.0 }));
            let [address, broadcast, duplex, alias, operstate] = interface.texts();
            let state = interface.admin_state();
            let labels = [address, state, broadcast, name, duplex, alias, operstate];
            infos.row(&labels).set(0, Some(1.0));
        }
        Ok(())
    }
}

/// Whether the interfaces of the folder are links that the kernel lists.
fn are_links(interfaces: &mut Devices<Interface>, files: &mut Files) -> bool {
    files.read_links().is_ok()
        && interfaces.iter_mut().all(|(name, interface)| interface.is_a_link(name, files))
}
