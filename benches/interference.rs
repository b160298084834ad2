//! What does a scrape that is under way cost the threads that update counters?
//!
//! Two threads time every `inc`. Beside them a third does nothing, spins, or scrapes: on a machine
//! of two cores the scheduler alone makes some updates late, and spinning shows how many. The three
//! take turns; the table gives the medians of the turns.

mod workload;

use promlet::encoding::{Choice, ContentCoding, Encoder};
use promlet::registry::Selection;
use promlet::{Counter, Dynamic, Family, Registry};
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;
use workload::Workload;

/// Lines of the workload that is scraped, beside the counters that are updated.
const LINES: usize = 10_000;
const COUNTERS: usize = 1_000;
const THREADS: usize = 2;
/// Updates of one thread in one turn.
const UPDATES: usize = 1_000_000;
const TURNS: usize = 15;

fn counters(registry: &Registry) -> Vec<Counter> {
    let family = registry.family_builder("updated_total", "").register_dynamic(&["number"], ());
    let family: Family<Dynamic, Counter> = family.expect("the bench's names are legal");
    (0..COUNTERS).map(|number| family.get_or_create(&[number.to_string().as_str()])).collect()
}

/// What the third thread does over and over, if there is one.
type Third = Option<Box<dyn FnMut() + Send>>;

fn thirds(registry: &Registry) -> [(&'static str, Third); 4] {
    let scrape = |choice| {
        let mut encoder = Encoder::new(registry.clone());
        let mut body = Vec::new();
        let scrape = move || {
            body.clear();
            encoder.exposition(choice, Selection::ALL, Instant::now()).write_all(&mut body);
            black_box(&body);
        };
        Third::Some(Box::new(scrape))
    };
    [
        ("nothing", None),
        ("spinning", Some(Box::new(std::hint::spin_loop))),
        ("scraping text", scrape(Choice::TEXT)),
        ("scraping gzip", scrape(Choice { coding: ContentCoding::Gzip, ..Choice::TEXT })),
    ]
}

/// The nanoseconds that each of `updates` took, the cost of the clock included.
fn time_updates(counters: &[Counter], updates: usize) -> Vec<u32> {
    let time = |counter: &Counter| {
        let start = Instant::now();
        counter.inc();
        u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX)
    };
    counters.iter().cycle().take(updates).map(time).collect()
}

/// The nanoseconds of all updates of one turn, ascending.
fn turn(
    counters: &[Counter],
    updates: usize,
    third: Option<&mut (dyn FnMut() + Send + 'static)>,
) -> Vec<u32> {
    let (is_over, barrier) = (AtomicBool::new(false), Barrier::new(THREADS));
    let mut times = thread::scope(|scope| {
        // ORDERING: Relaxed, here and below: the flag alone matters.
        let is_over = &is_over;
        if let Some(third) = third {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    third()
                }
            });
        }
        let update = || {
            barrier.wait();
            time_updates(counters, updates)
        };
        let updating: Vec<_> = (0..THREADS).map(|_| scope.spawn(update)).collect();
        let join = |thread: thread::ScopedJoinHandle<_>| thread.join().expect("no update panics");
        let times: Vec<u32> = updating.into_iter().flat_map(join).collect();
        is_over.store(true, Ordering::Relaxed);
        times
    });
    times.sort_unstable();
    times
}

/// The value that `per_mille` of `sorted` do not exceed.
fn quantile(sorted: &[u32], per_mille: usize) -> u32 {
    sorted[(sorted.len() - 1) * per_mille / 1_000]
}

fn main() {
    // Criterion's own rule: without the flag that `cargo bench` gives, each case runs once.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let (turns, updates) = if is_measured { (TURNS, UPDATES) } else { (1, COUNTERS) };
    let mut workload = Workload::new(LINES);
    let counters = counters(&workload.registry);
    let mut thirds = thirds(&workload.registry);
    let mut quantiles = [const { (Vec::new(), Vec::new()) }; 4];
    for _ in 0..turns {
        workload.advance();
        for ((_, third), (p50, p999)) in thirds.iter_mut().zip(&mut quantiles) {
            let times = turn(&counters, updates, third.as_deref_mut());
            p50.push(quantile(&times, 500));
            p999.push(quantile(&times, 999));
        }
    }
    let median = |values: &mut Vec<u32>| {
        values.sort_unstable();
        quantile(values, 500)
    };
    let medians = quantiles.each_mut().map(|(p50, p999)| (median(p50), median(p999)));
    println!("\n`inc` on {THREADS} threads, in nanoseconds, the clock included:\n");
    println!("| third thread | p50 | p99.9 | to nothing | to spinning |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let [nothing, spinning] = [medians[0].1, medians[1].1].map(f64::from);
    for ((name, _), (p50, p999)) in thirds.iter().zip(medians) {
        let (to_nothing, to_spinning) = (f64::from(p999) / nothing, f64::from(p999) / spinning);
        println!("| {name} | {p50} | {p999} | {to_nothing:.2} | {to_spinning:.2} |");
    }
}
