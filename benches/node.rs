//! What does a scrape of the node cost, in all and by collector, on the /proc of this host?
//!
//! Beside what others pay at least: opening, reading and closing five of the same files.

use criterion::{BenchmarkId, Criterion};
use promlet::collector::{COLLECTORS, Choice, Node, Report, Settings, process};
use promlet::registry::Selection;
use promlet::{Registry, Scrape};
use std::hint::black_box;
use std::io::Read;

/// What the default collectors read, but for sysfs.
const FILES: [&str; 5] =
    ["/proc/loadavg", "/proc/meminfo", "/proc/stat", "/proc/sys/fs/file-nr", "/proc/self/stat"];

fn node(choice: &Choice) -> Registry {
    let registry = Registry::new();
    let report = |report: Report<'_>| {
        black_box(report);
    };
    Node::register(&registry, &Settings::default(), choice, Box::new(report))
        .expect("a new registry has no such names");
    registry
}

fn collect(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node/collect");
    let scrape = || Scrape::new(Selection::ALL);
    for row in COLLECTORS {
        let registry =
            node(&Choice::only([row.name]).expect("a row's name is that of a collector"));
        group.bench_function(BenchmarkId::from_parameter(row.name), |bencher| {
            bencher.iter(|| registry.collect(&scrape()));
        });
    }
    let registry = Registry::new();
    process::register(&registry).expect("a new registry has no such names");
    group.bench_function(BenchmarkId::from_parameter("process"), |bencher| {
        bencher.iter(|| registry.collect(&scrape()));
    });
    let registry = node(&Choice::default());
    group.bench_function(BenchmarkId::from_parameter("all"), |bencher| {
        bencher.iter(|| registry.collect(&scrape()));
    });
    let mut buffer = Vec::new();
    group.bench_function(BenchmarkId::from_parameter("open-read-close"), |bencher| {
        bencher.iter(|| {
            for path in FILES {
                buffer.clear();
                let mut file = std::fs::File::open(path).expect("a file of every Linux");
                file.read_to_end(&mut buffer).expect("it can be read");
                black_box(&buffer);
            }
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    collect(&mut criterion);
    criterion.final_summary();
}
