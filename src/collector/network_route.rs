//! `network_route`: routes to hosts and networks, of all routing tables. Source: RTM_GETROUTE of
//! rtnetlink(7), whatever the root of procfs.

use super::error::CollectError;
use super::fs::Files;
use super::rtnetlink::{KernelSocket, Protocol, attributes, count, ip, word_at};
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::net::IpAddr;

const ROUTES: [Metric; 1] = [Metric::gauge(
    "node_network_route_info",
    "Routes and what there is to say of them; always 1.",
)];
const ROUTE_LABELS: [&str; 7] = ["dest", "device", "gw", "priority", "proto", "src", "weight"];
const COUNTS: [Metric; 1] = [Metric::gauge("node_network_routes", "Routes by interface.")];

// Of linux/rtnetlink.h.
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTN_UNICAST: u8 = 1;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_MULTIPATH: u16 = 9;

/// `struct rtmsg`:
///
/// ```text
/// family u8 | bits of destination u8 | bits of source u8 | tos u8 | table u8 | protocol u8
/// | scope u8 | type u8 | flags u32
/// ```
const HEADER_BYTES: usize = 12;

/// `struct rtnexthop`, which attributes follow:
///
/// ```text
/// length u16 | flags u8 | hops u8 | index u32
/// ```
const HOP_HEADER_BYTES: usize = 8;

pub(super) struct NetworkRoute {
    socket: KernelSocket,
    routes: Table,
    counts: Table,
    by_interface: Vec<(u32, u64)>,
}

impl NetworkRoute {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(NetworkRoute {
            socket: KernelSocket::new(Protocol::Route),
            routes: Table::register(&setup.registry, &ROUTE_LABELS, &ROUTES)?,
            counts: Table::register(&setup.registry, &["device"], &COUNTS)?,
            by_interface: Vec::new(),
        }))
    }
}

impl Collector for NetworkRoute {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let NetworkRoute { socket, routes, counts, by_interface } = self;
        let (mut routes, mut counts) = (routes.sweep(), counts.sweep());
        files.read_links()?;
        by_interface.clear();
        let device = |index| files.links.by_index(index).map_or("", |link| &link.name);
        let kinds = (RTM_GETROUTE, RTM_NEWROUTE);
        socket.dump("RTM_GETROUTE", kinds, &[0; HEADER_BYTES], |body| {
            let Some(route) = parse_route(body) else { return };
            route.for_each_hop(|hop| {
                set(&mut routes, &route, hop, device(hop.index));
                count(by_interface, hop.index);
            });
        })?;
        for (index, number) in by_interface {
            counts.row(&[device(*index)]).set(0, Some(*number as f64));
        }
        Ok(())
    }
}

fn set(routes: &mut Sweep<'_>, route: &Route<'_>, hop: &Hop, device: &str) {
    let text = |address: Option<IpAddr>| address.map_or(String::new(), |of| of.to_string());
    let destination = match (route.destination, route.destination_bits) {
        (Some(network), bits @ 1..) => format!("{}/{bits}", masked(network, bits)),
        _ => "default".to_owned(),
    };
    let labels = [
        &*destination,
        device,
        &*text(hop.gateway),
        &*route.priority.to_string(),
        protocol(route.protocol),
        &*text(route.source),
        &*hop.weight.map_or(String::new(), |weight| weight.to_string()),
    ];
    routes.row(&labels).set(0, Some(1.0));
}

#[derive(Debug, Default, PartialEq)]
struct Route<'a> {
    destination: Option<IpAddr>,
    destination_bits: u8,
    source: Option<IpAddr>,
    priority: u32,
    protocol: u8,
    /// The only one, unless there are several.
    hop: Hop,
    hops: &'a [u8],
}

/// Where packets go next.
#[derive(Debug, Default, PartialEq)]
struct Hop {
    index: u32,
    gateway: Option<IpAddr>,
    /// How much it carries, where there are several.
    weight: Option<u32>,
}

/// `None` for a route to anything but a host or a network, and one that is cut off.
fn parse_route(body: &[u8]) -> Option<Route<'_>> {
    let [_, destination_bits, _, _, _, protocol, _, RTN_UNICAST] = *body.first_chunk()? else {
        return None;
    };
    let mut route = Route { destination_bits, protocol, ..Route::default() };
    for attribute in attributes(body.get(HEADER_BYTES..)?) {
        match attribute? {
            (RTA_DST, value) => route.destination = ip(value),
            (RTA_OIF, value) => route.hop.index = word_at(value, 0)?,
            (RTA_GATEWAY, value) => route.hop.gateway = ip(value),
            (RTA_PRIORITY, value) => route.priority = word_at(value, 0)?,
            (RTA_PREFSRC, value) => route.source = ip(value),
            (RTA_MULTIPATH, value) => route.hops = value,
            _ => {}
        }
    }
    Some(route)
}

impl Route<'_> {
    fn for_each_hop(&self, mut visit: impl FnMut(&Hop)) {
        if self.hops.is_empty() {
            return visit(&self.hop);
        }
        let mut rest = self.hops;
        while let Some((hop, behind)) = parse_hop(rest) {
            visit(&hop);
            rest = behind;
        }
    }
}

