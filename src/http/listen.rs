//! Where to listen: addresses as people write them, and the sockets made of them.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::sys::activation;
use crate::sys::error::plain;
use crate::sys::socket::{AcceptError, Socket};

/// An address to listen on.
///
/// ```
/// use promlet::http::ListenAddress;
///
/// for address in [":6061", "127.0.0.1:9100", "[::1]:9100", "unix:/run/promlet.sock"] {
///     assert_eq!(address.parse::<ListenAddress>()?.to_string(), address);
/// }
/// # Ok::<(), promlet::http::ListenAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// `:PORT`: every address of the machine, IPv6 and IPv4; IPv4 alone where there is no IPv6.
    Port(u16),
    /// `IPV4:PORT`, `[IPV6]:PORT` or `localhost:PORT`, which is 127.0.0.1. Other names are not
    /// resolved: a static binary has no resolver. Port 0 lets the kernel choose one.
    Tcp(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
}

impl ListenAddress {
    /// The texts that are one, for a message that says what was expected.
    pub const FORMS: &str = ":PORT, IPV4:PORT, [IPV6]:PORT, localhost:PORT or unix:PATH";
}

/// A text that is no [`ListenAddress`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddressError {
    text: String,
}

impl fmt::Display for ListenAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {:?}", ListenAddress::FORMS, self.text)
    }
}

impl std::error::Error for ListenAddressError {}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<ListenAddress, ListenAddressError> {
        let error = || ListenAddressError { text: text.to_owned() };
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(error()) } else { Ok(Self::Unix(path.into())) };
        }
        match text.strip_prefix(':') {
            // `parse` alone would take "+80".
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                port.parse().map(ListenAddress::Port).map_err(|_| error())
            }
            _ => {
                // The one name that needs no resolver.
                let port = text.strip_prefix("localhost:");
                let numeric = port.map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
                let address = numeric.as_deref().unwrap_or(text).parse();
                let address = address.ok().or_else(|| parse_bracketed_ipv4(text));
                address.map(ListenAddress::Tcp).ok_or_else(error)
            }
        }
    }
}

