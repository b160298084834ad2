//! `kernel_hung`: tasks that the kernel found hung. Source: `hung_task_detect_count`
//! (Documentation/admin-guide/sysctl/kernel.rst of the kernel), since Linux 6.13.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::parse_only_number;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 1] = [Metric::counter(
    "node_kernel_hung_tasks_total",
    "Times that the kernel found a task hung since the host booted.",
)];
const FILE: &str = "hung_task_detect_count";

pub(super) struct KernelHung {
    file: KeptFile,
    table: Table,
}

impl KernelHung {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = KeptFile::new(setup.roots.proc.join("sys/kernel").join(FILE));
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        Ok(Box::new(KernelHung { file, table }))
    }
}

impl Collector for KernelHung {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let count = parse_only_number(FILE, files.read(&mut self.file)?)?;
        sweep.only_row().set(0, Some(count));
        Ok(())
    }
}
