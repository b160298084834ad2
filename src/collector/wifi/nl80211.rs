//! Wireless interfaces as the kernel tells them (linux/nl80211.h), by generic netlink
//! (linux/genetlink.h).

use super::{Interface, Network, Station, mode};
use crate::collector::error::CollectError;
use crate::collector::rtnetlink::{GenericFamily, HardwareAddress, long_at, text, value, word_at};
use crate::collector::text::to_text;

// NL80211_CMD_*.
const GET_INTERFACE: u8 = 5;
const GET_STATION: u8 = 17;
const GET_SCAN: u8 = 32;

// NL80211_ATTR_*.
const INDEX: u16 = 3;
const NAME: u16 = 4;
const ADDRESS: u16 = 6;
const STATION: u16 = 21;
const FREQUENCY: u16 = 38;
const NETWORK: u16 = 47;

// NL80211_BSS_*.
const NETWORK_ID: u16 = 1;
const NETWORK_ELEMENTS: u16 = 6;
const NETWORK_STATUS: u16 = 9;

// NL80211_STA_INFO_*.
const INACTIVE_MILLISECONDS: u16 = 1;
const RECEIVED_BYTES: u16 = 2;
const SENT_BYTES: u16 = 3;
const SIGNAL: u16 = 7;
const SEND_RATE: u16 = 8;
const RECEIVED_PACKETS: u16 = 9;
const SENT_PACKETS: u16 = 10;
const RETRIES: u16 = 11;
const FAILURES: u16 = 12;
const RECEIVE_RATE: u16 = 14;
const CONNECTED_SECONDS: u16 = 16;
const LOST_BEACONS: u16 = 18;
const RECEIVED_BYTES_LONG: u16 = 23;
const SENT_BYTES_LONG: u16 = 24;

// NL80211_RATE_INFO_*, in units of 100 kbit/s.
const RATE: u16 = 1;
const RATE_LONG: u16 = 5;
const BITS_PER_RATE: f64 = 100_000.0;

/// The element of a beacon that names its network: IEEE 802.11 §9.4.2.2.
const SSID_ELEMENT: u8 = 0;

pub(super) struct Nl80211 {
    family: GenericFamily,
}

impl Default for Nl80211 {
    fn default() -> Nl80211 {
        Nl80211 { family: GenericFamily::new("nl80211", 0) }
    }
}

impl Nl80211 {
    /// The wireless interfaces that there are. What one does not tell is left out.
    ///
    /// # Errors
    /// [`CollectError::NoData`] where the kernel knows of no wireless interfaces at all.
    pub(super) fn interfaces(&mut self) -> Result<Vec<Interface>, CollectError> {
        let mut found = Vec::new();
        self.dump("NL80211_CMD_GET_INTERFACE", GET_INTERFACE, None, |body| {
            found.extend(parse_interface(body));
        })?;
        for (index, interface) in &mut found {
            let (network, stations) = (&mut interface.network, &mut interface.stations);
            // Some kinds of interfaces refuse the one or the other, which is then absent.
            let _ = self.dump("NL80211_CMD_GET_SCAN", GET_SCAN, Some(*index), |body| {
                *network = network.take().or_else(|| parse_network(body));
            });
            let _ = self.dump("NL80211_CMD_GET_STATION", GET_STATION, Some(*index), |body| {
                stations.extend(parse_station(body));
            });
        }
        Ok(found.into_iter().map(|(_, interface)| interface).collect())
    }

    fn dump(
        &mut self,
        what: &'static str,
        command: u8,
        index: Option<u32>,
        visit: impl FnMut(&[u8]),
    ) -> Result<(), CollectError> {
        self.family.dump(what, command, &request(index), visit)
    }
}

/// Attributes that ask for all things, or those of one interface.
fn request(index: Option<u32>) -> Vec<u8> {
    let mut attributes = Vec::new();
    if let Some(index) = index {
        attributes.extend([8_u16, INDEX].into_iter().flat_map(u16::to_ne_bytes));
        attributes.extend(index.to_ne_bytes());
    }
    attributes
}

/// The number of an interface, and the interface.
fn parse_interface(attributes: &[u8]) -> Option<(u32, Interface)> {
    let index = word_at(value(attributes, INDEX)?, 0)?;
    let name = to_text(text(value(attributes, NAME)?)).into_owned();
    let frequency = value(attributes, FREQUENCY).and_then(|value| word_at(value, 0));
    let megahertz = frequency.unwrap_or(0).into();
    Some((index, Interface { name, megahertz, network: None, stations: Vec::new() }))
}

/// The network that was joined; `None` for one that is only in reach.
fn parse_network(attributes: &[u8]) -> Option<Network> {
    let network = value(attributes, NETWORK)?;
    let status = word_at(value(network, NETWORK_STATUS)?, 0)?;
    let name = value(network, NETWORK_ELEMENTS).and_then(parse_name).unwrap_or_default();
    Some(Network {
        id: HardwareAddress::new(value(network, NETWORK_ID)?),
        name: to_text(name).into_owned(),
        mode: mode(status),
    })
}

