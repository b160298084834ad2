//! The vocabulary: kinds, descriptions of families, label names and label sets, and their rules.
//!
//! The rules are those of the Prometheus data model (“Metric names and labels”, 3.0): a name is any
//! non-empty UTF-8 string, and what a format cannot show it escapes. A *legacy* name is one that
//! every version of every scraper reads: `[a-zA-Z_:][a-zA-Z0-9_:]*`, without colons for labels.

#![forbid(unsafe_code)]

mod escaping;

pub use escaping::Escaping;

use std::borrow::Cow;
use std::fmt;

/// The label that Prometheus keeps the name of a metric in.
const METRIC_NAME_LABEL: &str = "__name__";

/// What the samples of a family mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A value that only grows, or starts again at zero.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Observations counted in buckets.
    Histogram,
    /// Labels that describe something.
    Info,
    /// States, each of which is on or off.
    StateSet,
    /// Observations summed up, with quantiles that whoever made them worked out.
    Summary,
    /// A value about which nothing is known.
    Unknown,
}

impl Kind {
    /// What the sample names of a family of this kind may add to its name, in any format.
    pub fn sample_suffixes(self) -> &'static [&'static str] {
        match self {
            Kind::Counter | Kind::Gauge | Kind::Info | Kind::StateSet | Kind::Unknown => &[],
            Kind::Histogram => &["_bucket", "_sum", "_count", "_created"],
            Kind::Summary => &["_sum", "_count"],
        }
    }

    /// `name` without the suffix that OpenMetrics adds to the names of families of this kind; `None`
    /// where it has none, or consists of it.
    pub fn stem(self, name: &str) -> Option<&str> {
        let stem = match self {
            Kind::Counter => name.strip_suffix("_total")?,
            Kind::Info => name.strip_suffix("_info")?,
            Kind::Gauge | Kind::Histogram | Kind::StateSet | Kind::Summary | Kind::Unknown => {
                return None;
            }
        };
        (!stem.is_empty()).then_some(stem)
    }
}

/// One label: its name and value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The name.
    pub name: Cow<'static, str>,
    /// The value: any UTF-8, as the application means it; formats escape it.
    pub value: String,
}

/// What is known of a family before it has a series.
#[derive(Clone, Debug)]
pub struct Desc {
    /// The full name of the family, with its unit and `_total` where it has them.
    pub name: Cow<'static, str>,
    /// One sentence that says what the values count, unescaped.
    pub help: Cow<'static, str>,
    /// What the samples mean.
    pub kind: Kind,
    /// What the values are measured in, such as `seconds`: the last part of the name, but for the
    /// suffix of its kind.
    pub unit: Option<Cow<'static, str>>,
    /// Whether formats that can say when each series was created are to do so.
    pub is_created_shown: bool,
    /// Whether counters and histograms keep the exemplars that they are given.
    pub keeps_exemplars: bool,
    /// Whether a source outside gives the series, each with labels of its own, as they are.
    pub is_given: bool,
    /// Whether a series is shown without those of its labels whose values are empty.
    pub omits_empty_labels: bool,
    /// The names of the labels whose values tell the series of the family apart, in the order in
    /// which a look-up gives them.
    pub label_names: Box<[Cow<'static, str>]>,
    /// Labels that every series of the family has, with the same values.
    pub const_labels: Box<[Label]>,
}

impl Desc {
    /// Checks the names.
    ///
    /// # Errors
    /// A [`NameError`] that says which name breaks which rule.
    pub fn validate(&self) -> Result<(), NameError> {
        let fault = |offender: &str, rule| {
            Err(NameError { family: self.name.to_string(), offender: offender.to_owned(), rule })
        };
        if self.name.is_empty() {
            return fault(&self.name, NameRule::EmptyName);
        }
        if self.kind == Kind::StateSet && self.name.contains(':') {
            return fault(&self.name, NameRule::StateSetName);
        }
        if let Some(unit) = self.unit.as_deref().filter(|unit| !self.may_have_unit(unit)) {
            return fault(unit, NameRule::Unit);
        }
        let names = || self.label_names.iter().chain(self.const_labels.iter().map(|l| &l.name));
        for (index, name) in names().enumerate() {
            if name.is_empty() {
                return fault(name, NameRule::EmptyLabel);
            }
            if name.starts_with("__") {
                return fault(name, NameRule::ReservedLabel);
            }
            for escaping in Escaping::ALL {
                let shown = escaping.label_name(name);
                if shown == METRIC_NAME_LABEL {
                    return fault(name, NameRule::ReservedLabel);
                }
                if self.kind_label(escaping).is_some_and(|own| own == shown) {
                    return fault(name, NameRule::KindLabel);
                }
                if names().take(index).any(|earlier| escaping.label_name(earlier) == shown) {
                    return fault(name, NameRule::DuplicateLabel);
                }
            }
        }
        Ok(())
    }

