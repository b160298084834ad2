//! LZ77 over text with holes: finds what the constant text of a page repeats.
//!
//! The text is fed line by line; behind each line of it comes text that is not known yet, a value. So a
//! match never crosses the end of a line, neither where it stands nor where it points to, and what
//! is kept of it is not a distance but a line and a difference of offsets: the distance follows
//! once the values in between have their lengths.
//!
//! Positions are found by hash chains of four bytes, newest first, of bounded depth, so that the
//! work is linear in the text. A match is taken if it is cheaper than its literals; one that starts
//! a byte later and is longer is preferred to it (lazy matching, as in zlib).

use super::huffman::{DISTANCE_LENGTHS, LITLEN_LENGTHS};
use super::tables::{DISTANCE_MAX, LENGTH_OF, MATCH_LEN_MAX, distance_symbol};
use std::collections::VecDeque;

/// Bytes that are hashed. Shorter matches rarely cost less than their literals.
const HASHED: usize = 4;
/// The hash table has 2^12 entries, which fit into the first-level cache beside the window.
const HASH_BITS: u32 = 12;
/// Candidates that are looked at for one position. Lines often repeat not the one before but one
/// some lines back; past this the chance to find a longer match is not worth the time.
const CHAIN_MAX: usize = 24;
/// The search ends with a match of this length.
const NICE_LEN: usize = 96;
/// A match of this length is taken without a look at the next byte.
const LAZY_LEN_MAX: usize = 32;

/// Of a longer match only so many literals are added up; those behind are counted as six bits each.
const LITERALS_COUNTED: usize = 16;
const LITERAL_BITS: i32 = 6;

/// Of a longer match only so many positions are put into the chains: lines that repeat it will
/// begin and end where it does.
const INSERTED_HEAD: usize = 8;
const INSERTED_TAIL: usize = 4;

/// The longest value that can stand behind a line; distances must hold whatever the values are.
pub(super) const VALUE_LEN_MAX: usize = 24;
/// Lines further back than this are not referred to: it bounds what a stream must remember.
pub(super) const LINES_BACK_MAX: usize = 255;
/// Pages further back are not referred to: it bounds how many pages must be compiled again when
/// one changes.
const PAGES_BACK_MAX: usize = 16;
/// Nor is text that lies further back than this many bytes before the page; a page of a large family
/// finds all it needs in itself and the one before.
const BYTES_BACK_MAX: usize = 4_096;
/// Offsets in lines that differ by this much are not referred to: only lines of megabytes have them.
pub(super) const OFFSET_DIFFERENCE_LIMIT: i32 = 1 << 22;
/// Stands behind each line in the window. It occurs in no UTF-8, so no match runs across it.
const LINE_END: u8 = 0xff;
/// The window is cut off in front when it is this long.
const WINDOW_LEN_MAX: usize = 1 << 16;

/// A part of a line's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Literal(u8),
    Match {
        len: u16,
        /// 0 is the same line, 1 the one before.
        lines_back: u8,
        /// Where the match stands in its line, less where its source stands in that line.
        offset_difference: i32,
    },
}

/// The text so far, and where its parts can be found.
pub(super) struct Matcher {
    window: Vec<u8>,
    /// Where the lines of the window start.
    lines: Vec<u32>,
    /// How much text stands behind all lines before each of them, at most.
    room_before: Vec<u32>,
    /// Where the pages of the window start, and with which line.
    pages: VecDeque<(u32, u32)>,
    /// Newest position of each hash, plus one.
    heads: Box<[u32; 1 << HASH_BITS]>,
    /// The position before with the same hash, plus one.
    previous: Vec<u32>,
    /// As `room_before`, of the line that comes next.
    room: u32,
    /// What each line of the present page adds to it.
    room_per_line: u32,
    /// Positions before this one are in the chains.
    inserted: usize,
}

/// What a page's text was found in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach {
    /// The furthest page back that is referred to; 0 is the page itself.
    pub(super) pages_back: usize,
}

#[derive(Clone, Copy)]
struct Candidate {
    /// The line that it points into.
    line: usize,
    /// As in [`Token::Match`].
    offset_difference: i32,
    len: usize,
    /// Bits that its literals would cost more than it does.
    gain: i32,
}

impl Matcher {
    pub(super) fn new() -> Matcher {
        Matcher {
            window: Vec::new(),
            lines: Vec::new(),
            room_before: Vec::new(),
            pages: VecDeque::new(),
            heads: Box::new([0; 1 << HASH_BITS]),
            previous: Vec::new(),
            room: 0,
            room_per_line: 0,
            inserted: 0,
        }
    }

