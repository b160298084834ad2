//! promlet itself: the seven `process_*` families that exporters have by convention. Sources:
//! proc_pid_stat(5) of this process in the real /proc, whatever the roots, and getrlimit(2).

use super::fs::{KeptFile, Records, read_once};
use super::process_table::parse::{ProcessStat, parse_stat};
use super::stat::parse_boot_time;
use super::table::{Metric, Table};
use crate::registry::{Collect, RegisterError, Registry, Scrape};
use crate::sys::constants::{clock_ticks_per_second, page_size_bytes};
use crate::sys::directory::for_each_name;
use crate::sys::limits;
use std::fs::File;
use std::io;
use std::path::Path;

const METRICS: [Metric; 7] = [
    Metric::counter(
        "process_cpu_seconds_total",
        "CPU time that this process spent in user and system mode.",
    ),
    Metric::gauge("process_max_fds", "Descriptors that this process may have open."),
    Metric::gauge("process_open_fds", "Descriptors that this process has open."),
    Metric::gauge("process_resident_memory_bytes", "Memory of this process that is resident."),
    Metric::gauge(
        "process_start_time_seconds",
        "When this process was started, in seconds since 1970.",
    ),
    Metric::gauge("process_virtual_memory_bytes", "Address space that this process uses."),
    Metric::gauge("process_virtual_memory_max_bytes", "Address space that this process may use."),
];

/// Registers the families of this process, which belong to every scrape of `registry`'s group.
///
/// # Errors
/// [`RegisterError`] when one of the names is taken.
pub fn register(registry: &Registry) -> Result<(), RegisterError> {
    registry.register_collector(Process {
        table: Table::register(registry, &[], &METRICS)?,
        stat: KeptFile::new("/proc/self/stat"),
        buffer: Vec::new(),
        descriptors: None,
        boot_seconds: read_boot_seconds(Path::new("/proc")),
        ticks_per_second: clock_ticks_per_second() as f64,
        page_bytes: page_size_bytes() as f64,
    });
    Ok(())
}

struct Process {
    table: Table,
    stat: KeptFile,
    buffer: Vec<u8>,
    /// The folder of the descriptors that are open, this one among them.
    descriptors: Option<File>,
    /// When the host booted, in seconds since 1970.
    boot_seconds: Option<f64>,
    ticks_per_second: f64,
    page_bytes: f64,
}

impl Collect for Process {
    fn collect(&mut self, _scrape: &Scrape) {
        // Without a /proc, as in some sandboxes, what it would tell is absent; the limits are not.
        let stat = self.stat.read(&mut self.buffer).and_then(parse_stat).ok();
        let of_stat =
            |value: fn(&ProcessStat<'_>) -> u64| stat.as_ref().map(|stat| value(stat) as f64);
        let start = of_stat(|stat| stat.start_ticks).zip(self.boot_seconds);
        self.table.set(&[
            of_stat(|stat| stat.own.user_ticks.saturating_add(stat.own.system_ticks))
                .map(|ticks| ticks / self.ticks_per_second),
            limits::open_files_max().ok().map(|count| count as f64),
            count_open_files(&mut self.descriptors).ok().map(|count| count as f64),
            of_stat(|stat| stat.resident_pages).map(|pages| pages * self.page_bytes),
            start.map(|(ticks, boot)| boot + ticks / self.ticks_per_second),
            of_stat(|stat| stat.virtual_bytes),
            limits::address_space_bytes_max().ok().map(|bytes| bytes as f64),
        ]);
    }
}

/// When the host booted, in seconds since 1970.
pub(super) fn read_boot_seconds(proc: &Path) -> Option<f64> {
    let mut buffer = Vec::new();
    let content = read_once(&proc.join("stat"), Records::One, &mut buffer).ok()?;
    parse_boot_time(content).ok()?
}

/// The descriptors that this process has open. Their folder is opened by the first call.
fn count_open_files(folder: &mut Option<File>) -> io::Result<u64> {
    let folder = match folder {
        Some(folder) => folder,
        none => none.insert(File::open("/proc/self/fd")?),
    };
    // Since Linux 6.2 the size of the folder is their number; before, it is zero.
    match folder.metadata()?.len() {
        0 => list_open_files(folder),
        count => Ok(count),
    }
}

#[cold]
fn list_open_files(folder: &File) -> io::Result<u64> {
    let mut count: u64 = 0;
    for_each_name(folder, |name| {
        count += u64::from(name.iter().all(u8::is_ascii_digit));
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Selection;

    #[test]
    fn shows_the_seven_families_of_this_process() {
        let registry = Registry::new();
        register(&registry).unwrap();
        registry.collect(&Scrape::new(Selection::NONE));
        let samples = samples(&registry);
        let value = |name: &str| -> f64 {
            let line = samples.iter().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start().parse().unwrap()
        };
        assert_eq!(samples.len(), METRICS.len());
        assert!(value("process_resident_memory_bytes") < value("process_virtual_memory_bytes"));
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_open_fds") <= value("process_max_fds"));
        let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let age = age.as_secs_f64() - value("process_start_time_seconds");
        assert!((-2.0..24.0 * 3600.0).contains(&age), "{age}");
    }

    #[test]
    fn a_listing_and_the_size_of_the_folder_agree() {
        let mut kept = None;
        // Other tests of this process open and close files meanwhile.
        let agree = |_| {
            let count = count_open_files(&mut kept).unwrap();
            list_open_files(kept.as_ref().unwrap()).unwrap() == count
        };
        assert!((0..10_000).any(agree));
    }
}
