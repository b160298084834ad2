//! The options, one row each, and the reading of argv by them.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;

use super::error::{UsageError, shown};
use super::option::{Effect, Group, OptionRow, SetValue};
use super::suggest;
use super::typed::Typed;
use super::value;
use super::{CollectorRow, LISTEN_ADDRESS};
use crate::collector::Flag;
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

/// Every option that is not a collector's. A new one is a row here and a field in [`Typed`].
const OPTIONS: &[OptionRow] = &[
    OptionRow {
        name: Cow::Borrowed("help"),
        short: Some('h'),
        group: Group::General,
        help: Cow::Borrowed("Show this help and exit."),
        effect: Effect::Help,
    },
    row("version", Group::General, Effect::Version, "Show the version and exit."),
    row(
        "once",
        Group::General,
        Effect::Switch(|typed| typed.once = true),
        "Print one scrape to standard output and exit.",
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
        Effect::Switch(|typed| typed.disable_exporter_metrics = true),
        "Leave out the metrics of promlet itself (promlet_*, process_*).",
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
        Effect::Switch(|typed| typed.disable_default_collectors = true),
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

/// What a command line comes to.
#[derive(Debug)]
pub(super) enum Parsed {
    Help,
    Version,
    Typed(Box<Typed>),
}

/// Reads argv, and fills in the defaults of what it does not name.
pub(super) fn parse(
    args: impl IntoIterator<Item = OsString>,
    rows: &[OptionRow],
) -> Result<Parsed, UsageError> {
    let mut typed = Typed::default();
    let mut seen = vec![false; rows.len()];
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        if arg == "--" {
            typed.command = args.collect();
            if typed.command.is_empty() {
                return Err(UsageError::NoCommand);
            }
            break;
        }
        let (word, inline_value) = split(&arg);
        let (index, is_on) = find(word, rows)?;
        let (row, flag) = (&rows[index], shown(word));
        if std::mem::replace(&mut seen[index], true) && !row.is_repeatable() {
            return Err(UsageError::Repeated { flag });
        }
        if let (Some(found), false) = (inline_value, row.takes_value()) {
            return Err(UsageError::UnwantedValue { flag, found: shown(found) });
        }
        match row.effect {
            Effect::Help => return Ok(Parsed::Help),
            Effect::Version => return Ok(Parsed::Version),
            Effect::Switch(set) => set(&mut typed),
            Effect::Toggle { set, .. } => set(&mut typed, is_on),
            Effect::Collector { name, .. } => typed.collectors.push((name, is_on)),
            Effect::OfCollector(flag) => {
                let value = match row.takes_value() {
                    true => take_value(row, inline_value, &mut args)?,
                    false => is_on.to_string().into(),
                };
                set_flag(flag, &value, &mut typed)?;
            }
            Effect::Value { set, .. } => {
                let value = take_value(row, inline_value, &mut args)?;
                let refuse =
                    |expected| UsageError::BadValue { flag, expected, found: shown(&value) };
                set(&mut typed, &value).map_err(refuse)?;
            }
        }
    }
    let unseen = rows.iter().zip(seen).filter(|(_, seen)| !seen);
    unseen.for_each(|(row, _)| apply_default(row, &mut typed));
    Ok(Parsed::Typed(Box::new(typed)))
}

fn set_flag(flag: &Flag, value: &OsStr, typed: &mut Typed) -> Result<(), UsageError> {
    let text = value.to_str().ok_or_else(|| UsageError::BadValue {
        flag: format!("--{}", flag.name),
        expected: "text in UTF-8".to_owned(),
        found: shown(value),
    })?;
    typed.collector_flags.set(flag.name, text).map_err(UsageError::Collector)
}

/// The value of an option: behind its equals sign, or the next word unless that is a flag.
fn take_value(
    row: &OptionRow,
    inline: Option<&OsStr>,
    args: &mut Peekable<impl Iterator<Item = OsString>>,
) -> Result<OsString, UsageError> {
    let next = || args.next_if(|next| !is_flag(next));
    let value = inline.map(OsStr::to_owned).or_else(next);
    value.ok_or_else(|| UsageError::NoValue { spelling: row.spelling() })
}

/// A default that its own row refuses would be a mistake in the table; a test looks at each.
fn apply_default(row: &OptionRow, typed: &mut Typed) {
    match row.effect {
        Effect::Toggle { default, set } => set(typed, default),
        Effect::Value { default: Some(default), set, .. } => {
            set(typed, OsStr::new(default)).expect("the option accepts its default");
        }
        Effect::Value { default: None, .. }
        | Effect::Help
        | Effect::Version
        | Effect::Switch(_)
        | Effect::Collector { .. }
        | Effect::OfCollector(_) => {}
    }
}

/// `--flag=value` at its first equals sign.
fn split(arg: &OsStr) -> (&OsStr, Option<&OsStr>) {
    let bytes = arg.as_bytes();
    match bytes.iter().position(|&b| b == b'=').filter(|_| bytes.starts_with(b"--")) {
        Some(at) => (OsStr::from_bytes(&bytes[..at]), Some(OsStr::from_bytes(&bytes[at + 1..]))),
        None => (arg, None),
    }
}

/// Whether a word is meant as a flag. A lone dash is a value by custom.
fn is_flag(word: &OsStr) -> bool {
    word.len() > 1 && word.as_bytes().starts_with(b"-")
}

/// The row of a flag, and whether it is its plain form and not that with `no-`.
fn find(word: &OsStr, rows: &[OptionRow]) -> Result<(usize, bool), UsageError> {
    if !is_flag(word) {
        return Err(UsageError::UnexpectedWord { word: shown(word) });
    }
    let text = word.to_string_lossy();
    let matching = rows.iter().enumerate().find_map(|(i, row)| Some((i, row.matches(&text)?)));
    matching
        .ok_or_else(|| UsageError::UnknownFlag { word: shown(word), nearest: nearest(&text, rows) })
}

fn nearest(word: &str, rows: &[OptionRow]) -> Option<String> {
    let negated = |row: &&OptionRow| row.is_negatable();
    let names: Vec<String> = (rows.iter().map(|row| row.name.to_string()))
        .chain(rows.iter().filter(negated).map(|row| format!("no-{}", row.name)))
        .collect();
    let name = word.trim_start_matches('-');
    suggest::nearest(name, names.iter().map(String::as_str)).map(|name| format!("--{name}"))
}

#[cfg(test)]
mod tests;
