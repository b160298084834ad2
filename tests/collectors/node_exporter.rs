//! Debian's node_exporter as a judge: on each fixture both show the same, and on this host too, as
//! far as values stand still.
//!
//! It is version 1.5.0, and what we show is 1.12.1's: what is known to have changed in between is
//! in [`CHANGED`]. Families that are new since are not compared. Needs the package
//! `prometheus-node-exporter`; without it the tests say so and check nothing, unless
//! `PROMLET_REQUIRE_NODE_EXPORTER=1`.

use std::collections::HashMap;
use std::process::Command;

use promlet::collector::{COLLECTORS, Choice, Settings};

use crate::support::client::Client;
use crate::support::exposition::{self, Exposition, Family, Kind};
use crate::support::process::Process;
use crate::support::skip;
use crate::{FIXTURES, Fixture, VARYING, scrape};

const REQUIRED_BY: &str = "PROMLET_REQUIRE_NODE_EXPORTER";

/// What we show otherwise than 1.5.0: the fixture (`*` for all and this host), the family or the
/// start of its name and `*`, and why.
const CHANGED: &[(&str, &str, &str)] = &[
    ("*", "node_scrape_collector_*", "each has its own"),
    ("*", "node_exporter_build_info", "each has its own"),
    ("three-cpus", "node_cpu_*", "1.5.0 makes up zeros for a CPU that is offline, 1.12.1 does not"),
    ("odd", "node_cpu_*", "node_exporter makes up zeros where a line is shorter than any kernel's"),
    ("mounts", "node_filesystem_*", "1.5.0 reads mounts where 1.12.1 reads mountinfo"),
    ("odd", "node_boot_time_seconds", "node_exporter makes up zeros for what is not in the file"),
    ("odd", "node_forks_total", "node_exporter makes up zeros for what is not in the file"),
    ("odd", "node_procs_blocked", "node_exporter makes up zeros for what is not in the file"),
    ("*", "node_disk_info", "1.5.0 has no label rotational, and knows one serial number only"),
    ("sensors", "node_hwmon_curr_amps", "1.5.0 cannot leave out a sensor"),
    ("sensors", "node_hwmon_sensor_label", "1.5.0 does not label frequencies"),
    ("cpus", "node_cpu_scaling_frequency_hertz", "1.5.0 shows CPUs that are offline"),
    ("*", "node_network_info", "1.12.1 has the label adminstate"),
    ("network", "node_network_mtu_bytes", "node_exporter makes up a zero for what is no number"),
    ("network", "node_softnet_*", "1.5.0 counts the lines, 1.12.1 reads which CPU they are of"),
    ("arrays", "node_md_blocks_synced", "1.5.0 takes an array that is reshaped for one at rest"),
    ("arrays", "node_md_state", "1.5.0 takes an array that is reshaped for one at rest"),
    ("arrays", "node_nvme_info", "1.12.1 has the number of the controller as a label"),
    ("stores", "node_zfs_zpool_dataset_*", "1.5.0 cuts names of datasets at their first blank"),
    ("stores", "node_btrfs_allocation_ratio", "1.5.0 knows no data in three or four copies"),
    ("stores", "node_zfs_zpool_state", "1.5.0 does not know pools that are suspended"),
    ("servers", "node_nfs_requests_total", "1.5.0 confuses GetDeviceInfo with LayoutGet"),
    ("*", "node_mountstats_nfs_transport_*", "1.5.0 shows one connection of each mount"),
    ("*", "node_memory_Balloon_bytes", OF_LATE),
    ("*", "node_memory_FileHugePages_bytes", OF_LATE),
    ("*", "node_memory_FilePmdMapped_bytes", OF_LATE),
    ("*", "node_memory_GPUActive_bytes", OF_LATE),
    ("*", "node_memory_GPUReclaim_bytes", OF_LATE),
    ("*", "node_memory_Hugetlb_bytes", OF_LATE),
    ("*", "node_memory_KReclaimable_bytes", OF_LATE),
    ("*", "node_memory_SecPageTables_bytes", OF_LATE),
    ("*", "node_memory_Unaccepted_bytes", OF_LATE),
];

