//! The loop of the main thread: wait for a signal, reap, step, act.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::child::{self, SpawnError};
use super::policy::{self, Action, Event, State};
use super::signals::{self, Signals};
use super::{AppStatus, Application, tree};
use crate::log;
use crate::sys::error::plain;
use crate::sys::process::{self, Reap, Target};
use crate::sys::signal::Signal;

/// How many children are reaped before signals are looked at again. A fork bomb below must not
/// keep a TERM waiting; the number only has to be large beside the cost of one wait.
const REAP_BATCH_MAX: usize = 256;

/// What a shell adds to the number of the signal that ended a program.
const SIGNAL_CODE_BASE: i32 = 128;

/// Why [`run`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is no application, and this signal asked promlet to stop.
    Stopped(Signal),
    /// The application has ended so, and nothing of its process tree is left.
    Ended(ExitStatus),
}

impl Outcome {
    /// What promlet exits with: 0 when it was stopped, else what the application did.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Stopped(_) => 0,
            Self::Ended(status) => shell_code(status),
        }
    }
}

/// A status as shells show it: the exit code, or 128 + n for signal n.
pub(super) fn shell_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|n| SIGNAL_CODE_BASE + n));
    // Exit codes have 8 bits and signals 7, and a child that was reaped has one of the two.
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// The application could not be run.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// It could not be started.
    Spawn(SpawnError),
    /// The kernel refused what supervising needs.
    System(&'static str, io::Error),
}

impl RunError {
    /// What promlet exits with: 126 or 127 as a shell does, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Spawn(error) => error.exit_code(),
            Self::System(..) => 1,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn(error) => error.fmt(f),
            Self::System(what, error) => write!(f, "{what}: {}", plain(error)),
        }
    }
}

impl std::error::Error for RunError {}

/// Runs the application to its end or, without one, waits to be told to stop.
///
/// To be called on the main thread. When it returns it is time to stop the rest: the exporter
/// serves until then, so that the last scrapes see the application stop. Signals stay blocked, so
/// a second TERM does not cut the answers short; the caller owes an end in bounded time.
///
/// # Errors
///
/// The application cannot be started, or the kernel refuses what supervising needs.
pub fn run(
    signals: &Signals,
    application: Option<&Application>,
    status: &AppStatus,
) -> Result<Outcome, RunError> {
    match application {
        Some(application) => Supervision::start(signals, application, status)?.run(),
        None => wait_to_stop(signals),
    }
}

/// Without an application there still may be orphans, when promlet is PID 1 and somebody executes
/// commands in its container.
fn wait_to_stop(signals: &Signals) -> Result<Outcome, RunError> {
    loop {
        match wait(signals, None)? {
            Some(signal) if signals::is_stopping(signal) => return Ok(Outcome::Stopped(signal)),
            _ => while let Reap::Ended { .. } = reap()? {},
        }
    }
}

/// One application in the loop's hands.
struct Supervision<'a> {
    signals: &'a Signals,
    application: &'a Application,
    status: &'a AppStatus,
    /// The application's first process, until it is reaped: from then on the id may be another's.
    pid: Option<i32>,
    state: State,
}

impl<'a> Supervision<'a> {
    fn start(
        signals: &'a Signals,
        application: &'a Application,
        status: &'a AppStatus,
    ) -> Result<Self, RunError> {
        if !process::is_init() {
            process::become_subreaper()
                .map_err(|error| RunError::System("cannot become a subreaper", error))?;
        }
        let pid = child::spawn(application).map_err(RunError::Spawn)?;
        status.record_start(pid);
        log::info("application started", &[("application", &application.name), ("pid", &pid)]);
        Ok(Self { signals, application, status, pid: Some(pid), state: State::Running })
    }

    fn run(mut self) -> Result<Outcome, RunError> {
        loop {
            let event = self.next_event()?;
            let (state, action) =
                policy::step(self.state, event, Instant::now(), self.application.stop.timeout);
            self.enter(state);
            if let Action::Finish(status) = action {
                // It was sent a KILL and is stuck in the kernel; that is how it will end.
                let status = status.unwrap_or(ExitStatus::from_raw(Signal::KILL.number()));
                log::info(
                    "application ended",
                    &[("application", &self.application.name), ("status", &shell_code(status))],
                );
                return Ok(Outcome::Ended(status));
            }
            self.act(action);
        }
    }

    /// Reaps what has ended, then waits for a signal or for time to pass.
    fn next_event(&mut self) -> Result<Event, RunError> {
        let deadline = policy::deadline(self.state);
        // In the past, should the batch end before the children do: then the wait is only a look.
        let mut wait_until = Some(Instant::now());
        for _ in 0..REAP_BATCH_MAX {
            match reap()? {
                Reap::Ended { pid, status, cpu } => {
                    self.status.record_reaped(cpu);
                    if self.pid.take_if(|first| *first == pid).is_some() {
                        self.status.record_end(status);
                        return Ok(Event::Ended(status));
                    }
                }
                Reap::NoChild => return Ok(Event::NoChild),
                Reap::AllAlive => {
                    wait_until = deadline;
                    break;
                }
            }
        }
        let now = Instant::now();
        // Looked at before the queue, or a stream of signals would keep off what is due.
        if deadline.is_some_and(|at| at <= now) {
            return Ok(Event::Tick);
        }
        let timeout = wait_until.map(|at| at.saturating_duration_since(now));
        Ok(match wait(self.signals, timeout)? {
            Some(Signal::CHLD) | None => Event::Tick,
            Some(signal) => Event::Signal(signal),
        })
    }

    fn enter(&mut self, state: State) {
        let was_killing = matches!(self.state, State::Killing { .. });
        if matches!(state, State::Killing { .. }) && !was_killing {
            let fields: log::Fields<'_> = &[("application", &self.application.name)];
            log::warn("killing what did not stop in time", fields);
        }
        self.state = state;
    }

    fn act(&self, action: Action) {
        match action {
            Action::Nothing | Action::Finish(_) => {}
            Action::Forward(signal) => {
                log::debug("signal forwarded", &[("signal", &signal)]);
                if let Some(pid) = self.pid {
                    tree::signal_one(signal, Target::Process(pid));
                }
            }
            Action::TerminateTree => tree::signal_all(Signal::TERM, self.pid),
            Action::KillTree => tree::signal_all(Signal::KILL, self.pid),
        }
    }
}

fn wait(signals: &Signals, timeout: Option<Duration>) -> Result<Option<Signal>, RunError> {
    signals.wait(timeout).map_err(|error| RunError::System("cannot wait for signals", error))
}

fn reap() -> Result<Reap, RunError> {
    process::reap().map_err(|error| RunError::System("cannot wait for children", error))
}
