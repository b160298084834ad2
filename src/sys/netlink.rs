//! Netlink sockets, on which the kernel answers a request with a list of messages: netlink(7).
//!
//! ```text
//! message  length u32 | kind u16 | flags u16 | sequence u32 | port u32 | body, padded to 4
//! ```
//!
//! What the bodies mean is the caller's matter.

use super::batch::with_batch;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Bytes of a message in front of its body.
const HEADER_BYTES: usize = 16;

/// Which part of the kernel a socket talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Links, addresses, neighbours, routes and queueing disciplines: rtnetlink(7).
    Route,
    /// Sockets: `sock_diag(7)`.
    SocketDiagnosis,
    /// Families that are registered by name, such as that of wireless devices.
    Generic,
}

/// A socket to the kernel.
pub struct Netlink {
    fd: OwnedFd,
    request: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket in the network namespace of this thread.
    ///
    /// # Errors
    /// Those of `socket(2)`: the kernel lacks the protocol, or descriptors ran out.
    pub fn open(protocol: Protocol) -> io::Result<Netlink> {
        let protocol = match protocol {
            Protocol::Route => libc::NETLINK_ROUTE,
            Protocol::SocketDiagnosis => libc::NETLINK_SOCK_DIAG,
            Protocol::Generic => libc::NETLINK_GENERIC,
        };
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: the call takes no pointers and hands out a new descriptor or an error.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Netlink { fd, request: Vec::new(), sequence: 0 })
    }

    /// Asks for all things of a kind, and calls `visit` with the kind and the body of each message
    /// of the answer. The kernel makes the answer up while it is received, so this never waits.
    /// Messages may be repeated or missing where things come and go meanwhile.
    ///
    /// # Errors
    /// What the kernel answers with, and those of `send(2)` and `recv(2)`. The socket may hold the
    /// rest of an answer then, and is to be closed.
    pub fn dump(
        &mut self,
        kind: u16,
        body: &[u8],
        mut visit: impl FnMut(u16, &[u8]),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
        write_message(&mut self.request, kind, flags, self.sequence, body);
        self.send()?;
        with_batch(|batch| {
            loop {
                for message in Messages::new(self.receive(batch)?) {
                    let Message { kind, sequence, body } = message?;
                    if sequence != self.sequence {
                        continue;
                    }
                    match i32::from(kind) {
                        libc::NLMSG_NOOP => {}
                        libc::NLMSG_DONE | libc::NLMSG_ERROR => return outcome(body),
                        _ => visit(kind, body),
                    }
                }
            }
        })
    }

    fn send(&self) -> io::Result<()> {
        let (start, bytes) = (self.request.as_ptr().cast(), self.request.len());
        // SAFETY: `start` points to `bytes` readable bytes that we own.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), start, bytes, 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Receives the next part of an answer.
    fn receive<'a>(&self, batch: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let (start, room) = (batch.as_mut_ptr().cast(), batch.len());
        // SAFETY: `start` points to `room` writable bytes that we own.
        let bytes = unsafe { libc::recv(self.fd.as_raw_fd(), start, room, libc::MSG_TRUNC) };
        let bytes = usize::try_from(bytes).map_err(|_| io::Error::last_os_error())?;
        // MSG_TRUNC makes recv(2) tell the length of the part even where the buffer is shorter.
        batch.get(..bytes).ok_or_else(malformed)
    }
}

/// What the body of a message that ends an answer says: an error number below zero, or 0.
fn outcome(body: &[u8]) -> io::Result<()> {
    let errno = body.first_chunk().map_or(0, |errno| i32::from_ne_bytes(*errno));
    if errno < 0 { Err(io::Error::from_raw_os_error(errno.saturating_neg())) } else { Ok(()) }
}

fn malformed() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

/// Writes a request in place of what `into` holds.
fn write_message(into: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, body: &[u8]) {
    into.clear();
    let length = u32::try_from(HEADER_BYTES + body.len()).expect("requests are short");
    into.extend(length.to_ne_bytes());
    into.extend(kind.to_ne_bytes());
    into.extend(flags.to_ne_bytes());
    into.extend(sequence.to_ne_bytes());
    into.extend([0; 4]);
    into.extend(body);
}

