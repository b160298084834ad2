//! What an option is: the row that parsing, help and the README are made from.

use std::borrow::Cow;
use std::ffi::OsStr;

use super::lacking::LackingRow;
use super::typed::Typed;
use super::value::Expected;
use crate::collector::{Flag, Takes};

/// One option: all that parsing, help and the README know of it.
#[derive(Debug, Clone)]
pub struct OptionRow {
    /// Its name without dashes, and without `no-`.
    pub(super) name: Cow<'static, str>,
    /// Its one-letter form.
    pub(super) short: Option<char>,
    /// Under which heading it stands.
    pub(super) group: Group,
    /// What it does: sentences.
    pub(super) help: Cow<'static, str>,
    /// What typing it does.
    pub(super) effect: Effect,
}

/// The headings of the help, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    General,
    Web,
    Log,
    Application,
    AppMesh,
    Paths,
    Collectors,
}

/// What an option takes, and what it does to what was typed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effect {
    /// `--help`: nothing that follows matters.
    Help,
    /// `--version`: the same.
    Version,
    /// `--flag`.
    Switch(fn(&mut Typed)),
    /// `--flag` and `--no-flag`.
    Toggle { default: bool, set: fn(&mut Typed, bool) },
    /// `--collector.NAME` and `--no-collector.NAME`.
    Collector { name: &'static str, on_by_default: bool },
    /// A flag that a collector declares.
    OfCollector(&'static Flag),
    /// `--collector.NAME` and `--no-collector.NAME` of one that promlet lacks.
    Lacking(&'static LackingRow),
    /// A flag of such a collector, which changes nothing.
    OfLacking(Takes),
    /// `--flag VALUE`. The default goes through `set` like a value that was typed.
    Value { name: &'static str, default: Option<&'static str>, repeatable: bool, set: SetValue },
}

/// Stores a value that was typed, or says what was expected in its place.
pub(super) type SetValue = fn(&mut Typed, &OsStr) -> Result<(), Expected>;

impl OptionRow {
    /// How it is typed: `--web.listen-address=ADDR`, `--[no-]collector.cpu`.
    #[must_use]
    pub fn spelling(&self) -> String {
        let name = &self.name;
        match self.effect {
            Effect::Value { name: value_name, .. } => format!("--{name}={value_name}"),
            Effect::OfCollector(&Flag { takes, .. }) | Effect::OfLacking(takes)
                if !self.is_negatable() =>
            {
                format!("--{name}={}", value_name(takes))
            }
            Effect::Toggle { .. }
            | Effect::Collector { .. }
            | Effect::OfCollector(_)
            | Effect::Lacking(_)
            | Effect::OfLacking(_) => format!("--[no-]{name}"),
            Effect::Help | Effect::Version | Effect::Switch(_) => format!("--{name}"),
        }
    }

    /// What holds if it is not typed, where that says something.
    #[must_use]
    pub fn default(&self) -> Option<Cow<'static, str>> {
        match self.effect {
            Effect::Value { default, .. } => default.map(Cow::Borrowed),
            Effect::Toggle { default: on, .. } | Effect::Collector { on_by_default: on, .. } => {
                Some(on_or_off(on))
            }
            Effect::OfCollector(flag) => flag_default(flag.takes),
            Effect::OfLacking(takes) => flag_default(takes),
            Effect::Lacking(_) => Some(on_or_off(false)),
            Effect::Help | Effect::Version | Effect::Switch(_) => None,
        }
    }

    /// What it does: one or more sentences.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }

    pub(super) fn is_repeatable(&self) -> bool {
        match self.effect {
            Effect::Value { repeatable, .. } => repeatable,
            Effect::OfCollector(&Flag { takes, .. }) | Effect::OfLacking(takes) => {
                takes == Takes::Texts
            }
            _ => false,
        }
    }

    pub(super) fn is_negatable(&self) -> bool {
        match self.effect {
            Effect::Toggle { .. } | Effect::Collector { .. } | Effect::Lacking(_) => true,
            Effect::OfCollector(&Flag { takes, .. }) | Effect::OfLacking(takes) => {
                matches!(takes, Takes::Switch(_))
            }
            _ => false,
        }
    }

    /// Whether a value follows its name.
    pub(super) fn takes_value(&self) -> bool {
        match self.effect {
            Effect::Value { .. } => true,
            Effect::OfCollector(_) | Effect::OfLacking(_) => !self.is_negatable(),
            _ => false,
        }
    }

    /// Whether `name` is its name, or one it had.
    fn is_called(&self, name: &str) -> bool {
        let old_names = match self.effect {
            Effect::OfCollector(flag) => flag.old_names,
            _ => &[],
        };
        name == self.name || old_names.contains(&name)
    }

    /// Whether `word` is this option: on (`Some(true)`), or off by its `no-` form.
    pub(super) fn matches(&self, word: &str) -> Option<bool> {
        match word.strip_prefix("--") {
            Some(name) if self.is_called(name) => Some(true),
            Some(name) if self.is_negatable() => {
                name.strip_prefix("no-").filter(|name| self.is_called(name)).map(|_| false)
            }
            Some(_) => None,
            None => {
                let mut letters = word.strip_prefix('-')?.chars();
                let is_short = self.short.is_some() && letters.next() == self.short;
                (is_short && letters.next().is_none()).then_some(true)
            }
        }
    }
}

fn on_or_off(on: bool) -> Cow<'static, str> {
    Cow::Borrowed(if on { "on" } else { "off" })
}

fn flag_default(takes: Takes) -> Option<Cow<'static, str>> {
    match takes {
        Takes::Switch(on) => Some(on_or_off(on)),
        Takes::Pattern("") | Takes::Text("") | Takes::Texts => None,
        Takes::Pattern(default) | Takes::Text(default) | Takes::Words(default) => {
            Some(Cow::Borrowed(default))
        }
        Takes::Count(default) => Some(Cow::Owned(default.to_string())),
        Takes::Seconds(default) => Some(Cow::Owned(format!("{default}s"))),
    }
}

fn value_name(takes: Takes) -> &'static str {
    match takes {
        Takes::Switch(_) => "BOOL",
        Takes::Pattern(_) => "REGEX",
        Takes::Text(_) | Takes::Texts => "TEXT",
        Takes::Words(_) => "WORDS",
        Takes::Count(_) => "N",
        Takes::Seconds(_) => "TIME",
    }
}
