//! `netdev`: traffic and errors of network interfaces. Sources: rtnetlink(7), or `net/dev` of
//! proc_net(5), which tells less.
//!
//! For `net/dev` the kernel adds some of its counters up. The families do so whichever the source
//! is, unless the detailed ones are asked for. Where the root of procfs is a copy or a fixture, its
//! `net/dev` is the source, if there is one.

mod address;

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::flags::{Flag, Flags, Verdicts};
use super::fs::{Files, KeptFile, Roots, is_kernel_view};
use super::lines::{Line, Lines};
use super::rtnetlink::Statistic::{self, *};
use super::rtnetlink::Statistics;
use super::table::{Metric, RowMut, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use address::Addresses;

const INCLUDE: &str = "collector.netdev.device-include";
const EXCLUDE: &str = "collector.netdev.device-exclude";
const ADDRESS_INFO: &str = "collector.netdev.address-info";
const DETAILED: &str = "collector.netdev.enable-detailed-metrics";
const NETLINK: &str = "collector.netdev.netlink";
const LABEL_IFALIAS: &str = "collector.netdev.label-ifalias";

pub(super) const FLAGS: &[Flag] = &[
    Flag::switch(ADDRESS_INFO, false, "Show the addresses of each interface."),
    Flag::pattern(EXCLUDE, "", "Network interfaces to leave out.")
        .also_as(&["collector.netdev.device-blacklist"]),
    Flag::pattern(INCLUDE, "", "Network interfaces to show, and no others.")
        .also_as(&["collector.netdev.device-whitelist"])
        .not_with(EXCLUDE),
    Flag::switch(DETAILED, false, "Show each of the kernel's counters under a name of its own."),
    Flag::switch(LABEL_IFALIAS, false, "Add the alias of each interface as the label ifalias."),
    Flag::switch(NETLINK, true, "Ask the kernel by netlink rather than read /proc/net/dev."),
];

/// Below the root of procfs.
const FILE: &str = "net/dev";

/// A family, and the counters that it is the sum of.
pub(super) type Column = (Metric, &'static [Statistic]);

macro_rules! column {
    ($name:literal, $help:literal, $($counter:ident)+) => {
        (Metric::counter(concat!("node_network_", $name, "_total"), $help), &[$($counter),+])
    };
}

const PLAIN: [Column; 17] = [
    column!("receive_bytes", "Bytes received.", ReceiveBytes),
    column!("receive_compressed", "Compressed packets received.", ReceiveCompressed),
    column!(
        "receive_drop", "Packets received for which there was no room.",
        ReceiveDropped ReceiveMissedErrors
    ),
    column!("receive_errs", "Faulty packets received.", ReceiveErrors),
    column!("receive_fifo", "Packets lost because a receive queue was full.", ReceiveFifoErrors),
    column!(
        "receive_frame", "Packets received with faults in framing, length or checksum.",
        ReceiveFrameErrors ReceiveLengthErrors ReceiveOverErrors ReceiveCrcErrors
    ),
    column!("receive_multicast", "Multicast packets received.", Multicast),
    column!("receive_nohandler", "Packets received that nobody wanted.", ReceiveNoHandler),
    column!("receive_packets", "Packets received.", ReceivePackets),
    column!("transmit_bytes", "Bytes sent.", TransmitBytes),
    column!(
        "transmit_carrier", "Packets not sent for faults of the carrier.",
        TransmitCarrierErrors TransmitAbortedErrors TransmitHeartbeatErrors TransmitWindowErrors
    ),
    column!("transmit_colls", "Collisions while sending.", Collisions),
    column!("transmit_compressed", "Compressed packets sent.", TransmitCompressed),
    column!("transmit_drop", "Packets dropped in place of being sent.", TransmitDropped),
    column!("transmit_errs", "Packets that could not be sent.", TransmitErrors),
    column!("transmit_fifo", "Packets lost because a send queue ran empty.", TransmitFifoErrors),
    column!("transmit_packets", "Packets sent.", TransmitPackets),
];

const DETAILED_COLUMNS: [Column; 24] = [
    column!("collisions", "Collisions while sending.", Collisions),
    column!("multicast", "Multicast packets received.", Multicast),
    column!("receive_bytes", "Bytes received.", ReceiveBytes),
    column!("receive_compressed", "Compressed packets received.", ReceiveCompressed),
    column!("receive_crc_errors", "Packets received with a false checksum.", ReceiveCrcErrors),
    column!("receive_dropped", "Packets received and dropped.", ReceiveDropped),
    column!("receive_errors", "Faulty packets received.", ReceiveErrors),
    column!("receive_fifo_errors", "Packets that a full queue had no room for.", ReceiveFifoErrors),
    column!("receive_frame_errors", "Packets received that end amid a byte.", ReceiveFrameErrors),
    column!("receive_length_errors", "Packets received of false length.", ReceiveLengthErrors),
    column!("receive_missed_errors", "Packets the host had no room for.", ReceiveMissedErrors),
    column!("receive_nohandler", "Packets received that nobody wanted.", ReceiveNoHandler),
    column!("receive_over_errors", "Packets that overran the receiver.", ReceiveOverErrors),
    column!("receive_packets", "Packets received.", ReceivePackets),
    column!("transmit_aborted_errors", "Packets given up in sending.", TransmitAbortedErrors),
    column!("transmit_bytes", "Bytes sent.", TransmitBytes),
    column!("transmit_carrier_errors", "Packets that lost the carrier.", TransmitCarrierErrors),
    column!("transmit_compressed", "Compressed packets sent.", TransmitCompressed),
    column!("transmit_dropped", "Packets dropped in place of being sent.", TransmitDropped),
    column!("transmit_errors", "Packets that could not be sent.", TransmitErrors),
    column!("transmit_fifo_errors", "Packets a send queue ran empty in.", TransmitFifoErrors),
    column!("transmit_heartbeat_errors", "Packets without heartbeat.", TransmitHeartbeatErrors),
    column!("transmit_packets", "Packets sent.", TransmitPackets),
    column!("transmit_window_errors", "Packets that collided late.", TransmitWindowErrors),
];

/// The columns of `net/dev`. Where it shows a sum of several counters, this is the first of them.
const FILE_COLUMNS: [Statistic; 16] = [
    ReceiveBytes,
    ReceivePackets,
    ReceiveErrors,
    ReceiveDropped,
    ReceiveFifoErrors,
    ReceiveFrameErrors,
    ReceiveCompressed,
    Multicast,
    TransmitBytes,
    TransmitPackets,
    TransmitErrors,
    TransmitDropped,
    TransmitFifoErrors,
    Collisions,
    TransmitCarrierErrors,
    TransmitCompressed,
];

pub(super) struct NetDev {
    source: Source,
    verdicts: Verdicts,
    columns: Vec<Column>,
    table: Table,
    /// Whether the alias is a label.
    has_alias: bool,
    addresses: Option<Addresses>,
}

enum Source {
    Links,
    /// The file, and the folder of devices of which it shows the aliases.
    File {
        dev: KeptFile,
        aliases: Devices<Attributes<1>>,
    },
}

impl NetDev {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let Setup { registry, roots, flags, .. } = setup;
        let asks_kernel = asks_kernel(flags, roots);
        let source = match asks_kernel {
            true => Source::Links,
            false => Source::File {
                dev: KeptFile::of_many_records(roots.proc.join(FILE)),
                aliases: Devices::new(roots.sys.join("class/net")),
            },
        };
        let columns = columns(flags, asks_kernel);
        let metrics: Vec<Metric> = columns.iter().map(|(metric, _)| *metric).collect();
        let has_alias = flags.switch(LABEL_IFALIAS);
        let labels = if has_alias { &["device", "ifalias"][..] } else { &["device"] };
        let addresses = flags.switch(ADDRESS_INFO).then(|| Addresses::register(registry));
        Ok(Box::new(NetDev {
            source,
            verdicts: Verdicts::new(flags.filter(INCLUDE, EXCLUDE)),
            table: Table::register(registry, labels, &metrics)?,
            columns,
            has_alias,
            addresses: addresses.transpose()?,
        }))
    }

    fn set_by_links(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let mut verdicts = self.verdicts.pass();
        files.read_links()?;
        for link in files.links.all() {
            let Some(statistics) = &link.statistics else { continue };
            if !verdicts.lets(&link.name) {
                continue;
            }
            let labels = [&*link.name, &*link.alias];
            let row = sweep.row(&labels[..1 + usize::from(self.has_alias)]);
            set_statistics(row, &self.columns, statistics);
        }
        Ok(())
    }

    fn set_by_file(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let NetDev { source: Source::File { dev, aliases }, .. } = self else { return Ok(()) };
        let mut sweep = self.table.sweep();
        let mut verdicts = self.verdicts.pass();
        if self.has_alias {
            aliases.refresh(|_, folder| Some(Attributes::new(folder, ["ifalias"])))?;
        }
        let mut content = std::mem::take(&mut files.buffer);
        let outcome = dev.read(&mut content).and_then(|content| {
            for line in Lines::new("dev", content).skip(HEAD_LINES) {
                let (name, statistics) = parse_interface(line)?;
                if !verdicts.lets(name) {
                    continue;
                }
                let row = match self.has_alias {
                    false => sweep.row(&[name]),
                    true => {
                        let alias = aliases.get_mut(name).map(|attributes| {
                            attributes.begin_scrape();
                            attributes.text(0, files).unwrap_or_default()
                        });
                        sweep.row(&[name, alias.unwrap_or_default()])
                    }
                };
                set_statistics(row, &self.columns, &statistics);
            }
            Ok(())
        });
        files.buffer = content;
        outcome
    }
}

impl Collector for NetDev {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let counters = match self.source {
            Source::Links => self.set_by_links(files),
            Source::File { .. } => self.set_by_file(files),
        };
        let NetDev { addresses, verdicts, .. } = self;
        let addresses =
            addresses.as_mut().map(|addresses| addresses.collect(verdicts.filter(), files));
        counters.and(addresses.unwrap_or(Ok(())))
    }
}

