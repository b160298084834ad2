//! `softirqs`: soft interrupts by CPU and kind. Source: /proc/softirqs (proc(5)).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::ordinals::Ordinals;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 1] = [Metric::counter(
    "node_softirqs_functions_total",
    "Soft interrupts serviced, by CPU and kind.",
)];

/// Those that node_exporter knows. Lines of others are passed over.
const KINDS: [&str; 10] =
    ["HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"];

pub(super) struct SoftIrqs {
    file: KeptFile,
    cpus: Ordinals,
    table: Table,
}

impl SoftIrqs {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(SoftIrqs {
            file: KeptFile::new(setup.roots.proc.join("softirqs")),
            cpus: Ordinals::default(),
            table: Table::register(&setup.registry, &["cpu", "type"], &METRICS)?,
        }))
    }
}

impl Collector for SoftIrqs {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let mut lines = Lines::new("softirqs", files.read(&mut self.file)?);
        lines.next().ok_or_else(|| lines.missing("the headings"))?;
        for mut line in lines {
            let name = line.until(b':').map(<[u8]>::trim_ascii_start);
            let Some(kind) = KINDS.iter().find(|kind| name == Some(kind.as_bytes())) else {
                continue;
            };
            let mut cpu = 0;
            while let Some(count) = line.number_if_any::<u64>("a count")? {
                sweep.row(&[self.cpus.text(cpu), kind]).set(0, Some(count as f64));
                cpu += 1;
            }
        }
        Ok(())
    }
}
