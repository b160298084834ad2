//! One connection as a state machine: bytes and times in, decisions out. No socket, no clock.
//!
//! ```text
//!                 ┌─────────────────────────── next request ───────────────────────────┐
//!                 v                                                                    │
//!  accept ──> Head ──(head, no body)───────────────────> Due ──> Answer ──(all is out)──┤
//!              │ │                                       ^ ^                           │
//!              │ └─(head, body follows)─> Body ──(it is in)┘                           │
//!              │      └─(100 Continue)─> Answer ─> Body  │ │                           │
//!              │                                         │ │                 (last) ShutDown
//!              └──(malformed, too large, too slow)─refuse┴─┘                           │
//!                                                                                      v
//!  Close <──(end of input, error, deadline, evicted, stop)── any state            Linger ──> Close
//! ```
//!
//! In `Due`, and in `Answer` where all that was rendered is out, the body may have nothing yet: the
//! connection waits until it is woken or the time that the body named is over, and tries again.
//!
//! Whoever owns the socket calls [`Connection::advance`] with the bytes that came, does what the
//! [`Step`] says, and calls again until the step is to read or to close. What is left of the
//! bytes when the peer takes no more of an answer, or a partial head, is given to
//! [`Connection::keep`] and put in front of what comes next; so nothing is read while an answer
//! is under way, and a peer that does not read cannot make us buffer what it sends.

use std::mem;
use std::time::Instant;

use super::answer::{Answer, Asked, Begun, Due, PendingBody, Pool, Then};
use super::date::HttpDate;
use super::drain::Drain;
use super::handler::Handler;
use super::limits::Limits;
use super::refusal::Refusal;
use super::request::{BodyLength, Parsed, Request, parse};
use super::response::{BodySource, Response};
use super::step::{CloseReason, Step, Wait};

/// What all connections of a server work with.
pub(super) struct Context<H> {
    pub handler: H,
    pub pool: Pool,
    pub limits: Limits,
    pub date: HttpDate,
    pub now: Instant,
    /// No connection is to be kept open after its answer.
    pub is_stopping: bool,
}

impl<H: Handler> Context<H> {
    pub(super) fn new(handler: H, limits: Limits, now: Instant) -> Context<H> {
        let pool = Pool::new(limits.output_buffer_bytes);
        Context { handler, pool, limits, date: HttpDate::at(0), now, is_stopping: false }
    }
}

/// See the drawing on top of the file.
#[derive(Debug)]
enum State<B> {
    Head { since: Instant },
    Body(Box<PendingBody>),
    Due(Due<B>),
    Answer(Answer<B>),
    Linger { since: Instant, discarded_bytes: usize, reason: CloseReason },
}

#[derive(Debug)]
pub(super) struct Connection<B> {
    state: State<B>,
    /// Input that was neither used nor can be yet: a partial head, or pipelined requests.
    kept: Vec<u8>,
    /// How much of a partial head has been looked at; 0 where nothing of it has come.
    seen_bytes: usize,
    /// See [`Parsed::Partial`].
    undecided_below: usize,
    has_answered: bool,
}

impl<B: BodySource> Connection<B> {
    pub(super) fn new(now: Instant) -> Connection<B> {
        Connection {
            state: State::Head { since: now },
            kept: Vec::new(),
            seen_bytes: 0,
            undecided_below: 1,
            has_answered: false,
        }
    }

    /// A connection that is not served, but told so.
    pub(super) fn refused<H>(refusal: Refusal, cx: &mut Context<H>) -> Connection<B>
    where
        H: Handler<Body = B>,
    {
        let mut connection = Connection::new(cx.now);
        connection.refuse(refusal, b"", cx);
        connection
    }

