//! The event loop: one thread, one epoll instance, sockets that never block.
//!
//! In a keep-alive exchange it makes three system calls: wait, read, write. It reads when there
//! is something to read, and not again to find out that there is nothing left; it writes without
//! asking whether there is room, and waits for room only when there was not enough. Requests are
//! parsed where they were read, in one buffer that all connections share.

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Stopper;
use super::clients::{Client, Clients, drive};
use crate::http::connection::{Connection, Context};
use crate::http::deadlines::{Deadlines, WAITS};
use crate::http::handler::Handler;
use crate::http::limits::Limits;
use crate::http::listen::Listener;
use crate::http::refusal::Refusal;
use crate::http::step::{CloseReason, Wait};
use crate::sys::epoll::{Epoll, Events, Interest};
use crate::sys::socket::{AcceptError, Socket};

/// Ready descriptors that are looked at in one turn; the kernel hands out the others next.
const EVENTS_PER_TURN_MAX: usize = 256;
/// Connections that are accepted from one socket in one turn; the others come next.
const ACCEPTS_PER_TURN_MAX: usize = 64;
/// What is read at once, behind a partial head that may be there already.
const READ_BYTES: usize = 16 * 1_024;
/// How long accepting rests after it failed. Short enough that no client gives up; long enough
/// that trying costs nothing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections above the cap that are told so at a time. One more displaces the oldest of them.
const TURNED_AWAY_MAX: usize = 32;

/// The token of the bell; listeners come next, then clients.
const BELL: u64 = 0;

/// See the top of the file.
pub(super) struct EventLoop<H: Handler> {
    cx: Context<H>,
    stopper: Stopper,
    epoll: Epoll,
    listeners: Vec<Listener>,
    /// The token of the client at index 0.
    first_client: u64,
    clients: Clients<H::Body>,
    deadlines: Deadlines,
    input: Vec<u8>,
    turn_began: Instant,
    /// Accepting rests until then.
    accept_again: Option<Instant>,
    /// It stops, and is to have stopped then.
    stop_by: Option<Instant>,
}

impl<H: Handler> EventLoop<H> {
    pub(super) fn new(
        listeners: Vec<Listener>,
        limits: Limits,
        stopper: Stopper,
        handler: H,
    ) -> io::Result<EventLoop<H>> {
        let epoll = Epoll::new()?;
        epoll.add(&stopper.bell.raised, BELL, Interest::Read)?;
        watch(&epoll, &listeners)?;
        let now = Instant::now();
        Ok(EventLoop {
            stopper,
            epoll,
            first_client: BELL + 1 + listeners.len() as u64,
            listeners,
            clients: Clients::new(),
            deadlines: Deadlines::new(),
            input: vec![0; limits.head_bytes_max() + READ_BYTES],
            cx: Context::new(handler, limits, now),
            turn_began: now,
            accept_again: None,
            stop_by: None,
        })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN_MAX);
        self.cx.handler.begin(self.stopper.waker());
        while !self.is_over() {
            let timeout = self.next_deadline().map(|at| at.saturating_duration_since(self.cx.now));
            self.epoll.wait(&mut events, timeout)?;
            self.look_at_clocks();
            if !events.is_empty() {
                self.turn(&events)?;
            }
            self.expire();
            self.accept_again_if_due();
        }
        for index in self.clients.indices() {
            self.close(index, CloseReason::Stopping);
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stop_by.is_some_and(|by| self.clients.len() == 0 || by <= self.cx.now)
    }

    fn look_at_clocks(&mut self) {
        self.cx.now = Instant::now();
        self.turn_began = self.cx.now;
        // A clock that is set to before 1970 shows 1970.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.cx.date.advance(since_epoch.as_secs());
    }

    fn turn(&mut self, events: &Events) -> io::Result<()> {
        self.cx.handler.turn(self.cx.now);
        let first_client = self.first_client;
        let tokens = || (0..events.len()).map(|index| events.token(index));
        if tokens().any(|token| token == BELL) {
            self.answer_bell()?;
        }
        // Those who have sent something are not idle: they are heard before any is closed to make
        // room for another.
        for token in tokens().filter(|&token| token >= first_client) {
            self.serve((token - first_client) as usize);
        }
        for token in tokens().filter(|&token| BELL < token && token < first_client) {
            self.accept((token - BELL - 1) as usize);
        }
        Ok(())
    }

