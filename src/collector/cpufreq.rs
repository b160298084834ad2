//! `cpufreq`: frequencies of CPUs. Source: sysfs' `devices/system/cpu/cpu*/cpufreq`
//! (Documentation/admin-guide/pm/cpufreq.rst of the kernel), in kHz.
//!
//! Only root may read some of the files; what cannot be read has no series.

use super::cpu;
use super::cpu_list::parse_cpu_list;
use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::PathBuf;

const HERTZ_PER_KILOHERTZ: f64 = 1000.0;

/// In a table of its own: [`cpu`] has a family of this name, with labels of its own, where it shows
/// what /proc/cpuinfo says.
const FREQUENCY: [Metric; 1] =
    [Metric::gauge("node_cpu_frequency_hertz", "Frequency that the hardware runs a CPU at.")];

/// Each shows the file in the same place of [`FILES`], but for the first file.
const LIMITS: [Metric; 5] = [
    Metric::gauge("node_cpu_frequency_min_hertz", "Lowest frequency that a CPU can run at."),
    Metric::gauge("node_cpu_frequency_max_hertz", "Highest frequency that a CPU can run at."),
    Metric::gauge("node_cpu_scaling_frequency_hertz", "Frequency that a CPU was set to."),
    Metric::gauge(
        "node_cpu_scaling_frequency_min_hertz",
        "Lowest frequency that a CPU may be set to.",
    ),
    Metric::gauge(
        "node_cpu_scaling_frequency_max_hertz",
        "Highest frequency that a CPU may be set to.",
    ),
];

const FILES: [&str; 8] = [
    "cpuinfo_cur_freq",
    "cpuinfo_min_freq",
    "cpuinfo_max_freq",
    "scaling_cur_freq",
    "scaling_min_freq",
    "scaling_max_freq",
    "scaling_governor",
    "scaling_available_governors",
];
const GOVERNOR: usize = 6;
const AVAILABLE: usize = 7;

const GOVERNORS: [Metric; 1] = [Metric::gauge(
    "node_cpu_scaling_governor",
    "Whether a governor is the one that sets a CPU's frequency.",
)];

pub(super) struct CpuFreq {
    cpus: Devices<Cpu>,
    offline_file: KeptFile,
    offline: Vec<u32>,
    /// `None` where the family is the collector `cpu`'s.
    frequency: Option<Table>,
    limits: Table,
    governors: Table,
    governor: String,
    /// Is there once a driver was loaded.
    first: PathBuf,
}

struct Cpu {
    number: Option<u32>,
    files: Attributes<{ FILES.len() }>,
}

impl CpuFreq {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        let folder = setup.roots.sys.join("devices/system/cpu");
        let frequency = if cpu::shows_info(setup.flags) {
            None
        } else {
            Some(Table::register(registry, &["cpu"], &FREQUENCY)?)
        };
        Ok(Box::new(CpuFreq {
            first: folder.join("cpu0/cpufreq"),
            offline_file: KeptFile::new(folder.join("offline")),
            offline: Vec::new(),
            cpus: Devices::new(folder),
            frequency,
            limits: Table::register(registry, &["cpu"], &LIMITS)?,
            governors: Table::register(registry, &["cpu", "governor"], &GOVERNORS)?,
            governor: String::new(),
        }))
    }

    /// Finds the CPUs that have frequencies, and which of them are offline.
    fn find(&mut self, files: &mut Files) -> Result<(), CollectError> {
        if self.cpus.is_empty() && self.first.exists() {
            self.cpus = Devices::new(self.cpus.folder());
        }
        self.cpus.refresh(|name, folder| {
            let number = name.strip_prefix("cpu")?;
            let folder = folder.join("cpufreq");
            let is_cpu = number.starts_with(|letter: char| letter.is_ascii_digit());
            (is_cpu && folder.is_dir()).then(|| Cpu {
                number: number.parse().ok(),
                files: Attributes::new(&folder, FILES),
            })
        })?;
        match files.read(&mut self.offline_file) {
            Err(error) if error.is_no_data() => self.offline.clear(),
            content => parse_cpu_list("offline", content?, &mut self.offline)?,
        }
        Ok(())
    }
}

impl Collector for CpuFreq {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let outcome = self.find(files);
        let mut frequency = self.frequency.as_mut().map(Table::sweep);
        let (mut limits, mut governors) = (self.limits.sweep(), self.governors.sweep());
        outcome?;
        for (name, Cpu { number, files: cpu }) in self.cpus.iter_mut() {
            if number.is_some_and(|number| self.offline.contains(&number)) {
                continue;
            }
            let label = &name["cpu".len()..];
            cpu.begin_scrape();
            let mut hertz = |index| Some(cpu.number(index, files)? * HERTZ_PER_KILOHERTZ);
            if let Some(frequency) = &mut frequency {
                frequency.row(&[label]).set(0, hertz(0));
            }
            let values: [_; LIMITS.len()] = std::array::from_fn(|index| hertz(index + 1));
            limits.row(&[label]).set_all(&values);
            cpu.copy_text(GOVERNOR, files, &mut self.governor);
            if self.governor.is_empty() {
                continue;
            }
            // A driver that lists none has one without a name, as in node_exporter.
            let available = cpu.text(AVAILABLE, files);
            for governor in available.into_iter().flat_map(|text| text.split(' ')) {
                let is_current = if governor == self.governor { 1.0 } else { 0.0 };
                governors.row(&[label, governor]).set(0, Some(is_current));
            }
        }
        Ok(())
    }
}
