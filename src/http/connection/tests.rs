use super::*;
use crate::http::handler::Written;
use crate::http::output::Output;
use crate::http::request::Method;
use crate::http::response::{Body, Progress, Status};
use proptest::prelude::*;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
const LAST: &str = "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

/// Appends `left` bytes, as many at a time as there is room for and are ready.
#[derive(Debug)]
struct Letters {
    left: usize,
    ready: Rc<Cell<usize>>,
    until: Instant,
}

impl BodySource for Letters {
    fn fill(&mut self, out: &mut Output, room: usize) -> Progress {
        let count = self.left.min(room).min(self.ready.get());
        out.own(count).extend((0..count).map(|at| b'a' + (at % 26) as u8));
        self.left -= count;
        self.ready.set(self.ready.get() - count);
        match (count, self.left) {
            (_, 0) => Progress::Done,
            (0, _) => Progress::Wait(self.until),
            (_, _) => Progress::More,
        }
    }
}

/// Answers `/hello`, and `/letters?COUNT` with a stream.
struct Pages {
    /// How many letters are ready, of all streams together.
    ready: Rc<Cell<usize>>,
    /// Up to when a stream waits for more.
    until: Instant,
    handled: Vec<String>,
    written: Vec<(Status, u64)>,
    refused: Vec<Refusal>,
}

impl Handler for Pages {
    type Body = Letters;

    fn handle(&mut self, request: &Request<'_>) -> Response<Letters> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.handled.push(text(request.raw_path()));
        match request.raw_path() {
            b"/hello" if request.method() != Method::Post => Response::text(Status::Ok, "hello\n"),
            b"/letters" => {
                let left = text(request.raw_query().unwrap_or_default()).parse().unwrap();
                let letters = Letters { left, ready: Rc::clone(&self.ready), until: self.until };
                Response::new(Status::Ok, Body::Stream(letters))
            }
            b"/page" => Response::new(Status::Ok, Body::Bytes(vec![b'x'; 2_000].into())),
            _ => Response::new(Status::NotFound, Body::Empty),
        }
    }

    fn written(&mut self, answer: Written<Letters>) {
        self.written.push((answer.status, answer.bytes));
    }

    fn refused(&mut self, refusal: Refusal, _: &[u8]) {
        self.refused.push(refusal);
    }
}

/// Up to when a stream waits, from the start of the scenario.
const WAIT: Duration = Duration::from_secs(5);

/// A peer and the connection that serves it, without a network in between.
struct Scenario {
    connection: Connection<Letters>,
    cx: Context<Pages>,
    output: Vec<u8>,
    /// How many bytes the peer takes before it has to be asked again.
    room: usize,
    is_shut_down: bool,
    closed: Option<CloseReason>,
}

impl Scenario {
    fn new() -> Scenario {
        let limits = Limits { output_buffer_bytes: 512, body_bytes_max: 64, ..Limits::default() };
        let now = Instant::now();
        let pages = Pages {
            ready: Rc::new(Cell::new(usize::MAX)),
            until: now + WAIT,
            handled: Vec::new(),
            written: Vec::new(),
            refused: Vec::new(),
        };
        Scenario {
            connection: Connection::new(now),
            cx: Context::new(pages, limits, now),
            output: Vec::new(),
            room: usize::MAX,
            is_shut_down: false,
            closed: None,
        }
    }

    fn after(input: &str) -> Scenario {
        let mut scenario = Scenario::new();
        scenario.send(input.as_bytes());
        scenario
    }

    /// A scenario in which `count` letters are ready.
    fn with_ready(count: usize) -> Scenario {
        let scenario = Scenario::new();
        scenario.cx.handler.ready.set(count);
        scenario
    }

    /// Makes `count` more letters ready and wakes the connection.
    fn wake(&mut self, count: usize) {
        let ready = &self.cx.handler.ready;
        ready.set(ready.get() + count);
        self.send(b"");
    }

    fn send(&mut self, bytes: &[u8]) {
        let joined = [self.connection.kept(), bytes].concat();
        let mut rest = &joined[..];
        while self.closed.is_none() {
            match self.connection.advance(&mut rest, &mut self.cx) {
                Step::Read | Step::Wait => break,
                Step::Write if self.room == 0 => break,
                Step::Write => {
                    let unsent = self.connection.unsent().collect::<Vec<_>>().concat();
                    let count = unsent.len().min(self.room);
                    self.room -= count;
                    self.output.extend_from_slice(&unsent[..count]);
                    self.connection.wrote(count, self.cx.now, self.cx.now);
                }
                Step::ShutDown => self.is_shut_down = true,
                Step::Close(reason) => self.closed = Some(reason),
            }
        }
        self.connection.keep(rest);
    }

