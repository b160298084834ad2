//! One network interface, as RTM_NEWLINK describes it (linux/if_link.h).

use super::{attributes, text, word_at};
use crate::collector::text::push_text;
use std::fmt;

/// `struct ifinfomsg`:
///
/// ```text
/// family u8 | padding u8 | type u16 | index i32 | flags u32 | change u32
/// ```
const HEADER_BYTES: usize = 16;

// IFLA_* of linux/if_link.h.
const ADDRESS: u16 = 1;
const BROADCAST: u16 = 2;
const NAME: u16 = 3;
const MTU: u16 = 4;
const LINK: u16 = 5;
const STATS: u16 = 7;
const QUEUE_LENGTH: u16 = 13;
const OPERSTATE: u16 = 16;
const LINK_MODE: u16 = 17;
const ALIAS: u16 = 20;
const STATS64: u16 = 23;
const GROUP: u16 = 27;
const PROMISCUITY: u16 = 30;
const CARRIER: u16 = 33;
const CARRIER_CHANGES: u16 = 35;
const CARRIER_UP_COUNT: u16 = 47;
const CARRIER_DOWN_COUNT: u16 = 48;
const PROPERTIES: u16 = 52;
const ALTERNATIVE_NAME: u16 = 53;
const ALL_MULTICAST: u16 = 61;

// IFF_* of linux/if.h.
const IFF_UP: u32 = 1;
const IFF_RUNNING: u32 = 1 << 6;
const IFF_PROMISC: u32 = 1 << 8;
const IFF_ALLMULTI: u32 = 1 << 9;
const IFF_LOWER_UP: u32 = 1 << 16;
const IFF_DORMANT: u32 = 1 << 17;

/// Table: IFLA_OPERSTATE => what sysfs calls it (RFC 2863).
const OPERSTATES: [&str; 7] =
    ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"];

/// A counter of `struct rtnl_link_stats64`, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::collector) enum Statistic {
    ReceivePackets,
    TransmitPackets,
    ReceiveBytes,
    TransmitBytes,
    ReceiveErrors,
    TransmitErrors,
    ReceiveDropped,
    TransmitDropped,
    Multicast,
    Collisions,
    ReceiveLengthErrors,
    ReceiveOverErrors,
    ReceiveCrcErrors,
    ReceiveFrameErrors,
    ReceiveFifoErrors,
    ReceiveMissedErrors,
    TransmitAbortedErrors,
    TransmitCarrierErrors,
    TransmitFifoErrors,
    TransmitHeartbeatErrors,
    TransmitWindowErrors,
    ReceiveCompressed,
    TransmitCompressed,
    ReceiveNoHandler,
}

/// The counters of an interface, by [`Statistic`]. Old kernels lack the last.
pub(in crate::collector) type Statistics = [u64; Statistic::ReceiveNoHandler as usize + 1];

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::collector) struct Link {
    pub(in crate::collector) name: String,
    pub(in crate::collector) alias: String,
    /// Each behind a zero, so that they share their memory.
    alternative_names: String,
    pub(in crate::collector) index: u32,
    /// ARPHRD_*.
    pub(in crate::collector) kind: u16,
    flags: u32,
    promiscuity: Option<u32>,
    all_multicast: Option<u32>,
    pub(in crate::collector) address: HardwareAddress,
    pub(in crate::collector) broadcast: HardwareAddress,
    lower_index: Option<u32>,
    operstate: Option<u32>,
    pub(in crate::collector) mtu: Option<u32>,
    pub(in crate::collector) queue_length: Option<u32>,
    pub(in crate::collector) link_mode: Option<u32>,
    pub(in crate::collector) group: Option<u32>,
    carrier: Option<u32>,
    pub(in crate::collector) carrier_changes: Option<u32>,
    pub(in crate::collector) carrier_up_count: Option<u32>,
    pub(in crate::collector) carrier_down_count: Option<u32>,
    pub(in crate::collector) statistics: Option<Statistics>,
}

impl Link {
    /// Becomes the interface that the body of a message describes; `None` where it is cut off, has
    /// no name or no number.
    pub(super) fn read(&mut self, body: &[u8]) -> Option<()> {
        let [name, alias, alternative_names] =
            [&mut self.name, &mut self.alias, &mut self.alternative_names].map(|text| {
                text.clear();
                std::mem::take(text)
            });
        *self = Link { name, alias, alternative_names, ..Link::default() };
        self.kind = u16::from_ne_bytes(*body.get(2..)?.first_chunk()?);
        self.index = word_at(body, 4)?;
        self.flags = word_at(body, 8)?;
        for attribute in attributes(body.get(HEADER_BYTES..)?) {
            let (kind, value) = attribute?;
            self.set(kind, value);
        }
        (!self.name.is_empty()).then_some(())
    }