const OF_LATE: &str = "1.5.0 shows all fields, 1.12.1 those of a list";

/// Gauges of this host that may have any value from one moment to the next, of which only kind and
/// series are compared, and why: a name, or its start and `*`.
const MOMENTARY: &[(&str, &str)] = &[
    ("node_disk_io_now", "requests that a disk is at"),
    ("node_memory_Dirty_bytes", "what is to be written"),
    ("node_memory_Writeback_bytes", "what is being written"),
    ("node_memory_WritebackTmp_bytes", "what is being written"),
    ("node_memory_MemFree_bytes", "a program that ends or reads a file moves much of it"),
    ("node_procs_blocked", "processes that wait for a disk"),
    ("node_procs_running", "processes that run"),
    ("node_sockstat_*", "sockets come and go with each connection"),
    ("node_netstat_Tcp_CurrEstab", "connections come and go"),
    ("node_timex_offset_seconds", "may be on either side of zero"),
    ("node_cpu_scaling_frequency_hertz", "follows the load"),
];

/// Collectors that 1.5.0 does not know.
const NEW_COLLECTORS: &[&str] = &[
    "bcachefs",
    "cpu_vulnerabilities",
    "dmmultipath",
    "kernel_hung",
    "pcidevice",
    "softirqs",
    "swap",
    "watchdog",
    "xfrm",
];

/// Defaults that are others than 1.12.1's: of 1.5.0, which does not leave out `zram`, and of Debian,
/// which leaves out mounts below `/mnt` and others.
const DEFAULTS: &[&str] = &[
    "--collector.diskstats.device-exclude=\
     ^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$",
    "--collector.filesystem.mount-points-exclude=\
     ^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
];
/// Flags that 1.5.0 does not know.
const NEW_FLAGS: &[&str] = &["collector.hwmon.sensor-exclude"];

/// A node_exporter of these collectors.
struct NodeExporter {
    client: Client,
    _process: Process,
}

impl NodeExporter {
    /// `None` where it is not installed.
    fn start<'c>(
        collectors: impl IntoIterator<Item = &'c str>,
        flags: &[String],
    ) -> Option<NodeExporter> {
        let program = "prometheus-node-exporter";
        if Command::new(program).arg("--version").output().is_err() {
            return None;
        }
        let known = collectors.into_iter().filter(|name| !NEW_COLLECTORS.contains(name));
        let mut command = Command::new(program);
        command
            .args(["--web.listen-address=127.0.0.1:0", "--collector.disable-defaults"])
            .arg("--web.disable-exporter-metrics")
            .args(known.map(|name| format!("--collector.{name}")))
            .args(DEFAULTS)
            .args(flags);
        let mut process = Process::spawn(&mut command);
        let client = Client::connect(process.wait_for_address()).expect("it says that it listens");
        Some(NodeExporter { client, _process: process })
    }

    fn scrape(&mut self) -> Exposition {
        let body = self.client.get("/metrics").expect("it answers").body;
        exposition::read(&body).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Whether this is the name in a table, or begins with what is in front of its `*`.
fn is_meant(entry: &str, name: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == entry,
    }
}

fn is_changed(place: &str, name: &str) -> bool {
    let mut here = CHANGED.iter().filter(|(at, ..)| [place, "*"].contains(at));
    here.any(|(_, changed, _)| is_meant(changed, name))
}

type Values<'e> = HashMap<(&'e str, Vec<(&'e str, &'e str)>), f64>;

fn values(family: Option<&Family>) -> Values<'_> {
    let samples = family.into_iter().flat_map(|family| &family.samples);
    samples.map(|sample| ((&*sample.name, sample.identity()), sample.value)).collect()
}

