//! Collectors: samples of the node, under node_exporter's names.
//!
//! ```text
//! COLLECTORS  a row each: name, on by default or not, help, constructor
//! Node        runs those that are enabled and selected, and says how long each took and whether
//!             it worked
//! Workers     threads for what may keep a reader waiting; a row that is `slow` runs on them, and
//!             one that is `beside` runs on them where they come to it in time
//! Files       what collectors read: kept descriptors, one buffer, one read for all who share a file
//! Table       what collectors write: series that are there while their source has them
//! ```
//!
//! To add one: write `NAME.rs` with a type that implements `Collector`, and add its row. A
//! collector whose source is missing is *no data*, one whose source is malformed is an error; both
//! have success 0, and neither costs the rest of the scrape anything.

#![forbid(unsafe_code)]

mod absent;
pub mod application;
mod arp;
mod away;
mod bcache;
mod bcachefs;
mod bonding;
mod btrfs;
mod buddyinfo;
mod cgroups;
mod choice;
mod conntrack;
mod cpu;
mod cpu_list;
mod cpu_vulnerabilities;
mod cpufreq;
mod devices;
mod diskstats;
mod dmi;
mod dmmultipath;
mod drbd;
mod edac;
mod entropy;
mod error;
mod ethtool;
mod fibrechannel;
mod fields;
mod filefd;
mod filesystem;
mod flags;
mod fs;
mod hwmon;
mod infiniband;
mod interrupts;
mod ipvs;
mod json;
mod kernel_hung;
mod ksmd;
mod lines;
mod lnstat;
mod loadavg;
mod mdadm;
mod meminfo;
mod meminfo_numa;
mod mountstats;
mod netclass;
mod netdev;
mod netstat;
mod network_route;
mod nfs;
mod nfsd;
mod node;
mod number_files;
mod nvme;
mod ordinals;
mod os;
mod pcidevice;
mod perf;
mod places;
mod powersupplyclass;
mod pressure;
pub mod process;
mod process_table;
mod processes;
mod qdisc;
mod rapl;
mod remembered;
mod rpc;
mod rtnetlink;
mod schedstat;
mod selinux;
mod slabinfo;
mod sockstat;
mod softirqs;
mod softnet;
mod stat;
mod swap;
mod sysctl;
mod table;
mod tapestats;
mod tcpstat;
mod text;
mod textfile;
mod thermal_zone;
mod time;
mod timex;
mod udp_queues;
mod uname;
mod vmstat;
pub mod watch;
mod watchdog;
mod wifi;
mod workers;
mod xfrm;
mod xfs;
mod zfs;
mod zoneinfo;

pub use choice::{Choice, SelectError, UnknownCollector};
pub use error::CollectError;
pub(crate) use flags::parse_duration;
pub use flags::{Flag, FlagError, Flags, Takes};
pub use fs::Roots;
pub use node::{Node, Report, Reporter};
pub use process_table::Usage;

use crate::registry::{Group, RegisterError, Registry};
use fs::Files;
use std::time::{Duration, Instant};
use workers::Workers;

/// A collector that there is.
pub struct Row {
    /// The name in flags, queries and the `collector` label.
    pub name: &'static str,
    /// Whether it runs where no flag names it.
    pub on_by_default: bool,
    /// What it shows, as a phrase that can follow "Expose".
    pub help: &'static str,
    /// Its own flags.
    pub flags: &'static [Flag],
    place: Place,
    create: Create,
}

/// Which thread runs a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The one that scrapes.
    Here,
    /// A helper, or the one that scrapes when it has done the rest.
    Either,
    /// A helper.
    Away,
}