    fn set(&mut self, kind: u16, value: &[u8]) {
        match kind {
            ADDRESS => self.address = HardwareAddress::new(value),
            BROADCAST => self.broadcast = HardwareAddress::new(value),
            NAME => push_text(&mut self.name, text(value)),
            ALIAS => push_text(&mut self.alias, text(value)),
            PROPERTIES => self.add_alternative_names(value),
            MTU => self.mtu = number(value),
            LINK => self.lower_index = number(value),
            QUEUE_LENGTH => self.queue_length = number(value),
            OPERSTATE => self.operstate = number(value),
            LINK_MODE => self.link_mode = number(value),
            GROUP => self.group = number(value),
            PROMISCUITY => self.promiscuity = number(value),
            ALL_MULTICAST => self.all_multicast = number(value),
            CARRIER => self.carrier = number(value),
            CARRIER_CHANGES => self.carrier_changes = number(value),
            CARRIER_UP_COUNT => self.carrier_up_count = number(value),
            CARRIER_DOWN_COUNT => self.carrier_down_count = number(value),
            STATS64 => self.statistics = Some(counters(value)),
            STATS if self.statistics.is_none() => self.statistics = Some(short_counters(value)),
            _ => {}
        }
    }

    fn add_alternative_names(&mut self, properties: &[u8]) {
        for (kind, value) in attributes(properties).map_while(|attribute| attribute) {
            if kind == ALTERNATIVE_NAME {
                self.alternative_names.push('\0');
                push_text(&mut self.alternative_names, text(value));
            }
        }
    }

    /// The other names that it goes by.
    pub(in crate::collector) fn alternative_names(&self) -> impl Iterator<Item = &str> {
        self.alternative_names.split('\0').filter(|name| !name.is_empty())
    }

    /// Whether it was switched on.
    pub(in crate::collector) fn is_up(&self) -> bool {
        self.flags & IFF_UP != 0
    }

    /// What the kernel says of its carrier, whether it is up or not.
    pub(in crate::collector) fn told_carrier(&self) -> Option<u32> {
        self.carrier
    }

    /// Its flags with those that are made up for userspace.
    pub(in crate::collector) fn told_flags(&self) -> u32 {
        self.flags
    }

    /// Its state by RFC 2863; `None` for one that sysfs has no word for.
    pub(in crate::collector) fn operstate(&self) -> Option<&'static str> {
        OPERSTATES.get(self.operstate? as usize).copied()
    }

    /// Whether it has a carrier; sysfs knows that only of one that is up.
    pub(in crate::collector) fn carrier(&self) -> Option<u32> {
        self.carrier.filter(|_| self.is_up())
    }

    /// Whether it waits to be let in; sysfs knows that only of one that is up.
    pub(in crate::collector) fn dormant(&self) -> Option<u32> {
        self.is_up().then_some(u32::from(self.flags & IFF_DORMANT != 0))
    }

    /// The number of the interface it stands on, which is its own where that is none.
    pub(in crate::collector) fn lower_index(&self) -> u32 {
        self.lower_index.unwrap_or(self.index)
    }

    /// Its flags as sysfs shows them: none that are made up for userspace, and promiscuous or
    /// receiving all multicast also where the kernel wants it.
    pub(in crate::collector) fn flags(&self) -> u32 {
        let mut flags = self.flags & !(IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT);
        for (flag, users) in [(IFF_PROMISC, self.promiscuity), (IFF_ALLMULTI, self.all_multicast)] {
            match users {
                Some(0) => flags &= !flag,
                Some(_) => flags |= flag,
                None => {}
            }
        }
        flags
    }
}

/// A number of one byte or four.
fn number(value: &[u8]) -> Option<u32> {
    match value {
        [byte] => Some(u32::from(*byte)),
        value => word_at(value, 0),
    }
}

fn counters(value: &[u8]) -> Statistics {
    let mut statistics = Statistics::default();
    for (counter, bytes) in statistics.iter_mut().zip(value.as_chunks().0) {
        *counter = u64::from_ne_bytes(*bytes);
    }
    statistics
}

/// Those of `struct rtnl_link_stats`, which are of four bytes and in the same order.
fn short_counters(value: &[u8]) -> Statistics {
    let mut statistics = Statistics::default();
    for (counter, bytes) in statistics.iter_mut().zip(value.as_chunks().0) {
        *counter = u32::from_ne_bytes(*bytes).into();
    }
    statistics
}

/// Bytes of the longest address: MAX_ADDR_LEN of linux/netdevice.h.
const ADDRESS_BYTES_MAX: usize = 32;

/// An address of the link layer, shown as sysfs does: `02:fc:00:00:00:01`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::collector) struct HardwareAddress {
    bytes: [u8; ADDRESS_BYTES_MAX],
    length: usize,
}

