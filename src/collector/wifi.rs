//! `wifi`: wireless interfaces and their stations. Sources: nl80211 by generic netlink, whatever the
//! roots, or fixtures of node_exporter.

mod fixture;
mod nl80211;

use super::error::CollectError;
use super::flags::Flag;
use super::fs::Files;
use super::rtnetlink::HardwareAddress;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use nl80211::Nl80211;
use std::path::PathBuf;

const FIXTURES: &str = "collector.wifi.fixtures";

pub(super) const FLAGS: &[Flag] = &[Flag::text(
    FIXTURES,
    "",
    "A folder of JSON files that are shown in place of what the kernel says.",
)];

const INTERFACES: [Metric; 1] = [Metric::gauge(
    "node_wifi_interface_frequency_hertz",
    "Frequency that a wireless interface works at.",
)];
const NETWORKS: [Metric; 1] = [Metric::gauge(
    "node_wifi_station_info",
    "Network that a wireless interface has joined; always 1.",
)];
const NETWORK_LABELS: [&str; 4] = ["bssid", "device", "mode", "ssid"];

const STATIONS: [Metric; 12] = [
    Metric::counter("node_wifi_station_beacon_loss_total", "Times that beacons of it were lost."),
    Metric::counter("node_wifi_station_connected_seconds_total", "Time it has been connected."),
    Metric::gauge("node_wifi_station_inactive_seconds", "Time since it was last active."),
    Metric::gauge("node_wifi_station_receive_bits_per_second", "Rate of receiving from it."),
    Metric::counter("node_wifi_station_receive_bytes_total", "Bytes received from it."),
    Metric::counter("node_wifi_station_received_packets_total", "Packets received from it."),
    Metric::gauge("node_wifi_station_signal_dbm", "Strength of its signal."),
    Metric::gauge("node_wifi_station_transmit_bits_per_second", "Rate of sending to it."),
    Metric::counter("node_wifi_station_transmit_bytes_total", "Bytes sent to it."),
    Metric::counter("node_wifi_station_transmit_failed_total", "Packets that did not reach it."),
    Metric::counter("node_wifi_station_transmit_retries_total", "Packets sent to it once more."),
    Metric::counter("node_wifi_station_transmitted_packets_total", "Packets sent to it."),
];

/// A wireless interface.
#[derive(Debug, PartialEq)]
struct Interface {
    name: String,
    megahertz: f64,
    network: Option<Network>,
    stations: Vec<Station>,
}

/// What an interface has joined.
#[derive(Debug, PartialEq)]
struct Network {
    id: HardwareAddress,
    name: String,
    mode: &'static str,
}

/// Whom an interface talks to.
#[derive(Debug, PartialEq)]
struct Station {
    address: HardwareAddress,
    /// In the order of [`STATIONS`].
    values: [f64; STATIONS.len()],
}

/// The mode of a network by its status, NL80211_BSS_STATUS_* of linux/nl80211.h.
fn mode(status: u32) -> &'static str {
    match status {
        0 | 1 => "client",
        2 => "ad-hoc",
        _ => "unknown",
    }
}

pub(super) struct Wifi {
    source: Source,
    interfaces: Table,
    networks: Table,
    stations: Table,
}

enum Source {
    Kernel(Nl80211),
    Fixture(PathBuf),
}

impl Wifi {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let Setup { registry, flags, .. } = setup;
        let source = match flags.text(FIXTURES) {
            "" => Source::Kernel(Nl80211::default()),
            folder => Source::Fixture(folder.into()),
        };
        Ok(Box::new(Wifi {
            source,
            interfaces: Table::register(registry, &["device"], &INTERFACES)?,
            networks: Table::register(registry, &NETWORK_LABELS, &NETWORKS)?,
            stations: Table::register(registry, &["device", "mac_address"], &STATIONS)?,
        }))
    }
}

impl Collector for Wifi {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut frequencies = self.interfaces.sweep();
        let (mut networks, mut stations) = (self.networks.sweep(), self.stations.sweep());
        let interfaces = match &mut self.source {
            Source::Kernel(kernel) => kernel.interfaces()?,
            Source::Fixture(folder) => fixture::interfaces(folder, files)?,
        };
        // Some virtual devices have no interface.
        for Interface { name, megahertz, network, stations: others } in
            interfaces.iter().filter(|interface| !interface.name.is_empty())
        {
            frequencies.row(&[name]).set(0, Some(megahertz * 1e6));
            if let Some(Network { id, name: ssid, mode }) = network {
                networks.row(&[&*id.to_string(), name, mode, ssid]).set(0, Some(1.0));
            }
            for station in others {
                let mut row = stations.row(&[&**name, &*station.address.to_string()]);
                row.set_all(&station.values.map(Some));
            }
        }
        Ok(())
    }
}
