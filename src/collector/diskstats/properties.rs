//! What disks are, besides what they did. Sources: udev's database, a file `bMAJOR:MINOR` of lines
//! `E:NAME=VALUE` for each disk, and `queue/rotational` in sysfs.
//!
//! Node_exporter reads all that a request queue is set to, and takes a disk for one that does not turn
//! where a file of those is missing. Virtio and device mapper lack some.

use super::super::fs::{Records, read_once};
use super::super::lines::parse_number;
use super::super::table::{Metric, Sweep, Table};
use crate::collector::text::to_text;
use crate::registry::{RegisterError, Registry};
use std::collections::HashMap;
use std::path::Path;

const INFO: [Metric; 1] =
    [Metric::gauge("node_disk_info", "Numbers, make and place of each disk as labels; always 1.")];
const INFO_LABELS: [&str; 9] =
    ["device", "major", "minor", "model", "path", "revision", "rotational", "serial", "wwn"];

const FILESYSTEM: [Metric; 1] = [Metric::gauge(
    "node_disk_filesystem_info",
    "The file system that udev found on a disk; always 1.",
)];
const FILESYSTEM_LABELS: [&str; 5] = ["device", "type", "usage", "uuid", "version"];
const FILESYSTEM_PROPERTIES: [&str; 4] =
    ["ID_FS_TYPE", "ID_FS_USAGE", "ID_FS_UUID", "ID_FS_VERSION"];

const MAPPER: [Metric; 1] =
    [Metric::gauge("node_disk_device_mapper_info", "Names of a mapped device; always 1.")];
const MAPPER_LABELS: [&str; 6] = ["device", "lv_layer", "lv_name", "name", "uuid", "vg_name"];
const MAPPER_PROPERTIES: [&str; 5] =
    ["DM_LV_LAYER", "DM_LV_NAME", "DM_NAME", "DM_UUID", "DM_VG_NAME"];

const ATA: [Metric; 3] = [
    Metric::gauge("node_disk_ata_write_cache", "Whether the disk can hold writes back in a cache."),
    Metric::gauge("node_disk_ata_write_cache_enabled", "Whether its write cache is in use."),
    Metric::gauge(
        "node_disk_ata_rotation_rate_rpm",
        "Turns a minute of an ATA disk; 0 of one that has nothing to turn.",
    ),
];
const ATA_PROPERTIES: [&str; ATA.len()] =
    ["ID_ATA_WRITE_CACHE", "ID_ATA_WRITE_CACHE_ENABLED", "ID_ATA_ROTATION_RATE_RPM"];

/// Where the serial number stands: the one on the disk's label first, the one of virtio last.
const SERIAL_PROPERTIES: [&str; 3] = ["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"];

