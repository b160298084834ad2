//! The runner and its collectors against trees of files that change.

use super::samples::samples;
use super::scratch::Scratch;
use super::*;
use crate::registry::{Scrape, Selection};
use std::sync::{Arc, Mutex};

const STAT: &str = "\
cpu  30 30 30 30 30 30 30 30 0 0
cpu0 100 200 300 400 500 600 700 800 900 1000
cpu2 10 20 30 40 50 60 70 80 90 100
ctxt 12
btime 1700000000
";

/// A node whose /proc and /sys are folders of the test.
struct Fixture {
    scratch: Scratch,
    registry: Registry,
    choice: Choice,
    reports: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    fn new(name: &str, collectors: &[&str]) -> Fixture {
        Fixture::with_flags(name, collectors, &[])
    }

    fn with_flags(name: &str, collectors: &[&str], flags: &[(&str, &str)]) -> Fixture {
        let scratch = Scratch::new(name);
        let choice = Choice::only(collectors.iter().copied()).unwrap();
        let roots = Roots {
            proc: scratch.path("proc"),
            sys: scratch.path("sys"),
            udev: scratch.path("udev"),
            ..Roots::default()
        };
        let mut settings = Settings { roots, ..Settings::default() };
        for (flag, value) in flags {
            settings.flags.set(flag, value).unwrap();
        }
        let (registry, reports) = (Registry::new(), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&reports);
        let report = move |Report { collector, error }: Report<'_>| {
            let error = error.map_or("works".into(), CollectError::to_string);
            heard.lock().unwrap().push(format!("{collector}: {error}"));
        };
        Node::register(&registry, &settings, &choice, Box::new(report)).unwrap();
        Fixture { scratch, registry, choice, reports }
    }

    /// The samples of a scrape, but for durations.
    fn scrape(&self, query: &[(&str, &str)]) -> Vec<String> {
        let selection = self.choice.selection(query.iter().copied()).unwrap();
        self.registry.collect(&Scrape::new(selection));
        let mut samples = samples(&self.registry);
        samples.retain(|line| !line.starts_with("node_scrape_collector_duration_seconds"));
        samples
    }

    fn success(&self) -> Vec<String> {
        let mut samples = self.scrape(&[]);
        samples.retain(|line| line.starts_with("node_scrape"));
        samples
    }

    fn reports(&self) -> Vec<String> {
        std::mem::take(&mut self.reports.lock().unwrap())
    }
}

#[test]
fn a_collector_that_fails_costs_the_others_nothing_and_is_reported_once() {
    let fixture = Fixture::new("node-fails", &["filefd", "loadavg"]);
    fixture.scratch.write("proc/loadavg", b"1 2 x 1/1 1\n");
    fixture.scratch.write("proc/sys/fs/file-nr", b"5\t0\t9\n");
    let failing = [
        "node_filefd_allocated 5",
        "node_filefd_maximum 9",
        "node_scrape_collector_success{collector=filefd} 1",
        "node_scrape_collector_success{collector=loadavg} 0",
    ];
    assert_eq!(fixture.scrape(&[]), failing);
    fixture.scratch.write("proc/loadavg", b"1 2 y 1/1 1\n");
    assert_eq!(fixture.scrape(&[]), failing);
    assert_eq!(fixture.reports(), ["loadavg: loadavg:1: expected a load average, found x"]);
    fixture.scratch.write("proc/loadavg", b"1 2 3 1/1 1\n");
    assert_eq!(fixture.scrape(&[])[2..5], ["node_load1 1", "node_load15 3", "node_load5 2"]);
    fixture.scrape(&[]);
    assert_eq!(fixture.reports(), ["loadavg: works"]);
}

#[test]
fn a_file_that_goes_missing_and_comes_back_takes_its_series_along() {
    let fixture = Fixture::new("node-missing", &["loadavg"]);
    for _ in 0..2 {
        assert_eq!(fixture.scrape(&[]), ["node_scrape_collector_success{collector=loadavg} 0"]);
        let reports = fixture.reports();
        assert!(reports.last().unwrap().ends_with("proc/loadavg: not there"), "{reports:?}");
        fixture.scratch.write("proc/loadavg", b"1 2 3 1/1 1\n");
        assert_eq!(fixture.scrape(&[]).len(), 4);
        fixture.scratch.remove("proc/loadavg");
    }
}