/// The messages that stand end to end in what was received.
struct Messages<'a> {
    rest: &'a [u8],
}

#[derive(Debug, PartialEq)]
struct Message<'a> {
    kind: u16,
    sequence: u32,
    body: &'a [u8],
}

impl<'a> Messages<'a> {
    fn new(batch: &'a [u8]) -> Messages<'a> {
        Messages { rest: batch }
    }

    fn take(&mut self) -> Option<Message<'a>> {
        let length = u32::from_ne_bytes(*self.rest.first_chunk()?) as usize;
        let body = self.rest.get(HEADER_BYTES..length)?;
        let kind = u16::from_ne_bytes([self.rest[4], self.rest[5]]);
        let sequence = self.rest[8..12].first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))?;
        self.rest = &self.rest[length.next_multiple_of(4).min(self.rest.len())..];
        Some(Message { kind, sequence, body })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = io::Result<Message<'a>>;

    fn next(&mut self) -> Option<io::Result<Message<'a>>> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.take().ok_or_else(|| {
            self.rest = &[];
            malformed()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `struct ifinfomsg`, all zero: any link.
    const ANY_LINK: [u8; 16] = [0; 16];

    #[test]
    fn the_kernel_lists_its_links_again_and_again() {
        let mut netlink = Netlink::open(Protocol::Route).unwrap();
        for _ in 0..3 {
            let mut indices = Vec::new();
            netlink
                .dump(libc::RTM_GETLINK, &ANY_LINK, |kind, body| {
                    assert_eq!(kind, libc::RTM_NEWLINK);
                    indices.push(i32::from_ne_bytes(*body[4..].first_chunk().unwrap()));
                })
                .unwrap();
            assert!(indices.contains(&1), "{indices:?} have no loopback");
        }
    }

    #[test]
    fn an_error_is_what_the_kernel_says() {
        let mut netlink = Netlink::open(Protocol::Route).unwrap();
        let unknown = libc::RTM_GETLINK + 1000;
        let error = netlink.dump(unknown, &ANY_LINK, |_, _| panic!("there is no such thing"));
        assert_eq!(error.unwrap_err().raw_os_error(), Some(libc::EOPNOTSUPP));
        netlink.dump(libc::RTM_GETLINK, &ANY_LINK, |_, _| ()).unwrap();
    }

    #[test]
    fn a_cut_message_is_an_error_and_the_last_word() {
        let mut batch = Vec::new();
        write_message(&mut batch, 16, 2, 7, b"body!");
        for cut in 1..batch.len() {
            let mut messages = Messages::new(&batch[..cut]);
            assert!(messages.next().unwrap().is_err(), "{cut} bytes");
            assert!(messages.next().is_none());
        }
        let whole = Messages::new(&batch).next().unwrap().unwrap();
        assert_eq!(whole, Message { kind: 16, sequence: 7, body: b"body!" });
    }

    proptest! {
        /// Any bytes are read to an end, and bodies never overlap.
        #[test]
        fn no_bytes_panic_or_loop(batch in prop::collection::vec(any::<u8>(), 0..200)) {
            let bodies: usize = Messages::new(&batch).flatten().map(|message| message.body.len()).sum();
            prop_assert!(bodies <= batch.len());
        }

        /// What is written is read back, also behind another message.
        #[test]
        fn reads_back_what_was_written(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5)) {
            let (mut batch, mut message) = (Vec::new(), Vec::new());
            for body in &bodies {
                write_message(&mut message, 20, 0, 9, body);
                batch.extend(&message);
                batch.resize(batch.len().next_multiple_of(4), 0);
            }
            let read: Vec<Vec<u8>> =
                Messages::new(&batch).map(|message| message.unwrap().body.to_vec()).collect();
            prop_assert_eq!(read, bodies);
        }
    }
}