/// Whether the kernel is to be asked rather than the file read.
fn asks_kernel(flags: &Flags, roots: &Roots) -> bool {
    flags.switch(NETLINK) && (is_kernel_view(&roots.proc) || !roots.proc.join(FILE).exists())
}

/// The families to show. `net/dev` does not tell all, nor in all detail.
fn columns(flags: &Flags, asks_kernel: bool) -> Vec<Column> {
    let detailed = |first: Statistic| DETAILED_COLUMNS.into_iter().find(|(_, of)| *of == [first]);
    match (asks_kernel, flags.switch(DETAILED)) {
        (true, false) => PLAIN.into(),
        (true, true) => DETAILED_COLUMNS.into(),
        (false, is_detailed) => {
            let told = PLAIN.into_iter().filter(|(_, of)| FILE_COLUMNS.contains(&of[0]));
            told.map(|column| match column.1[0] {
                first @ (ReceiveErrors | ReceiveDropped | TransmitErrors | TransmitDropped)
                    if is_detailed =>
                {
                    detailed(first).unwrap_or(column)
                }
                _ => column,
            })
            .collect()
        }
    }
}

/// The families of all counters, as gauges, but for those whose names this collector takes where
/// it runs as well.
pub(super) fn gauges_beside(setup: &Setup<'_>) -> Vec<Column> {
    let taken = match setup.choice.has("netdev") {
        true => columns(setup.flags, asks_kernel(setup.flags, setup.roots)),
        false => Vec::new(),
    };
    let is_free = |(metric, _): &Column| taken.iter().all(|(by, _)| by.name() != metric.name());
    let gauge = |(metric, counters): Column| (metric.as_gauge(), counters);
    DETAILED_COLUMNS.into_iter().filter(is_free).map(gauge).collect()
}

