//! `ipvs`: connections that the kernel's load balancer spreads. Sources: procfs'
//! `net/ip_vs_stats` and `net/ip_vs` (Documentation/networking/ipvs-sysctl.rst).

mod backends;

use super::error::CollectError;
use super::flags::Flag;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use backends::{LABELS, Sums, parse_backends};

const BACKEND_LABELS: &str = "collector.ipvs.backend-labels";
pub(super) const FLAGS: &[Flag] = &[Flag::words(
    BACKEND_LABELS,
    "local_address,local_port,remote_address,remote_port,proto,local_mark",
    "Labels of backends, separated by commas. Backends that have the same are added up.",
)];

const TOTALS: [Metric; 5] = [
    Metric::counter("node_ipvs_connections_total", "Connections that were made."),
    Metric::counter("node_ipvs_incoming_packets_total", "Packets that came in."),
    Metric::counter("node_ipvs_outgoing_packets_total", "Packets that went out."),
    Metric::counter("node_ipvs_incoming_bytes_total", "Bytes that came in."),
    Metric::counter("node_ipvs_outgoing_bytes_total", "Bytes that went out."),
];
const BACKENDS: [Metric; 3] = [
    Metric::gauge("node_ipvs_backend_connections_active", "Active connections of a backend."),
    Metric::gauge("node_ipvs_backend_connections_inactive", "Other connections of a backend."),
    Metric::gauge("node_ipvs_backend_weight", "Weight of a backend."),
];

pub(super) struct Ipvs {
    stats: KeptFile,
    totals: Table,
    list: KeptFile,
    sums: Sums,
    backends: Table,
}

impl Ipvs {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, folder) = (&setup.registry, setup.roots.proc.join("net"));
        let wanted: Vec<&str> = setup.flags.text(BACKEND_LABELS).split(',').collect();
        let labels = LABELS.map(|label| wanted.contains(&label).then_some(label));
        let names: Vec<&str> = labels.iter().copied().flatten().collect();
        Ok(Box::new(Ipvs {
            stats: KeptFile::new(folder.join("ip_vs_stats")),
            totals: Table::register(registry, &[], &TOTALS)?,
            list: KeptFile::of_many_records(folder.join("ip_vs")),
            sums: Sums::new(labels.map(|label| label.is_some())),
            backends: Table::register(registry, &names, &BACKENDS)?,
        }))
    }
}

impl Collector for Ipvs {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut totals, mut backends) = (self.totals.sweep(), self.backends.sweep());
        let stats = parse_stats(files.read(&mut self.stats)?)?;
        totals.only_row().set_all(&stats);
        self.sums.begin();
        let parsed = parse_backends(files.read(&mut self.list)?, |backend| self.sums.add(&backend));
        for (labels, sums) in self.sums.iter() {
            backends.row(labels).set_all(&sums.map(|sum| Some(sum as f64)));
        }
        parsed
    }
}

/// The numbers of the third line, which are hexadecimal; in front of it are two of headings.
fn parse_stats(content: &[u8]) -> Result<[Option<f64>; 5], CollectError> {
    let mut lines = Lines::new("ip_vs_stats", content);
    let mut line = lines.nth(2).ok_or_else(|| lines.missing("counts of connections"))?;
    let mut counts = [None; 5];
    for count in &mut counts {
        let number = line.hexadecimal("a hexadecimal number")?;
        *count = Some(number as f64);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_in_the_third_line() {
        let content = b"   Total Incoming\n   Conns  Packets\n   A 10 0 FFFFFFFFFFFFFFFF 0\n\n x\n";
        let counts = [Some(10.0), Some(16.0), Some(0.0), Some(u64::MAX as f64), Some(0.0)];
        assert_eq!(parse_stats(content).unwrap(), counts);
        const WRONG: &[(&str, &str)] = &[
            ("a\nb\n", "ip_vs_stats:3: expected counts of connections, found end of file"),
            ("a\nb\n1 2\n", { "ip_vs_stats:3: expected a hexadecimal number, found end of line" }),
            ("a\nb\n1 +2\n", "ip_vs_stats:3: expected a hexadecimal number, found +2"),
        ];
        for (content, expected) in WRONG {
            assert_eq!(parse_stats(content.as_bytes()).unwrap_err().to_string(), *expected);
        }
    }
}