    /// Asks the bodies again that wait, and begins to stop if that was what the bell was rung for.
    fn answer_bell(&mut self) -> io::Result<()> {
        // First, so that what it is rung for from here on is heard in the next turn.
        self.stopper.bell.raised.clear()?;
        if self.stop_by.is_none()
            && let Some(grace) = self.stopper.bell.grace.get().copied()
        {
            self.begin_to_stop(grace);
        }
        let mut waiting = self.deadlines.first(Wait::Source).map(|(index, _)| index);
        while let Some(index) = waiting {
            waiting = self.deadlines.after(index);
            self.resume(index);
        }
        Ok(())
    }

    /// The client at `index` is ready for what it waits for, or has failed.
    fn serve(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        if client.connection.waits_for_source() {
            return self.serve_waiting(index);
        }
        let mut filled = self.load_kept(index);
        let Some(client) = self.clients.get_mut(index) else { return };
        if client.interest == Interest::Read {
            match client.socket.receive(&mut self.input[filled..]) {
                Ok(0) => {
                    let reason = client.connection.ended();
                    return self.close(index, reason);
                }
                Ok(count) => filled += count,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => return,
                    _ => {
                        let reason = client.connection.ended();
                        return self.close(index, reason);
                    }
                },
            }
        }
        self.drive(index, filled);
    }

    /// The client at `index`, whose answer is waited for, has sent something, sends no more or has
    /// failed. Only the last matters before it has its answer; the rest is not listened for.
    fn serve_waiting(&mut self, index: usize) {
        match self.clients.get_mut(index).map(|client| client.interest) {
            Some(Interest::HangUp) => self.close(index, CloseReason::PeerAborted),
            Some(Interest::Read | Interest::Write) => self.watch_for(index, Interest::HangUp),
            None => {}
        }
    }

    /// Lets the client at `index` go on without new input.
    fn resume(&mut self, index: usize) {
        let filled = self.load_kept(index);
        self.drive(index, filled);
    }

    /// Puts what the client at `index` has sent before into the input buffer.
    fn load_kept(&mut self, index: usize) -> usize {
        let kept = self.clients.get_mut(index).map(|client| client.connection.kept());
        let kept = kept.unwrap_or_default();
        self.input[..kept.len()].copy_from_slice(kept);
        kept.len()
    }

    /// Lets the client at `index` work on the first `filled` bytes of the input buffer.
    fn drive(&mut self, index: usize, filled: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let result = drive(client, &self.input[..filled], &mut self.cx);
        let interest = match result {
            Ok(interest) => interest,
            Err(reason) => return self.close(index, reason),
        };
        let (wait, since) = client.connection.wait();
        self.deadlines.set(index, wait, since);
        self.watch_for(index, interest);
    }

    fn watch_for(&mut self, index: usize, interest: Interest) {
        let Some(client) = self.clients.get_mut(index) else { return };
        if interest != client.interest {
            client.interest = interest;
            let token = self.first_client + index as u64;
            if self.epoll.modify(&client.socket, token, interest).is_err() {
                // Out of memory in the kernel: the connection would never be heard of again.
                self.close(index, CloseReason::Evicted);
            }
        }
    }

    fn close(&mut self, index: usize, reason: CloseReason) {
        if let Some(client) = self.clients.remove(index) {
            self.deadlines.clear(index);
            client.connection.release(&mut self.cx.pool);
            self.cx.handler.closed(reason);
        }
    }

    fn accept(&mut self, listener: usize) {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            // None is left if this turn began to stop.
            let Some(listener) = self.listeners.get(listener) else { return };
            match listener.accept() {
                Ok(socket) => self.admit(socket),
                Err(AcceptError::NoneWaits) => return,
                Err(AcceptError::Lost) => {}
                Err(AcceptError::Exhausted(_)) if self.evict_idle() => {}
                Err(AcceptError::Exhausted(error) | AcceptError::Failed(error)) => {
                    return self.pause_accepting(&error);
                }
            }
        }
    }

    /// Does not look at the listeners for a while. They leave the epoll set for that: one that is
    /// shut down would report it in every turn, whatever it is watched for.
    fn pause_accepting(&mut self, error: &io::Error) {
        self.cx.handler.accept_failed(error);
        self.accept_again = self.cx.now.checked_add(ACCEPT_PAUSE);
        for listener in &self.listeners {
            // Fails for one that is not watched, which is what is wanted.
            let _ = self.epoll.remove(listener);
        }
    }

    fn accept_again_if_due(&mut self) {
        if self.accept_again.is_some_and(|at| at <= self.cx.now) {
            self.accept_again = None;
            if let Err(error) = watch(&self.epoll, &self.listeners) {
                self.pause_accepting(&error);
            }
        }
    }

    fn admit(&mut self, socket: Socket) {
        if self.clients.len() >= self.cx.limits.connections_max && !self.evict_idle() {
            return self.turn_away(socket);
        }
        if let Some(index) = self.insert(socket, Connection::new(self.cx.now)) {
            self.deadlines.set(index, Wait::Fresh, self.cx.now);
        }
    }

    /// Closes the connection that has been idle longest, if there is one. One that has sent
    /// nothing since it was accepted is idle too, but not in the turn in which it was.
    fn evict_idle(&mut self) -> bool {
        let idle = [Wait::Idle, Wait::Fresh].map(|wait| self.deadlines.first(wait));
        let idle = idle.into_iter().flatten().filter(|&(_, since)| since < self.turn_began);
        let longest = idle.min_by_key(|&(_, since)| since);
        if let Some((index, _)) = longest {
            self.close(index, CloseReason::Evicted);
        }
        longest.is_some()
    }

    fn turn_away(&mut self, socket: Socket) {
        if self.clients.len() >= self.cx.limits.connections_max.saturating_add(TURNED_AWAY_MAX) {
            match self.deadlines.first(Wait::Linger) {
                Some((index, _)) => self.close(index, CloseReason::Evicted),
                None => return,
            }
        }
        let connection = Connection::refused(Refusal::Overloaded, &mut self.cx);
        if let Some(index) = self.insert(socket, connection) {
            self.drive(index, 0);
        }
    }

    /// `None` if the kernel cannot watch it; the connection is closed then.
    fn insert(&mut self, socket: Socket, connection: Connection<H::Body>) -> Option<usize> {
        let client = Client { socket, connection, interest: Interest::Read };
        let index = self.clients.insert(client);
        let token = self.first_client + index as u64;
        let client = self.clients.get_mut(index)?;
        if let Err(error) = self.epoll.add(&client.socket, token, client.interest) {
            self.cx.handler.accept_failed(&error);
            self.close(index, CloseReason::Evicted);
            return None;
        }
        Some(index)
    }

    fn time_max(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Fresh | Wait::Request => self.cx.limits.request_time_max,
            Wait::Idle => self.cx.limits.idle_time_max,
            Wait::Stall => self.cx.limits.stall_time_max,
            Wait::Linger => self.cx.limits.linger_time_max,
            // Its time is the deadline itself.
            Wait::Source => Duration::ZERO,
        }
    }

    /// The connection that waits longest for `wait`, and when its time is up. A time so long that
    /// it cannot be counted is never up.
    fn deadline(&self, wait: Wait) -> Option<(usize, Instant)> {
        let (index, since) = self.deadlines.first(wait)?;
        Some((index, since.checked_add(self.time_max(wait))?))
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = WAITS.iter().filter_map(|&wait| Some(self.deadline(wait)?.1));
        deadlines.chain(self.accept_again).chain(self.stop_by).min()
    }

    fn expire(&mut self) {
        for wait in WAITS {
            while let Some((index, at)) = self.deadline(wait)
                && at <= self.cx.now
            {
                // Whatever comes of it, it has another deadline then, or none.
                self.deadlines.clear(index);
                self.expire_client(index);
            }
        }
    }

    fn expire_client(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        match client.connection.expire(&mut self.cx) {
            Some(reason) => self.close(index, reason),
            None => self.resume(index),
        }
    }

    fn begin_to_stop(&mut self, grace: Duration) {
        // A grace that cannot be counted is a year: long enough, and no error.
        self.cx.is_stopping = true;
        self.cx.handler.stopping();
        self.stop_by = self.cx.now.checked_add(grace.min(Duration::from_secs(31_536_000)));
        self.accept_again = None;
        self.listeners.clear();
        for index in self.clients.indices() {
            let client = self.clients.get_mut(index);
            if client.is_some_and(|client| client.connection.is_between_requests()) {
                self.close(index, CloseReason::Stopping);
            }
        }
    }
}

/// Waits for connections on all of `listeners`.
fn watch(epoll: &Epoll, listeners: &[Listener]) -> io::Result<()> {
    let tokens = BELL + 1..;
    listeners
        .iter()
        .zip(tokens)
        .try_for_each(|(listener, token)| epoll.add(listener, token, Interest::Read))
}
