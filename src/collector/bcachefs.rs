//! `bcachefs`: what bcachefs counts, in all and of each device. Source: sysfs' `fs/bcachefs`.
//!
//! Each file below `counters` is a family of its own.

mod files;

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields, metric_name_part};
use super::fs::{Files, KeptFile};
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;
use files::{parse_counter, parse_done, parse_errors, parse_failed, parse_pairs, parse_size};
use std::path::Path;
use std::sync::Arc;

const WHOLE: [Metric; 2] = [
    Metric::gauge("node_bcachefs_info", "A file system; always 1."),
    Metric::gauge("node_bcachefs_btree_cache_size_bytes", "Memory that the cache of trees takes."),
];
const COMPRESSION: [Metric; 2] = [
    Metric::gauge("node_bcachefs_compression_compressed_bytes", "Size of what was compressed."),
    Metric::gauge("node_bcachefs_compression_uncompressed_bytes", "Its size before."),
];
const ERRORS: [Metric; 1] = [Metric::counter("node_bcachefs_errors_total", "Errors by type.")];
const WRITES: [Metric; 2] = [
    Metric::counter("node_bcachefs_btree_writes_total", "Writes of trees by type."),
    Metric::gauge("node_bcachefs_btree_write_average_size_bytes", "Their average size."),
];
const DEVICE_INFO: [Metric; 1] =
    [Metric::gauge("node_bcachefs_device_info", "Label and state of a device; always 1.")];
const DEVICES: [Metric; 3] = [
    Metric::gauge("node_bcachefs_device_bucket_size_bytes", "Size of a bucket of a device."),
    Metric::gauge("node_bcachefs_device_buckets", "Buckets of a device."),
    Metric::gauge("node_bcachefs_device_durability", "Copies that data on a device counts as."),
];
const DONE: [Metric; 1] =
    [Metric::counter("node_bcachefs_device_io_done_bytes_total", "Data read and written.")];
const FAILED: [Metric; 1] =
    [Metric::counter("node_bcachefs_device_io_errors_total", "Reads and writes that failed.")];

const DEVICE_FILES: [&str; 5] = ["label", "state", "bucket_size", "nbuckets", "durability"];

pub(super) struct Bcachefs {
    file_systems: Devices<FileSystem>,
    counters: Fields,
    tables: Tables,
}

struct Tables {
    whole: Table,
    compression: Table,
    errors: Table,
    writes: Table,
    device_info: Table,
    devices: Table,
    done: Table,
    failed: Table,
}

struct Sweeps<'t> {
    whole: Sweep<'t>,
    compression: Sweep<'t>,
    errors: Sweep<'t>,
    writes: Sweep<'t>,
    device_info: Sweep<'t>,
    devices: Sweep<'t>,
    done: Sweep<'t>,
    failed: Sweep<'t>,
}

struct FileSystem {
    cache_size: KeptFile,
    compression: KeptFile,
    errors: KeptFile,
    writes: KeptFile,
    counters: Devices<KeptFile>,
    devices: Devices<Device>,
}

struct Device {
    name: String,
    files: Attributes<{ DEVICE_FILES.len() }>,
    /// Its label and its state.
    texts: [String; 2],
    done: KeptFile,
    failed: KeptFile,
}

impl Bcachefs {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        let table = |labels: &[&'static str], metrics: &[Metric]| {
            Table::register(registry, labels, metrics)
        };
        let tables = Tables {
            whole: table(&["uuid"], &WHOLE)?,
            compression: table(&["uuid", "algorithm"], &COMPRESSION)?,
            errors: table(&["uuid", "error_type"], &ERRORS)?,
            writes: table(&["uuid", "type"], &WRITES)?,
            device_info: table(&["uuid", "device", "label", "state"], &DEVICE_INFO)?,
            devices: table(&["uuid", "device"], &DEVICES)?,
            done: table(&["uuid", "device", "operation", "data_type"], &DONE)?,
            failed: table(&["uuid", "device", "type"], &FAILED)?,
        };
        let file_systems = Devices::new(setup.roots.sys.join("fs/bcachefs"));
        Ok(Box::new(Bcachefs { file_systems, counters: Fields::new(registry), tables }))
    }
}

impl Collector for Bcachefs {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut sweeps, mut counters) = (self.tables.sweep(), self.counters.sweep());
        self.file_systems.refresh(|_, folder| folder.is_dir().then(|| FileSystem::new(folder)))?;
        if self.file_systems.is_empty() {
            return Err(CollectError::NoData { path: Arc::from(self.file_systems.folder()) });
        }
        self.file_systems.visit(|uuid, file_system| {
            let whole = file_system.show(uuid, files, &mut sweeps);
            let counted = file_system.show_counters(uuid, files, &mut counters);
            whole.and(counted).and(file_system.show_devices(uuid, files, &mut sweeps))
        })
    }
}

