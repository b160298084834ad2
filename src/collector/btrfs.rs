//! `btrfs`: room on Btrfs file systems and their commits. Source: sysfs' `fs/btrfs`
//! (Documentation/ABI/testing/sysfs-fs-btrfs).
//!
//! What an older kernel does not count is zero, as in node_exporter. Where a file system is mounted
//! and may be asked, it tells more of its devices, and series have the label `btrfs_dev_uuid`.

mod commits;
mod volumes;

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use crate::sys::btrfs::COUNTERS;
use commits::parse_commits;
use std::path::Path;
use volumes::{Volume, Volumes, device_name, uuid_text};

const INFO: [Metric; 1] =
    [Metric::gauge("node_btrfs_info", "Label of a Btrfs file system; always 1.")];
const TOTALS: [Metric; 5] = [
    Metric::gauge("node_btrfs_global_rsv_size_bytes", "Bytes that the global reserve may hold."),
    Metric::counter("node_btrfs_commits_total", "Commits of a file system."),
    Metric::gauge("node_btrfs_last_commit_seconds", "Time that the last commit took."),
    Metric::gauge("node_btrfs_max_commit_seconds", "Time that the longest commit took."),
    Metric::counter("node_btrfs_commit_seconds_total", "Time that all commits took."),
];
const DEVICES: [Metric; 2 + COUNTERS] = [
    Metric::gauge("node_btrfs_device_size_bytes", "Size of a device of a file system.")
        .without_empty_labels(),
    Metric::gauge("node_btrfs_device_unused_bytes", "Bytes of a device that nothing has yet."),
    errors("write"),
    errors("read"),
    errors("flush"),
    errors("corruption"),
    errors("generation"),
];
const RESERVED: [Metric; 1] =
    [Metric::gauge("node_btrfs_reserved_bytes", "Room that is reserved for a type of data.")];
const LAYOUTS: [Metric; 3] = [
    Metric::gauge("node_btrfs_used_bytes", "Room that a type of data takes in a layout."),
    Metric::gauge("node_btrfs_size_bytes", "Room that is allocated for a type of data."),
    Metric::gauge("node_btrfs_allocation_ratio", "Room on disks for each byte of data."),
];

const fn errors(kind: &'static str) -> Metric {
    Metric::counter("node_btrfs_device_errors_total", "Errors that a device made, by type.")
        .with_label("type", kind)
}

/// Types of data, which have a folder each.
const TYPES: [&str; 3] = ["data", "metadata", "system"];

const BYTES_PER_SECTOR: f64 = 512.0;

pub(super) struct Btrfs {
    file_systems: Devices<FileSystem>,
    volumes: Volumes,
    tables: Tables,
}

struct Tables {
    info: Table,
    totals: Table,
    devices: Table,
    reserved: Table,
    layouts: Table,
}

struct Sweeps<'t> {
    info: Sweep<'t>,
    totals: Sweep<'t>,
    devices: Sweep<'t>,
    reserved: Sweep<'t>,
    layouts: Sweep<'t>,
}

struct FileSystem {
    /// The label, the identity and the size of the global reserve.
    files: Attributes<3>,
    uuid: String,
    label: String,
    commits: KeptFile,
    devices: Devices<Attributes<1>>,
    types: [Type; TYPES.len()],
}

/// Where a file system keeps data of one type.
struct Type {
    reserved: Attributes<1>,
    layouts: Devices<Attributes<2>>,
}

impl Btrfs {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        let of_layout = ["uuid", "block_group_type", "mode"];
        let tables = Tables {
            info: Table::register(registry, &["uuid", "label"], &INFO)?,
            totals: Table::register(registry, &["uuid"], &TOTALS)?,
            devices: Table::register(registry, &["uuid", "device", "btrfs_dev_uuid"], &DEVICES)?,
            reserved: Table::register(registry, &of_layout[..2], &RESERVED)?,
            layouts: Table::register(registry, &of_layout, &LAYOUTS)?,
        };
        let file_systems = Devices::new(setup.roots.sys.join("fs/btrfs"));
        let volumes = Volumes::new(setup.roots);
        Ok(Box::new(Btrfs { file_systems, volumes, tables }))
    }
}

impl Collector for Btrfs {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweeps = self.tables.sweep();
        self.file_systems.refresh_if_there(|name, folder| {
            let is_file_system = name.contains('-');
            is_file_system.then(|| FileSystem::new(folder))
        })?;
        if !self.file_systems.is_empty() {
            // What is mounted need not be known: sysfs tells of the devices as well.
            let _ = self.volumes.refresh(files);
        }
        let volumes = &self.volumes;
        self.file_systems
            .visit(|name, file_system| file_system.show(name, volumes, files, &mut sweeps))
    }
}

