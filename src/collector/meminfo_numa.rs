//! `meminfo_numa`: memory by node. Sources: `meminfo` and `numastat` of each node in sysfs'
//! `devices/system/node` (Documentation/ABI/stable/sysfs-devices-node).
//!
//! Every field is a family of its own: `Node 0 Active(anon): 5 kB` is
//! `node_memory_numa_Active_anon` in bytes, `numa_hit 7` is `node_memory_numa_numa_hit_total`.

use super::devices::Devices;
use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::meminfo::as_name;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;

const BYTES_PER_KB: f64 = 1024.0;
const NODE: &str = "node";

pub(super) struct MemInfoNuma {
    nodes: Devices<Node>,
    memory: Fields,
    counts: Fields,
}

struct Node {
    meminfo: KeptFile,
    numastat: KeptFile,
}

impl MemInfoNuma {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(MemInfoNuma {
            nodes: Devices::new(setup.roots.sys.join("devices/system/node")),
            memory: Fields::new(&setup.registry),
            counts: Fields::new(&setup.registry),
        }))
    }
}

impl Collector for MemInfoNuma {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut memory, mut counts) = (self.memory.sweep(), self.counts.sweep());
        self.nodes.refresh_if_there(|name, folder| {
            let number = name.strip_prefix(NODE)?;
            let file = |name: &str| KeptFile::new(folder.join(name));
            let is_node = number.starts_with(|letter: char| letter.is_ascii_digit());
            is_node.then(|| Node { meminfo: file("meminfo"), numastat: file("numastat") })
        })?;
        let mut outcome = Ok(());
        for (name, Node { meminfo, numastat }) in self.nodes.iter_mut() {
            let shown = files.read(meminfo).and_then(|content| show_memory(content, &mut memory));
            outcome = outcome.and(shown);
            let node = &name[NODE.len()..];
            let shown =
                files.read(numastat).and_then(|content| show_counts(content, node, &mut counts));
            outcome = outcome.and(shown);
        }
        outcome
    }
}

fn show_memory(content: &[u8], fields: &mut FieldSweep<'_>) -> Result<(), CollectError> {
    for line in Lines::new("meminfo", content) {
        let Some(Memory { node, name, bytes }) = parse_memory(line)? else { continue };
        let row = fields.row(name, &[node], || describe(name, "", Kind::Gauge));
        row?.set(0, Some(bytes));
    }
    Ok(())
}

fn show_counts(
    content: &[u8],
    node: &str,
    fields: &mut FieldSweep<'_>,
) -> Result<(), CollectError> {
    for mut line in Lines::new("numastat", content) {
        let Some(field) = line.word() else { continue };
        let count: u64 = line.number("a count")?;
        let row = fields.row(field, &[node], || describe(field, "_total", Kind::Counter));
        row?.set(0, Some(count as f64));
    }
    Ok(())
}

fn describe(field: &[u8], suffix: &str, kind: Kind) -> Described {
    Described {
        name: format!("node_memory_numa_{}{suffix}", as_name(field)),
        help: format!("Field {} of a node.", field.escape_ascii()),
        kind,
        label_names: &[NODE],
    }
}

/// A line of `meminfo`.
#[derive(Debug, PartialEq)]
struct Memory<'a> {
    node: &'a str,
    name: &'a [u8],
    /// Or a number of huge pages.
    bytes: f64,
}

/// Reads `Node 0 NAME: NUMBER`, perhaps with `kB`. `None` for an empty line.
fn parse_memory(mut line: Line<'_>) -> Result<Option<Memory<'_>>, CollectError> {
    if line.word().is_none() {
        return Ok(None);
    }
    let word = line.word();
    let node = word.and_then(|word| std::str::from_utf8(word).ok());
    let node = node.ok_or_else(|| line.malformed("the number of a node", word))?;
    let word = line.word();
    let name = word.and_then(|word| word.strip_suffix(b":"));
    let name = name.ok_or_else(|| line.malformed("a field's name and a colon", word))?;
    let number = line.number::<u64>("a number")? as f64;
    match line.word() {
        None => Ok(Some(Memory { node, name, bytes: number })),
        Some(b"kB") => Ok(Some(Memory { node, name, bytes: number * BYTES_PER_KB })),
        other => Err(line.malformed("kB", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<Option<(String, f64)>, String> {
        let content = format!("{content}\n");
        let line = Lines::new("meminfo", content.as_bytes()).next().unwrap();
        let memory = parse_memory(line).map_err(|error| error.to_string())?;
        let name = |name| describe(name, "", Kind::Gauge).name;
        Ok(memory.map(|memory| (format!("{}{{{}}}", name(memory.name), memory.node), memory.bytes)))
    }

    #[test]
    fn fields_are_named_as_node_exporter_names_them() {
        const CASES: &[(&str, &str, f64)] = &[
            (
                "Node 0 MemTotal:       137438953472 kB",
                "node_memory_numa_MemTotal{0}",
                140737488355328.0,
            ),
            ("Node 1 Active(anon): 5 kB", "node_memory_numa_Active_anon{1}", 5120.0),
            ("Node 12 HugePages_Free: 3", "node_memory_numa_HugePages_Free{12}", 3.0),
        ];
        for (content, name, value) in CASES {
            assert_eq!(parse(content).unwrap(), Some(((*name).to_owned(), *value)));
        }
        assert_eq!(parse("").unwrap(), None);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("Node", "meminfo:1: expected the number of a node, found end of line"),
            (
                "Node 0 MemTotal 1 kB",
                "meminfo:1: expected a field's name and a colon, found MemTotal",
            ),
            ("Node 0 MemTotal: x kB", "meminfo:1: expected a number, found x"),
            ("Node 0 MemTotal: 1 MB", "meminfo:1: expected kB, found MB"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err(), *expected, "{content:?}");
        }
    }
}