/// What `ours` shows otherwise than node_exporter did `before` and `after`.
fn differences(
    place: &str,
    before: &Exposition,
    ours: &Exposition,
    after: &Exposition,
) -> Vec<String> {
    let is_still = std::ptr::eq(before, after);
    let mut found = Vec::new();
    let varies = |name: &str| is_still && VARYING.contains(&name);
    let is_compared =
        |name: &str| name.starts_with("node_") && !is_changed(place, name) && !varies(name);
    for family in before.families.iter().filter(|family| is_compared(&family.name)) {
        let name = &family.name;
        let Some(own) = ours.family(name) else {
            found.push(format!("{name}: missing"));
            continue;
        };
        if own.kind != family.kind {
            found.push(format!("{name}: {:?}, should be {:?}", own.kind, family.kind));
        }
        let is_momentary = !is_still && MOMENTARY.iter().any(|(entry, _)| is_meant(entry, name));
        let (before, own, after) =
            (values(Some(family)), values(Some(own)), values(after.family(name)));
        for (series, value) in &own {
            match (before.get(series), after.get(series)) {
                (Some(first), Some(_)) if first.to_bits() == value.to_bits() => {}
                (Some(_), Some(_)) if is_momentary => {}
                (Some(first), Some(last))
                    if !is_still && fits(family.kind, *first, *value, *last) => {}
                (None, None) => found.push(format!("{series:?}: {value}, should not be there")),
                (None, _) | (_, None) => {}
                (Some(first), Some(last)) => {
                    found.push(format!("{series:?}: {value}, should be from {first} to {last}"));
                }
            }
        }
        for (series, value) in before.iter().filter(|(series, _)| after.contains_key(series)) {
            if !own.contains_key(series) {
                found.push(format!("{series:?}: missing, should be {value}"));
            }
        }
    }
    found.sort_unstable();
    found
}

/// Whether a value lies where one that was `first` and became `last` may have been in between: a
/// counter not outside, another no more than a third or a few of what is counted.
fn fits(kind: Kind, first: f64, value: f64, last: f64) -> bool {
    let room = match kind {
        Kind::Counter => 0.0,
        _ => (first.abs().max(last.abs()) / 3.0).max(4.0),
    };
    (first.min(last) - room..=last.max(first) + room).contains(&value)
}

#[test]
fn fixtures_show_what_node_exporter_shows() {
    let mut found = Vec::new();
    for fixture @ Fixture { name, collectors, flags, .. } in FIXTURES {
        let folder = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut arguments = vec![
            format!("--path.procfs={folder}/proc"),
            format!("--path.sysfs={folder}/sys"),
            format!("--path.rootfs={folder}"),
            format!("--path.udev.data={folder}/udev/data"),
        ];
        let known = flags.iter().filter(|(flag, _)| !NEW_FLAGS.contains(flag));
        arguments.extend(known.map(|(flag, value)| match *value {
            "true" => format!("--{flag}"),
            "false" => format!("--no-{flag}"),
            _ => format!("--{flag}={value}"),
        }));
        let Some(mut judge) = NodeExporter::start(collectors.iter().copied(), &arguments) else {
            return skip("node_exporter is not installed", REQUIRED_BY);
        };
        let theirs = judge.scrape();
        let (text, _) = fixture.scrape();
        let ours = exposition::read(text.as_bytes()).expect("it is valid");
        let differences = differences(name, &theirs, &ours, &theirs);
        found.extend(differences.into_iter().map(|difference| format!("{name}: {difference}")));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn this_host_looks_as_node_exporter_shows_it() {
    let names = || COLLECTORS.iter().filter(|row| row.on_by_default).map(|row| row.name);
    // Debian's leaves out the loopback.
    let flags = ["--collector.netdev.device-exclude=^$".to_owned()];
    let Some(mut judge) = NodeExporter::start(names(), &flags) else {
        return skip("node_exporter is not installed", REQUIRED_BY);
    };
    let choice = Choice::only(names()).expect("they are in the table");
    // Rates and the like come with the second scrape.
    judge.scrape();
    let before = judge.scrape();
    let (text, _) = scrape(&Settings::default(), &choice);
    let after = judge.scrape();
    let ours = exposition::read(text.as_bytes()).expect("it is valid");
    let found = differences("this host", &before, &ours, &after);
    assert!(found.is_empty(), "{found:#?}");
}
