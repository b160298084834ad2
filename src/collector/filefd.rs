//! `filefd`: open files of the whole host. Source: `file-nr` in proc_sys_fs(5).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 2] = [
    Metric::gauge("node_filefd_allocated", "File handles that are in use on the whole host."),
    Metric::gauge("node_filefd_maximum", "File handles that the kernel is willing to allocate."),
];

pub(super) struct FileFd {
    file: KeptFile,
    table: Table,
}

impl FileFd {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = KeptFile::new(setup.roots.proc.join("sys/fs/file-nr"));
        let table = Table::register(&setup.registry, &[], &METRICS)?;
        Ok(Box::new(FileFd { file, table }))
    }
}

impl Collector for FileFd {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let counts = parse_file_nr(files.read(&mut self.file)?)?;
        sweep.only_row().set_all(&counts.map(Some));
        Ok(())
    }
}

/// The allocated handles and the maximum; between them stands a zero since Linux 2.6.
fn parse_file_nr(content: &[u8]) -> Result<[f64; 2], CollectError> {
    let mut lines = Lines::new("file-nr", content);
    let mut line = lines.next().ok_or_else(|| lines.missing("three counts"))?;
    let mut count = || line.number("a count of file handles");
    let (allocated, _free, maximum): (u64, u64, u64) = (count()?, count()?, count()?);
    Ok([allocated as f64, maximum as f64])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_allocated_and_the_maximum() {
        assert_eq!(parse_file_nr(b"533\t0\t2466170\n").unwrap(), [533.0, 2466170.0]);
        let unlimited = parse_file_nr(b"1\t0\t9223372036854775807\n").unwrap();
        assert_eq!(unlimited, [1.0, 9223372036854775807.0]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("", "file-nr:1: expected three counts, found end of file"),
            ("1\t0\n", "file-nr:1: expected a count of file handles, found end of line"),
            ("1\tx\t2\n", "file-nr:1: expected a count of file handles, found x"),
        ];
        for (content, expected) in CASES {
            let error = parse_file_nr(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
