//! `udp_queues`: bytes in the queues of UDP sockets. Sources: `net/udp` and `net/udp6` of
//! proc_net(5).
//!
//! For each read the kernel walks its whole table of sockets, which may well be empty. It counts a
//! socket in `net/sockstat` and `net/sockstat6` as long as it is in that table, so where those say
//! that there is none, the queues are known to be empty. That holds for views of the kernel: a copy
//! is believed on its own.

use super::error::CollectError;
use super::fs::{Files, KeptFile, SharedId};
use super::lines::{Lines, parse_hexadecimal};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;

const METRICS: [Metric; 2] = [queue("rx"), queue("tx")];

const fn queue(name: &'static str) -> Metric {
    Metric::gauge("node_udp_queues", "Bytes in the queues of UDP sockets.")
        .with_label("queue", name)
}

/// What tells of the sockets of one version of the Internet protocol.
struct Source {
    file: &'static str,
    version: &'static str,
    /// The file that counts the sockets, and how its line of them begins when there is none.
    counts: &'static str,
    none: &'static [u8],
}

const SOURCES: [Source; 2] = [
    Source { file: "udp", version: "v4", counts: "sockstat", none: b"UDP: inuse 0" },
    Source { file: "udp6", version: "v6", counts: "sockstat6", none: b"UDP6: inuse 0" },
];

/// Bytes of the longest line: two addresses of 37, and numbers of 140 at most.
const LINE_BYTES_MAX: usize = 256;

/// Words of a line in front of that of the queues.
const QUEUES_PLACE: usize = 4;

pub(super) struct UdpQueues {
    sockets: [Sockets; SOURCES.len()],
    table: Table,
}

/// Where the sockets of one version are listed and counted.
struct Sockets {
    list: KeptFile,
    counts: SharedId,
}

impl UdpQueues {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.proc.join("net");
        let sockets = SOURCES.each_ref().map(|source| Sockets::new(source, &folder, setup.files));
        let table = Table::register(&setup.registry, &["ip"], &METRICS)?;
        Ok(Box::new(UdpQueues { sockets, table }))
    }
}

impl Collector for UdpQueues {
    /// There is no data where the kernel has neither version.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let mut missing = None;
        let mut is_any_there = false;
        for (source, sockets) in SOURCES.iter().zip(&mut self.sockets) {
            match sockets.read_queues(source, files) {
                Ok(queues) => {
                    sweep.row(&[source.version]).set_all(&queues.map(Some));
                    is_any_there = true;
                }
                Err(error) if error.is_no_data() => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        missing.filter(|_| !is_any_there).map_or(Ok(()), Err)
    }
}

impl Sockets {
    fn new(of: &Source, folder: &Path, files: &mut Files) -> Sockets {
        Sockets {
            list: KeptFile::of_short_records(folder.join(of.file), LINE_BYTES_MAX),
            counts: files.share(folder.join(of.counts)),
        }
    }

    /// The lengths of the queues. The list is read where it was not yet, so it is known to be there.
    fn read_queues(&mut self, of: &Source, files: &mut Files) -> Result<[f64; 2], CollectError> {
        let are_none = |counts| begins_a_line(of.none, counts);
        if self.list.is_view() && files.read_shared_view(self.counts).is_some_and(are_none) {
            return Ok([0.0; 2]);
        }
        parse_queues(of.file, files.read(&mut self.list)?)
    }
}

/// Whether a line of `content` begins with the words of `start`.
fn begins_a_line(start: &[u8], content: &[u8]) -> bool {
    Lines::new("sockstat", content).any(|mut line| line.take(start).is_some())
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
    use crate::collector::scratch::Scratch;
    use std::net::UdpSocket;

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

    /// What the files of `folder` say of the sockets of version 4 at each of two scrapes.
    fn read_twice(folder: &Path, none: &'static [u8]) -> [[f64; 2]; 2] {
        let source = Source { none, ..SOURCES[0] };
        let mut files = Files::default();
        let mut sockets = Sockets::new(&source, folder, &mut files);
        [(); 2].map(|()| {
            files.begin_scrape();
            sockets.read_queues(&source, &mut files).unwrap()
        })
    }

    #[test]
    fn the_list_is_read_while_there_are_sockets() {
        const BYTES: usize = 1000;
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(&[0; BYTES], socket.local_addr().unwrap()).unwrap();
        let folder = Path::new("/proc/self/net");
        for [received, _] in read_twice(folder, SOURCES[0].none) {
            assert!(received >= BYTES as f64, "{received}");
        }
        // As if the line that counts all sockets said that there is none.
        let [[first, _], second] = read_twice(folder, b"sockets: used");
        assert!(first >= BYTES as f64, "{first}");
        assert_eq!(second, [0.0; 2]);
    }

    #[test]
    fn a_copy_of_the_list_is_believed() {
        let scratch = Scratch::new("udp-queues-copy");
        scratch.write("sockstat", b"UDP: inuse 0 mem 0\n");
        scratch.write("udp", format!("{HEAD}0: a b 07 1:2\n").as_bytes());
        assert_eq!(read_twice(&scratch.path(""), SOURCES[0].none), [[2.0, 1.0]; 2]);
    }

    #[test]
    fn knows_the_line_that_counts_no_sockets() {
        const CASES: &[(&str, bool)] = &[
            ("TCP: inuse 3\nUDP: inuse 0 mem 0\n", true),
            ("UDP: inuse 0\nRAW: inuse 0\n", true),
            ("UDP: inuse 01\n", false),
            ("UDP: inuse 10 mem 0\n", false),
            ("UDP6: inuse 0\nUDPLITE: inuse 0\n", false),
            ("", false),
        ];
        for (content, expected) in CASES {
            assert_eq!(begins_a_line(SOURCES[0].none, content.as_bytes()), *expected, "{content}");
        }
    }
}
