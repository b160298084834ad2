//! The default collectors on fixture trees, byte for byte, and on the host that runs the test.
//!
//! `PROMLET_REWRITE_GOLDEN=1 cargo test --test collectors` writes the expected expositions anew.

#[path = "collectors/node_exporter.rs"]
mod node_exporter;
mod support;

use promlet::collector::{COLLECTORS, Choice, Node, Roots, Settings};
use promlet::encoding::Encoder;
use promlet::{Registry, collector};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use support::exposition;
use support::temp::TempDir;

/// Families whose values are those of this run, whatever the roots. The golden files have their
/// HELP and TYPE lines and no samples.
const VARYING: &[&str] = &[
    "node_scrape_collector_duration_seconds",
    "node_time_seconds",
    "node_time_zone_offset_seconds",
];

/// The exposition of the collectors of `choice`, and what they report.
fn scrape(settings: &Settings, choice: &Choice) -> (String, Vec<String>) {
    let (registry, reports) = (Registry::new(), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&reports);
    let report = move |report: collector::Report<'_>| {
        let error = report.error.expect("nothing was wrong before");
        heard.lock().unwrap().push(format!("{}: {error}", report.collector));
    };
    Node::register(&registry, settings, choice, Box::new(report)).unwrap();
    let mut body = Vec::new();
    Encoder::new(registry).scrape(None, None).write_all(&mut body);
    let reports = reports.lock().unwrap().clone();
    (String::from_utf8(body).unwrap(), reports)
}

/// Families whose names the source gives, or that the reference's host did not have.
const NAMED_BY_SOURCE: &[&str] = &[
    "node_bcachefs_",
    "node_cpu_frequency_",
    "node_cpu_online",
    "node_hwmon_",
    "node_lnstat_",
    "node_memory_",
    "node_netstat_",
    "node_power_supply_",
    "node_processes_threads_state",
    "node_rapl_",
    "node_sockstat_",
    "node_swap_",
    "node_sysctl_",
    "node_zfs_",
    "node_zoneinfo_nr_mlock_stack_pages",
    "node_zoneinfo_scanned_pages",
    "node_os_support_end_timestamp_seconds",
    "node_vmstat_",
];

/// Families whose labels are those that the source gives, so that the reference has those of its
/// host.
const LABELED_BY_SOURCE: &[&str] = &["node_dmi_info", "node_power_supply_info"];

/// The families of node_exporter 1.12.1, as `COLLECTOR, on or off, NAME, TYPE, LABELS`.
const REFERENCE: &str = include_str!("reference/node_families.tsv");

/// Checks type and labels of what node_exporter has as well, and that there is nothing else.
fn compare_with_reference(text: &str) {
    let known: HashMap<&str, Vec<&str>> = REFERENCE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|columns| (columns[2], columns))
        .collect();
    let read = exposition::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"));
    for family in read.families.iter().filter(|family| !family.samples.is_empty()) {
        let Some(columns) = known.get(&*family.name) else {
            let is_dynamic = NAMED_BY_SOURCE.iter().any(|start| family.name.starts_with(start));
            assert!(is_dynamic, "node_exporter has no {}", family.name);
            continue;
        };
        let kind = format!("{:?}", family.kind).to_lowercase();
        assert_eq!(kind, columns[3], "{}", family.name);
        let mut expected: Vec<&str> = columns[4].split(',').filter(|l| !l.is_empty()).collect();
        expected.sort_unstable();
        let is_fixed = !LABELED_BY_SOURCE.contains(&&*family.name);
        for sample in family.samples.iter().filter(|_| is_fixed) {
            let mut labels: Vec<&str> = sample.labels.iter().map(|(name, _)| &**name).collect();
            labels.sort_unstable();
            assert_eq!(labels, expected, "{}", family.name);
        }
    }
}

