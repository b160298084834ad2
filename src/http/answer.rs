//! An answer on its way out: a head and a body, one output buffer at a time.
//!
//! The first buffer is rendered before its head is known, since the head says how long the body
//! is or that it goes on. So room is reserved in front, and the head is written to its end:
//!
//! ```text
//! |<-------- reserved -------->|<-- room -->|
//! |  gap  | head               | body       |                        Content-Length, until close
//! |  gap  | head  | 0000ffff␍␊ | body       | ␍␊ | 0␍␊␍␊ at the end | chunked
//!         ^ sending begins here
//! ```
//!
//! A body that has nothing yet holds no buffer: its answer is [`Due`].
//!
//! Head and first buffer leave in one write; each later buffer of a
//! chunked body is one chunk, and its size line has a fixed width so that it can be filled in last.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::date::HttpDate;
use super::drain::Drain;
use super::handler::Written;
use super::output::Output;
use super::request::{Method, Request, Version};
use super::response::{
    Body, BodySource, Framing, Persistence, Progress, Response, Status, head_bytes_max, write_head,
};
use super::step::CloseReason;

/// The size line of a chunk, filled in when the chunk is whole: eight digits, enough for 4 GiB.
const CHUNK_HEAD: &[u8; 10] = b"00000000\r\n";
/// What ends a chunk.
const CHUNK_TAIL: &[u8] = b"\r\n";
/// What ends a chunked body: an empty chunk and no trailers.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// RFC 9110 §15.2.1; an interim answer has no body and no fields.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A source that waits for a time that has passed would be asked in every turn of the loop; it is
/// asked again after this one, which nobody notices.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// Buffers kept for the next answers. More answers at a time than this allocate theirs.
const FREE_BUFFERS_MAX: usize = 4;

/// Output buffers that are not in use, and a scratch for heads.
#[derive(Debug)]
pub(super) struct Pool {
    free: Vec<Output>,
    buffer_bytes: usize,
    head: Vec<u8>,
}

impl Pool {
    pub(super) fn new(buffer_bytes: usize) -> Pool {
        Pool { free: Vec::new(), buffer_bytes, head: Vec::new() }
    }

    fn take(&mut self) -> Output {
        self.free.pop().unwrap_or_default()
    }

    /// Takes a buffer back, unless there are enough or a large part has made it grow.
    fn give(&mut self, mut buffer: Output) {
        let is_grown = buffer.capacity() > self.buffer_bytes.saturating_mul(2);
        if !is_grown && self.free.len() < FREE_BUFFERS_MAX {
            buffer.truncate(0);
            self.free.push(buffer);
        }
    }
}

/// What happens when an answer is out.
#[derive(Debug)]
pub(super) enum Then {
    /// The next request is read.
    Next,
    /// The body of the request that this was an interim answer to is read.
    Drain(Box<PendingBody>),
    /// The connection is closed.
    Close(CloseReason),
}

/// A request that is answered when its body has come.
#[derive(Debug)]
pub(super) struct PendingBody {
    /// The request's head.
    pub head: Vec<u8>,
    /// What has come of the body.
    pub drain: Drain,
    /// When the first byte of the head came.
    pub since: Instant,
}

/// What of the request matters to its answer's form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    version: Version,
    head_only: bool,
}

impl Asked {
    pub(super) fn by(request: &Request<'_>) -> Asked {
        Asked { version: request.version(), head_only: request.method() == Method::Head }
    }

    /// How to answer one who could not be understood: plainly.
    pub(super) fn unclear() -> Asked {
        Asked { version: Version::Http11, head_only: false }
    }
}

/// The part of a body that has not been rendered.
#[derive(Debug)]
enum Rest<B> {
    Bytes { bytes: Cow<'static, [u8]>, at: usize },
    Stream(B),
}

impl<B: BodySource> Rest<B> {
    fn of(body: Body<B>) -> Rest<B> {
        match body {
            Body::Empty => Rest::Bytes { bytes: Cow::Borrowed(b""), at: 0 },
            Body::Bytes(bytes) => Rest::Bytes { bytes, at: 0 },
            Body::Stream(source) => Rest::Stream(source),
        }
    }

    /// The body that nothing was rendered of.
    fn into_body(self) -> Body<B> {
        match self {
            Rest::Bytes { bytes, .. } => Body::Bytes(bytes),
            Rest::Stream(source) => Body::Stream(source),
        }
    }

