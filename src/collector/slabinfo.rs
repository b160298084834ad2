//! `slabinfo`: memory of the kernel's own objects. Source: slabinfo(5), version 2.1, which only
//! root may read.

use super::error::CollectError;
use super::flags::{Filter, Flag};
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::remembered::Remembered;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const INCLUDE: &str = "collector.slabinfo.slabs-include";
const EXCLUDE: &str = "collector.slabinfo.slabs-exclude";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(INCLUDE, ".*", "Show only the slabs whose names match this."),
    Flag::pattern(EXCLUDE, "", "Leave out the slabs whose names match this."),
];

/// In the order of the file.
const METRICS: [Metric; 5] = [
    Metric::gauge("node_slabinfo_active_objects", "Objects that are in use."),
    Metric::gauge("node_slabinfo_objects", "Objects that there is memory for."),
    Metric::gauge("node_slabinfo_object_size_bytes", "Size of an object."),
    Metric::gauge("node_slabinfo_objects_per_slab", "Objects in a slab."),
    Metric::gauge("node_slabinfo_pages_per_slab", "Pages of memory in a slab."),
];

pub(super) struct SlabInfo {
    file: KeptFile,
    filter: Filter,
    shown: Remembered<bool>,
    table: Table,
}

impl SlabInfo {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(SlabInfo {
            file: KeptFile::of_many_records(setup.roots.proc.join("slabinfo")),
            filter: setup.flags.filter(INCLUDE, EXCLUDE),
            shown: Remembered::new(),
            table: Table::register(&setup.registry, &["slab"], &METRICS)?,
        }))
    }
}

impl Collector for SlabInfo {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.shown.begin_pass();
        for line in Lines::new("slabinfo", files.read(&mut self.file)?) {
            let Some((name, numbers)) = parse_slab(line)? else { continue };
            if *self.shown.get(name.as_bytes(), || self.filter.lets(name.as_bytes())) {
                sweep.row(&[name]).set_all(&numbers.map(Some));
            }
        }
        Ok(())
    }
}

/// The name of a slab and the first numbers behind it. `None` for the version and the headings.
fn parse_slab(mut line: Line<'_>) -> Result<Option<(&str, [f64; METRICS.len()])>, CollectError> {
    let word = line.word();
    if matches!(word, Some(b"slabinfo" | b"#")) {
        return Ok(None);
    }
    let name = word.and_then(|word| std::str::from_utf8(word).ok());
    let name = name.ok_or_else(|| line.malformed("the name of a slab", word))?;
    let mut numbers = [0.0; METRICS.len()];
    for number in &mut numbers {
        *number = line.number::<u64>("a number")? as f64;
    }
    Ok(Some((name, numbers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_and_says_what_is_wrong_with_it() {
        type Case = (&'static str, Result<Option<(&'static str, [f64; 5])>, &'static str>);
        const CASES: &[Case] = &[
            ("slabinfo - version: 2.1", Ok(None)),
            ("# name            <active_objs> <num_objs>", Ok(None)),
            (
                "tw_sock_TCP  704 864 256 32 2 : tunables 0 0 0 : slabdata 27 27 0",
                Ok(Some(("tw_sock_TCP", [704.0, 864.0, 256.0, 32.0, 2.0]))),
            ),
            ("dmaengine 1 2 3", Err("slabinfo:1: expected a number, found end of line")),
            ("dmaengine 1 2 3 :", Err("slabinfo:1: expected a number, found :")),
        ];
        for (content, expected) in CASES {
            let content = format!("{content}\n");
            let line = Lines::new("slabinfo", content.as_bytes()).next().unwrap();
            let parsed = parse_slab(line).map_err(|error| error.to_string());
            assert_eq!(parsed, expected.map_err(str::to_owned), "{content:?}");
        }
    }
}
