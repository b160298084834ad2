//! What a scrape of a registry would show, for tests.

use crate::metric::{Part, Value};
use crate::registry::Registry;

/// The series of `registry`, as `name{label=value,...} value`, in the order of their families.
pub(crate) fn samples(registry: &Registry) -> Vec<String> {
    let mut lines = Vec::new();
    for family in registry.families().iter() {
        let desc = &family.core.desc;
        for block in family.core.blocks() {
            let source = block.source(Part::All, 0);
            let mut all = source.series().iter();
            source.visit(|value| {
                let series = all.next().expect("collectors have one line per series");
                let pairs = desc.label_names.iter().zip(series.label_values());
                let labels: Vec<String> = pairs.map(|(n, v)| format!("{n}={v}")).collect();
                let labels = match &labels[..] {
                    [] => String::new(),
                    labels => format!("{{{}}}", labels.join(",")),
                };
                let value = match value {
                    Value::U64(value) => value as f64,
                    Value::I64(value) => value as f64,
                    Value::F64(value) => value,
                };
                lines.push(format!("{}{labels} {value}", desc.name));
            });
        }
    }
    lines
}
