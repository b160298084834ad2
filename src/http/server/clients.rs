//! The connections of a server with their sockets, each at an index that stays its own.

use std::io::{self, IoSlice};
use std::time::Instant;

use crate::http::connection::{Connection, Context};
use crate::http::handler::Handler;
use crate::http::step::{CloseReason, Step};
use crate::sys::epoll::Interest;
use crate::sys::socket::Socket;

/// How many writes one connection gets before the others have their turn: two megabytes at the
/// default buffer. More pays nothing; fewer cost a fast peer more turns of the loop.
const WRITES_PER_TURN_MAX: usize = 8;

/// Pieces that are written at once. A buffer has no more of them unless lines are short; then it
/// takes a few writes.
const PIECES_PER_WRITE_MAX: usize = 64;

/// A connection and its socket.
#[derive(Debug)]
pub(super) struct Client<B> {
    pub socket: Socket,
    pub connection: Connection<B>,
    /// What epoll watches the socket for.
    pub interest: Interest,
}

/// Does what the connection decides on `input`, as far as that goes without waiting.
///
/// Returns what to wait for. That is [`Interest::Write`] also where it had its share of writes,
/// so that it goes on in the next turn.
///
/// # Errors
/// The reason to close the connection, if there is one.
pub(super) fn drive<H: Handler>(
    client: &mut Client<H::Body>,
    input: &[u8],
    cx: &mut Context<H>,
) -> Result<Interest, CloseReason> {
    let mut rest = input;
    let mut writes = 0;
    let interest = loop {
        match client.connection.advance(&mut rest, cx) {
            Step::Read => break Interest::Read,
            // What the peer sends meanwhile is seldom, and noticed when it comes.
            Step::Wait if client.interest == Interest::HangUp => break Interest::HangUp,
            Step::Wait => break Interest::Read,
            Step::Write if writes == WRITES_PER_TURN_MAX => break Interest::Write,
            Step::Write => {
                writes += 1;
                if !write(client, cx)? {
                    break Interest::Write;
                }
            }
            Step::ShutDown => {
                client.socket.shut_down_sending().map_err(|_| CloseReason::PeerAborted)?;
            }
            Step::Close(reason) => return Err(reason),
        }
    };
    client.connection.keep(rest);
    Ok(interest)
}

/// Writes once; returns whether the peer took all of it, so that more may go.
fn write<H: Handler>(
    client: &mut Client<H::Body>,
    cx: &mut Context<H>,
) -> Result<bool, CloseReason> {
    let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE_MAX];
    let unsent = client.connection.unsent().zip(&mut slices);
    let (mut count, mut len) = (0, 0);
    for (piece, slice) in unsent {
        *slice = IoSlice::new(piece);
        (count, len) = (count + 1, len + piece.len());
    }
    let began = Instant::now();
    match client.socket.send(&slices[..count]) {
        Ok(count) => {
            let is_all = count == len;
            cx.now = Instant::now();
            client.connection.wrote(count, began, cx.now);
            Ok(is_all)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(_) => Err(CloseReason::PeerAborted),
    }
}

/// Clients by index. The indices of those that left are given to new ones.
#[derive(Debug)]
pub(super) struct Clients<B> {
    slots: Vec<Option<Client<B>>>,
    free: Vec<usize>,
}

impl<B> Clients<B> {
    pub(super) fn new() -> Clients<B> {
        Clients { slots: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Client<B>> {
        self.slots.get_mut(index)?.as_mut()
    }

    pub(super) fn insert(&mut self, client: Client<B>) -> usize {
        match self.free.pop() {
            Some(index) => {
                self.slots[index] = Some(client);
                index
            }
            None => {
                self.slots.push(Some(client));
                self.slots.len() - 1
            }
        }
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<Client<B>> {
        let client = self.slots.get_mut(index)?.take()?;
        self.free.push(index);
        Some(client)
    }

    /// The indices that may be in use, of which some may not be.
    pub(super) fn indices(&self) -> std::ops::Range<usize> {
        0..self.slots.len()
    }
}
