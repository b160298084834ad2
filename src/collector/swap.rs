//! `swap`: partitions and files that are swapped to. Source: /proc/swaps (proc_swaps(5)).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 3] = [
    Metric::gauge("node_swap_size_bytes", "Size of what is swapped to."),
    Metric::gauge("node_swap_used_bytes", "How much of it is in use."),
    Metric::gauge("node_swap_priority", "What is swapped to first has the highest priority."),
];
const BYTES_PER_KB: f64 = 1024.0;

pub(super) struct Swap {
    file: KeptFile,
    table: Table,
}

impl Swap {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = KeptFile::of_many_records(setup.roots.proc.join("swaps"));
        let table = Table::register(&setup.registry, &["device", "swap_type"], &METRICS)?;
        Ok(Box::new(Swap { file, table }))
    }
}

impl Collector for Swap {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        for line in Lines::new("swaps", files.read(&mut self.file)?).skip(1) {
            let (labels, values) = parse_swap(line)?;
            sweep.row(&labels).set_all(&values.map(Some));
        }
        Ok(())
    }
}

/// Device and type; size, use and priority.
fn parse_swap(mut line: Line<'_>) -> Result<([&str; 2], [f64; 3]), CollectError> {
    let mut text = |expected| {
        let word = line.word();
        let text = word.and_then(|word| std::str::from_utf8(word).ok());
        text.ok_or_else(|| line.malformed(expected, word))
    };
    let labels = [text("a device")?, text("a type")?];
    let mut bytes = || Ok(line.number::<i64>("kB")? as f64 * BYTES_PER_KB);
    let (size, used) = (bytes()?, bytes()?);
    Ok((labels, [size, used, line.number::<i64>("a priority")? as f64]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_and_says_what_is_wrong_with_it() {
        type Case = (&'static str, Result<([&'static str; 2], [f64; 3]), &'static str>);
        const CASES: &[Case] = &[
            (
                "/dev/zram0 partition 100 2 -2",
                Ok((["/dev/zram0", "partition"], [102400.0, 2048.0, -2.0])),
            ),
            ("/a\\040b\tfile\t1\t0\t5", Ok((["/a\\040b", "file"], [1024.0, 0.0, 5.0]))),
            ("/dev/sda2 partition 1 x 3", Err("swaps:1: expected kB, found x")),
            ("/dev/sda2 partition 1 1", Err("swaps:1: expected a priority, found end of line")),
            ("", Err("swaps:1: expected a device, found end of line")),
        ];
        for (content, expected) in CASES {
            let content = format!("{content}\n");
            let line = Lines::new("swaps", content.as_bytes()).next().unwrap();
            let parsed = parse_swap(line).map_err(|error| error.to_string());
            assert_eq!(parsed, expected.map_err(str::to_owned), "{content:?}");
        }
    }
}
