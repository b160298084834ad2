//! `qdisc`: the queueing discipline at the root of each network interface. Source: RTM_GETQDISC of
//! rtnetlink(7), whatever the root of procfs.

use super::error::CollectError;
use super::flags::{Flag, VerdictPass, Verdicts};
use super::fs::{Files, KeptFile};
use super::json::Json;
use super::rtnetlink::{KernelSocket, Protocol, attributes, long_at, text, word_at};
use super::table::{Metric, Sweep, Table};
use super::text::to_text;
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;

const INCLUDE: &str = "collector.qdisc.device-include";
const EXCLUDE: &str = "collector.qdisc.device-exclude";
const FIXTURES: &str = "collector.qdisc.fixtures";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(EXCLUDE, "", "Network interfaces to leave out.")
        .also_as(&["collector.qdisk.device-exclude"]),
    Flag::pattern(INCLUDE, "", "Network interfaces to show, and no others.")
        .also_as(&["collector.qdisk.device-include"]),
    Flag::text(
        FIXTURES,
        "",
        "A folder whose results.json is shown in place of what the kernel says.",
    ),
];

const METRICS: [Metric; 7] = [
    Metric::gauge("node_qdisc_backlog", "Bytes that wait to be sent."),
    Metric::counter("node_qdisc_bytes_total", "Bytes sent."),
    Metric::gauge("node_qdisc_current_queue_length", "Packets that wait to be sent."),
    Metric::counter("node_qdisc_drops_total", "Packets dropped."),
    Metric::counter("node_qdisc_overlimits_total", "Packets past a limit."),
    Metric::counter("node_qdisc_packets_total", "Packets sent."),
    Metric::counter("node_qdisc_requeues_total", "Packets not sent but put back into the queue."),
];

// Of linux/rtnetlink.h and linux/gen_stats.h.
const RTM_NEWQDISC: u16 = 36;
const RTM_GETQDISC: u16 = 38;
const TCA_KIND: u16 = 1;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;

/// `struct tcmsg`:
///
/// ```text
/// family u8 | padding u8 * 3 | index u32 | handle u32 | parent u32 | info u32
/// ```
const HEADER_BYTES: usize = 20;
const INDEX_AT: usize = 4;
const PARENT_AT: usize = 12;
/// The parent of what has none.
const TC_H_ROOT: u32 = u32::MAX;

/// Table: member of an object in a fixture => its place in [`METRICS`].
const MEMBERS: [&str; METRICS.len()] =
    ["Backlog", "Bytes", "Qlen", "Drops", "Overlimits", "Packets", "Requeues"];

pub(super) struct Qdisc {
    socket: KernelSocket,
    fixture: Option<KeptFile>,
    verdicts: Verdicts,
    table: Table,
}

impl Qdisc {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let fixtures = Some(setup.flags.text(FIXTURES)).filter(|folder| !folder.is_empty());
        Ok(Box::new(Qdisc {
            fixture: fixtures.map(|folder| KeptFile::new(Path::new(folder).join("results.json"))),
            socket: KernelSocket::new(Protocol::Route),
            verdicts: Verdicts::new(setup.flags.filter(INCLUDE, EXCLUDE)),
            table: Table::register(&setup.registry, &["device", "kind"], &METRICS)?,
        }))
    }
}

impl Collector for Qdisc {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let Qdisc { socket, fixture, verdicts, table } = self;
        let (mut sweep, mut verdicts) = (table.sweep(), verdicts.pass());
        if let Some(fixture) = fixture {
            return show_fixture(files.read(fixture)?, &mut sweep, &mut verdicts);
        }
        files.read_links()?;
        let kinds = (RTM_GETQDISC, RTM_NEWQDISC);
        socket.dump("RTM_GETQDISC", kinds, &[0; HEADER_BYTES], |body| {
            let Some(discipline) = parse_discipline(body) else { return };
            let Some(link) = files.links.by_index(discipline.index) else { return };
            if verdicts.lets(&link.name) {
                let labels = [&*link.name, &*to_text(discipline.kind)];
                sweep.row(&labels).set_all(&discipline.values.map(|value| Some(value as f64)));
            }
        })
    }
}

