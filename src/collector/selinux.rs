//! `selinux`: whether SELinux is on, what it enforces, and how its cache does. Sources: selinuxfs in
//! sysfs' `fs/selinux`, and `/etc/selinux/config` of the root file system.

use super::absent::Absence;
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Lines, parse_number, parse_only_number};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use crate::sys::file::is_selinuxfs;
use std::path::PathBuf;

const ENABLED: [Metric; 1] = [Metric::gauge("node_selinux_enabled", "Whether SELinux is on.")];

const MODES: [Metric; 3] = [
    Metric::gauge(
        "node_selinux_config_mode",
        "What SELinux is set up to do: 1 enforce, 0 permit, -1 nothing.",
    ),
    Metric::gauge("node_selinux_current_mode", "What SELinux does: 1 enforce, 0 permit."),
    Metric::gauge("node_selinux_avc_threshold", "Entries past which the cache is shrunk."),
];

/// In the order of `avc/cache_stats`.
const CACHE: [Metric; 6] = [
    Metric::counter("node_selinux_avc_lookups_total", "Questions to the cache of decisions."),
    Metric::counter("node_selinux_avc_hits_total", "Questions that the cache could answer."),
    Metric::counter("node_selinux_avc_misses_total", "Questions that it could not answer."),
    Metric::counter("node_selinux_avc_allocations_total", "Entries that were added to it."),
    Metric::counter("node_selinux_avc_reclaims_total", "Entries that made room for others."),
    Metric::counter("node_selinux_avc_frees_total", "Entries that were given back."),
];

/// In the order of `avc/hash_stats`.
const HASH: [Metric; 4] = [
    Metric::gauge("node_selinux_avc_hash_entries", "Entries of the cache."),
    Metric::gauge("node_selinux_avc_hash_buckets_used", "Buckets of the cache with entries."),
    Metric::gauge("node_selinux_avc_hash_buckets_available", "Buckets of the cache."),
    Metric::gauge("node_selinux_avc_hash_longest_chain", "Entries of its fullest bucket."),
];

const ENFORCING: f64 = 1.0;
const PERMISSIVE: f64 = 0.0;
const DISABLED: f64 = -1.0;

pub(super) struct SeLinux {
    folder: PathBuf,
    absence: Absence,
    config: KeptFile,
    enforce: KeptFile,
    threshold: KeptFile,
    cache_stats: KeptFile,
    hash_stats: KeptFile,
    enabled: Table,
    modes: Table,
    cache: Table,
    hash: Table,
}

impl SeLinux {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.sys.join("fs/selinux");
        let file = |name: &str| KeptFile::new(folder.join(name));
        let registry = &setup.registry;
        Ok(Box::new(SeLinux {
            config: KeptFile::new(setup.roots.rootfs.join("etc/selinux/config")),
            enforce: file("enforce"),
            threshold: file("avc/cache_threshold"),
            cache_stats: KeptFile::of_many_records(folder.join("avc/cache_stats")),
            hash_stats: file("avc/hash_stats"),
            enabled: Table::register(registry, &[], &ENABLED)?,
            modes: Table::register(registry, &[], &MODES)?,
            cache: Table::register(registry, &[], &CACHE)?,
            hash: Table::register(registry, &[], &HASH)?,
            folder,
            absence: Absence::default(),
        }))
    }
}

impl Collector for SeLinux {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut modes, mut cache) = (self.modes.sweep(), self.cache.sweep());
        let mut hash = self.hash.sweep();
        let folder = self.absence.open(&self.folder);
        let is_enabled = folder.is_ok_and(|folder| is_selinuxfs(&folder));
        self.enabled.set(&[Some(if is_enabled { 1.0 } else { 0.0 })]);
        if !is_enabled {
            return Ok(());
        }
        // Without a readable configuration nothing is set up.
        let config = files.read(&mut self.config).map_or(DISABLED, parse_config);
        let enforce = parse_only_number("enforce", files.read(&mut self.enforce)?)?;
        let threshold = parse_only_number("cache_threshold", files.read(&mut self.threshold)?)?;
        modes.only_row().set_all(&[config, enforce, threshold].map(Some));
        let stats = parse_cache_stats(files.read(&mut self.cache_stats)?)?;
        cache.only_row().set_all(&stats.map(|count| Some(count as f64)));
        let stats = parse_hash_stats(files.read(&mut self.hash_stats)?)?;
        hash.only_row().set_all(&stats.map(|count| Some(count as f64)));
        Ok(())
    }
}

