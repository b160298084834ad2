//! `zoneinfo`: memory by zone. Source: /proc/zoneinfo (proc_zoneinfo(5)).
//!
//! What the kernel counts by node stands in the first zone of the node, and is shown there, as in
//! node_exporter.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines, parse_number};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

/// Table: what a line begins with => family.
const COUNTS: [(&[u8], Metric); 34] = [
    (b"nr_free_pages", Metric::gauge("node_zoneinfo_nr_free_pages", "Pages that are free.")),
    (
        b"min",
        Metric::gauge(
            "node_zoneinfo_min_pages",
            "Free pages below which only few allocations succeed.",
        ),
    ),
    (b"low", Metric::gauge("node_zoneinfo_low_pages", "Free pages below which reclaim begins.")),
    (b"high", Metric::gauge("node_zoneinfo_high_pages", "Free pages above which reclaim ends.")),
    (
        b"scanned",
        Metric::gauge("node_zoneinfo_scanned_pages", "Pages scanned since the last reclaim."),
    ),
    (
        b"spanned",
        Metric::gauge(
            "node_zoneinfo_spanned_pages",
            "Pages that the zone spans, holes among them.",
        ),
    ),
    (b"present", Metric::gauge("node_zoneinfo_present_pages", "Pages that are there.")),
    (b"managed", Metric::gauge("node_zoneinfo_managed_pages", "Pages that the allocator manages.")),
    (
        b"nr_active_anon",
        Metric::gauge(
            "node_zoneinfo_nr_active_anon_pages",
            "Anonymous pages that were used lately.",
        ),
    ),
    (
        b"nr_inactive_anon",
        Metric::gauge(
            "node_zoneinfo_nr_inactive_anon_pages",
            "Anonymous pages that were not used lately.",
        ),
    ),
    (
        b"nr_isolated_anon",
        Metric::gauge(
            "node_zoneinfo_nr_isolated_anon_pages",
            "Anonymous pages that are being reclaimed.",
        ),
    ),
    (
        b"nr_anon_pages",
        Metric::gauge("node_zoneinfo_nr_anon_pages", "Anonymous pages that are mapped."),
    ),
    (
        b"nr_anon_transparent_hugepages",
        Metric::gauge("node_zoneinfo_nr_anon_transparent_hugepages", "Huge pages that are mapped."),
    ),
    (
        b"nr_active_file",
        Metric::gauge(
            "node_zoneinfo_nr_active_file_pages",
            "Pages of files that were used lately.",
        ),
    ),
    (
        b"nr_inactive_file",
        Metric::gauge(
            "node_zoneinfo_nr_inactive_file_pages",
            "Pages of files that were not used lately.",
        ),
    ),
    (
        b"nr_isolated_file",
        Metric::gauge(
            "node_zoneinfo_nr_isolated_file_pages",
            "Pages of files that are being reclaimed.",
        ),
    ),
    (b"nr_file_pages", Metric::gauge("node_zoneinfo_nr_file_pages", "Pages of files.")),
    (
        b"nr_slab_reclaimable",
        Metric::gauge(
            "node_zoneinfo_nr_slab_reclaimable_pages",
            "Pages of slabs that can be reclaimed.",
        ),
    ),
    (
        b"nr_slab_unreclaimable",
        Metric::gauge(
            "node_zoneinfo_nr_slab_unreclaimable_pages",
            "Pages of slabs that cannot be.",
        ),
    ),
    (
        b"nr_mlock_stack",
        Metric::gauge(
            "node_zoneinfo_nr_mlock_stack_pages",
            "Pages that are locked and off the lists.",
        ),
    ),
    (b"nr_kernel_stack", Metric::gauge("node_zoneinfo_nr_kernel_stacks", "Stacks of the kernel.")),
    (
        b"nr_mapped",
        Metric::gauge("node_zoneinfo_nr_mapped_pages", "Pages of files that are mapped."),
    ),
    (b"nr_dirty", Metric::gauge("node_zoneinfo_nr_dirty_pages", "Pages that are to be written.")),
    (
        b"nr_writeback",
        Metric::gauge("node_zoneinfo_nr_writeback_pages", "Pages that are being written."),
    ),
    (
        b"nr_unevictable",
        Metric::gauge("node_zoneinfo_nr_unevictable_pages", "Pages that cannot be reclaimed."),
    ),
    (
        b"nr_shmem",
        Metric::gauge("node_zoneinfo_nr_shmem_pages", "Pages of shared memory and tmpfs."),
    ),
    (b"nr_dirtied", Metric::counter("node_zoneinfo_nr_dirtied_total", "Pages that became dirty.")),
    (b"nr_written", Metric::counter("node_zoneinfo_nr_written_total", "Pages that were written.")),
    (
        b"numa_hit",
        Metric::counter(
            "node_zoneinfo_numa_hit_total",
            "Allocations that got the node they wanted.",
        ),
    ),
    (
        b"numa_miss",
        Metric::counter("node_zoneinfo_numa_miss_total", "Allocations that wanted another node."),
    ),
    (
        b"numa_foreign",
        Metric::counter(
            "node_zoneinfo_numa_foreign_total",
            "Allocations that wanted this node and got another.",
        ),
    ),
    (
        b"numa_interleave",
        Metric::counter(
            "node_zoneinfo_numa_interleave_total",
            "Interleaved allocations that got this node.",
        ),
    ),
    (
        b"numa_local",
        Metric::counter("node_zoneinfo_numa_local_total", "Allocations by tasks on the node."),
    ),
    (
        b"numa_other",
        Metric::counter("node_zoneinfo_numa_other_total", "Allocations by tasks on another node."),
    ),
];

