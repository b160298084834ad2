//! A queue of bounded length in front of one of promlet's own outputs.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use crate::sys::epoll::{Epoll, Events, Interest};
use crate::sys::output::{ATOMIC_BYTES, Output};

/// How much may wait for who reads: as much as four pipes hold. More waits for nobody.
const QUEUE_BYTES_MAX: usize = 256 * 1024;

/// How much more may wait if it says what was dropped: a thousand notes.
const NOTES_BYTES_MAX: usize = 64 * 1024;

/// Lines on their way to standard output or error.
pub(super) struct Sink {
    output: Output,
    token: u64,
    queue: VecDeque<u8>,
    /// Whether it is watched for room.
    is_watched: bool,
}

impl Sink {
    /// The queue of standard output (0) or standard error (1); it is watched with `token`.
    pub(super) fn new(which: usize, token: u64) -> io::Result<Sink> {
        let output =
            if which == 0 { Output::new(io::stdout())? } else { Output::new(io::stderr())? };
        Ok(Sink { output, token, queue: VecDeque::new(), is_watched: false })
    }

    /// Queues the parts of a line; `false` if there is no room for all of them.
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> bool {
        self.push_up_to(QUEUE_BYTES_MAX, parts)
    }

    /// The same for a note that lines were dropped, which is to have room where they had none.
    pub(super) fn push_note(&mut self, note: &[u8]) -> bool {
        self.push_up_to(QUEUE_BYTES_MAX + NOTES_BYTES_MAX, &[note])
    }

    fn push_up_to(&mut self, bytes_max: usize, parts: &[&[u8]]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let has_room = self.queue.len() + length <= bytes_max;
        if has_room {
            parts.iter().for_each(|part| self.queue.extend(*part));
        }
        has_room
    }

    /// Writes what is taken at once, and has the rest watched.
    pub(super) fn flush(&mut self, epoll: &Epoll) {
        let is_waiting = self.write();
        if is_waiting != self.is_watched {
            let changed = if is_waiting {
                epoll.add(&self.output, self.token, Interest::Write)
            } else {
                epoll.remove(&self.output)
            };
            // What cannot be watched is tried again with the next line.
            self.is_watched = changed.is_ok() && is_waiting;
        }
    }

    /// Writes until nothing is left or the deadline has come.
    pub(super) fn finish(&mut self, deadline: Instant) {
        let Ok(epoll) = Epoll::new() else { return };
        let mut events = Events::with_capacity(1);
        self.is_watched = false;
        self.flush(&epoll);
        while self.is_watched {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO || epoll.wait(&mut events, Some(left)).is_err() {
                return;
            }
            self.flush(&epoll);
        }
    }

    /// Writes what is taken at once; whether something is left.
    fn write(&mut self) -> bool {
        while !self.queue.is_empty() {
            let batch = whole_lines(self.queue.make_contiguous());
            match self.output.write(batch) {
                Ok(count) => drop(self.queue.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nobody reads any more, or the disk is full: as it is with promlet's own lines.
                Err(_) => self.queue.clear(),
            }
        }
        false
    }
}

/// As many lines as are written whole or not at all; or else what there is of one.
fn whole_lines(queue: &[u8]) -> &[u8] {
    let batch = &queue[..queue.len().min(ATOMIC_BYTES)];
    match batch.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => &batch[..=end],
        None => batch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_not_cut_where_they_need_not_be() {
        assert_eq!(whole_lines(b"a\nb\nc"), b"a\nb\n");
        assert_eq!(whole_lines(b"abc"), b"abc");
        let long = [&[b'x'; ATOMIC_BYTES - 1][..], b"\n", b"y\n"].concat();
        assert_eq!(whole_lines(&long).len(), ATOMIC_BYTES);
    }
}
