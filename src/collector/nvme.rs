//! `nvme`: NVMe controllers and their namespaces. Source: sysfs' `class/nvme`.
//!
//! Namespaces are in the folders of their controllers: as disks such as `nvme0n1`, or as paths such as
//! `nvme0c0n1` where multipathing joins them to disks.

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;

const INFO: [Metric; 1] =
    [Metric::gauge("node_nvme_info", "What an NVMe controller is and does; always 1.")];
const TEXTS: [&str; 5] = ["firmware_rev", "model", "serial", "state", "cntlid"];
/// Those of [`TEXTS`], and the name of the device.
const INFO_LABELS: [&str; TEXTS.len() + 1] =
    ["firmware_revision", "model", "serial", "state", "cntlid", "device"];

const NAMESPACES: [Metric; 4] = [
    Metric::gauge("node_nvme_namespace_capacity_bytes", "Room of an NVMe namespace."),
    Metric::gauge("node_nvme_namespace_size_bytes", "Size of an NVMe namespace."),
    Metric::gauge("node_nvme_namespace_used_bytes", "Room of an NVMe namespace that is in use."),
    Metric::gauge(
        "node_nvme_namespace_logical_block_size_bytes",
        "Size of a logical block of an NVMe namespace.",
    ),
];
const NAMESPACE_INFO: [Metric; 1] =
    [Metric::gauge("node_nvme_namespace_info", "How a namespace can be accessed; always 1.")];
const NAMESPACE_FILES: [&str; 4] = ["nuse", "size", "queue/logical_block_size", "ana_state"];
/// How a namespace can be accessed that does not say so.
const UNKNOWN_ACCESS: &str = "unknown";

pub(super) struct Nvme {
    controllers: Devices<Controller>,
    info: Table,
    labels: [String; INFO_LABELS.len()],
    namespaces: Table,
    namespace_info: Table,
}

struct Controller {
    texts: Attributes<{ TEXTS.len() }>,
    namespaces: Devices<Namespace>,
}

struct Namespace {
    id: String,
    files: Attributes<{ NAMESPACE_FILES.len() }>,
}

impl Nvme {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, of_namespace) = (&setup.registry, ["device", "nsid"]);
        Ok(Box::new(Nvme {
            controllers: Devices::new(setup.roots.sys.join("class/nvme")),
            info: Table::register(registry, &INFO_LABELS, &INFO)?,
            labels: Default::default(),
            namespaces: Table::register(registry, &of_namespace, &NAMESPACES)?,
            namespace_info: Table::register(
                registry,
                &["device", "nsid", "ana_state"],
                &NAMESPACE_INFO,
            )?,
        }))
    }
}

impl Collector for Nvme {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut info = self.info.sweep();
        let (mut values, mut access) = (self.namespaces.sweep(), self.namespace_info.sweep());
        self.controllers.refresh(|_, folder| Some(Controller::new(folder)))?;
        self.controllers.visit(|device, controller| {
            controller.texts.begin_scrape();
            let [texts @ .., last] = &mut self.labels;
            controller.texts.copy_texts(files, texts);
            device.clone_into(last);
            info.row(&self.labels).set(0, Some(1.0));
            let namespaces = &mut controller.namespaces;
            namespaces.refresh_if_there(Namespace::new)?;
            for (_, namespace) in namespaces.iter_mut() {
                namespace.show(device, files, &mut values, &mut access);
            }
            Ok(())
        })
    }
}

impl Controller {
    fn new(folder: &Path) -> Controller {
        Controller { texts: Attributes::new(folder, TEXTS), namespaces: Devices::new(folder) }
    }
}

impl Namespace {
    fn new(name: &str, folder: &Path) -> Option<Namespace> {
        let id = parse_id(name)?.to_owned();
        Some(Namespace { id, files: Attributes::new(folder, NAMESPACE_FILES) })
    }

    fn show(
        &mut self,
        device: &str,
        files: &mut Files,
        values: &mut Sweep<'_>,
        access: &mut Sweep<'_>,
    ) {
        self.files.begin_scrape();
        let [used, size, block] = [0, 1, 2].map(|index| self.files.number(index, files));
        let bytes = |blocks: Option<f64>| Some(blocks? * block?);
        let shown = [bytes(size), bytes(size), bytes(used), block];
        values.row(&[device, &self.id]).set_all(&shown);
        let state = self.files.text(3, files).unwrap_or(UNKNOWN_ACCESS);
        access.row(&[device, &self.id, state]).set(0, Some(1.0));
    }
}

/// The id of the namespace that the folder `nvme0c1n2` or `nvme0n2` shows, which is 2.
fn parse_id(folder: &str) -> Option<&str> {
    let (mut number, mut rest) = ("", folder);
    for (mark, is_optional) in [("nvme", false), ("c", true), ("n", false)] {
        rest = match rest.strip_prefix(mark) {
            Some(rest) => rest,
            None if is_optional => continue,
            None => return None,
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (number, rest) = rest.split_at(digits);
        if number.is_empty() {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_have_an_id() {
        const CASES: &[(&str, Option<&str>)] = &[
            ("nvme0c0n1", Some("1")),
            ("nvme12c34n567", Some("567")),
            ("nvme0n3", Some("3")),
            ("nvme0", None),
            ("nvme0c0n", None),
            ("nvmec0n1", None),
            ("hwmon3", None),
        ];
        for (folder, expected) in CASES {
            assert_eq!(parse_id(folder), *expected, "{folder}");
        }
    }
}