    /// What the names of its samples may add to its own, in any format.
    pub(crate) fn sample_suffixes(&self) -> impl Iterator<Item = &'static str> {
        // A time of creation that is given is a family of its own.
        let is_own = |suffix: &&str| !self.is_given || *suffix != "_created";
        self.kind.sample_suffixes().iter().copied().filter(is_own)
    }

    /// The label that the kind itself adds to its samples.
    pub(crate) fn kind_label(&self, escaping: Escaping) -> Option<Cow<'_, str>> {
        match self.kind {
            Kind::Histogram => Some(Cow::Borrowed("le")),
            Kind::Summary => Some(Cow::Borrowed("quantile")),
            Kind::StateSet => Some(escaping.metric_name(&self.name)),
            Kind::Counter | Kind::Gauge | Kind::Info | Kind::Unknown => None,
        }
    }

    fn may_have_unit(&self, unit: &str) -> bool {
        let stem = self.kind.stem(&self.name).unwrap_or(&self.name);
        let thing = stem.strip_suffix(unit).and_then(|rest| rest.strip_suffix('_'));
        let is_word = unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_measured = !matches!(self.kind, Kind::Info | Kind::StateSet);
        is_measured && is_word && !unit.is_empty() && thing.is_some_and(|thing| !thing.is_empty())
    }
}

/// A family or label name, or a unit, that cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    /// The family's name.
    pub family: String,
    /// The name that breaks the rule.
    pub offender: String,
    /// The rule that it breaks.
    pub rule: NameRule,
}

/// The rules a name can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameRule {
    /// A family needs a name.
    EmptyName,
    /// A label needs a name.
    EmptyLabel,
    /// Label names that begin with two underscores belong to Prometheus; no escaping may make one
    /// of its own of another name.
    ReservedLabel,
    /// The kind itself adds a label of this name: `le`, `quantile`, or the family's.
    KindLabel,
    /// A label name may stand once, in every escaping.
    DuplicateLabel,
    /// A state set has a label of its own name, which has no colons.
    StateSetName,
    /// The unit is the end of the name, of letters, digits and underscores; descriptions and states
    /// have none.
    Unit,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NameError { family, offender, rule } = self;
        match rule {
            NameRule::EmptyName => write!(f, "a family has an empty name"),
            NameRule::EmptyLabel => write!(f, "{family}: a label has an empty name"),
            NameRule::ReservedLabel => {
                write!(f, "{family}: label {offender:?} begins with \"__\", which is reserved")
            }
            NameRule::KindLabel => {
                write!(f, "{family}: label {offender:?} is the one that the kind adds itself")
            }
            NameRule::DuplicateLabel => write!(f, "{family}: label {offender:?} stands twice"),
            NameRule::StateSetName => write!(f, "{family}: a state set's name has no colons"),
            NameRule::Unit => write!(f, "{family}: {offender:?} cannot be the unit of this family"),
        }
    }
}

impl std::error::Error for NameError {}

/// Whether every scraper reads `name` as a metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_legacy_metric_name(name: &str) -> bool {
    is_legacy(name, |byte| byte == b':')
}

/// Whether every scraper reads `name` as a label name: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_legacy_label_name(name: &str) -> bool {
    is_legacy(name, |_| false)
}

