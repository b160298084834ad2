//! `conntrack`: connections that netfilter tracks. Sources: `nf_conntrack_count` and `_max` of
//! proc's `sys/net/netfilter`, and `net/stat/nf_conntrack`, a line of hexadecimal numbers for each
//! CPU.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const ENTRIES: [Metric; 2] = [
    Metric::gauge("node_nf_conntrack_entries", "Connections that are tracked."),
    Metric::gauge("node_nf_conntrack_entries_limit", "Connections that can be tracked."),
];
const ENTRIES_FILES: [&str; ENTRIES.len()] = ["nf_conntrack_count", "nf_conntrack_max"];

const STATS: [Metric; 8] = [
    Metric::gauge("node_nf_conntrack_stat_drop", "Packets dropped as tracking failed."),
    Metric::gauge("node_nf_conntrack_stat_early_drop", "Entries dropped to make room for others."),
    Metric::gauge("node_nf_conntrack_stat_found", "Look-ups that found an entry."),
    Metric::gauge("node_nf_conntrack_stat_ignore", "Packets of connections tracked already."),
    Metric::gauge("node_nf_conntrack_stat_insert", "Entries inserted."),
    Metric::gauge("node_nf_conntrack_stat_insert_failed", "Entries that could not be inserted."),
    Metric::gauge("node_nf_conntrack_stat_invalid", "Packets that cannot be tracked."),
    Metric::gauge("node_nf_conntrack_stat_search_restart", "Look-ups begun anew after a resize."),
];

/// Where in a line the number of each of [`STATS`] stands.
const PLACES: [usize; STATS.len()] = [10, 11, 2, 5, 8, 9, 4, 16];

/// Numbers of a line. Kernels before 2.6.35 lack the last.
const WIDTH: usize = 17;

/// Bytes that no line has: one has [`WIDTH`] numbers of 32 bits, and the first, of their names, 165.
const LINE_BYTES_MAX: usize = 256;

pub(super) struct ConnTrack {
    entries_files: [KeptFile; ENTRIES.len()],
    entries: Table,
    stats_file: KeptFile,
    stats: Table,
}

impl ConnTrack {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let proc = &setup.roots.proc;
        let folder = proc.join("sys/net/netfilter");
        Ok(Box::new(ConnTrack {
            entries_files: ENTRIES_FILES.map(|name| KeptFile::new(folder.join(name))),
            entries: Table::register(&setup.registry, &[], &ENTRIES)?,
            stats_file: KeptFile::of_short_records(
                proc.join("net/stat/nf_conntrack"),
                LINE_BYTES_MAX,
            ),
            stats: Table::register(&setup.registry, &[], &STATS)?,
        }))
    }
}

impl Collector for ConnTrack {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut entries, mut stats) = (self.entries.sweep(), self.stats.sweep());
        for (column, (name, file)) in
            ENTRIES_FILES.into_iter().zip(&mut self.entries_files).enumerate()
        {
            let mut lines = Lines::new(name, files.read(file)?);
            let mut line = lines.next().ok_or_else(|| lines.missing("a number"))?;
            let count: u64 = line.number("a number of connections")?;
            entries.only_row().set(column, Some(count as f64));
        }
        let sums = parse_stats(files.read(&mut self.stats_file)?)?;
        stats.only_row().set_all(&sums.map(|sum| Some(sum as f64)));
        Ok(())
    }
}

/// The sums of each of [`STATS`] over all CPUs.
fn parse_stats(content: &[u8]) -> Result<[u64; STATS.len()], CollectError> {
    let mut sums = [0_u64; STATS.len()];
    for mut line in Lines::new("nf_conntrack", content).skip(1) {
        let mut numbers = [0; WIDTH];
        let (required, optional) = numbers.split_at_mut(WIDTH - 1);
        for number in required {
            *number = line.hexadecimal("a hexadecimal count")?;
        }
        if !line.is_at_end() {
            optional[0] = line.hexadecimal("a hexadecimal count")?;
        }
        if let more @ Some(_) = line.word() {
            return Err(line.malformed("17 counts", more));
        }
        for (sum, place) in sums.iter_mut().zip(PLACES) {
            *sum = sum.wrapping_add(numbers[place]);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "entries searched found\n";

    #[test]
    fn sums_up_what_each_cpu_counted() {
        let content =
            format!("{HEAD}1 2 3 4 5 6 7 8 9 a b c d e f 10 11\n1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n");
        let expected = [12, 13, 4, 7, 10, 11, 6, 17];
        assert_eq!(parse_stats(content.as_bytes()).unwrap(), expected);
        assert_eq!(parse_stats(HEAD.as_bytes()).unwrap(), [0; 8]);
    }

    #[test]
    fn says_what_is_wrong() {
        let full = "1 2 3 4 5 6 7 8 9 a b c d e f 10 11";
        let cases = [
            (
                "1 2 3\n".to_owned(),
                "nf_conntrack:2: expected a hexadecimal count, found end of line",
            ),
            (
                full.replace('9', "x") + "\n",
                "nf_conntrack:2: expected a hexadecimal count, found x",
            ),
            (format!("{full} 12\n"), "nf_conntrack:2: expected 17 counts, found 12"),
        ];
        for (line, expected) in cases {
            let error = parse_stats(format!("{HEAD}{line}").as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{line:?}");
        }
    }
}
