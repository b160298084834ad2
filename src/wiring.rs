//! What the binary exposes and where, by its configuration: families, collectors, applications,
//! sockets.

#![forbid(unsafe_code)]

use promlet::collector::watch::WatchList;
use promlet::collector::{
    self, COLLECTORS, Choice, Node, Report, Roots, Settings, Usage, application,
};
use promlet::config::file::Contents;
use promlet::config::{self, CollectorRow, Config, UsageError};
use promlet::exporter::{
    Exporter, RequestCounters, ScrapePhases, register_build_info, register_scrape_up,
};
use promlet::http::{ListenAddress, Listener};
use promlet::supervisor::{self, AppStatus, ExitReason, Plan, Roster};
use promlet::sys::error::plain;
use promlet::sys::heap;
use promlet::{RegisterError, Registry, Scrape, log, sys};
use std::error::Error;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The collectors as the command line knows them.
pub(crate) fn collector_rows() -> Vec<CollectorRow> {
    COLLECTORS.iter().map(CollectorRow::from).collect()
}

/// The addresses of the flags, read.
pub(crate) fn listen_addresses(config: &Config) -> Result<Vec<ListenAddress>, UsageError> {
    let parse = |text: &String| {
        text.parse().map_err(|_| UsageError::BadValue {
            flag: "--web.listen-address".to_owned(),
            expected: ListenAddress::FORMS.to_owned(),
            found: text.escape_debug().to_string(),
        })
    };
    config.listen_addresses.iter().map(parse).collect()
}

/// Refuses a file for TLS and passwords that says anything: who has one would be served without.
pub(crate) fn check_web_config(config: &Config) -> Result<(), Box<dyn Error>> {
    let Some(path) = &config.web_config_file else { return Ok(()) };
    let text = read_text(path).map_err(|reason| {
        FileError::Unreadable(format!("cannot read {}: {reason}", path.display()))
    })?;
    let says_nothing = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
    if text.lines().map(str::trim).all(says_nothing) {
        return Ok(());
    }
    let reason = format!(
        "\"{}\" asks for TLS or passwords, which promlet does not have; put a proxy in front",
        path.display()
    );
    Err(UsageError::Conflict { flag: "--web.config.file", reason }.into())
}

/// The sockets that were handed over, and those of the flags: the default one only where none was,
/// and none of them where systemd's are asked for.
pub(crate) fn listeners(
    config: &Config,
    addresses: &[ListenAddress],
) -> Result<Vec<Listener>, Box<dyn Error>> {
    let mut listeners = Listener::inherited()?;
    if config.systemd_socket {
        return match listeners.is_empty() {
            true => Err("--web.systemd-socket: systemd has handed over no socket".into()),
            false => Ok(listeners),
        };
    }
    if listeners.is_empty() || config.listen_addresses != [config::LISTEN_ADDRESS] {
        for address in addresses {
            listeners.push(Listener::bind(address)?);
        }
    }
    Ok(listeners)
}

/// Registers everything that is exposed.
pub(crate) fn register(
    registry: &Registry,
    config: &Config,
    roster: &Roster,
    watches: &WatchList,
) -> Result<RequestCounters, Box<dyn Error>> {
    let appmesh = &config.appmesh;
    let mut const_labels = Vec::new();
    if appmesh.host_label {
        const_labels.push(("host", sys::host::Host::read()?.nodename().into_owned()));
    }
    if appmesh.pid_label {
        const_labels.push(("pid", std::process::id().to_string()));
    }
    let view = registry.with_const_labels(const_labels);
    let mut requests = RequestCounters::default();
    if appmesh.scrape_count {
        requests = requests.with_scrape_count(&view)?;
    }
    if appmesh.http_request_count {
        requests = requests.with_request_count(&view)?;
    }
    if appmesh.scrape_up {
        register_scrape_up(&view)?;
    }
    register_applications(registry, &view, config, roster, watches)?;
    if config.exporter_metrics {
        register_build_info(registry, config::VERSION, config::REVISION.unwrap_or("unknown"))?;
        collector::process::register(registry)?;
    }
    let paths = &config.paths;
    let roots = Roots {
        proc: paths.procfs.clone(),
        sys: paths.sysfs.clone(),
        rootfs: paths.rootfs.clone(),
        udev: paths.udev_data.clone(),
    };
    let settings = Settings { roots, flags: config.collector_flags.clone() };
    Node::register(registry, &settings, &choice(config)?, Box::new(report))?;
    Ok(requests)
}

fn register_applications(
    registry: &Registry,
    view: &Registry,
    config: &Config,
    roster: &Roster,
    watches: &WatchList,
) -> Result<(), RegisterError> {
    let (visited, owners) = (roster.clone(), roster.clone());
    let sources = application::Sources {
        visit: Box::new(move |visit| {
            for status in &*visited.applications() {
                visit(status.name(), status_of(status));
            }
        }),
        find_owner: Box::new(move |application::Orphan { pid, group, session }| {
            let orphan = supervisor::Orphan { pid: pid.cast_signed(), group, session };
            owners.owner(orphan).map(|status| status.name().to_owned())
        }),
        watches: watches.clone(),
        procfs: config.paths.procfs.clone(),
        sysfs: config.paths.sysfs.clone(),
    };
    let families = application::Families {
        start_count: config.appmesh.process_start_count,
        memory_gauge: config.appmesh.process_memory_gauge,
        application: config.appmesh.application_metrics,
        namedprocess: config.namedprocess,
        threads: config.threads,
        smaps: config.smaps,
    };
    application::register(registry, view, sources, families)
}

