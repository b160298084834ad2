//! Starting the application.

use std::fmt;
use std::io;
use std::process::Command;

use super::Application;
use crate::sys::error::plain;
use crate::sys::process::{self, Foreground};

/// The variables by which systemd hands sockets to promlet (sd_listen_fds(3)); they are not the
/// application's, and their descriptors are not open there.
const SOCKET_ACTIVATION: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// The application could not be started.
#[derive(Debug)]
pub struct SpawnError {
    program: String,
    source: io::Error,
}

impl SpawnError {
    /// What a shell would exit with: 127 for a command that is not found, 126 for one that cannot
    /// be executed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.source.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start {}: {}", self.program, plain(&self.source))
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Starts the application and returns the id of its first process, which is also its group's.
///
/// When this returns the program has been executed, so a signal forwarded now meets the
/// application and not what promlet does between fork and exec.
pub(super) fn spawn(application: &Application) -> Result<i32, SpawnError> {
    let mut command = Command::new(&application.launch.program);
    command.args(&application.launch.args);
    for variable in SOCKET_ACTIVATION {
        command.env_remove(variable);
    }
    let terminal = process::is_terminal_foreground();
    process::isolate(&mut command, if terminal { Foreground::Take } else { Foreground::Leave });
    match command.spawn() {
        // Dropping the handle neither waits nor kills: the loop reaps.
        Ok(child) => Ok(child.id() as i32),
        Err(source) => {
            Err(SpawnError { program: format!("{:?}", application.launch.program), source })
        }
    }
}
