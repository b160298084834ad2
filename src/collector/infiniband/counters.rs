//! What is counted of a port, and how its files are read.

use crate::collector::lines::parse_number;
use crate::collector::number_files::NumberFile;
use crate::collector::table::Metric;

const fn counter(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    NumberFile::new(file, Metric::counter(name, help))
}

/// Files of `counters`.
pub(super) const COUNTERS: [NumberFile; 16] = [
    counter(
        "link_downed",
        "node_infiniband_link_downed_total",
        "Times that the link went down for good.",
    ),
    counter(
        "link_error_recovery",
        "node_infiniband_link_error_recovery_total",
        "Times that the link recovered from an error.",
    ),
    counter(
        "multicast_rcv_packets",
        "node_infiniband_multicast_packets_received_total",
        "Packets to several that were received.",
    ),
    counter(
        "multicast_xmit_packets",
        "node_infiniband_multicast_packets_transmitted_total",
        "Packets to several that were sent.",
    ),
    counter(
        "port_rcv_constraint_errors",
        "node_infiniband_port_constraint_errors_received_total",
        "Packets received that a constraint forbade.",
    ),
    counter(
        "port_xmit_constraint_errors",
        "node_infiniband_port_constraint_errors_transmitted_total",
        "Packets to be sent that a constraint forbade.",
    ),
    counter(
        "port_rcv_data",
        "node_infiniband_port_data_received_bytes_total",
        "Data that was received.",
    )
    .parsed(parse_words),
    counter(
        "port_xmit_data",
        "node_infiniband_port_data_transmitted_bytes_total",
        "Data that was sent.",
    )
    .parsed(parse_words),
    counter(
        "port_rcv_discards",
        "node_infiniband_port_discards_received_total",
        "Packets received that were dropped.",
    ),
    counter(
        "port_xmit_discards",
        "node_infiniband_port_discards_transmitted_total",
        "Packets to be sent that were dropped.",
    ),
    counter(
        "port_rcv_errors",
        "node_infiniband_port_errors_received_total",
        "Packets received with an error.",
    ),
    counter(
        "port_rcv_packets",
        "node_infiniband_port_packets_received_total",
        "Packets that were received.",
    ),
    counter(
        "port_xmit_packets",
        "node_infiniband_port_packets_transmitted_total",
        "Packets that were sent.",
    ),
    counter(
        "port_xmit_wait",
        "node_infiniband_port_transmit_wait_total",
        "Ticks in which data waited and none was sent.",
    ),
    counter(
        "unicast_rcv_packets",
        "node_infiniband_unicast_packets_received_total",
        "Packets to one that were received.",
    ),
    counter(
        "unicast_xmit_packets",
        "node_infiniband_unicast_packets_transmitted_total",
        "Packets to one that were sent.",
    ),
];

/// Files of `counters_ext`.
pub(super) const LEGACY_COUNTERS: [NumberFile; 8] = [
    counter(
        "port_multicast_rcv_packets",
        "node_infiniband_legacy_multicast_packets_received_total",
        "Packets to several that were received, by an older kernel.",
    ),
    counter(
        "port_multicast_xmit_packets",
        "node_infiniband_legacy_multicast_packets_transmitted_total",
        "Packets to several that were sent, by an older kernel.",
    ),
    counter(
        "port_rcv_data_64",
        "node_infiniband_legacy_data_received_bytes_total",
        "Data that was received, by an older kernel.",
    )
    .parsed(parse_words),
    counter(
        "port_rcv_packets_64",
        "node_infiniband_legacy_packets_received_total",
        "Packets that were received, by an older kernel.",
    ),
    counter(
        "port_unicast_rcv_packets",
        "node_infiniband_legacy_unicast_packets_received_total",
        "Packets to one that were received, by an older kernel.",
    ),
    counter(
        "port_unicast_xmit_packets",
        "node_infiniband_legacy_unicast_packets_transmitted_total",
        "Packets to one that were sent, by an older kernel.",
    ),
    counter(
        "port_xmit_data_64",
        "node_infiniband_legacy_data_transmitted_bytes_total",
        "Data that was sent, by an older kernel.",
    )
    .parsed(parse_words),
    counter(
        "port_xmit_packets_64",
        "node_infiniband_legacy_packets_transmitted_total",
        "Packets that were sent, by an older kernel.",
    ),
];

/// Adapters count data in words of this many bytes.
const BYTES_PER_WORD: f64 = 4.0;

const BYTES_PER_GIGABIT: f64 = 125_000_000.0;

fn parse_words(content: &[u8]) -> Option<f64> {
    Some(parse_number::<f64>(content)? * BYTES_PER_WORD)
}

/// The number of a state such as `4: ACTIVE`.
pub(super) fn parse_state(content: &[u8]) -> Option<f64> {
    let colon = content.iter().position(|byte| *byte == b':')?;
    let number: u32 = parse_number(content[..colon].trim_ascii())?;
    Some(number.into())
}

/// The bytes a second of a rate such as `2.5 Gb/sec (1X SDR)`.
pub(super) fn parse_rate(content: &[u8]) -> Option<f64> {
    let blank = content.iter().position(|byte| *byte == b' ')?;
    let gigabits: f64 = parse_number(&content[..blank])?;
    Some((gigabits * BYTES_PER_GIGABIT).trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_rates_begin_with_their_number() {
        assert_eq!(parse_state(b"4: ACTIVE"), Some(4.0));
        assert_eq!(parse_state(b"ACTIVE"), None);
        assert_eq!(parse_rate(b"2.5 Gb/sec (1X SDR)"), Some(312_500_000.0));
        assert_eq!(parse_rate(b"100"), None);
        assert_eq!(parse_words(b"7"), Some(28.0));
    }
}
