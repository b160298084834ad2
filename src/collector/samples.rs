//! What a scrape of a registry would show, for tests.

use crate::metric::{LinesPerSeries, Number};
use crate::registry::Registry;

/// The series of `registry`, as `name{label=value,...} value`, in the order of their families.
pub(crate) fn samples(registry: &Registry) -> Vec<String> {
    let mut lines = Vec::new();
    for family in registry.families().iter() {
        let desc = &family.core.desc;
        for block in family.core.blocks() {
            let source = block.source();
            let mut values = Vec::new();
            source.read(&mut values);
            let LinesPerSeries::One(number) = source.shape().lines() else {
                panic!("{}: collectors have no histograms", desc.name);
            };
            for (key, value) in source.keys().zip(values) {
                let pairs = desc.label_names.iter().zip(key.values());
                let labels: Vec<String> = pairs.map(|(n, v)| format!("{n}={v}")).collect();
                let labels = if labels.is_empty() {
                    String::new()
                } else {
                    format!("{{{}}}", labels.join(","))
                };
                let value = match number {
                    Number::U64 => value as f64,
                    Number::I64 => value as i64 as f64,
                    Number::F64 => f64::from_bits(value),
                };
                lines.push(format!("{}{labels} {value}", desc.name));
            }
        }
    }
    lines
}