#[test]
fn what_a_late_collector_finds_is_for_a_later_scrape() {
    let fixture = Fixture::new("node-late", &["loadavg", "thermal_zone"]);
    fixture.scratch.write("proc/loadavg", b"1 2 3 1/1 1\n");
    let zone = "sys/class/thermal/thermal_zone0";
    fixture.scratch.write(&format!("{zone}/type"), b"cpu\n");
    let sensor = fixture.scratch.path(&format!("{zone}/temp"));
    assert!(std::process::Command::new("mkfifo").arg(&sensor).status().unwrap().success());
    let zones = group(COLLECTORS.iter().position(|row| row.name == "thermal_zone").unwrap());
    let within = |timeout| fixture.registry.collect(&Scrape::within(Selection::ALL, timeout));

    for timeout in [Duration::from_millis(20), Duration::from_secs(3_600)] {
        assert_eq!(within(timeout), Selection::ALL.without(zones));
        let success = "node_scrape_collector_success";
        let mut lines = samples(&fixture.registry);
        lines.retain(|line| line.starts_with(success));
        assert_eq!(
            lines,
            [
                format!("{success}{{collector=loadavg}} 1"),
                format!("{success}{{collector=thermal_zone}} 0"),
            ]
        );
    }
    let late = "thermal_zone: no answer before the scrape's deadline";
    assert_eq!(fixture.reports(), [late]);

    // The helper reads what is no sensor. That is over at some time, and then it is asked again.
    let _writer = std::fs::File::options().write(true).open(&sensor).unwrap();
    fixture.scratch.remove(&format!("{zone}/temp"));
    fixture.scratch.write(&format!("{zone}/temp"), b"2000\n");
    let started = Instant::now();
    while within(Duration::from_secs(3_600)) != Selection::ALL {
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    let lines = samples(&fixture.registry);
    assert!(lines.contains(&"node_thermal_zone_temp{type=cpu,zone=0} 2".to_owned()), "{lines:?}");
    assert_eq!(fixture.reports(), ["thermal_zone: works"]);
}

#[test]
fn a_query_leaves_no_trace_of_the_collectors_that_did_not_run() {
    let fixture = Fixture::new("node-query", &["filefd", "loadavg"]);
    fixture.scratch.write("proc/loadavg", b"1 2 3 1/1 1\n");
    fixture.scratch.write("proc/sys/fs/file-nr", b"5\t0\t9\n");
    let success = |lines: Vec<String>| {
        lines.into_iter().filter(|line| line.starts_with("node_scrape")).collect::<Vec<_>>()
    };
    let loadavg = ["node_scrape_collector_success{collector=loadavg} 1"];
    assert_eq!(success(fixture.scrape(&[("collect[]", "loadavg")])), loadavg);
    assert_eq!(success(fixture.scrape(&[("exclude[]", "filefd")])), loadavg);
    assert_eq!(success(fixture.scrape(&[])).len(), 2);
    let families = fixture.registry.families();
    let of = |name: &str| families.iter().find(|family| family.core.desc.name == name).unwrap();
    let selection = fixture.choice.selection([("collect[]", "loadavg")]).unwrap();
    assert!(selection.contains(of("node_load1").group));
    assert!(!selection.contains(of("node_filefd_allocated").group));
    assert!(Selection::NONE.contains(of("node_scrape_collector_success").group));
}

#[test]
fn a_cpu_that_vanishes_takes_its_series_along_and_starts_anew() {
    let fixture = Fixture::new("node-cpus", &["cpu", "stat"]);
    let scratch = &fixture.scratch;
    let idle = |lines: &[String]| {
        let is_idle = |line: &&String| line.contains("mode=idle");
        lines.iter().filter(is_idle).cloned().collect::<Vec<_>>()
    };
    scratch.write("proc/stat", STAT.as_bytes());
    let lines = fixture.scrape(&[]);
    let both = [
        "node_cpu_seconds_total{cpu=0,mode=idle} 4",
        "node_cpu_seconds_total{cpu=2,mode=idle} 0.4",
    ];
    assert_eq!(idle(&lines), both);
    assert!(lines.contains(&"node_cpu_guest_seconds_total{cpu=0,mode=nice} 10".to_owned()));
    assert!(lines.contains(&"node_context_switches_total 12".to_owned()));
    assert!(!lines.iter().any(|line| line.starts_with("node_forks_total")));

    scratch.write("proc/stat", b"cpu0 100 200 300 399 500 600 700 800 900 1000\n");
    assert_eq!(idle(&fixture.scrape(&[])), both[..1]);
    scratch.write("proc/stat", STAT.replace("cpu2 10 20 30 40", "cpu2 10 20 30 39").as_bytes());
    let idle_again = idle(&fixture.scrape(&[]));
    assert_eq!(idle_again[1], "node_cpu_seconds_total{cpu=2,mode=idle} 0.39");
    scratch.remove("proc/stat");
    assert_eq!(
        fixture.scrape(&[]),
        [
            "node_scrape_collector_success{collector=cpu} 0",
            "node_scrape_collector_success{collector=stat} 0"
        ]
    );
}

#[test]
fn frequencies_of_cpuinfo_stand_in_for_those_of_cpufreq() {
    const INFO: &[(&str, &str)] = &[("collector.cpu.info", "true")];
    for (collectors, expected) in [(&["cpu"][..], 0), (&["cpu", "cpufreq"], 1)] {
        let fixture = Fixture::with_flags("node-frequencies", collectors, INFO);
        fixture.scratch.write("proc/stat", STAT.as_bytes());
        fixture.scratch.write("proc/cpuinfo", b"processor\t: 0\ncpu MHz\t\t: 800.5\n");
        let mut lines = fixture.scrape(&[]);
        lines.retain(|line| line.starts_with("node_cpu_frequency_hertz"));
        assert_eq!(lines.len(), expected, "{collectors:?}: {lines:?}");
    }
}

#[test]
fn throttles_are_counted_once_a_core_and_follow_their_cpus() {
    let fixture = Fixture::new("node-throttles", &["cpu"]);
    let scratch = &fixture.scratch;
    let cpu = |number: u32, file: &str| format!("sys/devices/system/cpu/cpu{number}/{file}");
    for (number, package, core) in [(0, 0, 0), (1, 0, 0), (2, 0, 1)] {
        let write = |file: &str, value: u32| {
            scratch.write(&cpu(number, file), format!("{value}\n").as_bytes());
        };
        write("topology/physical_package_id", package);
        write("topology/core_id", core);
        write("thermal_throttle/core_throttle_count", 10 + number);
    }
    scratch.write(&cpu(2, "thermal_throttle/package_throttle_count"), b"7\n");
    scratch.write("sys/devices/system/cpu/isolated", b"1-2\n");
    scratch.write("proc/stat", b"cpu0 1\ncpu1 1\ncpu2 1\n");
    let throttles = || {
        let mut lines = fixture.scrape(&[]);
        lines.retain(|line| line.contains("throttles") || line.contains("isolated"));
        lines.sort();
        lines
    };
    let all = [
        "node_cpu_core_throttles_total{core=0,package=0} 10",
        "node_cpu_core_throttles_total{core=1,package=0} 12",
        "node_cpu_isolated{cpu=1} 1",
        "node_cpu_isolated{cpu=2} 1",
        "node_cpu_package_throttles_total{package=0} 7",
    ];
    assert_eq!(throttles(), all);
    scratch.remove(&cpu(2, "topology/core_id"));
    scratch.write("proc/stat", b"cpu0 1\ncpu1 1\n");
    assert_eq!(throttles(), [all[0], all[2], all[3]]);
    scratch.write(&cpu(2, "topology/core_id"), b"1\n");
    scratch.write("proc/stat", b"cpu0 1\ncpu1 1\ncpu2 1\n");
    assert_eq!(throttles(), all);
    scratch.remove(&cpu(0, "thermal_throttle/core_throttle_count"));
    let of_cpu1 = throttles();
    assert_eq!(of_cpu1[0], "node_cpu_core_throttles_total{core=0,package=0} 11");
    assert_eq!(of_cpu1[1..], all[1..]);
}

#[test]
fn fields_of_memory_come_and_go() {
    let fixture = Fixture::new("node-memory", &["meminfo"]);
    let memory = |content: &str| {
        fixture.scratch.write("proc/meminfo", content.as_bytes());
        let mut lines = fixture.scrape(&[]);
        lines.retain(|line| line.starts_with("node_memory"));
        lines
    };
    let both = ["node_memory_Dirty_bytes 1024", "node_memory_HugePages_Free 2"];
    let huge = "HugePages_Free: 2\n";
    assert_eq!(memory("Dirty: 1 kB\nHugePages_Free: 2\n"), both);
    assert_eq!(memory(huge), both[1..]);
    assert_eq!(memory("NewOne: 1 kB\nHugePages_Free: 2\nDirty: 1 kB\n"), both);
    assert_eq!(memory("Dirty: 1 kB\nNewOne: 2 MB\n"), both[..1]);
    assert_eq!(fixture.reports(), ["meminfo: meminfo:2: expected kB, found MB"]);
    assert!(memory("NewOne: 1 kB\n").is_empty());
    assert!(memory("").is_empty());
    let reports = ["meminfo: works", "meminfo: meminfo:1: expected a field, found end of file"];
    assert_eq!(fixture.reports(), reports);
}

#[test]
fn a_file_of_ever_new_fields_is_bounded() {
    let fixture = Fixture::new("node-bounded", &["meminfo_numa"]);
    for first in (0..2000).step_by(100) {
        let fields: String = (first..first + 100).map(|n| format!("Node 0 F{n}: 1\n")).collect();
        fixture.scratch.write("sys/devices/system/node/node0/meminfo", fields.as_bytes());
        fixture.scratch.write("sys/devices/system/node/node0/numastat", b"");
        fixture.scrape(&[]);
    }
    assert!(fixture.registry.families().len() <= 1024 + 2);
    assert_eq!(fixture.reports(), ["meminfo_numa: more than 1024 fields"]);
}

#[test]
fn flags_choose_what_is_shown() {
    const FLAGS: &[(&str, &str)] = &[
        ("collector.diskstats.device-include", "^sd"),
        ("collector.interrupts.name-exclude", "^4;dyn;eth"),
        ("collector.interrupts.include-zeros", "false"),
        ("collector.slabinfo.slabs-include", "^k"),
        ("collector.slabinfo.slabs-exclude", "8$"),
        ("collector.vmstat.fields", "^nr"),
    ];
    let collectors = ["diskstats", "interrupts", "slabinfo", "vmstat"];
    let fixture = Fixture::with_flags("node-flags", &collectors, FLAGS);
    let write = |name: &str, content: &str| fixture.scratch.write(name, content.as_bytes());
    write("proc/diskstats", "8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n1 0 vda 1 1 1 1 1 1 1 1 1 1 1\n");
    write("proc/interrupts", "CPU0 CPU1\n 4: 1 2 dyn eth0\n 5: 0 3 dyn eth1\n");
    write("proc/slabinfo", "slabinfo - version: 2.1\nk8 1 1 1 1 1\nk9 1 1 1 1 1\nx 1 1 1 1 1\n");
    write("proc/vmstat", "nr_free 5\npgfault 6\n");
    let shown = |start: &str, lines: &[String]| {
        lines.iter().filter(|line| line.starts_with(start)).cloned().collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let lines = fixture.scrape(&[]);
        assert_eq!(shown("node_disk_io_now", &lines), ["node_disk_io_now{device=sda1} 1"]);
        assert_eq!(
            shown("node_interrupts", &lines),
            ["node_interrupts_total{cpu=1,devices=eth1,info=dyn,type=5} 3"]
        );
        assert_eq!(shown("node_slabinfo_objects{", &lines), ["node_slabinfo_objects{slab=k9} 1"]);
        assert_eq!(shown("node_vmstat", &lines), ["node_vmstat_nr_free 5"]);
    }
}

#[test]
fn addresses_are_those_of_the_interfaces_that_are_shown() {
    let addresses = |flag: &str| {
        let flags = [("collector.netdev.address-info", "true"), (flag, "^lo$")];
        let fixture = Fixture::with_flags("node-addresses", &["netdev"], &flags);
        let mut lines = fixture.scrape(&[]);
        lines.retain(|line| line.starts_with("node_network_address_info"));
        lines
    };
    let is_of_loopback = |line: &String| line.contains("device=lo,");
    assert!(addresses("collector.netdev.device-include").iter().all(is_of_loopback));
    assert!(!addresses("collector.netdev.device-exclude").iter().any(is_of_loopback));
}

#[test]
fn words_of_a_setting_have_no_keys() {
    let flags = [("collector.sysctl.include-info", "fs.file-nr:total,current,max")];
    let fixture = Fixture::with_flags("node-keys", &["sysctl"], &flags);
    fixture.scratch.write("proc/sys/fs/file-nr", b"1\t0\t9\n");
    assert_eq!(fixture.scrape(&[]), ["node_scrape_collector_success{collector=sysctl} 0"]);
    let report = "sysctl: sysctl:1: expected a setting without keys, found fs.file-nr";
    assert_eq!(fixture.reports(), [report]);
}

#[test]
fn some_collectors_take_both_what_to_show_and_what_to_leave_out() {
    const CASES: &[(&str, &str, bool)] = &[
        ("collector.arp.device-include", "collector.arp.device-exclude", true),
        ("collector.hwmon.chip-include", "collector.hwmon.chip-exclude", true),
        ("collector.hwmon.sensor-include", "collector.hwmon.sensor-exclude", true),
        ("collector.interrupts.name-include", "collector.interrupts.name-exclude", true),
        ("collector.qdisc.device-include", "collector.qdisc.device-exclude", true),
        ("collector.slabinfo.slabs-include", "collector.slabinfo.slabs-exclude", true),
        ("collector.netdev.device-include", "collector.netdev.device-exclude", false),
        ("collector.diskstats.device-include", "collector.diskstats.device-exclude", false),
    ];
    for (include, exclude, is_taken) in CASES {
        let mut flags = Flags::default();
        flags.set(include, "a").unwrap();
        assert_eq!(flags.set(exclude, "b").is_ok(), *is_taken, "{include}");
    }
}

#[test]
fn words_that_a_flag_does_not_know_are_refused() {
    let set = |value: &str| Flags::default().set("collector.ipvs.backend-labels", value);
    for value in ["", "proto", "proto,local_mark,proto", ",remote_port,"] {
        assert_eq!(set(value), Ok(()), "{value:?}");
    }
    let error = set("proto,port").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid value: --collector.ipvs.backend-labels: \
         expected words of its default, separated by commas, found \"proto,port\""
    );
}

