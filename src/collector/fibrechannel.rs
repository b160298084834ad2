//! `fibrechannel`: ports of Fibre Channel adapters. Source: sysfs' `class/fc_host`
//! (Documentation/scsi/scsi_fc_transport.rst).
//!
//! A counter whose file is not there is zero, as in node_exporter; one that the adapter says it
//! does not have is absent.

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::Files;
use super::number_files::{NumberFile, NumberFiles};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;

const INFO: [Metric; 1] =
    [Metric::gauge("node_fibrechannel_info", "What a Fibre Channel port is and does; always 1.")];
/// Files that are labels of the same names. Of the first three `0x` is left out.
const TEXTS: [&str; 10] = [
    "port_id",
    "port_name",
    "fabric_name",
    "speed",
    "port_state",
    "port_type",
    "symbolic_name",
    "supported_classes",
    "supported_speeds",
    "dev_loss_tmo",
];
const HEXADECIMAL_TEXTS: usize = 3;
const HEXADECIMAL_PREFIX_BYTES: usize = 2;

const COUNTERS: [NumberFile; 14] = [
    counter("dumped_frames", "node_fibrechannel_dumped_frames_total", "Frames dropped."),
    counter("error_frames", "node_fibrechannel_error_frames_total", "Frames with an error."),
    counter("invalid_crc_count", "node_fibrechannel_invalid_crc_total", "Wrong checksums."),
    counter("rx_frames", "node_fibrechannel_rx_frames_total", "Frames received."),
    counter("rx_words", "node_fibrechannel_rx_words_total", "Words received."),
    counter("tx_frames", "node_fibrechannel_tx_frames_total", "Frames sent."),
    counter("tx_words", "node_fibrechannel_tx_words_total", "Words sent."),
    counter(
        "seconds_since_last_reset",
        "node_fibrechannel_seconds_since_last_reset_total",
        "Time since the port was reset.",
    ),
    counter("invalid_tx_word_count", "node_fibrechannel_invalid_tx_words_total", "Invalid words."),
    counter("link_failure_count", "node_fibrechannel_link_failure_total", "Failures of the link."),
    counter("loss_of_sync_count", "node_fibrechannel_loss_of_sync_total", "Losses of sync."),
    counter("loss_of_signal_count", "node_fibrechannel_loss_of_signal_total", "Losses of signal."),
    counter("nos_count", "node_fibrechannel_nos_total", "Times that the peer was not operational."),
    counter("fcp_packet_aborts", "node_fibrechannel_fcp_packet_aborts_total", "Packets aborted."),
];

const fn counter(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    NumberFile::new(file, Metric::counter(name, help)).parsed(parse_count)
}

/// What adapters count that do not count.
const NOT_COUNTED: f64 = u64::MAX as f64;

pub(super) struct FibreChannel {
    ports: Devices<Port>,
    info: Table,
    labels: [String; TEXTS.len() + 1],
    counters: Table,
}

struct Port {
    texts: Attributes<{ TEXTS.len() }>,
    counters: NumberFiles<{ COUNTERS.len() }>,
}

impl FibreChannel {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let mut info_labels = TEXTS.to_vec();
        info_labels.push("fc_host");
        Ok(Box::new(FibreChannel {
            ports: Devices::new(setup.roots.sys.join("class/fc_host")),
            info: Table::register(&setup.registry, &info_labels, &INFO)?,
            labels: Default::default(),
            counters: NumberFiles::register(&setup.registry, &["fc_host"], &COUNTERS)?,
        }))
    }
}

impl Collector for FibreChannel {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut info, mut counters) = (self.info.sweep(), self.counters.sweep());
        self.ports.refresh(|_, folder| Some(Port::new(folder)))?;
        self.ports.visit(|name, port| {
            port.texts.begin_scrape();
            let [texts @ .., last] = &mut self.labels;
            port.texts.copy_texts(files, texts);
            texts[..HEXADECIMAL_TEXTS].iter_mut().for_each(strip_prefix);
            name.clone_into(last);
            info.row(&self.labels).set(0, Some(1.0));
            let counts = port.counters.read(files)?;
            let counts = counts.map(|count| Some(count.unwrap_or(0.0)));
            counters.row(&[name]).set_all(&counts.map(|c| c.filter(|c| *c != NOT_COUNTED)));
            Ok(())
        })
    }
}

impl Port {
    fn new(folder: &Path) -> Port {
        let counters = NumberFiles::new(&folder.join("statistics"), &COUNTERS);
        Port { texts: Attributes::new(folder, TEXTS), counters }
    }
}

/// Leaves `0x` out, or whatever stands there, unless there is no more.
fn strip_prefix(text: &mut String) {
    let has_more = text.len() > HEXADECIMAL_PREFIX_BYTES;
    if has_more && text.is_char_boundary(HEXADECIMAL_PREFIX_BYTES) {
        text.drain(..HEXADECIMAL_PREFIX_BYTES);
    }
}

/// A number such as `0x1f`, or without `0x` a decimal one.
fn parse_count(content: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(content).ok()?;
    let count: u64 = match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok()?,
        Some(_) => return None,
        None => super::lines::parse_number(content)?,
    };
    Some(count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_hexadecimal_or_decimal() {
        const CASES: &[(&str, Option<f64>)] = &[
            ("0x1f", Some(31.0)),
            ("0xffffffffffffffff", Some(NOT_COUNTED)),
            ("12", Some(12.0)),
            ("0x", None),
            ("0x+1", None),
            ("1f", None),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse_count(content.as_bytes()), *expected, "{content}");
        }
    }
}
