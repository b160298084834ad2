//! Starting an application, and the commands of its health check.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::{Application, COOKIE, Identity, Launch, Limits, Output};
use crate::sys::error::plain;
use crate::sys::isolation::{Isolation, Session, isolate};
use crate::sys::process;

/// The variables by which systemd hands sockets to promlet (sd_listen_fds(3)); they are not the
/// application's, and their descriptors are not open there.
const SOCKET_ACTIVATION: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// The mode of a new output file: its owner writes, its group reads.
const OUTPUT_FILE_MODE: u32 = 0o640;

/// The application could not be started.
#[derive(Debug)]
pub struct SpawnError {
    program: OsString,
    directory: Option<PathBuf>,
    /// Whom it was to run as and with which limits, where that may have been refused.
    identity: Option<Identity>,
    has_limits: bool,
    source: io::Error,
}

impl SpawnError {
    /// What a shell would exit with: 127 for a command that is not found, 126 for one that cannot
    /// be executed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.source.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
    }

    /// The same as a status.
    pub(super) fn status(&self) -> ExitStatus {
        ExitStatus::from_raw(i32::from(self.exit_code()) << 8)
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start {:?}", self.program)?;
        if let Some(directory) = &self.directory {
            write!(f, " in {directory:?}")?;
        }
        if let Some(Identity { uid, gid, .. }) = &self.identity {
            match uid {
                Some(uid) => write!(f, " as user {uid} and group {gid}")?,
                None => write!(f, " as group {gid}")?,
            }
        }
        if self.has_limits {
            f.write_str(" with its limits")?;
        }
        write!(f, ": {}", plain(&self.source))
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// What promlet is to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stead {
    /// Its stand-in: the child has the terminal, the standard input and the environment.
    Shell,
    /// One of several children, in a session of its own, with its name in the environment.
    Service,
}

/// Starts the application; the id of its first process is also its group's.
///
/// When this returns the program has been executed, so a signal forwarded now meets the
/// application and not what promlet does between fork and exec.
pub(super) fn spawn(application: &Application, stead: Stead) -> Result<Child, SpawnError> {
    let launch = &application.launch;
    let mut command = command(application, &launch.program, &launch.args, stead);
    let spawned = match &launch.output {
        Output::Inherit => Ok(()),
        Output::File(path) => open_output(path).and_then(|file| {
            command.stdout(file.try_clone()?).stderr(file);
            Ok(())
        }),
        Output::Prefixed => {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            Ok(())
        }
    };
    // Dropping the handle neither waits nor kills: the loop reaps.
    spawned.and_then(|()| command.spawn()).map_err(|source| failure(launch, source))
}

/// Starts a command of the health check: as the application is, but for its output.
pub(super) fn spawn_probe(
    application: &Application,
    words: &[OsString],
) -> Result<Child, SpawnError> {
    let (program, args) = words.split_first().expect("a check has a command");
    let mut command = command(application, program, args, Stead::Service);
    let null = || File::options().write(true).open("/dev/null");
    // Where there is none, it speaks where promlet does.
    if let (Ok(stdout), Ok(stderr)) = (null(), null()) {
        command.stdout(stdout).stderr(stderr);
    }
    command.spawn().map_err(|source| SpawnError {
        program: program.clone(),
        directory: None,
        identity: None,
        has_limits: false,
        source,
    })
}

fn command(
    application: &Application,
    program: &OsString,
    args: &[OsString],
    stead: Stead,
) -> Command {
    let launch = &application.launch;
    let mut command = Command::new(program);
    command.args(args);
    for variable in SOCKET_ACTIVATION {
        command.env_remove(variable);
    }
    let variables = launch.environment.iter();
    command.envs(variables.map(|(name, value)| (name, value)));
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    let session = match stead {
        Stead::Service => {
            command.env(COOKIE, &application.name);
            // Where there is no /dev/null, promlet's own is as good.
            command.stdin(File::open("/dev/null").map_or_else(|_| Stdio::inherit(), Stdio::from));
            Session::Own
        }
        Stead::Shell if process::is_terminal_foreground() => Session::Foreground,
        Stead::Shell => Session::Background,
    };
    let isolation = Isolation {
        session,
        identity: launch.identity.clone(),
        limits: launch.limits,
        parent_death: application.stop.signal,
    };
    isolate(&mut command, isolation);
    command
}

fn failure(launch: &Launch, source: io::Error) -> SpawnError {
    let is_missing = |directory: &&PathBuf| !directory.is_dir();
    let directory = launch.directory.as_ref().filter(is_missing).cloned();
    let is_refused = source.kind() == io::ErrorKind::PermissionDenied;
    SpawnError {
        program: launch.program.clone(),
        directory,
        identity: launch.identity.clone().filter(|_| is_refused),
        has_limits: is_refused && launch.limits != Limits::default(),
        source,
    }
}

/// Opens a file for the output of a child, at its end.
fn open_output(path: &Path) -> io::Result<File> {
    // Opening one without a reader would wait for it.
    if path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return Err(io::Error::other(format!("{} is a named pipe", path.display())));
    }
    let open = OpenOptions::new().append(true).create(true).mode(OUTPUT_FILE_MODE).open(path);
    open.map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {}", path.display(), plain(&error)))
    })
}
