//! Servers: made of listening sockets, run on one thread, stopped from any.

use std::io;
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::handler::Handler;
use super::limits::Limits;
use super::listen::{ListenAddress, ListenError, Listener};
use crate::sys::eventfd::EventFd;

mod clients;
mod event_loop;

use event_loop::EventLoop;

/// A server that listens, and does not run yet: what connects to it waits.
///
/// ```
/// use promlet::http::{Handler, Limits, NoStream, Request, Response, Server, Status};
/// use std::time::Duration;
///
/// struct Hello;
///
/// impl Handler for Hello {
///     type Body = NoStream;
///
///     fn handle(&mut self, _: &Request<'_>) -> Response<NoStream> {
///         Response::text(Status::Ok, "hello\n")
///     }
/// }
///
/// let server = Server::bind(&["127.0.0.1:0".parse()?], Limits::default())?;
/// let handle = server.spawn(Hello)?;
/// println!("listening on {}", handle.local_addresses()[0]);
/// handle.stop(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    limits: Limits,
    stopper: Stopper,
}

impl Server {
    /// Listens on all of `addresses`, or on none of them.
    ///
    /// # Errors
    /// If one of them is taken, not this machine's, or not permitted; its message is one line.
    pub fn bind(addresses: &[ListenAddress], limits: Limits) -> Result<Server, ListenError> {
        let listeners = addresses.iter().map(Listener::bind).collect::<Result<_, _>>()?;
        Server::with_listeners(listeners, limits)
    }

    /// A server on sockets that listen already.
    ///
    /// # Errors
    /// If the process is out of descriptors.
    pub fn with_listeners(listeners: Vec<Listener>, limits: Limits) -> Result<Server, ListenError> {
        let raised = EventFd::new().map_err(|source| ListenError::new("any address", source))?;
        let bell = Bell { raised, grace: OnceLock::new() };
        Ok(Server { listeners, limits, stopper: Stopper { bell: Arc::new(bell) } })
    }

    /// The addresses that it listens on, in the order given, with the ports that the kernel chose.
    pub fn local_addresses(&self) -> Vec<ListenAddress> {
        self.listeners.iter().map(|listener| listener.local_address().clone()).collect()
    }

    /// What stops it, from any thread.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves on this thread until it is stopped.
    ///
    /// # Errors
    /// If the event loop cannot be made (out of descriptors or memory). Nothing that peers do ends
    /// it.
    pub fn run<H: Handler>(self, handler: H) -> io::Result<()> {
        EventLoop::new(self.listeners, self.limits, self.stopper, handler)?.run()
    }

    /// Serves on a thread of its own until it is stopped.
    ///
    /// # Errors
    /// If the event loop cannot be made, or there can be no more threads.
    pub fn spawn<H>(self, handler: H) -> io::Result<ServerHandle>
    where
        H: Handler<Body: Send> + Send + 'static,
    {
        let (local_addresses, stopper) = (self.local_addresses(), self.stopper());
        // Made here, so that who starts it learns of its failure.
        let event_loop = EventLoop::new(self.listeners, self.limits, self.stopper, handler)?;
        let thread =
            thread::Builder::new().name("promlet-http".into()).spawn(|| event_loop.run())?;
        Ok(ServerHandle { local_addresses, stopper, thread })
    }
}

/// Stops a server, from any thread and as often as one likes.
#[derive(Clone, Debug)]
pub struct Stopper {
    bell: Arc<Bell>,
}

/// What the event loop is called by from other threads.
#[derive(Debug)]
struct Bell {
    raised: EventFd,
    /// Set once stopping was asked for.
    grace: OnceLock<Duration>,
}

impl Bell {
    fn ring(&self) {
        self.raised.raise().expect("an eventfd that is ours can be written to");
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

impl Stopper {
    /// Asks the server to stop: it accepts no more, closes the connections that owe no answer, and
    /// ends when the answers under way are out, but after `grace` at the latest. The first call
    /// counts.
    pub fn stop(&self, grace: Duration) {
        self.bell.grace.get_or_init(|| grace);
        self.bell.ring();
    }

    /// What makes the server's bodies that wait go on.
    fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.bell))
    }
}

/// A server that runs on its own thread. If it is dropped, the server goes on.
#[derive(Debug)]
pub struct ServerHandle {
    local_addresses: Vec<ListenAddress>,
    stopper: Stopper,
    thread: JoinHandle<io::Result<()>>,
}

impl ServerHandle {
    /// See [`Server::local_addresses`].
    pub fn local_addresses(&self) -> &[ListenAddress] {
        &self.local_addresses
    }

    /// What stops it, from any thread.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Stops the server as [`Stopper::stop`] does, and waits until it has.
    ///
    /// # Errors
    /// As [`Server::run`].
    ///
    /// # Panics
    /// If the handler panicked.
    pub fn stop(self, grace: Duration) -> io::Result<()> {
        self.stopper.stop(grace);
        self.join()
    }

    /// Waits until the server is stopped by someone else.
    ///
    /// # Errors
    /// As [`Server::run`].
    ///
    /// # Panics
    /// If the handler panicked.
    pub fn join(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
