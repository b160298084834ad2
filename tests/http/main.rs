//! The HTTP server over real sockets, as good and bad peers see it.

mod client;
mod process;

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};

use client::{
    Client, Event, Gate, HELLO, PATIENCE, Pages, SHORT, assert_letters, field, letter, serve,
};
use promlet::http::{CloseReason, Limits, ListenAddress, Refusal, Server, ServerHandle, Status};

/// More than all socket buffers between a server and a client hold.
const ENDLESS: usize = 1 << 40;

/// A server, its address, and what it tells.
fn start(limits: Limits) -> (ServerHandle, SocketAddr, Receiver<Event>) {
    let (sender, events) = channel();
    let (handle, address) = serve(Pages::new(sender), limits);
    (handle, address, events)
}

fn wait_for(events: &Receiver<Event>, expected: Event) {
    loop {
        match events.recv_timeout(PATIENCE) {
            Ok(event) if event == expected => return,
            Ok(_) => {}
            Err(_) => panic!("{expected:?} did not come"),
        }
    }
}

/// A connection on which an endless answer is under way.
fn busy_client(address: SocketAddr) -> Client<TcpStream> {
    let mut client = Client::connect(address);
    client.send(format!("GET /letters?{ENDLESS} HTTP/1.1\r\nHost: h\r\n\r\n"));
    client.head();
    client
}

#[test]
fn a_connection_is_kept_for_many_requests() {
    let (handle, address, events) = start(Limits::default());
    let mut client = Client::connect(address);
    for _ in 0..3 {
        let answer = client.get("/hello");
        assert_eq!((answer.code, &answer.body[..]), (200, &b"hello\n"[..]));
    }
    assert_eq!(client.get("/none").code, 404);
    let large = client.get("/letters?300000");
    assert_eq!(field(&large.head, "Transfer-Encoding"), Some("chunked"));
    assert_letters(&large.body, 300_000);
    drop(client);
    wait_for(&events, Event::Closed(CloseReason::PeerFinished));
    handle.stop(PATIENCE).unwrap();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (_handle, address, _events) = start(Limits::default());
    let mut client = Client::connect(address);
    let body = "POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET ";
    let large = "GET /letters?5000000 HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send([HELLO, body, large, HELLO].concat().repeat(20));
    for _ in 0..20 {
        assert_eq!(client.answer().code, 200);
        assert_eq!(client.answer().code, 404);
        assert_letters(&client.answer().body, 5_000_000);
        assert_eq!(client.answer().body, b"hello\n");
    }
}

