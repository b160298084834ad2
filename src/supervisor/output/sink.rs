//! A queue of bounded length in front of one of promlet's own outputs.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::AppStatus;
use crate::log;
use crate::sys::epoll::{Epoll, Events, Interest};
use crate::sys::error::plain;
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
    /// Whose the lines in the queue are: the bytes of each in a row.
    owners: VecDeque<(Arc<AppStatus>, usize)>,
    /// Whether it is watched for room.
    is_watched: bool,
    /// Whether lines have been lost since some were last written.
    is_losing: bool,
}

impl Sink {
    /// The queue of standard output (0) or standard error (1); it is watched with `token`.
    pub(super) fn new(which: usize, token: u64) -> io::Result<Sink> {
        let output =
            if which == 0 { Output::new(io::stdout())? } else { Output::new(io::stderr())? };
        let (queue, owners) = (VecDeque::new(), VecDeque::new());
        Ok(Sink { output, token, queue, owners, is_watched: false, is_losing: false })
    }

    /// Queues the parts of a line; `false` if there is no room for all of them.
    pub(super) fn push(&mut self, owner: &Arc<AppStatus>, parts: &[&[u8]]) -> bool {
        self.push_up_to(QUEUE_BYTES_MAX, owner, parts)
    }

    /// The same for a note that lines were dropped, which is to have room where they had none.
    pub(super) fn push_note(&mut self, owner: &Arc<AppStatus>, note: &[u8]) -> bool {
        self.push_up_to(QUEUE_BYTES_MAX + NOTES_BYTES_MAX, owner, &[note])
    }

    fn push_up_to(&mut self, bytes_max: usize, owner: &Arc<AppStatus>, parts: &[&[u8]]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.queue.len() + length > bytes_max {
            return false;
        }
        parts.iter().for_each(|part| self.queue.extend(*part));
        match self.owners.back_mut().filter(|(last, _)| Arc::ptr_eq(last, owner)) {
            Some((_, bytes)) => *bytes += length,
            None => self.owners.push_back((Arc::clone(owner), length)),
        }
        true
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
                Ok(count) => {
                    self.is_losing = false;
                    self.take(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nobody reads any more, or the disk is full: as it is with promlet's own lines.
                Err(error) => self.lose(&error),
            }
        }
        false
    }

    /// Takes bytes from the front of the queue that have been written.
    fn take(&mut self, mut count: usize) {
        self.queue.drain(..count);
        while let Some((_, bytes)) = self.owners.front_mut().filter(|_| count > 0) {
            let taken = count.min(*bytes);
            *bytes -= taken;
            count -= taken;
            if *bytes == 0 {
                self.owners.pop_front();
            }
        }
    }

    /// Drops all that is queued, which can never be written, and counts it.
    fn lose(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_losing, true) {
            let fields: log::Fields<'_> = &[("error", &plain(error))];
            log::warn("what applications write is lost", fields);
        }
        for (owner, bytes) in self.owners.drain(..) {
            let lines = self.queue.drain(..bytes).filter(|byte| *byte == b'\n').count();
            owner.record_dropped_lines(lines as u64);
        }
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
    fn what_can_never_be_written_is_counted_for_whose_it_is() {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output::new(&writer).unwrap();
        let (queue, owners) = (VecDeque::new(), VecDeque::new());
        let mut sink =
            Sink { output, token: 1, queue, owners, is_watched: false, is_losing: false };
        let [a, b] = ["a", "b"].map(|name| Arc::new(AppStatus::new(name)));
        assert!(sink.push(&a, &[b"written\n"]) && !sink.write());
        drop(reader);
        for owner in [&a, &b, &b, &a] {
            assert!(sink.push(owner, &[b"lost", b"\n"]));
        }
        assert!(!sink.write() && sink.is_losing);
        assert!(sink.queue.is_empty() && sink.owners.is_empty());
        assert_eq!((a.dropped_lines(), b.dropped_lines()), (2, 2));
    }

    #[test]
    fn written_bytes_are_taken_from_their_owners() {
        let mut sink = Sink::new(0, 1).unwrap();
        let [a, b] = ["a", "b"].map(|name| Arc::new(AppStatus::new(name)));
        assert!(sink.push(&a, &[b"12\n"]) && sink.push(&a, &[b"4\n"]) && sink.push(&b, &[b"6\n"]));
        assert_eq!(sink.owners.len(), 2);
        sink.take(4);
        assert_eq!(sink.owners[0].1, 1);
        sink.take(2);
        assert_eq!((sink.owners.len(), sink.queue.len(), sink.owners[0].1), (1, 1, 1));
    }

    #[test]
    fn lines_are_not_cut_where_they_need_not_be() {
        assert_eq!(whole_lines(b"a\nb\nc"), b"a\nb\n");
        assert_eq!(whole_lines(b"abc"), b"abc");
        let long = [&[b'x'; ATOMIC_BYTES - 1][..], b"\n", b"y\n"].concat();
        assert_eq!(whole_lines(&long).len(), ATOMIC_BYTES);
    }
}