/// As udev and a hot-plugged disk change them.
#[test]
fn properties_of_disks_follow_udev() {
    let fixture = Fixture::new("node-udev", &["diskstats"]);
    let disks = |content: &str| {
        fixture.scratch.write("proc/diskstats", content.as_bytes());
        let mut lines = fixture.scrape(&[]);
        lines.retain(|line| line.starts_with("node_disk_info"));
        lines
    };
    let info = |minor: u32, model: &str| {
        format!(
            "node_disk_info{{device=sda,major=8,minor={minor},model={model},path=,revision=,\
             rotational=0,serial=,wwn=}} 1"
        )
    };
    const SDA: &str = "8 0 sda 1 1 1 1 1 1 1 1 1 1 1\n";
    assert_eq!(disks(SDA), [info(0, "")]);
    fixture.scratch.write("udev/b8:0", b"E:ID_MODEL=A\n");
    assert_eq!(disks(SDA), [info(0, "A")]);
    fixture.scratch.write("udev/b8:0", b"E:ID_MODEL=B\n");
    assert_eq!(disks(SDA), [info(0, "B")]);
    assert_eq!(disks(&SDA.replace("8 0", "8 9")), [info(9, "")]);
    assert!(disks("").is_empty());
}

#[test]
fn every_default_collector_that_has_a_source_works_on_this_host() {
    let registry = Registry::new();
    let failed = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&failed);
    let report = move |report: Report<'_>| heard.lock().unwrap().push(format!("{report:?}"));
    Node::register(&registry, &Settings::default(), &Choice::default(), Box::new(report)).unwrap();
    registry.collect(&Scrape::new(Selection::ALL));
    let failed = failed.lock().unwrap();
    let has_no_source = |report: &String| report.contains("NoData");
    assert!(failed.iter().all(has_no_source), "{failed:?}");
    let samples = samples(&registry);
    let uname = samples.iter().find(|line| line.starts_with("node_uname_info")).unwrap();
    assert!(uname.contains("sysname=Linux,"), "{uname}");
    assert!(
        samples.iter().any(|line| line.starts_with("node_time_zone_offset_seconds{time_zone="))
    );
}

