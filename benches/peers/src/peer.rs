//! What every library is asked to do.

use crate::http;
use crate::script::{Script, Update};
use bytes::Bytes;
use std::net::SocketAddr;

/// The upper bounds of every histogram: those that most libraries have by default.
pub const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The workload in one library, with handles held to every series.
pub trait Peer: Send + 'static {
    fn new(script: &Script) -> Self
    where
        Self: Sized;

    fn apply(&mut self, update: Update);

    /// The text of one scrape, in a buffer that is used again where the library takes one.
    fn encode(&mut self) -> &[u8];

    /// The text of one scrape in memory of its own, as a server's handler hands it on.
    fn scrape(&mut self) -> Bytes;

    /// One scrape compressed by the library itself; None if it has no such thing.
    fn encode_gzip(&mut self) -> Option<&[u8]> {
        None
    }

    /// One scrape compressed by the library itself, thrown away; false if it has no such thing.
    fn scrape_gzip(&mut self) -> bool {
        false
    }

    /// Serves scrapes on loopback until the process ends.
    fn serve(self: Box<Self>) -> SocketAddr {
        http::serve(self)
    }
}

/// Few series for the update path: one counter, one histogram, and a family of counters with five
/// labels.
pub trait Updates: Sync {
    /// Counts `rounds` times on one held handle.
    fn count(&self, rounds: u64);

    /// Observes `rounds` times on one held handle.
    fn observe(&self, rounds: u64);

    /// Looks a series up by its labels and counts, `rounds` times, one route after the other. The
    /// other four label values are known when the program is compiled.
    fn look_up(&self, rounds: u64, routes: &[String]);
}

/// A library in the tables.
pub struct Library {
    /// As its package is called.
    pub name: &'static str,
    pub workload: fn(&Script) -> Box<dyn Peer>,
    pub updates: fn() -> Box<dyn Updates>,
}

impl Library {
    pub const fn new<P: Peer, U: Updates + Default + 'static>(name: &'static str) -> Library {
        Library {
            name,
            workload: |script| Box::new(P::new(script)),
            updates: || Box::new(U::default()),
        }
    }

    /// The workload with its first values.
    pub fn begin(&self, lines: usize) -> (Box<dyn Peer>, Script) {
        let mut script = Script::new(lines);
        let mut peer = (self.workload)(&script);
        script.begin(|update| peer.apply(update));
        (peer, script)
    }
}
