//! What a scraper gets of what it asked for (RFC 9110 §12.5; “Content negotiation” and “Escaping
//! schemes”, prometheus.io/docs).
//!
//! The clause with the highest weight that names a format decides, the first one of equals. The
//! text format 0.0.4 is the answer to everything else: wildcards, browsers, clauses that nobody
//! can serve, no `Accept` at all. A scrape never fails because of what it accepts. Wildcards are
//! no preference: a scraper that gives `*/*` the highest weight of its list (Prometheus 2.49.0
//! does) still gets the format that it names.

use super::clause::{Clause, Value, Weight, clauses};
use super::{FORMATS, Format, Values};
use crate::model::Escaping;

/// What was chosen for one scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The format.
    pub format: Format,
    /// How it shows names that not every scraper reads.
    pub escaping: Escaping,
    /// What is done to the body on its way.
    pub coding: ContentCoding,
}

/// What is done to a body so that it is shorter on its way (RFC 9110 §8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCoding {
    /// Nothing.
    Identity,
    /// It is one gzip member.
    Gzip,
}

impl Choice {
    /// What everybody reads, and who names no format gets.
    pub const TEXT: Choice = Choice {
        format: Format::Text004,
        escaping: Escaping::Underscores,
        coding: ContentCoding::Identity,
    };

    /// The `Content-Type` of a body of this format and escaping.
    pub fn content_type(self) -> &'static str {
        self.format.row().content_types[self.escaping as usize]
    }

    /// The `Content-Encoding` of a body in this coding, if it has one. What is no text goes as it
    /// is.
    pub fn content_coding(self) -> Option<&'static str> {
        let is_text = matches!(self.format.row().syntax.values, Values::Text);
        (is_text && self.coding == ContentCoding::Gzip).then_some("gzip")
    }
}

/// Chooses by the values of `Accept` and `Accept-Encoding`. A request that has several fields of
/// one name has one list, whose parts a comma joins.
pub fn negotiate(accept: Option<&[u8]>, accept_encoding: Option<&[u8]>) -> Choice {
    let (format, escaping) = choose_format(accept.unwrap_or_default());
    let wants_gzip = prefers_gzip(accept_encoding.unwrap_or_default());
    let coding = if wants_gzip { ContentCoding::Gzip } else { ContentCoding::Identity };
    Choice { format, escaping, coding }
}

fn choose_format(accept: &[u8]) -> (Format, Escaping) {
    let mut best: (Weight, Format, Escaping) = (0, Choice::TEXT.format, Choice::TEXT.escaping);
    for clause in clauses(accept) {
        let row = FORMATS.iter().find(|row| {
            clause.is(row.media_type) && row.parameters.iter().all(|known| known.suits(&clause))
        });
        let weight = clause.weight();
        if let Some(row) = row
            && weight > best.0
        {
            let asked = escaping(&clause);
            let is_shown = row.shows_utf8 || asked != Escaping::AllowUtf8;
            let escaping = if is_shown { asked } else { Escaping::Underscores };
            best = (weight, row.format, escaping);
        }
    }
    (best.1, best.2)
}

/// The first escaping that the clause names and that is known.
fn escaping(clause: &Clause<'_>) -> Escaping {
    let known = |value: Value<'_>| Escaping::ALL.into_iter().find(|e| value.is(e.parameter()));
    clause.parameters("escaping").find_map(known).unwrap_or(Escaping::Underscores)
}

/// A parameter that tells the formats of one media type apart.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    /// Whether the format is also the one that is meant without this parameter.
    pub(super) is_default: bool,
}

impl Parameter {
    fn suits(&self, clause: &Clause<'_>) -> bool {
        match clause.parameters(self.name).next() {
            Some(value) => value.is(self.value),
            None => self.is_default,
        }
    }
}

/// Whether the list wants gzip at least as much as no coding. Who does not name gzip gets none:
/// `*` is also said by those who decode nothing.
fn prefers_gzip(accept_encoding: &[u8]) -> bool {
    let weight = |name: &str| clauses(accept_encoding).find(|c| c.is(name)).map(|c| c.weight());
    let any = weight("*");
    let gzip = weight("gzip").or_else(|| weight("x-gzip"));
    match (gzip, weight("identity")) {
        (Some(gzip), Some(identity)) => gzip > 0 && gzip >= identity,
        (Some(gzip), None) => gzip > 0,
        (None, Some(0)) => any.is_some_and(|any| any > 0),
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests;