/// A file of a request queue, and what is in it.
struct Setting(&'static str, Content);

enum Content {
    Count,
    Number,
    Text,
}

impl Content {
    fn accepts(&self, content: &[u8]) -> bool {
        match self {
            Content::Count => parse_number::<u64>(content).is_some(),
            Content::Number => parse_number::<i64>(content).is_some(),
            Content::Text => true,
        }
    }
}

const ROTATIONAL: Setting = Setting("rotational", Content::Count);

/// What node_exporter reads of a request queue besides.
const SETTINGS: [Setting; 33] = [
    Setting("add_random", Content::Count),
    Setting("chunk_sectors", Content::Count),
    Setting("dax", Content::Count),
    Setting("discard_granularity", Content::Count),
    Setting("discard_max_bytes", Content::Count),
    Setting("discard_max_hw_bytes", Content::Count),
    Setting("fua", Content::Count),
    Setting("hw_sector_size", Content::Count),
    Setting("io_poll", Content::Count),
    Setting("io_poll_delay", Content::Number),
    Setting("io_timeout", Content::Count),
    Setting("iostats", Content::Count),
    Setting("logical_block_size", Content::Count),
    Setting("max_discard_segments", Content::Count),
    Setting("max_hw_sectors_kb", Content::Count),
    Setting("max_integrity_segments", Content::Count),
    Setting("max_sectors_kb", Content::Count),
    Setting("max_segment_size", Content::Count),
    Setting("max_segments", Content::Count),
    Setting("minimum_io_size", Content::Count),
    Setting("nomerges", Content::Count),
    Setting("nr_requests", Content::Count),
    Setting("nr_zones", Content::Count),
    Setting("optimal_io_size", Content::Count),
    Setting("physical_block_size", Content::Count),
    Setting("read_ahead_kb", Content::Count),
    Setting("rq_affinity", Content::Count),
    Setting("scheduler", Content::Text),
    Setting("wbt_lat_usec", Content::Number),
    Setting("write_cache", Content::Text),
    Setting("write_same_max_bytes", Content::Count),
    Setting("write_zeroes_max_bytes", Content::Count),
    Setting("zoned", Content::Text),
];

/// What a disk is.
pub(super) struct Details {
    /// Major and minor.
    pub(super) numbers: (u32, u32),
    info: [String; INFO_LABELS.len()],
    filesystem: Option<[String; FILESYSTEM_LABELS.len()]>,
    mapper: Option<[String; MAPPER_LABELS.len()]>,
    ata: Option<[Option<f64>; ATA.len()]>,
}

impl Details {
    /// Reads what there is. Of what cannot be read there are no labels: without udev that is most.
    pub(super) fn read(block: &Path, udev: &Path, name: &str, numbers: (u32, u32)) -> Details {
        let mut buffer = Vec::new();
        let path = udev.join(format!("b{}:{}", numbers.0, numbers.1));
        let database = read_once(&path, Records::One, &mut buffer).unwrap_or_default();
        let properties = Properties::parse(database);
        Details::new(name, numbers, &properties, rotational(&block.join(name).join("queue")))
    }

    fn new(name: &str, numbers: (u32, u32), known: &Properties, rotational: u64) -> Details {
        let serial = SERIAL_PROPERTIES.map(|name| known.text(name));
        let serial = serial.into_iter().find(|serial| !serial.is_empty()).unwrap_or_default();
        let [model, path, revision, wwn] =
            ["ID_MODEL", "ID_PATH", "ID_REVISION", "ID_WWN"].map(|name| known.text(name));
        let (major, minor) = (numbers.0.to_string(), numbers.1.to_string());
        let rotational = format!("{rotational:b}");
        let device = || name.to_owned();
        let [fs_type, usage, fs_uuid, version] = FILESYSTEM_PROPERTIES.map(|name| known.text(name));
        let [layer, lv, dm, dm_uuid, vg] = MAPPER_PROPERTIES.map(|name| known.text(name));
        let ata = ATA_PROPERTIES.map(|name| parse_number(known.text(name).as_bytes()));
        Details {
            numbers,
            info: [device(), major, minor, model, path, revision, rotational, serial, wwn],
            filesystem: (!fs_type.is_empty()).then(|| [device(), fs_type, usage, fs_uuid, version]),
            mapper: (!dm.is_empty()).then(|| [device(), layer, lv, dm, dm_uuid, vg]),
            ata: (!known.text("ID_ATA").is_empty()).then_some(ata),
        }
    }

    fn device(&self) -> &str {
        &self.info[0]
    }
}

/// What `queue/rotational` says, or zero where one of the other settings cannot be read.
fn rotational(queue: &Path) -> u64 {
    let mut buffer = Vec::new();
    let mut read = |setting: &Setting| {
        let content = read_once(&queue.join(setting.0), Records::One, &mut buffer).ok()?;
        setting.1.accepts(content.trim_ascii()).then(|| parse_number(content.trim_ascii()))
    };
    let known = read(&ROTATIONAL).flatten();
    match known {
        Some(rotational @ 1..) if SETTINGS.iter().all(|setting| read(setting).is_some()) => {
            rotational
        }
        _ => 0,
    }
}

/// A record of udev's database.
struct Properties(HashMap<String, String>);

impl Properties {
    fn parse(record: &[u8]) -> Properties {
        let lines = record.split(|byte| *byte == b'\n');
        let properties = lines.filter_map(|line| {
            let line = to_text(line.strip_prefix(b"E:")?);
            let (name, value) = line.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Properties(properties.collect())
    }

    /// The value of a property, which is empty where there is none.
    fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

pub(super) struct DetailTables {
    info: Table,
    filesystem: Table,
    mapper: Table,
    ata: Table,
}

impl DetailTables {
    pub(super) fn register(registry: &Registry) -> Result<DetailTables, RegisterError> {
        Ok(DetailTables {
            info: Table::register(registry, &INFO_LABELS, &INFO)?,
            filesystem: Table::register(registry, &FILESYSTEM_LABELS, &FILESYSTEM)?,
            mapper: Table::register(registry, &MAPPER_LABELS, &MAPPER)?,
            ata: Table::register(registry, &["device"], &ATA)?,
        })
    }

    pub(super) fn sweep(&mut self) -> DetailSweep<'_> {
        DetailSweep {
            info: self.info.sweep(),
            filesystem: self.filesystem.sweep(),
            mapper: self.mapper.sweep(),
            ata: self.ata.sweep(),
        }
    }
}

/// One pass over the disks.
pub(super) struct DetailSweep<'t> {
    info: Sweep<'t>,
    filesystem: Sweep<'t>,
    mapper: Sweep<'t>,
    ata: Sweep<'t>,
}

impl DetailSweep<'_> {
    pub(super) fn show(&mut self, disk: &Details) {
        self.info.row(&disk.info).set(0, Some(1.0));
        if let Some(labels) = &disk.filesystem {
            self.filesystem.row(labels).set(0, Some(1.0));
        }
        if let Some(labels) = &disk.mapper {
            self.mapper.row(labels).set(0, Some(1.0));
        }
        if let Some(values) = &disk.ata {
            self.ata.row(&[disk.device()]).set_all(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serial(record: &str) -> String {
        Details::new("sda", (8, 0), &Properties::parse(record.as_bytes()), 1).info[7].clone()
    }

    #[test]
    fn the_serial_number_on_the_label_comes_first() {
        const CASES: &[(&str, &str)] = &[
            ("E:ID_SERIAL=long\nE:ID_SERIAL_SHORT=short\nE:SCSI_IDENT_SERIAL=label\n", "label"),
            ("E:ID_SERIAL=long\nE:ID_SERIAL_SHORT=short\nE:SCSI_IDENT_SERIAL=\n", "short"),
            ("E:ID_SERIAL=long\n", "long"),
            ("S:ID_SERIAL=link\nE:ID_SERIAL\nI:1\n", ""),
        ];
        for (record, expected) in CASES {
            assert_eq!(serial(record), *expected, "{record:?}");
        }
    }

    #[test]
    fn what_udev_does_not_say_has_no_series() {
        let disk = Details::new("sda", (8, 16), &Properties::parse(b""), 0);
        assert_eq!(disk.info, ["sda", "8", "16", "", "", "", "0", "", ""]);
        assert!(disk.filesystem.is_none() && disk.mapper.is_none() && disk.ata.is_none());
        let record = b"E:ID_ATA=1\nE:ID_ATA_WRITE_CACHE=1\nE:ID_ATA_ROTATION_RATE_RPM=x\n";
        let disk = Details::new("sda", (8, 16), &Properties::parse(record), 0);
        assert_eq!(disk.ata, Some([Some(1.0), None, None]));
    }
}
