//! `uname`: the names of the kernel and the host. Source: uname(2), whatever the roots.

use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use crate::sys::host::Host;

const METRICS: [Metric; 1] =
    [Metric::gauge("node_uname_info", "Names of the kernel and the host as labels; always 1.")];

const LABELS: [&str; 6] = ["domainname", "machine", "nodename", "release", "sysname", "version"];

pub(super) struct Uname {
    table: Table,
}

impl Uname {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let table = Table::register(&setup.registry, &LABELS, &METRICS)?;
        Ok(Box::new(Uname { table }))
    }
}

impl Collector for Uname {
    fn collect(&mut self, _files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let host = Host::read().map_err(|error| CollectError::from_call("uname", &error))?;
        let (domain, machine, node) = (host.domainname(), host.machine(), host.nodename());
        let (release, system, version) = (host.release(), host.sysname(), host.version());
        sweep.row(&[&domain, &machine, &node, &release, &system, &version]).set(0, Some(1.0));
        Ok(())
    }
}
