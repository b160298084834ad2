//! Addresses of network interfaces. Source: RTM_GETADDR of rtnetlink(7).

use crate::collector::error::CollectError;
use crate::collector::flags::Filter;
use crate::collector::fs::Files;
use crate::collector::rtnetlink::{KernelSocket, Protocol, attributes, ip, word_at};
use crate::collector::table::{Metric, Table};
use crate::registry::{RegisterError, Registry};
use std::net::IpAddr;

// Of linux/rtnetlink.h and linux/if_addr.h.
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// `struct ifaddrmsg`:
///
/// ```text
/// family u8 | prefix length u8 | flags u8 | scope u8 | index u32
/// ```
const HEADER_BYTES: usize = 8;

const METRICS: [Metric; 1] =
    [Metric::gauge("node_network_address_info", "Addresses of network interfaces; always 1.")];

pub(super) struct Addresses {
    socket: KernelSocket,
    table: Table,
}

impl Addresses {
    pub(super) fn register(registry: &Registry) -> Result<Addresses, RegisterError> {
        let labels = ["address", "device", "netmask", "scope"];
        let table = Table::register(registry, &labels, &METRICS)?;
        Ok(Addresses { socket: KernelSocket::new(Protocol::Route), table })
    }

    /// Shows the addresses of the interfaces that `filter` lets through.
    pub(super) fn collect(
        &mut self,
        filter: &Filter,
        files: &mut Files,
    ) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        files.read_links()?;
        self.socket.dump("RTM_GETADDR", (RTM_GETADDR, RTM_NEWADDR), &[0; HEADER_BYTES], |body| {
            let Some(address) = parse_address(body) else { return };
            let Some(link) = files.links.by_index(address.index) else { return };
            if !filter.lets(link.name.as_bytes()) {
                return;
            }
            let labels = [
                &*address.address.to_string(),
                &*link.name,
                &*address.prefix_bits.to_string(),
                scope(address.address),
            ];
            sweep.row(&labels).set(0, Some(1.0));
        })
    }
}

#[derive(Debug, PartialEq)]
struct Address {
    index: u32,
    address: IpAddr,
    prefix_bits: u8,
}

/// `None` for an address that is cut off or of another family than IP.
fn parse_address(body: &[u8]) -> Option<Address> {
    let [_, prefix_bits] = *body.first_chunk()?;
    let index = word_at(body, 4)?;
    let mut found = None;
    for attribute in attributes(body.get(HEADER_BYTES..)?) {
        // Of a link between two, IFA_ADDRESS is the other end.
        match attribute? {
            (IFA_LOCAL, value) => found = Some(value),
            (IFA_ADDRESS, value) => found = found.or(Some(value)),
            _ => {}
        }
    }
    Some(Address { index, address: ip(found?)?, prefix_bits })
}

/// How far an address reaches, as node_exporter puts it: the host itself is link-local.
fn scope(address: IpAddr) -> &'static str {
    let (is_link_local, is_interface_local, is_broadcast) = match address {
        IpAddr::V4(v4) => {
            let is_local_group = matches!(v4.octets(), [224, 0, 0, _]);
            (v4.is_link_local() || is_local_group, false, v4.is_broadcast())
        }
        IpAddr::V6(v6) => {
            let start = v6.segments()[0];
            (start & 0xffc0 == 0xfe80 || start & 0xff0f == 0xff02, start & 0xff0f == 0xff01, false)
        }
    };
    match () {
        () if address.is_loopback() || is_link_local => "link-local",
        () if is_interface_local => "interface-local",
        () if address.is_unspecified() || address.is_multicast() || is_broadcast => "",
        () => "global",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::rtnetlink::tests::attribute;

    #[test]
    fn the_own_end_of_a_link_is_its_address() {
        let header = [2, 24, 0, 0, 3, 0, 0, 0];
        let (own, peer) =
            (attribute(IFA_LOCAL, &[10, 0, 0, 1]), attribute(IFA_ADDRESS, &[10, 0, 0, 2]));
        let parse = |parts: &[&[u8]]| parse_address(&parts.concat());
        let expected = |address: &str| {
            Some(Address { index: 3, address: address.parse().unwrap(), prefix_bits: 24 })
        };
        assert_eq!(parse(&[&header, &own, &peer]), expected("10.0.0.1"));
        assert_eq!(parse(&[&header, &peer, &own]), expected("10.0.0.1"));
        assert_eq!(parse(&[&header, &peer]), expected("10.0.0.2"));
        assert_eq!(parse(&[&header]), None);
        assert_eq!(parse(&[&header, &own[..6]]), None);
        assert_eq!(parse(&[&header[..5]]), None);
    }

    #[test]
    fn scopes_are_those_of_node_exporter() {
        const CASES: &[(&str, &str)] = &[
            ("127.0.0.1", "link-local"),
            ("::1", "link-local"),
            ("169.254.1.1", "link-local"),
            ("fe80::1", "link-local"),
            ("224.0.0.7", "link-local"),
            ("ff02::1", "link-local"),
            ("ff01::1", "interface-local"),
            ("192.0.2.1", "global"),
            ("10.0.0.1", "global"),
            ("fd00::2", "global"),
            ("0.0.0.0", ""),
            ("255.255.255.255", ""),
            ("239.1.1.1", ""),
        ];
        for (address, expected) in CASES {
            assert_eq!(scope(address.parse().unwrap()), *expected, "{address}");
        }
    }
}