#[test]
fn settings_of_many_interfaces_are_read_in_turns() {
    const INTERFACES: usize = 192;
    const TURNS: usize = 3;
    let fixture = Fixture::new("node-turns", &["netclass"]);
    let write = |number: usize, file: &str, value: usize| {
        let path = format!("sys/class/net/eth{number}/{file}");
        fixture.scratch.write(&path, format!("{value}\n").as_bytes());
    };
    let values = |family: &str| {
        let mut lines = fixture.scrape(&[]);
        lines.retain(|line| line.starts_with(&format!("node_network_{family}{{")));
        let value = |line: &String| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
        lines.iter().map(value).collect::<Vec<_>>()
    };
    for number in 0..INTERFACES {
        write(number, "ifindex", number + 1);
        write(number, "mtu", 1500);
        write(number, "carrier", 0);
    }
    assert_eq!(values("mtu_bytes"), [1500; INTERFACES]);
    for number in 0..INTERFACES {
        write(number, "mtu", 9000);
        write(number, "carrier", 1);
    }
    assert_eq!(values("carrier"), [1; INTERFACES]);
    let large = |values: Vec<usize>| values.iter().filter(|value| **value == 9000).count();
    assert_eq!(large(values("mtu_bytes")), 2 * INTERFACES / TURNS);
    for _ in 2..TURNS {
        values("mtu_bytes");
    }
    assert_eq!(values("mtu_bytes"), [9000; INTERFACES]);
    // Another device of the same name is new as a whole.
    for number in 0..INTERFACES {
        write(number, "ifindex", 1000 + number);
        write(number, "mtu", 1400);
    }
    assert_eq!(values("mtu_bytes"), [1400; INTERFACES]);
}

