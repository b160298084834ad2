//! Groups of watched processes under the names of process-exporter, for dashboards and rules that
//! have them.
//!
//! Unlike there, counters never fall; a group counts what its processes have used since they were
//! started, and not since they were seen first; there are no series by the names of threads.

use super::families::oldest_start_seconds;
use crate::collector::process_table::groups::{Group, Groups, Origin, STATES};
use crate::collector::table::{Metric, Table};
use crate::registry::{RegisterError, Registry};

const CPU: &str = "namedprocess_namegroup_cpu_seconds_total";
const MEMORY: &str = "namedprocess_namegroup_memory_bytes";
const STATE: &str = "namedprocess_namegroup_states";
const SWITCHES: &str = "namedprocess_namegroup_context_switches_total";

/// Those whose processes are in a state come last.
const METRICS: [Metric; 16 + STATES.len()] = {
    const fn switches(kind: &'static str) -> Metric {
        Metric::counter(SWITCHES, "Context switches of the first threads.")
            .with_label("ctxswitchtype", kind)
    }
    const fn memory(kind: &'static str) -> Metric {
        Metric::gauge(MEMORY, "Memory in use.").with_label("memtype", kind)
    }
    const fn cpu(mode: &'static str) -> Metric {
        Metric::counter(CPU, "CPU time used.").with_label("mode", mode)
    }
    const fn state(index: usize) -> Metric {
        Metric::gauge(STATE, "Processes by state.").with_label("state", STATES[index].0)
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

pub(super) struct NamedProcess {
    table: Table,
}

impl NamedProcess {
    pub(super) fn register(registry: &Registry) -> Result<NamedProcess, RegisterError> {
        Ok(NamedProcess { table: Table::register(registry, &["groupname"], &METRICS)? })
    }

    /// Shows those of `groups` that are watched.
    pub(super) fn show(&mut self, groups: &Groups, boot_seconds: Option<f64>) {
        let mut sweep = self.table.sweep();
        let is_watched = |group: &&Group| matches!(group.origin, Origin::Watch { .. });
        for group in groups.iter().filter(is_watched) {
            sweep.row(&[&group.name]).set_all(&values(group, boot_seconds));
        }
    }
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
