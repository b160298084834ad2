//! Both ends of a scrape over loopback: a client that asks as Prometheus 2.42 does, and the
//! simplest server there can be.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// What is read at once. Larger pieces are no faster: the kernel hands out what has come.
const READ_BYTES: usize = 256 * 1_024;

/// Content codings that a scrape may ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "not every bench asks for both")]
pub enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// As in Accept-Encoding.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
        }
    }
}

/// A connection that is kept alive from scrape to scrape.
pub struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    /// The last response as it came, and room for a longer one.
    bytes: Vec<u8>,
}

/// Where what is in the last response.
#[derive(Clone, Copy)]
struct Extent {
    head_end: usize,
    end: usize,
    is_chunked: bool,
}

/// A response that was read to its end.
pub struct Response<'a> {
    bytes: &'a [u8],
    extent: Extent,
}

impl Client {
    pub fn connect(address: SocketAddr, coding: Coding, accept: &str) -> Client {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("it is a TCP socket");
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Prometheus/2.42.0\r\n\
             Accept: {accept}\r\nAccept-Encoding: {}\r\n\
             X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
            coding.name()
        );
        Client { stream, request: request.into_bytes(), bytes: Vec::new() }
    }

    /// The address of the server.
    #[allow(dead_code, reason = "not every bench asks")]
    pub fn peer(&self) -> SocketAddr {
        self.stream.peer_addr().expect("it is connected")
    }

    /// One scrape, from the first byte of the request to the last of the response.
    pub fn scrape(&mut self) -> Response<'_> {
        self.stream.write_all(&self.request).expect("the server reads");
        let extent = self.read_response();
        Response { bytes: &self.bytes[..extent.end], extent }
    }

    pub fn time_scrape(&mut self) -> Duration {
        let start = Instant::now();
        self.scrape();
        start.elapsed()
    }

    fn read_response(&mut self) -> Extent {
        let mut filled = 0;
        while find(&self.bytes[..filled], b"\r\n\r\n").is_none() {
            filled += self.read_more(filled);
        }
        let head_end = find(&self.bytes[..filled], b"\r\n\r\n").expect("found above") + 4;
        let head = &self.bytes[..head_end];
        assert!(head.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(head));
        if let Some(length) = field(head, "Content-Length") {
            let end = head_end + length.parse::<usize>().expect("a length is a number");
            while filled < end {
                filled += self.read_more(filled);
            }
            return Extent { head_end, end, is_chunked: false };
        }
        assert_eq!(field(head, "Transfer-Encoding"), Some("chunked"));
        let mut at = head_end;
        loop {
            match next_chunk(&self.bytes[at.min(filled)..filled]) {
                Some(chunk) => {
                    at += chunk.line_len + chunk.len + 2;
                    if chunk.len == 0 {
                        while filled < at {
                            filled += self.read_more(filled);
                        }
                        return Extent { head_end, end: at, is_chunked: true };
                    }
                }
                None => filled += self.read_more(filled),
            }
        }
    }

    /// Reads once, behind the first `filled` bytes.
    fn read_more(&mut self, filled: usize) -> usize {
        if self.bytes.len() < filled + READ_BYTES {
            self.bytes.resize((filled + READ_BYTES).next_power_of_two(), 0);
        }
        let room = &mut self.bytes[filled..filled + READ_BYTES];
        let count = self.stream.read(room).expect("the server answers");
        assert!(count > 0, "the server closed the connection");
        count
    }
}

impl Response<'_> {
    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The value of a field of the head.
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.bytes[..self.extent.head_end], name)
    }

    /// The body without its framing.
    pub fn body(&self) -> Vec<u8> {
        let mut rest = &self.bytes[self.extent.head_end..];
        if !self.extent.is_chunked {
            return rest.to_vec();
        }
        let mut body = Vec::new();
        while let Some(chunk) = next_chunk(rest) {
            body.extend_from_slice(&rest[chunk.line_len..chunk.line_len + chunk.len]);
            rest = &rest[chunk.line_len + chunk.len + 2..];
        }
        body
    }
}

struct Chunk {
    /// The size line with its line end.
    line_len: usize,
    len: usize,
}

/// The chunk at the front of `bytes`, if its size line is there.
fn next_chunk(bytes: &[u8]) -> Option<Chunk> {
    let line_len = find(&bytes[..bytes.len().min(32)], b"\r\n")? + 2;
    let line = std::str::from_utf8(&bytes[..line_len - 2]).expect("a size is ASCII");
    let len = usize::from_str_radix(line, 16).expect("a size is a number");
    Some(Chunk { line_len, len })
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let head = std::str::from_utf8(head).expect("a head is ASCII");
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// Runs this thread, and those that it starts from here on, on one core.
///
/// Servers get one core and the client another: left to the scheduler, half of the runs have both
/// on one core, and the difference is larger than that between two servers.
pub fn pin_to_core(core: usize) {
    // SAFETY: a `cpu_set_t` is an array of integers, for which all zeros is the empty set.
    let mut cores: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    let count = thread::available_parallelism().map_or(1, usize::from);
    // SAFETY: `core % count` is far below the 1,024 cores that the set has room for.
    unsafe { libc::CPU_SET(core % count, &mut cores) };
    // SAFETY: `cores` is a live set of the size given, which the call only reads.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(&cores), &cores) };
    // A sandbox may forbid it; the figures are only less steady then.
    if result != 0 {
        eprintln!("cannot choose a core: {}", std::io::Error::last_os_error());
    }
}

/// How the kernel decides when to send, as it matters here more than one should think: `bbr` paces
/// its packets by what it has measured, and a server that sends in pieces may wait where another
/// one does not. `unshare -n` gives a loopback of one's own to try another.
pub fn congestion_control() -> String {
    let name = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control");
    name.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned())
}

/// Answers every request of every connection with `response`, from memory, in one write: the
/// floor. Its threads end with the process.
pub fn serve_static(response: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let response = response.clone();
            thread::spawn(move || {
                // The client is gone when this fails: that is how a connection ends here.
                let _ = answer_all(stream.expect("loopback accepts"), &response);
            });
        }
    });
    address
}

fn answer_all(mut stream: TcpStream, response: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = [0; 4_096];
    let mut filled = 0;
    loop {
        filled += match stream.read(&mut request[filled..])? {
            0 => return Ok(()),
            count => count,
        };
        if request[..filled].ends_with(b"\r\n\r\n") {
            stream.write_all(response)?;
            filled = 0;
        }
    }
}

/// A response with that body and its length, for [`serve_static`].
pub fn static_response(content_type: &str, coding: Coding, body: &[u8]) -> Vec<u8> {
    let coding = match coding {
        Coding::Identity => String::new(),
        Coding::Gzip => "Content-Encoding: gzip\r\n".to_owned(),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{coding}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