/// Pages that are kept from requests which another zone could serve, in the order of the line. A
/// kernel has at most as many zones.
const PROTECTION: [Metric; 6] = [
    protection("node_zoneinfo_protection_0"),
    protection("node_zoneinfo_protection_1"),
    protection("node_zoneinfo_protection_2"),
    protection("node_zoneinfo_protection_3"),
    protection("node_zoneinfo_protection_4"),
    protection("node_zoneinfo_protection_5"),
];

const fn protection(name: &'static str) -> Metric {
    Metric::gauge(name, "Pages kept from requests that could do with a zone of this number.")
}

pub(super) struct ZoneInfo {
    file: KeptFile,
    counts: Table,
    protection: Table,
}

impl ZoneInfo {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, labels) = (&setup.registry, ["node", "zone"]);
        Ok(Box::new(ZoneInfo {
            file: KeptFile::of_many_records(setup.roots.proc.join("zoneinfo")),
            counts: Table::register(registry, &labels, &COUNTS.map(|(_, metric)| metric))?,
            protection: Table::register(registry, &labels, &PROTECTION)?,
        }))
    }
}

impl Collector for ZoneInfo {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut counts, mut protection) = (self.counts.sweep(), self.protection.sweep());
        let mut lines = Lines::new("zoneinfo", files.read(&mut self.file)?);
        let mut next = lines.next();
        while let Some(line) = next {
            let zone;
            (zone, next) = Zone::parse(line, &mut lines)?;
            counts.row(&zone.place).set_all(&zone.counts);
            protection.row(&zone.place).set_all(&zone.protection);
        }
        Ok(())
    }
}

/// What the file says of a zone.
#[derive(Debug, PartialEq)]
struct Zone<'a> {
    /// Node and name.
    place: [&'a str; 2],
    counts: [Option<f64>; COUNTS.len()],
    protection: [Option<f64>; PROTECTION.len()],
}