fn compare_with_golden(name: &str, text: &str) {
    compare_with_reference(text);
    // Labels that are paths: as they would be below `/`.
    let text = text.replace(&format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR")), "");
    let lines = text.lines().filter(|line| {
        let family = line.split([' ', '{']).next().unwrap_or_default();
        !VARYING.contains(&family)
    });
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let path: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.prom"));
    if std::env::var_os("PROMLET_REWRITE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (number, (line, expected)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "{name}.prom:{}", number + 1);
    }
    assert_eq!(text.lines().count(), expected.lines().count());
}

/// A tree of files in `fixtures/NAME`, the collectors that read it, and what they report. What they
/// show is in `golden/NAME.prom`.
struct Fixture {
    name: &'static str,
    collectors: &'static [&'static str],
    /// The values of their flags.
    flags: &'static [(&'static str, &'static str)],
    /// Beginning with the collector's name; the path of the fixture is left out.
    reports: &'static [&'static str],
}

impl Fixture {
    /// Where its tree lies, if that is `folder`, and its flags.
    fn settings(&self, folder: &Path) -> Settings {
        let roots = Roots {
            proc: folder.join("proc"),
            sys: folder.join("sys"),
            rootfs: folder.to_owned(),
            udev: folder.join("udev/data"),
        };
        let mut settings = Settings { roots, ..Settings::default() };
        for (flag, value) in self.flags {
            settings.flags.set(flag, value).unwrap();
        }
        settings
    }

    /// What its collectors show and report.
    fn scrape(&self) -> (String, Vec<String>) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(self.name);
        let settings = self.settings(&folder);
        let choice = Choice::only(self.collectors.iter().copied()).unwrap();
        let (text, reports) = scrape(&settings, &choice);
        let prefix = format!("{}/", folder.display());
        (text, reports.iter().map(|report| report.replace(&prefix, "")).collect())
    }
}

const FIRST: &[&str] = &["cpu", "filefd", "loadavg", "meminfo", "stat", "time"];

const ODD: &[&str] = &["cpu", "filefd", "loadavg", "meminfo", "pressure", "stat", "time"];

const KERNEL: &[&str] = &["dmi", "entropy", "kernel_hung", "os", "pressure", "schedstat", "vmstat"];

const DETAILS: &[&str] = &[
    "buddyinfo",
    "cgroups",
    "cpu_vulnerabilities",
    "interrupts",
    "ksmd",
    "meminfo_numa",
    "processes",
    "slabinfo",
    "softirqs",
    "swap",
    "sysctl",
    "zoneinfo",
];

