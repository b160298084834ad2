//! The backends that `/proc/net/ip_vs` lists below the addresses that they serve:
//!
//! ```text
//! TCP  0A010A05:1538 wlc
//!   -> 0A010B15:1538      Tunnel  100    180        2
//! FWM  10317000 wlc
//!   -> [2620:0000:0000:0000:0000:0000:0000:0002]:0050 Route 20 0 2
//! ```

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines, parse_hexadecimal};
use crate::collector::text::to_text;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The labels of a backend, in the order of [`Backend::labels`].
pub(super) const LABELS: [&str; 6] =
    ["local_address", "local_port", "remote_address", "remote_port", "proto", "local_mark"];

/// A backend and what it serves.
pub(super) struct Backend<'a> {
    proto: &'a [u8],
    /// Of what is not told apart by a mark.
    local: Option<(IpAddr, u16)>,
    /// Set by a firewall.
    mark: &'a [u8],
    remote: (IpAddr, u16),
    /// Active connections, other ones, and the weight.
    counts: [u64; 3],
}

/// Calls `found` with each backend, up to the first that is malformed.
pub(super) fn parse_backends<'a>(
    content: &'a [u8],
    mut found: impl FnMut(Backend<'a>),
) -> Result<(), CollectError> {
    let (mut proto, mut local, mut mark) = (&b""[..], None, &b""[..]);
    for mut line in Lines::new("ip_vs", content) {
        match line.word() {
            Some(word @ (b"TCP" | b"UDP" | b"SCTP")) => {
                (proto, local, mark) = (word, Some(parse_address(&mut line)?), b"");
            }
            Some(b"FWM") => (proto, local, mark) = (b"FWM", None, line.word().unwrap_or_default()),
            Some(b"->") if line.clone().word() != Some(b"RemoteAddress:Port") => {
                let remote = parse_address(&mut line)?;
                let _forwarding = line.word();
                let mut number = || line.number("a number");
                let (weight, active, inactive) = (number()?, number()?, number()?);
                let counts = [active, inactive, weight];
                found(Backend { proto, local, mark, remote, counts });
            }
            _ => {}
        }
    }
    Ok(())
}

fn parse_address(line: &mut Line<'_>) -> Result<(IpAddr, u16), CollectError> {
    let word = line.word();
    let address = word.and_then(|word| {
        let colon = word.iter().rposition(|byte| *byte == b':')?;
        let port = u16::try_from(parse_hexadecimal(&word[colon + 1..])?).ok()?;
        Some((parse_ip(&word[..colon])?, port))
    });
    address.ok_or_else(|| line.malformed("an address and a port", word))
}

/// Eight hexadecimal digits, or version 6 in brackets.
fn parse_ip(word: &[u8]) -> Option<IpAddr> {
    if let Some(inner) = word.strip_prefix(b"[").and_then(|word| word.strip_suffix(b"]")) {
        let address: Ipv6Addr = std::str::from_utf8(inner).ok()?.parse().ok()?;
        return Some(address.to_canonical());
    }
    let number = u32::try_from(parse_hexadecimal(word)?).ok()?;
    (word.len() == 8).then(|| Ipv4Addr::from(number).into())
}

/// The counts of backends, added up where the labels that are shown are the same.
pub(super) struct Sums {
    shown: [bool; LABELS.len()],
    /// Those up to `len` are of this scrape, the others of the one before.
    entries: Vec<(Vec<String>, [u64; 3])>,
    len: usize,
    /// Whether those of this scrape have the labels of the one before, so that one that has them
    /// too is new.
    is_as_before: bool,
    labels: Vec<String>,
}

impl Sums {
    /// None yet, of backends told apart by the labels that are `shown`.
    pub(super) fn new(shown: [bool; LABELS.len()]) -> Sums {
        let labels = shown.iter().filter(|is_shown| **is_shown).map(|_| String::new()).collect();
        Sums { shown, entries: Vec::new(), len: 0, is_as_before: true, labels }
    }

    pub(super) fn begin(&mut self) {
        self.entries.truncate(self.len);
        self.len = 0;
        self.is_as_before = true;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[String], [u64; 3])> {
        self.entries[..self.len].iter().map(|(labels, sums)| (&**labels, *sums))
    }

    pub(super) fn add(&mut self, backend: &Backend<'_>) {
        backend.write_labels(&self.shown, &mut self.labels);
        let is_next = |(labels, _): &(Vec<String>, _)| *labels == self.labels;
        if self.is_as_before && self.entries.get(self.len).is_some_and(is_next) {
            return self.push(backend.counts);
        }
        match self.entries[..self.len].iter_mut().find(|entry| entry.0 == self.labels) {
            Some((_, sums)) => {
                for (sum, count) in sums.iter_mut().zip(backend.counts) {
                    *sum = sum.saturating_add(count);
                }
            }
            None => {
                self.is_as_before = false;
                self.push(backend.counts);
            }
        }
    }

