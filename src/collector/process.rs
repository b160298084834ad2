//! promlet itself: the seven `process_*` families that exporters have by convention. Sources:
//! proc_pid_stat(5) of this process in the real /proc, whatever the roots, and getrlimit(2).

use super::error::CollectError;
use super::fs::{KeptFile, Records, read_once};
use super::lines::{Line, Lines};
use super::stat::parse_boot_time;
use super::table::{Metric, Table};
use crate::registry::{Collect, RegisterError, Registry, Scrape};
use crate::sys::constants::{clock_ticks_per_second, page_size_bytes};
use crate::sys::directory::Listing;
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
        boot_seconds: read_boot_seconds(),
        ticks_per_second: clock_ticks_per_second() as f64,
        page_bytes: page_size_bytes() as f64,
    });
    Ok(())
}

struct Process {
    table: Table,
    stat: KeptFile,
    buffer: Vec<u8>,
    /// When the host booted, in seconds since 1970.
    boot_seconds: Option<f64>,
    ticks_per_second: f64,
    page_bytes: f64,
}

impl Collect for Process {
    fn collect(&mut self, _scrape: &Scrape) {
        // Without a /proc, as in some sandboxes, what it would tell is absent; the limits are not.
        let stat = self.stat.read(&mut self.buffer).and_then(parse_process).ok();
        let of_stat = |value: fn(&ProcessStat) -> u64| stat.as_ref().map(|stat| value(stat) as f64);
        let start = of_stat(|stat| stat.start_ticks).zip(self.boot_seconds);
        self.table.set(&[
            of_stat(|stat| stat.cpu_ticks).map(|ticks| ticks / self.ticks_per_second),
            limits::open_files_max().ok().map(|count| count as f64),
            count_open_files().ok().map(|count| count as f64),
            of_stat(|stat| stat.resident_pages).map(|pages| pages * self.page_bytes),
            start.map(|(ticks, boot)| boot + ticks / self.ticks_per_second),
            of_stat(|stat| stat.virtual_bytes),
            limits::address_space_bytes_max().ok().map(|bytes| bytes as f64),
        ]);
    }
}

fn read_boot_seconds() -> Option<f64> {
    let mut buffer = Vec::new();
    let content = read_once(Path::new("/proc/stat"), Records::One, &mut buffer).ok()?;
    parse_boot_time(content).ok()?
}

/// The descriptors that this process has open.
fn count_open_files() -> io::Result<u64> {
    const FOLDER: &str = "/proc/self/fd";
    // Since Linux 6.2 the size of the folder is their number; before, it is zero.
    match std::fs::metadata(FOLDER)?.len() {
        0 => list_open_files(FOLDER),
        count => Ok(count),
    }
}

#[cold]
fn list_open_files(folder: &str) -> io::Result<u64> {
    let mut count: u64 = 0;
    let folder = File::open(folder)?;
    Listing::default().for_each_name(&folder, |name| {
        count += u64::from(name.iter().all(u8::is_ascii_digit));
    })?;
    // The descriptor of the listing itself is about to be closed.
    Ok(count.saturating_sub(1))
}

/// What collectors use of a process' stat file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessStat {
    pub(super) parent: u32,
    pub(super) cpu_ticks: u64,
    pub(super) threads: u64,
    /// Since the host booted.
    pub(super) start_ticks: u64,
    pub(super) virtual_bytes: u64,
    pub(super) resident_pages: u64,
}

/// Reads the stat file of a process. Its second field, the name in brackets, can contain anything,
/// so the fields are counted from its last closing bracket.
pub(super) fn parse_process(content: &[u8]) -> Result<ProcessStat, CollectError> {
    // The name can contain line ends too, so lines are counted from behind it.
    let end = content.iter().rposition(|byte| *byte == b')').map(|at| at + 1);
    let end = end.ok_or_else(|| {
        CollectError::malformed("stat", 1, "a name in brackets", Some(b"end of file"))
    })?;
    let mut lines = Lines::new("stat", &content[end..])?;
    let mut line = lines.next().ok_or_else(|| lines.missing("the fields of a process"))?;
    line.word().ok_or_else(|| line.malformed("a state", None))?;
    let parent = line.number("a parent")?;
    skip(&mut line, 9)?;
    let (user, system): (u64, u64) = (line.number("ticks")?, line.number("ticks")?);
    skip(&mut line, 4)?;
    let threads = line.number("a number of threads")?;
    skip(&mut line, 1)?;
    Ok(ProcessStat {
        parent,
        cpu_ticks: user.saturating_add(system),
        threads,
        start_ticks: line.number("ticks")?,
        virtual_bytes: line.number("bytes")?,
        resident_pages: line.number("pages")?,
    })
}

fn skip(line: &mut Line<'_>, fields: usize) -> Result<(), CollectError> {
    (0..fields).try_for_each(|_| {
        line.word().map(|_| ()).ok_or_else(|| line.malformed("another field", None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Selection;

    const STAT: &str =
        "1 (a) b)\n(c) S 7 1 1 0 -1 4194560 1 2 3 4 50 25 6 7 20 0 3 0 1234 4096 9 1\n";

    #[test]
    fn reads_behind_a_name_that_imitates_the_fields() {
        let expected = ProcessStat {
            parent: 7,
            cpu_ticks: 75,
            threads: 3,
            start_ticks: 1234,
            virtual_bytes: 4096,
            resident_pages: 9,
        };
        assert_eq!(parse_process(STAT.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_cut_file_is_an_error_wherever_it_is_cut() {
        for length in 0..STAT.len() {
            let error = parse_process(&STAT.as_bytes()[..length]).unwrap_err().to_string();
            assert!(error.starts_with("stat:"), "{length}: {error}");
        }
    }

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
        let folder = std::fs::metadata("/proc/self/fd").unwrap();
        // Other tests of this process open and close files meanwhile.
        let agree = || list_open_files("/proc/self/fd").unwrap() == count_open_files().unwrap();
        assert!(folder.len() == 0 || (0..10_000).any(|_| agree()));
    }
}