#[test]
fn http_1_0_ends_with_the_answer() {
    let (_handle, address, _events) = start(Limits::default());
    let mut client = Client::connect(address);
    client.send("GET /letters?300000 HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert_eq!(field(&answer.head, "Connection"), Some("close"));
    assert_letters(&answer.body, 300_000);
}

#[test]
fn head_has_no_body() {
    let (_handle, address, _events) = start(Limits::default());
    let mut client = Client::connect(address);
    client.send(HELLO.replace("GET", "HEAD"));
    assert_eq!(field(&client.head(), "Content-Length"), Some("6"));
    assert_eq!(client.get("/hello").body, b"hello\n", "the next answer follows at once");
}

#[test]
fn malformed_requests_are_answered_and_closed() {
    let (_handle, address, events) = start(Limits::default());
    let mut client = Client::connect(address);
    client.send("GET http:// HTTP/1.1\r\nHost: h\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.code, field(&answer.head, "Connection")), (400, Some("close")));
    assert_eq!(client.rest(), b"");
    wait_for(&events, Event::Refused(Refusal::Target));
    drop(client);
    wait_for(&events, Event::Closed(CloseReason::Refused));
}

#[test]
fn a_peer_that_reads_nothing_holds_one_buffer_and_is_closed() {
    let limits = Limits { stall_time_max: SHORT, ..Limits::default() };
    let (sender, events) = channel();
    let pages = Pages::new(sender);
    let rendered = pages.rendered.clone();
    let (_handle, address) = serve(pages, limits);
    let client = busy_client(address);
    wait_for(&events, Event::Closed(CloseReason::Stalled));
    // What the kernel's socket buffers took, and one buffer of ours.
    assert!(*rendered.lock().unwrap() < 64 << 20);
    drop(client);
}

#[test]
fn a_slow_reader_gets_the_whole_answer() {
    let (_handle, address, events) = start(Limits::default());
    let mut client = Client::connect(address);
    client.send("GET /letters?30000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    // Others are served while it holds still.
    for _ in 0..10 {
        assert_eq!(Client::connect(address).get("/hello").code, 200);
    }
    assert_letters(&client.answer().body, 30_000_000);
    drop(client);
    wait_for(&events, Event::Closed(CloseReason::PeerFinished));
}

#[test]
fn a_half_closed_peer_gets_the_whole_answer() {
    let (_handle, address, _events) = start(Limits::default());
    let mut client = Client::connect(address);
    client.send("GET /letters?30000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert_letters(&client.answer().body, 30_000_000);
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_peer_that_leaves_within_an_answer_does_no_harm() {
    let (_handle, address, events) = start(Limits::default());
    drop(busy_client(address));
    wait_for(&events, Event::Closed(CloseReason::PeerAborted));
    assert_eq!(Client::connect(address).get("/hello").code, 200);
}

#[test]
fn a_head_that_trickles_in_is_refused_in_time() {
    let limits = Limits { request_time_max: SHORT, ..Limits::default() };
    let (_handle, address, events) = start(limits);
    let mut silent = Client::connect(address);
    wait_for(&events, Event::Closed(CloseReason::Idle));
    assert!(silent.is_ended());

    let mut client = Client::connect(address);
    client.send("GET /hello HTTP/1.1\r\nHo");
    assert_eq!(client.answer().code, 408);
    assert_eq!(client.rest(), b"");

    let mut client = Client::connect(address);
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nGET /");
    assert_eq!(client.answer().code, 408);
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    let limits = Limits { idle_time_max: SHORT, ..Limits::default() };
    let (_handle, address, events) = start(limits);
    let mut client = Client::connect(address);
    client.get("/hello");
    wait_for(&events, Event::Closed(CloseReason::Idle));
    assert!(client.is_ended());
}

#[test]
fn an_answer_survives_what_the_peer_still_sends() {
    let (_handle, address, _events) = start(Limits::default());
    let mut client = Client::connect(address);
    let head = "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n";
    client.send([head.as_bytes(), &[b'x'; 500_000]].concat());
    assert_eq!(client.answer().code, 413);
    assert_eq!(client.rest(), b"", "the end, and no reset");
}

#[test]
fn lingering_ends_in_time() {
    let limits = Limits { linger_time_max: SHORT, ..Limits::default() };
    let (_handle, address, events) = start(limits);
    let mut client = Client::connect(address);
    client.send("GET /hello HTTP/1.0\r\n\r\n");
    wait_for(&events, Event::Closed(CloseReason::PeerAsked));
    assert_eq!(client.answer().code, 200);
}

#[test]
fn at_the_cap_the_longest_idle_connection_makes_room() {
    let limits = Limits { connections_max: 2, ..Limits::default() };
    let (_handle, address, events) = start(limits);
    let mut clients = [Client::connect(address), Client::connect(address)];
    clients.iter_mut().for_each(|client| assert_eq!(client.get("/hello").code, 200));
    let mut third = Client::connect(address);
    assert_eq!(third.get("/hello").code, 200);
    wait_for(&events, Event::Closed(CloseReason::Evicted));
    assert!(clients[0].is_ended());
    assert_eq!(clients[1].get("/hello").code, 200);
}

#[test]
fn at_the_cap_without_idle_connections_the_new_one_is_told_so() {
    let limits = Limits { connections_max: 2, ..Limits::default() };
    let (_handle, address, _events) = start(limits);
    let busy = [busy_client(address), busy_client(address)];
    for _ in 0..100 {
        let mut third = Client::connect(address);
        third.send(HELLO);
        let answer = third.answer();
        assert_eq!((answer.code, field(&answer.head, "Connection")), (503, Some("close")));
        assert_eq!(third.rest(), b"");
    }
    drop(busy);
    // Their ends and the new connection come in any order, so the first one may be too early.
    while Client::connect(address).get("/hello").code != 200 {}
}

#[test]
fn stopping_finishes_the_answers_under_way() {
    let (handle, address, _events) = start(Limits::default());
    let mut idle = Client::connect(address);
    idle.get("/hello");
    let mut busy = Client::connect(address);
    busy.send("GET /letters?30000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    busy.send(HELLO);
    let head = busy.head();
    assert_eq!(field(&head, "Transfer-Encoding"), Some("chunked"));
    handle.stopper().stop(PATIENCE);
    assert!(idle.is_ended());
    assert!(TcpStream::connect(address).is_err(), "nobody listens");
    let body = busy.rest();
    assert!(body.ends_with(b"\r\n0\r\n\r\n"), "the whole answer, and only this one");
    assert_eq!(body.iter().filter(|&&byte| byte == letter(25)).count(), 30_000_000 / 26);
    drop(busy);
    handle.join().unwrap();
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let (handle, address, events) = start(Limits::default());
    let _busy = busy_client(address);
    handle.stop(SHORT).unwrap();
    wait_for(&events, Event::Closed(CloseReason::Stopping));
}

#[test]
fn unix_sockets_are_served_and_removed() {
    let path = std::env::temp_dir().join(format!("promlet-http-{}.sock", std::process::id()));
    let address = ListenAddress::Unix(path.clone());
    let (sender, events) = channel();
    let tcp = "127.0.0.1:0".parse().unwrap();
    let server = Server::bind(&[address, tcp], Limits::default()).unwrap();
    let handle = server.spawn(Pages::new(sender)).unwrap();
    let mut client = Client::over(UnixStream::connect(&path).unwrap());
    assert_letters(&client.get("/letters?1000000").body, 1_000_000);
    let ListenAddress::Tcp(tcp) = handle.local_addresses()[1] else { panic!() };
    assert_eq!(Client::connect(tcp).get("/hello").code, 200);
    drop(client);
    wait_for(&events, Event::Closed(CloseReason::PeerFinished));
    handle.stop(PATIENCE).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_port_alone_is_ipv4_and_ipv6() {
    let (sender, _events) = channel();
    let server = Server::bind(&[":0".parse().unwrap()], Limits::default()).unwrap();
    let handle = server.spawn(Pages::new(sender)).unwrap();
    let ListenAddress::Tcp(bound) = handle.local_addresses()[0] else { panic!() };
    let ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, bound.port()));
    assert_eq!(Client::connect(ipv4).get("/hello").code, 200);
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: no IPv6 on this machine");
        return;
    }
    let ipv6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, bound.port()));
    assert_eq!(Client::connect(ipv6).get("/hello").code, 200);
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let (_handle, address, _events) = start(Limits::default());
    let error = Server::bind(&[ListenAddress::Tcp(address)], Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address}: address already in use"));
}

#[test]
fn what_was_written_is_told_with_its_size() {
    let (_handle, address, events) = start(Limits::default());
    let mut client = Client::connect(address);
    let answer = client.get("/hello");
    let bytes = (answer.head.len() + answer.body.len()) as u64;
    wait_for(&events, Event::Written(Status::Ok, bytes));
}

const LATE: &str = "GET /late?100 HTTP/1.1\r\nHost: h\r\n\r\n";

/// A server, its address, what it tells, and what holds its late answers back.
fn start_gated(limits: Limits) -> (ServerHandle, SocketAddr, Receiver<Event>, Gate) {
    let (sender, events) = channel();
    let pages = Pages::new(sender);
    let gate = pages.gate.clone();
    let (handle, address) = serve(pages, limits);
    (handle, address, events, gate)
}

#[test]
fn others_are_served_while_an_answer_is_waited_for() {
    // No time of the peer runs while it waits for us.
    let limits = Limits { stall_time_max: SHORT, request_time_max: SHORT, ..Limits::default() };
    let (_handle, address, _events, gate) = start_gated(limits);
    let mut late: Vec<_> = (0..3).map(|_| Client::connect(address)).collect();
    for client in &mut late {
        client.send(LATE);
        client.send(HELLO);
    }
    assert_eq!(Client::connect(address).get("/tardy?7").body, b"abcdefg", "its time is up");
    assert_eq!(Client::connect(address).get("/hello").code, 200);
    gate.open();
    for client in &mut late {
        let answer = client.answer();
        assert_eq!(field(&answer.head, "Content-Length"), Some("100"));
        assert_letters(&answer.body, 100);
        assert_eq!(client.answer().body, b"hello\n");
        assert_eq!(client.get("/hello").code, 200);
    }
}

#[test]
fn a_half_closed_peer_gets_the_answer_it_waits_for() {
    let (_handle, address, events, gate) = start_gated(Limits::default());
    let mut client = Client::connect(address);
    client.send(LATE);
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(Client::connect(address).get("/hello").code, 200);
    gate.open();
    assert_letters(&client.answer().body, 100);
    assert_eq!(client.rest(), b"");
    wait_for(&events, Event::Closed(CloseReason::PeerFinished));
}

#[test]
fn a_peer_that_leaves_while_it_waits_is_closed() {
    let (_handle, address, events, _gate) = start_gated(Limits::default());
    let mut client = Client::connect(address);
    client.send(HELLO);
    assert!(matches!(events.recv_timeout(PATIENCE), Ok(Event::Written(..))));
    client.send(LATE);
    assert_eq!(Client::connect(address).get("/hello").code, 200, "it was read too");
    // What it has not read makes the kernel reset the connection.
    drop(client);
    wait_for(&events, Event::Closed(CloseReason::PeerAborted));
}

#[test]
fn stopping_waits_for_late_answers_as_long_as_it_may() {
    for (grace, is_answered) in [(PATIENCE, true), (SHORT, false)] {
        let (handle, address, _events, gate) = start_gated(Limits::default());
        let mut client = Client::connect(address);
        client.send(LATE);
        assert_eq!(Client::connect(address).get("/hello").code, 200);
        handle.stopper().stop(grace);
        if is_answered {
            gate.open();
            let answer = client.answer();
            assert_eq!(field(&answer.head, "Connection"), Some("close"));
        } else {
            assert_eq!(client.rest(), b"");
        }
        handle.join().unwrap();
    }
}
