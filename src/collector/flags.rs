//! The flags of collectors: each declares its own, and finds their values in its `Setup`.
//!
//! Names, defaults and meaning are node_exporter's. Patterns are regular expressions in RE2 syntax,
//! and an empty one is none.

use super::remembered::Remembered;
use crate::regex::Regex;
use std::fmt;
use std::time::Duration;

/// A flag of a collector.
#[derive(Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name without dashes, such as `collector.netdev.device-exclude`.
    pub name: &'static str,
    /// Spellings of earlier versions that are still taken.
    pub old_names: &'static [&'static str],
    /// What values it takes.
    pub takes: Takes,
    /// What it does: sentences.
    pub help: &'static str,
    /// The flag that cannot be given together with this one.
    pub not_with: Option<&'static str>,
}

/// What values a flag takes, and which holds where none is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// `true` or `false`; on a command line `--flag` and `--no-flag`.
    Switch(bool),
    /// A regular expression in RE2 syntax.
    Pattern(&'static str),
    /// Text, which may be empty.
    Text(&'static str),
    /// Texts, each given by a flag of its own.
    Texts,
    /// Some words of these, separated by commas; by default all.
    Words(&'static str),
    /// A whole number.
    Count(u32),
    /// A time such as `5s`, with the default in seconds.
    Seconds(u32),
}

impl Flag {
    const fn new(name: &'static str, takes: Takes, help: &'static str) -> Flag {
        Flag { name, old_names: &[], takes, help, not_with: None }
    }

    pub(crate) const fn switch(name: &'static str, default: bool, help: &'static str) -> Flag {
        Flag::new(name, Takes::Switch(default), help)
    }

    pub(crate) const fn pattern(
        name: &'static str,
        default: &'static str,
        help: &'static str,
    ) -> Flag {
        Flag::new(name, Takes::Pattern(default), help)
    }

    pub(crate) const fn text(
        name: &'static str,
        default: &'static str,
        help: &'static str,
    ) -> Flag {
        Flag::new(name, Takes::Text(default), help)
    }

    pub(crate) const fn words(name: &'static str, all: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Takes::Words(all), help)
    }

    pub(crate) const fn texts(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Takes::Texts, help)
    }

    pub(crate) const fn count(name: &'static str, default: u32, help: &'static str) -> Flag {
        Flag::new(name, Takes::Count(default), help)
    }

    pub(crate) const fn seconds(name: &'static str, default: u32, help: &'static str) -> Flag {
        Flag::new(name, Takes::Seconds(default), help)
    }

    pub(crate) const fn also_as(self, old_names: &'static [&'static str]) -> Flag {
        Flag { old_names, ..self }
    }

    pub(crate) const fn not_with(self, other: &'static str) -> Flag {
        Flag { not_with: Some(other), ..self }
    }

    /// What it takes, as words of a sentence.
    pub fn expected(&self) -> &'static str {
        match self.takes {
            Takes::Switch(_) => "true or false",
            Takes::Pattern(_) => "a regular expression",
            Takes::Text(_) | Takes::Texts => "text",
            Takes::Words(_) => "words of its default, separated by commas",
            Takes::Count(_) => "a whole number",
            Takes::Seconds(_) => "a time such as 5s",
        }
    }

    fn check(&self, value: &str) -> Result<(), FlagError> {
        let is_good = match self.takes {
            Takes::Text(_) | Takes::Texts => true,
            Takes::Words(all) => value
                .split(',')
                .all(|word| word.is_empty() || all.split(',').any(|known| known == word)),
            Takes::Switch(_) => value.parse::<bool>().is_ok(),
            Takes::Count(_) => value.parse::<u32>().is_ok(),
            Takes::Seconds(_) => parse_duration(value).is_some(),
            Takes::Pattern(_) => {
                let error = Regex::new(value).err();
                return error.map_or(Ok(()), |error| Err(FlagError::pattern(self, &error)));
            }
        };
        if is_good { Ok(()) } else { Err(FlagError::value(self, value)) }
    }
}

/// The values that were given to flags of collectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    given: Vec<(&'static str, String)>,
}

