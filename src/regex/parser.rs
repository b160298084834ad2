//! RE2's syntax as Go reads it (Go's package regexp/syntax, in its Perl mode).
//!
//! One pass without recursion: what is read goes to the [`Builder`], which keeps the open groups.

use super::class::Class;
use super::error::{Fault, RegexError};
use super::program::{Assertion, Builder, Program, REPEAT_MAX, Repeat, TooLarge};

/// Groups within groups; Go refuses trees that are higher than 1,000.
const DEPTH_MAX: usize = 999;

/// What `(?flags)` sets.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    ignores_case: bool,
    is_multi_line: bool,
    dot_takes_line_feed: bool,
    /// Repetitions are lazy, and greedy with a `?` behind.
    swaps_greed: bool,
}

/// Compiles an expression.
pub(super) fn compile(pattern: &str) -> Result<Program, RegexError> {
    let mut parser = Parser {
        pattern,
        rest: pattern,
        flags: Flags::default(),
        outer: Vec::new(),
        names: vec![None],
        builder: Builder::new(),
        repeated_from: None,
    };
    while !parser.rest.is_empty() {
        parser.item()?;
    }
    if let Some((start, _)) = parser.outer.last() {
        return Err(parser.error(Fault::UnclosedGroup, *start));
    }
    Ok(parser.builder.finish(parser.names))
}

struct Parser<'p> {
    pattern: &'p str,
    /// What has not been read.
    rest: &'p str,
    flags: Flags,
    /// Where each open group begins, and the flags in front of it.
    outer: Vec<(usize, Flags)>,
    names: Vec<Option<String>>,
    builder: Builder,
    /// Where a repetition begins that ends here.
    repeated_from: Option<usize>,
}

impl<'p> Parser<'p> {
    fn position(&self) -> usize {
        self.pattern.len() - self.rest.len()
    }

    /// The part from `start` to here is wrong.
    fn error(&self, fault: Fault, start: usize) -> RegexError {
        RegexError::new(fault, self.pattern, start, &self.pattern[start..self.position()])
    }

    /// That, where the builder says so.
    fn sized<T>(&self, built: Result<T, TooLarge>) -> Result<T, RegexError> {
        built.map_err(|TooLarge| RegexError::new(Fault::TooLarge, self.pattern, 0, self.pattern))
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn item(&mut self) -> Result<(), RegexError> {
        let start = self.position();
        let repeated_from = self.repeated_from.take();
        match self.next().unwrap_or_default() {
            '(' => self.open(start),
            ')' => self.close(start),
            '|' => {
                let built = self.builder.alternative();
                self.sized(built)
            }
            '*' => self.repeat(start, repeated_from, 0, None),
            '+' => self.repeat(start, repeated_from, 1, None),
            '?' => self.repeat(start, repeated_from, 0, Some(1)),
            '{' => match self.counts() {
                Some((min, max)) => self.counted(start, repeated_from, min, max),
                None => self.literal('{'),
            },
            '[' => self.class(start),
            '.' => self.dot(),
            '^' if self.flags.is_multi_line => self.assertion(Assertion::LineStart),
            '^' => self.assertion(Assertion::TextStart),
            '$' if self.flags.is_multi_line => self.assertion(Assertion::LineEnd),
            '$' => self.assertion(Assertion::TextEnd),
            '\\' => self.escape(start),
            char => self.literal(char),
        }
    }

    fn assertion(&mut self, assertion: Assertion) -> Result<(), RegexError> {
        let built = self.builder.assertion(assertion);
        self.sized(built)
    }

    fn take_one_of(&mut self, class: Class) -> Result<(), RegexError> {
        let built = self.builder.class(class);
        self.sized(built)
    }

    fn dot(&mut self) -> Result<(), RegexError> {
        let mut none = Class::new();
        if !self.flags.dot_takes_line_feed {
            none.add(u32::from('\n'), u32::from('\n'));
        }
        self.take_one_of(none.negated())
    }

    fn literal(&mut self, char: char) -> Result<(), RegexError> {
        let code_point = u32::from(char);
        let folded = self.flags.ignores_case.then(|| Class::folded_char(char));
        let built = match folded {
            Some(class) if class.ranges() != [(code_point, code_point)] => {
                self.builder.class(class)
            }
            _ => self.builder.char(code_point),
        };
        self.sized(built)
    }

    // Groups.

    fn open(&mut self, start: usize) -> Result<(), RegexError> {
        if self.builder.depth() == DEPTH_MAX {
            return Err(self.error(Fault::TooDeep, start));
        }
        let flags = self.flags;
        let mut number = Some(self.names.len() as u32);
        if !self.rest.starts_with('?') {
            self.names.push(None);
        } else if self.skip("?P<") || self.skip("?<") {
            let name = self.group_name(start)?;
            self.names.push(Some(name));
        } else if self.group_flags(start)? {
            number = None;
        } else {
            return Ok(());
        }
        self.outer.push((start, flags));
        let built = self.builder.open(number);
        self.sized(built)
    }

    fn close(&mut self, start: usize) -> Result<(), RegexError> {
        let Some((_, flags)) = self.outer.pop() else {
            return Err(self.error(Fault::UnopenedGroup, start));
        };
        self.flags = flags;
        self.builder.close();
        Ok(())
    }

    fn group_name(&mut self, start: usize) -> Result<String, RegexError> {
        if self.rest.starts_with(['=', '!']) {
            self.next();
            return Err(self.error(Fault::BadGroup, start));
        }
        let Some((name, rest)) = self.rest.split_once('>') else {
            self.rest = "";
            return Err(self.error(Fault::BadName, start));
        };
        self.rest = rest;
        let is_name = |char: char| char == '_' || char.is_ascii_alphanumeric();
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(self.error(Fault::BadName, start));
        }
        if self.names.iter().flatten().any(|known| known == name) {
            return Err(self.error(Fault::DuplicateName, start));
        }
        Ok(name.to_owned())
    }