/// Sets the columns of a row, of which each is a sum of counters.
pub(super) fn set_statistics(mut row: RowMut<'_>, columns: &[Column], statistics: &Statistics) {
    for (index, (_, counters)) in columns.iter().enumerate() {
        let sum = counters.iter().map(|counter| statistics[*counter as usize]);
        row.set(index, Some(sum.fold(0, u64::wrapping_add) as f64));
    }
}

/// Lines of `net/dev` in front of the first interface.
const HEAD_LINES: usize = 2;

/// Reads `NAME: NUMBER...`, a number for each of [`FILE_COLUMNS`]. Old aliases have a colon in
/// their names.
fn parse_interface(mut line: Line<'_>) -> Result<(&str, Statistics), CollectError> {
    let whole = line.clone().word();
    let name = line.until_last(b':').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
    let name = name.and_then(|name| std::str::from_utf8(name).ok());
    let name = name.ok_or_else(|| line.malformed("an interface and a colon", whole))?;
    let mut statistics = Statistics::default();
    for counter in FILE_COLUMNS {
        statistics[counter as usize] = line.number("a counter of an interface")?;
    }
    Ok((name, statistics))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<Vec<(String, Statistics)>, CollectError> {
        let lines = Lines::new("dev", content.as_bytes());
        lines.map(|line| parse_interface(line).map(|(name, of)| (name.to_owned(), of))).collect()
    }

    #[test]
    fn reads_the_counters_of_each_interface() {
        let read =
            parse("  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nbr0:30: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 18446744073709551615\n")
                .unwrap();
        let names: Vec<&str> = read.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["eth0", "br0:30"]);
        for (number, counter) in (1..).zip(FILE_COLUMNS) {
            assert_eq!(read[0].1[counter as usize], number, "{counter:?}");
        }
        assert_eq!(read[1].1[TransmitCompressed as usize], u64::MAX);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("eth0 1 2\n", "dev:1: expected an interface and a colon, found eth0"),
            (" : 1 2\n", "dev:1: expected an interface and a colon, found :"),
            ("a: 1 2 3\n", "dev:1: expected a counter of an interface, found end of line"),
            ("a: 1 x\n", "dev:1: expected a counter of an interface, found x"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }

    #[test]
    fn every_counter_is_in_one_family_of_each_kind() {
        for columns in [&PLAIN[..], &DETAILED_COLUMNS] {
            let mut counted = Statistics::default();
            let counters = columns.iter().flat_map(|(_, counters)| *counters);
            counters.for_each(|counter| counted[*counter as usize] += 1);
            assert!(counted.iter().all(|times| *times == 1), "{counted:?}");
        }
    }
}
