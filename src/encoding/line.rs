//! The lines that the text formats have in common: names, labels, bounds.
//!
//! ```text
//! name{label="value",...} value
//! {"name",label="value","label"="value",...} value      names that are not legacy names
//! ```
//!
//! Labels stand in the order of their names, that of the kind (`le`, `quantile`) behind
//! them.

use super::escape::{write_escaped_string, write_quoted};
use super::number;
use super::{Lines, Shown};
use crate::metric::{Given, Part, Series, Shape};
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

/// Appends what stands in front of the values of `part` of one series. `put_level` spells
/// quantiles and the bounds of buckets.
pub(super) fn write_series(
    lines: &mut Lines,
    shown: &Shown<'_>,
    series: &Series,
    part: Part,
    put_level: fn(&mut number::Room, f64) -> usize,
) {
    let mut labels = labels(shown, series);
    let mut line = |suffix: &str, own: Option<(&str, &str)>| {
        let labels_len = labels.len();
        if let Some((name, value)) = own {
            write_label(&mut labels, name, value);
        }
        write_name_and_labels(&mut lines.bytes, &shown.name, suffix, &labels);
        labels.truncate(labels_len);
        lines.end_line();
    };
    let (suffix, label, levels, last) = match series.shape() {
        Shape::Histogram { bounds, .. } => ("_bucket", "le", bounds, Some(f64::INFINITY)),
        Shape::Given(Given::Histogram { bounds }) => ("_bucket", "le", bounds, None),
        Shape::Given(Given::Summary { quantiles }) => ("", "quantile", quantiles, None),
        Shape::States { names } => {
            return names.iter().for_each(|state| line("", Some((&shown.name, state))));
        }
        Shape::Scalar(_)
        | Shape::Sharded { .. }
        | Shape::Timed
        | Shape::One
        | Shape::Given(Given::Number) => {
            return line("", None);
        }
    };
    if matches!(part, Part::All | Part::Buckets) {
        for level in levels.iter().chain(&last) {
            let mut room = [0; number::LEN_MAX];
            let len = put_level(&mut room, *level);
            let level = std::str::from_utf8(&room[..len]).expect("a number is ASCII");
            line(suffix, Some((label, level)));
        }
    }
    if matches!(part, Part::All | Part::Sum) {
        line("_sum", None);
    }
    if matches!(part, Part::All | Part::Count) {
        line("_count", None);
    }
}

/// Appends what stands in front of the time at which a series was created, whose family is called
/// `name`.
pub(super) fn write_created(lines: &mut Lines, shown: &Shown<'_>, series: &Series, name: &str) {
    write_name_and_labels(&mut lines.bytes, name, "_created", &labels(shown, series));
    lines.end_line();
}

/// The labels of a series, as they stand between braces.
fn labels(shown: &Shown<'_>, series: &Series) -> Vec<u8> {
    let mut labels = Vec::new();
    for (name, value) in shown.labels(series) {
        write_label(&mut labels, &name, value);
    }
    labels
}

/// `name{labels} ` or `{"name",labels} `.
fn write_name_and_labels(out: &mut Vec<u8>, name: &str, suffix: &str, labels: &[u8]) {
    let is_quoted = !is_legacy_metric_name(name);
    if is_quoted {
        out.extend_from_slice(b"{\"");
        write_escaped_string(out, name);
        out.extend_from_slice(suffix.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
    }
    if !labels.is_empty() {
        out.push(if is_quoted { b',' } else { b'{' });
        out.extend_from_slice(labels);
    }
    if is_quoted || !labels.is_empty() {
        out.push(b'}');
    }
    out.push(b' ');
}

/// Appends `name="value"`, and a comma in front if it is not the first.
pub(super) fn write_label(labels: &mut Vec<u8>, name: &str, value: &str) {
    if !labels.is_empty() {
        labels.push(b',');
    }
    if is_legacy_label_name(name) {
        labels.extend_from_slice(name.as_bytes());
    } else {
        write_quoted(labels, name);
    }
    labels.push(b'=');
    write_quoted(labels, value);
}
