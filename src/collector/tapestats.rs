//! `tapestats`: tape drives. Source: sysfs' `class/scsi_tape/st*/stats` (Documentation/scsi/st.rst).

use super::devices::Devices;
use super::error::CollectError;
use super::flags::Flag;
use super::fs::Files;
use super::lines::parse_number;
use super::number_files::{NumberFile, NumberFiles};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::regex::Regex;
use crate::registry::RegisterError;

const IGNORED: &str = "collector.tapestats.ignored-devices";
pub(super) const FLAGS: &[Flag] =
    &[Flag::pattern(IGNORED, "^$", "Tape drives that are not shown.")];

const SECONDS_PER_NANOSECOND: f64 = 1e-9;

const NUMBERS: [NumberFile; 10] = [
    NumberFile::new(
        "in_flight",
        Metric::gauge("node_tape_io_now", "Requests that the drive works on."),
    ),
    seconds("io_ns", "node_tape_io_time_seconds_total", "Time that all requests took."),
    counter("other_cnt", "node_tape_io_others_total", "Requests but for reads and writes."),
    counter("read_byte_cnt", "node_tape_read_bytes_total", "Bytes that were read."),
    counter("read_cnt", "node_tape_reads_completed_total", "Reads that are done."),
    seconds("read_ns", "node_tape_read_time_seconds_total", "Time that reads took."),
    counter("resid_cnt", "node_tape_residual_total", "Requests of which something was left over."),
    counter("write_byte_cnt", "node_tape_written_bytes_total", "Bytes that were written."),
    counter("write_cnt", "node_tape_writes_completed_total", "Writes that are done."),
    seconds("write_ns", "node_tape_write_time_seconds_total", "Time that writes took."),
];

const fn counter(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    NumberFile::new(file, Metric::counter(name, help))
}

const fn seconds(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    counter(file, name, help)
        .parsed(|content| Some(parse_number::<f64>(content)? * SECONDS_PER_NANOSECOND))
}

pub(super) struct TapeStats {
    ignored: Option<Regex>,
    drives: Devices<NumberFiles<{ NUMBERS.len() }>>,
    table: Table,
}

impl TapeStats {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(TapeStats {
            ignored: setup.flags.pattern(IGNORED),
            drives: Devices::new(setup.roots.sys.join("class/scsi_tape")),
            table: NumberFiles::register(&setup.registry, &["device"], &NUMBERS)?,
        }))
    }
}

impl Collector for TapeStats {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let ignored = &self.ignored;
        self.drives.refresh(|name, folder| {
            let is_ignored = ignored.as_ref().is_some_and(|i| i.is_match(name.as_bytes()));
            let is_shown = is_drive(name) && !is_ignored;
            is_shown.then(|| NumberFiles::new(&folder.join("stats"), &NUMBERS))
        })?;
        self.drives.visit(|name, drive| {
            // What a kernel does not count is zero, as in node_exporter.
            let numbers = drive.read(files)?.map(|number| number.or(Some(0.0)));
            sweep.row(&[name]).set_all(&numbers);
            Ok(())
        })
    }
}

/// Whether `name` is that of a drive, and not of one of the ways to use it, such as `nst0a`.
fn is_drive(name: &str) -> bool {
    let number = name.strip_prefix("st").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
