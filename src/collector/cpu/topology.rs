//! What sysfs tells of CPUs: how often they were throttled, which are isolated, and which are
//! online. Source: Documentation/ABI/testing/sysfs-devices-system-cpu.
//!
//! The CPUs of a core and the cores of a package share their counters, so one file of each is kept.
//! Which files these are is found out again when CPUs come or go.
//!
//! Which CPUs are online is shown where the first one can be taken offline, as in node_exporter: of
//! x86 that is not so.

use super::super::cpu_list::parse_cpu_list;
use super::super::error::CollectError;
use super::super::fs::{Files, KeptFile};
use super::super::lines::{Lines, parse_number};
use super::super::table::{Metric, Table};
use super::Setup;
use crate::registry::RegisterError;
use std::path::{Path, PathBuf};

const CORE: [Metric; 1] =
    [Metric::counter("node_cpu_core_throttles_total", "Times that a core was throttled by heat.")];
const PACKAGE: [Metric; 1] = [Metric::counter(
    "node_cpu_package_throttles_total",
    "Times that a whole package was throttled by heat.",
)];
const ISOLATED: [Metric; 1] = [Metric::gauge(
    "node_cpu_isolated",
    "CPUs that the scheduler leaves alone; 1 for each of them.",
)];

const ONLINE: [Metric; 1] =
    [Metric::gauge("node_cpu_online", "Whether a CPU is online and gets tasks to run.")];

pub(super) struct Topology {
    folder: PathBuf,
    cores: Throttles,
    packages: Throttles,
    isolated: Table,
    online: Table,
    /// A number and a file each. Empty where the first CPU cannot be taken offline.
    switches: Vec<(String, KeptFile)>,
    /// The state of the CPUs that the files were found in.
    found_at: Option<u64>,
}

/// The counters of all cores, or of all packages.
struct Throttles {
    table: Table,
    counters: Vec<Counter>,
}

struct Counter {
    labels: Vec<String>,
    file: KeptFile,
}

impl Topology {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Topology, RegisterError> {
        let registry = &setup.registry;
        let throttles = |labels: &[&'static str], metrics: &[Metric]| {
            let table = Table::register(registry, labels, metrics)?;
            Ok(Throttles { table, counters: Vec::new() })
        };
        Ok(Topology {
            folder: setup.roots.sys.join("devices/system/cpu"),
            cores: throttles(&["core", "package"], &CORE)?,
            packages: throttles(&["package"], &PACKAGE)?,
            isolated: Table::register(registry, &["cpu"], &ISOLATED)?,
            online: Table::register(registry, &["cpu"], &ONLINE)?,
            switches: Vec::new(),
            found_at: None,
        })
    }

    /// `cpus` changes when CPUs come or go.
    pub(super) fn collect(&mut self, files: &mut Files, cpus: u64) -> Result<(), CollectError> {
        if self.found_at != Some(cpus) {
            self.find(files);
            self.set_isolated(files)?;
            self.found_at = Some(cpus);
        }
        if !self.read_throttles(files)? {
            self.find(files);
            self.read_throttles(files)?;
        }
        self.read_switches(files);
        Ok(())
    }

    /// A CPU that does not tell counts as offline, as in node_exporter.
    fn read_switches(&mut self, files: &mut Files) {
        let mut sweep = self.online.sweep();
        let first = self.switches.first_mut();
        if first.is_none_or(|(_, file)| files.read(file).is_err_and(|error| error.is_no_data())) {
            return;
        }
        for (number, file) in &mut self.switches {
            let is_online = files.read(file).is_ok_and(|content| content.trim_ascii() == b"1");
            sweep.row(&[&*number]).set(0, Some(if is_online { 1.0 } else { 0.0 }));
        }
    }

    /// Says whether all files are still there.
    fn read_throttles(&mut self, files: &mut Files) -> Result<bool, CollectError> {
        let cores_are_there = self.cores.collect(files)?;
        Ok(self.packages.collect(files)? && cores_are_there)
    }

    /// Finds the files that count for each core and package.
    fn find(&mut self, files: &mut Files) {
        self.cores.counters.clear();
        self.packages.counters.clear();
        let cpus = list_cpus(&self.folder);
        self.find_switches(&cpus);
        for number in cpus {
            let cpu = self.folder.join(format!("cpu{number}"));
            let id = |name, files: &mut Files| read_id(cpu.join("topology").join(name), files);
            let Some(package) = id("physical_package_id", files) else { continue };
            let Some(core) = id("core_id", files) else { continue };
            let folder = cpu.join("thermal_throttle");
            let labels = vec![core.to_string(), package.to_string()];
            self.cores.add(labels, folder.join("core_throttle_count"), files);
            let labels = vec![package.to_string()];
            self.packages.add(labels, folder.join("package_throttle_count"), files);
        }
    }

    fn find_switches(&mut self, cpus: &[u32]) {
        let path = |cpu: &u32| self.folder.join(format!("cpu{cpu}/online"));
        let switch = |cpu: &u32| (cpu.to_string(), KeptFile::new(path(cpu)));
        let can_switch = cpus.first().is_some_and(|first| path(first).exists());
        self.switches = cpus.iter().filter(|_| can_switch).map(switch).collect();
    }

    fn set_isolated(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.isolated.sweep();
        let mut file = KeptFile::new(self.folder.join("isolated"));
        let content = match files.read(&mut file) {
            Err(error) if error.is_no_data() => return Ok(()),
            content => content?,
        };
        let mut cpus = Vec::new();
        parse_cpu_list("isolated", content, &mut cpus)?;
        for cpu in cpus {
            sweep.row(&[&cpu.to_string()]).set(0, Some(1.0));
        }
        Ok(())
    }
}

impl Throttles {
    /// Adds a counter that can be read, unless another CPU of the core or package gave it.
    fn add(&mut self, labels: Vec<String>, path: PathBuf, files: &mut Files) {
        if self.counters.iter().any(|known| known.labels == labels) {
            return;
        }
        let mut file = KeptFile::new(path);
        if files.read(&mut file).is_ok() {
            self.counters.push(Counter { labels, file });
        }
    }

    /// Reads the counters, and says whether all of them are still there.
    fn collect(&mut self, files: &mut Files) -> Result<bool, CollectError> {
        let mut sweep = self.table.sweep();
        let mut are_there = true;
        for Counter { labels, file } in &mut self.counters {
            let Ok(content) = files.read(file) else {
                are_there = false;
                continue;
            };
            let mut lines = Lines::new("thermal_throttle", content);
            let mut line = lines.next().ok_or_else(|| lines.missing("a count"))?;
            let count: u64 = line.number("a count")?;
            sweep.row(labels).set(0, Some(count as f64));
        }
        Ok(are_there)
    }
}

/// The numbers of the CPUs in sysfs, ascending. None where sysfs does not tell.
fn list_cpus(folder: &Path) -> Vec<u32> {
    // What cannot be listed has no counters, which is what node_exporter shows of it.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("cpu").and_then(|n| parse_number(n.as_bytes()));
    let mut cpus: Vec<u32> =
        entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    cpus.sort_unstable();
    cpus
}

/// A number in a file of one line. `None` where it is not there, as for CPUs that are offline, and
/// where it is negative: not known.
fn read_id(path: PathBuf, files: &mut Files) -> Option<u64> {
    // A CPU that is being unplugged fails in many ways; it is left out, as in node_exporter.
    let content = files.read(&mut KeptFile::new(path)).ok()?;
    parse_number(content.trim_ascii_end())
}
