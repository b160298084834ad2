//! What does a whole scrape take over loopback, beside a server that sends the same bytes from
//! memory?
//!
//! Both take turns, so that what else the machine does falls on both alike; the table gives the
//! medians, the 99th percentiles and the ratio of the medians. The codings that the server does
//! not offer are left out.

mod loopback;
mod workload;

use criterion::{BenchmarkId, Criterion};
use loopback::{Client, Coding, pin_to_core, serve_static, static_response};
use promlet::Exporter;
use promlet::http::{Limits, ListenAddress, Server, ServerHandle};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use workload::Workload;

/// What Prometheus 2.42 accepts, without OpenMetrics: the text is what other servers send too.
const ACCEPT: &str = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// How long the turns of one line of the table go on.
const TURNS_TIME: Duration = Duration::from_secs(4);
/// However long one takes: enough for a 99th percentile.
const TURNS_MIN: usize = 200;

/// Where the servers run, and where the client does.
const SERVER_CORE: usize = 1;
const CLIENT_CORE: usize = 0;

/// An exporter of `workload` on a port of its own.
fn serve(workload: &Workload) -> (ServerHandle, SocketAddr) {
    pin_to_core(SERVER_CORE);
    let any_port: ListenAddress = "127.0.0.1:0".parse().expect("it is an address");
    let server = Server::bind(&[any_port], Limits::default()).expect("loopback has a free port");
    let server = server
        .spawn(Exporter::new(workload.registry.clone()))
        .expect("there can be one thread more");
    let address = server.local_addresses()[0].to_string();
    (server, address.parse().expect("a TCP address is a socket address"))
}

/// The server of W(`lines`), and one that sends the same body with its length.
struct Pair {
    promlet: Client,
    fixed: Client,
    wire_bytes: usize,
}

impl Pair {
    /// None if the server does not offer `coding`.
    fn connect(address: SocketAddr, coding: Coding) -> Option<Pair> {
        let mut promlet = Client::connect(address, coding, ACCEPT);
        let response = promlet.scrape();
        if response.field("Content-Encoding").unwrap_or("identity") != coding.name() {
            return None;
        }
        let content_type = response.field("Content-Type").expect("a scrape has a type");
        let (wire_bytes, body) = (response.as_bytes().len(), response.body());
        pin_to_core(SERVER_CORE);
        let fixed = serve_static(static_response(content_type, coding, &body));
        let mut fixed = Client::connect(fixed, coding, ACCEPT);
        pin_to_core(CLIENT_CORE);
        assert!(fixed.scrape().body() == body, "both send the same body");
        assert!(promlet.scrape().body() == body, "a scrape changes nothing");
        Some(Pair { promlet, fixed, wire_bytes })
    }

    /// The times of both, in turns, in order of size. Values change before each turn, and who
    /// comes first does too.
    fn take_turns(&mut self, workload: &mut Workload, time: Duration) -> [Vec<Duration>; 2] {
        let mut times = [Vec::new(), Vec::new()];
        let turns_min = if time.is_zero() { 1 } else { TURNS_MIN };
        let start = Instant::now();
        for turn in 0.. {
            if turn >= turns_min && start.elapsed() >= time {
                break;
            }
            workload.advance();
            for side in [turn % 2, (turn + 1) % 2] {
                let client = if side == 0 { &mut self.promlet } else { &mut self.fixed };
                times[side].push(client.time_scrape());
            }
        }
        times.iter_mut().for_each(|times| times.sort_unstable());
        times
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn row(lines: usize, coding: Coding, wire_bytes: usize, times: [Vec<Duration>; 2]) -> String {
    let micros = |time: Duration| time.as_nanos() as f64 / 1_000.0;
    let [p50, fixed_p50] = [0, 1].map(|side| micros(percentile(&times[side], 50)));
    let [p99, fixed_p99] = [0, 1].map(|side| micros(percentile(&times[side], 99)));
    format!(
        "| {lines} | {} | {wire_bytes} | {p50:.1} | {fixed_p50:.1} | {:.2} | {p99:.1} | {fixed_p99:.1} |",
        coding.name(),
        p50 / fixed_p50,
    )
}

fn scrape(c: &mut Criterion, turns_time: Duration) {
    let mut rows = Vec::new();
    for lines in [1_000, 10_000, 100_000] {
        let mut workload = Workload::new(lines);
        let (server, address) = serve(&workload);
        for coding in [Coding::Identity, Coding::Gzip] {
            let Some(mut pair) = Pair::connect(address, coding) else { continue };
            let mut group = c.benchmark_group(format!("scrape/{}", coding.name()));
            group.bench_function(BenchmarkId::new("promlet", lines), |bencher| {
                bencher.iter(|| pair.promlet.time_scrape());
            });
            group.bench_function(BenchmarkId::new("static_server", lines), |bencher| {
                bencher.iter(|| pair.fixed.time_scrape());
            });
            group.finish();
            rows.push(row(
                lines,
                coding,
                pair.wire_bytes,
                pair.take_turns(&mut workload, turns_time),
            ));
        }
        server.stop(Duration::from_secs(1)).expect("the event loop was made");
    }
    println!("\nTurn by turn, in microseconds:\n");
    println!("| lines | coding | bytes | p50 | static p50 | ratio | p99 | static p99 |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    rows.iter().for_each(|row| println!("{row}"));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    // Criterion's own rule: without the flag that `cargo bench` gives, each case runs once.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    scrape(&mut criterion, if is_measured { TURNS_TIME } else { Duration::ZERO });
    criterion.final_summary();
}