    /// Forgets all text.
    pub(super) fn clear(&mut self) {
        self.window.clear();
        self.lines.clear();
        self.room_before.clear();
        self.room = 0;
        self.pages.clear();
        self.heads.fill(0);
        self.previous.clear();
        self.inserted = 0;
    }

    /// Whether the window should be cleared, and refilled with the last pages, before the next one.
    pub(super) fn is_full(&self) -> bool {
        self.window.len() > WINDOW_LEN_MAX
    }

    /// How many of the pages before the next one, each given by its text's length, newest first,
    /// can be referred to by it.
    pub(super) fn pages_needed(lens: impl Iterator<Item = usize>) -> usize {
        let mut bytes = 0;
        lens.take(PAGES_BACK_MAX)
            .take_while(|len| {
                let is_near = bytes < BYTES_BACK_MAX;
                bytes += len;
                is_near
            })
            .count()
    }

    /// Adds a line, with what stands in front of it, that is compiled already.
    pub(super) fn skip(&mut self, separator: &[u8], line: &[u8]) {
        self.begin_line(separator, line);
    }

    /// What is added from now on is another page, with at most so much text behind each line.
    pub(super) fn begin_page(&mut self, room_per_line: usize) {
        self.room_per_line = room_per_line as u32;
        self.pages.push_back((self.window.len() as u32, self.lines.len() as u32));
        if self.pages.len() > PAGES_BACK_MAX + 1 {
            self.pages.pop_front();
        }
    }

    /// Where the text starts that the present page may refer to.
    fn reach_start(&self) -> usize {
        let (page_start, _) = *self.pages.back().expect("a page has begun");
        let limit = page_start.saturating_sub(BYTES_BACK_MAX as u32);
        // The page that the limit falls into is good as a whole.
        let start = self.pages.iter().rev().find(|(start, _)| *start <= limit);
        start.map_or(self.pages[0].0, |(start, _)| *start) as usize
    }

    fn begin_line(&mut self, separator: &[u8], line: &[u8]) -> usize {
        let start = self.window.len();
        self.lines.push(start as u32);
        self.room_before.push(self.room);
        self.room += self.room_per_line;
        self.window.extend_from_slice(separator);
        self.window.extend_from_slice(line);
        self.window.push(LINE_END);
        start
    }

    /// Adds a line behind `separator` and says what both are made of. `reach` learns how far back
    /// that is.
    pub(super) fn tokenize(
        &mut self,
        separator: &[u8],
        line: &[u8],
        reach: &mut Reach,
        mut token: impl FnMut(Token),
    ) {
        let start = self.begin_line(separator, line);
        let end = start + separator.len() + line.len();
        let reach_start = self.reach_start();
        let mut position = start;
        let mut next = None;
        while position < end {
            let found = next.take().unwrap_or_else(|| self.longest(position, end, reach_start));
            let Some(found) = found else {
                token(Token::Literal(self.window[position]));
                position += 1;
                continue;
            };
            if found.len < LAZY_LEN_MAX && position + 1 < end {
                let later = self.longest(position + 1, end, reach_start);
                if later.is_some_and(|later| later.gain > found.gain) {
                    token(Token::Literal(self.window[position]));
                    position += 1;
                    next = Some(later);
                    continue;
                }
            }
            token(self.reference(found, reach));
            if found.len > INSERTED_HEAD + INSERTED_TAIL {
                self.insert_before(position + INSERTED_HEAD);
                self.inserted = position + found.len - INSERTED_TAIL;
            }
            position += found.len;
        }
    }

    fn reference(&self, found: Candidate, reach: &mut Reach) -> Token {
        let Candidate { line, offset_difference, len, .. } = found;
        let page = self.pages.iter().rev().position(|(_, first)| *first as usize <= line);
        reach.pages_back = reach.pages_back.max(page.expect("sources lie in a page"));
        let lines_back = (self.lines.len() - 1 - line) as u8;
        Token::Match { len: len as u16, lines_back, offset_difference }
    }

