//! A page compiled to bits: constant text tokenized once, with slots for values, completed at each
//! scrape.
//!
//! ```text
//! line     step* value tail         the tail, of some pages, is other text that is not known before
//! step     up to 27 ready bits (literals, then the code of a match length), and then
//!            a distance to complete: the line it points into, the difference of the offsets
//!            or nothing; and whether the value follows
//! ```
//!
//! Lines of a page are much alike, and so are their steps. Where it takes less memory, a page has
//! each step once, and a byte for each place in which it comes.
//!
//! While a stream is written it remembers where its last 256 lines began. A distance is then one
//! subtraction: of two line starts, plus the constant difference of the offsets in their lines.

use super::bits::FLUSH_ROOM;
use super::crc32;
use super::huffman::{Code, LITLEN};
use super::matches::{Matcher, OFFSET_DIFFERENCE_LIMIT, Reach, Token, VALUE_LEN_MAX};
use super::tables::LENGTH_OF;
use std::collections::HashMap;

/// Ready bits of a step.
const STEP_BITS_MAX: u32 = 27;

/// Some ready bits, and what comes behind them.
///
/// ```text
/// bits   bits: 27, from the lowest up | their number: 5
/// then   difference of offsets: 23, signed | lines back: 8 | is the line's last step: 1
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Step {
    bits: u32,
    then: u32,
}

impl Step {
    const LAST: u32 = 1 << 31;
    const OFFSET_BITS: u32 = 23;
    /// No distance: in the same line none is zero.
    const NO_DISTANCE: u32 = 0;

    #[inline]
    pub(super) fn ready(self) -> (u64, u32) {
        (u64::from(self.bits & ((1 << STEP_BITS_MAX) - 1)), self.bits >> STEP_BITS_MAX)
    }

    #[inline]
    pub(super) fn has_distance(self) -> bool {
        self.then & !Step::LAST != Step::NO_DISTANCE
    }

    /// Whether the line's value follows.
    #[inline]
    pub(super) fn is_last(self) -> bool {
        self.then & Step::LAST != 0
    }

    /// Lines back, and the difference of the offsets.
    #[inline]
    pub(super) fn distance_source(self) -> (usize, i32) {
        let shift = 32 - Step::OFFSET_BITS;
        let lines_back = (self.then >> Step::OFFSET_BITS) as u8;
        (lines_back.into(), (self.then << shift).cast_signed() >> shift)
    }
}

const _: () = assert!(OFFSET_DIFFERENCE_LIMIT <= 1 << (Step::OFFSET_BITS - 1), "a step has room");

/// The steps of a page, in the order of the stream.
#[derive(Debug)]
pub(super) enum Program {
    Plain(Box<[Step]>),
    /// INVARIANT: `order` has indices into `distinct`.
    Indexed {
        distinct: Box<[Step]>,
        order: Box<[u8]>,
    },
}

impl Program {
    fn new(steps: Vec<Step>) -> Program {
        let (mut indices, mut distinct) = (HashMap::new(), Vec::new());
        let index = |step: &Step| {
            let index = *indices.entry(*step).or_insert_with(|| {
                distinct.push(*step);
                distinct.len() - 1
            });
            u8::try_from(index).ok()
        };
        let order: Option<Box<[u8]>> = steps.iter().map(index).collect();
        let indexed_len = size_of_val(&distinct[..]) + steps.len();
        match order {
            Some(order) if indexed_len < size_of_val(&steps[..]) => {
                Program::Indexed { distinct: distinct.into(), order }
            }
            _ => Program::Plain(steps.into()),
        }
    }
}

/// A page of lines, compiled.
#[derive(Debug)]
pub struct Template {
    pub(super) program: Program,
    pub(super) lines: Box<[LineText]>,
    /// Whole bytes that all ready bits and distances take at most.
    constant_len_max: usize,
    tail_len_max: usize,
    pages_back: usize,
}

/// What is asked of a template whose page is as it was: apart from it, so that it is not fetched.
#[derive(Clone, Copy, Debug)]
pub struct Outline {
    pub(super) line_count: usize,
    pub(super) pages_back: usize,
    /// The rendered page takes at most this many bytes.
    pub len_max: usize,
}

/// What the CRC needs to know of a line's constant text.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineText {
    pub(super) len: u32,
    /// What it leaves in a state of zero.
    pub(super) crc: u32,
}

impl Template {
    /// How many of the pages before it its matches point into.
    pub fn pages_back(&self) -> usize {
        self.pages_back
    }

    /// What is needed where the page is as it was in the member before.
    pub fn outline(&self) -> Outline {
        let len_max = self.len_max_with_tails(self.lines.len() * self.tail_len_max);
        Outline { line_count: self.lines.len(), pages_back: self.pages_back, len_max }
    }