/// The first hop, and what follows it.
fn parse_hop(hops: &[u8]) -> Option<(Hop, &[u8])> {
    let [low, high, _, extra_weight] = *hops.first_chunk()?;
    let length = usize::from(u16::from_ne_bytes([low, high]));
    let mut hop =
        Hop { index: word_at(hops, 4)?, gateway: None, weight: Some(u32::from(extra_weight) + 1) };
    for attribute in attributes(hops.get(HOP_HEADER_BYTES..length)?) {
        if let (RTA_GATEWAY, value) = attribute? {
            hop.gateway = ip(value);
        }
    }
    Some((hop, hops.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The address without the bits behind the first `bits`.
fn masked(network: IpAddr, bits: u8) -> IpAddr {
    match network {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

/// Who made a route: RTPROT_* of linux/rtnetlink.h.
fn protocol(number: u8) -> &'static str {
    match number {
        0 => "unspec",
        1 => "redirect",
        2 => "kernel",
        3 => "boot",
        4 => "static",
        8 => "gated",
        9 => "ra",
        10 => "mrt",
        11 => "zebra",
        12 => "bird",
        13 => "dnrouted",
        14 => "xorp",
        15 => "ntk",
        16 => "dhcp",
        17 => "mrouted",
        42 => "babel",
        186 => "bgp",
        187 => "isis",
        188 => "ospf",
        189 => "rip",
        192 => "eigrp",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::super::rtnetlink::tests::attribute;
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Registry;

    fn body(kind: u8, bits: u8, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![2, bits, 0, 0, 254, 16, 0, kind, 0, 0, 0, 0];
        attributes.iter().for_each(|(kind, value)| body.extend(attribute(*kind, value)));
        body
    }

    fn hop(index: u8, extra_weight: u8, gateway: [u8; 4]) -> Vec<u8> {
        [&[16, 0, 0, extra_weight, index, 0, 0, 0][..], &attribute(RTA_GATEWAY, &gateway)].concat()
    }

    #[test]
    fn shows_each_hop_of_a_route() {
        let several = [hop(2, 0, [192, 0, 2, 1]), hop(3, 9, [192, 0, 2, 2])].concat();
        let bodies = [
            body(1, 0, &[(RTA_GATEWAY, &[192, 0, 2, 1]), (RTA_OIF, &[2, 0, 0, 0])]),
            body(
                1,
                24,
                &[
                    (RTA_DST, &[198, 51, 100, 7]),
                    (RTA_PRIORITY, &[100, 0, 0, 0]),
                    (RTA_PREFSRC, &[192, 0, 2, 9]),
                    (RTA_MULTIPATH, &several),
                ],
            ),
            body(3, 32, &[(RTA_DST, &[192, 0, 2, 255])]),
        ];
        let registry = Registry::new();
        let mut table = Table::register(&registry, &ROUTE_LABELS, &ROUTES).unwrap();
        let mut sweep = table.sweep();
        for route in bodies.iter().filter_map(|body| parse_route(body)) {
            route.for_each_hop(|hop| set(&mut sweep, &route, hop, "eth0"));
        }
        drop(sweep);
        let route = |labels: &str| format!("node_network_route_info{{{labels}}} 1");
        assert_eq!(
            samples(&registry),
            [
                route("dest=default,device=eth0,gw=192.0.2.1,priority=0,proto=dhcp,src=,weight="),
                route(
                    "dest=198.51.100.0/24,device=eth0,gw=192.0.2.1,priority=100,proto=dhcp,src=192.0.2.9,weight=1"
                ),
                route(
                    "dest=198.51.100.0/24,device=eth0,gw=192.0.2.2,priority=100,proto=dhcp,src=192.0.2.9,weight=10"
                ),
            ]
        );
    }

    #[test]
    fn networks_lose_the_bits_of_their_hosts() {
        const CASES: &[(&str, u8, &str)] = &[
            ("10.255.255.255", 9, "10.128.0.0"),
            ("10.1.2.3", 32, "10.1.2.3"),
            ("fd00::ffff:1", 112, "fd00::ffff:0"),
            ("fd00::1", 128, "fd00::1"),
            ("10.1.2.3", 200, "10.1.2.3"),
        ];
        for (network, bits, expected) in CASES {
            assert_eq!(masked(network.parse().unwrap(), *bits).to_string(), *expected, "{network}");
        }
    }

    #[test]
    fn what_is_cut_off_is_no_route_and_ends_the_hops() {
        let whole = body(1, 24, &[(RTA_DST, &[198, 51, 100, 0])]);
        for cut in (0..whole.len()).filter(|cut| *cut != HEADER_BYTES) {
            assert_eq!(parse_route(&whole[..cut]), None, "{cut} bytes");
        }
        let several = [hop(2, 0, [1; 4]), hop(3, 0, [2; 4])].concat();
        for cut in 17..several.len() {
            let route = Route { hops: &several[..cut], ..Route::default() };
            let mut hops = 0;
            route.for_each_hop(|_| hops += 1);
            assert_eq!(hops, 1, "{cut} bytes");
        }
    }
}
