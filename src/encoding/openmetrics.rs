//! OpenMetrics 1.0.0, and 0.0.1, which is the same (openmetrics.io, “OpenMetrics specification”).
//!
//! ```text
//! # TYPE name counter|gauge|histogram|info|stateset|summary|unknown
//! # UNIT name unit
//! # HELP name text
//! name{label="value",...} value
//! name{label="value",...} value seconds                                 of values that have a time
//! name{label="value",...} value # {label="value",...} value seconds      with an exemplar
//! name_created{label="value",...} seconds          where asked for, of counters and histograms
//! # EOF
//! ```
//!
//! The series are those of the text format, with the same values. What differs:
//!
//! - A counter's family is called by its stem: `# TYPE jobs counter` before `jobs_total 1`. One
//!   whose name does not end in `_total`, or whose stem another family shows, is `unknown` under
//!   its own name. So with `_info`, where it becomes a gauge.
//! - A histogram with negative bounds cannot have a sum here, nor a count without one. It is shown
//!   as three families of unknown kind, `name_bucket`, `name_sum` and `name_count`.
//! - So is a histogram or summary that is given, where another family has the name of its times of
//!   creation.
//! - Bounds have a point or an exponent: `1.0`, `1e+06`. Values need neither.
//! - HELP escapes quotes too.
//!
//! A sum is written as it is. Negative observations in a histogram without negative bounds, or NaN,
//! make it one that the specification does not foresee, and that scrapers store.

use super::escape::write_escaped_string;
use super::line::{self, write_comment};
use super::notes::Notation;
use super::number;
use super::{Bounds, Lines, Shown, Syntax, Values};
use crate::metric::{Exemplar, KeptExemplar, Note, Part, Series, Shape};
use crate::model::Kind;

pub(super) static SYNTAX: Syntax =
    Syntax { parts, write_head, write_series, values: Values::Text, notes, trailer: b"# EOF\n" };

