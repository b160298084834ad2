//! Groups of watched processes under the names of process-exporter, for dashboards and rules that
//! have them.
//!
//! Unlike there, counters never fall; a group counts what its processes have used since they were
//! started, and not since they were seen first. No thread is counted twice, and none is looked at
//! unless that is asked for; then states are those of threads, and context switches those of all.

use super::families::oldest_start_seconds;
use crate::collector::process_table::groups::{Failures, Group, Groups, Origin};
use crate::collector::process_table::{Named, STATES, Waiting};
use crate::collector::table::{Metric, Table};
use crate::registry::{RegisterError, Registry};

const CPU: &str = "namedprocess_namegroup_cpu_seconds_total";
const MEMORY: &str = "namedprocess_namegroup_memory_bytes";
const STATE: &str = "namedprocess_namegroup_states";
const SWITCHES: &str = "namedprocess_namegroup_context_switches_total";

/// Those whose processes are in a state come last.
const METRICS: [Metric; 18 + STATES.len()] = {
    const fn switches(kind: &'static str) -> Metric {
        Metric::counter(
            SWITCHES,
            "Context switches of the first threads, or of all where they are looked at.",
        )
        .with_label("ctxswitchtype", kind)
    }
    const fn memory(kind: &'static str) -> Metric {
        Metric::gauge(MEMORY, "Memory in use.").with_label("memtype", kind)
    }
    const fn cpu(mode: &'static str) -> Metric {
        Metric::counter(CPU, "CPU time used.").with_label("mode", mode)
    }
    const fn state(index: usize) -> Metric {
        Metric::gauge(STATE, "Processes by state, or threads where they are looked at.")
            .with_label("state", STATES[index].0)
    }
    [
        switches("nonvoluntary"),
        switches("voluntary"),
        cpu("system"),
        cpu("user"),
        Metric::counter(
            "namedprocess_namegroup_major_page_faults_total",
            "Page faults that waited for a disk.",
        ),
        memory("proportionalResident"),
        memory("proportionalSwapped"),
        memory("resident"),
        memory("swapped"),
        memory("virtual"),
        Metric::counter(
            "namedprocess_namegroup_minor_page_faults_total",
            "Page faults that did not wait for a disk.",
        ),
        Metric::gauge("namedprocess_namegroup_num_procs", "Processes."),
        Metric::gauge("namedprocess_namegroup_num_threads", "Threads."),
        Metric::gauge(
            "namedprocess_namegroup_oldest_start_time_seconds",
            "When the oldest process was started, in seconds since 1970.",
        ),
        Metric::gauge("namedprocess_namegroup_open_filedesc", "Open descriptors."),
        Metric::counter("namedprocess_namegroup_read_bytes_total", "Bytes read from storage."),
        Metric::gauge(
            "namedprocess_namegroup_worst_fd_ratio",
            "The largest part of its limit of descriptors that a process has open.",
        ),
        Metric::counter("namedprocess_namegroup_write_bytes_total", "Bytes written to storage."),
        state(0),
        state(1),
        state(2),
        state(3),
        state(4),
    ]
};

const THREADS: [Metric; 9] = {
    const fn switches(kind: &'static str) -> Metric {
        let name = "namedprocess_namegroup_thread_context_switches_total";
        Metric::counter(name, "Context switches of threads.").with_label("ctxswitchtype", kind)
    }
    const fn cpu(mode: &'static str) -> Metric {
        let name = "namedprocess_namegroup_thread_cpu_seconds_total";
        Metric::counter(name, "CPU time that threads used.").with_label("mode", mode)
    }
    const fn storage(mode: &'static str) -> Metric {
        let name = "namedprocess_namegroup_thread_io_bytes_total";
        Metric::counter(name, "Bytes that threads moved from and to storage.")
            .with_label("iomode", mode)
    }
    [
        switches("nonvoluntary"),
        switches("voluntary"),
        Metric::gauge("namedprocess_namegroup_thread_count", "Threads by name."),
        cpu("system"),
        cpu("user"),
        storage("read"),
        storage("write"),
        Metric::counter(
            "namedprocess_namegroup_thread_major_page_faults_total",
            "Page faults of threads that waited for a disk.",
        ),
        Metric::counter(
            "namedprocess_namegroup_thread_minor_page_faults_total",
            "Page faults of threads that did not wait for a disk.",
        ),
    ]
};

const WAITING: Metric = Metric::gauge(
    "namedprocess_namegroup_threads_wchan",
    "Threads by the function of the kernel in which they wait.",
);

