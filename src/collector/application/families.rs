//! The families of App Mesh's exporter, and what promlet says of its own work.

use super::{Families, Status};
use crate::collector::process_table::Live;
use crate::collector::process_table::groups::{Group, Groups, Origin};
use crate::collector::table::{Metric, Table};
use crate::registry::{RegisterError, Registry};
use crate::sys::constants::clock_ticks_per_second;
use std::time::UNIX_EPOCH;

const STARTS: Metric =
    Metric::counter("appmesh_prom_process_start_count", "application process spawn count");
const MEMORY: Metric =
    Metric::gauge("appmesh_prom_process_memory_gauge", "application process memory bytes");

const APPLICATION: [Metric; 19] = [
    Metric::gauge("appmesh_application_enabled", "Whether it is to run at all."),
    Metric::gauge("appmesh_application_healthy", "Whether it runs and works."),
    Metric::gauge(
        "appmesh_application_last_exit_code",
        "How it ended last: its status, or 128 + n for signal n.",
    ),
    Metric::counter(
        "appmesh_application_metrics_collection_errors_total",
        "Files of its processes that could not be read.",
    ),
    Metric::counter(
        "appmesh_application_output_dropped_lines_total",
        "Lines of its output that nobody took in time.",
    ),
    Metric::counter(
        "appmesh_application_process_context_switches_total",
        "Context switches of the first threads of its processes.",
    ),
    Metric::counter(
        "appmesh_application_process_cpu_seconds_total",
        "CPU time that its processes have used, also those that are gone.",
    )
    .with_label("mode", "system"),
    Metric::counter("appmesh_application_process_cpu_seconds_total", "").with_label("mode", "user"),
    Metric::gauge(
        "appmesh_application_process_cpu_usage_cores",
        "CPUs that its processes used between the last two scrapes.",
    ),
    Metric::gauge("appmesh_application_process_id", "Its first process."),
    Metric::counter(
        "appmesh_application_process_major_page_faults_total",
        "Page faults of its processes that waited for a disk.",
    ),
    Metric::gauge(
        "appmesh_application_process_open_fds",
        "Descriptors that its processes have open.",
    ),
    Metric::counter(
        "appmesh_application_process_read_bytes_total",
        "Bytes that its processes have read from storage.",
    ),
    Metric::gauge(
        "appmesh_application_process_resident_memory_bytes",
        "Memory of its processes that is resident.",
    ),
    Metric::gauge(
        "appmesh_application_process_start_time_seconds",
        "When it was started, in seconds since 1970.",
    ),
    Metric::counter("appmesh_application_process_starts_total", "How often it was started."),
    Metric::gauge("appmesh_application_process_threads", "Threads of its processes."),
    Metric::counter(
        "appmesh_application_process_write_bytes_total",
        "Bytes that its processes have written to storage.",
    ),
    Metric::gauge("appmesh_application_running", "Whether it runs."),
];

const RESTARTS: Metric = Metric::counter(
    "appmesh_application_restarts_total",
    "How often it was started again after an end by itself.",
);
const EXITS: Metric = Metric::counter("appmesh_application_exits_total", "How often it ended.");
const OVERFLOWS: Metric = Metric::counter(
    "promlet_watch_overflows_total",
    "Processes of groups that there was no room for.",
);

/// The tables that are shown.
pub(super) struct Tables {
    starts: Option<Table>,
    memory: Option<Table>,
    application: Option<Application>,
    overflows: Table,
}

struct Application {
    all: Table,
    restarts: Table,
    exits: Table,
}

impl Tables {
    pub(super) fn register(
        registry: &Registry,
        labelled: &Registry,
        families: Families,
    ) -> Result<Tables, RegisterError> {
        let table = |metrics: &[Metric]| Table::register(labelled, &["application"], metrics);
        let application = || {
            let exits = Table::register(labelled, &["application", "reason"], &[EXITS])?;
            Ok(Application { all: table(&APPLICATION)?, restarts: table(&[RESTARTS])?, exits })
        };
        Ok(Tables {
            starts: families.start_count.then(|| table(&[STARTS])).transpose()?,
            memory: families.memory_gauge.then(|| table(&[MEMORY])).transpose()?,
            application: families.application.then(application).transpose()?,
            overflows: Table::register(registry, &[], &[OVERFLOWS])?,
        })
    }