impl Tables {
    fn sweep(&mut self) -> Sweeps<'_> {
        Sweeps {
            info: self.info.sweep(),
            totals: self.totals.sweep(),
            devices: self.devices.sweep(),
            reserved: self.reserved.sweep(),
            layouts: self.layouts.sweep(),
        }
    }
}

impl FileSystem {
    fn new(folder: &Path) -> FileSystem {
        let files = ["label", "metadata_uuid", "allocation/global_rsv_size"];
        FileSystem {
            files: Attributes::new(folder, files),
            uuid: String::new(),
            label: String::new(),
            commits: KeptFile::new(folder.join("commit_stats")),
            devices: Devices::new(folder.join("devices")),
            types: TYPES.map(|name| Type::new(&folder.join("allocation").join(name))),
        }
    }

    fn show(
        &mut self,
        name: &str,
        volumes: &Volumes,
        files: &mut Files,
        sweeps: &mut Sweeps<'_>,
    ) -> Result<(), CollectError> {
        self.files.begin_scrape();
        self.files.copy_text(0, files, &mut self.label);
        if !self.files.copy_text(1, files, &mut self.uuid) || self.uuid.is_empty() {
            name.clone_into(&mut self.uuid);
        }
        sweeps.info.row(&[&self.uuid, &self.label]).set(0, Some(1.0));
        let reserve = self.files.number(2, files).or(Some(0.0));
        let [count, last, longest, all] = match files.read(&mut self.commits) {
            Err(error) if error.is_no_data() => [0.0; 4],
            content => parse_commits(content?)?,
        };
        let totals = [reserve, Some(count), Some(last), Some(longest), Some(all)];
        sweeps.totals.row(&[&self.uuid]).set_all(&totals);
        self.show_devices(volumes.find(&self.uuid), files, &mut sweeps.devices)?;
        let devices = self.devices.iter_mut().count();
        for (kind, name) in self.types.iter_mut().zip(TYPES) {
            kind.show([&self.uuid, name], devices, files, sweeps)?;
        }
        Ok(())
    }

    fn show_devices(
        &mut self,
        volume: Option<&Volume>,
        files: &mut Files,
        sweep: &mut Sweep<'_>,
    ) -> Result<(), CollectError> {
        self.devices.refresh(|_, folder| Some(Attributes::new(folder, ["size"])))?;
        if let Some(volume) = volume {
            for device in &volume.devices {
                let labels = [&self.uuid, &device_name(device), &uuid_text(device.uuid)];
                let unused = device.bytes.saturating_sub(device.bytes_used);
                let mut row = sweep.row(&labels);
                for (column, value) in
                    [device.bytes, unused].into_iter().chain(device.errors).enumerate()
                {
                    row.set(column, Some(value as f64));
                }
            }
            return Ok(());
        }
        for (name, device) in self.devices.iter_mut() {
            device.begin_scrape();
            let sectors = device.number(0, files).unwrap_or(0.0);
            sweep.row(&[&self.uuid, name, ""]).set(0, Some(sectors * BYTES_PER_SECTOR));
        }
        Ok(())
    }
}

impl Type {
    fn new(folder: &Path) -> Type {
        let reserved = Attributes::new(folder, ["bytes_reserved"]);
        Type { reserved, layouts: Devices::new(folder) }
    }

    fn show(
        &mut self,
        [uuid, name]: [&str; 2],
        devices: usize,
        files: &mut Files,
        sweeps: &mut Sweeps<'_>,
    ) -> Result<(), CollectError> {
        self.layouts.refresh(|_, folder| {
            folder.is_dir().then(|| Attributes::new(folder, ["used_bytes", "total_bytes"]))
        })?;
        self.reserved.begin_scrape();
        let reserved = self.reserved.number(0, files).or(Some(0.0));
        sweeps.reserved.row(&[uuid, name]).set(0, reserved);
        for (mode, layout) in self.layouts.iter_mut() {
            layout.begin_scrape();
            let [used, size] = [0, 1].map(|index| layout.number(index, files).or(Some(0.0)));
            let shown = [used, size, Some(allocation_ratio(mode, devices))];
            sweeps.layouts.row(&[uuid, name, mode]).set_all(&shown);
        }
        Ok(())
    }
}

/// How many bytes on `devices` disks each byte of data takes; zero where that is not known.
fn allocation_ratio(mode: &str, devices: usize) -> f64 {
    let devices = devices as f64;
    match mode {
        "single" | "raid0" => 1.0,
        "dup" | "raid1" | "raid10" => 2.0,
        "raid1c3" => 3.0,
        "raid1c4" => 4.0,
        "raid5" => devices / (devices - 1.0),
        "raid6" => devices / (devices - 2.0),
        _ => 0.0,
    }
}