    fn push(&mut self, counts: [u64; 3]) {
        if self.len == self.entries.len() {
            self.entries.push(Default::default());
        }
        let (labels, sums) = &mut self.entries[self.len];
        labels.clone_from(&self.labels);
        *sums = counts;
        self.len += 1;
    }
}

impl Backend<'_> {
    /// Writes the labels that are `shown`, in the order of [`LABELS`].
    fn write_labels(&self, shown: &[bool; LABELS.len()], labels: &mut [String]) {
        let shown = shown.iter().enumerate().filter(|(_, is_shown)| **is_shown);
        for ((index, _), label) in shown.zip(labels) {
            label.clear();
            let written = match (index, self.local) {
                (0, Some((address, _))) => write!(label, "{address}"),
                (0, None) => Ok(()),
                (1, local) => write!(label, "{}", local.map_or(0, |(_, port)| port)),
                (2, _) => write!(label, "{}", self.remote.0),
                (3, _) => write!(label, "{}", self.remote.1),
                (4, _) => label.write_str(&to_text(self.proto)),
                _ => label.write_str(&to_text(self.mark)),
            };
            written.expect("a String takes all");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONTENT: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A010A05:1538 wlc
  -> 0A010B15:1538      Tunnel  100    180        2
  -> 0A010B16:1538      Tunnel  100    1          3
UDP  [2001:0DB8:0000:0000:0000:0000:0000:0011]:0035 sh
  -> [0000:0000:0000:0000:0000:FFFF:C0A8:0033]:0035 Route 2 3 4
FWM  10317000 wlc
  -> 0A010B15:0000      Route   20     64         5
";

    fn sums(content: &str, wanted: &[&str]) -> Result<Vec<String>, String> {
        let mut sums = Sums::new(LABELS.map(|label| wanted.contains(&label)));
        sums.begin();
        parse_backends(content.as_bytes(), |backend| sums.add(&backend))
            .map_err(|error| error.to_string())?;
        Ok(sums.iter().map(|(labels, sums)| format!("{} {sums:?}", labels.join(" "))).collect())
    }

    #[test]
    fn backends_have_the_labels_that_are_wanted() {
        let all = [
            "10.1.10.5 5432 10.1.11.21 5432 TCP  [180, 2, 100]",
            "10.1.10.5 5432 10.1.11.22 5432 TCP  [1, 3, 100]",
            "2001:db8::11 53 192.168.0.51 53 UDP  [3, 4, 2]",
            " 0 10.1.11.21 0 FWM 10317000 [64, 5, 20]",
        ];
        assert_eq!(sums(CONTENT, &LABELS).unwrap(), all);
        let by_proto = ["TCP [181, 5, 200]", "UDP [3, 4, 2]", "FWM [64, 5, 20]"];
        assert_eq!(sums(CONTENT, &["proto"]).unwrap(), by_proto);
        assert_eq!(sums(CONTENT, &[]).unwrap(), [" [248, 14, 222]"]);
    }

    #[test]
    fn sums_are_those_of_the_last_scrape() {
        let mut sums = Sums::new(LABELS.map(|label| label == "proto"));
        for (lines, expected) in [
            ("TCP UDP TCP", "TCP 2, UDP 1"),
            ("TCP UDP TCP", "TCP 2, UDP 1"),
            ("UDP TCP TCP UDP", "UDP 2, TCP 2"),
            ("TCP TCP", "TCP 2"),
            ("TCP UDP", "TCP 1, UDP 1"),
        ] {
            sums.begin();
            for proto in lines.split(' ') {
                let content = format!("{proto} 00000000:0000\n -> 00000000:0000 R 1 1 1\n");
                parse_backends(content.as_bytes(), |backend| sums.add(&backend)).unwrap();
            }
            let shown: Vec<String> =
                sums.iter().map(|(labels, sums)| format!("{} {}", labels[0], sums[0])).collect();
            assert_eq!(shown.join(", "), expected, "{lines}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("TCP C0A8:1 wlc\n", "ip_vs:1: expected an address and a port, found C0A8:1"),
            ("\n -> 0A010B15:10000 x\n", {
                "ip_vs:2: expected an address and a port, found 0A010B15:10000"
            }),
            ("TCP\n", "ip_vs:1: expected an address and a port, found end of line"),
            (" -> 0A010B15:1 R 1 2\n", "ip_vs:1: expected a number, found end of line"),
        ];
        for (content, expected) in CASES {
            assert_eq!(sums(content, &LABELS), Err((*expected).to_owned()), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn no_content_panics(pieces in prop::collection::vec(prop::sample::select(&[
            "TCP ", "FWM ", " -> ", "0A010A05:1538 ", "[::1]:1 ", "[]:", "\n", "1 ", "x ", "\u{e4} ",
        ][..]), 0..30)) {
            let content = pieces.concat();
            prop_assert!(sums(&content, &LABELS).is_ok_and(|sums| sums.len() <= pieces.len())
                || sums(&content, &LABELS).is_err());
        }
    }
}
