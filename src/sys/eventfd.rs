//! A descriptor that one thread makes readable to wake another: `eventfd(2)`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// A wake-up that stays set once it is raised, until it is cleared.
#[derive(Debug)]
pub struct EventFd {
    file: File,
}

impl EventFd {
    /// A wake-up that is not raised.
    ///
    /// # Errors
    /// Those of `eventfd(2)`: out of descriptors or memory.
    pub fn new() -> io::Result<EventFd> {
        // SAFETY: the call takes no pointers and hands out a new descriptor or an error.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(EventFd { file: File::from(fd) })
    }

    /// Makes the descriptor readable; raising it again changes nothing.
    ///
    /// # Errors
    /// None is to be expected: a counter that is full is raised already.
    pub fn raise(&self) -> io::Result<()> {
        match (&self.file).write(&1u64.to_ne_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes the descriptor unreadable until it is raised again; without effect if it was not.
    ///
    /// # Errors
    /// None is to be expected.
    pub fn clear(&self) -> io::Result<()> {
        match (&self.file).read(&mut [0; 8]) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::epoll::{Epoll, Events, Interest};
    use std::time::Duration;

    #[test]
    fn is_readable_from_raising_to_clearing() -> io::Result<()> {
        let wake = EventFd::new()?;
        let epoll = Epoll::new()?;
        let mut events = Events::with_capacity(1);
        epoll.add(&wake, 1, Interest::Read)?;
        let mut is_raised = || {
            epoll.wait(&mut events, Some(Duration::ZERO))?;
            Ok::<bool, io::Error>(!events.is_empty())
        };
        for _ in 0..2 {
            wake.clear()?;
            assert!(!is_raised()?);
            wake.raise()?;
            wake.raise()?;
            assert!(is_raised()?);
        }
        Ok(())
    }
}
