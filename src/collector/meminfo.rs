//! `meminfo`: memory by use. Source: proc_meminfo(5).
//!
//! A field is a family of its own, under the field's name: `Active(anon)` in kB is
//! `node_memory_Active_anon_bytes`, `HugePages_Total` without a unit is
//! `node_memory_HugePages_Total`. Shown are the fields that node_exporter shows, which since 1.9
//! has been a fixed list: `KReclaimable`, `Hugetlb` and others of late are not in it.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines, parse_number};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

/// Fields that are shown.
const FIELDS_SHOWN: usize = 51;

macro_rules! field {
    ($name:literal, $metric:literal) => {
        (
            $name,
            Metric::gauge(
                concat!("node_memory_", $metric),
                concat!("Field ", $name, " of /proc/meminfo."),
            ),
        )
    };
}

/// The fields that are shown, in the kernel's order, so that a field most likely follows the one
/// that was found last.
const FIELDS: [(&str, Metric); FIELDS_SHOWN] = [
    field!("MemTotal", "MemTotal_bytes"),
    field!("MemFree", "MemFree_bytes"),
    field!("MemAvailable", "MemAvailable_bytes"),
    field!("Buffers", "Buffers_bytes"),
    field!("Cached", "Cached_bytes"),
    field!("SwapCached", "SwapCached_bytes"),
    field!("Active", "Active_bytes"),
    field!("Inactive", "Inactive_bytes"),
    field!("Active(anon)", "Active_anon_bytes"),
    field!("Inactive(anon)", "Inactive_anon_bytes"),
    field!("Active(file)", "Active_file_bytes"),
    field!("Inactive(file)", "Inactive_file_bytes"),
    field!("Unevictable", "Unevictable_bytes"),
    field!("Mlocked", "Mlocked_bytes"),
    field!("SwapTotal", "SwapTotal_bytes"),
    field!("SwapFree", "SwapFree_bytes"),
    field!("Zswap", "Zswap_bytes"),
    field!("Zswapped", "Zswapped_bytes"),
    field!("Dirty", "Dirty_bytes"),
    field!("Writeback", "Writeback_bytes"),
    field!("AnonPages", "AnonPages_bytes"),
    field!("Mapped", "Mapped_bytes"),
    field!("Shmem", "Shmem_bytes"),
    field!("Slab", "Slab_bytes"),
    field!("SReclaimable", "SReclaimable_bytes"),
    field!("SUnreclaim", "SUnreclaim_bytes"),
    field!("KernelStack", "KernelStack_bytes"),
    field!("PageTables", "PageTables_bytes"),
    field!("NFS_Unstable", "NFS_Unstable_bytes"),
    field!("Bounce", "Bounce_bytes"),
    field!("WritebackTmp", "WritebackTmp_bytes"),
    field!("CommitLimit", "CommitLimit_bytes"),
    field!("Committed_AS", "Committed_AS_bytes"),
    field!("VmallocTotal", "VmallocTotal_bytes"),
    field!("VmallocUsed", "VmallocUsed_bytes"),
    field!("VmallocChunk", "VmallocChunk_bytes"),
    field!("Percpu", "Percpu_bytes"),
    field!("HardwareCorrupted", "HardwareCorrupted_bytes"),
    field!("AnonHugePages", "AnonHugePages_bytes"),
    field!("ShmemHugePages", "ShmemHugePages_bytes"),
    field!("ShmemPmdMapped", "ShmemPmdMapped_bytes"),
    field!("CmaTotal", "CmaTotal_bytes"),
    field!("CmaFree", "CmaFree_bytes"),
    field!("HugePages_Total", "HugePages_Total"),
    field!("HugePages_Free", "HugePages_Free"),
    field!("HugePages_Rsvd", "HugePages_Rsvd"),
    field!("HugePages_Surp", "HugePages_Surp"),
    field!("Hugepagesize", "Hugepagesize_bytes"),
    field!("DirectMap4k", "DirectMap4k_bytes"),
    field!("DirectMap2M", "DirectMap2M_bytes"),
    field!("DirectMap1G", "DirectMap1G_bytes"),
];

/// Their names alone, which lie closer together than the rows of the table.
static NAMES: [&str; FIELDS_SHOWN] = {
    let mut names = [""; FIELDS_SHOWN];
    let mut index = 0;
    while index < FIELDS_SHOWN {
        names[index] = FIELDS[index].0;
        index += 1;
    }
    names
};

type Values = [Option<f64>; FIELDS_SHOWN];

const BYTES_PER_KB: f64 = 1024.0;

pub(super) struct MemInfo {
    file: KeptFile,
    table: Table,
}

impl MemInfo {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let metrics = FIELDS.map(|(_, metric)| metric);
        Ok(Box::new(MemInfo {
            file: KeptFile::new(setup.roots.proc.join("meminfo")),
            table: Table::register(&setup.registry, &[], &metrics)?,
        }))
    }
}

impl Collector for MemInfo {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut values = [None; FIELDS_SHOWN];
        let content = files.read(&mut self.file);
        let outcome = content.and_then(|content| parse(content, &mut values));
        self.table.set(&values);
        outcome
    }
}

