//! The text formats 0.0.4 and 1.0.0 (“Exposition formats”, prometheus.io/docs).
//!
//! ```text
//! # HELP name text
//! # TYPE name counter|gauge|histogram|untyped
//! name{label="value",...} value
//! ```
//!
//! Both are one grammar, but that 1.0.0 has quoted names where names of any UTF-8 are allowed.

use super::escape::write_help;
use super::line::{self, write_comment};
use super::number;
use super::{Lines, Shown, Syntax, Values};
use crate::metric::{Part, Series};
use crate::model::Kind;

pub(super) static SYNTAX: Syntax = Syntax {
    parts: |_, _| &[Part::All],
    write_head,
    repeats_head: false,
    write_series,
    values: Values::Text,
    exemplars: |_, _| None,
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
        Kind::Unknown => b"untyped\n",
    };
    write_comment(out, "TYPE", &shown.name);
    out.extend_from_slice(kind);
}

fn write_series(lines: &mut Lines, shown: &Shown<'_>, series: &Series, part: Part) {
    line::write_series(lines, shown, series, part, number::put_shortest);
}
