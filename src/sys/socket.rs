//! Stream sockets, TCP and Unix alike, that never block and never raise SIGPIPE.
//!
//! `std::net` could do most of this, with more system calls for each connection (one more to make
//! it non-blocking, one more for TCP_NODELAY) and without dual-stack listeners.

use std::io::{self, IoSlice};
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many connections the kernel queues for us until they are accepted. It takes the smaller of
/// this and `net.core.somaxconn`; past it, clients try again after a second.
const BACKLOG: libc::c_int = 1_024;

/// A non-blocking, close-on-exec stream socket, connected or listening.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
}

impl Socket {
    /// Listens for TCP connections on `address`; the wildcard `[::]` takes IPv4 as well.
    ///
    /// # Errors
    /// Those of `socket(2)`, `bind(2)` and `listen(2)`: taken, not permitted, no such address, no
    /// IPv6 on this machine.
    pub fn listen_tcp(address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 })?;
        socket.set_option(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            socket.set_option(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0)?;
        }
        socket.bind(address)?;
        // SAFETY: the call takes no pointers, and the descriptor is open: `socket` owns it.
        check(unsafe { libc::listen(socket.fd.as_raw_fd(), BACKLOG) })?;
        Ok(socket)
    }

    /// Begins to connect to `address`. The socket becomes writable when that has come to an end,
    /// which [`Socket::connected`] tells.
    ///
    /// # Errors
    /// Those of `socket(2)` and `connect(2)`, as far as they show at once: nobody listens there.
    pub fn connect_tcp(address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 })?;
        let fd = socket.fd.as_raw_fd();
        // SAFETY: `with_raw` gives an address of `len` readable bytes, which the call checks and
        // copies.
        match with_raw(address, |raw, len| check(unsafe { libc::connect(fd, raw, len) })) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok(socket),
        }
    }

    /// How connecting has ended, once the socket is writable.
    ///
    /// # Errors
    /// Those of `connect(2)`: nobody listens there.
    pub fn connected(&self) -> io::Result<()> {
        let mut errno: libc::c_int = 0;
        let mut len = mem::size_of_val(&errno) as libc::socklen_t;
        let (fd, value) = (self.fd.as_raw_fd(), (&raw mut errno).cast());
        let (level, name) = (libc::SOL_SOCKET, libc::SO_ERROR);
        // SAFETY: `value` points to a live int of `len` bytes, and `len` is live too.
        check(unsafe { libc::getsockopt(fd, level, name, value, &raw mut len) })?;
        if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
    }

    /// Whether somebody listens on the Unix socket at `path`, found out by connecting to it
    /// without waiting to be accepted.
    ///
    /// # Errors
    /// Those of `connect(2)`: no such file, not a stream socket, not permitted.
    pub fn is_listened_on(path: &Path) -> io::Result<bool> {
        let mut address = libc::sockaddr_un {
            sun_family: libc::AF_UNIX as libc::sa_family_t,
            sun_path: [0; 108],
        };
        let path = path.as_os_str().as_bytes();
        // The zero that ends the path has to fit too.
        if path.len() >= address.sun_path.len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        for (to, from) in address.sun_path.iter_mut().zip(path) {
            *to = from.cast_signed() as libc::c_char;
        }
        let socket = Socket::new(libc::AF_UNIX)?;
        let len = mem::size_of_val(&address) as libc::socklen_t;
        let (fd, address) = (socket.fd.as_raw_fd(), (&raw const address).cast());
        // SAFETY: `address` points to `len` readable bytes, which the call checks and copies.
        match check(unsafe { libc::connect(fd, address, len) }) {
            Ok(_) => Ok(true),
            Err(error) => match error.raw_os_error() {
                // Too many wait to be accepted already.
                Some(libc::EAGAIN) => Ok(true),
                Some(libc::ECONNREFUSED) => Ok(false),
                _ => Err(error),
            },
        }
    }

    fn new(domain: libc::c_int) -> io::Result<Socket> {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: the call takes no pointers and hands out a new descriptor or an error.
        let fd = check(unsafe { libc::socket(domain, kind, 0) })?;
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        Ok(Socket { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Takes over a socket made elsewhere and makes it non-blocking.
    ///
    /// # Errors
    /// Those of `fcntl(2)`; none is to be expected.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Socket> {
        // SAFETY: the call takes no pointers, and the descriptor is open: `fd` owns it.
        let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
        let flags = flags | libc::O_NONBLOCK;
        // SAFETY: as above; the third argument of F_SETFL is an int.
        check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags) })?;
        Ok(Socket { fd })
    }

    /// A second descriptor of the same socket.
    ///
    /// # Errors
    /// Those of `fcntl(2)`: out of descriptors.
    pub fn try_clone(&self) -> io::Result<Socket> {
        Ok(Socket { fd: self.fd.try_clone()? })
    }

    /// Whether it is a socket that listens.
    ///
    /// # Errors
    /// Those of `getsockopt(2)`: not a socket.
    pub fn is_listening(&self) -> io::Result<bool> {
        let mut value: libc::c_int = 0;
        let mut len = mem::size_of_val(&value) as libc::socklen_t;
        let (fd, out) = (self.fd.as_raw_fd(), (&raw mut value).cast());
        // SAFETY: `out` and `len` point to a live int and its size, both writable and ours.
        check(unsafe {
            libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN, out, &mut len)
        })?;
        Ok(value != 0)
    }

    /// Sends small segments at once in place of waiting for more (TCP_NODELAY), on this socket
    /// and, if it listens, on all that it accepts: on Linux they inherit it.
    ///
    /// # Errors
    /// Those of `setsockopt(2)`: not a TCP socket.
    pub fn set_nodelay(&self) -> io::Result<()> {
        self.set_option(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)
    }

    /// The next connection that waits on this listening socket, non-blocking and close-on-exec.
    ///
    /// # Errors
    /// Those of `accept4(2)`, none of which is fatal.
    pub fn accept(&self) -> Result<Socket, AcceptError> {
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let (address, len) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: accept4(2) allows null for the peer's address where it is not wanted.
        let fd = check(unsafe { libc::accept4(self.fd.as_raw_fd(), address, len, flags) })
            .map_err(AcceptError::from_errno)?;
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        Ok(Socket { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Reads what is there into `buffer` and returns how much it was; 0 is the end.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise those of `recv(2)`.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (fd, start) = (self.fd.as_raw_fd(), buffer.as_mut_ptr().cast());
        // SAFETY: `start` points to `buffer.len()` writable bytes that we borrow exclusively.
        let count = unsafe { libc::recv(fd, start, buffer.len(), 0) };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// Writes as much of `pieces`, one after the other, as there is room for and returns how much it
    /// was. There may be 1,024 of them (`IOV_MAX`).
    ///
    /// # Errors
    /// `WouldBlock` if there is no room; otherwise those of `sendmsg(2)`: a peer that is gone is
    /// `BrokenPipe` or `ConnectionReset`, never a signal.
    pub fn send(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        // SAFETY: a `msghdr` is integers and pointers, for which all zeros are zeros and nulls.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        // The call does not write to them, whatever its type says.
        message.msg_iov = pieces.as_ptr().cast::<libc::iovec>().cast_mut();
        message.msg_iovlen = pieces.len() as _;
        let fd = self.fd.as_raw_fd();
        // SAFETY: `message` has no address and no control data, and `msg_iovlen` slices, each of
        // which is laid out as an `iovec` and points to readable bytes that we borrow.
        let count = unsafe { libc::sendmsg(fd, &raw const message, libc::MSG_NOSIGNAL) };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// Tells the peer that no more bytes will come; receiving goes on.
    ///
    /// # Errors
    /// Those of `shutdown(2)`: the peer is gone.
    pub fn shut_down_sending(&self) -> io::Result<()> {
        // SAFETY: the call takes no pointers, and the descriptor is open: `self` owns it.
        check(unsafe { libc::shutdown(self.fd.as_raw_fd(), libc::SHUT_WR) })?;
        Ok(())
    }

    fn set_option(
        &self,
        level: libc::c_int,
        name: libc::c_int,
        value: libc::c_int,
    ) -> io::Result<()> {
        let len = mem::size_of_val(&value) as libc::socklen_t;
        let (fd, value) = (self.fd.as_raw_fd(), (&raw const value).cast());
        // SAFETY: `value` points to a live int of `len` bytes, which the call only reads.
        check(unsafe { libc::setsockopt(fd, level, name, value, len) })?;
        Ok(())
    }

    fn bind(&self, address: SocketAddr) -> io::Result<()> {
        // SAFETY: `with_raw` gives an address of `len` readable bytes, which the call checks and
        // copies.
        with_raw(address, |raw, len| check(unsafe { libc::bind(self.fd.as_raw_fd(), raw, len) }))?;
        Ok(())
    }
}

/// Calls `call` with `address` as one of the kernel's `sockaddr_*` structures, and its length.
fn with_raw<T>(
    address: SocketAddr,
    call: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> T,
) -> T {
    fn length<A>(_: &A) -> libc::socklen_t {
        mem::size_of::<A>() as libc::socklen_t
    }
    match address {
        SocketAddr::V4(v4) => {
            let raw = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            call((&raw const raw).cast(), length(&raw))
        }
        SocketAddr::V6(v6) => {
            let raw = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            call((&raw const raw).cast(), length(&raw))
        }
    }
}

/// Why [`Socket::accept`] has no connection.
#[derive(Debug)]
pub enum AcceptError {
    /// None waits.
    NoneWaits,
    /// The one that waited is gone; the next one may be fine.
    Lost,
    /// The process or the machine is out of descriptors or memory. The connection still waits.
    Exhausted(io::Error),
    /// Anything else. The connection may still wait.
    Failed(io::Error),
}

impl AcceptError {
    fn from_errno(error: io::Error) -> AcceptError {
        match error.raw_os_error() {
            Some(libc::EAGAIN) => AcceptError::NoneWaits,
            // Errors that are pending on the new connection come out of accept4(2) on Linux.
            Some(
                libc::ECONNABORTED
                | libc::EINTR
                | libc::EPROTO
                | libc::ENETDOWN
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::ENONET
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH,
            ) => AcceptError::Lost,
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                AcceptError::Exhausted(error)
            }
            _ => AcceptError::Failed(error),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    #[test]
    fn accepted_sockets_inherit_nodelay_and_never_block() -> io::Result<()> {
        let listener = Socket::listen_tcp((Ipv4Addr::LOCALHOST, 0).into())?;
        listener.set_nodelay()?;
        assert!(listener.is_listening()?);
        let address = TcpListener::from(listener.fd.try_clone()?).local_addr()?;
        let client = TcpStream::connect(address)?;
        let accepted = listener.accept().expect("a connection waits");
        assert!(matches!(listener.accept(), Err(AcceptError::NoneWaits)));
        assert!(!accepted.is_listening()?);
        let mut buffer = [0; 8];
        let error = accepted.receive(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(TcpStream::from(accepted.fd).nodelay()?);
        drop(client);
        Ok(())
    }

    #[test]
    fn connecting_tells_how_it_ended() -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let socket = Socket::connect_tcp(address)?;
        listener.accept()?;
        socket.connected()?;
        drop(listener);
        let refused = Socket::connect_tcp(address).and_then(|socket| socket.connected());
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        Ok(())
    }

    #[test]
    fn a_peer_that_is_gone_is_an_error_and_no_signal() -> io::Result<()> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        let socket = Socket::from_fd(ours.into())?;
        drop(theirs);
        assert_eq!(
            socket.send(&[IoSlice::new(b"x")]).unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
        Ok(())
    }
}
