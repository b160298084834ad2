//! Which collectors run: those that are enabled, and of them those that a query asks for.

use super::{COLLECTORS, group};
use crate::registry::Selection;
use std::fmt;

/// The collectors that are enabled. By default those whose rows say so.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Whether the collector in each row of [`COLLECTORS`] runs.
    is_enabled: [bool; COLLECTORS.len()],
}

impl Default for Choice {
    fn default() -> Choice {
        let is_enabled = std::array::from_fn(|row| COLLECTORS[row].on_by_default);
        Choice { is_enabled }
    }
}

impl Choice {
    /// Only the collectors of these names.
    ///
    /// # Errors
    /// When there is no collector of one of them.
    pub fn only<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Choice, UnknownCollector> {
        let mut is_enabled = [false; COLLECTORS.len()];
        for name in names {
            let row = index(name).ok_or_else(|| UnknownCollector { name: name.to_owned() })?;
            is_enabled[row] = true;
        }
        Ok(Choice { is_enabled })
    }

    /// Whether the collector in this row of [`COLLECTORS`] runs.
    pub(super) fn is_enabled(&self, row: usize) -> bool {
        self.is_enabled[row]
    }

    /// Whether the collector of this name runs.
    pub(super) fn has(&self, name: &str) -> bool {
        index(name).is_some_and(|row| self.is_enabled(row))
    }

    /// The groups that a scrape with this query asks for: by `collect[]` only these collectors, by
    /// `exclude[]` all but these. The query is the decoded names and values of its parameters.
    ///
    /// As with node_exporter, excluding a collector that does not run is no error.
    ///
    /// # Errors
    /// [`SelectError`], which the client is to be told with status 400.
    pub fn selection<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        query: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Selection, SelectError> {
        let (mut collected, mut left) = (None, None);
        for (name, value) in query {
            match name.as_ref() {
                b"collect[]" => {
                    let before = collected.unwrap_or(Ok(Selection::NONE));
                    collected = Some(before.and_then(|before| self.with(before, value.as_ref())));
                }
                b"exclude[]" => {
                    left = Some(without(left.unwrap_or(Selection::ALL), value.as_ref()));
                }
                _ => {}
            }
        }
        match (collected, left) {
            (Some(_), Some(_)) => Err(SelectError::Combined),
            (Some(collected), None) => collected,
            (None, left) => Ok(left.unwrap_or(Selection::ALL)),
        }
    }

    fn with(&self, selection: Selection, name: &[u8]) -> Result<Selection, SelectError> {
        let text = || String::from_utf8_lossy(name).into_owned();
        match std::str::from_utf8(name).ok().and_then(index) {
            Some(row) if self.is_enabled(row) => Ok(selection.with(group(row))),
            Some(_) => Err(SelectError::Disabled { name: text() }),
            None => Err(SelectError::Missing { name: text() }),
        }
    }
}

fn without(selection: Selection, name: &[u8]) -> Selection {
    let row = std::str::from_utf8(name).ok().and_then(index);
    row.map_or(selection, |row| selection.without(group(row)))
}

fn index(name: &str) -> Option<usize> {
    COLLECTORS.binary_search_by(|row| row.name.cmp(name)).ok()
}

/// A collector that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCollector {
    /// What was asked for.
    pub name: String,
}

impl fmt::Display for UnknownCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no collector {:?}", self.name)
    }
}

impl std::error::Error for UnknownCollector {}

/// A query whose `collect[]` or `exclude[]` cannot be met. The texts are node_exporter's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// Both parameters were given.
    Combined,
    /// There is no such collector.
    Missing {
        /// What was asked for.
        name: String,
    },
    /// The collector is not enabled.
    Disabled {
        /// What was asked for.
        name: String,
    },
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SelectError::Combined => {
                f.write_str("Combined collect and exclude queries are not allowed.")
            }
            SelectError::Missing { name } => write!(f, "missing collector: {name}"),
            SelectError::Disabled { name } => write!(f, "disabled collector: {name}"),
        }
    }
}

impl std::error::Error for SelectError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_by_name_and_say_what_they_show() {
        assert!(COLLECTORS.is_sorted_by(|a, b| a.name < b.name));
        for row in COLLECTORS {
            assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}", row.name);
            assert!(row.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", row.name);
        }
    }

    #[test]
    fn only_collectors_that_exist_can_be_chosen() {
        let choice = Choice::only(["time", "cpu"]).unwrap();
        let enabled = (0..COLLECTORS.len()).filter(|row| choice.is_enabled(*row));
        assert!(enabled.map(|row| COLLECTORS[row].name).eq(["cpu", "time"]));
        let error = Choice::only(["time", "cpus"]).unwrap_err();
        assert_eq!(error.to_string(), "there is no collector \"cpus\"");
    }

    #[test]
    fn a_query_selects_among_what_is_enabled() {
        const RUNNING: &[&str] = &["cpu", "filefd", "stat"];
        type Case = (
            &'static [(&'static str, &'static str)],
            Result<&'static [&'static str], &'static str>,
        );
        const CASES: &[Case] = &[
            (&[], Ok(RUNNING)),
            (&[("collect", "cpu"), ("x", "y")], Ok(RUNNING)),
            (&[("collect[]", "stat"), ("x", "y"), ("collect[]", "cpu")], Ok(&["cpu", "stat"])),
            (&[("exclude[]", "filefd"), ("exclude[]", "none")], Ok(&["cpu", "stat"])),
            (
                &[("collect[]", "x"), ("exclude[]", "cpu")],
                Err("Combined collect and exclude queries are not allowed."),
            ),
            (&[("collect[]", "cpu"), ("collect[]", "x")], Err("missing collector: x")),
            (&[("collect[]", "")], Err("missing collector: ")),
            (&[("collect[]", "time")], Err("disabled collector: time")),
        ];
        let choice = Choice::only(RUNNING.iter().copied()).unwrap();
        for (query, expected) in CASES {
            let selection = choice.selection(query.iter().copied());
            let names = selection.map(|selection| {
                let running = RUNNING.iter().filter(|name| {
                    let row = index(name).expect("a collector of the test");
                    selection.contains(group(row))
                });
                running.copied().collect::<Vec<_>>()
            });
            let names = names.map_err(|error| error.to_string());
            assert_eq!(names, expected.map(<[_]>::to_vec).map_err(str::to_owned), "{query:?}");
        }
    }
}