#[test]
fn an_interface_is_left_out_from_its_first_scrape_until_it_is_gone() {
    let scratch = Scratch::new("node-filter");
    let roots = Roots { proc: scratch.path("proc"), sys: scratch.path("sys"), ..Roots::default() };
    let mut settings = Settings { roots, ..Settings::default() };
    settings.flags.set("collector.netdev.device-blacklist", "^veth").unwrap();
    settings.flags.set("collector.netdev.netlink", "false").unwrap();
    let registry = Registry::new();
    let choice = Choice::only(["netdev"]).unwrap();
    Node::register(&registry, &settings, &choice, Box::new(|_| ())).unwrap();
    let devices = |names: &[&str]| {
        let line = |name: &&str| format!("{name}: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
        let content: String = names.iter().map(line).collect();
        scratch.write("proc/net/dev", format!("head\nhead\n{content}").as_bytes());
        registry.collect(&Scrape::new(Selection::ALL));
        let mut lines = samples(&registry);
        lines.retain(|line| line.starts_with("node_network_transmit_bytes_total"));
        lines
    };
    let eth = |number: u32| format!("node_network_transmit_bytes_total{{device=eth{number}}} 9");
    assert_eq!(devices(&["eth0", "veth1", "eth1"]), [eth(0), eth(1)]);
    assert_eq!(devices(&["veth2", "eth1", "veth1", "eth0"]), [eth(0), eth(1)]);
    assert_eq!(devices(&["veth2"]), [""; 0]);
    assert_eq!(devices(&["eth0"]), [eth(0)]);
}

#[test]
fn a_copy_of_procfs_without_interfaces_shows_those_of_the_kernel() {
    let fixture = Fixture::new("node-links", &["netdev"]);
    let lines = fixture.scrape(&[]);
    let is_of_loopback = |line: &String| line.contains("receive_bytes_total{device=lo}");
    assert!(lines.iter().any(is_of_loopback), "{lines:?}");
    assert_eq!(fixture.success(), ["node_scrape_collector_success{collector=netdev} 1"]);
    let off = [("collector.netdev.netlink", "false")];
    let fixture = Fixture::with_flags("node-no-links", &["netdev"], &off);
    assert_eq!(fixture.scrape(&[]), ["node_scrape_collector_success{collector=netdev} 0"]);
}

/// Files of procfs in fixtures, and the collectors that read them.
const FIXTURE_FILES: &[(&str, &str, &str)] = &[
    ("buddyinfo", "details", "buddyinfo"),
    ("cgroups", "details", "cgroups"),
    ("cpu", "cpus", "cpuinfo"),
    ("diskstats", "disks", "diskstats"),
    ("drbd", "replicas", "drbd"),
    ("entropy", "kernel", "sys/kernel/random/poolsize"),
    ("interrupts", "details", "interrupts"),
    ("meminfo", "three-cpus", "meminfo"),
    ("pressure", "kernel", "pressure/io"),
    ("schedstat", "kernel", "schedstat"),
    ("slabinfo", "details", "slabinfo"),
    ("softirqs", "details", "softirqs"),
    ("stat", "three-cpus", "stat"),
    ("swap", "details", "swaps"),
    ("sysctl", "details", "sys/kernel/threads-max"),
    ("vmstat", "kernel", "vmstat"),
    ("zoneinfo", "details", "zoneinfo"),
];

const FIXTURE_FLAGS: &[(&str, &str)] = &[("collector.sysctl.include", "kernel.threads-max")];

/// A file that ends early shows no more than the whole, and its last line feed makes no difference.
#[test]
fn files_that_are_cut_at_a_line_show_no_more_than_the_whole() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (collector, tree, file) in FIXTURE_FILES {
        let content = std::fs::read(fixtures.join(tree).join("proc").join(file)).unwrap();
        let fixture = Fixture::with_flags("node-files", &[collector], FIXTURE_FLAGS);
        let cut = |bytes: usize| {
            fixture.scratch.write(&format!("proc/{file}"), &content[..bytes]);
            fixture.scrape(&[])
        };
        let whole = cut(content.len());
        let shows = whole.iter().any(|line| !line.starts_with("node_scrape"));
        assert_eq!(shows, *file != "cpuinfo", "{collector}");
        let ends = content.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        for (at, _) in ends {
            let lines = cut(at + 1);
            assert_eq!(cut(at), lines, "{collector} {at}");
            let is_known = |line: &String| line.starts_with("node_scrape") || whole.contains(line);
            assert!(lines.iter().all(is_known), "{collector} {at}: {lines:?}");
        }
    }
}

