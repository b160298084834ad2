//! Signals as something to read from a descriptor: `signalfd(2)`.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::signal::{Signal, SignalSet};

/// The length of a `signalfd_siginfo`, and where the number of the signal stands in it.
const INFO_BYTES: usize = size_of::<libc::signalfd_siginfo>();

/// A descriptor that is readable while a signal of a set waits.
///
/// The set must be blocked in every thread, or the signals go elsewhere. Each thread sees those of
/// the process and its own.
#[derive(Debug)]
pub struct SignalFd {
    file: File,
}

impl SignalFd {
    /// A descriptor for this set.
    ///
    /// # Errors
    /// Those of `signalfd(2)`: out of descriptors or memory.
    pub fn new(set: &SignalSet) -> io::Result<SignalFd> {
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the pointer is to an initialised set, which the call only reads.
        let fd = unsafe { libc::signalfd(-1, set.raw(), flags) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(SignalFd { file: File::from(fd) })
    }

    /// Takes the next signal that waits; never blocks.
    ///
    /// # Errors
    /// None is known besides that there is none, which is `None`.
    pub fn take(&self) -> io::Result<Option<Signal>> {
        let mut info = [0_u8; INFO_BYTES];
        match (&self.file).read(&mut info) {
            Ok(_) => {
                let number = [info[0], info[1], info[2], info[3]];
                Ok(Some(Signal::from_number(i32::from_ne_bytes(number))))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

const _: () = assert!(std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo) == 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_signal_waits_in_the_queue_of_its_thread() {
        // pthread-directed, so that the other test threads never see it.
        let set = SignalSet::empty().with(Signal::USR2);
        set.block().unwrap();
        let signals = SignalFd::new(&set).unwrap();
        assert_eq!(signals.take().unwrap(), None);
        // SAFETY: raise(3) has no preconditions; it is aimed at this thread, which blocks USR2.
        unsafe { libc::raise(libc::SIGUSR2) };
        assert_eq!(signals.take().unwrap(), Some(Signal::USR2));
        assert_eq!(signals.take().unwrap(), None);
    }
}
