//! `udp_queues`: bytes in the queues of UDP sockets. Sources: `net/udp` and `net/udp6` of
//! proc_net(5).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Lines, parse_hexadecimal};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 2] = [queue("rx"), queue("tx")];

const fn queue(name: &'static str) -> Metric {
    Metric::gauge("node_udp_queues", "Bytes in the queues of UDP sockets.")
        .with_label("queue", name)
}

/// Table: file => version of the Internet protocol.
const SOURCES: [(&str, &str); 2] = [("udp", "v4"), ("udp6", "v6")];

/// Words of a line in front of that of the queues.
const QUEUES_PLACE: usize = 4;

pub(super) struct UdpQueues {
    files: [KeptFile; SOURCES.len()],
    table: Table,
}

impl UdpQueues {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.proc.join("net");
        Ok(Box::new(UdpQueues {
            files: SOURCES.map(|(name, _)| KeptFile::of_many_records(folder.join(name))),
            table: Table::register(&setup.registry, &["ip"], &METRICS)?,
        }))
    }
}

impl Collector for UdpQueues {
    /// There is no data where the kernel has neither version.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let mut missing = None;
        let mut is_any_there = false;
        for ((name, version), file) in SOURCES.into_iter().zip(&mut self.files) {
            match files.read(file) {
                Ok(content) => {
                    sweep.row(&[version]).set_all(&parse_queues(name, content)?.map(Some));
                    is_any_there = true;
                }
                Err(error) if error.is_no_data() => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        missing.filter(|_| !is_any_there).map_or(Ok(()), Err)
    }
}

/// Bytes received and not read yet, and bytes to be sent, of all sockets. A line has them as
/// `SENT:RECEIVED`.
fn parse_queues(file: &'static str, content: &[u8]) -> Result<[f64; 2], CollectError> {
    let (mut received, mut sent) = (0_u64, 0_u64);
    for mut line in Lines::new(file, content).skip(1) {
        for _ in 0..QUEUES_PLACE {
            line.word();
        }
        let word = line.word();
        let queues = word.and_then(|word| {
            let colon = word.iter().position(|byte| *byte == b':')?;
            Some((parse_hexadecimal(&word[..colon])?, parse_hexadecimal(&word[colon + 1..])?))
        });
        let queues = queues.ok_or_else(|| line.malformed("the lengths of two queues", word))?;
        (sent, received) = (sent.wrapping_add(queues.0), received.wrapping_add(queues.1));
    }
    Ok([received as f64, sent as f64])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n";

    #[test]
    fn sums_up_the_queues_of_all_sockets() {
        let content = format!(
            "{HEAD}  0: 0100007F:1F90 00000000:0000 07 00000015:000000FF 00:00000000 00000000 0\n \
             11: 0100007F:1F91 00000000:0000 07 00000001:00000000 00:00000000 00000000 0\n"
        );
        assert_eq!(parse_queues("udp", content.as_bytes()).unwrap(), [255.0, 22.0]);
        assert_eq!(parse_queues("udp", HEAD.as_bytes()).unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("0: a b 07 1\n", "udp6:2: expected the lengths of two queues, found 1"),
            ("0: a b 07 x:1\n", "udp6:2: expected the lengths of two queues, found x:1"),
            ("0: a b\n", "udp6:2: expected the lengths of two queues, found end of line"),
        ];
        for (line, expected) in CASES {
            let error = parse_queues("udp6", format!("{HEAD}{line}").as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{line:?}");
        }
    }
}