/// Whether a series may be zero though no file says so: those about collectors, and the times of
/// CPUs that not all kernels count.
fn is_zero_by_right(line: &str) -> bool {
    const NAMES: [&str; 2] = ["node_scrape", "node_cpu_guest_seconds_total"];
    NAMES.iter().any(|name| line.starts_with(name)) || line.contains("mode=steal")
}

proptest::proptest! {
    /// Garbage in the files of [`FIXTURE_FILES`] makes errors and not panics, nor zeros.
    #[test]
    fn no_content_of_other_files_panics(
        content in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
    ) {
        let content = content.concat();
        let mut collectors: Vec<&str> = FIXTURE_FILES.iter().map(|(name, ..)| *name).collect();
        collectors.extend(["hwmon", "ksmd", "os", "processes"]);
        let fixture = Fixture::with_flags("node-other-garbage", &collectors, FIXTURE_FLAGS);
        let files = FIXTURE_FILES.iter().map(|(.., file)| format!("proc/{file}"));
        let others = ["proc/7/stat", "sys/class/hwmon/hwmon0/temp1_input", "sys/kernel/mm/ksm/run"];
        for file in files.chain(others.map(str::to_owned)) {
            fixture.scratch.write(&file, content.as_bytes());
        }
        proptest::prop_assert_eq!(fixture.success().len(), collectors.len());
        if !content.contains('0') {
            for line in fixture.scrape(&[]) {
                let is_made_up = line.ends_with(" 0") && !is_zero_by_right(&line);
                proptest::prop_assert!(!is_made_up, "{} of {:?}", line, content);
            }
        }
    }

    /// Garbage makes errors and not panics, and never a series without a value in the file.
    #[test]
    fn no_content_of_files_panics(
        content in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
    ) {
        let content = content.concat();
        let bytes = content.as_bytes();
        let fixture = Fixture::new("node-garbage", &["cpu", "filefd", "loadavg", "meminfo", "stat"]);
        for file in ["loadavg", "meminfo", "stat", "sys/fs/file-nr"] {
            fixture.scratch.write(&format!("proc/{file}"), bytes);
        }
        for file in ["isolated", "cpu0/topology/core_id", "cpu0/topology/physical_package_id",
            "cpu0/thermal_throttle/core_throttle_count"]
        {
            fixture.scratch.write(&format!("sys/devices/system/cpu/{file}"), bytes);
        }
        proptest::prop_assert_eq!(fixture.success().len(), 5);
        if !content.contains('0') {
            for line in fixture.scrape(&[]) {
                let is_made_up = line.ends_with(" 0") && !is_zero_by_right(&line);
                proptest::prop_assert!(!is_made_up, "{} of {:?}", line, content);
            }
        }
    }

    /// The same for the files of the network.
    #[test]
    fn no_content_of_the_network_s_files_panics(
        content in proptest::collection::vec(proptest::sample::select(NETWORK_PIECES), 0..40),
    ) {
        let content = content.concat();
        const COLLECTORS: [&str; 10] = ["arp", "conntrack", "lnstat", "netclass", "netdev",
            "netstat", "sockstat", "softnet", "udp_queues", "xfrm"];
        let fixture = Fixture::new("node-network-garbage", &COLLECTORS);
        for file in ["net/arp", "net/dev", "net/netstat", "net/snmp", "net/snmp6", "net/sockstat",
            "net/softnet_stat", "net/stat/nf_conntrack", "net/udp", "net/udp6", "net/xfrm_stat",
            "sys/net/netfilter/nf_conntrack_count", "sys/net/netfilter/nf_conntrack_max"]
        {
            fixture.scratch.write(&format!("proc/{file}"), content.as_bytes());
        }
        for file in ["ifindex", "flags", "speed", "operstate", "address", "carrier_changes"] {
            fixture.scratch.write(&format!("sys/class/net/eth0/{file}"), content.as_bytes());
        }
        proptest::prop_assert_eq!(fixture.success().len(), COLLECTORS.len());
    }
}

