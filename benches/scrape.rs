//! What does a whole scrape take over loopback, beside a server that sends the same bytes from
//! memory?
//!
//! Both take turns, so that what else the machine does falls on both alike; the table gives the
//! medians, the 99th percentiles and the ratio of the medians. The codings that the server does
//! not offer are left out.

mod loopback;
mod workload;

use criterion::{BenchmarkId, Criterion};
use loopback::{Client, Coding};
use loopback::{congestion_control, pin_to_core, serve_static, static_response};
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

/// Where the servers run; the client is on the first core.
///
/// On one core the time is the work of both sides. On two, the waking of idle cores comes in, which
/// a virtual machine makes dear: a core that was idle for as long as a body takes to render has
/// gone to sleep, one that a static server wakes at once has not.
const PLACEMENTS: [(&str, usize); 2] = [("one", 0), ("two", 1)];
const CLIENT_CORE: usize = 0;

/// An exporter of `workload` on a port of its own.
fn serve(workload: &Workload, core: usize) -> (ServerHandle, SocketAddr) {
    pin_to_core(core);
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
    coding: Coding,
    wire_bytes: usize,
}

impl Pair {
    /// None if the server does not offer `coding`.
    fn connect(address: SocketAddr, coding: Coding, server_core: usize) -> Option<Pair> {
        pin_to_core(CLIENT_CORE);
        let mut promlet = Client::connect(address, coding, ACCEPT);
        let response = promlet.scrape();
        if response.field("Content-Encoding").unwrap_or("identity") != coding.name() {
            return None;
        }
        let content_type = response.field("Content-Type").expect("a scrape has a type");
        let (wire_bytes, body) = (response.as_bytes().len(), response.body());
        pin_to_core(server_core);
        let fixed = serve_static(static_response(content_type, coding, &body));
        let mut fixed = Client::connect(fixed, coding, ACCEPT);
        pin_to_core(CLIENT_CORE);
        assert!(fixed.scrape().body() == body, "both send the same body");
        assert!(promlet.scrape().body() == body, "a scrape changes nothing");
        Some(Pair { promlet, fixed, coding, wire_bytes })
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

fn row(cores: &str, lines: usize, pair: &Pair, times: [Vec<Duration>; 2]) -> String {
    let micros = |time: Duration| time.as_nanos() as f64 / 1_000.0;
    let [p50, fixed_p50] = [0, 1].map(|side| micros(percentile(&times[side], 50)));
    let [p99, fixed_p99] = [0, 1].map(|side| micros(percentile(&times[side], 99)));
    format!(
        "| {cores} | {lines} | {} | {} | {p50:.1} | {fixed_p50:.1} | {:.2} | {p99:.1} | {fixed_p99:.1} |",
        pair.coding.name(),
        pair.wire_bytes,
        p50 / fixed_p50,
    )
}

fn scrape(c: &mut Criterion, turns_time: Duration) {
    let mut rows = Vec::new();
    for (cores, server_core) in PLACEMENTS {
        for lines in [1_000, 10_000, 100_000] {
            let mut workload = Workload::new(lines);
            let (server, address) = serve(&workload, server_core);
            for coding in [Coding::Identity, Coding::Gzip] {
                let Some(mut pair) = Pair::connect(address, coding, server_core) else { continue };
                let name = format!("scrape/{}/{cores}_core", coding.name());
                let mut group = c.benchmark_group(name);
                group.bench_function(BenchmarkId::new("promlet", lines), |bencher| {
                    bencher.iter(|| pair.promlet.time_scrape());
                });
                group.bench_function(BenchmarkId::new("static_server", lines), |bencher| {
                    bencher.iter(|| pair.fixed.time_scrape());
                });
                group.finish();
                let times = pair.take_turns(&mut workload, turns_time);
                rows.push(row(cores, lines, &pair, times));
            }
            server.stop(Duration::from_secs(1)).expect("the event loop was made");
        }
    }
    let control = congestion_control();
    println!("\nTurn by turn, in microseconds, congestion control {control}:\n");
    println!("| cores | lines | coding | bytes | p50 | static p50 | ratio | p99 | static p99 |");
    println!("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    rows.iter().for_each(|row| println!("{row}"));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    // Criterion's own rule: without the flag that `cargo bench` gives, each case runs once.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    scrape(&mut criterion, if is_measured { TURNS_TIME } else { Duration::ZERO });
    criterion.final_summary();
}
