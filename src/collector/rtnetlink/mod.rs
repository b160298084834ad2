//! What the kernel tells of the network by rtnetlink(7): bodies of messages, read without system
//! calls.
//!
//! ```text
//! Links       the interfaces, from one dump a scrape for all who ask
//! attributes  what follows the fixed part of a body: kind and value, end to end
//! generic     families that the kernel knows by name, asked in the same way
//! ```

mod generic;
mod link;

pub(super) use crate::sys::netlink::Protocol;
pub(super) use generic::{GenericFamily, value};
pub(super) use link::{HardwareAddress, Link, Statistic, Statistics};

use super::error::CollectError;
use crate::sys::netlink::Netlink;
use std::net::IpAddr;

/// Of linux/rtnetlink.h.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;

/// Asks for all links, without the counters of IPv6 that each has besides: nobody shows them, and
/// the kernel would sum up some 40 numbers of each CPU for each link.
///
/// ```text
/// struct ifinfomsg, 16 bytes | length u16 | IFLA_EXT_MASK u16 | RTEXT_FILTER_SKIP_STATS u32
/// ```
const ALL_LINKS: [u8; 24] = {
    let [length, kind] = [8_u16.to_ne_bytes(), IFLA_EXT_MASK.to_ne_bytes()];
    let mask = RTEXT_FILTER_SKIP_STATS.to_ne_bytes();
    let mut request = [0; 24];
    [request[16], request[17]] = length;
    [request[18], request[19]] = kind;
    [request[20], request[21], request[22], request[23]] = mask;
    request
};

/// Of linux/if_link.h and linux/rtnetlink.h.
const IFLA_EXT_MASK: u16 = 29;
const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;

/// Bits of an attribute's kind that are no part of it: NLA_F_NESTED and NLA_F_NET_BYTEORDER.
const KIND_FLAGS: u16 = 0xc000;

/// A socket to the kernel, which stays open until an error.
pub(super) struct KernelSocket {
    protocol: Protocol,
    netlink: Option<Netlink>,
}

impl KernelSocket {
    /// A socket that is opened by the first dump.
    pub(super) fn new(protocol: Protocol) -> KernelSocket {
        KernelSocket { protocol, netlink: None }
    }

    /// Asks for all things of a kind, and calls `visit` with each that is of the kind `answer`.
    ///
    /// # Errors
    /// [`CollectError::Io`], with what was asked for in place of a path.
    pub(super) fn dump(
        &mut self,
        what: &'static str,
        (request, answer): (u16, u16),
        body: &[u8],
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), CollectError> {
        let outcome = match &mut self.netlink {
            Some(netlink) => Ok(netlink),
            closed => Netlink::open(self.protocol).map(|netlink| closed.insert(netlink)),
        };
        let outcome = outcome.and_then(|netlink| {
            netlink.dump(request, body, |kind, body| {
                if kind == answer {
                    visit(body);
                }
            })
        });
        outcome.map_err(|error| {
            self.netlink = None;
            CollectError::from_call(what, &error)
        })
    }
}

/// The network interfaces as of the last dump.
pub(crate) struct Links {
    socket: KernelSocket,
    /// In the order of the kernel. Those behind `count` are kept for their memory.
    links: Vec<Link>,
    count: usize,
}

impl Default for Links {
    fn default() -> Links {
        Links { socket: KernelSocket::new(Protocol::Route), links: Vec::new(), count: 0 }
    }
}

impl Links {
    /// Asks the kernel for the interfaces that there are in this network namespace.
    pub(super) fn refresh(&mut self) -> Result<(), CollectError> {
        let Links { socket, links, count } = self;
        *count = 0;
        let mut malformed = None;
        socket.dump("RTM_GETLINK", (RTM_GETLINK, RTM_NEWLINK), &ALL_LINKS, |body| {
            if *count == links.len() {
                links.push(Link::default());
            }
            match links[*count].read(body) {
                Some(()) => *count += 1,
                None => malformed = Some(*count + 1),
            }
        })?;
        match malformed {
            None => Ok(()),
            Some(number) => {
                Err(CollectError::malformed("RTM_NEWLINK", number, "a link", Some(b"less")))
            }
        }
    }

    /// The interfaces, in the order of the kernel.
    pub(super) fn all(&self) -> &[Link] {
        &self.links[..self.count]
    }

