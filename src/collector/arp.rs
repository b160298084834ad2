//! `arp`: neighbours in the ARP table, by interface. Sources: RTM_GETNEIGH of rtnetlink(7), or
//! `net/arp` of proc_net(5), which is the source too where the root of procfs is a copy or a
//! fixture.
//!
//! Neighbours that need no ARP are left out, as the kernel does in `net/arp`.

use super::error::CollectError;
use super::flags::{Flag, Verdicts};
use super::fs::{Files, KeptFile, is_kernel_view};
use super::lines::{Line, Lines};
use super::rtnetlink::{KernelSocket, Protocol, count, word_at};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const INCLUDE: &str = "collector.arp.device-include";
const EXCLUDE: &str = "collector.arp.device-exclude";
const NETLINK: &str = "collector.arp.netlink";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(EXCLUDE, "", "Network interfaces to leave out."),
    Flag::pattern(INCLUDE, "", "Network interfaces to show, and no others."),
    Flag::switch(NETLINK, true, "Ask the kernel by netlink rather than read /proc/net/arp."),
];

const METRICS: [Metric; 1] =
    [Metric::gauge("node_arp_entries", "Neighbours in the ARP table, by interface.")];

// Of linux/rtnetlink.h and linux/neighbour.h.
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const NUD_NOARP: u16 = 0x40;

/// `struct ndmsg`:
///
/// ```text
/// family u8 | padding u8 * 3 | index u32 | state u16 | flags u8 | type u8
/// ```
const HEADER_BYTES: usize = 12;
const STATE_AT: usize = 8;

/// AF_INET in place of the family.
const ALL_IPV4_NEIGHBOURS: [u8; HEADER_BYTES] = [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(super) struct Arp {
    source: Source,
    verdicts: Verdicts,
    table: Table,
}

enum Source {
    /// The neighbours of each interface, by its number.
    Kernel {
        socket: KernelSocket,
        counts: Vec<(u32, u64)>,
    },
    File(KeptFile),
}

impl Arp {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let Setup { registry, roots, flags, .. } = setup;
        let source = match flags.switch(NETLINK) && is_kernel_view(&roots.proc) {
            true => {
                Source::Kernel { socket: KernelSocket::new(Protocol::Route), counts: Vec::new() }
            }
            false => Source::File(KeptFile::of_many_records(roots.proc.join("net/arp"))),
        };
        Ok(Box::new(Arp {
            source,
            verdicts: Verdicts::new(flags.filter(INCLUDE, EXCLUDE)),
            table: Table::register(registry, &["device"], &METRICS)?,
        }))
    }
}

impl Collector for Arp {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let Arp { source, verdicts, table } = self;
        let (mut sweep, mut verdicts) = (table.sweep(), verdicts.pass());
        let mut set = |device: &str, count: u64| {
            if verdicts.lets(device) {
                sweep.row(&[device]).set(0, Some(count as f64));
            }
        };
        match source {
            Source::Kernel { socket, counts } => {
                counts.clear();
                socket.dump(
                    "RTM_GETNEIGH",
                    (RTM_GETNEIGH, RTM_NEWNEIGH),
                    &ALL_IPV4_NEIGHBOURS,
                    |body| parse_neighbour(body).into_iter().for_each(|index| count(counts, index)),
                )?;
                files.read_links()?;
                for (index, number) in counts {
                    let link = files.links.by_index(*index);
                    link.into_iter().for_each(|link| set(&link.name, *number));
                }
            }
            Source::File(file) => {
                let mut counts = Vec::new();
                for line in Lines::new("arp", files.read(file)?) {
                    parse_entry(line)?.into_iter().for_each(|device| count(&mut counts, device));
                }
                counts.into_iter().for_each(|(device, number)| set(device, number));
            }
        }
        Ok(())
    }
}

/// The number of the interface of a neighbour; `None` for one that needs no ARP.
fn parse_neighbour(body: &[u8]) -> Option<u32> {
    let state = u16::from_ne_bytes(*body.get(STATE_AT..)?.first_chunk()?);
    word_at(body, 4).filter(|_| state & NUD_NOARP == 0)
}

/// Words of the line of a neighbour, of which the last is its interface, and of the head line.
const ENTRY_WORDS: usize = 6;
const HEAD_WORDS: usize = 9;

/// The interface of the neighbour in a line; `None` for the head line and an empty one.
fn parse_entry(line: Line<'_>) -> Result<Option<&str>, CollectError> {
    let mut words = line.clone();
    let (mut number, mut last) = (0, None);
    while let Some(word) = words.word() {
        (number, last) = (number + 1, Some(word));
    }
    match number {
        0 | HEAD_WORDS => Ok(None),
        ENTRY_WORDS => {
            let device = last.and_then(|last| std::str::from_utf8(last).ok());
            device.map(Some).ok_or_else(|| line.malformed("an interface", last))
        }
        _ => Err(line.malformed("six words", last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_interface_of_each_entry() {
        const CASES: &[(&str, Option<&str>)] = &[
            (
                "IP address       HW type     Flags       HW address            Mask     Device\n",
                None,
            ),
            (
                "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n",
                Some("eth0"),
            ),
            ("\n", None),
        ];
        for (content, expected) in CASES {
            let line = Lines::new("arp", content.as_bytes()).next().unwrap();
            assert_eq!(parse_entry(line).unwrap(), *expected, "{content:?}");
        }
        let line = Lines::new("arp", b"192.0.2.1 0x1 eth0\n").next().unwrap();
        let error = parse_entry(line).unwrap_err().to_string();
        assert_eq!(error, "arp:1: expected six words, found eth0");
    }

    #[test]
    fn a_neighbour_that_needs_no_arp_does_not_count() {
        let neighbour = |state: u8| [2, 0, 0, 0, 4, 0, 0, 0, state, 0, 0, 1];
        assert_eq!(parse_neighbour(&neighbour(2)), Some(4));
        assert_eq!(parse_neighbour(&neighbour(0x80)), Some(4));
        assert_eq!(parse_neighbour(&neighbour(0x40)), None);
        assert_eq!(parse_neighbour(&neighbour(2)[..9]), None);
    }
}
