//! `dmi`: what the firmware says of the machine. Source: sysfs' `class/dmi/id`.
//!
//! Files that are not there or that only root may read have no label at all, so the labels are
//! known when the files are read: once, since they do not change while the host runs.

use super::absent::Absence;
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::text::to_text;
use super::{Collector, Setup};
use crate::registry::{RegisterError, Registry};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

const METRICS: [Metric; 1] =
    [Metric::gauge("node_dmi_info", "What the firmware says of the machine; always 1.")];

/// Table: label => file.
const LABELS: [(&str, &str); 20] = [
    ("bios_date", "bios_date"),
    ("bios_release", "bios_release"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_family", "product_family"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_sku", "product_sku"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

pub(super) struct Dmi {
    registry: Registry,
    folder: Arc<Path>,
    absence: Absence,
    /// Once the files were read.
    shown: Option<Shown>,
}

struct Shown {
    table: Table,
    values: Vec<String>,
}

impl Dmi {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = Arc::from(setup.roots.sys.join("class/dmi/id"));
        let (registry, absence) = (setup.registry.clone(), Absence::default());
        Ok(Box::new(Dmi { registry, folder, absence, shown: None }))
    }

    fn read(&self, files: &mut Files) -> Result<Shown, CollectError> {
        let (mut labels, mut values) = (Vec::new(), Vec::new());
        for (label, name) in LABELS {
            match files.read(&mut KeptFile::new(self.folder.join(name))) {
                Ok(content) => {
                    labels.push(label);
                    values.push(to_text(content.trim_ascii()).into_owned());
                }
                Err(CollectError::Io { kind: ErrorKind::PermissionDenied, .. }) => {}
                Err(error) if error.is_no_data() => {}
                Err(error) => return Err(error),
            }
        }
        if labels.is_empty() {
            return Err(CollectError::NoData { path: Arc::clone(&self.folder) });
        }
        let table = Table::register(&self.registry, &labels, &METRICS);
        Ok(Shown { table: table.map_err(CollectError::Unregistrable)?, values })
    }
}

impl Collector for Dmi {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let is_there = match self.shown {
            Some(_) => self.folder.exists(),
            None => self.absence.open(&self.folder).is_ok(),
        };
        if is_there && self.shown.is_none() {
            self.shown = Some(self.read(files)?);
        }
        if let Some(Shown { table, values }) = &mut self.shown {
            let mut sweep = table.sweep();
            if is_there {
                sweep.row(values).set(0, Some(1.0));
            }
        }
        if is_there { Ok(()) } else { Err(CollectError::NoData { path: Arc::clone(&self.folder) }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    #[test]
    fn a_folder_that_comes_late_goes_and_comes_back_is_found() {
        let scratch = Scratch::new("dmi-late");
        let folder = Arc::from(scratch.path("id"));
        let (registry, absence) = (Registry::new(), Absence::default());
        let mut dmi = Dmi { registry, folder, absence, shown: None };
        let mut is_shown = || match dmi.collect(&mut Files::default()) {
            Ok(()) => true,
            Err(error) if error.is_no_data() => false,
            Err(error) => panic!("{error}"),
        };
        for _ in 0..2 {
            assert!(!is_shown() && !is_shown());
            scratch.write("id/bios_date", b"01/02/2003\n");
            assert!(is_shown() && is_shown());
            std::fs::remove_dir_all(scratch.path("id")).unwrap();
        }
    }
}
