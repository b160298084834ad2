//! What the binary exposes and where, by its configuration: families, collectors, applications,
//! sockets.

#![forbid(unsafe_code)]

use promlet::collector::{self, COLLECTORS, Choice, Node, Report, Roots, Settings, application};
use promlet::config::{self, CollectorRow, Config, UsageError};
use promlet::exporter::{RequestCounters, register_build_info, register_scrape_up};
use promlet::http::{ListenAddress, ListenError, Listener};
use promlet::supervisor::AppStatus;
use promlet::{RegisterError, Registry, log, sys};
use std::error::Error;
use std::sync::Arc;

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

/// The sockets that were handed over, and those of the flags: the default one only where none was.
pub(crate) fn listeners(
    config: &Config,
    addresses: &[ListenAddress],
) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Listener::inherited()?;
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
    status: &Arc<AppStatus>,
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
    register_applications(&view, config, status)?;
    if config.exporter_metrics {
        register_build_info(registry, config::VERSION, config::REVISION.unwrap_or("unknown"))?;
        collector::process::register(registry)?;
    }
    let paths = &config.paths;
    let roots = Roots {
        proc: paths.procfs.clone(),
        sys: paths.sysfs.clone(),
        rootfs: paths.rootfs.clone(),
    };
    let settings = Settings { roots, flags: config.collector_flags.clone() };
    Node::register(registry, &settings, &choice(config)?, Box::new(report))?;
    Ok(requests)
}

fn register_applications(
    view: &Registry,
    config: &Config,
    status: &Arc<AppStatus>,
) -> Result<(), RegisterError> {
    let application = config.application.as_ref().map(|application| {
        let status = Arc::clone(status);
        let name = application.name.clone();
        let status = move || application::Status {
            pid: status.pid().map(i32::cast_unsigned),
            starts: status.starts(),
        };
        application::Application { name, status: Box::new(status) }
    });
    let families = application::Families {
        start_count: config.appmesh.process_start_count,
        memory_gauge: config.appmesh.process_memory_gauge,
    };
    application::register(view, application.into_iter().collect(), families)
}

/// The collectors that run.
pub(crate) fn choice(config: &Config) -> Result<Choice, collector::UnknownCollector> {
    Choice::only(config.collectors.iter().copied())
}

fn report(report: Report<'_>) {
    match report.error {
        Some(error) => {
            log::warn("collector failed", &[("collector", &report.collector), ("error", error)]);
        }
        None => log::info("collector works again", &[("collector", &report.collector)]),
    }
}
