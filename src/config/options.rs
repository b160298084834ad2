//! The options, one row each.

use std::borrow::Cow;

use super::option::{Effect, Group, OptionRow, SetValue};
use super::typed::Typed;
use super::value;
use super::{CollectorRow, LISTEN_ADDRESS};
use crate::supervisor::TIME_MAX;

/// More connections than this are a mistake: they would need more descriptors than systems allow.
const CONNECTIONS_MAX: usize = 65_536;

const fn row(name: &'static str, group: Group, effect: Effect, help: &'static str) -> OptionRow {
    OptionRow { name: Cow::Borrowed(name), short: None, group, help: Cow::Borrowed(help), effect }
}

/// An option that takes one value and has a default.
const fn value(name: &'static str, default: &'static str, set: SetValue) -> Effect {
    Effect::Value { name, default: Some(default), repeatable: false, set }
}

/// An option that is on unless it is turned off.
const fn on(set: fn(&mut Typed, bool)) -> Effect {
    Effect::Toggle { default: true, set }
}

/// An option that is off unless it is turned on.
const fn off(set: fn(&mut Typed, bool)) -> Effect {
    Effect::Toggle { default: false, set }
}

/// Every option that is not a collector's. A new one is a row here and a field in [`Typed`].
const OPTIONS: &[OptionRow] = &[
    OptionRow {
        name: Cow::Borrowed("help"),
        short: Some('h'),
        group: Group::General,
        help: Cow::Borrowed("Show this help and exit."),
        effect: Effect::Help,
    },
    row("help-long", Group::General, Effect::Help, "The same, as node_exporter spells it."),
    row("version", Group::General, Effect::Version, "Show the version and exit."),
    row(
        "once",
        Group::General,
        Effect::Switch(|typed| typed.once = true),
        "Print one scrape to standard output and exit.",
    ),
    row(
        "runtime.gomaxprocs",
        Group::General,
        value("N", "1", |_, v| value::count(v, 0..=usize::MAX).map(drop)),
        "Has no effect: one thread serves all.",
    ),
    row(
        "web.listen-address",
        Group::Web,
        Effect::Value {
            name: "ADDR",
            default: Some(LISTEN_ADDRESS),
            repeatable: true,
            set: |typed, v| value::text(v).map(|x| typed.listen_addresses.push(x)),
        },
        "Address to listen on: IP:PORT, :PORT for every interface, or unix:/PATH. Repeatable.",
    ),
    row(
        "web.telemetry-path",
        Group::Web,
        value("PATH", "/metrics", |typed, v| value::url_path(v).map(|x| typed.telemetry_path = x)),
        "Path of the metrics.",
    ),
    row(
        "web.max-requests",
        Group::Web,
        value("N", "40", |typed, v| {
            value::count(v, 0..=CONNECTIONS_MAX).map(|x| typed.max_requests = x)
        }),
        "Most scrapes at once; more get status 503. 0 is no limit.",
    ),
    row(
        "web.max-connections",
        Group::Web,
        value("N", "512", |typed, v| {
            value::count(v, 1..=CONNECTIONS_MAX).map(|x| typed.max_connections = x)
        }),
        "Most connections at once; past it the longest idle one is closed.",
    ),
    row(
        "web.disable-exporter-metrics",
        Group::Web,
        off(|typed, on| typed.disable_exporter_metrics = on),
        "Leave out the metrics of promlet itself (promlet_*, process_*).",
    ),
    row(
        "web.systemd-socket",
        Group::Web,
        off(|typed, on| typed.systemd_socket = on),
        "Listen on the sockets that systemd hands over and on no address.",
    ),
    row(
        "web.config.file",
        Group::Web,
        Effect::Value {
            name: "PATH",
            default: None,
            repeatable: false,
            set: |typed, v| {
                typed.web_config_file = (!v.is_empty()).then(|| v.into());
                Ok(())
            },
        },
        "A file of node_exporter's for TLS and passwords, which has to be empty.",
    ),
    row(
        "log.level",
        Group::Log,
        value("LEVEL", "info", |typed, v| value::level(v).map(|x| typed.log_level = x)),
        "Log events from this level on: debug, info, warn or error.",
    ),
    row(
        "log.format",
        Group::Log,
        value("FORMAT", "logfmt", |typed, v| value::format(v).map(|x| typed.log_format = x)),
        "Write them as logfmt or json.",
    ),
    row(
        "config.file",
        Group::Application,
        Effect::Value {
            name: "PATH",
            default: None,
            repeatable: false,
            set: |typed, v| value::path(v).map(|x| typed.config_file = Some(x)),
        },
        "Run the applications of this file, and watch what it says; SIGHUP reads it again.",
    ),
    row(
        "config.check",
        Group::Application,
        Effect::Switch(|typed| typed.config_check = true),
        "Say what is wrong with that file, if anything, and exit.",
    ),
    row(
        "watch.namedprocess",
        Group::Application,
        Effect::Switch(|typed| typed.namedprocess = true),
        "Expose what that file watches as process-exporter does too.",
    ),
    row(
        "watch.threads",
        Group::Application,
        Effect::Switch(|typed| typed.threads = true),
        "The same, and threads by their names.",
    ),
    row(
        "watch.smaps",
        Group::Application,
        Effect::Switch(|typed| typed.smaps = true),
        "The same, and the parts that processes have of memory that is shared, which is costly to find out.",
    ),
    row(
        "app.name",
        Group::Application,
        Effect::Value {
            name: "NAME",
            default: None,
            repeatable: false,
            set: |typed, v| value::text(v).map(|x| typed.app_name = Some(x)),
        },
        "Name of COMMAND in the label application (default: its file name).",
    ),
    row(
        "app.stop-timeout",
        Group::Application,
        value("TIME", "30s", |typed, v| {
            value::duration(v, TIME_MAX).map(|x| typed.app_stop_timeout = x)
        }),
        "How long COMMAND may take to stop after SIGTERM until it is killed.",
    ),
    row(
        "app.stay",
        Group::Application,
        Effect::Switch(|typed| typed.app_stay = true),
        "Go on when all applications of that file have ended.",
    ),
    row(
        "appmesh.scrape-count",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.scrape_count = on),
        "Expose appmesh_prom_scrape_count.",
    ),
    row(
        "appmesh.process-start-count",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.process_start_count = on),
        "Expose appmesh_prom_process_start_count.",
    ),
    row(
        "appmesh.http-request-count",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.http_request_count = on),
        "Expose appmesh_http_request_count.",
    ),
    row(
        "appmesh.scrape-up",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.scrape_up = on),
        "Expose appmesh_prom_scrape_up.",
    ),
    row(
        "appmesh.process-memory-gauge",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.process_memory_gauge = on),
        "Expose appmesh_prom_process_memory_gauge.",
    ),
    row(
        "appmesh.application-metrics",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.application_metrics = on),
        "Expose appmesh_application_*.",
    ),
    row(
        "appmesh.host-label",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.host_label = on),
        "Label these metrics with host, the name of this host.",
    ),
    row(
        "appmesh.pid-label",
        Group::AppMesh,
        on(|typed, on| typed.appmesh.pid_label = on),
        "Label these metrics with pid, the process id of promlet.",
    ),
    row(
        "path.procfs",
        Group::Paths,
        value("DIR", "/proc", |typed, v| value::path(v).map(|x| typed.paths.procfs = x)),
        "Where the collectors find procfs.",
    ),
    row(
        "path.sysfs",
        Group::Paths,
        value("DIR", "/sys", |typed, v| value::path(v).map(|x| typed.paths.sysfs = x)),
        "Where the collectors find sysfs.",
    ),
    row(
        "path.rootfs",
        Group::Paths,
        value("DIR", "/", |typed, v| value::path(v).map(|x| typed.paths.rootfs = x)),
        "Where the collectors find the root of the host.",
    ),
    row(
        "path.udev.data",
        Group::Paths,
        value("DIR", "/run/udev/data", |typed, v| {
            value::path(v).map(|x| typed.paths.udev_data = x)
        }),
        "Where the collectors find what udev knows of devices.",
    ),
    row(
        "collector.disable-defaults",
        Group::Collectors,
        off(|typed, on| typed.disable_default_collectors = on),
        "Run only the collectors that are turned on here.",
    ),
];

/// Every option: the fixed ones, then one for each collector, then those that collectors declare.
#[must_use]
pub fn options(collectors: &[CollectorRow]) -> Vec<OptionRow> {
    let of_collectors = collectors.iter().map(|collector| OptionRow {
        name: Cow::Owned(format!("collector.{}", collector.name)),
        short: None,
        group: Group::Collectors,
        help: Cow::Owned(format!("Expose {}.", collector.help)),
        effect: Effect::Collector { name: collector.name, on_by_default: collector.on_by_default },
    });
    let own = collectors.iter().flat_map(|collector| collector.flags).map(|flag| OptionRow {
        name: Cow::Borrowed(flag.name),
        short: None,
        group: Group::Collectors,
        help: Cow::Borrowed(flag.help),
        effect: Effect::OfCollector(flag),
    });
    OPTIONS.iter().cloned().chain(of_collectors).chain(own).collect()
}
