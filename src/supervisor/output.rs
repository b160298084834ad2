//! Standard output and error of applications, line by line, with their names in front.
//!
//! ```text
//! application ── pipe ──> Lines: whole lines ──> Sink: a queue of bounded length ──> promlet's own
//! ```
//!
//! An application never waits for who reads promlet's output: its pipes are always emptied, and
//! what the queue has no room for is dropped, counted, and said in the output itself.

mod lines;
mod sink;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::Arc;
use std::time::Instant;

use super::AppStatus;
use crate::sys::epoll::{Epoll, Interest};
use crate::sys::output::never_wait;
use lines::Lines;
use sink::Sink;

/// How much is read from one pipe before others have their turn: a pipe holds so much.
const TURN_BYTES: usize = 64 * 1024;

/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;

/// The tokens of the sinks; those of the pipes follow.
const SINK_TOKENS: [u64; 2] = [1, 2];
const FIRST_PIPE_TOKEN: u64 = 3;

/// All pipes that are read, and where their lines go.
pub(super) struct Outputs {
    pipes: Vec<Pipe>,
    /// Standard output and standard error, once there is something to write.
    sinks: [Option<Sink>; 2],
    next_token: u64,
}

/// One output of an application.
struct Pipe {
    token: u64,
    file: File,
    lines: Lines,
    sink: usize,
    status: Arc<AppStatus>,
    /// How many lines were dropped since one was written.
    dropped: u64,
}

impl Outputs {
    pub(super) fn new() -> Outputs {
        Outputs { pipes: Vec::new(), sinks: [None, None], next_token: FIRST_PIPE_TOKEN }
    }

    /// Reads the outputs of `child` from here on, if they are pipes.
    pub(super) fn add(
        &mut self,
        child: &mut Child,
        status: &Arc<AppStatus>,
        epoll: &Epoll,
    ) -> io::Result<()> {
        let outputs =
            [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
        for (sink, output) in outputs.into_iter().enumerate() {
            let Some(output) = output else { continue };
            let file = never_wait(output)?;
            // Far from wrapping, or from the tokens of health checks.
            let token = self.next_token;
            self.next_token += 1;
            epoll.add(&file, token, Interest::Read)?;
            if self.sinks[sink].is_none() {
                self.sinks[sink] = Some(Sink::new(sink, SINK_TOKENS[sink])?);
            }
            status.record_pipe();
            let (lines, status) = (Lines::default(), Arc::clone(status));
            self.pipes.push(Pipe { token, file, lines, sink, status, dropped: 0 });
        }
        Ok(())
    }

    /// Acts upon a descriptor that is ready, if it is one of these.
    pub(super) fn handle(&mut self, token: u64, epoll: &Epoll) {
        if let Some(sink) = SINK_TOKENS.iter().position(|sink| *sink == token) {
            if let Some(sink) = &mut self.sinks[sink] {
                sink.flush(epoll);
            }
        } else if let Some(index) = self.pipes.iter().position(|pipe| pipe.token == token) {
            let is_open = self.read(index, epoll);
            if !is_open {
                self.pipes.swap_remove(index);
            }
        }
    }

    /// Reads what is left in the pipes of an application of which nothing is left, and closes them.
    pub(super) fn close(&mut self, status: &Arc<AppStatus>, epoll: &Epoll) {
        for index in (0..self.pipes.len()).rev() {
            if Arc::ptr_eq(&self.pipes[index].status, status) {
                // More than a turn can only come from who was given up and still writes.
                if self.read(index, epoll) {
                    self.end(index, epoll);
                }
                self.pipes.swap_remove(index);
            }
        }
    }

    /// Writes what is queued until `deadline`, to be called once nothing more comes.
    pub(super) fn finish(&mut self, deadline: Instant) {
        for sink in self.sinks.iter_mut().flatten() {
            sink.finish(deadline);
        }
    }

    /// Reads one turn of a pipe; whether it is still open.
    fn read(&mut self, index: usize, epoll: &Epoll) -> bool {
        let mut buffer = [0; READ_BYTES];
        let mut read = 0;
        while read < TURN_BYTES {
            match self.pipes[index].file.read(&mut buffer) {
                Ok(0) => {
                    self.end(index, epoll);
                    return false;
                }
                Ok(count) => {
                    read += count;
                    self.push(index, &buffer[..count], epoll);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nothing more for now; there is no other error of a pipe.
                Err(_) => break,
            }
        }
        true
    }

    fn push(&mut self, index: usize, bytes: &[u8], epoll: &Epoll) {
        let Pipe { lines, sink, status, dropped, .. } = &mut self.pipes[index];
        let Some(sink) = &mut self.sinks[*sink] else { return };
        lines.push(bytes, |line| write_line(sink, status, dropped, line));
        sink.flush(epoll);
    }

    /// Writes the last line, which has no end.
    fn end(&mut self, index: usize, epoll: &Epoll) {
        let Pipe { lines, sink, status, dropped, .. } = &mut self.pipes[index];
        let Some(sink) = &mut self.sinks[*sink] else { return };
        lines.end(|line| write_line(sink, status, dropped, line));
        say_dropped(sink, status, dropped);
        sink.flush(epoll);
    }
}

/// Queues a line, and what was dropped before it; or counts it as dropped.
fn write_line(sink: &mut Sink, status: &Arc<AppStatus>, dropped: &mut u64, line: &[u8]) {
    let note = note(status, *dropped);
    if sink.push(status, &[&note, status.name().as_bytes(), b": ", line, b"\n"]) {
        *dropped = 0;
    } else {
        *dropped += 1;
        status.record_dropped_lines(1);
    }
}

/// Says what was dropped at the end of an output, where no line follows.
fn say_dropped(sink: &mut Sink, status: &Arc<AppStatus>, dropped: &mut u64) {
    let note = note(status, *dropped);
    if !note.is_empty() && sink.push_note(status, &note) {
        *dropped = 0;
    }
}

/// That so many lines were dropped; nothing if none was.
fn note(status: &AppStatus, dropped: u64) -> Vec<u8> {
    match dropped {
        0 => Vec::new(),
        _ => format!("{}: [promlet dropped {dropped} lines]\n", status.name()).into_bytes(),
    }
}
