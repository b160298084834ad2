//! An HTTP/1.1 server on one thread: bytes in, decisions out, and one file with sockets.
//!
//! ```text
//! request   the strict parser of heads       bytes -> request | partial | refusal
//! drain     request bodies, thrown away      bytes -> end | more | refusal
//! response  what a handler answers, and its head
//! output    one buffer's worth of bytes and of texts that others hold too
//! answer    head and body in output buffers  response -> buffer after buffer
//! connection  the state machine of one connection: the five above, deadlines, keep-alive
//! step      what a connection decides
//! listen    addresses, and sockets that listen
//! server    the event loop: the only file here with clocks, and with sockets that are connected
//! ```
//!
//! It knows nothing of metrics: a [`Handler`] answers requests. What a peer may cost is bounded by
//! [`Limits`], all of it.
#![forbid(unsafe_code)]

mod answer;
mod bytes;
mod connection;
mod date;
mod deadlines;
mod drain;
mod handler;
mod limits;
mod listen;
mod output;
pub mod query;
mod refusal;
pub mod request;
mod response;
mod server;
mod step;
mod target;

pub use handler::{Handler, Written};
pub use limits::Limits;
pub use listen::{ListenAddress, ListenAddressError, ListenError, Listener};
pub use output::Output;
pub use refusal::{Excerpt, Refusal};
pub use request::{Method, Request, Version};
pub use response::{Body, BodySource, Progress, Response, Status};
pub use server::{Server, ServerHandle, Stopper};
pub use step::CloseReason;

/// The body of handlers that stream none: there is no value of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStream {}

impl BodySource for NoStream {
    fn fill(&mut self, _: &mut Output, _: usize) -> Progress {
        match *self {}
    }
}
