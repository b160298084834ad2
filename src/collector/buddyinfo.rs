//! `buddyinfo`: free blocks of memory by size. Source: proc_buddyinfo(5).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::ordinals::Ordinals;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 1] = [Metric::gauge(
    "node_buddyinfo_blocks",
    "Free blocks of memory of 2 to the power of size pages.",
)];

pub(super) struct BuddyInfo {
    file: KeptFile,
    sizes: Ordinals,
    table: Table,
}

impl BuddyInfo {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(BuddyInfo {
            file: KeptFile::of_many_records(setup.roots.proc.join("buddyinfo")),
            sizes: Ordinals::default(),
            table: Table::register(&setup.registry, &["node", "size", "zone"], &METRICS)?,
        }))
    }
}

impl Collector for BuddyInfo {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        for mut line in Lines::new("buddyinfo", files.read(&mut self.file)?) {
            let [node, zone] = parse_place(&mut line)?;
            let mut size = 0;
            while let Some(blocks) = line.number_if_any::<u64>("a count")? {
                let labels = &[node, self.sizes.text(size), zone];
                sweep.row(labels).set(0, Some(blocks as f64));
                size += 1;
            }
        }
        Ok(())
    }
}

/// Node and zone of a line `Node 0, zone Normal COUNT...`.
fn parse_place<'a>(line: &mut Line<'a>) -> Result<[&'a str; 2], CollectError> {
    let mut labelled = |label: &'static str, expected| {
        let (word, value) = (line.word(), line.word());
        let value = value.filter(|_| word == Some(label.as_bytes()));
        let text = value.and_then(|value| std::str::from_utf8(value).ok());
        text.map(|text| text.trim_end_matches(',')).ok_or_else(|| line.malformed(expected, word))
    };
    Ok([labelled("Node", "Node and its number")?, labelled("zone", "zone and its name")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_with_its_place() {
        type Case = (&'static str, Result<[&'static str; 2], &'static str>);
        const CASES: &[Case] = &[
            ("Node 0, zone      DMA      1      0", Ok(["0", "DMA"])),
            ("Node 11, zone   Normal", Ok(["11", "Normal"])),
            ("Node 0, Normal 1", Err("buddyinfo:1: expected zone and its name, found Normal")),
            ("Node", Err("buddyinfo:1: expected Node and its number, found Node")),
            ("", Err("buddyinfo:1: expected Node and its number, found end of line")),
        ];
        for (content, expected) in CASES {
            let content = format!("{content}\n");
            let mut lines = Lines::new("buddyinfo", content.as_bytes());
            let place = parse_place(&mut lines.next().unwrap()).map_err(|error| error.to_string());
            assert_eq!(place, expected.map_err(str::to_owned), "{content:?}");
        }
    }
}