const FIXTURES: &[Fixture] = &[
    // Three CPUs, of which one is offline.
    Fixture { name: "three-cpus", collectors: FIRST, flags: &[], reports: &[] },
    // Odd files cost only what they tell.
    Fixture {
        name: "odd",
        collectors: ODD,
        flags: &[],
        reports: &[
            "filefd: file-nr:1: expected a count of file handles, found end of line",
            "loadavg: proc/loadavg: not there",
            "meminfo: meminfo:5: expected kB, found MB",
            "pressure: io:1: expected microseconds, found soon",
        ],
    },
    // Disks as several kernels count them, and what udev knows of some.
    Fixture { name: "disks", collectors: &["diskstats"], flags: &[], reports: &[] },
    // What a kernel and a machine say of themselves.
    Fixture { name: "kernel", collectors: KERNEL, flags: &[], reports: &[] },
    // Chips of all sorts, of which one sensor is left out.
    Fixture {
        name: "sensors",
        collectors: &["hwmon"],
        flags: &[("collector.hwmon.sensor-exclude", "^platform_nct6775_656;curr")],
        reports: &[],
    },
    // CPUs with all that flags ask for.
    Fixture {
        name: "cpus",
        collectors: &["cpu", "cpufreq", "stat"],
        flags: &[
            ("collector.cpu.guest", "false"),
            ("collector.cpu.info", "true"),
            ("collector.cpu.info.flags-include", "^(aes|avx.?|constant_tsc)$"),
            ("collector.cpu.info.bugs-include", "^(cpu_meltdown|spectre_.*|mds)$"),
            ("collector.stat.softirq", "true"),
        ],
        reports: &[],
    },
    // What is off by default.
    Fixture {
        name: "details",
        collectors: DETAILS,
        flags: &[
            ("collector.sysctl.include", "kernel.threads-max"),
            ("collector.sysctl.include", "fs.file-nr"),
            ("collector.sysctl.include", "fs.file-nr:total,current,max"),
            ("collector.sysctl.include-info", "kernel.seccomp.actions_avail"),
        ],
        reports: &[],
    },
    // Devices of DRBD, and mounts of NFS: one twice, one with two connections, an old one.
    Fixture { name: "replicas", collectors: &["drbd", "mountstats"], flags: &[], reports: &[] },
    // A bridge with a card behind it, a device without a link, and one that is malformed.
    Fixture {
        name: "pci",
        collectors: &["pcidevice"],
        flags: &[],
        reports: &["pcidevice: vendor:1: expected an id, found 8086"],
    },
    // One watchdog of a board, one made of software.
    Fixture { name: "watchdog", collectors: &["watchdog"], flags: &[], reports: &[] },
    // Mounts of many kinds, of which none is there to be asked.
    Fixture { name: "mounts", collectors: &["filesystem"], flags: &[], reports: &[] },
    // Interfaces with everything, with little and with nonsense; protocols and queues.
    Fixture {
        name: "network",
        collectors: &[
            "arp",
            "conntrack",
            "lnstat",
            "netclass",
            "netdev",
            "netstat",
            "sockstat",
            "softnet",
            "udp_queues",
            "xfrm",
        ],
        flags: &[
            ("collector.arp.device-exclude", "^ignored"),
            ("collector.netclass.ignored-devices", "^ignored0$"),
            ("collector.netdev.device-exclude", "^lo$"),
            ("collector.netdev.netlink", "false"),
        ],
        reports: &[],
    },
    // A zone that does not answer, and one that does.
    Fixture { name: "thermal", collectors: &["thermal_zone"], flags: &[], reports: &[] },
    // An array in each state, with the namespaces of an NVMe controller and without.
    Fixture { name: "arrays", collectors: &["mdadm", "nvme"], flags: &[], reports: &[] },
    // File systems and caches that count: a pool of ZFS that is well, one that is not, one of a
    // version without statistics.
    Fixture {
        name: "stores",
        collectors: &["bcache", "btrfs", "xfs", "zfs"],
        flags: &[("collector.bcache.priorityStats", "true")],
        reports: &[],
    },
    // Adapters of networks for disks and computation, tapes, and disks behind several paths.
    Fixture {
        name: "adapters",
        collectors: &["dmmultipath", "fibrechannel", "infiniband", "tapestats"],
        flags: &[("collector.tapestats.ignored-devices", "^st1$")],
        reports: &[],
    },
    // A client and a server of NFS of different ages, a load balancer, bcachefs.
    Fixture {
        name: "servers",
        collectors: &["bcachefs", "ipvs", "nfs", "nfsd"],
        flags: &[],
        reports: &[],
    },
    // What a server and a laptop have: bonds, controllers of memory, meters of energy, batteries.
    Fixture {
        name: "machine",
        collectors: &["bonding", "edac", "powersupplyclass", "rapl"],
        flags: &[("collector.powersupply.ignored-supplies", "^hid")],
        reports: &[],
    },
];

#[test]
fn fixtures_show_what_is_expected() {
    for fixture in FIXTURES {
        let (text, reports) = fixture.scrape();
        assert_eq!(reports, *fixture.reports, "{}", fixture.name);
        compare_with_golden(fixture.name, &text);
    }
}