    /// Reads `?flags:` or `?flags)`, and says whether it opens a group.
    fn group_flags(&mut self, start: usize) -> Result<bool, RegexError> {
        let mut flags = self.flags;
        let (mut value, mut has_flag) = (true, false);
        self.next();
        loop {
            let flag = match self.next() {
                Some('i') => &mut flags.ignores_case,
                Some('m') => &mut flags.is_multi_line,
                Some('s') => &mut flags.dot_takes_line_feed,
                Some('U') => &mut flags.swaps_greed,
                Some('-') if value => {
                    (value, has_flag) = (false, false);
                    continue;
                }
                Some(end @ (':' | ')')) if value || has_flag => {
                    // Of a group, from within it: `open` has noted those in front.
                    self.flags = flags;
                    return Ok(end == ':');
                }
                None => return Err(self.error(Fault::UnclosedGroup, start)),
                Some(_) => return Err(self.error(Fault::BadGroup, start)),
            };
            (*flag, has_flag) = (value, true);
        }
    }

    // Repetitions.

    /// Reads `n}`, `n,}` or `n,m}`. Where there is none of them, nothing is read: then a `{` is a
    /// literal. A count too large for its type reads as the largest.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let (counts, rest) = self.rest.split_once('}')?;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let has_zeros = text.len() > 1 && text.starts_with('0');
            (is_number && !has_zeros).then(|| text.parse().unwrap_or(u32::MAX))
        };
        let (min, max) = match counts.split_once(',') {
            None => (number(counts)?, Some(number(counts)?)),
            Some((min, "")) => (number(min)?, None),
            Some((min, max)) => (number(min)?, Some(number(max)?)),
        };
        self.rest = rest;
        Some((min, max))
    }

    fn counted(
        &mut self,
        start: usize,
        repeated_from: Option<usize>,
        min: u32,
        max: Option<u32>,
    ) -> Result<(), RegexError> {
        if min > REPEAT_MAX || max.is_some_and(|max| max > REPEAT_MAX || max < min) {
            return Err(self.error(Fault::BadRepeatCount, start));
        }
        self.repeat(start, repeated_from, min, max)
    }

    fn repeat(
        &mut self,
        start: usize,
        repeated_from: Option<usize>,
        min: u32,
        max: Option<u32>,
    ) -> Result<(), RegexError> {
        let greedy = !self.skip("?") ^ self.flags.swaps_greed;
        if let Some(before) = repeated_from {
            return Err(self.error(Fault::RepeatedRepeat, before));
        }
        if !self.builder.has_item() {
            return Err(self.error(Fault::NothingToRepeat, start));
        }
        // What is repeated no times at all counts for nothing.
        let times = max.unwrap_or(min.max(1));
        let repeats = self.builder.item_repeats() * times;
        if repeats > REPEAT_MAX {
            return Err(self.error(Fault::BadRepeatCount, start));
        }
        self.repeated_from = Some(start);
        let built = self.builder.repeat(Repeat { min, max, greedy }, repeats);
        self.sized(built)
    }

    // Escapes.

    fn escape(&mut self, start: usize) -> Result<(), RegexError> {
        if let Some(class) = self.class_escape(start)? {
            return self.take_one_of(class);
        }
        let assertion = match self.rest.chars().next() {
            Some('A') => Assertion::TextStart,
            Some('z') => Assertion::TextEnd,
            Some('b') => Assertion::WordBoundary,
            Some('B') => Assertion::NoWordBoundary,
            Some('Q') => return self.quoted(),
            _ => {
                let code_point = self.char_escape(start)?;
                return match char::from_u32(code_point) {
                    Some(char) => self.literal(char),
                    // Half of a surrogate pair is in no text.
                    None => self.take_one_of(Class::new()),
                };
            }
        };
        self.next();
        self.assertion(assertion)
    }

    /// `\Q...\E`, or to the end of the expression.
    fn quoted(&mut self) -> Result<(), RegexError> {
        let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        text.chars().skip(1).try_for_each(|char| self.literal(char))
    }

    /// The code point of an escape whose `\` is at `start`.
    fn char_escape(&mut self, start: usize) -> Result<u32, RegexError> {
        let Some(char) = self.next() else {
            return Err(self.error(Fault::TrailingBackslash, start));
        };
        Ok(match char {
            'a' => 0x07,
            't' => 0x09,
            'n' => 0x0a,
            'v' => 0x0b,
            'f' => 0x0c,
            'r' => 0x0d,
            'x' => return self.hexadecimal(start),
            '0' => self.octal(0),
            '1'..='7' if self.rest.starts_with(|next| ('0'..='7').contains(&next)) => {
                self.octal(u32::from(char) - u32::from('0'))
            }
            '1'..='9' => return Err(self.error(Fault::Backreference, start)),
            char if char.is_ascii() && !char.is_ascii_alphanumeric() => u32::from(char),
            _ => return Err(self.error(Fault::BadEscape, start)),
        })
    }

    /// Up to two digits behind the first one.
    fn octal(&mut self, first: u32) -> u32 {
        let mut value = first;
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|char| char.to_digit(8)) else {
                break;
            };
            self.next();
            value = value * 8 + digit;
        }
        value
    }

    /// `\x41` or `\x{10FFFF}`.
    fn hexadecimal(&mut self, start: usize) -> Result<u32, RegexError> {
        let digits = if self.skip("{") {
            let digits = self.rest.split_once('}').map(|(digits, _)| digits);
            self.rest = &self.rest[digits.map_or(self.rest.len(), |digits| digits.len() + 1)..];
            digits
        } else {
            let digits = self.rest.get(..2);
            self.next();
            self.next();
            digits
        };
        let is_digits = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value =
            digits.filter(is_digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        value
            .filter(|value| *value <= super::decode::CODE_POINT_MAX)
            .ok_or_else(|| self.error(Fault::BadEscape, start))
    }

    // Classes.

    /// The class of `\d`, `\W`, `\pN` and the like, if the escape whose `\` is at `start` is one.
    fn class_escape(&mut self, start: usize) -> Result<Option<Class>, RegexError> {
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

    fn class(&mut self, start: usize) -> Result<(), RegexError> {
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
        let class = class.normalized();
        self.take_one_of(if negated { class.negated() } else { class })
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
        let mut range = Class::new();
        range.add(first, last);
        class.add_class(&self.folded(range, false));
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