    /// The interface of this name, which most likely is where `hint` says; it is set for next time.
    pub(super) fn find(&self, name: &str, hint: &mut usize) -> Option<&Link> {
        let links = self.all();
        if links.get(*hint).is_none_or(|link| link.name != name) {
            *hint = links.iter().position(|link| link.name == name)?;
        }
        links.get(*hint)
    }

    /// The interface of this number.
    pub(super) fn by_index(&self, index: u32) -> Option<&Link> {
        self.all().iter().find(|link| link.index == index)
    }
}

/// The attributes that stand end to end in `bytes`, as kind and value. `None` in place of one that
/// is cut off, which is the last.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u16, &[u8])>> {
    /// Of length and kind.
    const HEADER_BYTES: usize = 4;
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let [length, kind] = [number_at(bytes, 0), number_at(bytes, 2)];
        let value = length.and_then(|length| bytes.get(HEADER_BYTES..usize::from(length)));
        let (Some(value), Some(kind)) = (value, kind) else {
            bytes = &[];
            return Some(None);
        };
        let end = (HEADER_BYTES + value.len()).next_multiple_of(4);
        bytes = bytes.get(end..).unwrap_or_default();
        Some(Some((kind & !KIND_FLAGS, value)))
    })
}

fn number_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// The number of four bytes at `offset`.
pub(super) fn word_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// The number of eight bytes at `offset`.
pub(super) fn long_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// An address of IPv4 or IPv6, by its length.
pub(super) fn ip(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => Some(IpAddr::from(*value.first_chunk::<4>()?)),
        16 => Some(IpAddr::from(*value.first_chunk::<16>()?)),
        _ => None,
    }
}

/// Counts one more of `key`; most come one after the other.
pub(super) fn count<K: PartialEq>(counts: &mut Vec<(K, u64)>, key: K) {
    match counts.iter_mut().rev().find(|(known, _)| *known == key) {
        Some((_, number)) => *number += 1,
        None => counts.push((key, 1)),
    }
}

/// A text that a zero ends.
pub(super) fn text(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An attribute as the kernel writes it.
    pub(in crate::collector) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn the_links_of_this_host_are_those_of_proc() {
        let mut links = Links::default();
        for _ in 0..2 {
            links.refresh().unwrap();
            let mut names: Vec<&str> = links.all().iter().map(|link| &*link.name).collect();
            let dev = std::fs::read_to_string("/proc/net/dev").unwrap();
            let mut expected: Vec<&str> =
                dev.lines().skip(2).map(|line| line.split(':').next().unwrap().trim()).collect();
            names.sort_unstable();
            expected.sort_unstable();
            assert_eq!(names, expected);
        }
        let mut hint = usize::MAX;
        assert_eq!(links.find("lo", &mut hint).unwrap().index, 1);
        assert_eq!(links.by_index(1).unwrap().name, "lo");
        assert_eq!(links.all()[hint].name, "lo");
        assert!(links.find("none", &mut hint).is_none());
    }

    #[test]
    fn an_attribute_that_is_cut_off_is_the_last() {
        let bytes = [attribute(3, b"eth0\0"), attribute(KIND_FLAGS | 4, &[1, 2, 3, 4])].concat();
        let whole: Vec<_> = attributes(&bytes).collect();
        assert_eq!(whole, [Some((3, &b"eth0\0"[..])), Some((4, &[1, 2, 3, 4][..]))]);
        for cut in 13..bytes.len() {
            let read: Vec<_> = attributes(&bytes[..cut]).collect();
            assert_eq!(read, [Some((3, &b"eth0\0"[..])), None], "{cut} bytes");
        }
        assert_eq!(attributes(&[3, 0, 1, 0]).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn counts_by_key_in_the_order_of_the_first() {
        let mut counts = Vec::new();
        ["b", "b", "a", "b"].into_iter().for_each(|key| count(&mut counts, key));
        assert_eq!(counts, [("b", 3), ("a", 1)]);
    }

    proptest! {
        /// Any bytes are read to an end.
        #[test]
        fn no_bytes_panic_or_loop(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let values: usize =
                attributes(&bytes).flatten().map(|(_, value)| 4 + value.len()).sum();
            prop_assert!(values <= bytes.len());
            prop_assert!(attributes(&bytes).count() <= bytes.len().div_ceil(4));
        }
    }
}
