//! Readiness of many descriptors in one call, level-triggered: `epoll(7)`.
//!
//! Level-triggered, so that an event which was not acted upon comes again: the caller may stop
//! reading or accepting where it likes and loses nothing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// What a descriptor is watched for. Errors and hang-ups are always reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Bytes to read, a connection to accept, or the end of what the peer sends.
    Read,
    /// Room to write.
    Write,
    /// Nothing but errors, and that the peer is gone for both directions.
    HangUp,
}

impl Interest {
    fn bits(self) -> u32 {
        match self {
            Interest::Read => libc::EPOLLIN as u32,
            Interest::Write => libc::EPOLLOUT as u32,
            Interest::HangUp => 0,
        }
    }
}

/// Room for the events of one [`Epoll::wait`], allocated once.
pub struct Events {
    list: Vec<libc::epoll_event>,
    len: usize,
}

impl Events {
    /// Room for `capacity` events a call (at least one); more than that come with the next call.
    pub fn with_capacity(capacity: usize) -> Events {
        let empty = libc::epoll_event { events: 0, u64: 0 };
        Events { list: vec![empty; capacity.max(1)], len: 0 }
    }

    /// How many descriptors were ready.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none was: the time was up.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The token of the event at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Events::len`].
    pub fn token(&self, index: usize) -> u64 {
        self.list[..self.len][index].u64
    }
}

/// An epoll instance: a set of watched descriptors, each with a token of the caller's choice.
///
/// A descriptor leaves the set by itself when its last copy is closed.
#[derive(Debug)]
pub struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    /// An empty set.
    ///
    /// # Errors
    /// Those of `epoll_create1(2)`: out of descriptors or memory.
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: the call takes no pointers and hands out a new descriptor or an error.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        Ok(Epoll { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Starts watching `fd`; its events carry `token`.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`: already watched, not watchable (a plain file), out of memory.
    pub fn add(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, &fd, token, interest)
    }

    /// Changes what `fd`, watched already, is watched for.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`: not watched.
    pub fn modify(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, &fd, token, interest)
    }

    /// Stops watching `fd`, for errors and hang-ups too.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`: not watched.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, &fd, 0, Interest::Read)
    }

    fn control(
        &self,
        operation: i32,
        fd: &impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest.bits(), u64: token };
        let fd = fd.as_fd().as_raw_fd();
        // SAFETY: `event` is a valid epoll_event that outlives the call, which only reads it; both
        // descriptors are open, since they are borrowed from their owners.
        let result = unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, fd, &mut event) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits until a descriptor is ready or `timeout` is over (`None`: for ever).
    ///
    /// The timeout is rounded up to whole milliseconds, so that a deadline is never woken up for
    /// too early and then again and again. A signal ends the wait early, with no event.
    ///
    /// # Errors
    /// Those of `epoll_wait(2)` other than `EINTR`; none is to be expected.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.len = 0;
        let room = i32::try_from(events.list.len()).unwrap_or(i32::MAX);
        let timeout_ms = timeout.map_or(-1, |timeout| {
            i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        let list = events.list.as_mut_ptr();
        // SAFETY: `list` points to at least `room` initialised epoll_events, which nobody else
        // borrows during the call.
        let count = unsafe { libc::epoll_wait(self.fd.as_raw_fd(), list, room, timeout_ms) };
        match usize::try_from(count) {
            Ok(count) => {
                events.len = count;
                Ok(())
            }
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                error => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn readiness_is_reported_until_it_is_acted_upon() -> io::Result<()> {
        let (ours, mut theirs) = UnixStream::pair()?;
        let epoll = Epoll::new()?;
        let mut events = Events::with_capacity(4);
        epoll.add(&ours, 7, Interest::Read)?;
        epoll.wait(&mut events, Some(Duration::ZERO))?;
        assert!(events.is_empty());

        theirs.write_all(b"x")?;
        for _ in 0..2 {
            epoll.wait(&mut events, None)?;
            assert_eq!((events.len(), events.token(0)), (1, 7));
        }
        epoll.modify(&ours, 8, Interest::Write)?;
        epoll.wait(&mut events, None)?;
        assert_eq!((events.len(), events.token(0)), (1, 8));
        epoll.remove(&ours)?;
        epoll.wait(&mut events, Some(Duration::ZERO))?;
        assert!(events.is_empty());
        Ok(())
    }
}
