//! What promlet is asked to do: typed as flags, checked, and handed on as a [`Config`].
//!
//! ```text
//! argv ── cli (options, one row an option) ──> Typed ── validation ──> Config
//!                    └── help ──> --help, and the table in the README
//! file ── file (KEYS, one row a key) ──> Contents: the applications to run
//! lacking             what node_exporter takes and promlet has no use for
//! argument_file       @FILE: words out of a file, in front of all this
//! ```
//!
//! The conventions are those of node_exporter's flags (kingpin): `--flag value` and `--flag=value`,
//! `--[no-]flag`, no flag twice unless it says so, and `--` before the command.

#![forbid(unsafe_code)]

mod argument_file;
mod cli;
mod error;
pub mod file;
mod help;
mod lacking;
mod option;
mod options;
mod suggest;
mod typed;
mod value;

pub use argument_file::expand;
pub use error::UsageError;
pub use help::help;
pub use lacking::{LACKING, LackingRow};
pub use option::OptionRow;
pub use options::options;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::collector::{self, Flag, Flags};
use crate::log;
use crate::supervisor::Application;
use typed::Typed;

/// What `--version` and the build info say this is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from, where the build said so in `PROMLET_REVISION`.
pub const REVISION: Option<&str> = option_env!("PROMLET_REVISION");

/// Where promlet listens unless something else is said.
pub const LISTEN_ADDRESS: &str = ":6061";

/// The part of the URL space that is the server's own; metrics cannot be there.
const RESERVED_PATH: &str = "/-/";

/// What the command line needs to know of a collector: the flag, and its line of help, come from it.
#[derive(Debug, Clone, Copy)]
pub struct CollectorRow {
    /// Its name, as in `--collector.NAME`.
    pub name: &'static str,
    /// Whether it runs unless it is turned off.
    pub on_by_default: bool,
    /// What it exposes, as a phrase to follow "Expose".
    pub help: &'static str,
    /// Its own flags.
    pub flags: &'static [Flag],
}

impl From<&collector::Row> for CollectorRow {
    fn from(row: &collector::Row) -> CollectorRow {
        let collector::Row { name, on_by_default, help, flags, .. } = *row;
        CollectorRow { name, on_by_default, help, flags }
    }
}

/// What the command line asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Print this text to standard output and exit 0.
    Print(String),
    /// Say what is wrong with this configuration file, if anything, and exit.
    Check(PathBuf),
    /// Do what promlet is for.
    Run(Box<Config>),
}

/// Everything that can be configured, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where to listen, as typed: `IPV4:PORT`, `:PORT`, `[IPV6]:PORT` or `unix:/PATH`; at least one.
    pub listen_addresses: Vec<String>,
    /// Listen on what systemd hands over and nothing else.
    pub systemd_socket: bool,
    /// A file that node_exporter would read TLS and authentication from.
    pub web_config_file: Option<PathBuf>,
    /// Where the metrics are, with the leading slash.
    pub telemetry_path: String,
    /// How many scrapes may run at once; `None` is no limit.
    pub max_requests: Option<NonZeroUsize>,
    /// How many connections may be open at once; at least 1.
    pub max_connections: usize,
    /// Whether promlet's own process and its scrapes are exposed.
    pub exporter_metrics: bool,
    /// From which level on events are logged.
    pub log_level: log::Level,
    /// How they are written.
    pub log_format: log::Format,
    /// Print one scrape to standard output and exit, in place of listening.
    pub once: bool,
    /// The command to run, if there is one; then the configuration file only says what to watch.
    pub application: Option<Application>,
    /// The configuration file with the applications to run and to watch, if there is one.
    pub config_file: Option<PathBuf>,
    /// Whether to go on when all applications of that file have ended.
    pub stay: bool,
    /// Whether what is watched is exposed under the names of process-exporter too.
    pub namedprocess: bool,
    /// Whether its threads are, by their names.
    pub threads: bool,
    /// Whether its parts of shared memory are.
    pub smaps: bool,
    /// Which of App Mesh's families are exposed, and how.
    pub appmesh: AppMesh,
    /// The names of the collectors to run, in the order of their table.
    pub collectors: Vec<&'static str>,
    /// The values of their own flags.
    pub collector_flags: Flags,
    /// Where the collectors read.
    pub paths: Paths,
}