/// `[IPV4]:PORT`, which Go takes; charts write it to be good for addresses of both kinds.
fn parse_bracketed_ipv4(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.strip_prefix('[')?.split_once("]:")?;
    let ip: Ipv4Addr = ip.parse().ok()?;
    format!("{ip}:{port}").parse().ok()
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Port(port) => write!(f, ":{port}"),
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why nothing listens: one line, such as
/// `cannot listen on 127.0.0.1:6061: address already in use`.
#[derive(Debug)]
pub struct ListenError {
    place: String,
    source: io::Error,
}

impl ListenError {
    pub(super) fn new(place: impl fmt::Display, source: io::Error) -> ListenError {
        ListenError { place: place.to_string(), source }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.place, plain(&self.source))
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A socket that listens. The file of a Unix one that it made is removed when it is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: ListenAddress,
    /// Kept for its drop.
    _file: Option<SocketFile>,
}

impl Listener {
    /// Listens on `address`.
    ///
    /// The file of a Unix socket is replaced if it is a socket on which nobody listens, and is
    /// left alone otherwise.
    ///
    /// # Errors
    /// If the address is taken, not this machine's, or not permitted.
    pub fn bind(address: &ListenAddress) -> Result<Listener, ListenError> {
        let bound = match address {
            ListenAddress::Port(port) => bind_every_address(*port),
            ListenAddress::Tcp(address) => Socket::listen_tcp(*address).and_then(Listener::tcp),
            ListenAddress::Unix(path) => bind_unix(path),
        };
        bound.map_err(|source| ListenError::new(address, source))
    }

    /// Takes over a socket that listens already, TCP or Unix.
    ///
    /// # Errors
    /// If it is not a stream socket of those kinds that listens.
    pub fn from_fd(fd: OwnedFd) -> Result<Listener, ListenError> {
        let socket = Socket::from_fd(fd);
        let listener = socket.and_then(|socket| match socket.is_listening() {
            Ok(true) => Listener::tcp(socket.try_clone()?).or_else(|_| Listener::unix(socket)),
            Ok(false) => Err(io::Error::other("it does not listen")),
            Err(error) => Err(error),
        });
        listener.map_err(|source| ListenError::new("an inherited descriptor", source))
    }

    /// The sockets that systemd, or who else started this process, handed over: `LISTEN_FDS`, if
    /// `LISTEN_PID` names this process. Only the first call in a process gets them.
    ///
    /// # Errors
    /// If the variables are malformed, or a descriptor is not a socket that listens.
    pub fn inherited() -> Result<Vec<Listener>, ListenError> {
        let fds = activation::take_inherited()
            .map_err(|source| ListenError::new("the inherited descriptors", source))?;
        fds.into_iter().map(Listener::from_fd).collect()
    }

    /// The address that it listens on, with the port that the kernel chose, if it did.
    pub fn local_address(&self) -> &ListenAddress {
        &self.address
    }

    pub(super) fn accept(&self) -> Result<Socket, AcceptError> {
        self.socket.accept()
    }

    fn tcp(socket: Socket) -> io::Result<Listener> {
        // std knows how to read socket addresses; it gets a descriptor of its own for that.
        let address = TcpListener::from(socket.as_fd().try_clone_to_owned()?).local_addr()?;
        socket.set_nodelay()?;
        Ok(Listener { socket, address: ListenAddress::Tcp(address), _file: None })
    }

    fn unix(socket: Socket) -> io::Result<Listener> {
        let address = UnixListener::from(socket.as_fd().try_clone_to_owned()?).local_addr()?;
        // A socket without a name, or with an abstract one, has no path.
        let path = address.as_pathname().unwrap_or(Path::new(""));
        Ok(Listener { socket, address: ListenAddress::Unix(path.into()), _file: None })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// `[::]` takes IPv4 too. Where IPv6 is not compiled in or switched off, IPv4 is all there is.
fn bind_every_address(port: u16) -> io::Result<Listener> {
    let socket = match Socket::listen_tcp((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if !is_verdict_on_port(&error) => {
            Socket::listen_tcp((Ipv4Addr::UNSPECIFIED, port).into())
        }
        result => result,
    };
    socket.and_then(Listener::tcp)
}

/// Whether IPv4 would only get the same answer.
fn is_verdict_on_port(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

fn bind_unix(path: &Path) -> io::Result<Listener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if !is_socket(path) {
                return Err(io::Error::other("there is a file that is no socket"));
            }
            if !is_stale(path) {
                return Err(error);
            }
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(io::Error::other("the path is empty or too long for a socket, see unix(7)"))
        }
        result => result,
    }?;
    let _file = Some(SocketFile { path: path.into(), identity: identity(path)? });
    let address = ListenAddress::Unix(path.into());
    Ok(Listener { socket: Socket::from_fd(listener.into())?, address, _file })
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

/// Whether nobody listens on this socket: it was left behind by a process that was killed.
fn is_stale(path: &Path) -> bool {
    Socket::is_listened_on(path).is_ok_and(|is_listened_on| !is_listened_on)
}

/// The file of a Unix socket, removed when it is dropped.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: FileIdentity,
}

/// Device and inode: equal for two paths, or two times, if it is the same file.
type FileIdentity = (u64, u64);

fn identity(path: &Path) -> io::Result<FileIdentity> {
    let meta = fs::symlink_metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another process may have put its own socket there by now; that one stays.
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // If it cannot be removed, it is stale, and the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let tcp = |address: &str| Some(ListenAddress::Tcp(address.parse().unwrap()));
        let cases = [
            (":6061", Some(ListenAddress::Port(6061))),
            (":0", Some(ListenAddress::Port(0))),
            ("127.0.0.1:9100", tcp("127.0.0.1:9100")),
            ("[::1]:9100", tcp("[::1]:9100")),
            ("[::]:9100", tcp("[::]:9100")),
            ("[0.0.0.0]:9100", tcp("0.0.0.0:9100")),
            ("[0.0.0.0]", None),
            ("[0.0.0.0]:", None),
            ("[localhost]:9100", None),
            ("unix:/run/p.sock", Some(ListenAddress::Unix("/run/p.sock".into()))),
            ("unix:p.sock", Some(ListenAddress::Unix("p.sock".into()))),
            ("", None),
            (":", None),
            (":65536", None),
            (":+80", None),
            (":http", None),
            ("6061", None),
            ("::1:9100", None),
            ("127.0.0.1", None),
            ("127.0.0.1:", None),
            ("localhost:9100", tcp("127.0.0.1:9100")),
            ("xlocalhost:9100", None),
            ("host.example:9100", None),
            ("unix:", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse().ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn errors_are_one_plain_line() {
        let error = "example:80".parse::<ListenAddress>().unwrap_err();
        let expected = "expected :PORT, IPV4:PORT, [IPV6]:PORT, localhost:PORT or unix:PATH, \
                        found \"example:80\"";
        assert_eq!(error.to_string(), expected);

        let first = Listener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let error = Listener::bind(first.local_address()).unwrap_err();
        let expected =
            format!("cannot listen on {}: address already in use", first.local_address());
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_port_of_every_address_is_the_kernels_choice() {
        let listener = Listener::bind(&ListenAddress::Port(0)).unwrap();
        let ListenAddress::Tcp(address) = listener.local_address() else { panic!() };
        assert!(address.ip().is_unspecified());
        assert_ne!(address.port(), 0);
    }

    #[test]
    fn only_a_stale_socket_is_replaced() {
        let folder = std::env::temp_dir().join(format!("promlet-listen-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("s");
        let address = ListenAddress::Unix(path.clone());

        fs::write(&path, "a file").unwrap();
        let error = Listener::bind(&address).unwrap_err();
        assert!(error.to_string().ends_with(": there is a file that is no socket"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
        fs::remove_file(&path).unwrap();

        drop(UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&address).expect("nobody listens on it");
        let error = Listener::bind(&address).unwrap_err();
        assert!(error.to_string().ends_with("address already in use"), "{error}");

        drop(listener);
        assert!(!path.exists(), "removed with its listener");
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn a_listener_that_accepts_nobody_still_has_its_socket() {
        let path = std::env::temp_dir().join(format!("promlet-full-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        // More than net.core.somaxconn usually lets wait, so the queue is full before the end.
        assert!((0..5_000).all(|_| Socket::is_listened_on(&path).unwrap()));
        drop(listener);
        assert!(!Socket::is_listened_on(&path).unwrap());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn descriptors_that_do_not_listen_are_refused() {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let error = Listener::from_fd(ours.into()).unwrap_err();
        let expected = "cannot listen on an inherited descriptor: it does not listen";
        assert_eq!(error.to_string(), expected);
    }
}