/// What the files of the network are made of, and what they are not.
const NETWORK_PIECES: &[&str] = &[
    "head\n",
    "Tcp: InErrs Listen\n",
    "Tcp: 1 2\n",
    "TcpExt: ",
    "ListenDrops",
    "Ip6InOctets 7\n",
    "sockets: used 3\n",
    "UDP: inuse 1 mem",
    "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    "eth0:",
    "1 2 3 4 5 6 7 8 9 a b c d",
    "1 2 3 4 5 6 7 8 9 a b c d e f 10 11\n",
    "192.0.2.1 0x1 0x2 02:fc:00:00:00:05 * eth0\n",
    "0: a b 07 00000001:00000002 0\n",
    "XfrmInError",
    "ffffffffffffffff",
    "10000000000000000",
    "99999999999999999999",
    "0x1003",
    "0x",
    "-1",
    "up",
    ":",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\u{0}",
    "\u{fc}",
    "6",
];

/// What the files are made of, and what they are not.
const PIECES: &[&str] = &[
    "cpu",
    "1",
    "27",
    "18446744073709551616",
    "999999999999999999999999",
    "-",
    ".",
    ",",
    ":",
    "(",
    ")",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\n",
    "kB",
    "MB",
    "MemTotal:",
    "cpu1 3 4",
    "ctxt 5",
    "btime",
    "intr ",
    "0",
    "\u{0}",
    "ä",
    "NaN",
    "inf",
    "e9",
    "1 2 3\n",
];