fn is_legacy(name: &str, also: impl Fn(u8) -> bool) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte);
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desc(kind: Kind, labels: &[&'static str], consts: &[&'static str]) -> Desc {
        Desc {
            name: "m".into(),
            help: "".into(),
            kind,
            unit: None,
            is_created_shown: false,
            keeps_exemplars: false,
            is_given: false,
            omits_empty_labels: false,
            label_names: labels.iter().map(|name| Cow::Borrowed(*name)).collect(),
            const_labels: consts
                .iter()
                .map(|name| Label { name: Cow::Borrowed(*name), value: String::new() })
                .collect(),
        }
    }

    #[test]
    fn label_rules_name_the_offender() {
        let cases = [
            (desc(Kind::Counter, &["a", "b"], &["c"]), None),
            (desc(Kind::Counter, &["ü.x"], &[]), None),
            (desc(Kind::Gauge, &["le"], &[]), None),
            (desc(Kind::Histogram, &["le"], &[]), Some(("le", NameRule::KindLabel))),
            (desc(Kind::StateSet, &["m"], &[]), Some(("m", NameRule::KindLabel))),
            (desc(Kind::Gauge, &["a", ""], &[]), Some(("", NameRule::EmptyLabel))),
            (desc(Kind::Gauge, &["a", "__b"], &[]), Some(("__b", NameRule::ReservedLabel))),
            (desc(Kind::Gauge, &["a", "a"], &[]), Some(("a", NameRule::DuplicateLabel))),
            (desc(Kind::Gauge, &["a"], &["a"]), Some(("a", NameRule::DuplicateLabel))),
            (desc(Kind::Gauge, &["a.b"], &["a_b"]), Some(("a_b", NameRule::DuplicateLabel))),
            (
                desc(Kind::Gauge, &["a.b", "a_dot_b"], &[]),
                Some(("a_dot_b", NameRule::DuplicateLabel)),
            ),
            (desc(Kind::Gauge, &["..name__"], &[]), Some(("..name__", NameRule::ReservedLabel))),
            (desc(Kind::Gauge, &["/name/"], &[]), Some(("/name/", NameRule::ReservedLabel))),
        ];
        for (desc, expected) in cases {
            let found = desc.validate().err();
            let found = found.as_ref().map(|error| (error.offender.as_str(), error.rule));
            assert_eq!(found, expected, "{desc:?}");
        }
    }

    #[test]
    fn units_end_names() {
        let cases = [
            ("wait_seconds_total", Kind::Counter, "seconds", true),
            ("wait_seconds", Kind::Counter, "seconds", true),
            ("wait_seconds", Kind::Histogram, "seconds", true),
            ("wait_seconds_total", Kind::Gauge, "seconds", false),
            ("wait_seconds", Kind::Gauge, "onds", false),
            ("wait_seconds", Kind::Gauge, "", false),
            ("seconds", Kind::Gauge, "seconds", false),
            ("_seconds", Kind::Gauge, "seconds", false),
            ("wait.µs", Kind::Gauge, "µs", false),
            ("wait_seconds", Kind::StateSet, "seconds", false),
            ("wait_seconds_info", Kind::Info, "seconds", false),
        ];
        for (name, kind, unit, is_legal) in cases {
            let desc = Desc { name: name.into(), unit: Some(unit.into()), ..desc(kind, &[], &[]) };
            let expected = (!is_legal).then_some(NameRule::Unit);
            assert_eq!(desc.validate().err().map(|error| error.rule), expected, "{name} {unit}");
        }
        let named = Desc { name: "a:b".into(), ..desc(Kind::StateSet, &[], &[]) };
        assert_eq!(named.validate().unwrap_err().rule, NameRule::StateSetName);
    }

    #[test]
    fn legacy_names_are_told_apart() {
        for name in ["a", "_", ":", "a:b_1", "node_cpu_seconds_total"] {
            assert!(is_legacy_metric_name(name), "{name}");
        }
        for name in ["", "1a", "a.b", "a-b", "ü", "a b"] {
            assert!(!is_legacy_metric_name(name), "{name}");
        }
        assert!(!is_legacy_label_name("a:b"));
    }
}
