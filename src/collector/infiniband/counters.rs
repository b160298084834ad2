//! What is counted of a port, and how its files are read.

use crate::collector::lines::parse_number;
use crate::collector::number_files::NumberFile;
use crate::collector::table::Metric;

const fn counter(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    NumberFile::new(file, Metric::counter(name, help))
}

/// Files of `counters`.
pub(super) const COUNTERS: [NumberFile; 22] = [
    counter(
        "excessive_buffer_overrun_errors",
        "node_infiniband_excessive_buffer_overrun_errors_total",
        "Times that the buffers of a port overran for longer than they may.",
    ),
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
        "local_link_integrity_errors",
        "node_infiniband_local_link_integrity_errors_total",
        "Times that a link had more errors than it may.",
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
        "port_rcv_remote_physical_errors",
        "node_infiniband_port_receive_remote_physical_errors_total",
        "Packets received that were marked as bad on their way.",
    ),
    counter(
        "port_rcv_switch_relay_errors",
        "node_infiniband_port_receive_switch_relay_errors_total",
        "Packets received that the switch could not forward.",
    ),
    counter(
        "port_xmit_wait",
        "node_infiniband_port_transmit_wait_total",
        "Ticks in which data waited and none was sent.",
    ),
    counter(
        "symbol_error",
        "node_infiniband_symbol_error_total",
        "Minor errors on the lanes of the link.",
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
    counter(
        "VL15_dropped",
        "node_infiniband_vl15_dropped_total",
        "Management packets dropped for want of room.",
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

/// Files of `hw_counters`, which adapters for RoCE have as well.
pub(super) const HARDWARE_COUNTERS: [NumberFile; 30] = [
    counter(
        "duplicate_request",
        "node_infiniband_duplicate_requests_packets_total",
        "Requests received a second time.",
    ),
    counter(
        "implied_nak_seq_err",
        "node_infiniband_implied_nak_seq_errors_total",
        "Answers to a later packet than was expected.",
    ),
    NumberFile::new(
        "lifespan",
        Metric::gauge(
            "node_infiniband_lifespan_seconds",
            "How old these counts may be, in whole seconds.",
        ),
    )
    .parsed(parse_whole_seconds),
    counter(
        "local_ack_timeout_err",
        "node_infiniband_local_ack_timeout_errors_total",
        "Times that no answer came in time.",
    ),
    counter(
        "np_cnp_sent",
        "node_infiniband_np_cnp_packets_sent_total",
        "Notices of congestion that were sent.",
    ),
    counter(
        "np_ecn_marked_roce_packets",
        "node_infiniband_np_ecn_marked_roce_packets_received_total",
        "RoCE packets received that told of congestion.",
    ),
    counter(
        "out_of_buffer",
        "node_infiniband_out_of_buffer_drops_total",
        "Packets dropped as the receiver had posted no buffer.",
    ),
    counter(
        "out_of_sequence",
        "node_infiniband_out_of_sequence_packets_received_total",
        "Packets received out of their order.",
    ),
    counter(
        "packet_seq_err",
        "node_infiniband_packet_sequence_errors_total",
        "Refusals received of packets out of their order.",
    ),
    counter(
        "req_cqe_error",
        "node_infiniband_req_cqes_errors_total",
        "Requests that ended with an error.",
    ),
    counter(
        "req_cqe_flush_error",
        "node_infiniband_req_cqes_flush_errors_total",
        "Requests that were flushed.",
    ),
    counter(
        "req_remote_access_errors",
        "node_infiniband_req_remote_access_errors_total",
        "Requests that the other side did not allow.",
    ),
    counter(
        "req_remote_invalid_request",
        "node_infiniband_req_remote_invalid_request_errors_total",
        "Requests that the other side did not understand.",
    ),
    counter(
        "resp_cqe_error",
        "node_infiniband_resp_cqes_errors_total",
        "Answers that ended with an error.",
    ),
    counter(
        "resp_cqe_flush_error",
        "node_infiniband_resp_cqes_flush_errors_total",
        "Answers that were flushed.",
    ),
    counter(
        "resp_local_length_error",
        "node_infiniband_resp_local_length_errors_total",
        "Requests received that were of a wrong length.",
    ),
    counter(
        "resp_remote_access_errors",
        "node_infiniband_resp_remote_access_errors_total",
        "Requests received that were not allowed.",
    ),
    counter(
        "rnr_nak_retry_err",
        "node_infiniband_rnr_nak_retry_packets_received_total",
        "Refusals received as the other side was not ready.",
    ),
    counter(
        "roce_adp_retrans_to",
        "node_infiniband_roce_adp_retransmits_timeout_total",
        "Times that RoCE gave up sending again.",
    ),
    counter(
        "roce_adp_retrans",
        "node_infiniband_roce_adp_retransmits_total",
        "RoCE packets sent again, when it was time to.",
    ),
    counter(
        "roce_slow_restart_cnps",
        "node_infiniband_roce_slow_restart_cnps_total",
        "Notices of congestion from slow restarts of RoCE.",
    ),
    counter(
        "roce_slow_restart_trans",
        "node_infiniband_roce_slow_restart_total",
        "Times that RoCE changed to a slow restart.",
    ),
    counter(
        "roce_slow_restart",
        "node_infiniband_roce_slow_restart_used_total",
        "Times that RoCE restarted slowly.",
    ),
    counter(
        "rp_cnp_ignored",
        "node_infiniband_rp_cnp_ignored_packets_received_total",
        "Notices of congestion that were ignored.",
    ),
    counter(
        "rp_cnp_handled",
        "node_infiniband_rp_cnp_packets_handled_total",
        "Notices of congestion that were heeded.",
    ),
    counter(
        "rx_atomic_requests",
        "node_infiniband_rx_atomic_requests_total",
        "Atomic requests that were received.",
    ),
    counter(
        "rx_dct_connect",
        "node_infiniband_rx_dct_connect_requests_total",
        "Requests to connect that were received.",
    ),
    counter(
        "rx_icrc_encapsulated",
        "node_infiniband_rx_icrc_encapsulated_errors_total",
        "RoCE packets received with a wrong checksum.",
    ),
    counter(
        "rx_read_requests",
        "node_infiniband_rx_read_requests_total",
        "Read requests that were received.",
    ),
    counter(
        "rx_write_requests",
        "node_infiniband_rx_write_requests_total",
        "Write requests that were received.",
    ),
];

/// Adapters count data in words of this many bytes.
const BYTES_PER_WORD: f64 = 4.0;

const MILLISECONDS_PER_SECOND: u64 = 1000;

const BYTES_PER_GIGABIT: f64 = 125_000_000.0;

fn parse_words(content: &[u8]) -> Option<f64> {
    Some(parse_number::<f64>(content)? * BYTES_PER_WORD)
}

/// Milliseconds as node_exporter shows them: what is less than a second is dropped.
fn parse_whole_seconds(content: &[u8]) -> Option<f64> {
    Some((parse_number::<u64>(content)? / MILLISECONDS_PER_SECOND) as f64)
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
        assert_eq!(parse_whole_seconds(b"2999"), Some(2.0));
    }
}