    fn pass(&mut self, time: Duration) {
        self.cx.now += time;
    }

    fn expire(&mut self) {
        match self.connection.expire(&mut self.cx) {
            Some(reason) => self.closed = Some(reason),
            None => self.send(b""),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// The status codes of the answers, in order.
    fn codes(&self) -> Vec<u16> {
        let text = self.text();
        let heads = text.split("HTTP/1.1 ").skip(1);
        heads.map(|answer| answer[..3].parse().unwrap()).collect()
    }

    fn wait(&self) -> Wait {
        self.connection.wait().0
    }
}

#[test]
fn an_answer_is_one_write_and_the_connection_stays() {
    let scenario = Scenario::after(HELLO);
    let text = scenario.text();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\nDate: "), "{text}");
    assert!(text.ends_with("\r\nContent-Length: 6\r\n\r\nhello\n"), "{text}");
    assert_eq!(scenario.wait(), Wait::Idle);
    assert_eq!(scenario.cx.handler.written, [(Status::Ok, text.len() as u64)]);
}

#[test]
fn an_idle_connection_is_small() {
    let mut scenario = Scenario::after(HELLO);
    scenario.send(b"GET /hel");
    scenario.send(&HELLO.as_bytes()[8..]);
    assert_eq!(scenario.connection.kept.capacity(), 0);
    assert!(size_of::<Connection<Letters>>() <= 256);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let input = format!("{HELLO}GET /none HTTP/1.1\r\nHost: h\r\n\r\n{LAST}{HELLO}");
    let scenario = Scenario::after(&input);
    assert_eq!(scenario.cx.handler.handled, ["/hello", "/none", "/hello"]);
    assert_eq!(scenario.codes(), [200, 404, 200]);
    assert!(scenario.is_shut_down);
}

#[test]
fn what_ends_the_connection() {
    const CASES: &[(&str, &str, Option<CloseReason>, &str)] = &[
        ("HTTP/1.1", HELLO, None, ""),
        ("close", LAST, Some(CloseReason::PeerAsked), "Connection: close\r\n"),
        (
            "HTTP/1.0",
            "GET /hello HTTP/1.0\r\n\r\n",
            Some(CloseReason::PeerAsked),
            "Connection: close\r\n",
        ),
        (
            "HTTP/1.0 with keep-alive",
            "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            None,
            "Connection: keep-alive\r\n",
        ),
        (
            "stream of unknown length to HTTP/1.0",
            "GET /letters?9999 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            Some(CloseReason::BodyUntilClose),
            "Connection: close\r\n",
        ),
        ("malformed", "GET\r\n\r\n", Some(CloseReason::Refused), "Connection: close\r\n"),
    ];
    for (name, input, reason, field) in CASES {
        let mut scenario = Scenario::after(input);
        assert_eq!(scenario.is_shut_down, reason.is_some(), "{name}");
        assert!(scenario.text().contains(field), "{name}");
        assert!(!scenario.text().contains("Connection") || !field.is_empty(), "{name}");
        scenario.send(b"");
        let ended = scenario.connection.ended();
        assert_eq!(ended, reason.unwrap_or(CloseReason::PeerFinished), "{name}");
    }
}

#[test]
fn bodies_within_a_buffer_have_a_length_and_larger_ones_chunks() {
    let ask = |letters: usize| format!("GET /letters?{letters} HTTP/1.1\r\nHost: h\r\n\r\n");
    let small = Scenario::after(&ask(100)).text();
    assert!(small.contains("Content-Length: 100\r\n"), "{small}");

    let large = Scenario::after(&ask(2_000)).text();
    let (head, body) = large.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with("\r\nTransfer-Encoding: chunked"), "{head}");
    let mut rest = body;
    let mut sizes = Vec::new();
    loop {
        let (size, after) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = after[size..].strip_prefix("\r\n").unwrap();
        if size == 0 {
            break;
        }
        sizes.push(size);
    }
    assert_eq!(rest, "");
    assert_eq!(sizes.iter().sum::<usize>(), 2_000);
    // Each buffer is one chunk, and filled.
    assert!(sizes[1..sizes.len() - 1].iter().all(|size| (490..=512).contains(size)), "{sizes:?}");

    let old = Scenario::after("GET /letters?2000 HTTP/1.0\r\n\r\n").text();
    let (head, body) = old.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("Content-Length") && !head.contains("chunked"), "{head}");
    assert_eq!(body.len(), 2_000);
}