fn parts(shown: &Shown<'_>, bounds: Bounds) -> &'static [Part] {
    const SINGLE: &[Part] = &[Part::Buckets, Part::Sum, Part::Count];
    let is_split = shown.desc.is_given && !shown.is_stem_free;
    match (bounds, shown.desc.kind) {
        (Bounds::SomeNegative, _) => SINGLE,
        (_, Kind::Histogram | Kind::Summary) if is_split => SINGLE,
        _ if shown.desc.is_created_shown && is_counter_or_histogram(shown, Part::All) => {
            &[Part::AllAndCreated]
        }
        _ => &[Part::All],
    }
}

/// Whether the family is declared as one of the kinds that have times of creation and exemplars.
fn is_counter_or_histogram(shown: &Shown<'_>, part: Part) -> bool {
    matches!(name_and_kind(shown, part), (_, "counter" | "histogram"))
}

/// Appends the TYPE line and, if they are known, the UNIT and HELP lines.
fn write_head(out: &mut Vec<u8>, shown: &Shown<'_>, part: Part) {
    let (name, kind) = name_and_kind(shown, part);
    write_comment(out, "TYPE", &name);
    out.extend_from_slice(kind.as_bytes());
    out.push(b'\n');
    // One that is not the end of the name, as it is declared here, would not be legal.
    let is_end = |unit: &&str| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
    if let Some(unit) = shown.desc.unit.as_deref().filter(is_end) {
        write_comment(out, "UNIT", &name);
        out.extend_from_slice(unit.as_bytes());
        out.push(b'\n');
    }
    if !shown.desc.help.is_empty() {
        write_comment(out, "HELP", &name);
        write_escaped_string(out, &shown.desc.help);
        out.push(b'\n');
    }
}

/// The family's name and kind as they are declared.
fn name_and_kind(shown: &Shown<'_>, part: Part) -> (String, &'static str) {
    let name = &shown.name;
    match part {
        Part::Buckets if shown.desc.kind == Kind::Summary => return (name.to_string(), "unknown"),
        Part::Buckets => return (format!("{name}_bucket"), "unknown"),
        Part::Sum => return (format!("{name}_sum"), "unknown"),
        Part::Count => return (format!("{name}_count"), "unknown"),
        Part::All | Part::AllAndCreated => {}
    }
    let stem = shown.desc.kind.stem(name).filter(|_| shown.is_stem_free);
    match (shown.desc.kind, stem) {
        (Kind::Counter, Some(stem)) => (stem.to_owned(), "counter"),
        (Kind::Info, Some(stem)) => (stem.to_owned(), "info"),
        (Kind::Gauge | Kind::Info, _) => (name.to_string(), "gauge"),
        (Kind::StateSet, _) => (name.to_string(), "stateset"),
        (Kind::Histogram, _) => (name.to_string(), "histogram"),
        (Kind::Summary, _) => (name.to_string(), "summary"),
        (Kind::Counter | Kind::Unknown, _) => (name.to_string(), "unknown"),
    }
}

fn write_series(lines: &mut Lines, shown: &Shown<'_>, series: &Series, part: Part) {
    let is_created_shown = part == Part::AllAndCreated;
    let samples = if is_created_shown { Part::All } else { part };
    line::write_series(lines, shown, series, samples, put_bound);
    if is_created_shown {
        // Readers look for it directly behind the samples of the same metric.
        line::write_created(lines, shown, series, &name_and_kind(shown, part).0);
    }
}

fn notes(shown: &Shown<'_>, shape: &Shape, part: Part) -> Option<Notation> {
    match shape {
        Shape::Timed => Some(TIMES),
        _ if !shown.desc.keeps_exemplars => None,
        _ => is_counter_or_histogram(shown, part).then_some(EXEMPLARS),
    }
}

/// A blank, and at most 16 digits, a point and three digits.
const TIMES: Notation = Notation { write: write_note, len_max: 21 };

/// A code point takes at most five bytes: as the name of a label, with what stands around it. The
/// number and the time are below 64.
const EXEMPLARS: Notation =
    Notation { write: write_note, len_max: 5 * Exemplar::CODE_POINTS_MAX + 64 };

/// Appends what stands behind a value.
fn write_note(out: &mut Vec<u8>, note: Note<'_>) {
    match note {
        Note::Exemplar(exemplar) => write_exemplar(out, exemplar),
        Note::Time(ms) => write_seconds(out, ms),
    }
}

fn write_exemplar(out: &mut Vec<u8>, exemplar: &KeptExemplar) {
    out.extend_from_slice(b" # {");
    let mut labels = Vec::new();
    for (name, value) in exemplar.labels() {
        line::write_label(&mut labels, name, value);
    }
    out.extend_from_slice(&labels);
    out.extend_from_slice(b"} ");
    let mut room = [0; number::LEN_MAX];
    let len = number::put_f64(&mut room, exemplar.value);
    out.extend_from_slice(&room[..len]);
    write_seconds(out, exemplar.time_ms);
}

/// Appends a blank and a time, given in milliseconds since 1970.
fn write_seconds(out: &mut Vec<u8>, ms: u64) {
    out.push(b' ');
    let mut room = [0; number::LEN_MAX];
    let len = number::put_u64(&mut room, ms / 1_000);
    out.extend_from_slice(&room[..len]);
    // With a 1 in front the zeros that lead are kept.
    let len = number::put_u64(&mut room, 1_000 + ms % 1_000);
    room[0] = b'.';
    out.extend_from_slice(&room[..len]);
}

/// Writes a bound in the canonical spelling and returns its length.
fn put_bound(room: &mut number::Room, bound: f64) -> usize {
    let len = number::put_shortest(room, bound);
    let is_canonical =
        !bound.is_finite() || room[..len].iter().any(|byte| matches!(byte, b'.' | b'e'));
    if is_canonical {
        return len;
    }
    // Without an exponent it has at most six digits and a sign.
    room[len..len + 2].copy_from_slice(b".0");
    len + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_canonical() {
        let cases = [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-1.0, "-1.0"),
            (f64::INFINITY, "+Inf"),
            (0.005, "0.005"),
            (999_999.0, "999999.0"),
            (1e6, "1e+06"),
            (-1e300, "-1e+300"),
            (1e-5, "1e-05"),
        ];
        for (bound, expected) in cases {
            let mut room = [0; number::LEN_MAX];
            let len = put_bound(&mut room, bound);
            assert_eq!(std::str::from_utf8(&room[..len]), Ok(expected));
        }
    }
}
