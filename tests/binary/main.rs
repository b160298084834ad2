//! The binary as a user meets it: its pages, flags, sockets, messages and ends, each test on a
//! process of its own.

#[path = "../support/mod.rs"]
mod support;

mod appmesh;
mod collectors;
mod command_line;
mod drop_in;
mod endings;
mod endpoints;
mod formats;
mod late;
mod page;
mod sockets;

use support::client::{Client, Response};
use support::exposition::{self, Exposition};
use support::process::Promlet;

/// A page that the strict reader accepts.
fn read(response: &Response) -> Exposition {
    assert_eq!(response.status, 200, "{}", response.text());
    exposition::read(&response.body).unwrap_or_else(|error| panic!("{error}\n{}", response.text()))
}

fn scrape(promlet: &Promlet) -> Exposition {
    read(&promlet.get("/metrics"))
}

/// The value of a series, its const labels aside.
fn value(page: &Exposition, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
    let is_it = |sample: &&exposition::Sample| {
        sample.name == name && label.is_none_or(|(name, value)| sample.label(name) == Some(value))
    };
    let mut found = page.samples().filter(is_it);
    let value = found.next().map(|sample| sample.value);
    assert!(found.next().is_none(), "{name} with {label:?} is more than one series");
    value
}

/// Bounds the scrapes to one, so that a second one tells whether the first is under way.
const ONE_SCRAPE: &str = "--web.max-requests=1";

/// Asks a server with [`ONE_SCRAPE`] for more pages in one go than the sockets' buffers hold, and
/// reads none: when this returns, an answer is under way for as long as nobody reads.
fn leave_an_answer_under_way(promlet: &Promlet) -> Client {
    const REQUESTS: usize = 1_000;
    // The buffers may still grow when the first scrape is refused.
    const REFUSALS: usize = 20;
    let mut stalled = promlet.client();
    let head = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
    stalled.send(head.repeat(REQUESTS).as_bytes()).expect("heads are small");
    let mut client = promlet.client();
    let mut is_refused = || client.get("/metrics").expect("it answers").status == 503;
    support::poll("an answer that stalls", || (0..REFUSALS).all(|_| is_refused()).then_some(()));
    stalled
}
