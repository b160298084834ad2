//! A plain blocking client, and a handler for it to talk to.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use promlet::http::{
    Body, BodySource, CloseReason, Handler, Limits, ListenAddress, Output, Progress, Refusal,
    Request, Response, Server, ServerHandle, Status, Written,
};

/// No test waits longer for anything; one that does has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A time short enough to wait for, where a test waits for it.
pub(crate) const SHORT: Duration = Duration::from_millis(100);

pub(crate) const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

/// What the server told its handler.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Written(Status, u64),
    Refused(Refusal),
    Closed(CloseReason),
    AcceptFailed(Option<i32>),
}

/// Answers `/hello`, `/letters?COUNT` with a stream of that length, and `/late?COUNT` with one that
/// waits for its gate, `/tardy?COUNT` with one that does so for a [`SHORT`] time.
#[derive(Clone)]
pub(crate) struct Pages {
    events: Sender<Event>,
    /// The number of bytes that were rendered of streams.
    pub(crate) rendered: Arc<Mutex<usize>>,
    pub(crate) gate: Gate,
    turns: usize,
}

/// Holds streams back until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<GateState>>);

#[derive(Default)]
struct GateState {
    is_open: bool,
    waker: Option<Waker>,
}

impl Gate {
    pub(crate) fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.is_open = true;
        state.waker.as_ref().unwrap().wake_by_ref();
    }

    fn is_open(&self) -> bool {
        self.0.lock().unwrap().is_open
    }
}

impl Pages {
    pub(crate) fn new(events: Sender<Event>) -> Pages {
        Pages { events, rendered: Arc::default(), gate: Gate::default(), turns: 0 }
    }

    fn tell(&self, event: Event) {
        // A test that has seen enough no longer listens.
        let _ = self.events.send(event);
    }
}

/// The letters of the alphabet, over and over.
pub(crate) struct Letters {
    at: usize,
    len: usize,
    rendered: Arc<Mutex<usize>>,
    gate: Option<(Gate, Instant)>,
}

pub(crate) fn letter(at: usize) -> u8 {
    b'a' + (at % 26) as u8
}

impl BodySource for Letters {
    fn fill(&mut self, out: &mut Output, room: usize) -> Progress {
        if let Some((gate, until)) = &self.gate
            && !gate.is_open()
            && Instant::now() < *until
        {
            return Progress::Wait(*until);
        }
        let end = self.len.min(self.at + room);
        out.own(end - self.at).extend((self.at..end).map(letter));
        *self.rendered.lock().unwrap() += end - self.at;
        self.at = end;
        if end == self.len { Progress::Done } else { Progress::More }
    }
}

impl Handler for Pages {
    type Body = Letters;

    fn begin(&mut self, waker: Waker) {
        self.gate.0.lock().unwrap().waker = Some(waker);
    }

    fn turn(&mut self, _: Instant) {
        self.turns += 1;
    }

    fn handle(&mut self, request: &Request<'_>) -> Response<Letters> {
        assert!(self.turns > 0, "a turn begins before a request is handled");
        let query = String::from_utf8_lossy(request.raw_query().unwrap_or_default()).into_owned();
        let stream = |len, gate| {
            let letters = Letters { at: 0, len, rendered: self.rendered.clone(), gate };
            Response::new(Status::Ok, Body::Stream(letters))
        };
        match (request.raw_path(), query.parse()) {
            (b"/hello", _) => Response::text(Status::Ok, "hello\n"),
            (b"/letters", Ok(len)) => stream(len, None),
            (b"/late", Ok(len)) => {
                stream(len, Some((self.gate.clone(), Instant::now() + PATIENCE)))
            }
            (b"/tardy", Ok(len)) => stream(len, Some((self.gate.clone(), Instant::now() + SHORT))),
            _ => Response::text(Status::NotFound, "no such page\n"),
        }
    }

    fn written(&mut self, answer: Written<Letters>) {
        self.tell(Event::Written(answer.status, answer.bytes));
    }

    fn refused(&mut self, refusal: Refusal, _: &[u8]) {
        self.tell(Event::Refused(refusal));
    }

    fn closed(&mut self, reason: CloseReason) {
        self.tell(Event::Closed(reason));
    }

    fn accept_failed(&mut self, error: &io::Error) {
        self.tell(Event::AcceptFailed(error.raw_os_error()));
    }
}

/// A server on a free port of the loopback.
pub(crate) fn serve(pages: Pages, limits: Limits) -> (ServerHandle, SocketAddr) {
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], limits).unwrap();
    let handle = server.spawn(pages).unwrap();
    let ListenAddress::Tcp(address) = handle.local_addresses()[0] else { panic!() };
    (handle, address)
}

/// One answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A connection to a server.
pub(crate) struct Client<S> {
    reader: BufReader<S>,
}

impl Client<TcpStream> {
    pub(crate) fn connect(address: SocketAddr) -> Client<TcpStream> {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client::over(stream)
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S) -> Client<S> {
        Client { reader: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.reader.get_mut().write_all(bytes.as_ref()).expect("the server reads");
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
        self.answer()
    }

    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = self.reader.read_line(&mut head).expect("a head");
            assert_ne!(count, 0, "the end came within a head: {head:?}");
        }
        head
    }

    /// The next answer to a request other than HEAD.
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let code = head[9..12].parse().unwrap();
        let body = match field(&head, "Content-Length") {
            Some(length) => self.exactly(length.parse().unwrap()),
            None if field(&head, "Transfer-Encoding") == Some("chunked") => self.chunks(),
            None => self.rest(),
        };
        Answer { code, head, body }
    }

    /// All that comes until the end.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).expect("an end without a reset");
        rest
    }

    /// Whether the end comes next, by a close or a reset.
    pub(crate) fn is_ended(&mut self) -> bool {
        match self.reader.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    fn exactly(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.reader.read_exact(&mut bytes).expect("a whole body");
        bytes
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut size = String::new();
            self.reader.read_line(&mut size).expect("a chunk's size");
            let size = usize::from_str_radix(size.trim_end(), 16).expect("hexadecimal digits");
            body.extend(self.exactly(size));
            assert_eq!(self.exactly(2), b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }
}

pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

pub(crate) fn assert_letters(body: &[u8], len: usize) {
    assert_eq!(body.len(), len);
    let wrong = body.iter().enumerate().find(|&(at, &byte)| byte != letter(at));
    assert_eq!(wrong, None, "a body in order, without gaps");
}
