//! The reading of argv by the options' rows.

use std::ffi::{OsStr, OsString};
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;

use super::error::{UsageError, shown};
use super::lacking::LackingRow;
use super::option::{Effect, OptionRow};
use super::suggest;
use super::typed::Typed;
use crate::collector::Flag;

/// What a command line comes to.
#[derive(Debug)]
pub(super) enum Parsed {
    Help,
    Version,
    Typed(Box<Typed>),
}

/// Reads argv, and fills in the defaults of what it does not name.
pub(super) fn parse(
    args: impl IntoIterator<Item = OsString>,
    rows: &[OptionRow],
) -> Result<Parsed, UsageError> {
    let mut typed = Typed::default();
    let mut seen = vec![false; rows.len()];
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        if arg == "--" {
            typed.command = args.collect();
            if typed.command.is_empty() {
                return Err(UsageError::NoCommand);
            }
            break;
        }
        let (word, inline_value) = split(&arg);
        let (index, is_on) = find(word, rows)?;
        let (row, flag) = (&rows[index], shown(word));
        if std::mem::replace(&mut seen[index], true) && !row.is_repeatable() {
            return Err(UsageError::Repeated { flag });
        }
        if let (Some(found), false) = (inline_value, row.takes_value()) {
            return Err(UsageError::UnwantedValue { flag, found: shown(found) });
        }
        let value = match row.takes_value() {
            true => take_value(row, inline_value, &mut args)?,
            false => OsString::new(),
        };
        match row.effect {
            Effect::Help => return Ok(Parsed::Help),
            Effect::Version => return Ok(Parsed::Version),
            Effect::Switch(set) => set(&mut typed),
            Effect::Toggle { set, .. } => set(&mut typed, is_on),
            Effect::Collector { name, .. } => typed.collectors.push((name, is_on)),
            Effect::Lacking(&LackingRow { name: collector, about, .. }) if is_on => {
                return Err(UsageError::Lacking { collector, about });
            }
            Effect::Lacking(_) | Effect::OfLacking(_) => {}
            Effect::OfCollector(own) if row.takes_value() => set_flag(own, &value, &mut typed)?,
            Effect::OfCollector(own) => {
                set_flag(own, OsStr::new(&is_on.to_string()), &mut typed)?;
            }
            Effect::Value { set, .. } => {
                let refuse =
                    |expected| UsageError::BadValue { flag, expected, found: shown(&value) };
                set(&mut typed, &value).map_err(refuse)?;
            }
        }
    }
    let unseen = rows.iter().zip(seen).filter(|(_, seen)| !seen);
    unseen.for_each(|(row, _)| apply_default(row, &mut typed));
    Ok(Parsed::Typed(Box::new(typed)))
}

fn set_flag(flag: &Flag, value: &OsStr, typed: &mut Typed) -> Result<(), UsageError> {
    let text = value.to_str().ok_or_else(|| UsageError::BadValue {
        flag: format!("--{}", flag.name),
        expected: "text in UTF-8".to_owned(),
        found: shown(value),
    })?;
    typed.collector_flags.set(flag.name, text).map_err(UsageError::Collector)
}

/// The value of an option: behind its equals sign, or the next word unless that is a flag.
fn take_value(
    row: &OptionRow,
    inline: Option<&OsStr>,
    args: &mut Peekable<impl Iterator<Item = OsString>>,
) -> Result<OsString, UsageError> {
    let next = || args.next_if(|next| !is_flag(next));
    let value = inline.map(OsStr::to_owned).or_else(next);
    value.ok_or_else(|| UsageError::NoValue { spelling: row.spelling() })
}

/// A default that its own row refuses would be a mistake in the table; a test looks at each.
fn apply_default(row: &OptionRow, typed: &mut Typed) {
    match row.effect {
        Effect::Toggle { default, set } => set(typed, default),
        Effect::Value { default: Some(default), set, .. } => {
            set(typed, OsStr::new(default)).expect("the option accepts its default");
        }
        Effect::Value { default: None, .. }
        | Effect::Help
        | Effect::Version
        | Effect::Switch(_)
        | Effect::Collector { .. }
        | Effect::OfCollector(_)
        | Effect::Lacking(_)
        | Effect::OfLacking(_) => {}
    }
}

/// `--flag=value` at its first equals sign.
fn split(arg: &OsStr) -> (&OsStr, Option<&OsStr>) {
    let bytes = arg.as_bytes();
    match bytes.iter().position(|&b| b == b'=').filter(|_| bytes.starts_with(b"--")) {
        Some(at) => (OsStr::from_bytes(&bytes[..at]), Some(OsStr::from_bytes(&bytes[at + 1..]))),
        None => (arg, None),
    }
}

/// Whether a word is meant as a flag. A lone dash is a value by custom.
fn is_flag(word: &OsStr) -> bool {
    word.len() > 1 && word.as_bytes().starts_with(b"-")
}

/// The row of a flag, and whether it is its plain form and not that with `no-`.
fn find(word: &OsStr, rows: &[OptionRow]) -> Result<(usize, bool), UsageError> {
    if !is_flag(word) {
        return Err(UsageError::UnexpectedWord { word: shown(word) });
    }
    let text = word.to_string_lossy();
    let matching = rows.iter().enumerate().find_map(|(i, row)| Some((i, row.matches(&text)?)));
    matching
        .ok_or_else(|| UsageError::UnknownFlag { word: shown(word), nearest: nearest(&text, rows) })
}

fn nearest(word: &str, rows: &[OptionRow]) -> Option<String> {
    let negated = |row: &&OptionRow| row.is_negatable();
    let names: Vec<String> = (rows.iter().map(|row| row.name.to_string()))
        .chain(rows.iter().filter(negated).map(|row| format!("no-{}", row.name)))
        .collect();
    let name = word.trim_start_matches('-');
    suggest::nearest(name, names.iter().map(String::as_str)).map(|name| format!("--{name}"))
}

#[cfg(test)]
mod tests;
