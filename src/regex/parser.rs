//! RE2's syntax as Go reads it (Go's package regexp/syntax, in its Perl mode).
//!
//! One pass without recursion: what is read goes to the [`Builder`], which keeps the open groups.

mod classes;
mod escapes;

use super::class::Class;
use super::error::{Fault, RegexError};
use super::program::{Assertion, Builder, Program, REPEAT_MAX, Repeat, SIZE_MAX};

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
    let mut is_too_large = pattern.len() > SIZE_MAX;
    while !parser.rest.is_empty() && !is_too_large {
        parser.item()?;
        is_too_large = parser.builder.is_too_large();
    }
    if is_too_large {
        return Err(RegexError::new(Fault::TooLarge, pattern, 0, pattern));
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
            '(' => self.open(start)?,
            ')' => self.close(start)?,
            '|' => self.builder.alternative(),
            '*' => self.repeat(start, repeated_from, 0, None)?,
            '+' => self.repeat(start, repeated_from, 1, None)?,
            '?' => self.repeat(start, repeated_from, 0, Some(1))?,
            '{' => match self.counts() {
                Some((min, max)) => self.counted(start, repeated_from, min, max)?,
                None => self.literal('{'),
            },
            '[' => self.class(start)?,
            '.' => self.dot(),
            '^' if self.flags.is_multi_line => self.builder.assertion(Assertion::LineStart),
            '^' => self.builder.assertion(Assertion::TextStart),
            '$' if self.flags.is_multi_line => self.builder.assertion(Assertion::LineEnd),
            '$' => self.builder.assertion(Assertion::TextEnd),
            '\\' => self.escape(start)?,
            char => self.literal(char),
        }
        Ok(())
    }

    fn dot(&mut self) {
        let mut others = Class::new();
        if !self.flags.dot_takes_line_feed {
            others.add(u32::from('\n'), u32::from('\n'));
        }
        self.builder.class(others.negated());
    }

    fn literal(&mut self, char: char) {
        let code_point = u32::from(char);
        let cases = self.flags.ignores_case.then(|| Class::folded_char(char));
        match cases.filter(|cases| cases.ranges() != [(code_point, code_point)]) {
            Some(cases) => self.builder.class(cases),
            None => self.builder.char(code_point),
        }
    }

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
        self.builder.open(number);
        Ok(())
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
        self.builder.repeat(Repeat { min, max, greedy }, repeats);
        Ok(())
    }
}
