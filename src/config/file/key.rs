//! What a key is: the row that parsing, errors and the README are made from.

use super::super::suggest;
use super::error::{Errors, Fault};
use super::syntax::{Entry, Section};
use super::words::Word;

/// A key of sections that are read into a `T`.
pub(super) struct Key<T> {
    pub(super) name: &'static str,
    /// How its value is written.
    pub(super) value: &'static str,
    /// What holds if it is not there; goes through `set` like a value that was written.
    pub(super) default: Option<&'static str>,
    pub(super) is_repeatable: bool,
    /// Whether a section cannot do without it.
    pub(super) is_required: bool,
    /// The key without which it says nothing.
    pub(super) beside: Option<&'static str>,
    /// What others call it, for who writes that.
    pub(super) misnomers: &'static [&'static str],
    /// What it does: sentences.
    pub(super) help: &'static str,
    pub(super) set: Set<T>,
}

/// Takes a value, or says what it should have been.
pub(super) type Set<T> = fn(&mut T, &[Word]) -> Result<(), Fault>;

/// What there is to know of a key for who writes or documents a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRow {
    /// The kind of section that it stands in, as in `[KIND NAME]`.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How its value is written.
    pub value: &'static str,
    /// What holds if it is not there, where that says something.
    pub default: Option<&'static str>,
    /// What it does: sentences.
    pub help: &'static str,
}

impl<T> Key<T> {
    /// A key without a default that stands once in a section.
    pub(super) const fn new(
        name: &'static str,
        value: &'static str,
        set: Set<T>,
        help: &'static str,
    ) -> Key<T> {
        Key {
            name,
            value,
            default: None,
            is_repeatable: false,
            is_required: false,
            beside: None,
            misnomers: &[],
            help,
            set,
        }
    }

    pub(super) const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    pub(super) const fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) const fn beside(self, key: &'static str) -> Self {
        Self { beside: Some(key), ..self }
    }

    pub(super) const fn misnamed(self, misnomers: &'static [&'static str]) -> Self {
        Self { misnomers, ..self }
    }

    pub(super) fn row(&self, section: &'static str) -> KeyRow {
        let Key { name, value, default, help, .. } = *self;
        KeyRow { section, name, value, default, help }
    }
}

/// Reads a section by its table of keys. What is wrong goes to `errors`, and the rest is read all
/// the same.
pub(super) fn read<T: Default>(section: &Section<'_>, keys: &[Key<T>], errors: &mut Errors) -> T {
    let mut read = T::default();
    let mut lines = vec![None; keys.len()];
    for entry in &section.entries {
        let Some(index) = keys.iter().position(|key| key.name == entry.key) else {
            errors.push(entry.line, None, unknown(section.kind, entry.key, keys));
            continue;
        };
        let key = &keys[index];
        if let (Some(first), false) = (lines[index].replace(entry.line), key.is_repeatable) {
            let expected = format!("{} once, as on line {first}", key.name);
            errors.push(entry.line, None, Fault::new(expected, entry.key));
            continue;
        }
        if let Some(needed) = key.beside.filter(|needed| !may_have(section, needed, keys)) {
            let expected = format!("the key {needed} beside it");
            errors.push(entry.line, None, Fault::new(expected, entry.key));
        }
        let result = match entry.words.as_deref() {
            None => Ok(()),
            Some([]) => Err(Fault::new(key.value, "")),
            Some(words) => (key.set)(&mut read, words),
        };
        if let Err(fault) = result {
            errors.push(entry.line, Some(key.name), fault);
        }
    }
    for (key, _) in keys.iter().zip(lines).filter(|(_, line)| line.is_none()) {
        if key.is_required && !may_have(section, key.name, keys) {
            let expected = format!("a section with a {}", key.name);
            errors.push(section.line, None, Fault::new(expected, &section.header()));
        }
        if let Some(default) = key.default {
            let words = super::words::split(default).expect("a default has no open quote");
            (key.set)(&mut read, &words).expect("the key accepts its default");
        }
    }
    read
}

/// Whether a section has the key, or a line that is wrong and may be meant for it.
fn may_have<T>(section: &Section<'_>, name: &str, keys: &[Key<T>]) -> bool {
    let is_it = |entry: &Entry<'_>| entry.key == name || meant(entry.key, keys) == Some(name);
    section.entries.iter().any(is_it) || section.garbled.iter().any(|line| line.starts_with(name))
}

/// The key that is meant by a word that is none.
fn meant<T>(word: &str, keys: &[Key<T>]) -> Option<&'static str> {
    if keys.iter().any(|key| key.name == word) {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('_', "-");
    let misnamed = keys.iter().find(|key| key.misnomers.contains(&&*word)).map(|key| key.name);
    misnamed.or_else(|| suggest::nearest(&word, keys.iter().map(|key| key.name)))
}

/// What is wrong with a key that the sections of `kind` do not have.
fn unknown<T>(kind: &str, word: &str, keys: &[Key<T>]) -> Fault {
    let is_of = |row: &KeyRow| row.section != kind && row.name == word;
    let expected = match super::keys().into_iter().find(is_of) {
        Some(row) => format!("a key of [{kind} NAME] and not of [{} NAME]", row.section),
        None => format!("a key of [{kind} NAME]"),
    };
    Fault::new(expected, word).or_rather(meant(word, keys))
}
