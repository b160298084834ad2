//! Writing to a standard output, and reading from a pipe, without ever waiting.
//!
//! A standard output is shared with other processes, and so is its flag O_NONBLOCK: setting that
//! would surprise them. A pipe or a terminal is opened a second time in its place, and a socket is
//! told with each write.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

/// As much as a pipe takes whole or not at all: lines of several writers do not mix (pipe(7)).
pub const ATOMIC_BYTES: usize = libc::PIPE_BUF;

/// A standard output that is written to without waiting.
#[derive(Debug)]
pub struct Output {
    file: File,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Opened a second time, non-blocking.
    Private,
    Socket,
    /// A file of a disk, or what could not be opened a second time.
    Shared,
}

impl Output {
    /// What `fd` is open for, in this or another descriptor.
    ///
    /// # Errors
    /// Out of descriptors, or the descriptor is closed.
    pub fn new(fd: impl AsFd) -> io::Result<Output> {
        let file = File::from(fd.as_fd().try_clone_to_owned()?);
        let file_type = file.metadata()?.file_type();
        if file_type.is_socket() {
            return Ok(Output { file, kind: Kind::Socket });
        }
        // A regular file never waits, and a second descriptor would have a position of its own.
        let is_waiting = file_type.is_fifo() || file_type.is_char_device();
        let again = || {
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            OpenOptions::new().write(true).custom_flags(flags).open(path)
        };
        match is_waiting.then(again) {
            Some(Ok(file)) => Ok(Output { file, kind: Kind::Private }),
            _ => Ok(Output { file, kind: Kind::Shared }),
        }
    }

    /// Writes as much of `bytes` as is taken at once.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is; otherwise those of `write(2)` and `send(2)`.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(ATOMIC_BYTES)];
        match self.kind {
            Kind::Private => (&self.file).write(bytes),
            Kind::Socket => {
                let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
                let (fd, start) = (self.file.as_raw_fd(), bytes.as_ptr().cast());
                // SAFETY: `start` points to `bytes.len()` readable bytes that we borrow.
                let count = unsafe { libc::send(fd, start, bytes.len(), flags) };
                usize::try_from(count).map_err(|_| io::Error::last_os_error())
            }
            Kind::Shared if self.is_ready()? => (&self.file).write(bytes),
            Kind::Shared => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Whether a write of [`ATOMIC_BYTES`] is taken at once, unless another writer comes first.
    fn is_ready(&self) -> io::Result<bool> {
        let mut wanted =
            libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: the pointer is to one pollfd, as the count says.
        match unsafe { libc::poll(&raw mut wanted, 1, 0) } {
            count if count < 0 => Err(io::Error::last_os_error()),
            count => Ok(count > 0),
        }
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Makes reading from a pipe that nobody else reads from return at once (O_NONBLOCK).
///
/// # Errors
/// Those of `fcntl(2)`; none is to be expected.
pub fn never_wait(fd: OwnedFd) -> io::Result<File> {
    // SAFETY: takes two numbers and a descriptor that is open, since `fd` owns it.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    if flags < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the same; the third argument of F_SETFL is an int.
    if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(fd.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_is_full_is_not_waited_for() -> io::Result<()> {
        let (mut reader, writer) = io::pipe()?;
        let (mut peer, socket) = UnixStream::pair()?;
        let outputs = [Output::new(&writer)?, Output::new(&socket)?];
        assert_eq!(outputs.each_ref().map(|output| output.kind), [Kind::Private, Kind::Socket]);
        for output in outputs {
            let error = loop {
                if let Err(error) = output.write(&[b'x'; 2 * ATOMIC_BYTES]) {
                    break error;
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
        // The shared descriptors still wait: there is room for one more byte in neither, so this
        // reads first.
        reader.read_exact(&mut [0; ATOMIC_BYTES])?;
        peer.read_exact(&mut [0; ATOMIC_BYTES])?;
        let shared = Output { file: File::from(OwnedFd::from(writer)), kind: Kind::Shared };
        assert_eq!(shared.write(&[b'x'; ATOMIC_BYTES])?, ATOMIC_BYTES);
        assert_eq!(shared.write(b"x").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        Ok(())
    }

    #[test]
    fn a_file_is_written_where_its_descriptor_stands() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("promlet-output-{}", std::process::id()));
        let mut file = File::create(&path)?;
        file.write_all(b"a")?;
        let output = Output::new(&file)?;
        assert_eq!((output.write(b"b")?, output.kind), (1, Kind::Shared));
        file.write_all(b"c")?;
        assert_eq!(std::fs::read(&path)?, b"abc");
        std::fs::remove_file(&path)
    }

    #[test]
    fn an_empty_pipe_is_not_waited_for() -> io::Result<()> {
        let (reader, _writer) = io::pipe()?;
        let error = never_wait(reader.into())?.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        Ok(())
    }
}
