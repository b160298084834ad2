//! A strict reader of the Prometheus text formats 0.0.4 and 1.0.0: the judge of every text body.
//!
//! It accepts what the documented grammar allows *and* every known parser reads alike; where
//! parsers differ (leading `+`, blanks after the value, CR LF, `#TYPE`, undefined escapes) it
//! refuses. On top of the lines it checks the structure: families whole, declared before their
//! samples and never repeated, no series twice, counters that can have counted, histograms that
//! are cumulative and complete, summaries likewise ([`structure`]).
//!
//! Plain and slow on purpose, and sharing nothing with the crate: one line at a time, everything
//! copied.

mod line;
mod structure;

use std::collections::HashSet;
use std::fmt;

/// Reads a whole body.
///
/// # Errors
/// The first line that breaks a rule, or the line of the sample or family that breaks one as a
/// whole.
pub(crate) fn read(body: &[u8]) -> Result<Exposition, Error> {
    read_version(body, Version::V004)
}

/// The versions of the format; 1.0.0 has names in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V004,
    V100,
}

/// Reads a whole body of this version.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_version(body: &[u8], version: Version) -> Result<Exposition, Error> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let line = 1 + body[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        Error { line, reason: "not UTF-8".to_owned() }
    })?;
    let mut reader = Reader::default();
    let mut rest = text;
    while !rest.is_empty() {
        reader.line += 1;
        let (line, after) =
            rest.split_once('\n').ok_or_else(|| reader.error("no LF at the end"))?;
        reader.take(line, version)?;
        rest = after;
    }
    let exposition = Exposition { families: reader.families };
    structure::check(&exposition)?;
    Ok(exposition)
}

/// What a body says, in its order.
#[derive(Debug, PartialEq)]
pub(crate) struct Exposition {
    pub(crate) families: Vec<Family>,
}

/// A name with what was declared of it and its samples; without a TYPE it is `untyped`.
#[derive(Debug, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The text with its escapes undone and, as every parser has it, without leading blanks.
    pub(crate) help: Option<String>,
    pub(crate) samples: Vec<Sample>,
    /// The number of its first line, from 1.
    pub(crate) line: usize,
    typed: bool,
}

/// The five types of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Untyped,
}

/// One line with a value.
#[derive(Debug, PartialEq)]
pub(crate) struct Sample {
    /// The name as written: for a histogram with its suffix.
    pub(crate) name: String,
    /// In the order written, escapes undone.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    /// Milliseconds since 1970.
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) line: usize,
}

/// Where a body is wrong and why.
#[derive(Debug, PartialEq)]
pub(crate) struct Error {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.reason)
    }
}

impl Exposition {
    pub(crate) fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    /// The value of the one series with this name and exactly these labels, in any order.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut wanted = labels.to_vec();
        wanted.sort_unstable();
        let found =
            self.samples().find(|sample| sample.name == name && sample.identity() == wanted);
        found.map(|sample| sample.value)
    }
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }

    /// What makes the series: the labels sorted, without those whose value is empty, which to a
    /// scraper are not there.
    pub(crate) fn identity(&self) -> Vec<(&str, &str)> {
        let present = self.labels.iter().filter(|(_, value)| !value.is_empty());
        let mut labels: Vec<_> =
            present.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        labels.sort_unstable();
        labels
    }
}

impl Kind {
    fn parse(word: &str) -> Option<Kind> {
        Some(match word {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" => Kind::Histogram,
            "summary" => Kind::Summary,
            "untyped" => Kind::Untyped,
            _ => return None,
        })
    }

    /// What a sample's name may add to its family's.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            Kind::Summary => &["", "_sum", "_count"],
            Kind::Counter | Kind::Gauge | Kind::Untyped => &[""],
        }
    }
}

/// The families so far; the last one is open, all others are closed.
#[derive(Default)]
struct Reader {
    line: usize,
    families: Vec<Family>,
    names: HashSet<String>,
}

impl Reader {
    fn take(&mut self, text: &str, version: Version) -> Result<(), Error> {
        let parsed = line::parse(text, version).map_err(|reason| self.error(reason))?;
        match parsed {
            line::Line::Empty | line::Line::Comment => Ok(()),
            line::Line::Help { name, help } => self.help(name, help),
            line::Line::Type { name, kind } => self.kind(name, kind),
            line::Line::Sample { name, labels, value, timestamp_ms } => {
                let line = self.line;
                self.sample(Sample { name, labels, value, timestamp_ms, line })
            }
        }
    }

    fn help(&mut self, name: String, help: String) -> Result<(), Error> {
        let line = self.line;
        let family = self.declared(name, "HELP")?;
        if family.help.replace(help).is_some() {
            let reason = format!("second HELP for {:?}", family.name);
            return Err(Error { line, reason });
        }
        Ok(())
    }

    fn kind(&mut self, name: String, kind: Kind) -> Result<(), Error> {
        let line = self.line;
        let family = self.declared(name, "TYPE")?;
        if family.typed {
            return Err(Error { line, reason: format!("second TYPE for {:?}", family.name) });
        }
        (family.kind, family.typed) = (kind, true);
        Ok(())
    }

    /// The open family where it is this one and has no samples yet, else a new one.
    fn declared(&mut self, name: String, keyword: &str) -> Result<&mut Family, Error> {
        let line = self.line;
        let open = self.families.last().is_some_and(|family| family.name == name);
        if !open {
            return self.open(name);
        }
        let family = self.families.last_mut().expect("there is an open family");
        if !family.samples.is_empty() {
            let reason = format!("{keyword} after samples of {name:?}");
            return Err(Error { line, reason });
        }
        Ok(family)
    }

    fn sample(&mut self, sample: Sample) -> Result<(), Error> {
        let open = self.families.last_mut().filter(|family| family.owns(&sample.name));
        let family = match open {
            Some(family) => family,
            None => self.open(sample.name.clone())?,
        };
        family.samples.push(sample);
        Ok(())
    }

    fn open(&mut self, name: String) -> Result<&mut Family, Error> {
        if !self.names.insert(name.clone()) {
            return Err(self.error(format!("lines of {name:?} are not together")));
        }
        let (kind, line) = (Kind::Untyped, self.line);
        self.families.push(Family { name, kind, help: None, samples: vec![], line, typed: false });
        Ok(self.families.last_mut().expect("a family was pushed"))
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error { line: self.line, reason: reason.into() }
    }
}

impl Family {
    /// What follows the family's name in a sample's name, where the kind has such samples.
    fn suffix<'a>(&self, sample: &'a str) -> Option<&'a str> {
        let suffix = sample.strip_prefix(self.name.as_str())?;
        self.kind.suffixes().contains(&suffix).then_some(suffix)
    }

    fn owns(&self, sample: &str) -> bool {
        self.suffix(sample).is_some()
    }
}
