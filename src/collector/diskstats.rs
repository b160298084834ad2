//! `diskstats`: what was read from and written to block devices, and what udev knows of them.
//! Sources: proc_diskstats(5), `queue/rotational` in sysfs, and udev's database of devices.
//!
//! A kernel gives 11, 15 (since 4.18) or 17 (since 5.5) counts of a disk. A line of less, such as a
//! partition's in Linux 2.6.24, is passed over.
//!
//! What udev knows is read when a disk appears and when udev's folder changes, which it does with
//! each file that udev writes.

mod properties;

use super::devices::Stamp;
use super::error::CollectError;
use super::flags::{Filter, Flag};
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::remembered::Remembered;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use properties::{DetailTables, Details};
use std::path::PathBuf;

const INCLUDE: &str = "collector.diskstats.device-include";
const EXCLUDE: &str = "collector.diskstats.device-exclude";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(
        EXCLUDE,
        r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
        "Leave out the disks whose names match this.",
    )
    .also_as(&["collector.diskstats.ignored-devices"])
    .not_with(INCLUDE),
    Flag::pattern(INCLUDE, "", "Show only the disks whose names match this."),
];

/// /proc/diskstats counts in sectors of this size, whatever the disk's own are.
const SECTOR_BYTES: f64 = 512.0;
const SECONDS_PER_MS: f64 = 0.001;
const ONE: f64 = 1.0;

/// Table: count, in the order of the file => family and factor.
const COUNTS: [(Metric, f64); 17] = [
    (Metric::counter("node_disk_reads_completed_total", "Reads that were completed."), ONE),
    (Metric::counter("node_disk_reads_merged_total", "Reads that were merged with others."), ONE),
    (Metric::counter("node_disk_read_bytes_total", "Bytes that were read."), SECTOR_BYTES),
    (
        Metric::counter("node_disk_read_time_seconds_total", "Time that reads took, summed up."),
        SECONDS_PER_MS,
    ),
    (Metric::counter("node_disk_writes_completed_total", "Writes that were completed."), ONE),
    (Metric::counter("node_disk_writes_merged_total", "Writes that were merged with others."), ONE),
    (Metric::counter("node_disk_written_bytes_total", "Bytes that were written."), SECTOR_BYTES),
    (
        Metric::counter("node_disk_write_time_seconds_total", "Time that writes took, summed up."),
        SECONDS_PER_MS,
    ),
    (Metric::gauge("node_disk_io_now", "Reads and writes that are under way."), ONE),
    (
        Metric::counter("node_disk_io_time_seconds_total", "Time in which the disk was busy."),
        SECONDS_PER_MS,
    ),
    (
        Metric::counter(
            "node_disk_io_time_weighted_seconds_total",
            "Time in which the disk was busy, times what was under way.",
        ),
        SECONDS_PER_MS,
    ),
    (Metric::counter("node_disk_discards_completed_total", "Discards that were completed."), ONE),
    (
        Metric::counter(
            "node_disk_discards_merged_total",
            "Discards that were merged with others.",
        ),
        ONE,
    ),
    (
        Metric::counter(
            "node_disk_discarded_sectors_total",
            "Sectors of 512 bytes that were discarded.",
        ),
        ONE,
    ),
    (
        Metric::counter(
            "node_disk_discard_time_seconds_total",
            "Time that discards took, summed up.",
        ),
        SECONDS_PER_MS,
    ),
    (Metric::counter("node_disk_flush_requests_total", "Flushes that were completed."), ONE),
    (
        Metric::counter(
            "node_disk_flush_requests_time_seconds_total",
            "Time that flushes took, summed up.",
        ),
        SECONDS_PER_MS,
    ),
];

/// How many counts each kernel has of a disk.
const COUNTS_MIN: usize = 11;