#[test]
fn bytes_in_memory_always_have_a_length() {
    let text = Scenario::after("GET /page HTTP/1.1\r\nHost: h\r\n\r\n").text();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with("Content-Length: 2000"), "{head}");
    assert_eq!(body, "x".repeat(2_000));
}

#[test]
fn head_is_get_without_the_body() {
    for target in ["/hello", "/letters?10", "/letters?2000", "/page", "/none"] {
        for version in ["1.0", "1.1"] {
            let rest = format!(" {target} HTTP/{version}\r\nHost: h\r\n\r\n");
            let get = Scenario::after(&format!("GET{rest}")).text();
            let head = Scenario::after(&format!("HEAD{rest}")).text();
            assert_eq!(head, get[..get.find("\r\n\r\n").unwrap() + 4], "{target} {version}");
        }
    }
}

#[test]
fn a_body_is_never_a_request() {
    let body = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n";
    let cases = [
        format!("Content-Length: {}\r\n\r\n{body}", body.len()),
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
    ];
    for method in ["GET", "POST", "HEAD", "DELETE", "X"] {
        for case in &cases {
            let input = format!("{method} /hello HTTP/1.1\r\nHost: h\r\n{case}{HELLO}");
            let scenario = Scenario::after(&input);
            assert_eq!(scenario.cx.handler.handled, ["/hello", "/hello"], "{method} {case}");
        }
    }
}

#[test]
fn refused_bodies_end_the_connection() {
    const CASES: &[(&str, &str, Refusal)] = &[
        ("too long", "Content-Length: 65\r\n\r\n", Refusal::BodyTooLarge),
        (
            "longer than numbers go",
            "Content-Length: 99999999999999999999999\r\n\r\n",
            Refusal::BodyTooLarge,
        ),
        ("chunk too long", "Transfer-Encoding: chunked\r\n\r\nfff\r\n", Refusal::BodyTooLarge),
        ("malformed", "Transfer-Encoding: chunked\r\n\r\nx", Refusal::Chunk),
    ];
    for (name, rest, refusal) in CASES {
        let mut scenario = Scenario::after(&format!("POST / HTTP/1.1\r\nHost: h\r\n{rest}"));
        scenario.send(HELLO.as_bytes());
        assert_eq!(scenario.codes(), [refusal.status().code()], "{name}");
        assert_eq!(scenario.cx.handler.refused, [*refusal], "{name}");
        assert_eq!(scenario.cx.handler.handled, [""; 0], "{name}");
        assert!(scenario.is_shut_down, "{name}");
    }
}

