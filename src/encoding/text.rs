//! The text formats 0.0.4 and 1.0.0 (“Exposition formats”, prometheus.io/docs).
//!
//! ```text
//! # HELP name text
//! # TYPE name counter|gauge|histogram|summary|untyped
//! name{label="value",...} value
//! name{label="value",...} value milliseconds       of values that have a time
//! ```
//!
//! Both are one grammar, but that 1.0.0 has quoted names where names of any UTF-8 are allowed.

use super::escape::write_help;
use super::line::{self, write_comment};
use super::notes::Notation;
use super::number;
use super::{Lines, Shown, Syntax, Values};
use crate::metric::{Note, Part, Series, Shape};
use crate::model::Kind;

pub(super) static SYNTAX: Syntax = Syntax {
    parts: |_, _| &[Part::All],
    write_head,
    write_series,
    values: Values::Text,
    notes: |_, shape, _| matches!(shape, Shape::Timed).then_some(TIMES),
    trailer: b"",
};

/// Appends the HELP line, if there is a text, and the TYPE line.
fn write_head(out: &mut Vec<u8>, shown: &Shown<'_>, _: Part) {
    if !shown.desc.help.is_empty() {
        write_comment(out, "HELP", &shown.name);
        write_help(out, &shown.desc.help);
        out.push(b'\n');
    }
    let kind: &[u8] = match shown.desc.kind {
        Kind::Counter => b"counter\n",
        Kind::Gauge | Kind::Info | Kind::StateSet => b"gauge\n",
        Kind::Histogram => b"histogram\n",
        Kind::Summary => b"summary\n",
        Kind::Unknown => b"untyped\n",
    };
    write_comment(out, "TYPE", &shown.name);
    out.extend_from_slice(kind);
}

fn write_series(lines: &mut Lines, shown: &Shown<'_>, series: &Series, part: Part) {
    line::write_series(lines, shown, series, part, number::put_shortest);
}

/// A blank, and at most 19 digits.
const TIMES: Notation = Notation { write: write_time, len_max: 20 };

/// Appends a blank and a time. There is no word for exemplars.
fn write_time(out: &mut Vec<u8>, note: Note<'_>) {
    let Note::Time(ms) = note else { return };
    out.push(b' ');
    let mut room = [0; number::LEN_MAX];
    let len = number::put_u64(&mut room, ms);
    out.extend_from_slice(&room[..len]);
}
