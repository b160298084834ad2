//! `infiniband`: ports of InfiniBand adapters. Source: sysfs' `class/infiniband`
//! (Documentation/ABI/stable/sysfs-class-infiniband).

mod counters;

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::Files;
use super::number_files::{NumberFile, NumberFiles};
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use counters::{COUNTERS, HARDWARE_COUNTERS, LEGACY_COUNTERS, parse_rate, parse_state};
use std::path::Path;

const INFO: [Metric; 1] = [Metric::gauge(
    "node_infiniband_info",
    "Board, firmware and type of an InfiniBand adapter; always 1.",
)];
const TEXTS: [&str; 3] = ["board_id", "fw_ver", "hca_type"];
/// Those of [`TEXTS`], and the name of the device.
const INFO_LABELS: [&str; TEXTS.len() + 1] = ["board_id", "firmware_version", "hca_type", "device"];

const PORT: [NumberFile; 3] = [
    NumberFile::new("state", Metric::gauge("node_infiniband_state_id", "State of a port."))
        .parsed(parse_state),
    NumberFile::new(
        "phys_state",
        Metric::gauge("node_infiniband_physical_state_id", "Physical state of a port."),
    )
    .parsed(parse_state),
    NumberFile::new(
        "rate",
        Metric::gauge("node_infiniband_rate_bytes_per_second", "Highest rate of a port."),
    )
    .parsed(parse_rate),
];

pub(super) struct InfiniBand {
    adapters: Devices<Adapter>,
    info: Table,
    labels: [String; INFO_LABELS.len()],
    ports: Table,
    counters: Table,
    legacy: Table,
    hardware: Table,
}

struct Adapter {
    texts: Attributes<{ TEXTS.len() }>,
    ports: Devices<Port>,
}

struct Port {
    own: NumberFiles<{ PORT.len() }>,
    counters: NumberFiles<{ COUNTERS.len() }>,
    /// Of kernels before Linux 4.5.
    legacy: NumberFiles<{ LEGACY_COUNTERS.len() }>,
    hardware: NumberFiles<{ HARDWARE_COUNTERS.len() }>,
}

impl InfiniBand {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, of_port) = (&setup.registry, ["device", "port"]);
        Ok(Box::new(InfiniBand {
            adapters: Devices::new(setup.roots.sys.join("class/infiniband")),
            info: Table::register(registry, &INFO_LABELS, &INFO)?,
            labels: Default::default(),
            ports: NumberFiles::register(registry, &of_port, &PORT)?,
            counters: NumberFiles::register(registry, &of_port, &COUNTERS)?,
            legacy: NumberFiles::register(registry, &of_port, &LEGACY_COUNTERS)?,
            hardware: NumberFiles::register(registry, &of_port, &HARDWARE_COUNTERS)?,
        }))
    }
}

impl Collector for InfiniBand {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut info = self.info.sweep();
        let tables = [&mut self.ports, &mut self.counters, &mut self.legacy, &mut self.hardware];
        let mut sweeps = tables.map(Table::sweep);
        self.adapters.refresh(|_, folder| Some(Adapter::new(folder)))?;
        self.adapters.visit(|name, adapter| {
            adapter.texts.begin_scrape();
            let [texts @ .., last] = &mut self.labels;
            adapter.texts.copy_texts(files, texts);
            name.clone_into(last);
            info.row(&self.labels).set(0, Some(1.0));
            let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
            let ports = &mut adapter.ports;
            ports.refresh_if_there(|port, folder| is_port(port).then(|| Port::new(folder)))?;
            ports.visit(|number, port| port.show([name, number], files, &mut sweeps))
        })
    }
}

impl Adapter {
    fn new(folder: &Path) -> Adapter {
        let texts = Attributes::new(folder, TEXTS);
        Adapter { texts, ports: Devices::new(folder.join("ports")) }
    }
}

impl Port {
    fn new(folder: &Path) -> Port {
        Port {
            own: NumberFiles::new(folder, &PORT),
            counters: NumberFiles::new(&folder.join("counters"), &COUNTERS),
            legacy: NumberFiles::new(&folder.join("counters_ext"), &LEGACY_COUNTERS),
            hardware: NumberFiles::new(&folder.join("hw_counters"), &HARDWARE_COUNTERS),
        }
    }

    fn show(
        &mut self,
        labels: [&str; 2],
        files: &mut Files,
        [own, counters, legacy, hardware]: &mut [Sweep<'_>; 4],
    ) -> Result<(), CollectError> {
        own.row(&labels).set_all(&self.own.read(files)?);
        counters.row(&labels).set_all(&self.counters.read(files)?);
        legacy.row(&labels).set_all(&self.legacy.read(files)?);
        hardware.row(&labels).set_all(&self.hardware.read(files)?);
        Ok(())
    }
}