/// Shows the disciplines that a document lists, of those at the root of an interface.
fn show_fixture(
    document: &[u8],
    sweep: &mut Sweep<'_>,
    verdicts: &mut VerdictPass<'_>,
) -> Result<(), CollectError> {
    let list = Json::parse(document);
    let list = list.ok_or_else(|| CollectError::malformed("results.json", 1, "JSON", None))?;
    for discipline in list.elements().iter().filter(|of| of.number("Parent") == 0.0) {
        let device = discipline.text("IfaceName");
        if verdicts.lets(device) {
            let values = MEMBERS.map(|member| Some(discipline.number(member)));
            sweep.row(&[device, discipline.text("Kind")]).set_all(&values);
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Discipline<'a> {
    index: u32,
    kind: &'a [u8],
    /// In the order of [`METRICS`].
    values: [u64; METRICS.len()],
}

/// `None` for one that is not at the root of its interface, or cut off.
fn parse_discipline(body: &[u8]) -> Option<Discipline<'_>> {
    let index = word_at(body, INDEX_AT)?;
    if !matches!(word_at(body, PARENT_AT)?, 0 | TC_H_ROOT) {
        return None;
    }
    let (mut kind, mut sent, mut queue) = (&b""[..], [0; 2], [0; 5]);
    for attribute in attributes(body.get(HEADER_BYTES..)?) {
        match attribute? {
            (TCA_KIND, value) => kind = text(value),
            (TCA_STATS2, value) => {
                for statistic in attributes(value) {
                    match statistic? {
                        (TCA_STATS_BASIC, value) => {
                            sent = [long_at(value, 0)?, word_at(value, 8)?.into()];
                        }
                        (TCA_STATS_QUEUE, value) => queue = parse_queue(value)?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let ([bytes, packets], [length, backlog, drops, requeues, overlimits]) = (sent, queue);
    let values = [backlog, bytes, length, drops, overlimits, packets, requeues];
    Some(Discipline { index, kind, values })
}

/// `struct gnet_stats_queue`: length, backlog, drops, requeues and overlimits.
fn parse_queue(value: &[u8]) -> Option<[u64; 5]> {
    let mut queue = [0; 5];
    for (number, offset) in queue.iter_mut().zip((0..).step_by(4)) {
        *number = word_at(value, offset)?.into();
    }
    Some(queue)
}

#[cfg(test)]
mod tests {
    use super::super::flags::Filter;
    use super::super::rtnetlink::tests::attribute;
    use super::super::samples::samples;
    use super::*;
    use crate::regex::Regex;
    use crate::registry::Registry;

    fn body(parent: u32) -> Vec<u8> {
        let mut basic = 1_000_000_000_000_u64.to_ne_bytes().to_vec();
        basic.extend([7_u32, 0].into_iter().flat_map(u32::to_ne_bytes));
        let queue: Vec<u8> = (1..=5_u32).flat_map(u32::to_ne_bytes).collect();
        let stats =
            [attribute(TCA_STATS_BASIC, &basic), attribute(TCA_STATS_QUEUE, &queue)].concat();
        let mut body = vec![0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        body.extend(parent.to_ne_bytes());
        body.extend([0; 4]);
        body.extend(attribute(TCA_KIND, b"pfifo_fast\0"));
        body.extend(attribute(TCA_STATS2, &stats));
        body
    }

    #[test]
    fn a_fixture_shows_the_disciplines_at_roots() {
        let registry = Registry::new();
        let mut table = Table::register(&registry, &["device", "kind"], &METRICS).unwrap();
        let mut verdicts = Verdicts::new(Filter::of(Some(Regex::new("eth|wlan").unwrap())));
        let document = br#"[{"IfaceName": "eth0", "Kind": "fq", "Bytes": 83, "Drops": 2},
            {"IfaceName": "eth0", "Kind": "fq_codel", "Parent": 1}, {"IfaceName": "lo"}]"#;
        show_fixture(document, &mut table.sweep(), &mut verdicts.pass()).unwrap();
        let shown = samples(&registry);
        assert_eq!(shown.len(), METRICS.len());
        assert!(shown.contains(&"node_qdisc_bytes_total{device=eth0,kind=fq} 83".to_owned()));
        let error = show_fixture(b"[", &mut table.sweep(), &mut verdicts.pass()).unwrap_err();
        assert_eq!(error.to_string(), "results.json:1: expected JSON, found end of line");
    }

    #[test]
    fn reads_the_discipline_at_the_root() {
        let values = [2, 1_000_000_000_000, 1, 3, 5, 7, 4];
        let expected = Discipline { index: 2, kind: b"pfifo_fast", values };
        assert_eq!(parse_discipline(&body(TC_H_ROOT)), Some(expected));
        assert_eq!(parse_discipline(&body(0x10001)), None);
        for cut in 0..body(TC_H_ROOT).len() {
            if let Some(read) = parse_discipline(&body(TC_H_ROOT)[..cut]) {
                assert_eq!(read.values, [0; 7], "{cut} bytes");
            }
        }
    }
}
