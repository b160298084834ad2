//! What a key is: the row that parsing, errors and the README are made from.

use super::super::suggest;
use super::error::{Errors, Fault};
use super::syntax::Section;
use super::words::Word;

/// A key of sections that are read into a `T`.
pub(super) struct Key<T> {
    pub(super) name: &'static str,
    /// How its value is written.
    pub(super) value: &'static str,
    /// What holds if it is not there; goes through `set` like a value that was written.
    pub(super) default: Option<&'static str>,
    pub(super) is_repeatable: bool,
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
        Key { name, value, default: None, is_repeatable: false, help, set }
    }

    pub(super) const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    pub(super) const fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
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
            let nearest = suggest::nearest(entry.key, keys.iter().map(|key| key.name));
            let expected = format!("a key of [{} NAME]", section.kind);
            errors.push(entry.line, None, Fault::new(expected, entry.key).or_rather(nearest));
            continue;
        };
        let key = &keys[index];
        if let (Some(first), false) = (lines[index].replace(entry.line), key.is_repeatable) {
            let expected = format!("{} once, as on line {first}", key.name);
            errors.push(entry.line, None, Fault::new(expected, entry.key));
            continue;
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
        if let Some(default) = key.default {
            let words = super::words::split(default).expect("a default has no open quote");
            (key.set)(&mut read, &words).expect("the key accepts its default");
        }
    }
    read
}
