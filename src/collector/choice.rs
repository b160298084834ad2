//! Which collectors run: by the flags, and by the query of a scrape.

use super::{ByDefault, COLLECTORS, group};
use crate::registry::Selection;
use std::fmt;

/// The collectors that are enabled: those on by default, less or more what flags say.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    are_defaults_disabled: bool,
    /// What a flag says of the collector of each row of [`COLLECTORS`], the last one given.
    said: [Option<Said>; COLLECTORS.len()],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    On,
    Off,
}

impl Choice {
    /// Leaves only the collectors that are enabled by name (`--collector.disable-defaults`).
    pub fn disable_defaults(&mut self) {
        self.are_defaults_disabled = true;
    }

    /// Enables a collector (`--collector.NAME`).
    ///
    /// # Errors
    /// When there is no collector of this name.
    pub fn enable(&mut self, name: &str) -> Result<(), UnknownCollector> {
        self.say(name, Said::On)
    }

    /// Disables a collector (`--no-collector.NAME`).
    ///
    /// # Errors
    /// When there is no collector of this name.
    pub fn disable(&mut self, name: &str) -> Result<(), UnknownCollector> {
        self.say(name, Said::Off)
    }

    fn say(&mut self, name: &str, said: Said) -> Result<(), UnknownCollector> {
        let index = index(name).ok_or_else(|| UnknownCollector { name: name.to_owned() })?;
        self.said[index] = Some(said);
        Ok(())
    }

    /// Whether the collector in this row of [`COLLECTORS`] runs.
    pub fn is_enabled(&self, row: usize) -> bool {
        match self.said[row] {
            Some(said) => said == Said::On,
            None => !self.are_defaults_disabled && COLLECTORS[row].default == ByDefault::On,
        }
    }

    /// The groups that a scrape with these `collect[]` and `exclude[]` parameters asks for.
    ///
    /// As with node_exporter, excluding a collector that does not run is no error.
    ///
    /// # Errors
    /// [`SelectError`], which the client is to be told with status 400.
    pub fn selection<S: AsRef<str>>(
        &self,
        collect: &[S],
        exclude: &[S],
    ) -> Result<Selection, SelectError> {
        if !collect.is_empty() && !exclude.is_empty() {
            return Err(SelectError::Combined);
        }
        if collect.is_empty() {
            let excluded = exclude.iter().filter_map(|name| index(name.as_ref()));
            return Ok(excluded.fold(Selection::ALL, |rest, row| rest.without(group(row))));
        }
        collect.iter().try_fold(Selection::NONE, |selection, name| {
            let name = name.as_ref();
            match index(name) {
                Some(row) if self.is_enabled(row) => Ok(selection.with(group(row))),
                Some(_) => Err(SelectError::Disabled { name: name.to_owned() }),
                None => Err(SelectError::Missing { name: name.to_owned() }),
            }
        })
    }
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

    fn enabled(choice: &Choice) -> Vec<&'static str> {
        let rows = COLLECTORS.iter().enumerate().filter(|(row, _)| choice.is_enabled(*row));
        rows.map(|(_, row)| row.name).collect()
    }

    #[test]
    fn rows_stand_by_name_and_say_what_they_show() {
        assert!(COLLECTORS.is_sorted_by(|a, b| a.name < b.name));
        for row in COLLECTORS {
            assert!(row.help.ends_with('.'), "{}", row.name);
            assert!(row.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", row.name);
        }
    }

    #[test]
    fn the_last_flag_counts_and_defaults_can_be_disabled_anywhere() {
        let mut choice = Choice::default();
        assert_eq!(enabled(&choice).len(), COLLECTORS.len());
        choice.disable("cpu").unwrap();
        choice.enable("time").unwrap();
        choice.disable("uname").unwrap();
        choice.enable("uname").unwrap();
        assert!(!enabled(&choice).contains(&"cpu"));
        choice.disable_defaults();
        assert_eq!(enabled(&choice), ["time", "uname"]);
        let error = choice.enable("cpus").unwrap_err();
        assert_eq!(error.to_string(), "there is no collector \"cpus\"");
    }

    #[test]
    fn a_query_selects_among_what_is_enabled() {
        let mut choice = Choice::default();
        choice.disable("time").unwrap();
        let name = |row: &usize| COLLECTORS[*row].name;
        let selected = |collect: &[&str], exclude: &[&str]| {
            let selection = choice.selection(collect, exclude)?;
            let rows = 0..COLLECTORS.len();
            let rows = rows.filter(|row| selection.contains(group(*row)));
            Ok::<Vec<_>, SelectError>(rows.map(|row| name(&row)).collect())
        };
        let all: Vec<&str> = COLLECTORS.iter().map(|row| row.name).collect();
        assert_eq!(selected(&[], &[]), Ok(all.clone()));
        assert_eq!(selected(&["stat", "cpu", "stat"], &[]), Ok(vec!["cpu", "stat"]));
        let without_cpu = all.into_iter().filter(|name| *name != "cpu").collect();
        assert_eq!(selected(&[], &["cpu", "wifi"]), Ok(without_cpu));
        const ERRORS: &[(&[&str], &[&str], &str)] = &[
            (&["cpu"], &["stat"], "Combined collect and exclude queries are not allowed."),
            (&["cpu", "x"], &[], "missing collector: x"),
            (&["time"], &[], "disabled collector: time"),
            (&[""], &[], "missing collector: "),
        ];
        for (collect, exclude, expected) in ERRORS {
            assert_eq!(selected(collect, exclude).unwrap_err().to_string(), *expected);
        }
    }
}
