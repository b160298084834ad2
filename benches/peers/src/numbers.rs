//! Number formatting beside the crates made for it.

use crate::script::{Script, Update};
use crate::turns::{Effort, Table, nanos_per};
use promlet::encoding::number::{LEN_MAX, put_f64, put_shortest, put_u64};
use std::collections::HashMap;
use std::hint::black_box;

/// The workload's values: of its counters, of its whole gauges, of those with nine decimals.
struct Values {
    counters: Vec<u64>,
    whole: Vec<f64>,
    decimals: Vec<f64>,
}

impl Values {
    fn of(lines: usize) -> Values {
        let (mut counters, mut gauges) = (Vec::new(), HashMap::new());
        Script::new(lines).begin(|update| match update {
            Update::Count { by, .. } => counters.push(by),
            Update::Set { gauge, to } => drop(gauges.insert(gauge, to)),
            Update::Observe { .. } => {}
        });
        let (whole, decimals) = gauges.into_values().partition(|value: &f64| value.fract() == 0.0);
        Values { counters, whole, decimals }
    }
}

/// Formats all of `values` and gives the time of each.
fn each<T: Copy>(values: &[T], mut format: impl FnMut(T) -> usize) -> f64 {
    nanos_per(values.len(), || {
        let bytes: usize = values.iter().map(|value| format(black_box(*value))).sum();
        black_box(bytes);
    })
}

fn into_room(put: impl Fn(&mut [u8; LEN_MAX]) -> usize) -> usize {
    let mut room = [0; LEN_MAX];
    let len = put(&mut room);
    black_box(&room);
    len
}

type Case = (&'static str, &'static str, fn(&Values) -> f64);

const CASES: [Case; 9] = [
    ("counters", "promlet put_u64", |v| each(&v.counters, |n| into_room(|room| put_u64(room, n)))),
    ("counters", "itoa", |v| each(&v.counters, |n| black_box(itoa::Buffer::new().format(n)).len())),
    ("whole floats", "promlet put_f64", |v| each(&v.whole, |n| into_room(|room| put_f64(room, n)))),
    ("whole floats", "ryu", |v| {
        each(&v.whole, |n| black_box(ryu::Buffer::new().format_finite(n)).len())
    }),
    ("whole floats", "zmij", |v| {
        each(&v.whole, |n| black_box(zmij::Buffer::new().format_finite(n)).len())
    }),
    ("nine decimals", "promlet put_f64", |v| {
        each(&v.decimals, |n| into_room(|room| put_f64(room, n)))
    }),
    ("nine decimals", "promlet put_shortest", |v| {
        each(&v.decimals, |n| into_room(|room| put_shortest(room, n)))
    }),
    ("nine decimals", "ryu", |v| {
        each(&v.decimals, |n| black_box(ryu::Buffer::new().format_finite(n)).len())
    }),
    ("nine decimals", "zmij", |v| {
        each(&v.decimals, |n| black_box(zmij::Buffer::new().format_finite(n)).len())
    }),
];

pub fn table(effort: Effort) {
    let values = Values::of(10_000);
    let samples = effort.take_turns(CASES.len(), |index| (CASES[index].2)(&values));
    let mut table = Table::new("Numbers of the workload: ns each", &["ns".to_owned()]);
    for ((what, by, _), samples) in CASES.iter().zip(&samples) {
        table.row(&format!("{what}: {by}"), &[samples.cell()]);
    }
    table.print();
}
