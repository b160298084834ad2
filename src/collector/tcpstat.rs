//! `tcpstat`: TCP connections by state, and what they have queued. Source: sock_diag(7), asked for
//! all TCP sockets of the network namespace, whatever the root of procfs.

use super::error::CollectError;
use super::fs::Files;
use super::rtnetlink::{KernelSocket, Protocol, word_at};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::PathBuf;

const METRICS: [Metric; 1] =
    [Metric::gauge("node_tcp_connection_states", "TCP connections by state, and bytes queued.")];

/// Table: state in the kernel (net/tcp_states.h) less 1 => label.
const STATES: [&str; 11] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];
/// The label of states of later kernels.
const UNKNOWN: usize = STATES.len();
const COUNTS: usize = STATES.len() + 1;

// Of linux/sock_diag.h, linux/in.h and linux/socket.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const IPPROTO_TCP: u8 = 6;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// `struct inet_diag_req_v2`:
///
/// ```text
/// family u8 | protocol u8 | extensions u8 | padding u8 | states u32 | socket u8 * 48
/// ```
const REQUEST_BYTES: usize = 56;
/// A bit for each state, of which the lowest is none.
const ALL_STATES: u32 = 0xfff;

/// `struct inet_diag_msg`:
///
/// ```text
/// family u8 | state u8 | timer u8 | retransmits u8 | socket u8 * 48 | expires u32
/// | receive queue u32 | send queue u32 | user u32 | inode u32
/// ```
const STATE_AT: usize = 1;
const RECEIVE_QUEUE_AT: usize = 56;
const SEND_QUEUE_AT: usize = 60;

pub(super) struct TcpStat {
    socket: KernelSocket,
    table: Table,
    /// There where the kernel has IPv6.
    tcp6: PathBuf,
}

impl TcpStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(TcpStat {
            socket: KernelSocket::new(Protocol::SocketDiagnosis),
            table: Table::register(&setup.registry, &["state"], &METRICS)?,
            tcp6: setup.roots.proc.join("net/tcp6"),
        }))
    }
}

impl Collector for TcpStat {
    fn collect(&mut self, _: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        let mut sockets = Sockets::default();
        let families = [AF_INET, AF_INET6];
        let asked = if self.tcp6.exists() { &families[..] } else { &families[..1] };
        for family in asked {
            let kinds = (SOCK_DIAG_BY_FAMILY, SOCK_DIAG_BY_FAMILY);
            self.socket.dump("SOCK_DIAG_BY_FAMILY", kinds, &request(*family), |body| {
                sockets.add(body);
            })?;
        }
        for (name, value) in sockets.values() {
            sweep.row(&[name]).set(0, Some(value as f64));
        }
        Ok(())
    }
}

fn request(family: u8) -> [u8; REQUEST_BYTES] {
    let mut request = [0; REQUEST_BYTES];
    (request[0], request[1]) = (family, IPPROTO_TCP);
    request[4..8].copy_from_slice(&ALL_STATES.to_ne_bytes());
    request
}

#[derive(Default)]
struct Sockets {
    by_state: [u64; COUNTS],
    received_bytes: u64,
    unsent_bytes: u64,
}

impl Sockets {
    /// Counts the socket that the body of a message describes, unless that is cut off.
    fn add(&mut self, body: &[u8]) {
        let queues = word_at(body, RECEIVE_QUEUE_AT).zip(word_at(body, SEND_QUEUE_AT));
        let Some((received, unsent)) = queues else { return };
        self.received_bytes += u64::from(received);
        self.unsent_bytes += u64::from(unsent);
        let state = usize::from(body[STATE_AT]).checked_sub(1);
        self.by_state[state.map_or(UNKNOWN, |state| state.min(UNKNOWN))] += 1;
    }

    /// The states that any socket is in, and the queues if there is a socket.
    fn values(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = STATES.into_iter().chain(["unknown"]);
        let states = names.zip(self.by_state).filter(|(_, count)| *count > 0);
        let is_any_there = self.by_state.iter().any(|count| *count > 0);
        let queues =
            [("rx_queued_bytes", self.received_bytes), ("tx_queued_bytes", self.unsent_bytes)];
        states.chain(queues.into_iter().filter(move |_| is_any_there))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(state: u8, received: u32, unsent: u32) -> Vec<u8> {
        let mut body = vec![0; 72];
        body[STATE_AT] = state;
        body[RECEIVE_QUEUE_AT..][..4].copy_from_slice(&received.to_ne_bytes());
        body[SEND_QUEUE_AT..][..4].copy_from_slice(&unsent.to_ne_bytes());
        body
    }

    #[test]
    fn shows_the_states_that_there_are() {
        let mut sockets = Sockets::default();
        assert_eq!(sockets.values().count(), 0);
        for (state, received, unsent) in [(1, 5, 0), (10, 1, 128), (1, 0, 7), (12, 0, 0), (0, 0, 0)]
        {
            sockets.add(&body(state, received, unsent));
        }
        sockets.add(&body(1, 9, 9)[..63]);
        let shown: Vec<_> = sockets.values().collect();
        assert_eq!(
            shown,
            [
                ("established", 2),
                ("listen", 1),
                ("unknown", 2),
                ("rx_queued_bytes", 6),
                ("tx_queued_bytes", 135)
            ]
        );
    }

    #[test]
    fn finds_a_socket_that_listens_on_this_host() {
        let _listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (mut sockets, mut socket) =
            (Sockets::default(), KernelSocket::new(Protocol::SocketDiagnosis));
        let kinds = (SOCK_DIAG_BY_FAMILY, SOCK_DIAG_BY_FAMILY);
        socket.dump("x", kinds, &request(AF_INET), |body| sockets.add(body)).unwrap();
        assert!(sockets.values().any(|(name, count)| name == "listen" && count > 0));
    }
}
