//! What does an expression cost, to compile and to match?
//!
//! The names are those of 1,000 devices, as a host of many disks and containers has them; the
//! expressions are node_exporter's defaults for disks and mounts, and one that gets no table.

use criterion::{BenchmarkId, Criterion, Throughput};
use promlet::regex::Regex;
use std::hint::black_box;

const DEVICES: usize = 1_000;

/// Name and expression.
const EXPRESSIONS: [(&str, &str); 3] = [
    ("disks", r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$"),
    (
        "mounts",
        r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
    ),
    // A state for each set of the last 20 places with a digit.
    ("no_table", "[0-9][0-9a-z]{20}$"),
];

fn compile(c: &mut Criterion) {
    let mut group = c.benchmark_group("regex/compile");
    for (name, pattern) in EXPRESSIONS {
        group.bench_function(BenchmarkId::new(name, pattern.len()), |bencher| {
            bencher.iter(|| Regex::new(black_box(pattern)));
        });
    }
    group.finish();
}

fn is_match(c: &mut Criterion) {
    let names: Vec<String> = (0..DEVICES)
        .map(|i| match i % 4 {
            0 => format!("nvme{}n1p{}", i / 16, i % 16),
            1 => format!("sd{}{}", char::from(b'a' + (i % 26) as u8), i / 26),
            2 => format!("dm-{i}"),
            _ => format!("/var/lib/docker/overlay2/{i:064x}/merged"),
        })
        .collect();
    let mut group = c.benchmark_group("regex/is_match");
    group.throughput(Throughput::Elements(DEVICES as u64));
    for (name, pattern) in EXPRESSIONS {
        let regex = Regex::new(pattern).expect("the expression is legal");
        group.bench_function(BenchmarkId::new(name, DEVICES), |bencher| {
            bencher.iter(|| names.iter().filter(|name| regex.is_match(name.as_bytes())).count());
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    compile(&mut criterion);
    is_match(&mut criterion);
    criterion.final_summary();
}
