//! The text format 0.0.4 (“Exposition formats”, prometheus.io/docs).
//!
//! ```text
//! # HELP name text
//! # TYPE name counter|gauge|histogram|untyped
//! name{label="value",...} value
//! ```
//!
//! Names that are not legal here are shown by the escaping scheme `underscores`. Labels stand in
//! the order of their names, `le` behind them.

use super::Lines;
use super::escape::{write_help, write_label_value};
use super::number;
use crate::metric::{Key, Shape};
use crate::model::{Desc, Kind, legacy_label_name, legacy_metric_name};

/// Appends the HELP line, if there is a text, and the TYPE line.
pub(crate) fn write_head(out: &mut Vec<u8>, desc: &Desc) {
    let name = legacy_metric_name(&desc.name);
    if !desc.help.is_empty() {
        out.extend_from_slice(b"# HELP ");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        write_help(out, &desc.help);
        out.push(b'\n');
    }
    let kind = match desc.kind {
        Kind::Counter => " counter\n",
        Kind::Gauge => " gauge\n",
        Kind::Histogram => " histogram\n",
        Kind::Unknown => " untyped\n",
    };
    out.extend_from_slice(b"# TYPE ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(kind.as_bytes());
}

/// Appends what stands in front of the values of one series.
pub(crate) fn write_series(lines: &mut Lines, desc: &Desc, shape: &Shape, key: &Key) {
    let name = legacy_metric_name(&desc.name);
    let labels = label_text(desc, key);
    let mut line = |suffix: &str, le: Option<&[u8]>| {
        let out = &mut lines.bytes;
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
        if !labels.is_empty() || le.is_some() {
            out.push(b'{');
            out.extend_from_slice(&labels);
            if let Some(bound) = le {
                out.extend_from_slice(if labels.is_empty() { b"le=\"" } else { b",le=\"" });
                out.extend_from_slice(bound);
                out.push(b'"');
            }
            out.push(b'}');
        }
        out.push(b' ');
        lines.end_line();
    };
    match shape {
        Shape::Scalar(_) | Shape::Sharded { .. } => line("", None),
        Shape::Histogram { bounds } => {
            for bound in bounds {
                let mut room = [0; number::LEN_MAX];
                let len = number::put_shortest(&mut room, *bound);
                line("_bucket", Some(&room[..len]));
            }
            line("_bucket", Some(b"+Inf"));
            line("_sum", None);
            line("_count", None);
        }
    }
}

/// `name="value",...`: the labels of a series and of its family, by name.
fn label_text(desc: &Desc, key: &Key) -> Vec<u8> {
    let own = desc.label_names.iter().map(|name| &**name).zip(key.values());
    let constant = desc.const_labels.iter().map(|label| (&*label.name, &*label.value));
    let mut labels: Vec<(&str, &str)> = own.chain(constant).collect();
    labels.sort_unstable();
    let mut out = Vec::new();
    for (name, value) in labels {
        if !out.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(legacy_label_name(name).as_bytes());
        out.extend_from_slice(b"=\"");
        write_label_value(&mut out, value);
        out.push(b'"');
    }
    out
}