impl HardwareAddress {
    pub(in crate::collector) fn new(value: &[u8]) -> HardwareAddress {
        let length = value.len().min(ADDRESS_BYTES_MAX);
        let mut bytes = [0; ADDRESS_BYTES_MAX];
        bytes[..length].copy_from_slice(&value[..length]);
        HardwareAddress { bytes, length }
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.bytes[..self.length].iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::attribute;
    use super::*;
    use proptest::prelude::*;

    fn body(flags: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![0, 0, 1, 0, 7, 0, 0, 0];
        body.extend(flags.to_ne_bytes());
        body.extend([0; 4]);
        attributes.iter().for_each(|(kind, value)| body.extend(attribute(*kind, value)));
        body
    }

    fn link(flags: u32, attributes: &[(u16, &[u8])]) -> Link {
        let mut link = Link { alias: "before".into(), mtu: Some(1), ..Link::default() };
        link.read(&body(flags, attributes)).unwrap();
        link
    }

    #[test]
    fn reads_what_the_kernel_tells() {
        let stats: Vec<u8> = (1..=25_u64).flat_map(u64::to_ne_bytes).collect();
        let names = [(ALTERNATIVE_NAME, &b"enp0s3\0"[..]), (1, b"x"), (ALTERNATIVE_NAME, b"wan\0")];
        let names = names.map(|(kind, value)| attribute(kind, value)).concat();
        let link = link(
            IFF_UP | IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT | 2,
            &[
                (NAME, b"eth0\0"),
                (ALIAS, b"to the world\0"),
                (ADDRESS, &[2, 0xfc, 0, 0, 0, 0x1f]),
                (OPERSTATE, &[6]),
                (CARRIER, &[1]),
                (LINK, &9_u32.to_ne_bytes()),
                (PROPERTIES, &names),
                (STATS64, &stats),
                (STATS, &[9; 96]),
                (999, b"of a later kernel"),
            ],
        );
        assert_eq!((&*link.name, &*link.alias, link.index), ("eth0", "to the world", 7));
        assert_eq!(link.address.to_string(), "02:fc:00:00:00:1f");
        assert_eq!(link.broadcast.to_string(), "");
        assert_eq!(link.alternative_names().collect::<Vec<_>>(), ["enp0s3", "wan"]);
        assert_eq!((link.operstate(), link.carrier()), (Some("up"), Some(1)));
        assert_eq!((link.dormant(), link.lower_index(), link.mtu), (Some(1), 9, None));
        assert_eq!(link.flags(), IFF_UP | 2);
        let statistics = link.statistics.unwrap();
        assert_eq!(statistics[Statistic::ReceivePackets as usize], 1);
        assert_eq!(statistics[Statistic::ReceiveNoHandler as usize], 24);
    }

    #[test]
    fn what_is_down_has_no_carrier_to_speak_of() {
        let link = link(0, &[(NAME, b"eth1\0"), (CARRIER, &[0]), (OPERSTATE, &[9])]);
        assert_eq!((link.carrier(), link.dormant(), link.operstate()), (None, None, None));
        assert_eq!((link.lower_index(), link.statistics), (7, None));
    }

    #[test]
    fn flags_are_those_of_the_device() {
        const CASES: &[(u32, Option<u32>, u32)] = &[
            (IFF_PROMISC, None, IFF_PROMISC),
            (IFF_PROMISC, Some(0), 0),
            (0, Some(2), IFF_PROMISC),
            (IFF_RUNNING, Some(1), IFF_PROMISC),
        ];
        for (flags, promiscuity, expected) in CASES {
            let count = promiscuity.unwrap_or(0).to_ne_bytes();
            let counted: [(u16, &[u8]); 2] = [(NAME, b"e\0"), (PROMISCUITY, &count)];
            let given = if promiscuity.is_some() { &counted[..] } else { &counted[..1] };
            assert_eq!(link(*flags, given).flags(), *expected, "{flags:#x} {promiscuity:?}");
        }
    }

    #[test]
    fn an_old_kernel_has_short_counters_and_fewer() {
        let short: Vec<u8> = (1..=23_u32).flat_map(u32::to_ne_bytes).collect();
        let statistics = link(0, &[(NAME, b"e\0"), (STATS, &short)]).statistics.unwrap();
        assert_eq!(statistics[Statistic::TransmitCompressed as usize], 23);
        assert_eq!(statistics[Statistic::ReceiveNoHandler as usize], 0);
    }

    #[test]
    fn a_body_that_is_cut_off_is_no_link() {
        let body = body(1, &[(NAME, b"eth0\0"), (MTU, &1500_u32.to_ne_bytes())]);
        let mut link = Link::default();
        for cut in (0..body.len()).filter(|cut| !(25..=28).contains(cut)) {
            assert!(link.read(&body[..cut]).is_none(), "{cut} bytes");
        }
        assert!(link.read(&body).is_some());
    }

    proptest! {
        /// Any bytes are a link or none, and nothing of the link before is left.
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (mut link, mut fresh) = (link(0, &[(NAME, b"eth0\0"), (ALIAS, b"x\0")]), Link::default());
            prop_assert_eq!(link.read(&bytes), fresh.read(&bytes));
            prop_assert_eq!(link, fresh);
        }
    }
}