/// The mode in the line `SELINUX=MODE`.
fn parse_config(content: &[u8]) -> f64 {
    let lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mode = lines.filter_map(|line| line.strip_prefix(b"SELINUX=")).next_back();
    match mode.map(<[u8]>::trim_ascii) {
        Some(b"enforcing") => ENFORCING,
        Some(b"permissive") => PERMISSIVE,
        _ => DISABLED,
    }
}

/// The sums of a table that has a line for each CPU below its headings.
fn parse_cache_stats(content: &[u8]) -> Result<[u64; CACHE.len()], CollectError> {
    let mut lines = Lines::new("cache_stats", content);
    lines.next().ok_or_else(|| lines.missing("the headings"))?;
    let mut sums = [0; CACHE.len()];
    for mut line in lines {
        for sum in &mut sums {
            let count: u64 = line.number("a count")?;
            *sum = count.wrapping_add(*sum);
        }
    }
    Ok(sums)
}

/// The numbers of lines like `entries: 503` and `buckets used: 283/512`.
fn parse_hash_stats(content: &[u8]) -> Result<[u64; HASH.len()], CollectError> {
    let mut lines = Lines::new("hash_stats", content);
    let mut value = |expected| {
        let mut line = lines.next().ok_or_else(|| lines.missing(expected))?;
        line.until(b':').ok_or_else(|| line.malformed(expected, None))?;
        let word = line.word().unwrap_or_default();
        let mut numbers = word.split(|byte| *byte == b'/').map(parse_number::<u64>);
        let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
        let malformed = || line.malformed(expected, Some(word));
        Ok((first.ok_or_else(malformed)?, second))
    };
    let (entries, _) = value("entries")?;
    let (used, available) = value("buckets used")?;
    let (longest, _) = value("longest chain")?;
    let available = available.ok_or_else(|| lines.missing("the number of buckets"))?;
    Ok([entries, used, available, longest])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mode_of_a_configuration_counts() {
        const CASES: &[(&str, f64)] = &[
            ("# SELINUX=enforcing\nSELINUX=permissive\nSELINUXTYPE=targeted\n", PERMISSIVE),
            ("SELINUX=permissive\nSELINUX=enforcing \n", ENFORCING),
            ("SELINUX=disabled\n", DISABLED),
            ("", DISABLED),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse_config(content.as_bytes()), *expected, "{content:?}");
        }
    }

    #[test]
    fn the_cache_is_that_of_all_cpus() {
        let stats = b"lookups hits misses allocations reclaims frees\n9 5 4 3 2 1\n1 1 0 0 0 0\n";
        assert_eq!(parse_cache_stats(stats).unwrap(), [10, 6, 4, 3, 2, 1]);
        let stats = b"entries: 503\nbuckets used: 283/512\nlongest chain: 7\n";
        assert_eq!(parse_hash_stats(stats).unwrap(), [503, 283, 512, 7]);
    }

    #[test]
    fn says_what_is_wrong() {
        const CACHES: &[(&str, &str)] = &[
            ("", "cache_stats:1: expected the headings, found end of file"),
            ("lookups\n1 2 3 4 5\n", "cache_stats:2: expected a count, found end of line"),
        ];
        for (content, expected) in CACHES {
            let error = parse_cache_stats(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
        const HASHES: &[(&str, &str)] = &[
            ("entries: 1\n", "hash_stats:2: expected buckets used, found end of file"),
            ("entries: x\n", "hash_stats:1: expected entries, found x"),
            ("entries\n", "hash_stats:1: expected entries, found end of line"),
            (
                "entries: 1\nbuckets used: 2\nlongest chain: 3\n",
                "hash_stats:4: expected the number of buckets, found end of file",
            ),
        ];
        for (content, expected) in HASHES {
            let error = parse_hash_stats(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