#[test]
fn whoever_waits_for_100_continue_gets_it() {
    let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let mut scenario = Scenario::after(head);
    assert_eq!(scenario.text(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(scenario.wait(), Wait::Request);
    assert!(scenario.cx.handler.written.is_empty());
    scenario.send(b"abc");
    assert_eq!(scenario.codes(), [100, 404]);

    let scenario = Scenario::after(&format!("{head}ab"));
    assert_eq!(scenario.text(), "", "it has begun without waiting");

    let scenario = Scenario::after(&head.replace("Length: 3", "Length: 999"));
    assert_eq!(scenario.codes(), [413]);
}

#[test]
fn a_peer_that_does_not_read_stops_the_source() {
    let mut scenario = Scenario::new();
    scenario.room = 0;
    scenario.send(b"GET /letters?1000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    scenario.send(HELLO.as_bytes());
    let State::Answer(answer) = &scenario.connection.state else { panic!() };
    assert!(answer.unsent().map(<[u8]>::len).sum::<usize>() <= 512);
    assert_eq!(scenario.wait(), Wait::Stall);
    assert_eq!(scenario.connection.kept(), HELLO.as_bytes());

    scenario.pass(Duration::from_secs(9));
    scenario.room = 1;
    scenario.send(b"");
    assert_eq!(scenario.connection.wait(), (Wait::Stall, scenario.cx.now), "it took a byte");

    scenario.room = usize::MAX;
    scenario.send(b"");
    assert_eq!(scenario.codes(), [200, 200]);
    assert_eq!(scenario.connection.kept.capacity(), 0);
}

#[test]
fn a_body_that_has_nothing_yet_is_waited_for() {
    for method in ["GET", "HEAD"] {
        let ask = format!("{method} /letters?100 HTTP/1.1\r\nHost: h\r\n\r\n");
        let mut scenario = Scenario::with_ready(0);
        scenario.send(ask.as_bytes());
        let until = scenario.cx.now + WAIT;
        assert_eq!(scenario.connection.wait(), (Wait::Source, until));
        assert!(!scenario.connection.is_between_requests());
        assert_eq!(scenario.connection.ended(), CloseReason::PeerAborted);
        scenario.send(HELLO.as_bytes());
        assert_eq!(scenario.connection.kept(), HELLO.as_bytes());
        scenario.pass(WAIT / 2);
        scenario.wake(0);
        assert_eq!((scenario.text(), scenario.wait()), (String::new(), Wait::Source));

        scenario.wake(100);
        assert_eq!((scenario.codes(), scenario.wait()), (vec![200, 200], Wait::Idle));
        let whole = Scenario::after(&format!("{ask}{HELLO}"));
        assert_eq!(scenario.text(), whole.text(), "{method}");
        assert_eq!(scenario.cx.handler.written, whole.cx.handler.written);
    }
}

#[test]
fn a_body_may_be_waited_for_within_itself() {
    let ask = |version: &str| format!("GET /letters?1000 HTTP/{version}\r\nHost: h\r\n\r\n");
    for (version, end) in [("1.1", "\r\n0\r\n\r\n"), ("1.0", "")] {
        let mut scenario = Scenario::with_ready(300);
        scenario.send(ask(version).as_bytes());
        assert_eq!((scenario.codes(), scenario.wait()), (vec![200], Wait::Source), "{version}");
        let sent = scenario.output.len();
        scenario.wake(0);
        assert_eq!(scenario.output.len(), sent, "nothing is no chunk");
        scenario.pass(Duration::from_secs(60));
        scenario.room = 5;
        scenario.wake(700);
        assert_eq!(scenario.connection.wait(), (Wait::Stall, scenario.cx.now), "{version}");
        scenario.room = usize::MAX;
        scenario.send(b"");
        assert!(scenario.text().ends_with(end) && scenario.output.len() >= sent + 700, "{version}");
        assert_ne!(scenario.wait(), Wait::Source);
    }
}

#[test]
fn a_body_is_asked_again_when_its_time_is_over() {
    let mut scenario = Scenario::with_ready(0);
    scenario.send(b"GET /letters?100 HTTP/1.1\r\nHost: h\r\n\r\n");
    scenario.pass(WAIT);
    scenario.expire();
    let (wait, until) = scenario.connection.wait();
    assert_eq!((wait, scenario.closed), (Wait::Source, None));
    assert!(until > scenario.cx.now, "a time that has passed would be asked for in every turn");
    scenario.cx.handler.ready.set(100);
    scenario.expire();
    assert_eq!(scenario.codes(), [200]);
}

#[test]
fn stopping_ends_connections_after_the_answer_they_wait_for() {
    let mut scenario = Scenario::with_ready(0);
    scenario.send(format!("GET /letters?100 HTTP/1.1\r\nHost: h\r\n\r\n{HELLO}").as_bytes());
    scenario.cx.is_stopping = true;
    scenario.wake(100);
    assert_eq!(scenario.codes(), [200]);
    assert!(scenario.text().contains("Connection: close\r\n"));
    assert!(scenario.is_shut_down);
}

#[test]
fn deadlines() {
    let mut fresh = Scenario::new();
    assert_eq!(fresh.wait(), Wait::Fresh);
    fresh.expire();
    assert_eq!(fresh.closed, Some(CloseReason::Idle));
    assert_eq!(fresh.text(), "");

    let mut idle = Scenario::after(HELLO);
    assert_eq!(idle.wait(), Wait::Idle);
    idle.expire();
    assert_eq!((idle.closed, idle.codes()), (Some(CloseReason::Idle), vec![200]));

    let mut slow = Scenario::new();
    slow.pass(Duration::from_secs(5));
    let began = slow.cx.now;
    for byte in HELLO.as_bytes().iter().take(20) {
        slow.send(&[*byte]);
        slow.pass(Duration::from_secs(1));
        assert_eq!(slow.connection.wait(), (Wait::Request, began), "for the whole head");
    }
    slow.expire();
    assert_eq!((slow.codes(), slow.wait()), (vec![408], Wait::Linger));
    assert_eq!(slow.cx.handler.refused, [Refusal::TooSlow]);

    let mut body = Scenario::after("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    assert_eq!(body.wait(), Wait::Request);
    body.expire();
    assert_eq!(body.codes(), [408]);
    body.expire();
    assert_eq!(body.closed, Some(CloseReason::Refused));

    let mut stalled = Scenario::new();
    stalled.room = 10;
    stalled.send(HELLO.as_bytes());
    assert_eq!(stalled.wait(), Wait::Stall);
    stalled.expire();
    assert_eq!(stalled.closed, Some(CloseReason::Stalled));
}

#[test]
fn a_pipelined_request_has_its_own_deadline() {
    let mut scenario = Scenario::after("GET /hello HTT");
    scenario.pass(Duration::from_secs(3));
    scenario.send(b"P/1.1\r\nHost: h\r\n\r\nGET");
    assert_eq!(scenario.connection.wait(), (Wait::Request, scenario.cx.now));
}

#[test]
fn lingering_is_bounded() {
    let mut scenario = Scenario::after(LAST);
    scenario.send(HELLO.as_bytes());
    assert_eq!(scenario.wait(), Wait::Linger);
    assert_eq!(scenario.closed, None);
    for _ in 0..64 {
        scenario.send(&[0; 16 * 1_024]);
    }
    assert_eq!(scenario.closed, Some(CloseReason::PeerAsked));
    assert_eq!(scenario.cx.handler.handled, ["/hello"]);
}

#[test]
fn the_end_of_input() {
    const CASES: &[(&str, &str, CloseReason)] = &[
        ("at once", "", CloseReason::PeerFinished),
        ("between requests", HELLO, CloseReason::PeerFinished),
        ("within a head", "GET", CloseReason::PeerAborted),
        (
            "within a body",
            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
            CloseReason::PeerAborted,
        ),
        ("after the last answer", LAST, CloseReason::PeerAsked),
    ];
    for (name, input, reason) in CASES {
        assert_eq!(Scenario::after(input).connection.ended(), *reason, "{name}");
    }
}

#[test]
fn stopping_ends_connections_after_their_answer() {
    let mut scenario = Scenario::new();
    scenario.room = 10;
    scenario.send(format!("{HELLO}{HELLO}").as_bytes());
    scenario.cx.is_stopping = true;
    assert!(!scenario.connection.is_between_requests());
    scenario.room = usize::MAX;
    scenario.send(b"");
    assert_eq!(scenario.cx.handler.handled, ["/hello"]);
    assert!(scenario.is_shut_down);
    assert_eq!(scenario.connection.ended(), CloseReason::Stopping);

    let mut scenario = Scenario::new();
    scenario.cx.is_stopping = true;
    scenario.send(HELLO.as_bytes());
    assert!(scenario.text().contains("Connection: close\r\n"));
}

#[test]
#[should_panic(expected = "a body source appends")]
fn a_source_that_appends_nothing_is_a_bug() {
    struct Nothing;
    impl BodySource for Nothing {
        fn fill(&mut self, _: &mut Output, _: usize) -> Progress {
            Progress::More
        }
    }
    let response = Response::new(Status::Ok, Body::Stream(Nothing));
    let now = Instant::now();
    let due = Due { response, asked: Asked::unclear(), then: Then::Next, until: now };
    drop(Answer::begin(due, &mut Pool::new(512), &HttpDate::at(0), now));
}

/// Requests of all kinds, one after the other, some of them malformed.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: &[&str] = &[
        HELLO,
        HELLO,
        "GET /letters?700 HTTP/1.1\r\nHost: h\r\n\r\n",
        "HEAD /letters?700 HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /",
        "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        LAST,
        "\r\n",
        "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    ];
    let part = prop::sample::select(PARTS).prop_map(str::as_bytes);
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn splits_and_room_change_nothing(
        input in conversation(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        rooms in prop::collection::vec(0..900_usize, 0..8),
    ) {
        let mut whole = Scenario::new();
        whole.send(&input);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let mut pieces = Scenario::new();
        let mut rooms = rooms.into_iter();
        for cut in cuts.windows(2) {
            pieces.room = rooms.next().unwrap_or(usize::MAX);
            pieces.send(&input[cut[0]..cut[1]]);
        }
        pieces.room = usize::MAX;
        pieces.send(b"");
        prop_assert_eq!(pieces.text(), whole.text());
        prop_assert_eq!(pieces.wait(), whole.wait());
        prop_assert_eq!(pieces.cx.handler.handled, whole.cx.handler.handled);
        prop_assert_eq!(pieces.cx.handler.written, whole.cx.handler.written);
        prop_assert_eq!(pieces.cx.handler.refused, whole.cx.handler.refused);
    }

    #[test]
    fn no_input_panics(input: Vec<u8>) {
        Scenario::new().send(&input);
    }
}
