//! What an update costs the application.

use crate::libraries::LIBRARIES;
use crate::loopback::pin_to_core;
use crate::peer::Updates;
use crate::turns::{Effort, Table};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// Updates of one sample: they must take far longer than it takes to wake a thread, or two threads
/// work one after the other.
const ROUNDS: u64 = 1_000_000;
/// Series that are looked up in turn.
const ROUTES: usize = 100;

type Work = fn(&dyn Updates, &[String]);

const CASES: [(&str, usize, Work); 5] = [
    ("inc", 1, |few, _| few.count(ROUNDS)),
    ("inc, 2 threads", 2, |few, _| few.count(ROUNDS)),
    ("observe", 1, |few, _| few.observe(ROUNDS)),
    ("observe, 2 threads", 2, |few, _| few.observe(ROUNDS)),
    ("look up by 5 labels, inc", 1, |few, routes| few.look_up(ROUNDS, routes)),
];

pub fn table(effort: Effort) {
    let few: Vec<Box<dyn Updates>> = LIBRARIES.iter().map(|library| (library.updates)()).collect();
    let routes: Vec<String> = (0..ROUTES).map(|number| format!("/api/v1/items/{number}")).collect();
    let mut columns = Vec::new();
    for (_, threads, work) in CASES {
        let time = |index: usize| nanos_on_threads(threads, &|| work(&*few[index], &routes));
        columns.push(effort.take_turns(few.len(), time));
    }
    let heads = CASES.map(|(name, ..)| name.to_owned());
    let mut table = Table::new("Updates: ns each", &heads);
    for (index, library) in LIBRARIES.iter().enumerate() {
        let cells: Vec<String> = columns.iter().map(|column| column[index].cell()).collect();
        table.row(library.name, &cells);
    }
    table.print();
}

/// The time of one update, from the start of the first thread to the end of the last, each of
/// which does [`ROUNDS`] of them on a core of its own.
fn nanos_on_threads(threads: usize, work: &(impl Fn() + Sync)) -> f64 {
    let barrier = Barrier::new(threads);
    let span = &|core| {
        pin_to_core(core);
        barrier.wait();
        let start = Instant::now();
        work();
        (start, Instant::now())
    };
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads).map(|core| scope.spawn(move || span(core))).collect();
        spawned.into_iter().map(|thread| thread.join().expect("updates do not panic")).collect()
    });
    let first = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let last = spans.iter().map(|span| span.1).max().expect("there is a thread");
    (last - first).as_nanos() as f64 / ROUNDS as f64
}
