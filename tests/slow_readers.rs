//! Clients that ask for a large body and do not read it cost an output buffer each, and no more:
//! they have the text as it was when it was their turn, whatever has changed since.

use promlet::{Counter, Dynamic, Exporter, Family, Limits, Registry, Server};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts the bytes in use, and the most there were.
struct Counting;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
static PEAK_BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // ORDERING: Relaxed, here and below: only the sum matters.
        let live = LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        // ORDERING: Relaxed: as above.
        PEAK_BYTES.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // ORDERING: Relaxed: as above.
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer came from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CLIENTS: usize = 200;
/// With lines of 138 bytes, 14 MB: more than the sockets hold, so that no answer ends unread.
const SERIES: usize = 100_000;
const LABEL_BYTES: usize = 115;
/// At most half of a page, so that some series of each page is one of those that change.
const SERIES_PER_CHANGE: usize = 32;
/// What else a connection holds: its state, room for heads, and a poll entry.
const OTHER_BYTES_MAX: usize = 8 * 1_024;

/// A registry, and a counter on each page.
fn registry() -> (Registry, Vec<Counter>) {
    let registry = Registry::new();
    let family = registry.family_builder("jobs_total", "").register_dynamic(&["queue"], ());
    let family: Family<Dynamic, Counter> = family.expect("the names are legal");
    let counter = |number| family.get_or_create(&[format!("{number:0LABEL_BYTES$}").as_str()]);
    let counters: Vec<Counter> = (0..SERIES).map(counter).collect();
    (registry, counters.into_iter().step_by(SERIES_PER_CHANGE).collect())
}

/// A connection whose answer has begun.
fn ask(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("the server listens");
    client.set_read_timeout(Some(Duration::from_secs(20))).expect("it is not zero");
    client
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .expect("the server reads");
    let mut start = [0; 12];
    client.read_exact(&mut start).expect("the server answers");
    assert_eq!(&start, b"HTTP/1.1 200");
    client
}

/// The bytes that come until the server closes.
fn drain(mut client: TcpStream) -> usize {
    let mut buffer = [0; 64 * 1_024];
    let mut bytes = 0;
    loop {
        match client.read(&mut buffer).expect("the server goes on") {
            0 => return bytes,
            count => bytes += count,
        }
    }
}

#[test]
fn clients_that_do_not_read_cost_one_buffer_each() {
    let limits = Limits { stall_time_max: Duration::from_secs(60), ..Limits::default() };
    let buffer_bytes = limits.output_buffer_bytes;
    let any_port = "127.0.0.1:0".parse().expect("it is an address");
    let server = Server::bind(&[any_port], limits).expect("loopback has a free port");
    let (registry, counters) = registry();
    let server = server.spawn(Exporter::new(registry)).expect("there can be one thread more");
    let address = server.local_addresses()[0].to_string();
    let address = address.parse().expect("a TCP address is a socket address");

    let body_bytes = drain(ask(address));
    assert!(body_bytes > SERIES * LABEL_BYTES);
    let mut clients = Vec::with_capacity(CLIENTS);
    // ORDERING: Relaxed, here and below: nothing else is read through them.
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    PEAK_BYTES.store(before, Ordering::Relaxed);
    clients.extend((0..CLIENTS).map(|_| {
        let client = ask(address);
        counters.iter().for_each(Counter::inc);
        client
    }));
    // The server writes to the others as long as they take anything, while this one is served.
    assert!(drain(clients.pop().expect("there are 200")) >= body_bytes);
    let live = LIVE_BYTES.load(Ordering::Relaxed) - before;
    assert!(live >= CLIENTS / 2 * buffer_bytes, "{live} bytes: not all answers are under way");
    let peak = PEAK_BYTES.load(Ordering::Relaxed) - before;
    assert!(peak <= CLIENTS * (buffer_bytes + OTHER_BYTES_MAX), "{peak} bytes");
    drop(clients);
    server.stop(Duration::from_secs(5)).expect("the event loop was made");
}
