//! What a stream remembers of the member that it made before: most pages of a scrape are those of
//! the scrape before, bit by bit.
//!
//! ```text
//! before    the bytes of the member before; its pages begin and end at any bit
//! present   those of the present one, so far
//! pages     for each page: where its bits end, and what its text does to the CRC
//! marks     for each line: what tells its value from others
//! lens      for each line: its length, that of its value's text included
//! ```
//!
//! The bits of a page are good again if its values are the same, and if the values in front of it
//! are as long as they were, as far back as its matches point.

use super::bits::FLUSH_ROOM;
use super::template::{LineText, Outline};
use super::value::Value;
use std::ops::Range;

/// Pages behind so many bits of a member are not remembered, which bounds the memory to half a MiB
/// and twelve bytes a line. Where there is more, most pages change between two scrapes.
const REMEMBERED_BITS_MAX: usize = 8 * 256 * 1_024;

/// Records are brought up to date in place, one page after the other: those in front of the next one
/// are of the present member, the others of the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// With [`FLUSH_ROOM`] more bytes behind it.
    before: Vec<u8>,
    present: Vec<u8>,
    pages: Vec<PageRecord>,
    marks: Vec<u64>,
    lens: Vec<u32>,
    /// The page that comes next, and its first line.
    page: usize,
    line: usize,
    /// Where its bits start in the member before, and in the present one.
    bit_before: usize,
    bit: usize,
    /// How many pages right before it have values as long as they were.
    alike: usize,
}

/// What a text once made of the CRC's state: linear in the difference, so that the state it makes of
/// another one follows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CrcStep {
    pub(super) before: u32,
    pub(super) after: u32,
}

#[derive(Clone, Copy, Debug)]
struct PageRecord {
    /// Counted in bits from the start of the member.
    end: u32,
    crc: CrcStep,
}

/// A page that is as it was.
pub(super) struct Repeated<'h> {
    /// Where its bits are in the member before.
    pub(super) bits: Range<usize>,
    /// Where the page before was repeated too, and since they were written, this begins mostly with
    /// what that one ended with.
    pub(super) crc: CrcStep,
    /// The length of each line.
    pub(super) lens: &'h [u32],
}

impl History {
    /// Begins with the first page again, which starts at `bit`.
    pub(super) fn begin(&mut self, bit: usize) {
        std::mem::swap(&mut self.before, &mut self.present);
        self.before.extend_from_slice(&[0; FLUSH_ROOM]);
        self.present.clear();
        // Members are much alike in length: without this it would grow to twice of it.
        self.present.reserve_exact(self.before.len());
        (self.bit_before, self.bit) = (bit, bit);
        (self.page, self.line, self.alike) = (0, 0, 0);
    }

    /// Forgets all pages: those of a member that was not made to its end are of two members.
    pub(super) fn forget(&mut self) {
        self.pages.clear();
    }

    /// The marks of the values that the next page had; none if it is not remembered.
    pub(super) fn marks(&self, line_count: usize) -> &[u64] {
        let lines = if self.page < self.pages.len() { line_count } else { 0 };
        &self.marks[self.line..][..lines]
    }

    /// Passes the next page, if it is remembered, and its bits are good again for the values that it
    /// had.
    pub(super) fn repeat(&mut self, page: Outline) -> Option<Repeated<'_>> {
        let Outline { line_count, pages_back, .. } = page;
        if self.bit > REMEMBERED_BITS_MAX || self.alike < pages_back {
            return None;
        }
        let record = self.pages.get_mut(self.page)?;
        let bits = self.bit_before..record.end as usize;
        record.end = u32::try_from(self.bit + bits.len()).ok()?;
        (self.bit_before, self.bit) = (bits.end, record.end as usize);
        let lens = &self.lens[self.line..][..line_count];
        self.page += 1;
        self.line += line_count;
        self.alike += 1;
        Some(Repeated { bits, crc: record.crc, lens })
    }

    /// Remembers the next page, which takes so many bits.
    pub(super) fn record(
        &mut self,
        texts: &[LineText],
        values: &[Value],
        bits: usize,
        crc: CrcStep,
    ) {
        let end = match u32::try_from(self.bit + bits) {
            Ok(end) if self.bit <= REMEMBERED_BITS_MAX => end,
            _ => return self.pages.truncate(self.page),
        };
        let lines_end = self.line + values.len();
        let is_new = self.page == self.pages.len();
        if is_new {
            self.pages.push(PageRecord { end, crc });
            self.marks.resize(lines_end, 0);
            self.lens.resize(lines_end, 0);
        }
        let before = std::mem::replace(&mut self.pages[self.page], PageRecord { end, crc });
        (self.bit_before, self.bit) = (before.end as usize, end as usize);
        let mut is_alike = !is_new;
        let marks = self.marks[self.line..lines_end].iter_mut();
        let lines = marks.zip(&mut self.lens[self.line..lines_end]);
        for ((mark, len), (text, value)) in lines.zip(texts.iter().zip(values)) {
            let before = std::mem::replace(len, text.len.wrapping_add(value.len.into()));
            is_alike &= *len == before;
            *mark = value.mark;
        }
        self.page += 1;
        self.line = lines_end;
        self.alike = if is_alike { self.alike + 1 } else { 0 };
    }

    /// Whatever the next pages refer to before here has other lengths than it had.
    pub(super) fn break_off(&mut self) {
        self.alike = 0;
    }

    /// Keeps what is written of the present member as far as its pages are remembered.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let missing = self.bit.div_ceil(8).saturating_sub(self.present.len());
        self.present.extend_from_slice(&bytes[..bytes.len().min(missing)]);
    }

    /// The bytes of the member before, and a few behind them.
    pub(super) fn before(&self) -> &[u8] {
        &self.before
    }
}
