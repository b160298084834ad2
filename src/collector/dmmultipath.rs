//! `dmmultipath`: disks that several paths lead to. Source: sysfs' `block/dm-*`
//! (Documentation/ABI/testing/sysfs-block-dm).

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Sweep, Table};
use super::text::to_text;
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::{Path, PathBuf};

const INFO: [Metric; 1] =
    [Metric::gauge("node_dmmultipath_device_info", "Identity of a multipath device; always 1.")];
const DEVICES: [Metric; 5] = [
    Metric::gauge("node_dmmultipath_device_active", "Whether a multipath device works."),
    Metric::gauge("node_dmmultipath_device_size_bytes", "Size of a multipath device."),
    Metric::gauge("node_dmmultipath_device_paths", "Paths to a multipath device."),
    Metric::gauge("node_dmmultipath_device_paths_active", "Paths that can be used."),
    Metric::gauge("node_dmmultipath_device_paths_failed", "Paths that cannot be used."),
];
const PATHS: [Metric; 1] =
    [Metric::gauge("node_dmmultipath_path_state", "State of a path; always 1.")];

/// The identity, the name, whether it is suspended, and the size in sectors.
const FILES: [&str; 4] = ["dm/uuid", "dm/name", "dm/suspended", "size"];
/// What the identity of a multipath device begins with.
const MULTIPATH: &[u8] = b"mpath-";

/// States of SCSI and NVMe paths that can be used.
const USABLE: [&str; 2] = ["running", "live"];

const BYTES_PER_SECTOR: f64 = 512.0;

pub(super) struct DmMultipath {
    folder: PathBuf,
    devices: Devices<Device>,
    info: Table,
    table: Table,
    paths: Table,
}

struct Device {
    files: Attributes<{ FILES.len() }>,
    uuid: String,
    name: String,
    /// The state of each.
    paths: Devices<KeptFile>,
}

impl DmMultipath {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, folder) = (&setup.registry, setup.roots.sys.join("block"));
        let labels = ["device", "sysfs_name", "uuid"];
        Ok(Box::new(DmMultipath {
            devices: Devices::new(&*folder),
            folder,
            info: Table::register(registry, &labels, &INFO)?,
            table: Table::register(registry, &labels[..2], &DEVICES)?,
            paths: Table::register(registry, &["device", "path", "state"], &PATHS)?,
        }))
    }
}

impl Collector for DmMultipath {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut info = self.info.sweep();
        let (mut devices, mut paths) = (self.table.sweep(), self.paths.sweep());
        self.devices
            .refresh(|name, folder| name.starts_with("dm-").then(|| Device::new(folder)))?;
        self.devices.visit(|sysfs_name, device| {
            device.files.begin_scrape();
            match device.files.read(0, files) {
                Ok(uuid) if uuid.starts_with(MULTIPATH) => {}
                _ => return Ok(()),
            }
            device.files.copy_text(0, files, &mut device.uuid);
            device.files.copy_text(1, files, &mut device.name);
            let is_suspended = device.files.number(2, files);
            let sectors = device.files.number(3, files);
            let [usable, other] = device.show_paths(&self.folder, files, &mut paths)?;
            let labels = [&*device.name, sysfs_name, &device.uuid];
            info.row(&labels).set(0, Some(1.0));
            devices.row(&labels[..2]).set_all(&[
                is_suspended.map(|suspended| f64::from(u8::from(suspended != 1.0))),
                sectors.map(|sectors| sectors * BYTES_PER_SECTOR),
                Some(f64::from(usable + other)),
                Some(f64::from(usable)),
                Some(f64::from(other)),
            ]);
            Ok(())
        })
    }
}

impl Device {
    fn new(folder: &Path) -> Device {
        let files = Attributes::new(folder, FILES);
        let paths = Devices::new(folder.join("slaves"));
        Device { files, uuid: String::new(), name: String::new(), paths }
    }

    /// Shows the paths, and counts those that can be used and the others.
    fn show_paths(
        &mut self,
        disks: &Path,
        files: &mut Files,
        sweep: &mut Sweep<'_>,
    ) -> Result<[u32; 2], CollectError> {
        let [mut usable, mut other] = [0; 2];
        self.paths.refresh_if_there(|disk, _| {
            Some(KeptFile::new(disks.join(disk).join("device/state")))
        })?;
        self.paths.visit(|disk, file| {
            let state = to_text(files.read(file)?.trim_ascii());
            *(if USABLE.contains(&&*state) { &mut usable } else { &mut other }) += 1;
            sweep.row(&[&self.name, disk, &state]).set(0, Some(1.0));
            Ok(())
        })?;
        Ok([usable, other])
    }
}