/// Which of App Mesh's families are exposed, and which of their const labels they carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppMesh {
    /// `appmesh_prom_scrape_count`
    pub scrape_count: bool,
    /// `appmesh_prom_process_start_count`
    pub process_start_count: bool,
    /// `appmesh_http_request_count`
    pub http_request_count: bool,
    /// `appmesh_prom_scrape_up`
    pub scrape_up: bool,
    /// `appmesh_prom_process_memory_gauge`
    pub process_memory_gauge: bool,
    /// `appmesh_application_*`
    pub application_metrics: bool,
    /// The label `host`.
    pub host_label: bool,
    /// The label `pid`.
    pub pid_label: bool,
}

/// Where the kernel's file systems and the host's root are mounted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// `/proc`
    pub procfs: PathBuf,
    /// `/sys`
    pub sysfs: PathBuf,
    /// `/`
    pub rootfs: PathBuf,
    /// `/run/udev/data`
    pub udev_data: PathBuf,
}

/// Reads a command line, without the program's name.
///
/// # Errors
///
/// The first thing that is wrong; its text names flag and word. The binary exits 2 for it.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    collectors: &[CollectorRow],
) -> Result<Invocation, UsageError> {
    let mut rows = options(collectors);
    rows.extend(lacking::options());
    Ok(match cli::parse(args, &rows)? {
        cli::Parsed::Help => Invocation::Print(help(&options(collectors))),
        cli::Parsed::Version => Invocation::Print(version_line()),
        cli::Parsed::Typed(typed) => match (typed.config_check, &typed.config_file) {
            (false, _) => Invocation::Run(Box::new(validate(*typed, collectors)?)),
            (true, Some(path)) => Invocation::Check(path.clone()),
            (true, None) => {
                let reason = "there is no --config.file to check".to_owned();
                return Err(UsageError::Conflict { flag: "--config.check", reason });
            }
        },
    })
}

/// The line that `--version` prints, with its end.
#[must_use]
pub fn version_line() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let revision = REVISION.map(|revision| format!("revision {revision}, ")).unwrap_or_default();
    format!("promlet, version {VERSION} ({revision}{os}/{arch})\n")
}

/// Refuses a configuration file with applications where they are not run: beside a command, which
/// would not be promlet's only one then, or where it prints one scrape.
///
/// # Errors
///
/// The same as for a command line that does not fit together.
pub fn check_applications(config: &Config, applications: &[Application]) -> Result<(), UsageError> {
    let (Some(path), Some(first)) = (&config.config_file, applications.first()) else {
        return Ok(());
    };
    let other = match &config.application {
        Some(_) => "a command",
        None if config.once => "--once",
        None => return Ok(()),
    };
    let (path, name) = (error::shown(path.as_os_str()), &first.name);
    let reason =
        format!("\"{path}\" has applications to run ([app {name}]), and cannot go with {other}");
    Err(UsageError::Conflict { flag: "--config.file", reason })
}

/// What one flag alone cannot know: how they fit together.
fn validate(typed: Typed, collectors: &[CollectorRow]) -> Result<Config, UsageError> {
    if typed.telemetry_path.starts_with(RESERVED_PATH) {
        let reason = format!("paths below {RESERVED_PATH} are the server's own");
        return Err(UsageError::Conflict { flag: "--web.telemetry-path", reason });
    }
    let collectors = enabled_collectors(&typed, collectors);
    if typed.app_name.is_some() && typed.command.is_empty() {
        let reason = "there is no command to name".to_owned();
        return Err(UsageError::Conflict { flag: "--app.name", reason });
    }
    if typed.once
        && let Some(program) = typed.command.first()
    {
        let reason =
            format!("prints and exits, and cannot run a command (\"{}\")", error::shown(program));
        return Err(UsageError::Conflict { flag: "--once", reason });
    }
    if typed.app_stay && (typed.config_file.is_none() || !typed.command.is_empty()) {
        let reason = "it is about the applications of a --config.file".to_owned();
        return Err(UsageError::Conflict { flag: "--app.stay", reason });
    }
    let application = application(typed.command, typed.app_name, typed.app_stop_timeout);
    Ok(Config {
        listen_addresses: typed.listen_addresses,
        systemd_socket: typed.systemd_socket,
        web_config_file: typed.web_config_file,
        telemetry_path: typed.telemetry_path,
        max_requests: NonZeroUsize::new(typed.max_requests),
        max_connections: typed.max_connections,
        exporter_metrics: !typed.disable_exporter_metrics,
        log_level: typed.log_level,
        log_format: typed.log_format,
        once: typed.once,
        application,
        config_file: typed.config_file,
        stay: typed.app_stay,
        namedprocess: typed.namedprocess || typed.threads || typed.smaps,
        threads: typed.threads,
        smaps: typed.smaps,
        appmesh: typed.appmesh,
        collectors,
        collector_flags: typed.collector_flags,
        paths: typed.paths,
    })
}