const FAILURES: [Metric; 3] = [
    Metric::counter("namedprocess_scrape_errors", "Scrapes that could not list processes."),
    Metric::counter(
        "namedprocess_scrape_partial_errors",
        "Times that something of a process was hidden or not understood.",
    ),
    Metric::counter(
        "namedprocess_scrape_procread_errors",
        "Times that nothing was to be learned of a process.",
    ),
];

pub(super) struct NamedProcess {
    table: Table,
    threads: Option<Threads>,
    failures: Table,
}

struct Threads {
    table: Table,
    waiting: Table,
}

impl NamedProcess {
    pub(super) fn register(
        registry: &Registry,
        with_threads: bool,
    ) -> Result<NamedProcess, RegisterError> {
        Ok(NamedProcess {
            table: Table::register(registry, &["groupname"], &METRICS)?,
            threads: with_threads.then(|| Threads::register(registry)).transpose()?,
            failures: Table::register(registry, &[], &FAILURES)?,
        })
    }

    /// Shows those of `groups` that are watched.
    pub(super) fn show(&mut self, groups: &Groups, boot_seconds: Option<f64>) {
        let is_watched = |group: &&Group| matches!(group.origin, Origin::Watch { .. });
        let mut sweep = self.table.sweep();
        for group in groups.iter().filter(is_watched) {
            sweep.row(&[&group.name]).set_all(&values(group, boot_seconds));
        }
        if let Some(threads) = &mut self.threads {
            threads.show(groups.iter().filter(is_watched));
        }
        let Failures { lists, processes, partial } = groups.failures;
        self.failures.set(&[lists, partial, processes].map(|count| Some(count as f64)));
    }
}

impl Threads {
    fn register(registry: &Registry) -> Result<Threads, RegisterError> {
        Ok(Threads {
            table: Table::register(registry, &["groupname", "threadname"], &THREADS)?,
            waiting: Table::register(registry, &["groupname", "wchan"], &[WAITING])?,
        })
    }

    fn show<'g>(&mut self, groups: impl Iterator<Item = &'g Group>) {
        let (mut table, mut waiting) = (self.table.sweep(), self.waiting.sweep());
        for group in groups {
            for named in group.threads.by_name() {
                table.row(&[&group.name, &named.name]).set_all(&values_of_threads(named));
            }
            for Waiting { channel, count } in group.threads.waiting() {
                waiting.row(&[&group.name, channel]).set(0, Some(*count as f64));
            }
        }
    }
}

/// The values of [`THREADS`].
fn values_of_threads(named: &Named) -> [Option<f64>; THREADS.len()] {
    let Named { count, used, has_storage, .. } = named;
    let number = |count: u64| Some(count as f64);
    let seconds = |micros: u64| Some(micros as f64 / 1e6);
    let stored = |bytes: u64| has_storage.then_some(bytes as f64);
    [
        number(used.involuntary_switches),
        number(used.voluntary_switches),
        number(*count),
        seconds(used.system_micros),
        seconds(used.user_micros),
        stored(used.read_bytes),
        stored(used.write_bytes),
        number(used.major_faults),
        number(used.minor_faults),
    ]
}

fn values(group: &Group, boot_seconds: Option<f64>) -> [Option<f64>; METRICS.len()] {
    let (live, used) = (&group.live, group.used());
    let count = |count: u64| Some(count as f64);
    let seconds = |micros: u64| Some(micros as f64 / 1e6);
    let known = |is_known: bool, value: u64| (is_known || value > 0).then_some(value as f64);
    let mut values = [None; METRICS.len()];
    let (first, states) = values.split_at_mut(METRICS.len() - STATES.len());
    first.copy_from_slice(&[
        known(live.has_switches, used.involuntary_switches),
        known(live.has_switches, used.voluntary_switches),
        seconds(used.system_micros),
        seconds(used.user_micros),
        count(used.major_faults),
        live.proportional_bytes.map(|bytes| bytes as f64),
        live.proportional_swapped_bytes.map(|bytes| bytes as f64),
        count(live.resident_bytes),
        live.swapped_bytes.map(|bytes| bytes as f64),
        count(live.virtual_bytes),
        count(used.minor_faults),
        count(live.processes),
        count(live.threads),
        oldest_start_seconds(live, boot_seconds),
        live.descriptors.map(|count| count as f64),
        known(live.has_storage, used.read_bytes),
        live.descriptors_ratio,
        known(live.has_storage, used.write_bytes),
    ]);
    for (value, processes) in states.iter_mut().zip(live.states) {
        *value = count(processes);
    }
    values
}
