//! What a server asks of the application, and what it tells it.

use std::io;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::request::Request;
use super::response::{BodySource, Response, Status};
use super::step::CloseReason;

/// Answers requests. Everything is called on the event loop's thread, and must not block: while
/// it runs, no connection makes progress.
pub trait Handler {
    /// What streamed bodies are rendered by. A handler without any takes [`NoStream`].
    ///
    /// [`NoStream`]: super::NoStream
    type Body: BodySource;

    /// The event loop begins. From any thread, `waker` makes it ask the bodies again that
    /// [wait](super::Progress::Wait); to wake it costs a system call.
    fn begin(&mut self, waker: Waker) {
        drop(waker);
    }

    /// The server begins to stop. Bodies that wait are asked once more, and should do without what
    /// they wait for: the answers under way have until the end of the server's grace.
    fn stopping(&mut self) {}

    /// A new pass over the connections that are ready begins at `now`. Requests handled before the
    /// next turn came in together, as far as the loop can tell, and may share one collection.
    fn turn(&mut self, now: Instant) {
        let _ = now;
    }

    /// The answer to `request`. HEAD is asked like GET and answered by its rule: the connection
    /// makes the head of the response and leaves out the body.
    fn handle(&mut self, request: &Request<'_>) -> Response<Self::Body>;

    /// The last byte of an answer to a request was taken by the kernel.
    fn written(&mut self, answer: Written<Self::Body>) {
        let _ = answer;
    }

    /// A request was refused before it got here. `bytes` are its first ones, as they came from
    /// outside; show them as an [`Excerpt`](super::Excerpt).
    fn refused(&mut self, refusal: Refusal, bytes: &[u8]) {
        let _ = (refusal, bytes);
    }

    /// A connection was closed.
    fn closed(&mut self, reason: CloseReason) {
        let _ = reason;
    }

    /// No connection can be accepted, for want of descriptors or memory in most cases. The server
    /// tries again shortly, and calls this each time that it fails.
    fn accept_failed(&mut self, error: &io::Error) {
        let _ = error;
    }
}

/// An answer that was written completely.
#[derive(Debug)]
pub struct Written<B> {
    /// Its status.
    pub status: Status,
    /// The bytes on the wire: head, body, framing.
    pub bytes: u64,
    /// From the first write to the last. A streamed body is rendered in between, and a slow peer
    /// waited for.
    pub took: Duration,
    /// The streamed body, so that what it holds can be used again.
    pub body: Option<B>,
}
