//! What does a series cost when an exposition is rendered into a buffer?
//!
//! Beside text the floors: copying the finished text in one piece, and the plainest loop over ready
//! prefixes and numbers. Then the other formats on the same series, and what choosing one takes.

mod workload;

use criterion::{BenchmarkId, Criterion, Throughput};
use promlet::encoding::{Choice, Encoder, Format, negotiate, number};
use promlet::model::Escaping;
use promlet::registry::Selection;
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
                criterion::BatchSize::PerIteration,
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
    formats(&mut criterion);
    choose(&mut criterion);
    criterion.final_summary();
}