type Create = fn(&mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError>;

impl Row {
    const fn on(name: &'static str, help: &'static str, create: Create) -> Row {
        Row { name, on_by_default: true, help, flags: &[], place: Place::Here, create }
    }

    /// A row of a collector that runs only where a flag names it.
    const fn off(name: &'static str, help: &'static str, create: Create) -> Row {
        Row { on_by_default: false, ..Row::on(name, help, create) }
    }

    /// This row, with flags of its own.
    const fn with_flags(self, flags: &'static [Flag]) -> Row {
        Row { flags, ..self }
    }

    /// This row, of a collector whose sources may keep a reader waiting: drivers that ask their
    /// hardware, folders on networks.
    const fn slow(self) -> Row {
        Row { place: Place::Away, ..self }
    }

    /// This row, of a collector that takes some time and shares nothing with others, so that it can
    /// run beside them.
    const fn beside(self) -> Row {
        Row { place: Place::Either, ..self }
    }
}

/// The collectors, by name.
pub const COLLECTORS: &[Row] = &[
    Row::on("arp", "neighbours in the ARP table, by interface", arp::Arp::create)
        .with_flags(arp::FLAGS),
    Row::on("bcache", "caches of block devices", bcache::Bcache::create).with_flags(bcache::FLAGS),
    Row::on(
        "bcachefs",
        "what bcachefs counts, in all and of each device",
        bcachefs::Bcachefs::create,
    ),
    Row::on("bonding", "network interfaces that are made of several", bonding::Bonding::create),
    Row::on("btrfs", "room on Btrfs file systems, their commits and devices", btrfs::Btrfs::create)
        .slow(),
    Row::off("buddyinfo", "free blocks of memory by size", buddyinfo::BuddyInfo::create),
    Row::off("cgroups", "control groups by controller", cgroups::Cgroups::create),
    Row::on("conntrack", "connections that netfilter tracks", conntrack::ConnTrack::create),
    Row::on("cpu", "CPU time by CPU and mode, throttling and isolation", cpu::Cpu::create)
        .with_flags(cpu::FLAGS),
    Row::off(
        "cpu_vulnerabilities",
        "faults of the CPU and what is done about them",
        cpu_vulnerabilities::CpuVulnerabilities::create,
    ),
    Row::on("cpufreq", "frequencies of CPUs", cpufreq::CpuFreq::create).slow(),
    Row::on("diskstats", "reads, writes and properties of disks", diskstats::DiskStats::create)
        .beside()
        .with_flags(diskstats::FLAGS),
    Row::on("dmi", "names and versions of the machine, from its firmware", dmi::Dmi::create),
    Row::on("dmmultipath", "disks that several paths lead to", dmmultipath::DmMultipath::create),
    Row::off("drbd", "replication of block devices by DRBD", drbd::Drbd::create),
    Row::on("edac", "errors of memory", edac::Edac::create).slow(),
    Row::on("entropy", "the kernel's pool of randomness", entropy::Entropy::create),
    Row::off(
        "ethtool",
        "what drivers of network interfaces tell: links, versions, statistics",
        ethtool::EthTool::create,
    )
    .with_flags(ethtool::FLAGS)
    .slow(),
    Row::on("fibrechannel", "ports of Fibre Channel adapters", fibrechannel::FibreChannel::create)
        .slow(),
    Row::on("filefd", "open files of the whole host and their limit", filefd::FileFd::create),
    Row::on("filesystem", "room on mounted file systems", filesystem::FileSystem::create)
        .with_flags(filesystem::FLAGS),
    Row::on("hwmon", "sensors of chips: temperatures, fans, voltages", hwmon::HwMon::create)
        .with_flags(hwmon::FLAGS)
        .slow(),
    Row::on("infiniband", "ports of InfiniBand adapters", infiniband::InfiniBand::create).slow(),
    Row::off("interrupts", "interrupts by CPU and source", interrupts::Interrupts::create)
        .with_flags(interrupts::FLAGS),
    Row::on("ipvs", "connections that the load balancer of the kernel spreads", ipvs::Ipvs::create)
        .with_flags(ipvs::FLAGS),
    Row::on("kernel_hung", "tasks that the kernel found hung", kernel_hung::KernelHung::create),
    Row::off("ksmd", "merging of equal pages", ksmd::Ksmd::create),
    Row::off("lnstat", "counters of the network's caches, by CPU", lnstat::LnStat::create),
    Row::on("loadavg", "load averages", loadavg::LoadAvg::create),
    Row::on("mdadm", "arrays of disks", mdadm::MdAdm::create),
    Row::on("meminfo", "memory by use, from /proc/meminfo", meminfo::MemInfo::create),
    Row::off("meminfo_numa", "memory by node", meminfo_numa::MemInfoNuma::create),
    Row::off(
        "mountstats",
        "what clients of NFS count of each mount",
        mountstats::MountStats::create,
    ),
    Row::on("netclass", "properties of network interfaces", netclass::NetClass::create)
        .with_flags(netclass::FLAGS),
    Row::on("netdev", "traffic and errors of network interfaces", netdev::NetDev::create)
        .with_flags(netdev::FLAGS),
    Row::on("netstat", "counters of network protocols", netstat::NetStat::create)
        .beside()
        .with_flags(netstat::FLAGS),
    Row::off("network_route", "routes", network_route::NetworkRoute::create),
    Row::on("nfs", "calls of the client of NFS", nfs::create),
    Row::on("nfsd", "calls of the server of NFS", nfsd::create),
    Row::on("nvme", "NVMe controllers and their namespaces", nvme::Nvme::create).slow(),
    Row::on("os", "name and version of the distribution, from os-release", os::Os::create),
    Row::off("pcidevice", "devices on PCI buses", pcidevice::PciDevice::create)
        .with_flags(pcidevice::FLAGS)
        .slow(),
    Row::off("perf", "events that CPUs and the kernel count, by CPU", perf::Perf::create)
        .with_flags(perf::FLAGS),
    Row::on(
        "powersupplyclass",
        "batteries, chargers and their kin",
        powersupplyclass::PowerSupplyClass::create,
    )
    .with_flags(powersupplyclass::FLAGS)
    .slow(),
    Row::on(
        "pressure",
        "time lost waiting for CPU, memory and devices",
        pressure::Pressure::create,
    ),
    Row::off("processes", "processes and threads by state", processes::Processes::create),
    Row::off("qdisc", "queueing disciplines of network interfaces", qdisc::Qdisc::create)
        .with_flags(qdisc::FLAGS),
    Row::on("rapl", "energy that parts of the machine took", rapl::Rapl::create)
        .with_flags(rapl::FLAGS)
        .slow(),
    Row::on("schedstat", "running and waiting time by CPU", schedstat::SchedStat::create),
    Row::on("selinux", "modes and cache of SELinux", selinux::SeLinux::create),
    Row::off("slabinfo", "memory of the kernel's own objects", slabinfo::SlabInfo::create)
        .with_flags(slabinfo::FLAGS),
    Row::on("sockstat", "sockets by protocol", sockstat::SockStat::create),
    Row::off("softirqs", "soft interrupts by CPU and kind", softirqs::SoftIrqs::create),
    Row::on("softnet", "packets that each CPU processed", softnet::SoftNet::create),
    Row::on("stat", "boot time, forks, interrupts and context switches", stat::Stat::create)
        .with_flags(stat::FLAGS),
    Row::off("swap", "partitions and files that are swapped to", swap::Swap::create),
    Row::off("sysctl", "settings of the kernel that flags name", sysctl::Sysctl::create)
        .with_flags(sysctl::FLAGS),
    Row::on("tapestats", "tape drives", tapestats::TapeStats::create).with_flags(tapestats::FLAGS),
    Row::off("tcpstat", "TCP connections by state", tcpstat::TcpStat::create),
    Row::on("textfile", "metrics in files that others write", textfile::Textfile::create)
        .with_flags(textfile::FLAGS)
        .slow(),
    Row::on(
        "thermal_zone",
        "temperatures of thermal zones and states of cooling devices",
        thermal_zone::ThermalZone::create,
    )
    .slow(),
    Row::on("time", "system time, time zone and clock sources", time::Time::create),
    Row::on("timex", "how the clock is disciplined, from adjtimex(2)", timex::Timex::create),
    Row::on("udp_queues", "bytes in the queues of UDP sockets", udp_queues::UdpQueues::create),
    Row::on("uname", "names of the kernel and the host, from uname(2)", uname::Uname::create),
    Row::on("vmstat", "what the virtual memory did, from /proc/vmstat", vmstat::VmStat::create)
        .beside()
        .with_flags(vmstat::FLAGS),
    Row::on("watchdog", "watchdog timers", watchdog::Watchdog::create).slow(),
    Row::off("wifi", "wireless interfaces and their stations", wifi::Wifi::create)
        .with_flags(wifi::FLAGS),
    Row::off("xfrm", "packets that IPsec dropped, by cause", xfrm::Xfrm::create),
    Row::on("xfs", "what XFS did on each file system", xfs::Xfs::create),
    Row::on("zfs", "what ZFS counts, in all and of pools and datasets", zfs::Zfs::create),
    Row::off("zoneinfo", "memory by zone", zoneinfo::ZoneInfo::create),
];

const _: () = assert!(COLLECTORS.len() < Group::LIMIT as usize, "each collector has a group");

/// The group of the families of the collector in row `index`.
fn group(index: usize) -> Group {
    let number = u8::try_from(index + 1).ok();
    number.and_then(Group::new).expect("a row of COLLECTORS has a group")
}

/// Where collectors look, and what their flags say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where the host's file systems are.
    pub roots: Roots,
    /// The values of the collectors' own flags.
    pub flags: Flags,
}

/// What a collector is made from.
struct Setup<'s> {
    /// A view that registers into the collector's group.
    registry: Registry,
    roots: &'s Roots,
    flags: &'s Flags,
    /// Which other collectors there are.
    choice: &'s Choice,
    files: &'s mut Files,
}

/// A source of samples.
trait Collector: Send {
    /// Brings the collector's series up to date. What is not known is left without a series; so
    /// tables are swept from before the first source is read, which may be gone.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError>;

    /// Lets `workers` begin what may keep a reader waiting, and says whether that is to be waited
    /// for before [`Collector::collect`]. Most collectors leave nothing to others.
    fn begin(&mut self, files: &mut Files, workers: &Workers) -> Result<Begun, CollectError> {
        let _ = (files, workers);
        Ok(Begun::Nothing)
    }

    /// Up to when what was begun is worth waiting for; `None` when it is done.
    fn waits_until(&self, now: Instant) -> Option<Instant> {
        let _ = now;
        None
    }

    /// How long others worked for it.
    fn took_elsewhere(&self) -> Duration {
        Duration::ZERO
    }
}

/// What a collector has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// Nothing that is to be waited for.
    Nothing,
    /// Work on other threads.
    Elsewhere,
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod tests;
