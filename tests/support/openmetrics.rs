//! A strict reader of OpenMetrics 1.0.0: the judge of every OpenMetrics body.
//!
//! Written from the specification, of which it knows the types that the crate shows, and from the
//! proposal for quoted names. Where scrapers forgive, it refuses. Plain and slow on purpose, and
//! sharing nothing with the crate.

mod line;
mod structure;

use line::Line;
use std::collections::HashSet;

/// Reads a whole body.
///
/// # Errors
/// The first line that breaks a rule, or the family that breaks one as a whole, with the reason.
pub(crate) fn read(body: &[u8]) -> Result<Exposition, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("not UTF-8: {error}"))?;
    let text = text.strip_suffix("# EOF\n").ok_or("no \"# EOF\" and LF at the end")?;
    let mut families: Vec<Family> = Vec::new();
    let mut names = HashSet::new();
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let (line, after) = rest.split_once('\n').ok_or("# EOF is not on a line of its own")?;
        rest = after;
        take(&mut families, &mut names, line)
            .map_err(|reason| format!("line {number}: {reason}: {line:?}"))?;
    }
    structure::check(&families)?;
    Ok(Exposition { families })
}

#[derive(Debug, PartialEq)]
pub(crate) struct Exposition {
    pub(crate) families: Vec<Family>,
}

impl Exposition {
    pub(crate) fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }
}

/// What was declared under one name, and its samples.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: Option<Kind>,
    pub(crate) unit: Option<String>,
    pub(crate) help: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
    StateSet,
    Summary,
    Unknown,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    /// Seconds since 1970.
    pub(crate) timestamp: Option<f64>,
    pub(crate) exemplar: Option<Exemplar>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    pub(crate) timestamp: Option<f64>,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

impl Kind {
    fn parse(word: &str) -> Option<Kind> {
        Some(match word {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" => Kind::Histogram,
            "info" => Kind::Info,
            "stateset" => Kind::StateSet,
            "summary" => Kind::Summary,
            "unknown" => Kind::Unknown,
            _ => return None,
        })
    }

    /// What a sample's name adds to its family's.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Kind::Counter => &["_total", "_created"],
            Kind::Histogram => &["_bucket", "_sum", "_count", "_created"],
            Kind::Info => &["_info"],
            Kind::Summary => &["", "_sum", "_count", "_created"],
            Kind::Gauge | Kind::StateSet | Kind::Unknown => &[""],
        }
    }
}

impl Family {
    fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Unknown)
    }

    /// What follows the family's name in a sample's name, where the kind has such samples.
    fn suffix<'a>(&self, sample: &'a str) -> Option<&'a str> {
        let suffix = sample.strip_prefix(self.name.as_str())?;
        self.kind().suffixes().contains(&suffix).then_some(suffix)
    }
}

/// Adds a line to the last family, or begins the next one.
fn take(families: &mut Vec<Family>, names: &mut HashSet<String>, text: &str) -> Result<(), String> {
    match line::parse(text)? {
        Line::Type { name, kind } => set(&mut declared(families, names, name)?.kind, kind),
        Line::Unit { name, unit } => set(&mut declared(families, names, name)?.unit, unit),
        Line::Help { name, help } => set(&mut declared(families, names, name)?.help, help),
        Line::Sample(sample) => {
            let is_open = families.last().is_some_and(|f| f.suffix(&sample.name).is_some());
            if !is_open {
                open(families, names, sample.name.clone())?;
            }
            families.last_mut().expect("a family is open").samples.push(sample);
            Ok(())
        }
    }
}

fn set<T>(field: &mut Option<T>, value: T) -> Result<(), String> {
    match field.replace(value) {
        Some(_) => Err("declared twice".to_owned()),
        None => Ok(()),
    }
}

/// The open family where it is this one and has no samples yet, else a new one.
fn declared<'a>(
    families: &'a mut Vec<Family>,
    names: &mut HashSet<String>,
    name: String,
) -> Result<&'a mut Family, String> {
    if families.last().is_none_or(|family| family.name != name) {
        open(families, names, name)?;
    }
    let family = families.last_mut().expect("a family is open");
    match family.samples.is_empty() {
        true => Ok(family),
        false => Err("declared after its samples".to_owned()),
    }
}

fn open(
    families: &mut Vec<Family>,
    names: &mut HashSet<String>,
    name: String,
) -> Result<(), String> {
    if !names.insert(name.clone()) {
        return Err("the family's lines are not together".to_owned());
    }
    families.push(Family { name, ..Family::default() });
    Ok(())
}
