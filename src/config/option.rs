//! What an option is: the row that parsing, help and the README are made from.

use std::borrow::Cow;
use std::ffi::OsStr;

use super::typed::Typed;
use super::value::Expected;

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
            Effect::Toggle { .. } | Effect::Collector { .. } => format!("--[no-]{name}"),
            Effect::Help | Effect::Version | Effect::Switch(_) => format!("--{name}"),
        }
    }

    /// What holds if it is not typed, where that says something.
    #[must_use]
    pub fn default(&self) -> Option<&'static str> {
        match self.effect {
            Effect::Value { default, .. } => default,
            Effect::Toggle { default: on, .. } | Effect::Collector { on_by_default: on, .. } => {
                Some(if on { "on" } else { "off" })
            }
            Effect::Help | Effect::Version | Effect::Switch(_) => None,
        }
    }

    /// What it does: one or more sentences.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }

    pub(super) fn is_repeatable(&self) -> bool {
        matches!(self.effect, Effect::Value { repeatable: true, .. })
    }

    pub(super) fn is_negatable(&self) -> bool {
        matches!(self.effect, Effect::Toggle { .. } | Effect::Collector { .. })
    }

    /// Whether `word` is this option: on (`Some(true)`), or off by its `no-` form.
    pub(super) fn matches(&self, word: &str) -> Option<bool> {
        match word.strip_prefix("--") {
            Some(name) if name == self.name => Some(true),
            Some(name) if self.is_negatable() => {
                name.strip_prefix("no-").filter(|name| *name == self.name).map(|_| false)
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
