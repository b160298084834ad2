//! What is asked of an application: how it is started, kept up, watched and stopped.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::sys::isolation::{Identity, Limits};
use crate::sys::signal::Signal;

/// The longest time that any of these may say; a longer one counts as this. Nobody waits a day for
/// a stop, and the sum of a time and a `Duration` must not overflow.
pub const TIME_MAX: Duration = Duration::from_secs(86_400);

/// An application to run: what the command line says after `--`, or a section of the configuration
/// file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// What metrics and log call it; no two have the same.
    pub name: String,
    /// Whether it is to run at all.
    pub enabled: bool,
    /// What its processes start with. A change of it takes effect by a restart, and only of it.
    pub launch: Launch,
    /// The names of those that must be up before it is started.
    pub after: Vec<String>,
    /// What happens when it ends by itself.
    pub restart: Restart,
    /// How it is told to stop.
    pub stop: Stop,
    /// How it is found out whether it does its work, if at all.
    pub health: Option<HealthCheck>,
}

/// What a process starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program: a path, or a name to be looked for in `PATH`.
    pub program: OsString,
    /// Its arguments, passed on byte for byte.
    pub args: Vec<OsString>,
    /// The working directory; promlet's own where there is none.
    pub directory: Option<PathBuf>,
    /// Variables on top of promlet's own environment; later ones win.
    pub environment: Vec<(String, String)>,
    /// Whom it runs as; promlet's own user and group where there is none.
    pub identity: Option<Identity>,
    /// What a process may have at most.
    pub limits: Limits,
    /// Where its standard output and error go.
    pub output: Output,
}

/// Where standard output and error go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Where promlet's own go.
    Inherit,
    /// To the end of this file, which is made if need be.
    File(PathBuf),
    /// Where promlet's own go, line by line, with the application's name in front.
    Prefixed,
}

/// What happens when an application ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// Whether it is started again.
    pub when: RestartWhen,
    /// How long it takes until then.
    pub backoff: Backoff,
    /// When it is given up; never if `None`.
    pub limit: Option<RestartLimit>,
}

/// After which ends an application is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartWhen {
    /// After every one.
    Always,
    /// Unless it ended with status 0.
    OnFailure,
    /// After none.
    Never,
}

/// How long it takes until an application is started again: `initial`, and `factor` times as long
/// after each end that follows, up to `max`. Who has run for `max` begins with `initial` again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub initial: Duration,
    /// The longest wait.
    pub max: Duration,
    /// By how much the wait grows each time.
    pub factor: u32,
}

/// So many restarts within this time, and the next end is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartLimit {
    /// At least 1.
    pub restarts: u32,
    /// The time that is looked back.
    pub window: Duration,
}

/// How an application is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// What its first process is sent.
    pub signal: Signal,
    /// How long it may take from then until its whole tree is killed.
    pub timeout: Duration,
}

/// How it is found out whether an application does its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked.
    pub probe: Probe,
    /// How long from one answer to the next question.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How many failures in a row make an application unhealthy.
    pub threshold: u32,
    /// For how long after a start failures do not count, unless one check has passed.
    pub start_period: Duration,
    /// What follows when it is unhealthy.
    pub action: HealthAction,
}

/// One question of a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A program with its arguments, started like the application; healthy if it ends with 0.
    Command(Vec<OsString>),
    /// Healthy if a connection is accepted.
    Tcp(SocketAddr),
    /// Healthy if a GET is answered with status 200 to 399.
    Http {
        /// Where the server listens.
        address: SocketAddr,
        /// What is asked for, from the first slash on.
        path: String,
    },
}

/// What follows when an application is unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthAction {
    /// It is shown in log and metrics.
    Report,
    /// It is stopped, and that counts as an end with a failure.
    Restart,
}

impl Application {
    /// The short form: one command that is run once, with promlet's own environment and output.
    #[must_use]
    pub fn once(
        name: String,
        program: OsString,
        args: Vec<OsString>,
        stop_timeout: Duration,
    ) -> Self {
        let launch = Launch {
            program,
            args,
            directory: None,
            environment: Vec::new(),
            identity: None,
            limits: Limits::default(),
            output: Output::Inherit,
        };
        let backoff = Backoff { initial: Duration::ZERO, max: Duration::ZERO, factor: 1 };
        Self {
            name,
            enabled: true,
            launch,
            after: Vec::new(),
            restart: Restart { when: RestartWhen::Never, backoff, limit: None },
            stop: Stop { signal: Signal::TERM, timeout: stop_timeout },
            health: None,
        }
    }
}
