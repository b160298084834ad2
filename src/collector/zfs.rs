//! `zfs`: what ZFS counts, in all and of each pool and dataset. Source: procfs' `spl/kstat/zfs`.
//!
//! A statistic is a family, and what a version of ZFS has is shown; a file that it does not have is
//! left out.

mod kstat;

use super::devices::Devices;
use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::text::to_text;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::{RegisterError, Registry};
use kstat::{Value, parse_named, parse_table};
use std::path::{Path, PathBuf};

/// Table: what the names of the families of a file begin with => the file.
const SOURCES: [(&str, &str); 11] = [
    ("node_zfs_abd_", "abdstats"),
    ("node_zfs_arc_", "arcstats"),
    ("node_zfs_dbuf_", "dbufstats"),
    ("node_zfs_dmu_tx_", "dmu_tx"),
    ("node_zfs_dnode_", "dnodestats"),
    ("node_zfs_fm_", "fm"),
    ("node_zfs_vdev_cache_", "vdev_cache_stats"),
    ("node_zfs_vdev_mirror_", "vdev_mirror_stats"),
    ("node_zfs_xuio_", "xuio_stats"),
    ("node_zfs_zfetch_", "zfetchstats"),
    ("node_zfs_zil_", "zil"),
];
const OF_POOLS: &str = "node_zfs_zpool_";
const OF_DATASETS: &str = "node_zfs_zpool_dataset_";

const STATE: Metric = Metric::gauge("node_zfs_zpool_state", "Whether a pool is in a state.");
const STATES: [&str; 7] =
    ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"];

pub(super) struct Zfs {
    sources: [Source; SOURCES.len()],
    pools: Devices<Pool>,
    of_pools: Fields,
    of_datasets: Fields,
    states: Table,
}

/// A file of statistics.
struct Source {
    prefix: &'static str,
    name: &'static str,
    file: KeptFile,
    fields: Fields,
}

struct Pool {
    io: KeptFile,
    state: KeptFile,
    datasets: Devices<KeptFile>,
}

impl Zfs {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, folder) = (&setup.registry, setup.roots.proc.join("spl/kstat/zfs"));
        let states = STATES.map(|state| STATE.with_label("state", state));
        Ok(Box::new(Zfs {
            sources: SOURCES.map(|names| Source::new(names, &folder, registry)),
            pools: Devices::new(folder),
            of_pools: Fields::new(registry),
            of_datasets: Fields::new(registry),
            states: Table::register(registry, &["zpool"], &states)?,
        }))
    }

    fn show_pools(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut states = self.states.sweep();
        let (mut of_pools, mut of_datasets) = (self.of_pools.sweep(), self.of_datasets.sweep());
        self.pools.visit(|name, pool| {
            let io = if_there(files.read(&mut pool.io))?;
            let shown = io.map_or(Ok(()), |io| show_io(name, io, &mut of_pools));
            if let Some(state) = if_there(files.read(&mut pool.state))? {
                let is_in = |known: &str| state.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
                let values = STATES.map(|known| Some(f64::from(u8::from(is_in(known)))));
                states.row(&[name]).set_all(&values);
            }
            let datasets = &mut pool.datasets;
            datasets.refresh_if_there(|name, path| {
                name.starts_with("objset-").then(|| KeptFile::of_many_records(path))
            })?;
            shown.and(datasets.visit(|_, file| {
                let objset = if_there(files.read(file))?;
                objset.map_or(Ok(()), |objset| show_dataset(name, objset, &mut of_datasets))
            }))
        })
    }
}

impl Collector for Zfs {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let listed = self.pools.refresh(|_, folder| folder.is_dir().then(|| Pool::new(folder)));
        let mut outcome = Ok(());
        for source in &mut self.sources {
            outcome = outcome.and(source.show(files, listed.is_ok()));
        }
        outcome = outcome.and(self.show_pools(files));
        listed.and(outcome)
    }
}

/// What was read of a file that need not be there: pools are exported, and versions differ.
fn if_there<T>(read: Result<T, CollectError>) -> Result<Option<T>, CollectError> {
    match read {
        Err(error) if error.is_no_data() => Ok(None),
        read => read.map(Some),
    }
}

impl Source {
    fn new((prefix, name): (&'static str, &'static str), folder: &Path, of: &Registry) -> Source {
        let file = KeptFile::of_many_records(folder.join(name));
        Source { prefix, name, file, fields: Fields::new(of) }
    }

    fn show(&mut self, files: &mut Files, is_zfs_there: bool) -> Result<(), CollectError> {
        let mut sweep = self.fields.sweep();
        if !is_zfs_there {
            return Ok(());
        }
        let Some(content) = if_there(files.read(&mut self.file))? else { return Ok(()) };
        parse_named(self.name, content, |name, value| match value {
            Value::Signed(number) | Value::Unsigned(number) => {
                sweep.set(name, number, || describe(self.prefix, name, self.name, &[]))
            }
            Value::Other(_) => Ok(()),
        })
    }
}

impl Pool {
    fn new(folder: &Path) -> Pool {
        Pool {
            io: KeptFile::new(folder.join("io")),
            state: KeptFile::new(folder.join("state")),
            datasets: Devices::new(PathBuf::from(folder)),
        }
    }
}

fn show_io(pool: &str, content: &[u8], sweep: &mut FieldSweep<'_>) -> Result<(), CollectError> {
    parse_table("io", content, |name, number| {
        let mut row = sweep.row(name, &[pool], || describe(OF_POOLS, name, "io", &["zpool"]))?;
        row.set(0, Some(number));
        Ok(())
    })
}

fn show_dataset(
    pool: &str,
    content: &[u8],
    sweep: &mut FieldSweep<'_>,
) -> Result<(), CollectError> {
    let mut dataset = std::borrow::Cow::Borrowed("");
    parse_named("objset", content, |name, value| {
        match value {
            Value::Other(text) if name == b"dataset_name" => {
                dataset = to_text(text);
            }
            Value::Unsigned(number) => {
                let labels = &["zpool", "dataset"];
                let describe = || describe(OF_DATASETS, name, "objset", labels);
                sweep.row(name, &[pool, &*dataset], describe)?.set(0, Some(number));
            }
            Value::Signed(_) | Value::Other(_) => {}
        }
        Ok(())
    })
}

fn describe(
    prefix: &str,
    name: &[u8],
    file: &str,
    label_names: &'static [&'static str],
) -> Described {
    let name = to_text(name);
    let help = format!("Statistic {name} of the file {file} of ZFS.");
    let own = name.rsplit('.').next().unwrap_or_default().replace('-', "_");
    Described { name: format!("{prefix}{own}"), help, kind: Kind::Unknown, label_names }
}
