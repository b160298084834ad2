//! `ksmd`: merging of equal pages. Source: sysfs' `kernel/mm/ksm`
//! (Documentation/admin-guide/mm/ksm.rst of the kernel).

use super::devices::Attributes;
use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;
use std::sync::Arc;

/// Each shows the file in the same place of [`FILES`].
const METRICS: [Metric; 10] = [
    Metric::counter("node_ksmd_full_scans_total", "Times that all areas were scanned."),
    Metric::gauge("node_ksmd_merge_across_nodes", "Whether pages of several nodes are merged."),
    Metric::gauge("node_ksmd_pages_shared", "Pages that stand for several."),
    Metric::gauge("node_ksmd_pages_sharing", "Pages that another stands for."),
    Metric::gauge("node_ksmd_pages_to_scan", "Pages to scan before the scanner sleeps."),
    Metric::gauge("node_ksmd_pages_unshared", "Pages that are looked at and equal no other."),
    Metric::gauge("node_ksmd_pages_volatile", "Pages that change too fast to be looked at."),
    Metric::gauge("node_ksmd_run", "Whether pages are merged: 0 no, 1 yes, 2 they are parted."),
    Metric::gauge("node_ksmd_sleep_seconds", "Time that the scanner sleeps."),
    Metric::gauge("node_ksmd_general_profit_bytes", "Memory that merging saves."),
];
const FILES: [&str; METRICS.len()] = [
    "full_scans",
    "merge_across_nodes",
    "pages_shared",
    "pages_sharing",
    "pages_to_scan",
    "pages_unshared",
    "pages_volatile",
    "run",
    "sleep_millisecs",
    "general_profit",
];
const SLEEP: usize = 8;
const MS_PER_SECOND: f64 = 1000.0;

pub(super) struct Ksmd {
    folder: Arc<Path>,
    files: Attributes<{ FILES.len() }>,
    table: Table,
}

impl Ksmd {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder: Arc<Path> = Arc::from(setup.roots.sys.join("kernel/mm/ksm"));
        let files = Attributes::new(&folder, FILES);
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        Ok(Box::new(Ksmd { folder, files, table }))
    }
}

impl Collector for Ksmd {
    /// A kernel may lack some of the files.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.files.begin_scrape();
        let mut values: [_; FILES.len()] =
            std::array::from_fn(|index| self.files.number(index, files));
        if values.iter().all(Option::is_none) {
            return Err(CollectError::NoData { path: Arc::clone(&self.folder) });
        }
        values[SLEEP] = values[SLEEP].map(|ms| ms / MS_PER_SECOND);
        sweep.only_row().set_all(&values);
        Ok(())
    }
}
