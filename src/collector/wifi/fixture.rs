//! Wireless interfaces as node_exporter's fixtures give them: `interfaces.json`, and `bss.json` and
//! `stationinfo.json` in a folder for each interface.

use super::{Interface, Network, STATIONS, Station, mode};
use crate::collector::error::CollectError;
use crate::collector::fs::{Files, Records, read_once};
use crate::collector::json::Json;
use crate::collector::rtnetlink::HardwareAddress;
use std::path::Path;
use std::sync::Arc;

const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// Table: member of a station => what it is divided by, in the order of [`STATIONS`].
const MEMBERS: [(&str, f64); STATIONS.len()] = [
    ("BeaconLoss", 1.0),
    ("Connected", NANOSECONDS_PER_SECOND),
    ("Inactive", NANOSECONDS_PER_SECOND),
    ("ReceiveBitrate", 1.0),
    ("ReceivedBytes", 1.0),
    ("ReceivedPackets", 1.0),
    ("Signal", 1.0),
    ("TransmitBitrate", 1.0),
    ("TransmittedBytes", 1.0),
    ("TransmitFailed", 1.0),
    ("TransmitRetries", 1.0),
    ("TransmittedPackets", 1.0),
];

pub(super) fn interfaces(folder: &Path, files: &mut Files) -> Result<Vec<Interface>, CollectError> {
    let list = read(&folder.join("interfaces.json"), files)?;
    let mut interfaces = Vec::new();
    for interface in list.elements() {
        let name = interface.text("Name").to_owned();
        let own = folder.join(&name);
        let network = if_any(read(&own.join("bss.json"), files))?;
        let stations = if_any(read(&own.join("stationinfo.json"), files))?;
        let stations = stations.iter().flat_map(Json::elements);
        interfaces.push(Interface {
            megahertz: interface.number("Frequency"),
            network: network.as_ref().map(parse_network),
            stations: stations.map(parse_station).collect(),
            name,
        });
    }
    Ok(interfaces)
}

fn read(path: &Path, files: &mut Files) -> Result<Json, CollectError> {
    let content = read_once(path, Records::One, &mut files.buffer);
    let content = content.map_err(|error| CollectError::from_io(&Arc::from(path), &error))?;
    Json::parse(content).ok_or_else(|| CollectError::malformed("fixture", 1, "JSON", None))
}

/// What is not there is not told.
fn if_any(read: Result<Json, CollectError>) -> Result<Option<Json>, CollectError> {
    match read {
        Err(error) if error.is_no_data() => Ok(None),
        read => read.map(Some),
    }
}

fn parse_network(network: &Json) -> Network {
    Network {
        id: address(network.text("BSSID")),
        name: network.text("SSID").to_owned(),
        mode: mode(network.number("Status") as u32),
    }
}

fn parse_station(station: &Json) -> Station {
    let values = MEMBERS.map(|(member, divisor)| station.number(member) / divisor);
    Station { address: address(station.text("HardwareAddr")), values }
}

/// An address in base64 (RFC 4648 §4), which is how Go writes bytes.
fn address(text: &str) -> HardwareAddress {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    let digits = text.bytes().map_while(|byte| DIGITS.iter().position(|digit| *digit == byte));
    for digit in digits {
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    HardwareAddress::new(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    #[test]
    fn reads_interfaces_their_networks_and_stations() {
        let scratch = Scratch::new("wifi-fixture");
        scratch.write(
            "interfaces.json",
            br#"[{"Name": "wlan0", "Frequency": 2412}, {"Name": "wlan1", "Frequency": 5180}]"#,
        );
        scratch.write("wlan0/bss.json", br#"{"SSID": "Home", "BSSID": "ABEiM0RV", "Status": 1}"#);
        scratch.write(
            "wlan0/stationinfo.json",
            br#"[{"hardwareaddr": "AQIDBAUG", "connected": 30000000000, "Signal": -52}]"#,
        );
        let read = interfaces(&scratch.path(""), &mut Files::default()).unwrap();
        let network = read[0].network.as_ref().unwrap();
        assert_eq!(network.id.to_string(), "00:11:22:33:44:55");
        assert_eq!((&*network.name, network.mode), ("Home", "client"));
        let station = &read[0].stations[0];
        assert_eq!(station.address.to_string(), "01:02:03:04:05:06");
        assert_eq!((station.values[1], station.values[6]), (30.0, -52.0));
        assert_eq!((read[1].megahertz, read[1].stations.len()), (5180.0, 0));
        assert_eq!(read[1].network, None);
        scratch.write("interfaces.json", b"[");
        assert!(interfaces(&scratch.path(""), &mut Files::default()).is_err());
    }

    #[test]
    fn statuses_are_named_as_node_exporter_names_them() {
        const CASES: &[(u32, &str)] =
            &[(0, "client"), (1, "client"), (2, "ad-hoc"), (3, "unknown")];
        for (status, expected) in CASES {
            let document = format!("{{\"Status\": {status}}}");
            let network = parse_network(&Json::parse(document.as_bytes()).unwrap());
            assert_eq!(network.mode, *expected, "{status}");
        }
    }
}
