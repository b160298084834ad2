//! `sockstat`: sockets by protocol. Sources: `net/sockstat` and `net/sockstat6` of proc_net(5).
//!
//! Each number is a family of its own: `inuse` of `TCP` is `node_sockstat_TCP_inuse`. Memory that is
//! given in pages is shown in bytes too.

use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::fs::{Files, SharedId};
use super::lines::{Line, Lines};
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;
use crate::sys::constants::page_size_bytes;

/// The file, and whether it tells how many sockets are used in all.
const SOURCES: [(&str, bool); 2] = [("sockstat", true), ("sockstat6", false)];

/// The protocol of the line that tells of all sockets, and what it is of them.
const ALL: &[u8] = b"sockets";
const USED: &[u8] = b"used";

/// Table: key => what it counts. Others are not shown.
const KEYS: [(&[u8], &str); 6] = [
    (b"inuse", "in use"),
    (b"orphan", "without a process"),
    (b"tw", "that wait for late packets"),
    (b"alloc", "allocated"),
    (b"mem", "as pages of memory"),
    (b"memory", "as bytes of memory"),
];
const PAGES: &[u8] = b"mem";

pub(super) struct SockStat {
    files: [SharedId; SOURCES.len()],
    fields: Fields,
    key: Vec<u8>,
    page_bytes: f64,
}

impl SockStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.proc.join("net");
        Ok(Box::new(SockStat {
            files: SOURCES.map(|(name, _)| setup.files.share(folder.join(name))),
            fields: Fields::new(&setup.registry),
            key: Vec::new(),
            page_bytes: page_size_bytes() as f64,
        }))
    }
}

impl Collector for SockStat {
    /// A protocol family that the kernel lacks is no failure.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let SockStat { files: sources, fields, key, page_bytes } = self;
        let mut shown = Shown { fields: fields.sweep(), key, page_bytes: *page_bytes };
        for ((name, tells_all), source) in SOURCES.into_iter().zip(sources) {
            match files.read_shared(*source) {
                Ok(content) => {
                    let mut lines = Lines::new(name, content);
                    lines.try_for_each(|line| shown.set_protocol(line, tells_all))?;
                }
                Err(error) if error.is_no_data() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

struct Shown<'s> {
    fields: FieldSweep<'s>,
    key: &'s mut Vec<u8>,
    page_bytes: f64,
}

impl Shown<'_> {
    /// Sets the numbers of a line `PROTOCOL: KEY NUMBER...`.
    fn set_protocol(&mut self, mut line: Line<'_>, tells_all: bool) -> Result<(), CollectError> {
        let whole = line.clone().word();
        let protocol = line.until(b':').filter(|protocol| !protocol.is_empty());
        let protocol = protocol.ok_or_else(|| line.malformed("a protocol and a colon", whole))?;
        while let Some(key) = line.word() {
            let value = line.number::<i64>("a number of sockets")? as f64;
            if protocol == ALL {
                if key == USED && tells_all {
                    self.set(protocol, key, value, || "Sockets in use, of all protocols.".into())?;
                }
                continue;
            }
            let Some((_, counted)) = KEYS.iter().find(|(known, _)| *known == key) else { continue };
            let help = || format!("Sockets of {} {counted}.", protocol.escape_ascii());
            self.set(protocol, key, value, help)?;
            if key == PAGES {
                let help = || format!("Memory of {} sockets.", protocol.escape_ascii());
                self.set(protocol, b"mem_bytes", value * self.page_bytes, help)?;
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        protocol: &[u8],
        key: &[u8],
        value: f64,
        help: impl FnOnce() -> String,
    ) -> Result<(), CollectError> {
        self.key.clear();
        for part in [protocol, b"_", key] {
            self.key.extend_from_slice(part);
        }
        self.fields.set(self.key, value, || Described {
            name: format!("node_sockstat_{}", self.key.escape_ascii()),
            help: help(),
            kind: Kind::Gauge,
            label_names: &[],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Registry;

    fn show(content: &str, tells_all: bool) -> Result<Vec<String>, CollectError> {
        let registry = Registry::new();
        let (mut fields, mut key) = (Fields::new(&registry), Vec::new());
        let mut shown = Shown { fields: fields.sweep(), key: &mut key, page_bytes: 4096.0 };
        let mut lines = Lines::new("sockstat", content.as_bytes());
        lines.try_for_each(|line| shown.set_protocol(line, tells_all))?;
        drop(shown);
        Ok(samples(&registry))
    }

    #[test]
    fn shows_what_it_knows_of_each_protocol() {
        let content = "sockets: used 229 odd 1\nTCP: inuse 4 orphan 0 mem 3\nNEW: inuse 1 size 9\n";
        let of_protocols = [
            "node_sockstat_NEW_inuse 1",
            "node_sockstat_TCP_inuse 4",
            "node_sockstat_TCP_mem 3",
            "node_sockstat_TCP_mem_bytes 12288",
            "node_sockstat_TCP_orphan 0",
        ];
        assert_eq!(show(content, false).unwrap(), of_protocols);
        let all = show(content, true).unwrap();
        assert_eq!(all[..5], of_protocols);
        assert_eq!(all[5..], ["node_sockstat_sockets_used 229"]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("TCP inuse 1\n", "sockstat:1: expected a protocol and a colon, found TCP"),
            ("TCP: inuse\n", "sockstat:1: expected a number of sockets, found end of line"),
            ("TCP: inuse x\n", "sockstat:1: expected a number of sockets, found x"),
        ];
        for (content, expected) in CASES {
            assert_eq!(show(content, true).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
