//! What is wrong with a configuration file: where, what was expected, what was found.

use std::ffi::OsStr;
use std::fmt;

use super::super::error::shown;

/// One thing that is wrong with a configuration file, in one line that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The path of the file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The key whose value is wrong, if it is one.
    pub(super) key: Option<&'static str>,
    pub(super) fault: Fault,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(key) = self.key {
            write!(f, "{key}: ")?;
        }
        self.fault.fmt(f)
    }
}

impl std::error::Error for FileError {}

/// What was expected and what was found, wherever that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    expected: String,
    found: String,
    /// What may have been meant.
    nearest: Option<String>,
}

impl Fault {
    pub(super) fn new(expected: impl Into<String>, found: &str) -> Fault {
        Fault { expected: expected.into(), found: shown(OsStr::new(found)), nearest: None }
    }

    pub(super) fn or_rather(self, nearest: Option<&str>) -> Fault {
        Fault { nearest: nearest.map(str::to_owned), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found \"{}\"", self.expected, self.found)?;
        match &self.nearest {
            Some(nearest) => write!(f, ", did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

/// The errors of one file, as they are found.
#[derive(Debug)]
pub(super) struct Errors {
    file: String,
    list: Vec<FileError>,
}

impl Errors {
    pub(super) fn new(file: &str) -> Errors {
        Errors { file: shown(OsStr::new(file)), list: Vec::new() }
    }

    pub(super) fn push(&mut self, line: usize, key: Option<&'static str>, fault: Fault) {
        self.list.push(FileError { file: self.file.clone(), line, key, fault });
    }

    /// An error in another file that this one names.
    pub(super) fn push_of(&mut self, file: &str, line: usize, fault: Fault) {
        let file = shown(OsStr::new(file));
        self.list.push(FileError { file, line, key: None, fault });
    }

    /// `value` if nothing was wrong, else all that was, in the order of the lines.
    pub(super) fn unless_any<T>(mut self, value: T) -> Result<T, Vec<FileError>> {
        self.list.sort_by_key(|error| error.line);
        if self.list.is_empty() { Ok(value) } else { Err(self.list) }
    }
}
