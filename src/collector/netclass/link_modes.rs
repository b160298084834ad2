//! How fast the links of network interfaces are, as their drivers say: ethtool by generic netlink
//! (linux/ethtool_netlink.h, since Linux 5.6).

use super::super::error::CollectError;
use super::super::rtnetlink::{GenericFamily, value, word_at};

const FAMILY: &str = "ethtool";
const VERSION: u8 = 1;

const LINKMODES_GET: u8 = 4;

/// An attribute of a request that asks for sets of bits in their short form:
///
/// ```text
/// length u16 | ETHTOOL_A_LINKMODES_HEADER with NLA_F_NESTED u16
/// length u16 | ETHTOOL_A_HEADER_FLAGS u16 | ETHTOOL_FLAG_COMPACT_BITSETS u32
/// ```
const HEADER: u16 = 1;
const NESTED: u16 = 0x8000;
const HEADER_FLAGS: u16 = 3;
const COMPACT_BITSETS: u32 = 1;

// ETHTOOL_A_HEADER_* and ETHTOOL_A_LINKMODES_* of an answer.
const HEADER_INDEX: u16 = 1;
const SPEED: u16 = 5;
const DUPLEX: u16 = 6;

/// The link of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkMode {
    pub(super) index: u32,
    /// In megabits per second; the largest number where it is not known.
    pub(super) speed: u32,
    pub(super) duplex: &'static str,
}

/// The links that there are.
pub(super) struct LinkModes {
    family: GenericFamily,
    links: Vec<LinkMode>,
}

impl LinkModes {
    pub(super) fn new() -> LinkModes {
        LinkModes { family: GenericFamily::new(FAMILY, VERSION), links: Vec::new() }
    }

    /// Asks the kernel anew. One without this family has no links to tell of.
    pub(super) fn refresh(&mut self) -> Result<(), CollectError> {
        let LinkModes { family, links } = self;
        links.clear();
        let asked = family.dump("ETHTOOL_MSG_LINKMODES_GET", LINKMODES_GET, &request(), |answer| {
            links.extend(parse(answer));
        });
        match asked {
            Err(error) if error.is_no_data() => Ok(()),
            asked => asked,
        }
    }

    /// The link of the interface of this number.
    pub(super) fn of(&self, index: u32) -> Option<LinkMode> {
        self.links.iter().find(|link| link.index == index).copied()
    }
}

fn request() -> [u8; 12] {
    let mut request = [0; 12];
    let halves = [12, HEADER | NESTED, 8, HEADER_FLAGS].map(u16::to_ne_bytes);
    request[..8].copy_from_slice(halves.as_flattened());
    request[8..].copy_from_slice(&COMPACT_BITSETS.to_ne_bytes());
    request
}

/// The link of an answer; `None` without the interface that it is of.
fn parse(answer: &[u8]) -> Option<LinkMode> {
    let index = word_at(value(value(answer, HEADER)?, HEADER_INDEX)?, 0)?;
    let speed = value(answer, SPEED).and_then(|speed| word_at(speed, 0)).unwrap_or(0);
    let duplex = match value(answer, DUPLEX) {
        None | Some([0, ..]) => "Half",
        Some([1, ..]) => "Full",
        Some(_) => "Unknown",
    };
    Some(LinkMode { index, speed, duplex })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::rtnetlink::tests::attribute;

    #[test]
    fn reads_speed_and_duplex() {
        let header = attribute(HEADER | NESTED, &attribute(HEADER_INDEX, &7_u32.to_ne_bytes()));
        let speed = attribute(SPEED, &10_000_u32.to_ne_bytes());
        for (duplex, expected) in [(0, "Half"), (1, "Full"), (255, "Unknown")] {
            let answer = [&header[..], &speed, &attribute(DUPLEX, &[duplex])].concat();
            let expected = LinkMode { index: 7, speed: 10_000, duplex: expected };
            assert_eq!(parse(&answer), Some(expected));
        }
        let bare = LinkMode { index: 7, speed: 0, duplex: "Half" };
        assert_eq!(parse(&header), Some(bare));
        assert_eq!(parse(&speed), None);
        assert_eq!(parse(&header[..10]), None);
    }

    #[test]
    fn the_kernel_understands_the_request() {
        let mut modes = LinkModes::new();
        for _ in 0..2 {
            modes.refresh().unwrap();
            assert!(modes.links.iter().all(|link| link.index > 0));
        }
    }
}
