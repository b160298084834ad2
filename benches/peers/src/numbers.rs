//! Number formatting beside the crates made for it.

use crate::script::{Script, Update};
use crate::turns::{Effort, Table, nanos_per};
use promlet::encoding::number::{LEN_MAX, Room, put_f64, put_shortest, put_u64};
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

/// Formats all of `values` by `format`, which returns the length, and gives the time of each.
fn each<T: Copy>(values: &[T], mut format: impl FnMut(T) -> usize) -> f64 {
    nanos_per(values.len(), || {
        let bytes: usize = values.iter().map(|value| format(black_box(*value))).sum();
        black_box(bytes);
    })
}

/// As [`each`], all into the same room: the encoder writes each number to where it belongs, into
/// memory that has been written to before.
fn each_into_room<T: Copy>(values: &[T], put: impl Fn(&mut Room, T) -> usize) -> f64 {
    let mut room = [0; LEN_MAX];
    each(values, |value| put(black_box(&mut room), value))
}

fn with_itoa(values: &[u64]) -> f64 {
    each(values, |value| black_box(itoa::Buffer::new().format(value)).len())
}

fn with_ryu(values: &[f64]) -> f64 {
    each(values, |value| black_box(ryu::Buffer::new().format_finite(value)).len())
}

fn with_zmij(values: &[f64]) -> f64 {
    each(values, |value| black_box(zmij::Buffer::new().format_finite(value)).len())
}

type Case = (&'static str, fn(&Values) -> f64);

const CASES: [Case; 9] = [
    ("counters: promlet put_u64", |values| each_into_room(&values.counters, put_u64)),
    ("counters: itoa", |values| with_itoa(&values.counters)),
    ("whole floats: promlet put_f64", |values| each_into_room(&values.whole, put_f64)),
    ("whole floats: ryu", |values| with_ryu(&values.whole)),
    ("whole floats: zmij", |values| with_zmij(&values.whole)),
    ("nine decimals: promlet put_f64", |values| each_into_room(&values.decimals, put_f64)),
    ("nine decimals: promlet put_shortest", |values| {
        each_into_room(&values.decimals, put_shortest)
    }),
    ("nine decimals: ryu", |values| with_ryu(&values.decimals)),
    ("nine decimals: zmij", |values| with_zmij(&values.decimals)),
];

pub fn table(effort: Effort) {
    let values = Values::of(10_000);
    let samples = effort.take_turns(CASES.len(), |index| (CASES[index].1)(&values));
    let mut table = Table::new("Numbers of the workload: ns each", &["ns".to_owned()]);
    for ((name, _), samples) in CASES.iter().zip(&samples) {
        table.row(name, &[samples.cell()]);
    }
    table.print();
}
