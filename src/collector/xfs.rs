//! `xfs`: what XFS did on each file system. Source: sysfs' `fs/xfs/*/stats/stats`
//! (Documentation/admin-guide/xfs.rst): lines of a name and numbers.

use super::devices::Devices;
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric::counter(name, help)
}

/// The numbers of all lines of [`LINES`], in their order.
const METRICS: [Metric; 39] = [
    counter("node_xfs_extent_allocation_extents_allocated_total", "Extents that were allocated."),
    counter("node_xfs_extent_allocation_blocks_allocated_total", "Blocks that were allocated."),
    counter("node_xfs_extent_allocation_extents_freed_total", "Extents that were freed."),
    counter("node_xfs_extent_allocation_blocks_freed_total", "Blocks that were freed."),
    counter("node_xfs_allocation_btree_lookups_total", "Look-ups in the trees of free space."),
    counter("node_xfs_allocation_btree_compares_total", "Comparisons in the trees of free space."),
    counter(
        "node_xfs_allocation_btree_records_inserted_total",
        "Records put into the trees of free space.",
    ),
    counter(
        "node_xfs_allocation_btree_records_deleted_total",
        "Records taken from the trees of free space.",
    ),
    counter("node_xfs_block_mapping_reads_total", "Mappings of blocks for reads."),
    counter("node_xfs_block_mapping_writes_total", "Mappings of blocks for writes."),
    counter("node_xfs_block_mapping_unmaps_total", "Mappings of blocks that were removed."),
    counter(
        "node_xfs_block_mapping_extent_list_insertions_total",
        "Extents put into lists of inodes.",
    ),
    counter(
        "node_xfs_block_mapping_extent_list_deletions_total",
        "Extents taken from lists of inodes.",
    ),
    counter("node_xfs_block_mapping_extent_list_lookups_total", "Look-ups in lists of extents."),
    counter(
        "node_xfs_block_mapping_extent_list_compares_total",
        "Comparisons in lists of extents.",
    ),
    counter("node_xfs_block_map_btree_lookups_total", "Look-ups in the trees of mapped blocks."),
    counter(
        "node_xfs_block_map_btree_compares_total",
        "Comparisons in the trees of mapped blocks.",
    ),
    counter(
        "node_xfs_block_map_btree_records_inserted_total",
        "Records put into the trees of mapped blocks.",
    ),
    counter(
        "node_xfs_block_map_btree_records_deleted_total",
        "Records taken from the trees of mapped blocks.",
    ),
    counter("node_xfs_directory_operation_lookup_total", "Names that were looked up on disk."),
    counter("node_xfs_directory_operation_create_total", "Entries of folders that were made."),
    counter("node_xfs_directory_operation_remove_total", "Entries of folders that were removed."),
    counter("node_xfs_directory_operation_getdents_total", "Listings of folders."),
    counter("node_xfs_inode_operation_attempts_total", "Look-ups in the cache of inodes."),
    counter("node_xfs_inode_operation_found_total", "Inodes that the cache had."),
    counter(
        "node_xfs_inode_operation_recycled_total",
        "Inodes that the cache had and was about to drop.",
    ),
    counter("node_xfs_inode_operation_missed_total", "Inodes that the cache did not have."),
    counter(
        "node_xfs_inode_operation_duplicates_total",
        "Inodes that somebody else had put into the cache.",
    ),
    counter("node_xfs_inode_operation_reclaims_total", "Inodes that the cache dropped."),
    counter(
        "node_xfs_inode_operation_attribute_changes_total",
        "Changes of the attributes of inodes.",
    ),
    counter("node_xfs_write_calls_total", "Writes of files."),
    counter("node_xfs_read_calls_total", "Reads of files."),
    counter("node_xfs_vnode_active_total", "Inodes that are not free."),
    counter("node_xfs_vnode_allocate_total", "Inodes that were allocated."),
    counter("node_xfs_vnode_get_total", "Inodes that were got."),
    counter("node_xfs_vnode_hold_total", "Inodes that were held."),
    counter("node_xfs_vnode_release_total", "Inodes that were released."),
    counter("node_xfs_vnode_reclaim_total", "Inodes that were reclaimed."),
    counter("node_xfs_vnode_remove_total", "Inodes that were removed."),
];

/// Table: the name of a line => how many numbers behind it are shown.
const LINES: [(&[u8], usize); 8] = [
    (b"extent_alloc", 4),
    (b"abt", 4),
    (b"blk_map", 7),
    (b"bmbt", 4),
    (b"dir", 4),
    (b"ig", 7),
    (b"rw", 2),
    (b"vnodes", 7),
];

type Counts = [Option<f64>; METRICS.len()];

pub(super) struct Xfs {
    file_systems: Devices<KeptFile>,
    table: Table,
}

impl Xfs {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file_systems = Devices::new(setup.roots.sys.join("fs/xfs"));
        let table = Table::register(&setup.registry, &["device"], &METRICS)?;
        Ok(Box::new(Xfs { file_systems, table }))
    }
}

impl Collector for Xfs {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.file_systems.refresh_if_there(|_, folder| {
            let stats = folder.join("stats/stats");
            stats.is_file().then(|| KeptFile::new(stats))
        })?;
        self.file_systems.visit(|name, stats| {
            let counts = parse_stats(files.read(stats)?)?;
            sweep.row(&[name]).set_all(&counts);
            Ok(())
        })
    }
}

/// The numbers that are shown. Those of a line that is not there are zero, as in node_exporter.
fn parse_stats(content: &[u8]) -> Result<Counts, CollectError> {
    let mut counts = [Some(0.0); METRICS.len()];
    for mut line in Lines::new("stats", content) {
        let name = line.word().unwrap_or_default();
        let mut first = 0;
        for (known, numbers) in LINES {
            if known == name {
                for count in &mut counts[first..first + numbers] {
                    *count = Some(line.number::<u32>("a count")?.into());
                }
            }
            first += numbers;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_family_for_each_number() {
        assert_eq!(LINES.iter().map(|(_, numbers)| numbers).sum::<usize>(), METRICS.len());
    }

    #[test]
    fn each_line_has_its_place() {
        let counts = parse_stats(b"abt 1 2 3 4\nqm 9 9\nrw 7 8\nvnodes 1 2 3 4 5 6 4294967295 9\n");
        let counts = counts.unwrap().map(Option::unwrap);
        assert_eq!(counts[..9], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]);
        assert_eq!(counts[30..], [7.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4294967295.0]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("abt 1 2 3\n", "stats:1: expected a count, found end of line"),
            ("qm x\nrw 1 x\n", "stats:2: expected a count, found x"),
        ];
        for (content, expected) in CASES {
            let error = parse_stats(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
