//! How supervising ends: the exit code of promlet, and what kept it from supervising.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::child::SpawnError;
use crate::sys::error::plain;
use crate::sys::signal::Signal;

/// What a shell adds to the number of the signal that ended a program.
const SIGNAL_CODE_BASE: i32 = 128;

/// Why [`super::Supervisor::run`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// This signal asked promlet to stop, and nothing that it ran is left.
    Stopped(Signal),
    /// What there was to run has ended for good: the command, with this status; or all applications
    /// of the file, with that of the first one that did not end with 0, if any.
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

/// The same error with what could not be done in front.
pub(super) fn system(what: &'static str) -> impl Fn(io::Error) -> RunError {
    move |error| RunError::System(what, error)
}
