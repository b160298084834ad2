//! `bcache`: caches of block devices. Source: sysfs' `fs/bcache`
//! (Documentation/admin-guide/bcache.rst).

mod numbers;

use super::devices::Devices;
use super::error::CollectError;
use super::flags::Flag;
use super::fs::{Files, KeptFile};
use super::number_files::NumberFiles;
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use numbers::{BACKING, CACHE, INTERNAL, SET, STATS, parse_priorities, parse_writeback};
use std::path::Path;

const PRIORITIES: &str = "collector.bcache.priorityStats";
pub(super) const FLAGS: &[Flag] =
    &[Flag::switch(PRIORITIES, false, "Show how caches are filled, which is costly to find out.")];

const WRITEBACK: [Metric; 5] = [
    Metric::gauge("node_bcache_dirty_target_bytes", "Dirty data that is aimed at."),
    Metric::gauge("node_bcache_writeback_rate", "Bytes that are written back a second."),
    Metric::gauge(
        "node_bcache_writeback_rate_proportional_term",
        "Proportional part of the rate of writing back.",
    ),
    Metric::gauge(
        "node_bcache_writeback_rate_integral_term",
        "Integral part of the rate of writing back.",
    ),
    Metric::gauge("node_bcache_writeback_change", "Last change of the rate of writing back."),
];
const FILLED: [Metric; 2] = [
    Metric::gauge("node_bcache_priority_stats_unused_percent", "Part of a cache without data."),
    Metric::gauge(
        "node_bcache_priority_stats_metadata_percent",
        "Part of a cache that is metadata.",
    ),
];

pub(super) struct Bcache {
    sets: Devices<Set>,
    shows_priorities: bool,
    tables: Tables,
}

struct Tables {
    set: Table,
    internal: Table,
    backing: Table,
    writeback: Table,
    stats: Table,
    cache: Table,
    filled: Table,
}

struct Sweeps<'t> {
    set: Sweep<'t>,
    internal: Sweep<'t>,
    backing: Sweep<'t>,
    writeback: Sweep<'t>,
    stats: Sweep<'t>,
    cache: Sweep<'t>,
    filled: Sweep<'t>,
}

/// A set of caches.
struct Set {
    own: NumberFiles<{ SET.len() }>,
    internal: NumberFiles<{ INTERNAL.len() }>,
    backings: Devices<Backing>,
    caches: Devices<Cache>,
}

/// A device whose content is cached.
struct Backing {
    own: NumberFiles<{ BACKING.len() }>,
    stats: NumberFiles<{ STATS.len() }>,
    writeback: KeptFile,
}

struct Cache {
    own: NumberFiles<{ CACHE.len() }>,
    priorities: Option<KeptFile>,
}

impl Bcache {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        let (of_backing, of_cache) = (["uuid", "backing_device"], ["uuid", "cache_device"]);
        let tables = Tables {
            set: NumberFiles::register(registry, &["uuid"], &SET)?,
            internal: NumberFiles::register(registry, &["uuid"], &INTERNAL)?,
            backing: NumberFiles::register(registry, &of_backing, &BACKING)?,
            writeback: Table::register(registry, &of_backing, &WRITEBACK)?,
            stats: NumberFiles::register(registry, &of_backing, &STATS)?,
            cache: NumberFiles::register(registry, &of_cache, &CACHE)?,
            filled: Table::register(registry, &of_cache, &FILLED)?,
        };
        let sets = Devices::new(setup.roots.sys.join("fs/bcache"));
        Ok(Box::new(Bcache { sets, shows_priorities: setup.flags.switch(PRIORITIES), tables }))
    }
}

impl Collector for Bcache {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweeps = self.tables.sweep();
        self.sets.refresh_if_there(|name, folder| {
            let is_set = name.contains('-');
            is_set.then(|| Set::new(folder))
        })?;
        self.sets.visit(|uuid, set| {
            sweeps.set.row(&[uuid]).set_all(&set.own.read(files)?);
            sweeps.internal.row(&[uuid]).set_all(&set.internal.read(files)?);
            let backings = set.show_backings(uuid, files, &mut sweeps);
            backings.and(set.show_caches(uuid, self.shows_priorities, files, &mut sweeps))
        })
    }
}

impl Tables {
    fn sweep(&mut self) -> Sweeps<'_> {
        Sweeps {
            set: self.set.sweep(),
            internal: self.internal.sweep(),
            backing: self.backing.sweep(),
            writeback: self.writeback.sweep(),
            stats: self.stats.sweep(),
            cache: self.cache.sweep(),
            filled: self.filled.sweep(),
        }
    }
}

impl Set {
    fn new(folder: &Path) -> Set {
        Set {
            own: NumberFiles::new(folder, &SET),
            internal: NumberFiles::new(&folder.join("internal"), &INTERNAL),
            backings: Devices::new(folder),
            caches: Devices::new(folder),
        }
    }

    fn show_backings(
        &mut self,
        uuid: &str,
        files: &mut Files,
        sweeps: &mut Sweeps<'_>,
    ) -> Result<(), CollectError> {
        self.backings.refresh_if_there(|name, folder| {
            is_numbered("bdev", name).then(|| Backing {
                own: NumberFiles::new(folder, &BACKING),
                stats: NumberFiles::new(&folder.join("stats_total"), &STATS),
                writeback: KeptFile::new(folder.join("writeback_rate_debug")),
            })
        })?;
        self.backings.visit(|name, backing| {
            let labels = [uuid, name];
            sweeps.stats.row(&labels).set_all(&backing.stats.read(files)?);
            sweeps.backing.row(&labels).set_all(&backing.own.read(files)?);
            match files.read(&mut backing.writeback) {
                Err(error) if error.is_no_data() => {}
                content => sweeps.writeback.row(&labels).set_all(&parse_writeback(content?)?),
            }
            Ok(())
        })
    }

    fn show_caches(
        &mut self,
        uuid: &str,
        shows_priorities: bool,
        files: &mut Files,
        sweeps: &mut Sweeps<'_>,
    ) -> Result<(), CollectError> {
        self.caches.refresh_if_there(|name, folder| {
            let priorities = || KeptFile::new(folder.join("priority_stats"));
            is_numbered("cache", name).then(|| Cache {
                own: NumberFiles::new(folder, &CACHE),
                priorities: shows_priorities.then(priorities),
            })
        })?;
        self.caches.visit(|name, cache| {
            let labels = [uuid, name];
            sweeps.cache.row(&labels).set_all(&cache.own.read(files)?);
            if let Some(priorities) = &mut cache.priorities {
                let filled = parse_priorities(files.read(priorities)?)?;
                sweeps.filled.row(&labels).set_all(&filled);
            }
            Ok(())
        })
    }
}

/// Whether `name` is `prefix` and a digit, and perhaps more.
fn is_numbered(prefix: &str, name: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
