//! A text that is taken can be written again in plain lines and is then read as the same families;
//! one that is refused is refused in a line that it has.

use promlet::Kind;
use promlet::textparse::{Family, Metric, Sample, parse};
use std::cmp::Reverse;
use std::fmt::Write;

/// Checks the property on `data`.
pub fn check(data: &[u8]) {
    let families = match parse(data) {
        Ok(families) => families,
        Err(error) => {
            let lines = data.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error}");
            return;
        }
    };
    let text = written(&families);
    let again = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(comparable(again), comparable(families), "{text}");
}

/// By name, without the lines, and with NaN as what equals itself.
fn comparable(mut families: Vec<Family>) -> String {
    for metric in families.iter_mut().flat_map(|family| &mut family.metrics) {
        metric.line = 0;
    }
    families.sort_by(|a, b| a.name.cmp(&b.name));
    format!("{families:#?}")
}

fn written(families: &[Family]) -> String {
    let mut text = String::new();
    // A name that could be that of a sample of another family has to come before it.
    let mut families: Vec<&Family> = families.iter().collect();
    families.sort_by_key(|family| Reverse(family.name.len()));
    for Family { name, help, kind, metrics } in families {
        let (escaped_name, name) = (escaped(name), quoted(name));
        if let Some(help) = help {
            writeln!(text, "# HELP {name} {}", escaped(help)).unwrap();
        }
        let kind = match kind {
            Kind::Unknown => "untyped".to_owned(),
            kind => format!("{kind:?}").to_lowercase(),
        };
        writeln!(text, "# TYPE {name} {kind}").unwrap();
        for metric in metrics {
            write_metric(&mut text, &escaped_name, metric);
        }
    }
    text
}

fn write_metric(text: &mut String, name: &str, metric: &Metric) {
    let time = metric.timestamp_ms.map(|time| format!(" {time}")).unwrap_or_default();
    let mut line = |suffix: &str, level: Option<(&str, f64)>, value: &str| {
        let mut labels = format!("\"{name}{suffix}\"");
        for (name, value) in &metric.labels {
            write!(labels, ",{}=\"{}\"", quoted(name), escaped(value)).unwrap();
        }
        if let Some((name, level)) = level {
            write!(labels, ",{name}=\"{level}\"").unwrap();
        }
        writeln!(text, "{{{labels}}} {value}{time}").unwrap();
    };
    // A value that no level goes with says only that there is such a metric.
    let (sum, count) = match &metric.sample {
        Sample::Number(value) => return line("", None, &value.to_string()),
        Sample::Summary { quantiles, sum, count } => {
            line("", None, "0");
            for (quantile, value) in quantiles {
                line("", Some(("quantile", *quantile)), &value.to_string());
            }
            (sum, count)
        }
        Sample::Histogram { buckets, sum, count } => {
            line("", None, "0");
            for (bound, count) in buckets {
                line("", Some(("le", *bound)), &count.to_string());
            }
            (sum, count)
        }
    };
    if let Some(sum) = sum {
        line("_sum", None, &sum.to_string());
    }
    if let Some(count) = count {
        line("_count", None, &count.to_string());
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
