//! `drbd`: replication of block devices. Source: /proc/drbd of DRBD 8 (drbdsetup(8)), of which the
//! words `KEY:VALUE` count, whatever their lines, and `NUMBER:` begins a device.

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines, parse_number};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::fmt::Write;

const BYTES_PER_KIBIBYTE: f64 = 1024.0;

/// Whether there is a connection, then the values of [`KEYS`].
const METRICS: [Metric; 1 + KEYS.len()] = [
    Metric::gauge("node_drbd_connected", "Whether the device is connected to its peer."),
    Metric::counter("node_drbd_network_sent_bytes_total", "Bytes sent to the peer."),
    Metric::counter("node_drbd_network_received_bytes_total", "Data received from the peer."),
    Metric::counter("node_drbd_disk_written_bytes_total", "Bytes written to the local disk."),
    Metric::counter("node_drbd_disk_read_bytes_total", "Bytes read from the local disk."),
    Metric::counter("node_drbd_activitylog_writes_total", "Updates of the activity log."),
    Metric::counter("node_drbd_bitmap_writes_total", "Updates of the bitmap."),
    Metric::gauge("node_drbd_local_pending", "Requests to the local disk that are under way."),
    Metric::gauge("node_drbd_remote_pending", "Requests that the peer has not answered."),
    Metric::gauge("node_drbd_remote_unacknowledged", "Requests of the peer not answered yet."),
    Metric::gauge("node_drbd_application_pending", "Requests made of DRBD and not answered."),
    Metric::gauge("node_drbd_epochs", "Epochs that are under way."),
    Metric::gauge("node_drbd_out_of_sync_bytes", "Bytes known to differ from the peer's."),
];

/// Keys of numbers, and what one of them is in the unit of its family. What is received is in KiB
/// too, and shown as it stands: so does node_exporter.
const KEYS: [(&[u8], f64); 12] = [
    (b"ns", BYTES_PER_KIBIBYTE),
    (b"nr", 1.0),
    (b"dw", BYTES_PER_KIBIBYTE),
    (b"dr", BYTES_PER_KIBIBYTE),
    (b"al", 1.0),
    (b"bm", 1.0),
    (b"lo", 1.0),
    (b"pe", 1.0),
    (b"ua", 1.0),
    (b"ap", 1.0),
    (b"ep", 1.0),
    (b"oos", BYTES_PER_KIBIBYTE),
];

/// What is so or not at either end: values of [`ENDS`].
const END_METRICS: [Metric; ENDS.len()] = [
    Metric::gauge("node_drbd_node_role_is_primary", "Whether the node is the primary one."),
    Metric::gauge("node_drbd_disk_state_is_up_to_date", "Whether the disk of the node is current."),
];

/// Keys of pairs `LOCAL/REMOTE`, and what an end says for which the family is 1.
const ENDS: [(&[u8], &[u8]); 2] = [(b"ro", b"Primary"), (b"ds", b"UpToDate")];

pub(super) struct Drbd {
    file: KeptFile,
    table: Table,
    ends: Table,
    name: String,
}

/// What the file says of a device.
#[derive(Debug, Default, PartialEq)]
struct Device {
    /// `None` for what stands in front of the first.
    number: Option<u64>,
    values: [Option<f64>; METRICS.len()],
    local: [Option<f64>; ENDS.len()],
    remote: [Option<f64>; ENDS.len()],
}

impl Drbd {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(Drbd {
            file: KeptFile::of_many_records(setup.roots.proc.join("drbd")),
            table: Table::register(&setup.registry, &["device"], &METRICS)?,
            ends: Table::register(&setup.registry, &["device", "node"], &END_METRICS)?,
            name: String::new(),
        }))
    }
}

impl Collector for Drbd {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut table, mut ends) = (self.table.sweep(), self.ends.sweep());
        let name = &mut self.name;
        parse(Lines::new("drbd", files.read(&mut self.file)?), |device| {
            name.clear();
            match device.number {
                Some(number) => write!(name, "drbd{number}").expect("a string takes all"),
                None => name.push_str("unknown"),
            }
            if device.values != Device::default().values {
                table.row(&[&**name]).set_all(&device.values);
            }
            for (node, values) in [("local", &device.local), ("remote", &device.remote)] {
                if *values != [None; ENDS.len()] {
                    ends.row(&[&**name, node]).set_all(values);
                }
            }
        })
    }
}

/// Gives `visit` each device when all of it was read.
fn parse(lines: Lines<'_>, mut visit: impl FnMut(&Device)) -> Result<(), CollectError> {
    let mut device = Device::default();
    for mut line in lines {
        while let Some(word) = line.word() {
            let Some((key, value)) = split(word) else { continue };
            match parse_number(key) {
                Some(number) if value.is_empty() => {
                    visit(&device);
                    device = Device { number: Some(number), ..Device::default() };
                }
                _ => device.read(key, value, &line)?,
            }
        }
    }
    visit(&device);
    Ok(())
}

/// `KEY:VALUE`, with no further colon.
fn split(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = word.iter().position(|byte| *byte == b':')?;
    let (key, value) = (&word[..colon], &word[colon + 1..]);
    (!value.contains(&b':')).then_some((key, value))
}

impl Device {
    fn read(&mut self, key: &[u8], value: &[u8], line: &Line<'_>) -> Result<(), CollectError> {
        if key == b"cs" {
            self.values[0] = Some(is(value, b"Connected"));
        } else if let Some(index) = KEYS.iter().position(|(known, _)| *known == key) {
            let number: Option<f64> = parse_number(value);
            let number = number.ok_or_else(|| line.malformed("a number", Some(value)))?;
            self.values[1 + index] = Some(number * KEYS[index].1);
        } else if let Some(index) = ENDS.iter().position(|(known, _)| *known == key) {
            let mut ends = value.split(|byte| *byte == b'/');
            let (Some(local), Some(remote)) = (ends.next(), ends.next()) else {
                return Err(line.malformed("two states", Some(value)));
            };
            let expected = ENDS[index].1;
            self.local[index] = Some(is(local, expected));
            self.remote[index] = Some(is(remote, expected));
        }
        Ok(())
    }
}

fn is(found: &[u8], expected: &[u8]) -> f64 {
    if found == expected { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(content: &str) -> Result<Vec<Device>, String> {
        let mut devices = Vec::new();
        let lines = Lines::new("drbd", content.as_bytes());
        parse(lines, |device| devices.push(Device { ..*device }))
            .map(|()| devices)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn words_belong_to_the_device_in_front_of_them() {
        let content = "version: 8.4.11 (api:1/proto:86-101)\n\n 3: cs:WFConnection ro:Primary/Unknown\
                       \n    ns:2 nr:3 x:y\n\n 11: oos:1.5\n";
        let devices = devices(content).unwrap();
        let numbers: Vec<_> = devices.iter().map(|device| device.number).collect();
        assert_eq!(numbers, [None, Some(3), Some(11)]);
        assert_eq!(devices[0], Device::default());
        assert_eq!(devices[1].values[..4], [Some(0.0), Some(2048.0), Some(3.0), None]);
        assert_eq!(devices[1].local, [Some(1.0), None]);
        assert_eq!(devices[1].remote, [Some(0.0), None]);
        assert_eq!(devices[2].values[12], Some(1536.0));
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("0: ns:x\n", "drbd:1: expected a number, found x"),
            ("0:\n ds:UpToDate\n", "drbd:2: expected two states, found UpToDate"),
        ];
        for (content, expected) in CASES {
            assert_eq!(devices(content).unwrap_err(), *expected, "{content:?}");
        }
    }
}
