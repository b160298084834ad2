//! What Btrfs file systems tell of their devices where they are mounted: sizes and errors, which
//! sysfs lacks.

use crate::collector::error::CollectError;
use crate::collector::filesystem::parse_mounts;
use crate::collector::fs::{Files, KeptFile, Roots};
use crate::collector::text::to_text;
use crate::sys::btrfs::{self, Device};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Ids of devices that are asked for. They begin at 1, and each device that is added takes another.
const DEVICE_IDS_MAX: u64 = 4096;

/// The mounted file systems.
pub(super) struct Volumes {
    /// Of the first process, and where that is hidden of this one.
    mountinfo: [KeptFile; 2],
    rootfs: PathBuf,
    volumes: Vec<Volume>,
}

/// A file system, by the text of its id, with its devices.
pub(super) struct Volume {
    uuid: String,
    pub(super) devices: Vec<Device>,
}

impl Volumes {
    pub(super) fn new(roots: &Roots) -> Volumes {
        let mountinfo = |process| roots.proc.join(process).join("mountinfo");
        Volumes {
            mountinfo: ["1", "self"].map(|process| KeptFile::of_many_records(mountinfo(process))),
            rootfs: roots.rootfs.clone(),
            volumes: Vec::new(),
        }
    }

    /// Asks each file system where it is mounted first and answers.
    ///
    /// # Errors
    /// Those of reading what is mounted. None of it is known then.
    pub(super) fn refresh(&mut self, files: &mut Files) -> Result<(), CollectError> {
        self.volumes.clear();
        let [first, own] = &mut self.mountinfo;
        let content = match first.read(&mut files.buffer) {
            Err(error) if error.is_hidden() => own.read(&mut files.buffer)?,
            content => content?,
        };
        let mut asked = Vec::new();
        for mount in parse_mounts(content, self.rootfs.as_os_str().as_bytes())? {
            if &*mount.fs_type != "btrfs" || asked.contains(&mount.device) {
                continue;
            }
            let path = mount.path.strip_prefix(b"/").unwrap_or(&mount.path);
            let path = self.rootfs.join(OsStr::from_bytes(path));
            // Who may not be asked here may be asked where it is mounted as well, or by sysfs.
            if let Ok(volume) = File::open(path).and_then(|folder| Volume::ask(&folder)) {
                asked.push(mount.device);
                self.volumes.push(volume);
            }
        }
        Ok(())
    }

    /// The file system of this id, if it is mounted and answers.
    pub(super) fn find(&self, uuid: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.uuid == uuid)
    }
}

impl Volume {
    fn ask(folder: &File) -> io::Result<Volume> {
        let info = btrfs::info(folder)?;
        let mut devices = Vec::new();
        for id in 0..=info.device_id_max.min(DEVICE_IDS_MAX) {
            devices.extend(btrfs::device(folder, id)?);
            if devices.len() as u64 == info.devices {
                break;
            }
        }
        Ok(Volume { uuid: uuid_text(info.id), devices })
    }
}

/// The last part of the path of a device.
pub(super) fn device_name(device: &Device) -> String {
    let name = device.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    to_text(name).into_owned()
}

/// `cca0ae72-f982-43e9-a35e-ebd77de1bc3e`.
pub(super) fn uuid_text(uuid: [u8; 16]) -> String {
    let mut text = String::new();
    for (index, byte) in uuid.into_iter().enumerate() {
        let hyphen = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
        write!(text, "{hyphen}{byte:02x}").expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_sysfs() {
        let uuid = std::array::from_fn(|index| index as u8 * 17);
        assert_eq!(uuid_text(uuid), "00112233-4455-6677-8899-aabbccddeeff");
        for (path, expected) in [("/dev/mapper/a", "a"), ("sdb", "sdb"), ("", "")] {
            let (bytes_used, bytes, errors) = (0, 0, [0; btrfs::COUNTERS]);
            let device = Device { uuid, bytes_used, bytes, path: path.into(), errors };
            assert_eq!(device_name(&device), expected);
        }
    }
}
