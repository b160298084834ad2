//! The files of a chip: found when it appears, since a driver makes them all before it shows the
//! chip.

use super::super::flags::Filter;
use super::super::fs::KeptFile;
use super::naming::{SensorFamily, SensorFile, clean};
use crate::collector::text::to_text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) struct Chip {
    pub(super) name: String,
    /// The name that its driver gives it.
    pub(super) driver: Option<String>,
    /// Of those sensors that have one.
    pub(super) labels: Vec<(String, String)>,
    pub(super) readings: Vec<Reading>,
}

/// A file that holds one value of a sensor.
pub(super) struct Reading {
    pub(super) file: KeptFile,
    pub(super) sensor: String,
    pub(super) family: SensorFamily,
}

/// The files of a sensor by property; the one of the sensor itself is the property `""`.
#[derive(Default)]
struct Sensor {
    kind: &'static str,
    files: BTreeMap<String, PathBuf>,
}

impl Chip {
    /// What the folder of a chip has. `None` where it is no folder, or the chip is not wanted.
    pub(super) fn find(folder: &Path, chips: &Filter, sensors: &Filter) -> Option<Chip> {
        if !folder.is_dir() {
            return None;
        }
        let driver = read_text(&folder.join("name")).map(|name| clean(&name));
        let driver = driver.filter(|name| !name.is_empty());
        let name = name_by_place(folder).or_else(|| driver.clone()).or_else(|| own_name(folder))?;
        if !chips.lets(name.as_bytes()) {
            return None;
        }
        let mut found = BTreeMap::new();
        for folder in [folder, &folder.join("device")] {
            find_sensors(folder, &mut found);
        }
        let mut chip = Chip { name, driver, labels: Vec::new(), readings: Vec::new() };
        for (sensor, files) in found {
            if sensors.lets(format!("{};{sensor}", chip.name).as_bytes()) {
                chip.add(&sensor, files);
            }
        }
        Some(chip)
    }

    fn add(&mut self, sensor: &str, Sensor { kind, mut files }: Sensor) {
        let label = files.remove("label").and_then(|path| read_text(&path));
        let has_own = files.contains_key("");
        for (property, path) in files {
            let Some(family) = SensorFamily::of(kind, &property, has_own) else { continue };
            let sensor = match (family.is_by_label, &label) {
                (false, _) => sensor.to_owned(),
                (true, Some(label)) => clean(label),
                (true, None) => continue,
            };
            self.readings.push(Reading { file: KeptFile::new(path), sensor, family });
        }
        self.labels.extend(label.map(|label| (sensor.to_owned(), label)));
    }
}

/// Adds the sensors that have files in `folder`; those found later take precedence.
fn find_sensors(folder: &Path, found: &mut BTreeMap<String, Sensor>) {
    // A chip without a device has no folder of it.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(file) = name.to_str().and_then(SensorFile::parse) else { continue };
        if entry.path().is_file() {
            let sensor = found.entry(format!("{}{}", file.kind, file.number)).or_default();
            sensor.kind = file.kind;
            sensor.files.insert(file.property.to_owned(), entry.path());
        }
    }
}

/// `None` where it cannot be read.
fn read_text(path: &Path) -> Option<String> {
    let content = std::fs::read(path).ok()?;
    Some(to_text(&content).trim_matches('\n').to_owned())
}

/// The bus and the name of the chip's device: where it is plugged in does not depend on the order
/// in which drivers were loaded.
fn name_by_place(folder: &Path) -> Option<String> {
    let device = folder.join("device").canonicalize().ok()?;
    let last = |path: &Path| Some(clean(path.file_name()?.to_str()?)).filter(|n| !n.is_empty());
    let name = last(&device)?;
    Some(match device.parent().and_then(last) {
        Some(bus) => format!("{bus}_{name}"),
        None => name,
    })
}

/// `hwmon` and its number.
fn own_name(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    Some(clean(folder.file_name()?.to_str()?)).filter(|name| !name.is_empty())
}
