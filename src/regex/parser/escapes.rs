//! What a backslash begins, outside classes and in them.

use super::Parser;
use crate::regex::class::Class;
use crate::regex::decode::CODE_POINT_MAX;
use crate::regex::error::{Fault, RegexError};
use crate::regex::program::Assertion;

impl Parser<'_> {
    pub(super) fn escape(&mut self, start: usize) -> Result<(), RegexError> {
        if let Some(class) = self.class_escape(start)? {
            self.builder.class(class);
            return Ok(());
        }
        let assertion = match self.rest.chars().next() {
            Some('A') => Assertion::TextStart,
            Some('z') => Assertion::TextEnd,
            Some('b') => Assertion::WordBoundary,
            Some('B') => Assertion::NoWordBoundary,
            Some('Q') => {
                self.quoted();
                return Ok(());
            }
            _ => {
                match char::from_u32(self.char_escape(start)?) {
                    Some(char) => self.literal(char),
                    // Half of a surrogate pair is in no text.
                    None => self.builder.class(Class::new()),
                }
                return Ok(());
            }
        };
        self.next();
        self.builder.assertion(assertion);
        Ok(())
    }

    /// `\Q...\E`, or to the end of the expression.
    fn quoted(&mut self) {
        let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        text.chars().skip(1).for_each(|char| self.literal(char));
    }

    /// The code point of an escape whose `\` is at `start`.
    pub(super) fn char_escape(&mut self, start: usize) -> Result<u32, RegexError> {
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
            .filter(|value| *value <= CODE_POINT_MAX)
            .ok_or_else(|| self.error(Fault::BadEscape, start))
    }
}