    fn fill(&mut self, out: &mut Output, room: usize) -> Progress {
        match self {
            Rest::Bytes { bytes, at } => {
                let end = bytes.len().min(*at + room);
                out.own(end - *at).extend_from_slice(&bytes[*at..end]);
                *at = end;
                if end == bytes.len() { Progress::Done } else { Progress::More }
            }
            Rest::Stream(source) => {
                let len_before = out.len();
                let progress = source.fill(out, room);
                let has_appended = out.len() > len_before;
                let is_right = match progress {
                    Progress::More => has_appended,
                    Progress::Done => out.len() >= len_before,
                    Progress::Wait(_) => out.len() == len_before,
                };
                assert!(is_right, "a body source appends to what is there, unless it is done");
                progress
            }
        }
    }
}

/// An answer of which nothing is rendered.
#[derive(Debug)]
pub(super) struct Due<B> {
    pub response: Response<B>,
    pub asked: Asked,
    pub then: Then,
    /// When its body is asked again, which had nothing yet.
    pub until: Instant,
}

/// What became of an answer that was due.
pub(super) enum Begun<B> {
    /// It is begun.
    Answer(Answer<B>),
    /// It is still due.
    Due(Due<B>),
}

/// An answer, and how much of it is out.
#[derive(Debug)]
pub(super) struct Answer<B> {
    buffer: Output,
    /// How much of `buffer` needs no sending (any more).
    sent: usize,
    rest: Rest<B>,
    progress: Progress,
    framing: Framing,
    /// None for an interim answer.
    status: Option<Status>,
    then: Then,
    bytes: u64,
    started: Option<Instant>,
    /// When the peer last took something, or the answer was begun.
    since: Instant,
}

impl<B: BodySource> Answer<B> {
    /// Renders the first buffer of the answer that is `due`, or gives it back if there is nothing
    /// to render yet.
    pub(super) fn begin(due: Due<B>, pool: &mut Pool, date: &HttpDate, now: Instant) -> Begun<B> {
        let Due { mut response, asked, then, .. } = due;
        let body = std::mem::replace(&mut response.body, Body::Empty);
        let length = match &body {
            Body::Empty => Some(0),
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::Stream(_) => None,
        };
        let mut rest = Rest::of(body);
        let mut buffer = pool.take();
        let reserved = head_bytes_max(&response) + CHUNK_HEAD.len();
        buffer.own(reserved).resize(reserved, 0);
        let mut progress = rest.fill(&mut buffer, room(pool, reserved));
        if let Progress::Wait(until) = progress {
            pool.give(buffer);
            response.body = rest.into_body();
            return Begun::Due(Due { response, asked, then, until: until.max(now + WAIT_MIN) });
        }

        let framing = match (length, progress, asked.version) {
            (Some(length), _, _) => Framing::Length(length),
            (None, Progress::Done, _) => Framing::Length((buffer.len() - reserved) as u64),
            (None, _, Version::Http11) => Framing::Chunked,
            (None, _, Version::Http10) => Framing::UntilClose,
        };
        let then = match (framing, then) {
            (Framing::UntilClose, Then::Next) => Then::Close(CloseReason::BodyUntilClose),
            (_, then) => then,
        };
        let mut head_end = reserved;
        if asked.head_only {
            buffer.truncate(reserved);
            progress = Progress::Done;
        } else if framing == Framing::Chunked {
            head_end -= CHUNK_HEAD.len();
            seal_chunk(&mut buffer, head_end, progress);
        }
        let head = &mut pool.head;
        head.clear();
        write_head(head, &response, framing, persistence(&then, asked), date);
        let sent = head_end - head.len();
        buffer.front()[sent..head_end].copy_from_slice(head);
        let (status, bytes, started) = (Some(response.status), 0, None);
        let since = now;
        Begun::Answer(Answer {
            buffer,
            sent,
            rest,
            progress,
            framing,
            status,
            then,
            bytes,
            started,
            since,
        })
    }

    /// The interim answer "100 Continue".
    pub(super) fn go_on(pending: Box<PendingBody>, pool: &mut Pool, now: Instant) -> Answer<B> {
        let mut buffer = pool.take();
        buffer.own(CONTINUE.len()).extend_from_slice(CONTINUE);
        Answer {
            buffer,
            sent: 0,
            rest: Rest::of(Body::Empty),
            progress: Progress::Done,
            framing: Framing::Length(0),
            status: None,
            then: Then::Drain(pending),
            bytes: 0,
            started: None,
            since: now,
        }
    }