    /// The best match for the text at `position`, which may reach up to `end`.
    fn longest(&mut self, position: usize, end: usize, reach_start: usize) -> Option<Candidate> {
        self.insert_before(position);
        if position + HASHED > end {
            return None;
        }
        let len_max = (end - position).min(MATCH_LEN_MAX);
        let oldest_line = self.lines.len().saturating_sub(1 + LINES_BACK_MAX);
        let oldest = reach_start
            .max(self.lines[oldest_line] as usize)
            .max(position.saturating_sub(DISTANCE_MAX));
        let (mut best_source, mut best_len) = (0, HASHED - 1);
        let mut candidate = self.heads[hash(&self.window[position..])];
        for _ in 0..CHAIN_MAX {
            let Some(source) = (candidate as usize).checked_sub(1) else { break };
            if source < oldest {
                break;
            }
            // A longer match agrees where the best one so far ends.
            if self.window[source + best_len] == self.window[position + best_len] {
                let len = self.common_len(source, position, len_max);
                if len > best_len {
                    (best_source, best_len) = (source, len);
                    if len >= len_max.min(NICE_LEN) {
                        break;
                    }
                }
            }
            candidate = self.previous[source];
        }
        (best_len >= HASHED).then(|| self.candidate(best_source, position, best_len))?
    }

    fn common_len(&self, source: usize, position: usize, len_max: usize) -> usize {
        let target = &self.window[position..position + len_max];
        let source = &self.window[source..source + len_max];
        let (target_words, _) = target.as_chunks::<8>();
        let (source_words, _) = source.as_chunks::<8>();
        let mut len = 0;
        for (a, b) in target_words.iter().zip(source_words) {
            let difference = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            if difference != 0 {
                return len + difference.trailing_zeros() as usize / 8;
            }
            len += 8;
        }
        len + target[len..].iter().zip(&source[len..]).take_while(|(a, b)| a == b).count()
    }

    /// The match of `position` with `source`, if it is worth its bits and can be expressed.
    fn candidate(&self, source: usize, position: usize, len: usize) -> Option<Candidate> {
        let distance = position - source;
        let line = self.lines.partition_point(|start| *start as usize <= source) - 1;
        let last = self.lines.len() - 1;
        // How far apart the lines begin, less how far apart the texts are.
        let lines_apart = i64::from(self.lines[last]) - i64::from(self.lines[line]);
        let offset_difference = i32::try_from(distance as i64 - lines_apart).ok()?;
        // Each line end in between stands for what comes behind the line.
        let room = (self.room_before[last] - self.room_before[line]) as usize;
        let distance_max = distance - (last - line) + room;
        if distance_max > DISTANCE_MAX || offset_difference.abs() >= OFFSET_DIFFERENCE_LIMIT {
            return None;
        }
        let literals = &self.window[position..position + len];
        let literal_bits = |byte: &u8| i32::from(LITLEN_LENGTHS[usize::from(*byte)]);
        let saved: i32 = literals.iter().take(LITERALS_COUNTED).map(literal_bits).sum();
        let gain = saved + LITERAL_BITS * len.saturating_sub(LITERALS_COUNTED) as i32
            - cost(len, distance) as i32;
        (gain > 0).then_some(Candidate { line, offset_difference, len, gain })
    }

    /// Puts the positions before `end` into the chains.
    fn insert_before(&mut self, end: usize) {
        let last = end.min((self.window.len() + 1).saturating_sub(HASHED));
        let Some(count) = last.checked_sub(self.inserted).filter(|count| *count > 0) else {
            return;
        };
        self.previous.resize(last.max(self.previous.len()), 0);
        let texts = self.window[self.inserted..].windows(HASHED);
        let previous = &mut self.previous[self.inserted..];
        let positions = self.inserted as u32 + 1..;
        for ((text, previous), position) in texts.zip(previous).zip(positions).take(count) {
            let head = &mut self.heads[hash(text)];
            *previous = std::mem::replace(head, position);
        }
        self.inserted = last;
    }
}

/// The chain of text that begins with these four bytes.
#[inline]
fn hash(text: &[u8]) -> usize {
    let bytes = text.first_chunk::<HASHED>().expect("text is hashed where four bytes are left");
    (u32::from_le_bytes(*bytes).wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

/// The bits that a match takes at this distance.
fn cost(len: usize, distance: usize) -> u32 {
    let length = LENGTH_OF[len];
    let (symbol, extra_bits) = distance_symbol(distance as u32);
    u32::from(LITLEN_LENGTHS[usize::from(length.symbol)])
        + u32::from(length.extra_bits)
        + u32::from(DISTANCE_LENGTHS[symbol])
        + extra_bits
}
