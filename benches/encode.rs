//! What does a series cost when an exposition is rendered into a buffer?
//!
//! Beside text the floors: copying the finished text in one piece, and the plainest loop over ready
//! prefixes and numbers. Then gzip and the other formats on the same series, what it costs to make
//! the templates, and what choosing a format takes.

mod workload;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use promlet::collector::{self, Node, Report, Settings};
use promlet::encoding::{Choice, ContentCoding, Encoder, Format, negotiate, number};
use promlet::model::Escaping;
use promlet::registry::Selection;
use promlet::{Counter, Dynamic, Family, Registry, Scrape};
use std::hint::black_box;
use std::time::Instant;
use workload::Workload;

fn text(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode/text");
    for lines in [1_000, 10_000, 100_000] {
        let mut workload = Workload::new(lines);
        let mut encoder = Encoder::new(workload.registry.clone());
        let now = Instant::now();
        let mut body = Vec::new();
        encoder.exposition(Choice::TEXT, Selection::ALL, now).write_all(&mut body);
        let series = body.split(|b| *b == b'\n').filter(|l| !l.is_empty() && l[0] != b'#').count();
        let mean = body.len() / series;
        assert!((130..=146).contains(&mean), "a line has {mean} bytes where W(N) has 138");
        group.throughput(Throughput::Elements(series as u64));

        group.bench_function(BenchmarkId::new("pages", lines), |bencher| {
            bencher.iter(|| {
                body.clear();
                encoder.exposition(Choice::TEXT, Selection::ALL, now).write_all(&mut body);
                black_box(&body);
            });
        });
        group.bench_function(BenchmarkId::new("pages_10_percent_changed", lines), |bencher| {
            bencher.iter_batched(
                || workload.advance(),
                |()| {
                    body.clear();
                    encoder.exposition(Choice::TEXT, Selection::ALL, now).write_all(&mut body);
                },
                BatchSize::PerIteration,
            );
        });
        group.bench_function(BenchmarkId::new("floor_memcpy", lines), |bencher| {
            let mut copy = Vec::with_capacity(body.len());
            bencher.iter(|| {
                copy.clear();
                copy.extend_from_slice(black_box(&body));
                black_box(&copy);
            });
        });
        group.bench_function(BenchmarkId::new("floor_prefix_copy", lines), |bencher| {
            let prefixes = prefixes(&body);
            bencher.iter(|| {
                body.clear();
                for (prefix, value) in &prefixes {
                    body.extend_from_slice(prefix);
                    let mut room = [0; number::LEN_MAX];
                    let len = number::put_u64(&mut room, *value);
                    body.extend_from_slice(&room[..len]);
                    body.push(b'\n');
                }
                black_box(&body);
            });
        });
    }
    group.finish();
}

const GZIP: Choice = Choice { coding: ContentCoding::Gzip, ..Choice::TEXT };

/// Text in gzip, of the workload and of this host.
fn gzip(c: &mut Criterion) {
    for lines in [1_000, 10_000, 100_000] {
        let workload = Workload::new(lines);
        gzip_of(c, "w", &workload.registry);
    }
    gzip_of_changing(c, 10_000);
    let registry = Registry::new();
    let report = |report: Report<'_>| {
        black_box(report);
    };
    let choice = collector::Choice::default();
    Node::register(&registry, &Settings::default(), &choice, Box::new(report))
        .expect("a new registry has no such names");
    registry.collect(&Scrape::new(Selection::ALL));
    gzip_of(c, "node", &registry);
}

/// Prints how much smaller the exposition gets, too.
fn gzip_of(c: &mut Criterion, name: &str, registry: &Registry) {
    let mut encoder = Encoder::new(registry.clone());
    let now = Instant::now();
    let (mut text, mut body) = (Vec::new(), Vec::new());
    encoder.exposition(Choice::TEXT, Selection::ALL, now).write_all(&mut text);
    encoder.exposition(GZIP, Selection::ALL, now).write_all(&mut body);
    let series = text.split(|b| *b == b'\n').filter(|l| !l.is_empty() && l[0] != b'#').count();
    let ratio = text.len() as f64 / body.len() as f64;
    println!("{name}, {series} series: {} bytes, {ratio:.1} times smaller in gzip", text.len());
    let mut group = c.benchmark_group("encode/gzip");
    group.throughput(Throughput::Elements(series as u64));
    group.bench_function(BenchmarkId::new(name, series), |bencher| {
        bencher.iter(|| {
            body.clear();
            encoder.exposition(GZIP, Selection::ALL, now).write_all(&mut body);
            black_box(&body);
        });
    });
    group.finish();
}