    /// Shows what `groups` are.
    pub(super) fn show(&mut self, groups: &Groups, boot_seconds: Option<f64>, is_watching: bool) {
        let mut starts = self.starts.as_mut().map(Table::sweep);
        let mut memory = self.memory.as_mut().map(Table::sweep);
        for group in groups.iter() {
            if let Some(starts) = &mut starts {
                starts.row(&[&group.name]).set(0, Some(group.starts() as f64));
            }
            if let Some(memory) = &mut memory {
                // As there: what is left of an application that has ended is not its memory.
                let bytes = if group.is_running() { group.live.resident_bytes } else { 0 };
                memory.row(&[&group.name]).set(0, Some(bytes as f64));
            }
        }
        if let Some(application) = &mut self.application {
            application.show(groups, boot_seconds);
        }
        self.overflows.set(&[is_watching.then_some(groups.overflows() as f64)]);
    }
}

impl Application {
    fn show(&mut self, groups: &Groups, boot_seconds: Option<f64>) {
        let (mut all, mut restarts) = (self.all.sweep(), self.restarts.sweep());
        let mut exits = self.exits.sweep();
        for group in groups.iter() {
            all.row(&[&group.name]).set_all(&values(group, boot_seconds));
            if let Origin::Application(status) = &group.origin {
                restarts.row(&[&group.name]).set(0, Some(status.restarts as f64));
                for (reason, count) in status.exits {
                    exits.row(&[&*group.name, reason]).set(0, Some(count as f64));
                }
            }
        }
    }
}

/// The values of [`APPLICATION`]. What nobody knows is absent: the exits of what promlet did not
/// start, the memory of what does not run.
fn values(group: &Group, boot_seconds: Option<f64>) -> [Option<f64>; APPLICATION.len()] {
    let Group { live, .. } = group;
    let used = group.used();
    let is_running = group.is_running();
    let of_living = |value: u64| (live.processes > 0).then_some(value as f64);
    let if_true = |fact: bool| if fact { 1.0 } else { 0.0 };
    let seconds = |micros: u64| Some(micros as f64 / 1e6);
    let switches = used.voluntary_switches.saturating_add(used.involuntary_switches);
    let stored = |bytes: u64| (live.has_storage || bytes > 0).then_some(bytes as f64);
    let (is_enabled, is_healthy, status) = match &group.origin {
        Origin::Application(status) => (status.is_enabled, status.is_healthy, Some(&**status)),
        // Without a check, what runs is healthy.
        Origin::Watch { .. } => (true, is_running.then_some(true), None),
    };
    [
        Some(if_true(is_enabled)),
        is_healthy.map(if_true),
        status.and_then(|status| status.last_exit).map(f64::from),
        Some(group.errors as f64),
        status.and_then(|status| status.dropped_lines).map(|lines| lines as f64),
        (live.has_switches || switches > 0).then_some(switches as f64),
        seconds(used.system_micros),
        seconds(used.user_micros),
        group.cores,
        first_pid(group).map(f64::from),
        Some(used.major_faults as f64),
        live.descriptors.map(|count| count as f64),
        stored(used.read_bytes),
        of_living(live.resident_bytes),
        start_seconds(status, live, boot_seconds),
        Some(group.starts() as f64),
        of_living(live.threads),
        stored(used.write_bytes),
        Some(if_true(is_running)),
    ]
}

/// The first process of what has one and runs.
fn first_pid(group: &Group) -> Option<u32> {
    match &group.origin {
        Origin::Application(status) => status.pid,
        Origin::Watch { pid, .. } => pid.filter(|_| group.live.running > 0),
    }
}

/// When what runs was started.
fn start_seconds(status: Option<&Status>, live: &Live, boot_seconds: Option<f64>) -> Option<f64> {
    match status {
        Some(status) => {
            status.pid?;
            let age = status.started_at?.duration_since(UNIX_EPOCH).ok()?;
            Some(age.as_secs_f64())
        }
        None => oldest_start_seconds(live, boot_seconds),
    }
}

/// When the oldest of the living was started, in seconds since 1970.
pub(super) fn oldest_start_seconds(live: &Live, boot_seconds: Option<f64>) -> Option<f64> {
    let ticks = live.oldest_start_ticks?;
    Some(boot_seconds? + ticks as f64 / clock_ticks_per_second() as f64)
}
