//! Programs under test and beside it: started, watched by their output, gone when dropped.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::DEADLINE;
use super::client::{Client, Response};

/// How long a dropped process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(6);

/// A started program whose standard output and error are read, line by line, as they come.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Process {
    /// Starts the program with nothing on its standard input.
    pub(crate) fn spawn(command: &mut Command) -> Process {
        Process::spawn_with_input(command, Stdio::null())
    }

    /// Starts the program with `input` as its standard input.
    pub(crate) fn spawn_with_input(command: &mut Command, input: Stdio) -> Process {
        let spawned = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, lines) = channel();
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|output| Box::new(output) as _),
            child.stderr.take().map(|output| Box::new(output) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                // The pipe is read to its end even when nobody listens: a full one would stop the
                // program.
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _nobody_listens = sender.send(line);
                }
            });
        }
        Process { child, lines, seen: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first line to come of which `find` makes something.
    ///
    /// # Panics
    /// With all output so far, where none comes within [`DEADLINE`] or the output ends.
    pub(crate) fn wait_for_line<T>(&mut self, mut find: impl FnMut(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = find(&line);
                    self.seen.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(cause) => panic!("{cause} for a line of output; came: {:#?}", self.seen),
            }
        }
    }

    /// The address on loopback with a port that the program says it listens on.
    pub(crate) fn wait_for_address(&mut self) -> SocketAddr {
        self.wait_for_line(loopback_address)
    }

    /// All lines of output so far.
    pub(crate) fn output(&mut self) -> &[String] {
        self.seen.extend(self.lines.try_iter());
        &self.seen
    }

    /// Sends a signal by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of that name is not everywhere.
        let kill = format!("kill -{name} {}", self.pid());
        let status =
            Command::new("/bin/sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(status.success(), "{kill}: {status}");
    }

    /// Waits until the program has closed its output, and returns how it ended.
    ///
    /// # Panics
    /// Where that takes longer than [`DEADLINE`].
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let ended = self.wait_until_silent(DEADLINE);
        assert!(ended, "still running after {DEADLINE:?}; said: {:#?}", self.seen);
        self.child.wait().expect("the child is ours to wait for")
    }

    /// Waits for the end of both outputs, which comes with the end of the last process that has
    /// them.
    fn wait_until_silent(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

impl Drop for Process {
    /// Asks the program to end, so that it takes its own children along, and kills it in the end.
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.signal("TERM");
        if !self.wait_until_silent(GRACE) {
            eprintln!("process {} does not end on SIGTERM: killed", self.pid());
            self.child.kill().expect("a child that was not waited for can be killed");
        }
        self.child.wait().expect("the child is ours to wait for");
    }
}

/// The binary under test, serving on a loopback port of its own.
pub(crate) struct Promlet {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Promlet {
    /// Starts it with these arguments behind those for the address, and waits until it serves.
    pub(crate) fn start(args: &[&str]) -> Promlet {
        Promlet::started_by(Command::new(binary()), args)
    }

    /// The same where `command` is what comes in front of the arguments: the binary, or a program
    /// that ends in executing it.
    pub(crate) fn started_by(mut command: Command, args: &[&str]) -> Promlet {
        let command = command.arg("--web.listen-address=127.0.0.1:0").args(args);
        let mut process = Process::spawn(command);
        let address = process.wait_for_address();
        Promlet { process, address }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address).expect("it listens")
    }

    /// One answer over a connection of its own.
    pub(crate) fn get(&self, target: &str) -> Response {
        self.client().get(target).expect("it answers")
    }
}

/// Copies the binary for one who is to execute it from elsewhere. By a program of its own: a file that
/// this process has open for writing could not be executed while a child that was just forked for
/// another test has it too.
pub(crate) fn copy_binary(to: &Path) {
    let copied = Command::new("cp").arg(binary()).arg(to).status();
    assert!(copied.expect("there is cp").success(), "cannot copy to {}", to.display());
}

/// The binary that Cargo built with the tests, or the one that `PROMLET_TEST_BINARY` names: CI
/// runs some of the tests on the release build.
pub(crate) fn binary() -> OsString {
    std::env::var_os("PROMLET_TEST_BINARY")
        .unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_promlet")))
}

fn loopback_address(line: &str) -> Option<SocketAddr> {
    let start = line.find("127.0.0.1:")?;
    let text = &line[start..];
    let end = text.find(|char: char| !char.is_ascii_digit() && !".:".contains(char));
    let address: SocketAddr = text[..end.unwrap_or(text.len())].parse().ok()?;
    (address.port() != 0).then_some(address)
}