/// Reads the fields up to the first that is malformed.
fn parse(content: &[u8], values: &mut Values) -> Result<(), CollectError> {
    let mut lines = Lines::new("meminfo", content);
    let mut next = 0;
    for line in &mut lines {
        if let Some(name) = NAMES.get(next)
            && let Some(value) = usual_value(line.rest(), name.as_bytes())
        {
            values[next] = Some(value);
            next += 1;
            continue;
        }
        let (name, value) = parse_field(line)?;
        if let Some(index) = NAMES.iter().position(|field| field.as_bytes() == name) {
            values[index] = Some(value);
            next = index + 1;
        }
    }
    if content.is_empty() { Err(lines.missing("a field")) } else { Ok(()) }
}

/// A field's name as part of a metric's: `Active(anon)` is `Active_anon`.
pub(super) fn as_name(field: &[u8]) -> String {
    let letters = field.iter().filter(|byte| **byte != b')').map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(*byte),
        _ => '_',
    });
    letters.collect()
}

/// The value in a line of the field `name`, as the kernel writes most; `None` for others.
fn usual_value(line: &[u8], name: &[u8]) -> Option<f64> {
    let value = line.strip_prefix(name)?.strip_prefix(b":")?.strip_suffix(b" kB")?;
    let digits = value.iter().position(|byte| *byte != b' ')?;
    Some(parse_number::<u64>(&value[digits..])? as f64 * BYTES_PER_KB)
}

/// Reads `NAME: NUMBER` or `NAME: NUMBER kB`.
fn parse_field(mut line: Line<'_>) -> Result<(&[u8], f64), CollectError> {
    let mut whole = line.clone();
    let name = line.until(b':').filter(|name| !name.is_empty());
    let expected = "a field's name and a colon";
    let name = name.ok_or_else(|| line.malformed(expected, whole.word()))?;
    let value = line.number::<u64>("a number")? as f64;
    match line.word() {
        None => Ok((name, value)),
        Some(b"kB") => Ok((name, value * BYTES_PER_KB)),
        other => Err(line.malformed("kB", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(content: &str) -> Result<Vec<(&'static str, f64)>, CollectError> {
        let mut values = [None; FIELDS_SHOWN];
        parse(content.as_bytes(), &mut values)?;
        let fields = FIELDS.iter().zip(values);
        Ok(fields.filter_map(|((_, metric), value)| Some((metric.name(), value?))).collect())
    }

    #[test]
    fn a_field_is_named_as_node_exporter_names_it() {
        for (name, metric) in &FIELDS {
            let unit = if name.starts_with("HugePages_") { "" } else { "_bytes" };
            let expected = format!("node_memory_{}{unit}", as_name(name.as_bytes()));
            assert_eq!(metric.name(), expected);
        }
        assert_eq!(as_name(b"New-Thing(x y)"), "New_Thing_x_y");
    }

    #[test]
    fn reads_the_fields_that_are_shown() {
        const CASES: &[(&str, &str, f64)] = &[
            ("MemTotal:       24684084 kB", "node_memory_MemTotal_bytes", 24684084.0 * 1024.0),
            ("Active(anon):       1492 kB", "node_memory_Active_anon_bytes", 1492.0 * 1024.0),
            ("HugePages_Total:       3", "node_memory_HugePages_Total", 3.0),
            ("Committed_AS: 1 kB", "node_memory_Committed_AS_bytes", 1024.0),
            ("MemTotal:\t7", "node_memory_MemTotal_bytes", 7.0),
            ("MemTotal: 7\tkB ", "node_memory_MemTotal_bytes", 7168.0),
            ("VmallocTotal:   34359738367 kB", "node_memory_VmallocTotal_bytes", 35184372087808.0),
        ];
        for (line, name, value) in CASES {
            assert_eq!(values(&format!("{line}\n")).unwrap(), [(*name, *value)]);
            let content = format!("KReclaimable: 1 kB\nBuffers: 2 kB\n{line}\nHugetlb: 0 kB\n");
            let found = values(&content).unwrap();
            assert!(found.contains(&(name, *value)) && found.len() == 2, "{content:?}: {found:?}");
        }
    }

    #[test]
    fn the_order_of_the_fields_does_not_matter() {
        let lines =
            FIELDS.iter().zip(1..).map(|((name, _), number)| format!("{name}: {number} kB\n"));
        let lines: Vec<String> = lines.collect();
        let backwards: String = lines.iter().rev().map(|line| &**line).collect();
        let found = values(&lines.concat()).unwrap();
        assert_eq!(found.len(), FIELDS_SHOWN);
        assert_eq!(found, values(&backwards).unwrap());
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("", "meminfo:1: expected a field, found end of file"),
            ("A: 1 kB\nB: 2 kB\nC: 3 MB\n", "meminfo:3: expected kB, found MB"),
            ("A: 1 kB\nB 2\n", "meminfo:2: expected a field's name and a colon, found B"),
            (": 2\n", "meminfo:1: expected a field's name and a colon, found :"),
            ("\n", "meminfo:1: expected a field's name and a colon, found end of line"),
            ("A:\n", "meminfo:1: expected a number, found end of line"),
            ("A: -1 kB\n", "meminfo:1: expected a number, found -1"),
            ("MemTotal: -1 kB\n", "meminfo:1: expected a number, found -1"),
            ("MemTotal:  kB\n", "meminfo:1: expected a number, found kB"),
        ];
        for (content, expected) in CASES {
            assert_eq!(values(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