impl<'a> Zone<'a> {
    /// Reads the zone that begins with the line `first`, and gives the line behind it.
    fn parse(
        first: Line<'a>,
        lines: &mut Lines<'a>,
    ) -> Result<(Zone<'a>, Option<Line<'a>>), CollectError> {
        let place = parse_place(first)?;
        let (counts, protection) = ([None; COUNTS.len()], [None; PROTECTION.len()]);
        let mut zone = Zone { place, counts, protection };
        for line in lines {
            let mut words = line.clone();
            match words.word() {
                Some(b"Node") => return Ok((zone, Some(line))),
                Some(b"protection:") => zone.set_protection(words),
                Some(key) => {
                    if let Some(index) = COUNTS.iter().position(|(name, _)| *name == key) {
                        zone.counts[index] =
                            words.number_if_any::<i64>("a count")?.map(|n| n as f64);
                    }
                }
                None => {}
            }
        }
        Ok((zone, None))
    }

    /// Reads `(0, 2877, 3829)`.
    fn set_protection(&mut self, mut words: Line<'a>) {
        for pages in &mut self.protection {
            let Some(word) = words.word() else { return };
            let is_digit = |byte: &u8| byte.is_ascii_digit();
            let start = word.iter().position(is_digit).unwrap_or(word.len());
            let end = word.iter().rposition(is_digit).map_or(start, |last| last + 1);
            *pages = parse_number::<u64>(&word[start..end]).map(|pages| pages as f64);
        }
    }
}

/// Node and name of a line `Node 0, zone      DMA`.
fn parse_place(mut line: Line<'_>) -> Result<[&str; 2], CollectError> {
    let words = [line.word(), line.word(), line.word(), line.word()];
    let place = match words {
        [Some(b"Node"), Some(node), Some(b"zone"), Some(zone)] => {
            let text = |word| std::str::from_utf8(word).ok();
            text(node).and_then(|node| node.strip_suffix(',')).zip(text(zone))
        }
        _ => None,
    };
    let (node, zone) = place.ok_or_else(|| line.malformed("a node and its zone", words[0]))?;
    Ok([node, zone])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONES: &str = "\
Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 243466
      nr_dirtied   548136
  pages free     2697
        min      33
        high     49
        protection: (0, 2877, 7826)
      nr_free_pages 2697
  pagesets
    cpu: 0
              count: 0
              high:  5
  vm stats threshold: 8
Node 11, zone   Normal
  pages free     12
        min      -1
        protection: (0, 0, 0, 0, 0, 0, 0, 0)
";

    fn parse(content: &str) -> Result<Vec<Zone<'_>>, String> {
        let mut lines = Lines::new("zoneinfo", content.as_bytes());
        let (mut zones, mut next) = (Vec::new(), lines.next());
        while let Some(line) = next {
            let zone;
            (zone, next) = Zone::parse(line, &mut lines).map_err(|error| error.to_string())?;
            zones.push(zone);
        }
        Ok(zones)
    }

    fn count(zone: &Zone<'_>, key: &str) -> Option<f64> {
        zone.counts[COUNTS.iter().position(|(name, _)| *name == key.as_bytes()).unwrap()]
    }

    #[test]
    fn a_zone_ends_where_the_next_begins() {
        let zones = parse(ZONES).unwrap();
        let [dma, normal] = &zones[..] else { panic!("{zones:?}") };
        assert_eq!((dma.place, normal.place), (["0", "DMA"], ["11", "Normal"]));
        let counts = ["nr_inactive_anon", "nr_dirtied", "min", "high", "low", "nr_free_pages"];
        let expected = [Some(243466.0), Some(548136.0), Some(33.0), Some(49.0), None, Some(2697.0)];
        assert_eq!(counts.map(|key| count(dma, key)), expected);
        assert_eq!(dma.protection, [Some(0.0), Some(2877.0), Some(7826.0), None, None, None]);
        assert_eq!((count(normal, "min"), count(normal, "high")), (Some(-1.0), None));
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("x\n", "zoneinfo:1: expected a node and its zone, found x"),
            ("Node 0 zone DMA\n", "zoneinfo:1: expected a node and its zone, found Node"),
            ("Node 0, zone DMA\n min x\n", "zoneinfo:2: expected a count, found x"),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content).unwrap_err(), *expected, "{content:?}");
        }
    }
}