/// How an application is, as the collector wants to know it.
fn status_of(status: &AppStatus) -> application::Status {
    // In this order: see there.
    let starts = status.starts();
    let pid = status.pid().map(i32::cast_unsigned);
    application::Status {
        pid,
        starts,
        started_at: status.started_at(),
        is_enabled: status.is_enabled(),
        is_healthy: status.is_healthy(),
        restarts: status.restarts(),
        exits: ExitReason::ALL.map(|reason| (reason.name(), status.exits(reason))),
        last_exit: status.last_exit(),
        dropped_lines: status.passes_output_on().then(|| status.dropped_lines()),
        reaped: usage_of(status.reaped().usage),
    }
}

fn usage_of(usage: supervisor::Usage) -> Usage {
    /// Of what getrusage(2) calls a block.
    const BLOCK_BYTES: u64 = 512;
    // 2^64 microseconds are 584,000 years.
    Usage {
        user_micros: usage.user.as_micros() as u64,
        system_micros: usage.system.as_micros() as u64,
        minor_faults: usage.minor_faults,
        major_faults: usage.major_faults,
        read_bytes: usage.blocks_read.saturating_mul(BLOCK_BYTES),
        write_bytes: usage.blocks_written.saturating_mul(BLOCK_BYTES),
        voluntary_switches: usage.voluntary_switches,
        involuntary_switches: usage.involuntary_switches,
    }
}

/// Why a configuration file cannot be used: a line for each reason.
#[derive(Debug)]
pub(crate) enum FileError {
    /// It cannot be read.
    Unreadable(String),
    /// It cannot be understood.
    Wrong(Vec<config::file::FileError>),
}

impl Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => f.write_str(reason),
            Self::Wrong(errors) => {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl Error for FileError {}

/// What a configuration file says.
pub(crate) fn read_file(path: &Path) -> Result<Contents, FileError> {
    let name = path.display().to_string();
    let cannot_read = |reason| FileError::Unreadable(format!("cannot read {name}: {reason}"));
    let bytes = read_bytes(path).map_err(cannot_read)?;
    config::file::parse(&name, &bytes, &read_text).map_err(FileError::Wrong)
}

/// What the file asks for, read once more, or the log of why it is not to be used. What it watches
/// is taken over at once.
pub(crate) fn reload(path: &Path, watches: &WatchList, stays: bool) -> Option<Plan> {
    match read_file(path) {
        Ok(contents) => {
            let counts = (contents.applications.len(), contents.watches.len());
            let fields: log::Fields<'_> = &[("applications", &counts.0), ("watched", &counts.1)];
            log::info("configuration read again", fields);
            let stays = stays || !contents.watches.is_empty();
            watches.set(contents.watches);
            Some(Plan { applications: contents.applications, stays })
        }
        Err(error) => {
            for line in error.to_string().lines() {
                log::error("configuration not used: all goes on as it was", &[("error", &line)]);
            }
            None
        }
    }
}

/// The text of a file that is not too long, or why there is none.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let (valid, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("its line {line} is not UTF-8")
    })
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        // Opening one waits for somebody who writes.
        if path.metadata()?.file_type().is_fifo() {
            return Err(io::Error::other("it is a named pipe"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(config::file::FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| plain(&error))?;
    if bytes.len() as u64 > config::file::FILE_BYTES_MAX {
        return Err(format!("it is longer than {} bytes", config::file::FILE_BYTES_MAX));
    }
    Ok(bytes)
}

/// Gives back what the start of the program and the layout of the first answers have freed in the
/// heap. Later scrapes lay out little, so ever fewer of them look after it.
pub(crate) fn keep_heap_small(registry: &Registry) {
    let mut scrapes = 0_u32;
    registry.register_collector(move |_: &Scrape| {
        scrapes = scrapes.saturating_add(1);
        if scrapes.is_power_of_two() {
            heap::trim();
        }
    });
}

/// What answers requests for what is registered.
pub(crate) fn exporter(
    registry: &Registry,
    config: &Config,
    requests: RequestCounters,
) -> Result<Exporter, Box<dyn Error>> {
    let choice = choice(config)?;
    let exporter = Exporter::new(registry.clone())
        .telemetry_path(&config.telemetry_path)
        .request_counters(requests)
        .scrapes_max(config.max_requests)
        .selector(Box::new(move |request| {
            choice.selection(request.query_pairs()).map_err(|error| error.to_string())
        }));
    Ok(if config.exporter_metrics {
        exporter.scrape_phases(ScrapePhases::register(registry)?)
    } else {
        exporter
    })
}

/// The collectors that run.
fn choice(config: &Config) -> Result<Choice, collector::UnknownCollector> {
    Choice::only(config.collectors.iter().copied())
}

fn report(report: Report<'_>) {
    match report.error {
        // Few hosts have all that collectors ask for.
        Some(error) if error.is_no_data() => {
            log::debug(
                "collector has no data",
                &[("collector", &report.collector), ("error", error)],
            );
        }
        Some(error) => {
            log::warn("collector failed", &[("collector", &report.collector), ("error", error)]);
        }
        None => log::info("collector works again", &[("collector", &report.collector)]),
    }
}
