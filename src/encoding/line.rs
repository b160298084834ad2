//! The lines that the text formats have in common: names, labels, bounds.
//!
//! ```text
//! name{label="value",...} value
//! {"name",label="value","label"="value",...} value      names that are not legacy names
//! ```
//!
//! Labels stand in the order of their names, `le` behind them.

use super::escape::write_quoted;
use super::number;
use super::{Lines, Shown};
use crate::metric::{Key, Part, Shape};
use crate::model::{is_legacy_label_name, is_legacy_metric_name};

/// Appends `# keyword name `, where the name is that of a family.
pub(super) fn write_comment(out: &mut Vec<u8>, keyword: &str, name: &str) {
    out.extend_from_slice(b"# ");
    out.extend_from_slice(keyword.as_bytes());
    out.push(b' ');
    if is_legacy_metric_name(name) {
        out.extend_from_slice(name.as_bytes());
    } else {
        write_quoted(out, name);
    }
    out.push(b' ');
}

/// Appends what stands in front of the values of `part` of one series. `put_bound` spells the
/// finite bounds of buckets.
pub(super) fn write_series(
    lines: &mut Lines,
    shown: &Shown<'_>,
    shape: &Shape,
    key: &Key,
    part: Part,
    put_bound: fn(&mut number::Room, f64) -> usize,
) {
    let labels = label_text(shown, key);
    let mut line = |suffix: &str, bound: Option<&[u8]>| {
        write_name_and_labels(&mut lines.bytes, &shown.name, suffix, &labels, bound);
        lines.end_line();
    };
    let Shape::Histogram { bounds } = shape else { return line("", None) };
    if matches!(part, Part::All | Part::Buckets) {
        for bound in bounds {
            let mut room = [0; number::LEN_MAX];
            let len = put_bound(&mut room, *bound);
            line("_bucket", Some(&room[..len]));
        }
        line("_bucket", Some(b"+Inf"));
    }
    if matches!(part, Part::All | Part::Sum) {
        line("_sum", None);
    }
    if matches!(part, Part::All | Part::Count) {
        line("_count", None);
    }
}

fn write_name_and_labels(
    out: &mut Vec<u8>,
    name: &str,
    suffix: &str,
    labels: &[u8],
    bound: Option<&[u8]>,
) {
    let is_quoted = !is_legacy_metric_name(name);
    let mut separator: &[u8] = b"{";
    if is_quoted {
        out.push(b'{');
        write_quoted(out, name);
        out.truncate(out.len() - 1);
        out.extend_from_slice(suffix.as_bytes());
        out.push(b'"');
        separator = b",";
    } else {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
    }
    if !labels.is_empty() {
        out.extend_from_slice(separator);
        out.extend_from_slice(labels);
        separator = b",";
    }
    if let Some(bound) = bound {
        out.extend_from_slice(separator);
        out.extend_from_slice(b"le=\"");
        out.extend_from_slice(bound);
        out.push(b'"');
        separator = b",";
    }
    if separator != b"{" {
        out.push(b'}');
    }
    out.push(b' ');
}

/// `name="value",...`
fn label_text(shown: &Shown<'_>, key: &Key) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in shown.labels(key) {
        if !out.is_empty() {
            out.push(b',');
        }
        if is_legacy_label_name(&name) {
            out.extend_from_slice(name.as_bytes());
        } else {
            write_quoted(&mut out, &name);
        }
        out.push(b'=');
        write_quoted(&mut out, value);
    }
    out
}
