//! The files of `/proc/net/rpc`, which count calls of the client and the server of NFS. Which line
//! is which family is a table of the collector's:
//!
//! ```text
//! net 70 70 69 45           packets, of UDP, of TCP, connections
//! proc4 3 0 17 4            three numbers follow, of the procedures in their order
//! ```
//!
//! What a kernel does not count is zero, as in node_exporter.

use super::Collector;
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::table::{Metric, Sweep, Table};
use crate::registry::{RegisterError, Registry};
use std::path::PathBuf;

/// The families of a file.
pub(super) struct Source {
    /// The name of the file.
    pub(super) name: &'static str,
    /// Columns that show numbers.
    pub(super) metrics: &'static [Metric],
    /// Lines whose numbers are shown in those columns.
    pub(super) lines: &'static [Numbers],
    /// The family of the procedures.
    pub(super) requests: Metric,
    /// Lines that count procedures.
    pub(super) procedures: &'static [Procedures],
}

/// A line of numbers.
pub(super) struct Numbers {
    pub(super) line: &'static [u8],
    /// The column that shows each; those behind the last do not matter.
    pub(super) columns: &'static [Option<usize>],
}

/// A line that counts procedures behind the number of them.
pub(super) struct Procedures {
    pub(super) line: &'static [u8],
    /// The version of the protocol.
    pub(super) proto: &'static str,
    /// In the order of the line; those without a name are not shown.
    pub(super) names: &'static [&'static str],
    /// How many there are at least, in a line that begins with how many there are.
    pub(super) count_min: Option<usize>,
}

pub(super) struct Rpc {
    source: &'static Source,
    file: KeptFile,
    numbers: Table,
    requests: Table,
}

impl Rpc {
    /// The collector of `source`, which is in the folder `folder`.
    pub(super) fn create(
        source: &'static Source,
        folder: PathBuf,
        registry: &Registry,
    ) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(Rpc {
            source,
            file: KeptFile::new(folder.join(source.name)),
            numbers: Table::register(registry, &[], source.metrics)?,
            requests: Table::register(registry, &["method", "proto"], &[source.requests])?,
        }))
    }
}

impl Collector for Rpc {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut numbers, mut requests) = (self.numbers.sweep(), self.requests.sweep());
        let lines = Lines::new(self.source.name, files.read(&mut self.file)?);
        for of_line in self.source.lines {
            of_line.show(line(&lines, of_line.line), &mut numbers)?;
        }
        for procedures in self.source.procedures {
            procedures.show(line(&lines, procedures.line), &mut requests)?;
        }
        Ok(())
    }
}

/// What follows the word `name` at the start of a line.
fn line<'a>(lines: &Lines<'a>, name: &[u8]) -> Option<Line<'a>> {
    lines.clone().find_map(|mut line| (line.word() == Some(name)).then_some(line))
}

impl Numbers {
    fn show(&self, mut line: Option<Line<'_>>, sweep: &mut Sweep<'_>) -> Result<(), CollectError> {
        for column in self.columns {
            let number = match &mut line {
                Some(line) => line.number::<u64>("a number")? as f64,
                None => 0.0,
            };
            if let Some(column) = column {
                sweep.only_row().set(*column, Some(number));
            }
        }
        Ok(())
    }
}

impl Procedures {
    fn show(&self, mut line: Option<Line<'_>>, sweep: &mut Sweep<'_>) -> Result<(), CollectError> {
        if let (Some(line), Some(count_min)) = (&mut line, self.count_min) {
            check(line, count_min)?;
        }
        for name in self.names {
            let calls = match &mut line {
                Some(line) => line.number_if_any::<u64>("a number of calls")?,
                None => None,
            };
            if !name.is_empty() {
                let calls = calls.unwrap_or(0) as f64;
                sweep.row(&[name, self.proto]).set(0, Some(calls));
            }
        }
        Ok(())
    }
}

