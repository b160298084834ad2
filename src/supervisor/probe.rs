//! One health check under way: a command, or a connection.

use std::io;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Instant;

use super::{Application, HealthCheck, Probe, TIME_MAX, child, tree};
use crate::sys::epoll::{Epoll, Interest};
use crate::sys::process::Target;
use crate::sys::signal::Signal;
use crate::sys::socket::Socket;

/// The tokens of probes begin here, far above those of the outputs.
pub(super) const FIRST_TOKEN: u64 = 1 << 62;

/// As much of an answer as has its status in it: `HTTP/1.1 200`.
const STATUS_BYTES: usize = 12;

/// How much of an answer is read to be polite: a server may log it as an error when its client goes
/// before it has sent all.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How much is read at once.
const READ_BYTES: usize = 4096;

/// A check that has begun and not ended.
#[derive(Debug)]
pub(super) struct Ongoing {
    /// When it has failed for taking too long.
    pub(super) deadline: Instant,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// The command's process, until it is reaped.
    Command(i32),
    Connection {
        socket: Socket,
        token: u64,
        /// What is to be sent once it is connected; for a check of TCP nothing.
        request: Vec<u8>,
        /// As much of the answer as has come, once the request was sent.
        answer: Option<Answer>,
    },
}

/// What has come of an answer.
#[derive(Debug, Default)]
struct Answer {
    /// Its beginning, up to the status.
    head: Vec<u8>,
    /// Whether the status is there and says that all is well.
    is_good: bool,
    received_bytes: usize,
}

impl Answer {
    /// Reads what has come; whether that is the end.
    fn receive(&mut self, socket: &Socket) -> io::Result<bool> {
        let mut buffer = [0; READ_BYTES];
        let received = match socket.receive(&mut buffer) {
            Err(error) if self.is_good && error.kind() != io::ErrorKind::WouldBlock => 0,
            received => received?,
        };
        self.received_bytes += received;
        if self.is_good {
            return Ok(received == 0 || self.received_bytes >= ANSWER_BYTES_MAX);
        }
        let wanted = STATUS_BYTES - self.head.len();
        self.head.extend_from_slice(&buffer[..received.min(wanted)]);
        match parse_status(&self.head) {
            Some(200..=399) => self.is_good = true,
            Some(status) => {
                return Err(io::Error::other(format!("it answers with status {status}")));
            }
            None if received == 0 || self.head.len() == STATUS_BYTES => {
                return Err(io::Error::other("it does not answer in HTTP"));
            }
            None => {}
        }
        Ok(false)
    }
}

impl Ongoing {
    /// Begins a check. Its descriptor is watched with `token`.
    pub(super) fn begin(
        application: &Application,
        rules: &HealthCheck,
        token: u64,
        epoll: &Epoll,
    ) -> Result<Ongoing, String> {
        let deadline = Instant::now() + rules.timeout.min(TIME_MAX);
        let connect = |address: &SocketAddr, request: String| {
            let socket = Socket::connect_tcp(*address)?;
            epoll.add(&socket, token, Interest::Write)?;
            Ok(Way::Connection { socket, token, request: request.into_bytes(), answer: None })
        };
        let way = match &rules.probe {
            Probe::Command(words) => child::spawn_probe(application, words)
                .map(|child| Way::Command(child.id() as i32))
                .map_err(|error| error.to_string()),
            Probe::Tcp(address) => connect(address, String::new()).map_err(|e| said(&e)),
            Probe::Http { address, path } => connect(
                address,
                format!(
                    "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: promlet\r\n\
                     Connection: close\r\n\r\n"
                ),
            )
            .map_err(|error| said(&error)),
        };
        Ok(Ongoing { deadline, way: way? })
    }

    /// Whether this is its command's process.
    pub(super) fn is_command(&self, pid: i32) -> bool {
        matches!(self.way, Way::Command(command) if command == pid)
    }

    /// Whether this is what its descriptor is watched with.
    pub(super) fn has_token(&self, token: u64) -> bool {
        matches!(self.way, Way::Connection { token: own, .. } if own == token)
    }

    /// Goes on where its descriptor is ready: the end of the check, if it has come.
    pub(super) fn advance(&mut self, epoll: &Epoll) -> Option<Result<(), String>> {
        match self.step(epoll) {
            Ok(is_over) => is_over.then_some(Ok(())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(Err(said(&error))),
        }
    }

    fn step(&mut self, epoll: &Epoll) -> io::Result<bool> {
        let Way::Connection { socket, token, request, answer } = &mut self.way else {
            return Ok(false);
        };
        if let Some(answer) = answer {
            return answer.receive(socket);
        }
        socket.connected()?;
        if request.is_empty() {
            return Ok(true);
        }
        // A few hundred bytes fit the buffer of a new connection.
        if socket.send(&[io::IoSlice::new(request)])? < request.len() {
            return Err(io::Error::other("it takes no request"));
        }
        epoll.modify(&*socket, *token, Interest::Read)?;
        *answer = Some(Answer::default());
        Ok(false)
    }

    /// Whether there was an answer before the deadline that only had no end.
    pub(super) fn is_answered(&self) -> bool {
        matches!(&self.way, Way::Connection { answer: Some(answer), .. } if answer.is_good)
    }

    /// Ends a check before its time: a command and what it has started are killed.
    pub(super) fn abandon(self) {
        if let Way::Command(pid) = self.way {
            tree::signal_one(Signal::KILL, Target::Group(pid));
        }
    }
}

/// What the end of its command says.
pub(super) fn verdict(status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("the command ended with {status}")) }
}

/// The status in `HTTP/1.x NNN`.
fn parse_status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(2..5).filter(|_| rest[1] == b' ')?;
    let is_number = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

fn said(error: &io::Error) -> String {
    crate::sys::error::plain(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        const CASES: &[(&[u8], Option<u16>)] = &[
            (b"HTTP/1.1 200", Some(200)),
            (b"HTTP/1.0 503", Some(503)),
            (b"HTTP/1.1 20", None),
            (b"HTTP/1.1 +20", None),
            (b"HTTP/1.12200", None),
            (b"HTTP/2.0 200", None),
            (b"SSH-2.0-x   ", None),
            (b"", None),
        ];
        for (answer, status) in CASES {
            assert_eq!(parse_status(answer), *status, "{}", answer.escape_ascii());
        }
    }
}