/// What is gone takes its series along, whichever source it was.
#[test]
fn a_tree_that_vanishes_leaves_no_series() {
    for fixture in FIXTURES {
        let copy = TempDir::new("collectors");
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture.name);
        let tree = copy.path().join("tree");
        let copied = Command::new("cp").arg("-r").args([&source, &tree]).status().unwrap();
        assert!(copied.success());
        let registry = Registry::new();
        let settings = fixture.settings(&tree);
        let choice = Choice::only(fixture.collectors.iter().copied()).unwrap();
        Node::register(&registry, &settings, &choice, Box::new(|_| ())).unwrap();
        let mut encoder = Encoder::new(registry);
        let mut series = || {
            let mut body = Vec::new();
            encoder.scrape(None, None).write_all(&mut body);
            let text = String::from_utf8(body).unwrap();
            let lines = text.lines().filter(|line| {
                let family = line.split([' ', '{']).next().unwrap_or_default();
                line.starts_with("node_")
                    && !line.starts_with("node_scrape_collector_")
                    && !VARYING.contains(&family)
            });
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(!series().is_empty(), "{}", fixture.name);
        std::fs::remove_dir_all(&tree).unwrap();
        assert_eq!(series(), [""; 0], "{}", fixture.name);
    }
}

type Damage = fn(&[u8]) -> Vec<u8>;

/// Longer than what collectors read at once.
const LONG_LINE_BYTES: usize = 16 * 1024;

/// What may have become of the content of a file.
const DAMAGES: [(&str, Damage); 4] = [
    ("empty", |_| Vec::new()),
    ("cut", |content| content[..content.len() / 2].to_vec()),
    ("garbage", |_| b"\0\xff 1:[x/]( \x80 -> -1\n".repeat(3)),
    ("one long line", |content| {
        let mut line = content.repeat(LONG_LINE_BYTES / content.len().max(1));
        line.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        line.push(b'\n');
        line
    }),
];

/// Whatever files contain, each collector says how it fared, and what is shown is valid.
#[test]
fn damaged_files_break_nothing() {
    for fixture in FIXTURES {
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture.name);
        for (damage, apply) in DAMAGES {
            let copy = TempDir::new("damaged");
            let tree = copy.path().join("tree");
            let copied = Command::new("cp").arg("-r").args([&source, &tree]).status().unwrap();
            assert!(copied.success());
            for_each_file(&tree, &mut |path| {
                let content = std::fs::read(path).unwrap();
                std::fs::write(path, apply(&content)).unwrap();
            });
            let choice = Choice::only(fixture.collectors.iter().copied()).unwrap();
            let (text, _) = scrape(&fixture.settings(&tree), &choice);
            let what = format!("{} {damage}", fixture.name);
            let read = exposition::read(text.as_bytes()).unwrap_or_else(|e| panic!("{what}: {e}"));
            for name in fixture.collectors {
                let success = read.value("node_scrape_collector_success", &[("collector", name)]);
                assert!(success.is_some(), "{name} of {what}");
            }
        }
    }
}

fn for_each_file(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type())).unwrap();
        match kind.unwrap() {
            kind if kind.is_dir() => for_each_file(&path, visit),
            kind if kind.is_file() => visit(&path),
            _ => {}
        }
    }
}

#[test]
fn the_host_s_own_exposition_is_valid_and_complete() {
    let (text, reports) = scrape(&Settings::default(), &Choice::default());
    let has_no_source = |report: &String| report.ends_with(": not there");
    assert!(reports.iter().all(has_no_source), "{reports:?}");
    compare_with_reference(&text);
    let read = exposition::read(text.as_bytes()).unwrap();
    for row in COLLECTORS.iter().filter(|row| row.on_by_default) {
        let success = read.value("node_scrape_collector_success", &[("collector", row.name)]);
        let has_failed = reports.iter().any(|r| r.starts_with(&format!("{}: ", row.name)));
        assert_eq!(success, Some(if has_failed { 0.0 } else { 1.0 }), "{}", row.name);
    }
}