    /// Goes on as far as `input` allows, and takes what it uses from its front.
    pub(super) fn advance<H>(&mut self, input: &mut &[u8], cx: &mut Context<H>) -> Step
    where
        H: Handler<Body = B>,
    {
        loop {
            let step = match &mut self.state {
                State::Head { .. } => self.read_head(input, cx),
                State::Body(_) => self.read_body(input, cx),
                State::Due(_) => self.begin(cx),
                State::Answer(answer) if !answer.is_sent() => Some(Step::Write),
                State::Answer(answer) if !answer.is_rendered() => {
                    answer.refill(&cx.pool, cx.now);
                    answer.waits_until().map(|_| Step::Wait)
                }
                State::Answer(_) => self.finish(cx),
                State::Linger { discarded_bytes, reason, .. } => {
                    *discarded_bytes += mem::take(input).len();
                    let is_over = *discarded_bytes > cx.limits.linger_bytes_max;
                    Some(if is_over { Step::Close(*reason) } else { Step::Read })
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn read_head<H>(&mut self, input: &mut &[u8], cx: &mut Context<H>) -> Option<Step>
    where
        H: Handler<Body = B>,
    {
        let bytes = *input;
        let unseen = bytes.get(self.seen_bytes..).unwrap_or_default();
        if bytes.len() < self.undecided_below && !unseen.contains(&b'\n') {
            self.note_partial(bytes.len(), cx.now);
            return Some(Step::Read);
        }
        match parse(bytes, &cx.limits) {
            Parsed::Partial { undecided_below } => {
                self.note_partial(bytes.len(), cx.now);
                self.undecided_below = undecided_below;
                return Some(Step::Read);
            }
            Parsed::Refused(refusal) => {
                *input = &[];
                self.refuse(refusal, bytes, cx);
            }
            Parsed::Complete { request, head_len } => {
                *input = &bytes[head_len..];
                self.note_partial(bytes.len(), cx.now);
                match request.body() {
                    BodyLength::Known(0) => self.respond(&request, cx),
                    _ => self.await_body(&request, input.is_empty(), cx),
                }
                (self.seen_bytes, self.undecided_below) = (0, 1);
            }
        }
        None
    }

    /// The deadline of a request runs from its first byte.
    fn note_partial(&mut self, len: usize, now: Instant) {
        if let State::Head { since } = &mut self.state
            && self.seen_bytes == 0
            && len > 0
        {
            *since = now;
        }
        self.seen_bytes = len;
    }

    /// `is_held_back`: nothing of the body has come with the head.
    fn await_body<H>(&mut self, request: &Request<'_>, is_held_back: bool, cx: &mut Context<H>)
    where
        H: Handler<Body = B>,
    {
        let drain = match Drain::new(request.body(), cx.limits.body_bytes_max) {
            Ok(drain) => drain,
            Err(refusal) => return self.refuse(refusal, request.head(), cx),
        };
        let since = self.wait().1;
        let pending = Box::new(PendingBody { head: request.head().to_vec(), drain, since });
        self.state = if request.expects_continue() && is_held_back {
            State::Answer(Answer::go_on(pending, &mut cx.pool, cx.now))
        } else {
            State::Body(pending)
        };
    }

    fn read_body<H>(&mut self, input: &mut &[u8], cx: &mut Context<H>) -> Option<Step>
    where
        H: Handler<Body = B>,
    {
        let State::Body(pending) = &mut self.state else { return None };
        let taken = pending.drain.take(input);
        if taken == Ok(false) {
            return Some(Step::Read);
        }
        let head = mem::take(&mut pending.head);
        match (taken, parse(&head, &cx.limits)) {
            (Err(refusal), _) => {
                *input = &[];
                self.refuse(refusal, &head, cx);
            }
            (Ok(_), Parsed::Complete { request, .. }) => self.respond(&request, cx),
            (Ok(_), _) => unreachable!("a pending head was whole when it was kept"),
        }
        None
    }

    fn respond<H>(&mut self, request: &Request<'_>, cx: &mut Context<H>)
    where
        H: Handler<Body = B>,
    {
        let response = cx.handler.handle(request);
        let is_last = !request.is_persistent();
        let then = if is_last { Then::Close(CloseReason::PeerAsked) } else { Then::Next };
        self.state = State::Due(Due { response, asked: Asked::by(request), then, until: cx.now });
    }

    fn refuse<H>(&mut self, refusal: Refusal, bytes: &[u8], cx: &mut Context<H>)
    where
        H: Handler<Body = B>,
    {
        cx.handler.refused(refusal, bytes);
        let response = Response::text(refusal.status(), format!("{}\n", refusal.reason()));
        let (asked, then) = (Asked::unclear(), Then::Close(CloseReason::Refused));
        self.state = State::Due(Due { response, asked, then, until: cx.now });
    }

    /// Begins the answer that is due, if its body has something.
    fn begin<H>(&mut self, cx: &mut Context<H>) -> Option<Step>
    where
        H: Handler<Body = B>,
    {
        let State::Due(mut due) = mem::replace(&mut self.state, State::Head { since: cx.now })
        else {
            unreachable!("only answers that are due are begun");
        };
        if cx.is_stopping && matches!(due.then, Then::Next) {
            due.then = Then::Close(CloseReason::Stopping);
        }
        match Answer::begin(due, &mut cx.pool, &cx.date, cx.now) {
            Begun::Answer(answer) => {
                self.state = State::Answer(answer);
                None
            }
            Begun::Due(due) => {
                self.state = State::Due(due);
                Some(Step::Wait)
            }
        }
    }

    /// The answer is out.
    fn finish<H>(&mut self, cx: &mut Context<H>) -> Option<Step>
    where
        H: Handler<Body = B>,
    {
        let since = cx.now;
        let State::Answer(answer) = mem::replace(&mut self.state, State::Head { since }) else {
            unreachable!("only answers are finished");
        };
        let (written, then) = answer.finish(&mut cx.pool);
        if let Some(written) = written {
            cx.handler.written(written);
            self.has_answered = true;
        }
        let reason = match then {
            Then::Drain(pending) => {
                self.state = State::Body(pending);
                return None;
            }
            Then::Next if cx.is_stopping => CloseReason::Stopping,
            Then::Next => return None,
            Then::Close(reason) => reason,
        };
        self.state = State::Linger { since, discarded_bytes: 0, reason };
        Some(Step::ShutDown)
    }

    /// What is to be written, piece by piece, after [`Step::Write`].
    pub(super) fn unsent(&self) -> impl Iterator<Item = &[u8]> {
        let answer = match &self.state {
            State::Answer(answer) => Some(answer),
            _ => None,
        };
        answer.into_iter().flat_map(Answer::unsent)
    }

    /// The first `count` bytes of [`Connection::unsent`] went, in a write between those times.
    pub(super) fn wrote(&mut self, count: usize, began: Instant, ended: Instant) {
        if let State::Answer(answer) = &mut self.state {
            answer.wrote(count, began, ended);
        }
    }

    /// Input that is to be put in front of what comes next.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Keeps what was not used of the input.
    pub(super) fn keep(&mut self, rest: &[u8]) {
        if rest.is_empty() {
            // Gives the memory back: an idle connection holds none.
            self.kept = Vec::new();
        } else {
            self.kept.clear();
            self.kept.extend_from_slice(rest);
        }
    }

    /// The peer sends no more.
    pub(super) fn ended(&self) -> CloseReason {
        match &self.state {
            State::Head { .. } if self.seen_bytes == 0 => CloseReason::PeerFinished,
            State::Linger { reason, .. } => *reason,
            _ => CloseReason::PeerAborted,
        }
    }

    /// The deadline of what it waits for is over: closes, or has an answer to write before, or may
    /// have one.
    pub(super) fn expire<H>(&mut self, cx: &mut Context<H>) -> Option<CloseReason>
    where
        H: Handler<Body = B>,
    {
        match &mut self.state {
            State::Head { .. } if self.seen_bytes == 0 => Some(CloseReason::Idle),
            State::Head { .. } => {
                let bytes = mem::take(&mut self.kept);
                self.refuse(Refusal::TooSlow, &bytes, cx);
                None
            }
            State::Body(pending) => {
                let head = mem::take(&mut pending.head);
                self.refuse(Refusal::TooSlow, &head, cx);
                None
            }
            State::Due(_) => None,
            State::Answer(answer) if answer.waits_until().is_some() => None,
            State::Answer(_) => Some(CloseReason::Stalled),
            State::Linger { reason, .. } => Some(*reason),
        }
    }

    /// What it waits for, and since when; [`Wait::Source`]: until when.
    pub(super) fn wait(&self) -> (Wait, Instant) {
        match &self.state {
            State::Head { since } if self.seen_bytes > 0 => (Wait::Request, *since),
            State::Head { since } if self.has_answered => (Wait::Idle, *since),
            State::Head { since } => (Wait::Fresh, *since),
            State::Body(pending) => (Wait::Request, pending.since),
            State::Due(due) => (Wait::Source, due.until),
            State::Answer(answer) => match answer.waits_until() {
                Some(until) => (Wait::Source, until),
                None => (Wait::Stall, answer.since()),
            },
            State::Linger { since, .. } => (Wait::Linger, *since),
        }
    }

    /// Whether it waits for the body of an answer. What comes from the peer must wait too.
    pub(super) fn waits_for_source(&self) -> bool {
        self.wait().0 == Wait::Source
    }

    /// Whether it has no request whose answer is owed.
    pub(super) fn is_between_requests(&self) -> bool {
        matches!(self.state, State::Head { .. })
    }

    /// Gives back what it holds.
    pub(super) fn release(self, pool: &mut Pool) {
        if let State::Answer(answer) = self.state {
            answer.finish(pool);
        }
    }
}

#[cfg(test)]
mod tests;
