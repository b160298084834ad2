//! `meminfo`: memory by use. Source: proc_meminfo(5).
//!
//! A field is a family of its own, under the field's name: `Active(anon)` in kB is
//! `node_memory_Active_anon_bytes`, `HugePages_Total` without a unit is
//! `node_memory_HugePages_Total`. Shown are the fields that node_exporter shows, which since 1.9
//! has been a fixed list: `KReclaimable`, `Hugetlb` and others of late are not in it.

use super::error::CollectError;
use super::fields::{Described, Fields};
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::remembered::Remembered;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;

/// The fields that are shown, sorted.
#[rustfmt::skip]
const SHOWN: [&[u8]; 51] = [
    b"Active", b"Active(anon)", b"Active(file)", b"AnonHugePages", b"AnonPages", b"Bounce",
    b"Buffers", b"Cached", b"CmaFree", b"CmaTotal", b"CommitLimit", b"Committed_AS",
    b"DirectMap1G", b"DirectMap2M", b"DirectMap4k", b"Dirty", b"HardwareCorrupted",
    b"HugePages_Free", b"HugePages_Rsvd", b"HugePages_Surp", b"HugePages_Total", b"Hugepagesize",
    b"Inactive", b"Inactive(anon)", b"Inactive(file)", b"KernelStack", b"Mapped",
    b"MemAvailable", b"MemFree", b"MemTotal", b"Mlocked", b"NFS_Unstable", b"PageTables",
    b"Percpu", b"SReclaimable", b"SUnreclaim", b"Shmem", b"ShmemHugePages", b"ShmemPmdMapped",
    b"Slab", b"SwapCached", b"SwapFree", b"SwapTotal", b"Unevictable", b"VmallocChunk",
    b"VmallocTotal", b"VmallocUsed", b"Writeback", b"WritebackTmp", b"Zswap", b"Zswapped",
];

pub(super) struct MemInfo {
    file: KeptFile,
    shown: Remembered<bool>,
    sizes: Fields,
    counts: Fields,
}

impl MemInfo {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(MemInfo {
            file: KeptFile::new(setup.roots.proc.join("meminfo")),
            shown: Remembered::new(),
            sizes: Fields::new(&setup.registry),
            counts: Fields::new(&setup.registry),
        }))
    }
}

impl Collector for MemInfo {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut sizes, mut counts) = (self.sizes.sweep(), self.counts.sweep());
        self.shown.begin_pass();
        let mut lines = Lines::new("meminfo", files.read(&mut self.file)?);
        let mut is_empty = true;
        for line in &mut lines {
            let field = parse_field(line)?;
            is_empty = false;
            if !*self.shown.get(field.name, || SHOWN.binary_search(&field.name).is_ok()) {
                continue;
            }
            let fields = match field.unit {
                Unit::Bytes => &mut sizes,
                Unit::Count => &mut counts,
            };
            fields.set(field.name, field.value, || field.describe())?;
        }
        if is_empty { Err(lines.missing("a field")) } else { Ok(()) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Given in kB, which are 1,024 bytes, or as they are.
    Bytes,
    /// A number of huge pages.
    Count,
}

#[derive(Debug, PartialEq)]
struct Field<'a> {
    name: &'a [u8],
    unit: Unit,
    value: f64,
}

impl Field<'_> {
    fn metric_name(&self) -> String {
        let unit = match self.unit {
            Unit::Bytes => "_bytes",
            Unit::Count => "",
        };
        format!("node_memory_{}{unit}", as_name(self.name))
    }

    fn describe(&self) -> Described {
        let help = format!("Field {} of /proc/meminfo.", self.name.escape_ascii());
        Described { name: self.metric_name(), help, kind: Kind::Gauge, label_names: &[] }
    }
}

/// A field's name as part of a metric's: `Active(anon)` is `Active_anon`.
pub(super) fn as_name(field: &[u8]) -> String {
    let letters = field.iter().filter(|byte| **byte != b')').map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(*byte),
        _ => '_',
    });
    letters.collect()
}

/// Reads `NAME: NUMBER` or `NAME: NUMBER kB`.
fn parse_field(mut line: Line<'_>) -> Result<Field<'_>, CollectError> {
    let mut whole = line.clone();
    let name = line.until(b':').filter(|name| !name.is_empty());
    let expected = "a field's name and a colon";
    let name = name.ok_or_else(|| line.malformed(expected, whole.word()))?;
    let value = line.number::<u64>("a number")? as f64;
    let unit = if name.starts_with(b"HugePages_") { Unit::Count } else { Unit::Bytes };
    match line.word() {
        None => Ok(Field { name, unit, value }),
        Some(b"kB") => Ok(Field { name, unit, value: value * 1024.0 }),
        other => Err(line.malformed("kB", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<Vec<(String, f64)>, CollectError> {
        let lines = Lines::new("meminfo", content.as_bytes());
        let field = |line| parse_field(line).map(|field| (field.metric_name(), field.value));
        lines.map(field).collect()
    }

    #[test]
    fn a_field_is_named_as_node_exporter_names_it() {
        const CASES: &[(&str, &str, f64)] = &[
            ("MemTotal:       24684084 kB", "node_memory_MemTotal_bytes", 24684084.0 * 1024.0),
            ("Active(anon):       1492 kB", "node_memory_Active_anon_bytes", 1492.0 * 1024.0),
            ("HugePages_Total:       0", "node_memory_HugePages_Total", 0.0),
            ("Committed_AS: 1 kB", "node_memory_Committed_AS_bytes", 1024.0),
            ("New-Thing(x y):\t7", "node_memory_New_Thing_x_y_bytes", 7.0),
            ("VmallocTotal:   34359738367 kB", "node_memory_VmallocTotal_bytes", 35184372087808.0),
        ];
        for (line, name, value) in CASES {
            assert_eq!(parse(&format!("{line}\n")).unwrap(), [((*name).to_owned(), *value)]);
        }
    }

    #[test]
    fn what_is_shown_is_in_order() {
        assert!(SHOWN.is_sorted());
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("A: 1 kB\nB: 2 kB\nC: 3 MB\n", "meminfo:3: expected kB, found MB"),
            ("A: 1 kB\nB 2\n", "meminfo:2: expected a field's name and a colon, found B"),
            (": 2\n", "meminfo:1: expected a field's name and a colon, found :"),
            ("\n", "meminfo:1: expected a field's name and a colon, found end of line"),
            ("A:\n", "meminfo:1: expected a number, found end of line"),
            ("A: -1 kB\n", "meminfo:1: expected a number, found -1"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
