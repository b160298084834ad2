//! What a whole scrape takes over loopback, on a connection that is kept alive.

use crate::libraries::LIBRARIES;
use crate::loopback::{Client, Coding, pin_to_core, serve_static, static_response};
use crate::turns::{Effort, Table, figure};
use std::net::SocketAddr;
use std::thread;

/// What makes all libraries that negotiate send the text format.
const ACCEPT: &str = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Where the servers run, and where the client does.
const SERVER_CORE: usize = 1;
const CLIENT_CORE: usize = 0;

pub fn tables(effort: Effort, sizes: &[usize]) {
    // On a thread of its own: what is measured after this has all cores again.
    let measured = thread::scope(|scope| scope.spawn(|| tables_pinned(effort, sizes)).join());
    measured.expect("servers and client do not panic");
}

fn tables_pinned(effort: Effort, sizes: &[usize]) {
    for &lines in sizes {
        pin_to_core(SERVER_CORE);
        let servers: Vec<(&str, SocketAddr)> = LIBRARIES
            .iter()
            .map(|library| (library.name, library.begin(lines).0.serve()))
            .collect();
        for coding in [Coding::Identity, Coding::Gzip] {
            pin_to_core(SERVER_CORE);
            let mut clients = connect(&servers, coding);
            pin_to_core(CLIENT_CORE);
            table(effort, lines, coding, &mut clients);
        }
    }
}

/// A client for each server that offers `coding`, and for one that sends from memory what the
/// first one does.
fn connect(servers: &[(&'static str, SocketAddr)], coding: Coding) -> Vec<(&'static str, Client)> {
    let mut clients = Vec::new();
    for (name, address) in servers {
        let mut client = Client::connect(*address, coding, ACCEPT);
        let response = client.scrape();
        if response.field("Content-Encoding").unwrap_or("identity") == coding.name() {
            clients.push((*name, client));
        }
    }
    let (_, first) = &mut clients[0];
    let body = first.scrape().body();
    let fixed = serve_static(static_response("text/plain; version=0.0.4", coding, &body));
    clients
        .push(("floor: the first one's bytes from memory", Client::connect(fixed, coding, ACCEPT)));
    clients
}

fn table(effort: Effort, lines: usize, coding: Coding, clients: &mut [(&str, Client)]) {
    let count = clients.len();
    let samples = effort
        .take_turns(count, |index| clients[index].1.time_scrape().as_nanos() as f64 / 1_000.0);
    let title = format!("Scrape over loopback, {lines} lines, {}: microseconds", coding.name());
    let heads = ["p50", "p99", "p50 beside the floor", "bytes"].map(str::to_owned);
    let mut table = Table::new(&title, &heads);
    let floor = samples[count - 1].percentile(50);
    for ((name, client), samples) in clients.iter_mut().zip(&samples) {
        let (p50, p99) = (samples.percentile(50), samples.percentile(99));
        let bytes = client.scrape().as_bytes().len().to_string();
        table.row(name, &[figure(p50), figure(p99), figure(p50 / floor), bytes]);
    }
    table.print();
}
