//! `loadavg`: how many tasks run or wait. Source: proc_loadavg(5).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 3] = [
    Metric::gauge("node_load1", "Load average over the last minute."),
    Metric::gauge("node_load5", "Load average over the last 5 minutes."),
    Metric::gauge("node_load15", "Load average over the last 15 minutes."),
];

pub(super) struct LoadAvg {
    file: KeptFile,
    table: Table,
}

impl LoadAvg {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = KeptFile::new(setup.roots.proc.join("loadavg"));
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        Ok(Box::new(LoadAvg { file, table }))
    }
}

impl Collector for LoadAvg {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let loads = parse_loadavg(files.read(&mut self.file)?)?;
        sweep.only_row().set_all(&loads.map(Some));
        Ok(())
    }
}

/// The averages over 1, 5 and 15 minutes.
fn parse_loadavg(content: &[u8]) -> Result<[f64; 3], CollectError> {
    let mut lines = Lines::new("loadavg", content);
    let mut line = lines.next().ok_or_else(|| lines.missing("three load averages"))?;
    let mut load = || line.number("a load average");
    Ok([load()?, load()?, load()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_three_averages() {
        let parsed = parse_loadavg(b"0.45 0.68 12.35 2/86 31353\n").unwrap();
        assert_eq!(parsed, [0.45, 0.68, 12.35]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("", "loadavg:1: expected three load averages, found end of file"),
            ("\n", "loadavg:1: expected a load average, found end of line"),
            ("0.1 0.2\n", "loadavg:1: expected a load average, found end of line"),
            ("0.1 inf 0.3 1/1 1\n", "loadavg:1: expected a load average, found inf"),
        ];
        for (content, expected) in CASES {
            let error = parse_loadavg(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