/// A tenth of the values are others than in the member before.
fn gzip_of_changing(c: &mut Criterion, lines: usize) {
    let mut workload = Workload::new(lines);
    let mut encoder = Encoder::new(workload.registry.clone());
    let now = Instant::now();
    let mut body = Vec::new();
    let mut group = c.benchmark_group("encode/gzip");
    group.throughput(Throughput::Elements(lines as u64));
    group.bench_function(BenchmarkId::new("w_10_percent_changed", lines), |bencher| {
        bencher.iter_batched(
            || workload.advance(),
            |()| {
                body.clear();
                encoder.exposition(GZIP, Selection::ALL, now).write_all(&mut body);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Laying out and compiling, and what a series that comes late makes a scrape do.
fn templates(c: &mut Criterion) {
    const LINES: usize = 100_000;
    let workload = Workload::new(LINES);
    let registry = &workload.registry;
    let now = Instant::now();
    let mut group = c.benchmark_group("encode/templates");
    group.sample_size(10).throughput(Throughput::Elements(LINES as u64));
    for (name, choice) in [("lay_out", Choice::TEXT), ("lay_out_and_compile_gzip", GZIP)] {
        group.bench_function(BenchmarkId::new(name, LINES), |bencher| {
            bencher.iter_batched(
                || Encoder::new(registry.clone()),
                |mut encoder| {
                    black_box(encoder.exposition(choice, Selection::ALL, now));
                    encoder
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();

    let late = registry.family_builder("late_total", "").register_dynamic(&["number"], ());
    let late: Family<Dynamic, Counter> = late.expect("the bench's names are legal");
    let mut encoder = Encoder::new(registry.clone());
    let mut body = Vec::new();
    let mut scrape = || {
        body.clear();
        encoder.exposition(GZIP, Selection::ALL, now).write_all(&mut body);
        black_box(&body);
    };
    let mut group = c.benchmark_group("encode/late_series");
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("gzip_scrape", LINES), |bencher| {
        bencher.iter(&mut scrape)
    });
    let mut number = 0;
    group.bench_function(BenchmarkId::new("register_and_gzip_scrape", LINES), |bencher| {
        bencher.iter(|| {
            number += 1;
            late.get_or_create(&[number.to_string().as_str()]).inc();
            scrape();
        });
    });
    group.finish();
}

/// The formats that scrapers prefer to text.
fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode/formats");
    for (name, format) in [("openmetrics", Format::OpenMetrics100), ("protobuf", Format::Protobuf)]
    {
        let choice = Choice { format, escaping: Escaping::AllowUtf8, ..Choice::TEXT };
        for lines in [1_000, 10_000, 100_000] {
            let workload = Workload::new(lines);
            let mut encoder = Encoder::new(workload.registry.clone());
            let now = Instant::now();
            let mut body = Vec::new();
            group.throughput(Throughput::Elements(lines as u64));
            group.bench_function(BenchmarkId::new(name, lines), |bencher| {
                bencher.iter(|| {
                    body.clear();
                    encoder.exposition(choice, Selection::ALL, now).write_all(&mut body);
                    black_box(&body);
                });
            });
        }
    }
    group.finish();
}

/// What Prometheus 3.4 and later send.
const ACCEPT: &[u8] = b"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

fn choose(c: &mut Criterion) {
    let choice = negotiate(Some(ACCEPT), Some(b"gzip"));
    assert_eq!(choice.format, Format::OpenMetrics100);
    c.bench_function("negotiate/prometheus", |bencher| {
        bencher.iter(|| negotiate(black_box(Some(ACCEPT)), black_box(Some(b"gzip"))));
    });
}

/// Every line of `body` up to its value, comments with the line behind them.
fn prefixes(body: &[u8]) -> Vec<(Vec<u8>, u64)> {
    let mut prefix = Vec::new();
    let mut prefixes = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if line[0] == b'#' {
            prefix.extend_from_slice(line);
            continue;
        }
        let value = line.iter().rposition(|byte| *byte == b' ').expect("a line has a value") + 1;
        prefix.extend_from_slice(&line[..value]);
        prefixes.push((std::mem::take(&mut prefix), line.len() as u64 * 1_000_003));
    }
    prefixes
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    text(&mut criterion);
    gzip(&mut criterion);
    templates(&mut criterion);
    formats(&mut criterion);
    choose(&mut criterion);
    criterion.final_summary();
}