/// The name of a network in the elements of its beacon: kind u8, length u8, and so many bytes.
fn parse_name(mut elements: &[u8]) -> Option<&[u8]> {
    loop {
        let [kind, length] = *elements.first_chunk()?;
        let (value, rest) = elements[2..].split_at_checked(length.into())?;
        if kind == SSID_ELEMENT {
            return Some(value);
        }
        elements = rest;
    }
}

fn parse_station(attributes: &[u8]) -> Option<Station> {
    let address = HardwareAddress::new(value(attributes, ADDRESS)?);
    let station = value(attributes, STATION)?;
    let word = |kind| value(station, kind).and_then(|value| word_at(value, 0));
    let number = |kind| f64::from(word(kind).unwrap_or(0));
    let long = |kind| value(station, kind).and_then(|value| long_at(value, 0)).map(|n| n as f64);
    let rate = |kind| value(station, kind).and_then(parse_rate).unwrap_or(0.0);
    let signal = value(station, SIGNAL).and_then(|value| value.first().copied()).unwrap_or(0);
    let values = [
        number(LOST_BEACONS),
        number(CONNECTED_SECONDS),
        number(INACTIVE_MILLISECONDS) / 1000.0,
        rate(RECEIVE_RATE),
        long(RECEIVED_BYTES_LONG).unwrap_or_else(|| number(RECEIVED_BYTES)),
        number(RECEIVED_PACKETS),
        signal.cast_signed().into(),
        rate(SEND_RATE),
        long(SENT_BYTES_LONG).unwrap_or_else(|| number(SENT_BYTES)),
        number(FAILURES),
        number(RETRIES),
        number(SENT_PACKETS),
    ];
    Some(Station { address, values })
}

/// Bits per second.
fn parse_rate(rate: &[u8]) -> Option<f64> {
    let long = value(rate, RATE_LONG).and_then(|value| word_at(value, 0));
    let short = || Some(u16::from_ne_bytes(*value(rate, RATE)?.first_chunk()?).into());
    long.or_else(short).map(|rate| f64::from(rate) * BITS_PER_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::rtnetlink::tests::attribute;

    #[test]
    fn reads_an_interface_and_its_network() {
        let interface = [
            attribute(INDEX, &5_u32.to_ne_bytes()),
            attribute(NAME, b"wlan0\0"),
            attribute(FREQUENCY, &2412_u32.to_ne_bytes()),
        ]
        .concat();
        let (index, read) = parse_interface(&interface).unwrap();
        assert_eq!((index, &*read.name, read.megahertz), (5, "wlan0", 2412.0));
        assert_eq!(parse_interface(&interface[..12]), None);
        let joined = [
            attribute(NETWORK_ID, &[0, 0x11, 0x22, 0x33, 0x44, 0x55]),
            attribute(NETWORK_ELEMENTS, b"\x01\x02ab\x00\x04Home"),
            attribute(NETWORK_STATUS, &1_u32.to_ne_bytes()),
        ];
        let network = parse_network(&attribute(NETWORK, &joined.concat())).unwrap();
        assert_eq!((&*network.name, network.mode), ("Home", "client"));
        assert_eq!(network.id.to_string(), "00:11:22:33:44:55");
        assert_eq!(parse_network(&attribute(NETWORK, &joined[..2].concat())), None);
    }

    #[test]
    fn reads_a_station() {
        let rate = attribute(RATE, &720_u16.to_ne_bytes());
        let long_rate = [rate.clone(), attribute(RATE_LONG, &9000_u32.to_ne_bytes())].concat();
        let station = [
            attribute(INACTIVE_MILLISECONDS, &400_u32.to_ne_bytes()),
            attribute(RECEIVED_BYTES, &1_u32.to_ne_bytes()),
            attribute(RECEIVED_BYTES_LONG, &(1_u64 << 33).to_ne_bytes()),
            attribute(SENT_BYTES, &7_u32.to_ne_bytes()),
            attribute(SIGNAL, &[(-52_i8).cast_unsigned()]),
            attribute(SEND_RATE, &long_rate),
            attribute(RECEIVE_RATE, &rate),
            attribute(CONNECTED_SECONDS, &30_u32.to_ne_bytes()),
        ]
        .concat();
        let body = [attribute(ADDRESS, &[1, 2, 3, 4, 5, 6]), attribute(STATION, &station)].concat();
        let read = parse_station(&body).unwrap();
        assert_eq!(read.address.to_string(), "01:02:03:04:05:06");
        let expected =
            [0.0, 30.0, 0.4, 72e6, 8_589_934_592.0, 0.0, -52.0, 900e6, 7.0, 0.0, 0.0, 0.0];
        assert_eq!(read.values, expected);
    }

    #[test]
    fn elements_that_are_cut_off_have_no_name() {
        for elements in [&b""[..], b"\x00", b"\x00\x05Home", b"\x01\x01a"] {
            assert_eq!(parse_name(elements), None, "{elements:?}");
        }
    }

    #[test]
    fn the_kernel_answers_or_has_no_wireless_interfaces() {
        match Nl80211::default().interfaces() {
            Ok(interfaces) => assert!(interfaces.iter().all(|of| of.megahertz >= 0.0)),
            Err(error) => assert!(error.is_no_data(), "{error}"),
        }
    }
}