pub(super) struct DiskStats {
    file: KeptFile,
    filter: Filter,
    counts: Table,
    details: DetailTables,
    /// `None` for disks that are not shown.
    disks: Remembered<Option<Details>>,
    block: PathBuf,
    udev: PathBuf,
    udev_stamp: Option<Stamp>,
}

impl DiskStats {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let metrics = COUNTS.map(|(metric, _)| metric);
        Ok(Box::new(DiskStats {
            file: KeptFile::of_many_records(setup.roots.proc.join("diskstats")),
            filter: setup.flags.filter(INCLUDE, EXCLUDE),
            counts: Table::register(&setup.registry, &["device"], &metrics)?,
            details: DetailTables::register(&setup.registry)?,
            disks: Remembered::new(),
            block: setup.roots.sys.join("block"),
            udev: setup.roots.udev.clone(),
            udev_stamp: None,
        }))
    }
}

impl Collector for DiskStats {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let stamp = Stamp::of(&self.udev);
        let may_be_stale = Stamp::has_changed(self.udev_stamp, stamp);
        self.udev_stamp = stamp;
        self.disks.begin_pass();
        let (mut table, mut details) = (self.counts.sweep(), self.details.sweep());
        for mut line in Lines::new("diskstats", files.read(&mut self.file)?) {
            let (numbers, name) = parse_device(&mut line)?;
            let read = || Details::read(&self.block, &self.udev, name, numbers);
            let shown =
                self.disks.get(name.as_bytes(), || self.filter.lets(name.as_bytes()).then(read));
            let Some(known) = shown else { continue };
            let Some(counts) = parse_counts(line)? else { continue };
            if may_be_stale || known.numbers != numbers {
                *known = read();
            }
            details.show(known);
            let mut row = table.row(&[name]);
            for (column, (count, (_, factor))) in counts.iter().zip(&COUNTS).enumerate() {
                row.set(column, count.map(|count| count as f64 * factor));
            }
        }
        Ok(())
    }
}

/// Reads what a line of /proc/diskstats begins with: major and minor number and name of a disk.
fn parse_device<'a>(line: &mut Line<'a>) -> Result<((u32, u32), &'a str), CollectError> {
    let numbers = (line.number("a major number")?, line.number("a minor number")?);
    let word = line.word();
    let name = word.and_then(|word| std::str::from_utf8(word).ok());
    let name = name.ok_or_else(|| line.malformed("the name of a disk", word))?;
    Ok((numbers, name))
}

/// Reads the counts behind a disk's name. `None` for a line that has fewer than a disk's. What a
/// later kernel may add at the end is not looked at.
fn parse_counts(mut line: Line<'_>) -> Result<Option<[Option<u64>; COUNTS.len()]>, CollectError> {
    let mut counts = [None; COUNTS.len()];
    for count in &mut counts {
        *count = line.number_if_any("a count")?;
    }
    Ok(counts[COUNTS_MIN - 1].is_some().then_some(counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<Option<usize>, CollectError> {
        let mut line = Lines::new("diskstats", content.as_bytes()).next().unwrap();
        assert_eq!(parse_device(&mut line)?, ((8, 16), "sdb"));
        Ok(parse_counts(line)?.map(|counts| counts.iter().flatten().count()))
    }

    #[test]
    fn reads_as_many_counts_as_the_kernel_gives() {
        for length in 0..20 {
            let counts: String = (1..=length).map(|number| format!(" {number}")).collect();
            let found = parse(&format!("   8      16 sdb{counts}\n")).unwrap();
            let expected = match length {
                0..11 => None,
                _ => Some(length.min(17)),
            };
            assert_eq!(found, expected, "{length}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("8 x sda\n", "diskstats:1: expected a minor number, found x"),
            ("\n", "diskstats:1: expected a major number, found end of line"),
            ("8 0\n", "diskstats:1: expected the name of a disk, found end of line"),
            ("8 16 sdb 1 -2\n", "diskstats:1: expected a count, found -2"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
