//! What does an update cost the application: on a held handle, and through its labels?
//!
//! Each on one thread and on two at once, beside a bare atomic addition.

use criterion::{BenchmarkId, Criterion};
use promlet::{Buckets, Counter, Family, NativeBuckets, Registry, labels};
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

labels! {
    struct Request<'a> {
        method: &'a str,
        route: &'a str,
        status: &'a str,
        region: &'a str,
        instance: &'a str,
    }
}

/// The time that `threads` threads need for `rounds` calls of `update` each, from the start of the
/// first to the end of the last.
fn on_threads(threads: usize, rounds: u64, update: &(impl Fn() + Sync)) -> Duration {
    if threads == 1 {
        let start = Instant::now();
        (0..rounds).for_each(|_| update());
        return start.elapsed();
    }
    let barrier = Barrier::new(threads);
    let span = |_| {
        barrier.wait();
        let start = Instant::now();
        (0..rounds).for_each(|_| update());
        (start, Instant::now())
    };
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads).map(|n| scope.spawn(move || span(n))).collect();
        spawned.into_iter().map(|thread| thread.join().expect("updates do not panic")).collect()
    });
    let first = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let last = spans.iter().map(|span| span.1).max().expect("there is a thread");
    last - first
}

fn bench(c: &mut Criterion, name: &str, update: impl Fn() + Sync) {
    let mut group = c.benchmark_group(format!("update/{name}"));
    for threads in [1, 2, 4, 8] {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|rounds| on_threads(threads, rounds, &update));
        });
    }
    group.finish();
}

fn updates(c: &mut Criterion) {
    let registry = Registry::new();
    let legal = "the bench's names are legal";

    let floor = AtomicU64::new(0);
    bench(c, "floor_fetch_add", || {
        // ORDERING: Relaxed, as the counters have it.
        black_box(&floor).fetch_add(1, Ordering::Relaxed);
    });
    let counter = registry.counter("counter_total", "").expect(legal);
    bench(c, "counter_inc", || black_box(&counter).inc());
    let sharded = registry.sharded_counter("sharded_total", "").expect(legal);
    bench(c, "sharded_counter_inc", || black_box(&sharded).inc());
    let gauge = registry.gauge("gauge", "").expect(legal);
    bench(c, "gauge_set", || black_box(&gauge).set(black_box(1.5)));
    bench(c, "gauge_add", || black_box(&gauge).add(black_box(1.5)));
    let histogram = registry.histogram("seconds", "", Buckets::default()).expect(legal);
    bench(c, "histogram_observe_11_buckets", || black_box(&histogram).observe(black_box(0.3)));
    let native = NativeBuckets::new(3, 1e-6..=1e3).expect("the range is one");
    let buckets = Buckets::default().with_native(native);
    let native = registry.histogram("native_seconds", "", buckets).expect(legal);
    bench(c, "histogram_observe_11_and_240_native_buckets", || {
        black_box(&native).observe(black_box(0.3));
    });

    let family: Family<Request<'static>, Counter> =
        registry.family("requests_total", "").expect(legal);
    let routes: Vec<String> = (0..100).map(|number| format!("/api/v1/items/{number}")).collect();
    for route in &routes {
        family.get_or_create(&request(route)).inc();
    }
    let route = &routes[42];
    bench(c, "lookup_5_labels_and_inc", || {
        family.get_or_create(&request(black_box(route))).inc();
    });
}

fn request(route: &str) -> Request<'_> {
    Request { method: "GET", route, status: "200", region: "eu-central-1", instance: "i-0a1b2c3d" }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    updates(&mut criterion);
    criterion.final_summary();
}