/// The command as an application; called after its file if it has no other name.
fn application(
    command: Vec<OsString>,
    name: Option<String>,
    stop_timeout: std::time::Duration,
) -> Option<Application> {
    let mut words = command.into_iter();
    let program = words.next()?;
    let name = name.unwrap_or_else(|| {
        let file_name = Path::new(&program).file_name().unwrap_or(&program);
        file_name.to_string_lossy().into_owned()
    });
    Some(Application::once(name, program, words.collect(), stop_timeout))
}

/// What was named decides; for the others the table does, unless its defaults are disabled.
fn enabled_collectors(typed: &Typed, collectors: &[CollectorRow]) -> Vec<&'static str> {
    let is_enabled = |row: &&CollectorRow| {
        let named = typed.collectors.iter().find(|(name, _)| *name == row.name);
        named.map_or(row.on_by_default && !typed.disable_default_collectors, |(_, on)| *on)
    };
    collectors.iter().filter(is_enabled).map(|row| row.name).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const COLLECTORS: [CollectorRow; 3] = [
        CollectorRow { name: "cpu", on_by_default: true, help: "time per processor", flags: &[] },
        CollectorRow { name: "slow", on_by_default: false, help: "what takes long", flags: &[] },
        CollectorRow { name: "stat", on_by_default: true, help: "counts since boot", flags: &[] },
    ];

    fn config(words: &[&str]) -> Config {
        match parse(words.iter().map(OsString::from), &COLLECTORS) {
            Ok(Invocation::Run(config)) => *config,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn defaults() {
        let config = config(&[]);
        assert_eq!(config.listen_addresses, [":6061"]);
        assert_eq!(config.telemetry_path, "/metrics");
        assert_eq!(config.max_requests, NonZeroUsize::new(40));
        assert_eq!(config.max_connections, 512);
        assert!(config.exporter_metrics && !config.once && config.application.is_none());
        assert_eq!(config.collectors, ["cpu", "stat"]);
        assert_eq!(config.paths.procfs, Path::new("/proc"));
        assert!(config.appmesh.host_label && config.appmesh.process_memory_gauge);
    }

    #[test]
    fn collectors_are_named_or_default() {
        const CASES: &[(&[&str], &[&str])] = &[
            (&["--collector.slow"], &["cpu", "slow", "stat"]),
            (&["--no-collector.cpu"], &["stat"]),
            (&["--collector.disable-defaults"], &[]),
            (&["--collector.stat", "--collector.disable-defaults"], &["stat"]),
        ];
        for (words, expected) in CASES {
            assert_eq!(config(words).collectors, *expected, "{words:?}");
        }
    }

    #[test]
    fn an_application_is_called_after_its_file_or_as_told() {
        let application = |words: &[&str]| config(words).application.expect("a command");
        let sleep = application(&["--app.stop-timeout=5s", "--", "/bin/sleep", "10"]);
        assert_eq!((sleep.name.as_str(), sleep.launch.args.len()), ("sleep", 1));
        assert_eq!(
            (sleep.launch.program, sleep.stop.timeout),
            ("/bin/sleep".into(), Duration::from_secs(5))
        );
        assert_eq!(application(&["--app.name=web", "--", "sh"]).name, "web");
        assert_eq!(application(&["--", "/"]).name, "/");
    }

    #[test]
    fn zero_requests_are_no_limit() {
        assert_eq!(config(&["--web.max-requests=0"]).max_requests, None);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        const CASES: &[(&[&str], &str)] = &[
            (
                &["--web.telemetry-path=/-/ready"],
                "conflict: --web.telemetry-path: paths below /-/ are the server's own",
            ),
            (&["--app.name=web"], "conflict: --app.name: there is no command to name"),
            (
                &["--once", "--", "sh"],
                "conflict: --once: prints and exits, and cannot run a command (\"sh\")",
            ),
            (
                &["--app.stay"],
                "conflict: --app.stay: it is about the applications of a --config.file",
            ),
            (
                &["--app.stay", "--config.file=f", "--", "sh"],
                "conflict: --app.stay: it is about the applications of a --config.file",
            ),
            (&["--config.check"], "conflict: --config.check: there is no --config.file to check"),
        ];
        for (words, expected) in CASES {
            let error = parse(words.iter().map(OsString::from), &COLLECTORS).unwrap_err();
            assert_eq!(error.to_string(), *expected);
        }
    }

    #[test]
    fn version_is_one_line() {
        let line = version_line();
        assert!(line.starts_with(&format!("promlet, version {VERSION} (")), "{line}");
        assert!(line.ends_with(")\n") && line.lines().count() == 1, "{line}");
    }
}
