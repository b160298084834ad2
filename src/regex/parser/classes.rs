//! Classes: in brackets, and those that have a name or a letter.

use super::Parser;
use crate::regex::class::Class;
use crate::regex::error::{Fault, RegexError};

impl Parser<'_> {
    /// The class of `\d`, `\W`, `\pN` and the like, if the escape whose `\` is at `start` is one.
    pub(super) fn class_escape(&mut self, start: usize) -> Result<Option<Class>, RegexError> {
        let Some(letter) = self.rest.chars().next() else { return Ok(None) };
        let class = if let Some(class) = Class::perl(letter.to_ascii_lowercase()) {
            self.next();
            class
        } else if matches!(letter, 'p' | 'P') {
            self.next();
            return self.unicode_class(start, letter == 'P').map(Some);
        } else {
            return Ok(None);
        };
        Ok(Some(self.folded(class, letter.is_ascii_uppercase())))
    }

    /// `N`, `{Name}` or `{^Name}`, behind `\p`.
    fn unicode_class(&mut self, start: usize, negated: bool) -> Result<Class, RegexError> {
        let name = if self.skip("{") {
            let Some((name, rest)) = self.rest.split_once('}') else {
                self.rest = "";
                return Err(self.error(Fault::UnknownClass, start));
            };
            self.rest = rest;
            name
        } else {
            let rest = self.rest;
            self.next();
            &rest[..rest.len() - self.rest.len()]
        };
        let (name, is_inverse) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let class =
            Class::unicode(name).ok_or_else(|| self.error(Fault::UnsupportedClass, start))?;
        Ok(self.folded(class, negated != is_inverse))
    }

    /// A class as the flags want it.
    fn folded(&self, class: Class, negated: bool) -> Class {
        let class = if self.flags.ignores_case { class.folded() } else { class.normalized() };
        if negated { class.negated() } else { class }
    }

    pub(super) fn class(&mut self, start: usize) -> Result<(), RegexError> {
        let negated = self.skip("^");
        let mut class = Class::new();
        let mut is_first = true;
        while is_first || !self.skip("]") {
            is_first = false;
            if self.rest.is_empty() {
                return Err(self.error(Fault::UnclosedClass, start));
            }
            self.class_item(start, &mut class)?;
        }
        let class = self.folded(class, negated);
        self.builder.class(class);
        Ok(())
    }

    fn class_item(&mut self, class_start: usize, class: &mut Class) -> Result<(), RegexError> {
        let start = self.position();
        if let Some(posix) = self.posix_class(start)? {
            class.add_class(&posix);
            return Ok(());
        }
        if self.rest.starts_with('\\') {
            let before = self.rest;
            self.next();
            if let Some(escape) = self.class_escape(start)? {
                class.add_class(&escape);
                return Ok(());
            }
            self.rest = before;
        }
        let first = self.class_char(class_start)?;
        let mut last = first;
        if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
            self.next();
            last = self.class_char(class_start)?;
        }
        if last < first {
            return Err(self.error(Fault::BadRange, start));
        }
        class.add(first, last);
        Ok(())
    }

    fn class_char(&mut self, class_start: usize) -> Result<u32, RegexError> {
        let start = self.position();
        match self.next() {
            Some('\\') => self.char_escape(start),
            Some(char) => Ok(u32::from(char)),
            None => Err(self.error(Fault::UnclosedClass, class_start)),
        }
    }

    /// `[:name:]` or `[:^name:]`.
    fn posix_class(&mut self, start: usize) -> Result<Option<Class>, RegexError> {
        let Some(inner) = self.rest.strip_prefix("[:") else { return Ok(None) };
        let Some((name, rest)) = inner.split_once(":]") else { return Ok(None) };
        self.rest = rest;
        let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let class = Class::posix(name).ok_or_else(|| self.error(Fault::UnknownClass, start))?;
        Ok(Some(self.folded(class, negated)))
    }
}