/// Checks that as many numbers follow as the line says, and takes its word for it.
fn check(line: &mut Line<'_>, count_min: usize) -> Result<(), CollectError> {
    let count: usize = line.number("a number of procedures")?;
    let found = line.word_count();
    if count != found || count < count_min {
        return Err(line.malformed("as many numbers as it says", Some(line.rest())));
    }
    Ok(())
}

/// The procedures of version 2, in the order of their numbers.
pub(super) const VERSION_2: [&str; 18] = [
    "Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write",
    "Create", "Remove", "Rename", "Link", "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
];

/// Those of version 3.
pub(super) const VERSION_3: [&str; 22] = [
    "Null",
    "GetAttr",
    "SetAttr",
    "Lookup",
    "Access",
    "ReadLink",
    "Read",
    "Write",
    "Create",
    "MkDir",
    "SymLink",
    "MkNod",
    "Remove",
    "RmDir",
    "Rename",
    "Link",
    "ReadDir",
    "ReadDirPlus",
    "FsStat",
    "FsInfo",
    "PathConf",
    "Commit",
];

/// `names` without the first, which does nothing and is not shown of the server.
pub(super) const fn without_null<const N: usize>(
    mut names: [&'static str; N],
) -> [&'static str; N] {
    names[0] = "";
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::collector::scratch::Scratch;

    const SOURCE: Source = Source {
        name: "file",
        metrics: &[Metric::counter("a_total", ""), Metric::counter("b_total", "")],
        lines: &[
            Numbers { line: b"net", columns: &[None, Some(1)] },
            Numbers { line: b"rpc", columns: &[Some(0)] },
        ],
        requests: Metric::counter("requests_total", ""),
        procedures: &[
            Procedures {
                line: b"proc4",
                proto: "4",
                names: &["", "Read", "Write", "Later"],
                count_min: Some(3),
            },
            Procedures { line: b"asked", proto: "4", names: &["Asked"], count_min: None },
        ],
    };

    fn show(name: &str, content: &str) -> Result<Vec<String>, String> {
        let (registry, scratch) = (Registry::new(), Scratch::new(name));
        scratch.write("file", content.as_bytes());
        let mut collector = Rpc::create(&SOURCE, scratch.path(""), &registry).unwrap();
        let collected = collector.collect(&mut Files::default());
        collected.map(|()| samples(&registry)).map_err(|error| error.to_string())
    }

    fn of(counts: [u32; 6]) -> Vec<String> {
        let [a, b, later, read, write, asked] = counts;
        vec![
            format!("a_total {a}"),
            format!("b_total {b}"),
            format!("requests_total{{method=Read,proto=4}} {read}"),
            format!("requests_total{{method=Write,proto=4}} {write}"),
            format!("requests_total{{method=Later,proto=4}} {later}"),
            format!("requests_total{{method=Asked,proto=4}} {asked}"),
        ]
    }

    #[test]
    fn what_a_kernel_does_not_count_is_zero() {
        assert_eq!(show("rpc-none", ""), Ok(of([0; 6])));
        let content = "rpc 5 9 9\nnet 1 2\nproc4 3 7 8 9\nnew 1\nasked 6\n";
        assert_eq!(show("rpc-old", content), Ok(of([5, 2, 0, 8, 9, 6])));
        assert_eq!(show("rpc-new", "proc4 5 1 2 3 4 5\n"), Ok(of([0, 0, 4, 2, 3, 0])));
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("net 1\n", "file:1: expected a number, found end of line"),
            ("x\nrpc x\n", "file:2: expected a number, found x"),
            ("proc4 2 1 2\n", "file:1: expected as many numbers as it says, found  1 2"),
            ("proc4 4 1 2 3\n", "file:1: expected as many numbers as it says, found  1 2 3"),
            ("proc4 3 1 2 x\n", "file:1: expected a number of calls, found x"),
            ("asked x\n", "file:1: expected a number of calls, found x"),
        ];
        for (content, expected) in CASES {
            assert_eq!(show("rpc-wrong", content), Err((*expected).to_owned()), "{content:?}");
        }
    }
}