    /// The rendered page takes at most this many bytes where all tails together are so long.
    pub(super) fn len_max_with_tails(&self, tails_len: usize) -> usize {
        // The longest literal code takes two bytes.
        let unknown = self.lines.len() * VALUE_LEN_MAX + tails_len;
        self.constant_len_max + 2 * unknown + FLUSH_ROOM
    }
}

/// Compiles pages, one after the other in the order of a stream.
pub struct Compiler {
    matcher: Matcher,
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler { matcher: Matcher::new() }
    }
}

impl Compiler {
    /// Begins at another place of the stream.
    pub fn restart(&mut self) {
        self.matcher.clear();
    }

    /// Whether it should be restarted, and be shown the last pages again, before the next page.
    pub fn is_full(&self) -> bool {
        self.matcher.is_full()
    }

    /// How many pages before the next one it must be shown; their lengths come newest first.
    pub fn pages_needed(lens: impl Iterator<Item = usize>) -> usize {
        Matcher::pages_needed(lens)
    }

    /// Looks at a page that is compiled already, so that later ones can refer to it. The parameters
    /// are those that it was compiled with.
    pub fn skip<'t>(
        &mut self,
        lines: impl Iterator<Item = &'t [u8]>,
        tail_len_max: usize,
        is_first: bool,
    ) {
        self.matcher.begin_page(VALUE_LEN_MAX + tail_len_max);
        for (separator, line) in separated(lines, is_first) {
            self.matcher.skip(separator, line);
        }
    }

    /// Compiles a page of lines, each the constant text in front of a value. Behind the value there
    /// may be a tail of up to `tail_len_max` bytes. A line feed stands between that and the next line,
    /// also behind the page before, unless this page is the first of all.
    pub fn compile<'t>(
        &mut self,
        lines: impl Iterator<Item = &'t [u8]>,
        tail_len_max: usize,
        is_first: bool,
    ) -> Template {
        self.matcher.begin_page(VALUE_LEN_MAX + tail_len_max);
        let mut reach = Reach::default();
        let mut steps = Steps::default();
        let mut texts = Vec::new();
        for (separator, line) in separated(lines, is_first) {
            self.matcher.tokenize(separator, line, &mut reach, |token| steps.add(token));
            steps.end_line();
            let len = separator.len() + line.len();
            let crc = crc32::update(crc32::update(0, separator), line);
            texts.push(LineText { len: len as u32, crc });
        }
        Template {
            constant_len_max: steps.bits_max.div_ceil(8),
            program: Program::new(steps.done),
            lines: texts.into(),
            tail_len_max,
            pages_back: reach.pages_back,
        }
    }
}

/// Lines with what stands in front of each.
fn separated<'t>(
    lines: impl Iterator<Item = &'t [u8]>,
    is_first: bool,
) -> impl Iterator<Item = (&'static [u8], &'t [u8])> {
    let first: &[u8] = if is_first { b"" } else { b"\n" };
    std::iter::once(first).chain(std::iter::repeat(&b"\n"[..])).zip(lines)
}

/// A distance takes at most this: a code of 15 bits and 13 extra bits.
const DISTANCE_BITS_MAX: usize = 28;

/// Steps under construction.
#[derive(Default)]
struct Steps {
    done: Vec<Step>,
    /// The first step of the present line.
    line_start: usize,
    /// Those of the present step.
    bits: u32,
    len: u32,
    /// What all steps take at most.
    bits_max: usize,
}

impl Steps {
    fn add(&mut self, token: Token) {
        match token {
            Token::Literal(byte) => self.append(LITLEN[usize::from(byte)]),
            Token::Match { len, lines_back, offset_difference } => {
                let length = LENGTH_OF[usize::from(len)];
                self.append(LITLEN[usize::from(length.symbol)]);
                self.append(Code { bits: length.extra.into(), len: length.extra_bits });
                let offset = offset_difference.cast_unsigned() & ((1 << Step::OFFSET_BITS) - 1);
                self.end_step(u32::from(lines_back) << Step::OFFSET_BITS | offset);
                self.bits_max += DISTANCE_BITS_MAX;
            }
        }
    }

    fn append(&mut self, code: Code) {
        let len = u32::from(code.len);
        if self.len + len > STEP_BITS_MAX {
            self.end_step(Step::NO_DISTANCE);
        }
        self.bits |= u32::from(code.bits) << self.len;
        self.len += len;
    }

    fn end_step(&mut self, then: u32) {
        self.done.push(Step { bits: self.bits | self.len << STEP_BITS_MAX, then });
        self.bits_max += self.len as usize;
        (self.bits, self.len) = (0, 0);
    }

    fn end_line(&mut self) {
        if self.len > 0 || self.done.len() == self.line_start {
            self.end_step(Step::NO_DISTANCE);
        }
        self.done.last_mut().expect("a line has a step").then |= Step::LAST;
        self.line_start = self.done.len();
    }
}