impl Tables {
    fn sweep(&mut self) -> Sweeps<'_> {
        Sweeps {
            whole: self.whole.sweep(),
            compression: self.compression.sweep(),
            errors: self.errors.sweep(),
            writes: self.writes.sweep(),
            device_info: self.device_info.sweep(),
            devices: self.devices.sweep(),
            done: self.done.sweep(),
            failed: self.failed.sweep(),
        }
    }
}

/// The content of a file, which is empty where there is none.
fn read_if_there<'f>(files: &'f mut Files, file: &mut KeptFile) -> Result<&'f [u8], CollectError> {
    match files.read(file) {
        Err(error) if error.is_no_data() => Ok(b""),
        content => content,
    }
}

impl FileSystem {
    fn new(folder: &Path) -> FileSystem {
        let file = |name| KeptFile::new(folder.join(name));
        FileSystem {
            cache_size: file("btree_cache_size"),
            compression: file("compression_stats"),
            errors: file("errors"),
            writes: file("btree_write_stats"),
            counters: Devices::new(folder.join("counters")),
            devices: Devices::new(folder),
        }
    }

    fn show(
        &mut self,
        uuid: &str,
        files: &mut Files,
        sweeps: &mut Sweeps<'_>,
    ) -> Result<(), CollectError> {
        let Sweeps { whole, compression, errors, writes, .. } = sweeps;
        let size = parse_size("btree_cache_size", read_if_there(files, &mut self.cache_size)?)?;
        whole.row(&[uuid]).set_all(&[Some(1.0), Some(size)]);
        let content = read_if_there(files, &mut self.compression)?;
        parse_pairs("compression_stats", content, |algorithm, sizes| {
            compression.row(&[uuid, algorithm]).set_all(&sizes.map(Some));
        })?;
        parse_errors(read_if_there(files, &mut self.errors)?, |kind, count| {
            errors.row(&[uuid, kind]).set(0, Some(count));
        })?;
        let content = read_if_there(files, &mut self.writes)?;
        parse_pairs("btree_write_stats", content, |kind, counts| {
            writes.row(&[uuid, kind]).set_all(&counts.map(Some));
        })
    }

    fn show_counters(
        &mut self,
        uuid: &str,
        files: &mut Files,
        sweep: &mut FieldSweep<'_>,
    ) -> Result<(), CollectError> {
        self.counters.refresh_if_there(|_, path| Some(KeptFile::new(path)))?;
        self.counters.visit(|name, file| {
            let count = parse_counter(files.read(file)?)?;
            sweep.row(name.as_bytes(), &[uuid], || describe(name))?.set(0, Some(count));
            Ok(())
        })
    }

    fn show_devices(
        &mut self,
        uuid: &str,
        files: &mut Files,
        sweeps: &mut Sweeps<'_>,
    ) -> Result<(), CollectError> {
        self.devices.refresh_if_there(Device::new)?;
        self.devices.visit(|_, device| device.show(uuid, files, sweeps))
    }
}

fn describe(counter: &str) -> Described {
    let name = format!("node_bcachefs_{}_total", metric_name_part(counter));
    let help = format!("Counter {counter} of a file system since it was made.");
    Described { name, help, kind: Kind::Counter, label_names: &["uuid"] }
}

impl Device {
    fn new(name: &str, folder: &Path) -> Option<Device> {
        let name = name.strip_prefix("dev-")?.to_owned();
        let file = |name| KeptFile::new(folder.join(name));
        let (done, failed) = (file("io_done"), file("io_errors"));
        let files = Attributes::new(folder, DEVICE_FILES);
        Some(Device { name, files, texts: Default::default(), done, failed })
    }

    fn show(
        &mut self,
        uuid: &str,
        files: &mut Files,
        sweeps: &mut Sweeps<'_>,
    ) -> Result<(), CollectError> {
        self.files.begin_scrape();
        self.files.copy_texts(files, &mut self.texts);
        let [label, state] = &self.texts;
        sweeps.device_info.row(&[uuid, &self.name, label, state]).set(0, Some(1.0));
        let size = match self.files.read(2, files) {
            Ok(size) => parse_size("bucket_size", size)?,
            Err(_) => 0.0,
        };
        let [buckets, durability] = [3, 4].map(|index| self.files.number(index, files));
        let shown = [Some(size), buckets.or(Some(0.0)), durability.or(Some(0.0))];
        sweeps.devices.row(&[uuid, &self.name]).set_all(&shown);
        parse_done(read_if_there(files, &mut self.done)?, |operation, kind, bytes| {
            sweeps.done.row(&[uuid, &self.name, operation, kind]).set(0, Some(bytes));
        })?;
        parse_failed(read_if_there(files, &mut self.failed)?, |kind, count| {
            sweeps.failed.row(&[uuid, &self.name, kind]).set(0, Some(count));
        })
    }
}
