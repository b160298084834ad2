//! Regular expressions in RE2's syntax, matched in linear time.
//!
//! node_exporter's flags take expressions of Go's package regexp, whose syntax and answers this
//! engine keeps: what matches there matches here, and what is refused there is refused here.
//!
//! ```text
//! parser     the expression, read once
//! program    instructions, put together as it is read
//! class      sets of code points
//! automaton  a small program as a table, once it is asked often: whether a text matches
//! matcher    any program run over a text: what its groups match
//! decode     text as code points
//! ```
//!
//! A match takes time in proportion to the length of the program times that of the text; there is
//! no backtracking. The length of a program is bounded, and nothing recurses.
//!
//! Of Unicode's classes there are those that the standard library can tell exactly: `\p{Any}`,
//! `\pN` and `\p{Cc}`. Others are refused by name.

#![forbid(unsafe_code)]

mod automaton;
mod class;
mod decode;
mod error;
mod matcher;
mod parser;
mod program;
mod symbols;

pub use error::{Fault, RegexError};

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use automaton::Automaton;
use program::Program;

/// A compiled expression.
///
/// A clone is cheap and shares the program.
///
/// ```
/// use promlet::regex::Regex;
///
/// let partition = Regex::new(r"^(?P<disk>sd[a-z]+|nvme\d+n\d+p)(\d+)$")?;
/// assert!(partition.is_match(b"sda1"));
/// assert!(!partition.is_match(b"sda"));
/// let captures = partition.captures(b"sdb12").unwrap();
/// assert_eq!(captures.name("disk"), Some(b"sdb".as_slice()));
/// assert_eq!(captures.get(2), Some(b"12".as_slice()));
/// # Ok::<(), promlet::regex::RegexError>(())
/// ```
#[derive(Clone)]
pub struct Regex {
    compiled: Arc<Compiled>,
}

/// Texts that the program is run over before it is worth an automaton: those of node_exporter's
/// defaults take 34 KiB. Collectors ask once for each name; few hosts have so many mounts or counters.
const RUNS_BEFORE_AUTOMATON: u32 = 1_000;

struct Compiled {
    pattern: String,
    program: Program,
    /// Texts that were looked at so far, until there is an automaton.
    runs: AtomicU32,
    /// None if it would be large.
    automaton: OnceLock<Option<Automaton>>,
}

impl Compiled {
    /// The automaton, if it is small, and worth it by now.
    fn automaton(&self) -> Option<&Automaton> {
        if let Some(automaton) = self.automaton.get() {
            return automaton.as_ref();
        }
        // ORDERING: Relaxed: only the number matters, and no other memory is read through it.
        if self.runs.fetch_add(1, Ordering::Relaxed) < RUNS_BEFORE_AUTOMATON {
            return None;
        }
        self.automaton.get_or_init(|| Automaton::new(&self.program)).as_ref()
    }
}

impl Regex {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// What Go refuses, and what would take too much memory.
    pub fn new(pattern: &str) -> Result<Regex, RegexError> {
        let program = parser::compile(pattern)?;
        let (pattern, automaton) = (pattern.to_owned(), OnceLock::new());
        let compiled = Compiled { pattern, program, runs: AtomicU32::new(0), automaton };
        Ok(Regex { compiled: Arc::new(compiled) })
    }

    /// Whether the expression matches anywhere in the text. A byte that is not UTF-8 reads as
    /// U+FFFD.
    ///
    /// An expression that is asked often, and is not a large one, becomes a table: from then on
    /// nothing is allocated.
    pub fn is_match(&self, text: &[u8]) -> bool {
        match self.compiled.automaton() {
            Some(automaton) => automaton.is_match(text),
            None => matcher::search(&self.compiled.program, text, 0).is_some(),
        }
    }

    /// The leftmost match, and what its groups match in it. Of several at one place it is the one
    /// that Perl would find.
    pub fn captures<'a>(&'a self, text: &'a [u8]) -> Option<Captures<'a>> {
        let program = &self.compiled.program;
        let slots = matcher::search(program, text, 2 * program.names.len())?;
        Some(Captures { text, slots, names: &program.names })
    }

    /// The names of the groups in their order, of which the first is the whole match.
    pub fn capture_names(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        self.compiled.program.names.iter().map(Option::as_deref)
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.compiled.pattern
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Expressions that are written alike.
impl PartialEq for Regex {
    fn eq(&self, other: &Regex) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Regex {}

/// What the groups of an expression matched.
#[derive(Clone, Debug)]
pub struct Captures<'a> {
    text: &'a [u8],
    slots: matcher::Slots,
    names: &'a [Option<String>],
}

impl<'a> Captures<'a> {
    /// What the group of this number matched, if it took part; 0 is the whole match.
    pub fn get(&self, group: usize) -> Option<&'a [u8]> {
        let (start, end) = (self.slots.get(2 * group)?, self.slots.get(2 * group + 1)?);
        self.text.get((*start)?..(*end)?)
    }

    /// What the group of this name matched, if it took part.
    pub fn name(&self, name: &str) -> Option<&'a [u8]> {
        let group = self.names.iter().position(|known| known.as_deref() == Some(name))?;
        self.get(group)
    }
}

#[cfg(test)]
mod tests;
