//! How does the cost of a scrape grow with CPUs, network interfaces and disks?
//!
//! On roots that are made for it, of ordinary files: a read of one costs about what a read of the
//! kernel's does. Ten times the devices should take no more than ten times as long, at the first
//! scrape and at the others, and 256 CPUs with 1,000 interfaces less than 40 ms.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use promlet::collector::{Choice, Node, Report, Roots, Settings};
use promlet::registry::Selection;
use promlet::sys::limits::raise_open_files;
use promlet::{Registry, Scrape};
use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The collectors whose cost grows with devices.
const COLLECTORS: [&str; 4] = ["cpu", "diskstats", "netclass", "netdev"];

/// Files of /sys/class/net/NAME as the kernel writes them for a link that is up.
const LINK: [(&str, &str); 22] = [
    ("addr_assign_type", "0"),
    ("addr_len", "6"),
    ("address", "02:00:00:00:00:01"),
    ("broadcast", "ff:ff:ff:ff:ff:ff"),
    ("carrier", "1"),
    ("carrier_changes", "2"),
    ("carrier_down_count", "1"),
    ("carrier_up_count", "1"),
    ("dev_id", "0x0"),
    ("dormant", "0"),
    ("duplex", "full"),
    ("flags", "0x1003"),
    ("ifalias", ""),
    ("ifindex", "7"),
    ("iflink", "7"),
    ("link_mode", "0"),
    ("mtu", "1500"),
    ("name_assign_type", "4"),
    ("operstate", "up"),
    ("speed", "10000"),
    ("tx_queue_len", "1000"),
    ("type", "1"),
];

/// How old the folders are made: files of one that was changed just now are opened anew, since
/// they may be others the next time.
const FOLDER_AGE: Duration = Duration::from_secs(60);

/// A folder with a procfs and a sysfs of so many devices, which goes with this value.
struct Host {
    folder: PathBuf,
}

impl Host {
    fn new(cpus: usize, links: usize, disks: usize) -> Host {
        let name = format!("promlet-roots-{}-{cpus}-{links}-{disks}", std::process::id());
        let host = Host { folder: std::env::temp_dir().join(name) };
        host.write("proc/stat", &stat(cpus));
        for cpu in 0..cpus {
            let folder = format!("sys/devices/system/cpu/cpu{cpu}");
            host.write(&format!("{folder}/topology/core_id"), &format!("{}\n", cpu / 2));
            host.write(&format!("{folder}/topology/physical_package_id"), "0\n");
            host.write(&format!("{folder}/thermal_throttle/core_throttle_count"), "0\n");
            host.write(&format!("{folder}/thermal_throttle/package_throttle_count"), "0\n");
            host.make_old(&format!("{folder}/topology"));
            host.make_old(&format!("{folder}/thermal_throttle"));
        }
        host.write("proc/net/dev", &net_dev(links));
        for link in 0..links {
            let folder = format!("sys/class/net/eth{link}");
            for (file, value) in LINK {
                host.write(&format!("{folder}/{file}"), &format!("{value}\n"));
            }
            host.make_old(&folder);
        }
        host.write("proc/diskstats", &diskstats(disks));
        for disk in 0..disks {
            let folder = format!("sys/block/sd{disk}/queue");
            host.write(&format!("{folder}/rotational"), "0\n");
            host.make_old(&folder);
        }
        host
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, content).expect("a file of the bench");
    }

    fn make_old(&self, name: &str) {
        let folder = fs::File::open(self.path(name)).expect("the folder was made");
        folder.set_modified(SystemTime::now() - FOLDER_AGE).expect("it is ours");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn stat(cpus: usize) -> String {
    let mut text = "cpu  1 2 3 4 5 6 7 8 9 0\n".to_owned();
    for cpu in 0..cpus {
        let ticks = 10_000 + 7 * cpu;
        writeln!(text, "cpu{cpu} {ticks} 20 {ticks} 987654 321 0 54 0 0 0").expect("text grows");
    }
    text + "intr 5\nctxt 7\nbtime 1700000000\nprocesses 9\nprocs_running 1\nprocs_blocked 0\n"
}

fn net_dev(links: usize) -> String {
    let mut text = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|\
bytes    packets errs drop fifo colls carrier compressed
"
    .to_owned();
    for link in 0..links {
        let bytes = 1_234_567 + 89 * link;
        writeln!(text, "eth{link}: {bytes} 4321 0 0 0 0 0 0 {bytes} 4321 0 0 0 0 0 0")
            .expect("text grows");
    }
    text
}

fn diskstats(disks: usize) -> String {
    let mut text = String::new();
    for disk in 0..disks {
        let sectors = 123_456 + 8 * disk;
        writeln!(
            text,
            "{:4} {:7} sd{disk} 900 10 {sectors} 700 500 20 {sectors} 600 0 650 1300 0 0 0 0 5 3",
            8,
            16 * disk
        )
        .expect("text grows");
    }
    text
}

fn registry(host: &Host) -> Registry {
    let registry = Registry::new();
    let roots = Roots {
        proc: host.path("proc"),
        sys: host.path("sys"),
        rootfs: host.path(""),
        udev: host.path("udev"),
    };
    let settings = Settings { roots, ..Settings::default() };
    let report = |report: Report<'_>| {
        black_box(report);
    };
    let choice = Choice::only(COLLECTORS).expect("they are in the table");
    Node::register(&registry, &settings, &choice, Box::new(report)).expect("names are free");
    registry
}

/// How many of each: one of them grows at a time, then all do.
const HOSTS: [(usize, usize, usize); 9] = [
    (8, 10, 10),
    (64, 10, 10),
    (256, 10, 10),
    (8, 100, 10),
    (8, 1000, 10),
    (8, 10, 100),
    (8, 10, 1000),
    (256, 1000, 10),
    (256, 1000, 1000),
];

fn collect(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("roots");
    group.sample_size(20);
    for (cpus, links, disks) in HOSTS {
        let host = Host::new(cpus, links, disks);
        let scrape = |registry: &Registry| registry.collect(&Scrape::new(Selection::ALL));
        let name = format!("{cpus} CPUs, {links} links, {disks} disks");
        group.throughput(Throughput::Elements((cpus + links + disks) as u64));
        group.bench_function(BenchmarkId::new("first", &name), |bencher| {
            bencher.iter_batched_ref(|| registry(&host), |new| scrape(new), BatchSize::PerIteration)
        });
        let known = registry(&host);
        scrape(&known);
        group.bench_function(BenchmarkId::new("steady", &name), |bencher| {
            bencher.iter(|| scrape(&known));
        });
    }
    group.finish();
}

fn main() {
    // Each file that is kept open has a descriptor.
    raise_open_files().expect("a soft limit may be raised to the hard one");
    let mut criterion = Criterion::default().configure_from_args();
    collect(&mut criterion);
    criterion.final_summary();
}
