//! A steady keep-alive exchange allocates nothing: not on the server, not per request.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use promlet::http::{
    Body, BodySource, Handler, Limits, ListenAddress, Output, Progress, Request, Response, Server,
    Status,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // ORDERING: Relaxed: only the sum matters, and it is read when both threads are at rest.
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A body of that many bytes, rendered while it is sent.
struct Zeros(usize);

impl BodySource for Zeros {
    fn fill(&mut self, out: &mut Output, room: usize) -> Progress {
        let count = self.0.min(room);
        let out = out.own(count);
        out.resize(out.len() + count, b'0');
        self.0 -= count;
        if self.0 == 0 { Progress::Done } else { Progress::More }
    }
}

struct Pages;

impl Handler for Pages {
    type Body = Zeros;

    fn handle(&mut self, request: &Request<'_>) -> Response<Zeros> {
        let len = if request.raw_path() == b"/large" { 400_000 } else { 1_000 };
        Response::new(Status::Ok, Body::Stream(Zeros(len)))
    }
}

#[test]
fn a_steady_exchange_allocates_nothing() {
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], Limits::default()).unwrap();
    let handle = server.spawn(Pages).unwrap();
    let ListenAddress::Tcp(address) = handle.local_addresses()[0] else { panic!() };
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut buffer = [0; 64 * 1_024];
    let mut exchange = |request: &[u8], end: &[u8]| {
        client.write_all(request).unwrap();
        let mut tail = [0; 5];
        while tail[5 - end.len()..] != *end {
            let count = client.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "the server keeps the connection");
            for &byte in &buffer[..count] {
                tail.rotate_left(1);
                tail[4] = byte;
            }
        }
    };
    let mut exchanges = |count: usize| {
        for _ in 0..count {
            exchange(b"GET /small HTTP/1.1\r\nHost: h\r\n\r\n", b"0");
            exchange(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n", b"0\r\n\r\n");
        }
    };
    exchanges(5);
    // ORDERING: Relaxed: as above.
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    exchanges(100);
    // ORDERING: Relaxed: as above.
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
    handle.stop(Duration::from_secs(5)).unwrap();
}