    /// What is to be written next, piece by piece.
    pub(super) fn unsent(&self) -> impl Iterator<Item = &[u8]> {
        self.buffer.pieces(self.sent)
    }

    /// Whether the buffer is out.
    pub(super) fn is_sent(&self) -> bool {
        self.sent == self.buffer.len()
    }

    /// Whether the body is rendered to its end.
    pub(super) fn is_rendered(&self) -> bool {
        self.progress == Progress::Done
    }

    /// When the body, which had nothing more yet, is asked again.
    pub(super) fn waits_until(&self) -> Option<Instant> {
        match self.progress {
            Progress::Wait(until) => Some(until),
            Progress::More | Progress::Done => None,
        }
    }

    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// The peer took the first `count` bytes of [`Answer::unsent`], in a write that began and
    /// ended at those times.
    pub(super) fn wrote(&mut self, count: usize, began: Instant, ended: Instant) {
        self.started.get_or_insert(began);
        self.since = ended;
        self.sent += count;
        self.bytes += count as u64;
    }

    /// Renders the next buffer, once the last one is out, unless its body has nothing yet.
    pub(super) fn refill(&mut self, pool: &Pool, now: Instant) {
        debug_assert!(self.is_sent() && !self.is_rendered());
        if self.waits_until().is_some() {
            // What the peer is given time for begins where there is something to take.
            self.since = now;
        }
        self.buffer.truncate(0);
        self.sent = 0;
        if self.framing == Framing::Chunked {
            self.buffer.own(CHUNK_HEAD.len()).extend_from_slice(CHUNK_HEAD);
        }
        let room = room(pool, self.buffer.len());
        self.progress = self.rest.fill(&mut self.buffer, room);
        if let Progress::Wait(until) = &mut self.progress {
            *until = (*until).max(now + WAIT_MIN);
        }
        if self.framing == Framing::Chunked {
            self.sent = seal_chunk(&mut self.buffer, 0, self.progress);
        }
    }

    /// Takes the answer apart: what is to be told of it (nothing, if it was an interim one), and
    /// what comes next.
    pub(super) fn finish(self, pool: &mut Pool) -> (Option<Written<B>>, Then) {
        pool.give(self.buffer);
        let body = match self.rest {
            Rest::Stream(source) => Some(source),
            Rest::Bytes { .. } => None,
        };
        let took = self.started.map_or_else(Default::default, |started| self.since - started);
        let written = self.status.map(|status| Written { status, bytes: self.bytes, took, body });
        (written, self.then)
    }
}

/// What is left of a buffer for the body.
fn room(pool: &Pool, used: usize) -> usize {
    pool.buffer_bytes.saturating_sub(used + CHUNK_TAIL.len() + LAST_CHUNK.len()).max(1)
}

fn persistence(then: &Then, asked: Asked) -> Persistence {
    match (then, asked.version) {
        (Then::Close(_), _) => Persistence::Close,
        (_, Version::Http10) => Persistence::KeepAlive,
        (_, Version::Http11) => Persistence::Implied,
    }
}

/// Makes a chunk of what follows the room for its size line at `start`, and ends the body after
/// it if that was all. Returns how many bytes from `start` on are not to be sent: an empty chunk
/// would end the body, so it is left out.
fn seal_chunk(buffer: &mut Output, start: usize, progress: Progress) -> usize {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let size = buffer.len() - start - CHUNK_HEAD.len();
    let head = &mut buffer.front()[start..start + CHUNK_HEAD.len()];
    head.copy_from_slice(CHUNK_HEAD);
    let mut digits = u32::try_from(size).expect("a part of a body is smaller than 4 GiB");
    for digit in head[..8].iter_mut().rev() {
        *digit = DIGITS[(digits & 0xf) as usize];
        digits >>= 4;
    }
    let skipped = if size == 0 { CHUNK_HEAD.len() } else { 0 };
    if size > 0 {
        buffer.own(CHUNK_TAIL.len()).extend_from_slice(CHUNK_TAIL);
    }
    if progress == Progress::Done {
        buffer.own(LAST_CHUNK.len()).extend_from_slice(LAST_CHUNK);
    }
    skipped
}
