//! Files of bcache, whose numbers are written for people: `1.1M` are one mebibyte and 1/10.24 of
//! another, since what stands behind the dot counts 1,024ths divided by 100.

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines, parse_number};
use crate::collector::number_files::NumberFile;
use crate::collector::table::Metric;

pub(super) const SET: [NumberFile; 6] = [
    NumberFile::new(
        "average_key_size",
        Metric::gauge("node_bcache_average_key_size_sectors", "Data of a key of the tree."),
    )
    .parsed(parse_human),
    NumberFile::new(
        "btree_cache_size",
        Metric::gauge("node_bcache_btree_cache_size_bytes", "Memory that the tree takes."),
    )
    .parsed(parse_human),
    NumberFile::new(
        "cache_available_percent",
        Metric::gauge(
            "node_bcache_cache_available_percent",
            "Part of the cache without dirty data.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new(
        "congested",
        Metric::gauge("node_bcache_congested", "How congested the cache is."),
    )
    .parsed(parse_human),
    NumberFile::new(
        "root_usage_percent",
        Metric::gauge(
            "node_bcache_root_usage_percent",
            "Part of the root of the tree that is in use.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new("tree_depth", Metric::gauge("node_bcache_tree_depth", "Depth of the tree."))
        .parsed(parse_human),
];

pub(super) const INTERNAL: [NumberFile; 4] = [
    NumberFile::new(
        "active_journal_entries",
        Metric::gauge(
            "node_bcache_active_journal_entries",
            "Journal entries that the index lacks yet.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new("btree_nodes", Metric::gauge("node_bcache_btree_nodes", "Nodes of the tree."))
        .parsed(parse_human),
    NumberFile::new(
        "btree_read_average_duration_us",
        Metric::gauge(
            "node_bcache_btree_read_average_duration_seconds",
            "Time that it takes to read a node of the tree.",
        ),
    )
    .parsed(|content| Some(parse_human(content)? * SECONDS_PER_NANOSECOND)),
    NumberFile::new(
        "cache_read_races",
        Metric::counter(
            "node_bcache_cache_read_races_total",
            "Reads from the cache that another use of the bucket overtook.",
        ),
    )
    .parsed(parse_human),
];

pub(super) const STATS: [NumberFile; 7] = [
    NumberFile::new(
        "bypassed",
        Metric::counter("node_bcache_bypassed_bytes_total", "Data that bypassed the cache."),
    )
    .parsed(parse_human),
    NumberFile::new(
        "cache_hits",
        Metric::counter("node_bcache_cache_hits_total", "Reads and writes that hit the cache."),
    )
    .parsed(parse_human),
    NumberFile::new(
        "cache_misses",
        Metric::counter(
            "node_bcache_cache_misses_total",
            "Reads and writes that missed the cache.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new(
        "cache_bypass_hits",
        Metric::counter(
            "node_bcache_cache_bypass_hits_total",
            "Hits of what was to bypass the cache.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new(
        "cache_bypass_misses",
        Metric::counter(
            "node_bcache_cache_bypass_misses_total",
            "Misses of what was to bypass the cache.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new(
        "cache_miss_collisions",
        Metric::counter(
            "node_bcache_cache_miss_collisions_total",
            "Misses whose data a write had put into the cache meanwhile.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new(
        "cache_readaheads",
        Metric::counter("node_bcache_cache_readaheads_total", "Reads ahead."),
    )
    .parsed(parse_human),
];

pub(super) const BACKING: [NumberFile; 1] = [NumberFile::new(
    "dirty_data",
    Metric::gauge(
        "node_bcache_dirty_data_bytes",
        "Data of a backing device that only the cache has.",
    ),
)
.parsed(parse_human)];

pub(super) const CACHE: [NumberFile; 3] = [
    NumberFile::new(
        "io_errors",
        Metric::gauge("node_bcache_io_errors", "Errors of a cache, fewer as time goes by."),
    )
    .parsed(parse_human),
    NumberFile::new(
        "metadata_written",
        Metric::counter(
            "node_bcache_metadata_written_bytes_total",
            "Metadata that was written to a cache.",
        ),
    )
    .parsed(parse_human),
    NumberFile::new(
        "written",
        Metric::counter("node_bcache_written_bytes_total", "Data that was written to a cache."),
    )
    .parsed(parse_human),
];

/// The name of the file says microseconds; node_exporter, whose values count, reads nanoseconds.
const SECONDS_PER_NANOSECOND: f64 = 1e-9;

/// Table: letter behind a number => the power of 1,024 that it stands for.
const UNITS: &[u8] = b"kMGTPEZY";

/// A number such as `12`, `1.1M` or `-4.5k`, without what is less than one.
fn parse_human(content: &[u8]) -> Option<f64> {
    let (sign, size) = match content.strip_prefix(b"-") {
        Some(size) => (-1.0, size),
        None => (1.0, content),
    };
    let unit = size.last().and_then(|last| UNITS.iter().position(|unit| unit == last));
    let size = match unit {
        None => parse_number(size)?,
        Some(unit) => {
            let number = &size[..size.len() - 1];
            let mut parts = number.splitn(2, |byte| *byte == b'.');
            let whole: u64 = parts.next().and_then(parse_number)?;
            let part = parts.next().map_or(Some(0), parse_number::<u64>)?;
            let power = i32::try_from(unit).ok()? + 1;
            (whole as f64 + part as f64 / 10.24) * 1024_f64.powi(power)
        }
    };
    Some(sign * size.trunc())
}

/// The target for dirty data, the rate of writing back, its two terms and its last change.
pub(super) fn parse_writeback(content: &[u8]) -> Result<[Option<f64>; 5], CollectError> {
    const NAMES: [&[u8]; 5] = [b"target:", b"rate:", b"proportional:", b"integral:", b"change:"];
    let mut values = [None; NAMES.len()];
    for mut line in Lines::new("writeback_rate_debug", content) {
        let name = line.word().unwrap_or_default();
        if let Some(index) = NAMES.iter().position(|known| *known == name) {
            let word = last_word(&mut line);
            let size = word.strip_suffix(b"/sec").unwrap_or(word);
            let malformed = || line.malformed("a size", Some(word));
            values[index] = Some(parse_human(size).ok_or_else(malformed)?);
        }
    }
    Ok(values)
}

/// The parts of the cache in percent that are unused and that are metadata.
pub(super) fn parse_priorities(content: &[u8]) -> Result<[Option<f64>; 2], CollectError> {
    const NAMES: [&[u8]; 2] = [b"Unused:", b"Metadata:"];
    let mut values = [None; NAMES.len()];
    for mut line in Lines::new("priority_stats", content) {
        let name = line.word().unwrap_or_default();
        if let Some(index) = NAMES.iter().position(|known| *known == name) {
            let word = last_word(&mut line);
            let percent = parse_number::<u64>(word.strip_suffix(b"%").unwrap_or(word));
            let percent = percent.ok_or_else(|| line.malformed("a percentage", Some(word)))?;
            values[index] = Some(percent as f64);
        }
    }
    Ok(values)
}

fn last_word<'a>(line: &mut Line<'a>) -> &'a [u8] {
    std::iter::from_fn(|| line.word()).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_for_people() {
        const CASES: &[(&str, Option<f64>)] = &[
            ("0", Some(0.0)),
            ("1305", Some(1305.0)),
            ("1.1M", Some(1150976.0)),
            ("427.5k", Some(437748.0)),
            ("-790.0k", Some(-808960.0)),
            ("2G", Some(2147483648.0)),
            ("", None),
            ("-", None),
            ("k", None),
            ("1.M", None),
            ("1.2.3M", None),
            ("3X", None),
        ];
        for (size, expected) in CASES {
            assert_eq!(parse_human(size.as_bytes()), *expected, "{size:?}");
        }
    }

    #[test]
    fn files_of_several_lines_say_what_is_wrong() {
        let content = b"rate:\t\t1.1M/sec\ndirty:\t20.4G\nchange:\t-1.0k/sec\nnext io:\t17ms\n";
        let values = [None, Some(1150976.0), None, None, Some(-1024.0)];
        assert_eq!(parse_writeback(content).unwrap(), values);
        let error = parse_writeback(b"rate: 1\ntarget: x\n").unwrap_err();
        assert_eq!(error.to_string(), "writeback_rate_debug:2: expected a size, found x");
        let content = b"Unused:\t\t99%\nMetadata:\t0%\nAverage:\t10473\n";
        assert_eq!(parse_priorities(content).unwrap(), [Some(99.0), Some(0.0)]);
        let error = parse_priorities(b"Unused: -1%\n").unwrap_err();
        assert_eq!(error.to_string(), "priority_stats:1: expected a percentage, found -1%");
    }
}
