//! Reads the text format 0.0.4 (“Exposition formats”, prometheus.io/docs): bytes in, families out.
//!
//! ```text
//! # HELP name text
//! # TYPE name counter|gauge|histogram|summary|untyped
//! name{label="value",...} value [milliseconds]
//! ```
//!
//! It takes and refuses what Go's `expfmt` does, which node_exporter reads its textfiles with: blanks
//! and tabs between the parts of a line, lines in any order as long as a TYPE comes before the
//! samples, names in quotes. What a registry checks is not checked here: whether a series comes
//! twice, and whether a histogram is cumulative or whole.
//!
//! Takes time and memory in proportion to the input. To write the format, see
//! [`encoding`](crate::encoding).

#![forbid(unsafe_code)]

mod families;
mod line;
mod number;

use crate::model::Kind;
use families::Families;
use line::Line;
use std::fmt;

/// A family that has at least one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name; of a histogram or summary without the suffixes of its samples.
    pub name: String,
    /// The text of its HELP line, unescaped. `None` where there is no line or no text in it.
    pub help: Option<String>,
    /// What its TYPE line says, or [`Kind::Unknown`].
    pub kind: Kind,
    /// In the order in which they first come.
    pub metrics: Vec<Metric>,
}

/// The samples that have the same labels, but for `le` and `quantile`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Names and values in the order of the first line; no name comes twice.
    pub labels: Vec<(String, String)>,
    /// What it says.
    pub sample: Sample,
    /// When it was so, in milliseconds since 1970, if any of its lines says so.
    pub timestamp_ms: Option<i64>,
    /// The line it begins in, counted from 1.
    pub line: usize,
}

/// The values of a metric, as they stand in the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// Of a counter, a gauge or what is untyped.
    Number(f64),
    /// Of a summary.
    Summary {
        /// Quantiles and their values, in the order of the lines.
        quantiles: Vec<(f64, f64)>,
        /// `name_sum`, if there is such a line.
        sum: Option<f64>,
        /// `name_count`, if there is such a line.
        count: Option<u64>,
    },
    /// Of a histogram.
    Histogram {
        /// Upper bounds and cumulative counts, in the order of the lines.
        buckets: Vec<(f64, u64)>,
        /// `name_sum`, if there is such a line.
        sum: Option<f64>,
        /// `name_count`, if there is such a line.
        count: Option<u64>,
    },
}

/// Where a text is no exposition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What should have stood there.
    pub expected: &'static str,
    /// What stood there, shortened.
    pub found: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ParseError { line, expected, found } = self;
        write!(f, "line {line}: expected {expected}, found {found}")
    }
}

impl std::error::Error for ParseError {}

/// Reads a whole exposition. Families come in the order in which they are first named.
///
/// ```
/// use promlet::textparse::{Sample, parse};
///
/// let families = parse(b"# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 3\n")?;
/// assert_eq!(families[0].metrics[0].labels, [("queue".to_owned(), "mail".to_owned())]);
/// assert_eq!(families[0].metrics[0].sample, Sample::Number(3.0));
/// # Ok::<(), promlet::textparse::ParseError>(())
/// ```
///
/// # Errors
/// [`ParseError`]: the first line that does not follow the grammar.
pub fn parse(text: &[u8]) -> Result<Vec<Family>, ParseError> {
    let mut families = Families::default();
    let (mut rest, mut number) = (text, 0);
    while !rest.is_empty() {
        number += 1;
        let length = rest.iter().position(|byte| *byte == b'\n');
        let mut line = Line::new(number, &rest[..length.unwrap_or(rest.len())]);
        line.skip_blanks();
        rest = length.map_or(&[], |length| &rest[length + 1..]);
        if line.is_at_end() {
            continue;
        }
        if length.is_none() {
            return Err(line.error("a line end", b"end of input"));
        }
        match line.take(b'#') {
            true => comment(&mut line, &mut families)?,
            false => sample(&mut line, &mut families)?,
        }
    }
    Ok(families.finish())
}

/// Reads what stands behind `#`. Of a HELP or TYPE line that ends early nothing is known.
fn comment(line: &mut Line<'_>, families: &mut Families) -> Result<(), ParseError> {
    line.skip_blanks();
    let keyword = line.word();
    if !matches!(keyword, b"HELP" | b"TYPE") {
        return Ok(());
    }
    line.skip_blanks();
    let name = line.metric_name()?;
    if line.is_at_end() {
        return Ok(());
    }
    if name.is_empty() || !line.is_at_blank() {
        return Err(line.error("the name of a metric", line.rest()));
    }
    let (family, _) = families.open(&name);
    line.skip_blanks();
    if line.is_at_end() {
        return Ok(());
    }
    match keyword {
        b"HELP" => families.set_help(family, line),
        _ => families.set_kind(family, line),
    }
}

fn sample(line: &mut Line<'_>, families: &mut Families) -> Result<(), ParseError> {
    let mut name = None;
    if !line.is_at(b'{') {
        name = Some(line.metric_name()?).filter(|name| !name.is_empty());
        if name.is_none() {
            return Err(line.error("the name of a metric", line.rest()));
        }
        line.skip_blanks();
    }
    let mut labels = Vec::new();
    if line.take(b'{') {
        labels = line.labels(&mut name)?;
        line.skip_blanks();
    }
    let name = name.ok_or_else(|| line.error("the name of a metric", b"none"))?;
    let value = line.value()?;
    let timestamp_ms = line.timestamp_ms()?;
    families.add(
        &name,
        Metric { labels, sample: Sample::Number(value), timestamp_ms, line: line.number() },
        line,
    )
}

#[cfg(test)]
mod tests;
