//! `entropy`: the kernel's pool of randomness. Source: random(4), "/proc interfaces".

use super::devices::Attributes;
use super::error::CollectError;
use super::fs::Files;
use super::lines::parse_only_number;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 2] = [
    Metric::gauge("node_entropy_available_bits", "Bits of entropy in the kernel's pool."),
    Metric::gauge("node_entropy_pool_size_bits", "Bits that the kernel's pool can hold."),
];
const FILES: [&str; METRICS.len()] = ["entropy_avail", "poolsize"];

pub(super) struct Entropy {
    files: Attributes<{ FILES.len() }>,
    table: Table,
}

impl Entropy {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let files = Attributes::new(&setup.roots.proc.join("sys/kernel/random"), FILES);
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        Ok(Box::new(Entropy { files, table }))
    }
}

impl Collector for Entropy {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.files.begin_scrape();
        let (mut bits, mut outcome) = ([None; FILES.len()], Ok(()));
        for (column, name) in FILES.iter().enumerate() {
            let content = self.files.read(column, files);
            match content.and_then(|content| parse_only_number(name, content)) {
                Ok(number) => bits[column] = Some(number),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        sweep.only_row().set_all(&bits);
        outcome
    }
}
