//! `xfrm`: packets that IPsec dropped, by cause. Source: `net/xfrm_stat` of proc_net(5)
//! (Documentation/networking/xfrm_proc.rst).
//!
//! What an old kernel does not count is zero, as in node_exporter.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

/// A line of the file, and its family.
type Counter = (&'static [u8], Metric);

macro_rules! counter {
    ($key:literal, $name:literal, $help:literal) => {
        ($key, Metric::counter(concat!("node_xfrm_", $name, "_packets_total"), $help))
    };
}

const COUNTERS: [Counter; 28] = [
    counter!(b"XfrmAcquireError", "acquire_error", "State was not acquired in time."),
    counter!(b"XfrmFwdHdrError", "fwd_hdr_error", "Forwarding is not allowed."),
    counter!(b"XfrmInBufferError", "in_buffer_error", "No buffer was left."),
    counter!(b"XfrmInError", "in_error", "Any error of those received that has no own count."),
    counter!(b"XfrmInHdrError", "in_hdr_error", "Faulty header received."),
    counter!(b"XfrmInNoPols", "in_no_pols", "No policy for the states received."),
    counter!(b"XfrmInNoStates", "in_no_states", "No state for what was received."),
    counter!(b"XfrmInPolBlock", "in_pol_block", "A policy discards what was received."),
    counter!(b"XfrmInPolError", "in_pol_error", "Faulty policy for what was received."),
    counter!(b"XfrmInStateExpired", "in_state_expired", "State of what was received expired."),
    counter!(b"XfrmInStateInvalid", "in_state_invalid", "State of what was received is invalid."),
    counter!(b"XfrmInStateMismatch", "in_state_mismatch", "State has another option."),
    counter!(b"XfrmInStateModeError", "in_state_mode_error", "Error of the mode in receiving."),
    counter!(b"XfrmInStateProtoError", "in_state_proto_error", "Error of the protocol, as a key."),
    counter!(b"XfrmInStateSeqError", "in_state_seq_error", "Sequence number out of the window."),
    counter!(b"XfrmInTmplMismatch", "in_tmpl_mismatch", "No template matches the states."),
    counter!(b"XfrmOutBundleCheckError", "out_bundle_check_error", "Bundle failed its check."),
    counter!(b"XfrmOutBundleGenError", "out_bundle_gen_error", "Bundle could not be made."),
    counter!(b"XfrmOutError", "out_error", "Any error of those to send that has no own count."),
    counter!(b"XfrmOutNoStates", "out_no_states", "No state for what is to be sent."),
    counter!(b"XfrmOutPolBlock", "out_pol_block", "A policy discards what is to be sent."),
    counter!(b"XfrmOutPolDead", "out_pol_dead", "Policy of what is to be sent is dead."),
    counter!(b"XfrmOutPolError", "out_pol_error", "Faulty policy for what is to be sent."),
    counter!(b"XfrmOutStateExpired", "out_state_expired", "State of what is to be sent expired."),
    counter!(b"XfrmOutStateInvalid", "out_state_invalid", "State to send with is invalid."),
    counter!(b"XfrmOutStateModeError", "out_state_mode_error", "Error of the mode in sending."),
    counter!(b"XfrmOutStateProtoError", "out_state_proto_error", "Error of the protocol to send."),
    counter!(b"XfrmOutStateSeqError", "out_state_seq_error", "Sequence numbers ran out."),
];

pub(super) struct Xfrm {
    file: KeptFile,
    table: Table,
}

impl Xfrm {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = KeptFile::new(setup.roots.proc.join("net/xfrm_stat"));
        let metrics = COUNTERS.map(|(_, metric)| metric);
        let table = Table::register(&setup.registry, &[], &metrics)?;
        Ok(Box::new(Xfrm { file, table }))
    }
}

impl Collector for Xfrm {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let counts = parse_counts(files.read(&mut self.file)?)?;
        sweep.only_row().set_all(&counts.map(|count| Some(count as f64)));
        Ok(())
    }
}

/// The number in the line of each of [`COUNTERS`].
fn parse_counts(content: &[u8]) -> Result<[i64; COUNTERS.len()], CollectError> {
    let mut counts = [0; COUNTERS.len()];
    for mut line in Lines::new("xfrm_stat", content) {
        let key = line.word();
        let count = line.number("a count of packets")?;
        if let Some(index) = COUNTERS.iter().position(|(known, _)| key == Some(known)) {
            counts[index] = count;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_counts_that_it_knows() {
        let content = b"XfrmInError             \t3\nXfrmNew 9\nXfrmAcquireError\t2\n";
        let counts = parse_counts(content).unwrap();
        assert_eq!((counts[0], counts[3], counts.iter().sum::<i64>()), (2, 3, 5));
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("XfrmInError\n", "xfrm_stat:1: expected a count of packets, found end of line"),
            ("XfrmNew x\n", "xfrm_stat:1: expected a count of packets, found x"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse_counts(content.as_bytes()).unwrap_err().to_string(), *expected);
        }
    }
}
