//! From lines to families: which family a name belongs to, and which metric a sample.

use super::line::Line;
use super::{Family, Metric, ParseError, Sample, number};
use crate::model::Kind;
use std::collections::HashMap;

/// The families so far.
#[derive(Default)]
pub(super) struct Families {
    families: Vec<Open>,
    by_name: HashMap<String, usize>,
}

/// A family that may still get lines.
struct Open {
    name: String,
    help: Option<String>,
    /// `None` until it has a TYPE line or a sample.
    kind: Option<Kind>,
    metrics: Vec<Metric>,
    /// Of a histogram or summary, by their labels.
    by_labels: HashMap<Vec<u8>, usize>,
}

/// What a sample's name makes it in its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A number, a bucket or a quantile.
    Own,
    Sum,
    Count,
}

/// What may stand behind the name of a family in that of a sample, and the kinds for which.
const SUFFIXES: [(&str, Role, &[Kind]); 3] = [
    ("_count", Role::Count, &[Kind::Summary, Kind::Histogram]),
    ("_sum", Role::Sum, &[Kind::Summary, Kind::Histogram]),
    ("_bucket", Role::Own, &[Kind::Histogram]),
];

impl Families {
    /// The family that `name` belongs to, which is a new one where there is none.
    pub(super) fn open(&mut self, name: &str) -> (usize, Role) {
        if let Some(family) = self.by_name.get(name) {
            return (*family, Role::Own);
        }
        for (suffix, role, kinds) in SUFFIXES {
            let family = name.strip_suffix(suffix).and_then(|stem| self.by_name.get(stem));
            let has_kind = |family: &&usize| {
                self.families[**family].kind.is_some_and(|kind| kinds.contains(&kind))
            };
            if let Some(family) = family.filter(has_kind) {
                return (*family, role);
            }
        }
        self.by_name.insert(name.to_owned(), self.families.len());
        self.families.push(Open {
            name: name.to_owned(),
            help: None,
            kind: None,
            metrics: Vec::new(),
            by_labels: HashMap::new(),
        });
        (self.families.len() - 1, Role::Own)
    }

    /// Takes the text of a HELP line.
    pub(super) fn set_help(
        &mut self,
        family: usize,
        line: &mut Line<'_>,
    ) -> Result<(), ParseError> {
        let family = &mut self.families[family];
        if family.help.is_some() {
            return Err(line.error("one HELP line a family", family.name.as_bytes()));
        }
        family.help = Some(line.help()?);
        Ok(())
    }

    /// Takes the word of a TYPE line.
    pub(super) fn set_kind(
        &mut self,
        family: usize,
        line: &mut Line<'_>,
    ) -> Result<(), ParseError> {
        let family = &mut self.families[family];
        if family.kind.is_some() {
            let expected = "one TYPE line a family, before its samples";
            return Err(line.error(expected, family.name.as_bytes()));
        }
        let kind = kind(line.rest());
        family.kind = Some(kind.ok_or_else(|| line.error("a type", line.rest()))?);
        Ok(())
    }

    /// Adds the number that `line` gives to what is called `name`.
    pub(super) fn add(
        &mut self,
        name: &str,
        mut metric: Metric,
        line: &Line<'_>,
    ) -> Result<(), ParseError> {
        let (family, role) = self.open(name);
        let family = &mut self.families[family];
        let level = match family.kind.get_or_insert(Kind::Unknown) {
            Kind::Summary => "quantile",
            Kind::Histogram => "le",
            _ => {
                family.metrics.push(metric);
                return Ok(());
            }
        };
        let Sample::Number(value) = metric.sample else { return Ok(()) };
        let at = metric.labels.iter().position(|(name, _)| name == level);
        let level = at.map(|at| metric.labels.remove(at).1);
        let level = match &level {
            Some(text) => number::parse(text.as_bytes())
                .ok_or_else(|| line.error("a number in a label", text.as_bytes()))?,
            None => f64::NAN,
        };
        let timestamp_ms = metric.timestamp_ms;
        let metric = family.distribution(metric);
        metric.timestamp_ms = timestamp_ms.or(metric.timestamp_ms);
        let not_a_count = || line.error("a count", value.to_string().as_bytes());
        metric.sample.put(role, level, value).ok_or_else(not_a_count)
    }

    /// The families that have metrics.
    pub(super) fn finish(self) -> Vec<Family> {
        let finish = |Open { name, help, kind, metrics, .. }| {
            let kind = kind.unwrap_or(Kind::Unknown);
            Family { name, help, kind, metrics }
        };
        let families = self.families.into_iter().filter(|family| !family.metrics.is_empty());
        families.map(finish).collect()
    }
}

impl Open {
    /// The histogram or summary with the labels of `metric`, which becomes it if there is none.
    fn distribution(&mut self, mut metric: Metric) -> &mut Metric {
        let mut labels: Vec<&(String, String)> = metric.labels.iter().collect();
        labels.sort_unstable();
        let mut key = Vec::new();
        for (name, value) in labels {
            // No byte of UTF-8, so no two lists of labels make one key.
            const END: &[u8] = &[0xff];
            key.extend([name.as_bytes(), END, value.as_bytes(), END].concat());
        }
        let index = *self.by_labels.entry(key).or_insert_with(|| {
            metric.sample = match self.kind {
                Some(Kind::Summary) => {
                    Sample::Summary { quantiles: Vec::new(), sum: None, count: None }
                }
                _ => Sample::Histogram { buckets: Vec::new(), sum: None, count: None },
            };
            self.metrics.push(metric);
            self.metrics.len() - 1
        });
        &mut self.metrics[index]
    }
}

impl Sample {
    /// Takes the value of one line of a histogram or summary; `None` where that must be a count and
    /// is not. What has neither a level nor a role says nothing.
    fn put(&mut self, role: Role, level: f64, value: f64) -> Option<()> {
        match (self, role) {
            (Sample::Number(number), _) => *number = value,
            (Sample::Summary { sum, .. } | Sample::Histogram { sum, .. }, Role::Sum) => {
                *sum = Some(value)
            }
            (Sample::Summary { count, .. } | Sample::Histogram { count, .. }, Role::Count) => {
                *count = Some(number::count(value)?);
            }
            (_, Role::Own) if level.is_nan() => {}
            (Sample::Summary { quantiles, .. }, Role::Own) => quantiles.push((level, value)),
            (Sample::Histogram { buckets, .. }, Role::Own) => {
                buckets.push((level, number::count(value)?));
            }
        }
        Some(())
    }
}

/// The kind that a TYPE line names, in letters of either case.
fn kind(word: &[u8]) -> Option<Kind> {
    const KINDS: [(&str, Kind); 5] = [
        ("counter", Kind::Counter),
        ("gauge", Kind::Gauge),
        ("histogram", Kind::Histogram),
        ("summary", Kind::Summary),
        ("untyped", Kind::Unknown),
    ];
    let is_it = |(name, _): &&(&str, Kind)| word.eq_ignore_ascii_case(name.as_bytes());
    KINDS.iter().find(is_it).map(|(_, kind)| *kind)
}
