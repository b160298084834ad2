//! What is wrong with an expression, in one line.

use std::fmt;

/// How much of an expression an error repeats.
const PART_CHARS_SHOWN: usize = 80;

/// An expression that is refused: what is wrong with which part of it.
///
/// It reads as one sentence: `missing closing ]: "[a-z" at character 4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegexError {
    fault: Fault,
    /// The part as an error shows it.
    part: String,
    /// Characters before the part.
    offset: usize,
}

/// What can be wrong with an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A group is not closed.
    UnclosedGroup,
    /// A `)` closes nothing.
    UnopenedGroup,
    /// A class is not closed.
    UnclosedClass,
    /// A range of a class ends before it begins.
    BadRange,
    /// A class of this name does not exist.
    UnknownClass,
    /// A Unicode class that this engine does not have.
    UnsupportedClass,
    /// A repetition has nothing to repeat.
    NothingToRepeat,
    /// A repetition is itself repeated, without a group around it.
    RepeatedRepeat,
    /// A repetition is of more than 1,000 times, alone or with those in it, or its limits are in
    /// the wrong order.
    BadRepeatCount,
    /// No escape is written like this.
    BadEscape,
    /// A backreference.
    Backreference,
    /// A `\` ends the expression.
    TrailingBackslash,
    /// A group begins with `(?` and something that this syntax does not have.
    BadGroup,
    /// The name of a group is no name, or is not closed.
    BadName,
    /// Two groups have this name.
    DuplicateName,
    /// Groups nest too deeply.
    TooDeep,
    /// The expression compiles to too many instructions.
    TooLarge,
}

impl Fault {
    fn sentence(self) -> &'static str {
        match self {
            Self::UnclosedGroup => "missing closing )",
            Self::UnopenedGroup => "unexpected )",
            Self::UnclosedClass => "missing closing ]",
            Self::BadRange => "invalid range in a class",
            Self::UnknownClass => "unknown class",
            Self::UnsupportedClass => "unsupported Unicode class",
            Self::NothingToRepeat => "nothing to repeat",
            Self::RepeatedRepeat => "repeated repetition",
            Self::BadRepeatCount => "invalid repeat count, more than 1000 or in the wrong order",
            Self::BadEscape => "invalid escape",
            Self::Backreference => "unsupported backreference",
            Self::TrailingBackslash => "backslash at the end",
            Self::BadGroup => "invalid or unsupported group",
            Self::BadName => "invalid group name",
            Self::DuplicateName => "duplicate group name",
            Self::TooDeep => "groups nest too deeply",
            Self::TooLarge => "expression too large",
        }
    }
}

impl RegexError {
    /// `part` is a part of `pattern` that begins at the byte `start`.
    pub(super) fn new(fault: Fault, pattern: &str, start: usize, part: &str) -> RegexError {
        let mut shown: String = part.chars().take(PART_CHARS_SHOWN).collect();
        if shown.len() < part.len() {
            shown.push('…');
        }
        let offset = pattern[..start].chars().count();
        RegexError { fault, part: shown.escape_debug().to_string(), offset }
    }

    /// What is wrong.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// How many characters of the expression stand before the part that is wrong.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, part, offset } = self;
        write!(f, "{}: \"{part}\" at character {}", fault.sentence(), offset + 1)
    }
}

impl std::error::Error for RegexError {}
