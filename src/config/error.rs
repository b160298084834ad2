//! What is wrong with a command line, in one line.

use crate::collector::FlagError;
use std::ffi::OsStr;
use std::fmt;

/// How much of a word an error repeats.
const WORD_CHARS_SHOWN: usize = 80;

/// The command line is wrong; one line that names flag and word.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// No option has this name.
    UnknownFlag {
        /// What was typed, without a value.
        word: String,
        /// A flag that may have been meant.
        nearest: Option<String>,
    },
    /// The option takes a value and there is none.
    NoValue {
        /// How the option is typed.
        spelling: String,
    },
    /// The option takes no value and there is one.
    UnwantedValue {
        /// The option as typed.
        flag: String,
        /// What was typed behind it.
        found: String,
    },
    /// The value is not one the option takes.
    BadValue {
        /// The option.
        flag: String,
        /// What it takes.
        expected: String,
        /// What was typed.
        found: String,
    },
    /// The collector is one of node_exporter's that promlet lacks.
    Lacking {
        /// Its name.
        collector: &'static str,
        /// What it shows, and where from.
        about: &'static str,
    },
    /// A collector does not take the value.
    Collector(FlagError),
    /// The option was there before.
    Repeated {
        /// The option as typed.
        flag: String,
    },
    /// A word that is no flag, in front of `--`.
    UnexpectedWord {
        /// The word.
        word: String,
    },
    /// A file of arguments that cannot be used.
    ArgumentFile {
        /// The word that names it, `@` and all.
        word: String,
        /// Why not.
        reason: String,
    },
    /// Nothing follows `--`.
    NoCommand,
    /// What was typed does not fit together.
    Conflict {
        /// The option that does not fit.
        flag: &'static str,
        /// What it does not fit, and why.
        reason: String,
    },
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFlag { word, nearest: Some(nearest) } => {
                write!(f, "unknown flag: {word}, did you mean {nearest}?")
            }
            Self::UnknownFlag { word, nearest: None } => {
                write!(f, "unknown flag: {word}, see --help")
            }
            Self::NoValue { spelling } => write!(f, "missing value: expected {spelling}"),
            Self::UnwantedValue { flag, found } => {
                write!(f, "unexpected value: {flag} takes none, found \"{found}\"")
            }
            Self::BadValue { flag, expected, found } => {
                write!(f, "invalid value: {flag}: expected {expected}, found \"{found}\"")
            }
            Self::Lacking { collector, about } => {
                write!(f, "unsupported: --collector.{collector}: promlet does not have {about}")
            }
            Self::Collector(error) => error.fmt(f),
            Self::Repeated { flag } => write!(f, "repeated flag: {flag} may be given once"),
            Self::UnexpectedWord { word } => write!(
                f,
                "unexpected argument: \"{word}\" is no flag; to run a command, write it after --"
            ),
            Self::ArgumentFile { word, reason } => {
                write!(f, "cannot read arguments from {word}: {reason}")
            }
            Self::NoCommand => f.write_str("missing command: nothing follows --"),
            Self::Conflict { flag, reason } => write!(f, "conflict: {flag}: {reason}"),
        }
    }
}

impl std::error::Error for UsageError {}

/// A word as an error may show it: on one line, and not all of a long one.
pub(super) fn shown(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let mut shown: String = text.chars().take(WORD_CHARS_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    // Between double quotes a single one is plain.
    shown.escape_debug().to_string().replace("\\'", "'")
}