impl Flags {
    /// Gives a flag a value. One that takes [`Takes::Texts`] keeps those that it has.
    ///
    /// # Errors
    /// When no collector has a flag of this name, old spellings among them, or it does not take
    /// this value, or the flag it cannot be together with has one.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), FlagError> {
        let flag = find(name).ok_or_else(|| FlagError::unknown(name))?;
        flag.check(value)?;
        if let Some(other) = self.given.iter().find(|(given, _)| excludes(flag, given)) {
            return Err(FlagError::together(flag, other.0));
        }
        if flag.takes != Takes::Texts {
            self.given.retain(|(given, _)| *given != flag.name);
        }
        self.given.push((flag.name, value.to_owned()));
        Ok(())
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| &**value)
    }

    pub(crate) fn switch(&self, name: &str) -> bool {
        match (self.given(name), takes(name)) {
            (Some(value), _) => value == "true",
            (None, Takes::Switch(default)) => default,
            (None, takes) => panic!("--{name} takes {takes:?}"),
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        match (self.given(name), takes(name)) {
            (Some(value), _) => value,
            (None, Takes::Text(default) | Takes::Pattern(default) | Takes::Words(default)) => {
                default
            }
            (None, takes) => panic!("--{name} takes {takes:?}"),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let given = self.given.iter().filter(|(given, _)| *given == name);
        given.map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn duration(&self, name: &str) -> Duration {
        match (self.given(name).map(parse_duration), takes(name)) {
            (Some(Some(value)), _) => value,
            (None, Takes::Seconds(default)) => Duration::from_secs(default.into()),
            (_, takes) => panic!("--{name} takes {takes:?}"),
        }
    }

    /// The pattern of a flag, unless it is empty.
    pub(crate) fn pattern(&self, name: &str) -> Option<Regex> {
        let pattern = Some(self.text(name)).filter(|pattern| !pattern.is_empty());
        pattern.map(|pattern| Regex::new(pattern).expect("patterns are checked when they are set"))
    }

    /// What the flags `include` and `exclude` let through. Where only `include` is given, the
    /// default of `exclude` does not count.
    pub(crate) fn filter(&self, include: &str, exclude: &str) -> Filter {
        let include = self.pattern(include);
        let counts = include.is_none() || self.given(exclude).is_some();
        Filter { include, exclude: if counts { self.pattern(exclude) } else { None } }
    }
}

/// Which devices a collector shows, by their names.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    include: Option<Regex>,
    exclude: Option<Regex>,
}

impl Filter {
    /// Lets through what `include` matches; without it everything.
    pub(crate) fn of(include: Option<Regex>) -> Filter {
        Filter { include, exclude: None }
    }

    /// Whether what has this name is shown.
    pub(crate) fn lets(&self, name: &[u8]) -> bool {
        let is_included = self.include.as_ref().is_none_or(|include| include.is_match(name));
        is_included && !self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(name))
    }
}

/// What a filter says of each device, asked once while the device is there.
pub(crate) struct Verdicts {
    filter: Filter,
    known: Remembered<bool>,
}

impl Verdicts {
    pub(crate) fn new(filter: Filter) -> Verdicts {
        Verdicts { filter, known: Remembered::new() }
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Begins a pass over the devices that there are. Those of the last pass that were not there
    /// are forgotten.
    pub(crate) fn pass(&mut self) -> VerdictPass<'_> {
        self.known.begin_pass();
        VerdictPass { verdicts: self }
    }
}

/// One pass over the devices.
pub(crate) struct VerdictPass<'v> {
    verdicts: &'v mut Verdicts,
}

impl VerdictPass<'_> {
    /// Whether the device of this name is shown.
    pub(crate) fn lets(&mut self, name: &str) -> bool {
        let Verdicts { filter, known } = &mut *self.verdicts;
        *known.get(name.as_bytes(), || filter.lets(name.as_bytes()))
    }
}

fn flags() -> impl Iterator<Item = &'static Flag> {
    super::COLLECTORS.iter().flat_map(|row| row.flags)
}

fn find(name: &str) -> Option<&'static Flag> {
    flags().find(|flag| flag.name == name || flag.old_names.contains(&name))
}

fn takes(name: &str) -> Takes {
    find(name).unwrap_or_else(|| panic!("--{name} is in no collector's table")).takes
}

fn excludes(flag: &Flag, given: &str) -> bool {
    flag.not_with == Some(given) || find(given).is_some_and(|g| g.not_with == Some(flag.name))
}

/// A time as Go writes it: `5s`, `1m30s`, `250ms`.
pub(crate) fn parse_duration(mut text: &str) -> Option<Duration> {
    /// Table: unit => milliseconds. `ms` stands before `m`, which it begins with.
    const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    if text.is_empty() {
        return None;
    }
    let mut millis = 0_u64;
    while !text.is_empty() {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at(digits);
        let (unit, factor) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        millis = number.parse::<u64>().ok()?.checked_mul(*factor)?.checked_add(millis)?;
        text = &rest[unit.len()..];
    }
    Some(Duration::from_millis(millis))
}

/// A flag of a collector that cannot be set so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagError {
    text: String,
}

impl FlagError {
    fn unknown(name: &str) -> FlagError {
        FlagError { text: format!("unknown flag: no collector has --{name}") }
    }

    fn value(flag: &Flag, found: &str) -> FlagError {
        let Flag { name, .. } = flag;
        let expected = flag.expected();
        FlagError { text: format!("invalid value: --{name}: expected {expected}, found {found:?}") }
    }

    fn pattern(flag: &Flag, error: &dyn fmt::Display) -> FlagError {
        FlagError { text: format!("invalid value: --{}: {error}", flag.name) }
    }

    fn together(flag: &Flag, other: &str) -> FlagError {
        FlagError {
            text: format!("conflict: --{}: cannot be given together with --{other}", flag.name),
        }
    }
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for FlagError {}
