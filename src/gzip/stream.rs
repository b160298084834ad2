//! A gzip member under way: templates completed with values, and the checksum of the text that is
//! never written.

use super::bits::{Bits, FLUSH_ROOM};
use super::crc32::{self, Shifts};
use super::history::{CrcStep, History, Repeated};
use super::huffman::{BLOCK_HEADER, DIGIT_BITS, DISTANCE, END, FIRST_DIGIT_CODE, LITLEN};
use super::matches::LINES_BACK_MAX;
use super::tables::distance_symbol;
use super::template::{LineText, Outline, Program, Step, Template};
use super::value::Value;
use std::ops::Range;

/// Line starts that a stream remembers; a power of two.
const STARTS: usize = LINES_BACK_MAX + 1;

/// One gzip member under way.
#[derive(Clone, Debug)]
pub struct Stream {
    shifts: &'static Shifts,
    bits: Bits,
    /// The CRC's state in front of `repeated_crc`.
    crc: u32,
    /// The length of the text so far, modulo 2^32.
    position: u32,
    line: usize,
    /// Where the last lines began.
    starts: [u32; STARTS],
    /// Room for a page; kept, since to make it costs more than to copy what a page takes of it.
    room: Vec<u8>,
    history: Option<History>,
    /// Bits of the member before that come next.
    repeated: Range<usize>,
    /// What the last of them do to the CRC, and the length of their text.
    repeated_crc: (CrcStep, u32),
}

/// The member's header (RFC 1952 §2.3): deflate, no name, no time, unknown system.
const MEMBER_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            shifts: Shifts::get(),
            bits: Bits::default(),
            crc: crc32::INITIAL,
            position: 0,
            line: 0,
            starts: [0; STARTS],
            room: Vec::new(),
            history: None,
            repeated: 0..0,
            repeated_crc: Default::default(),
        }
    }
}

/// The bits in front of all pages.
const FRONT_BITS: usize = 8 * MEMBER_HEADER.len() + BLOCK_HEADER.bits;

impl Stream {
    /// A stream that makes member after member of the same pages, and what has not changed only once.
    pub fn with_history() -> Stream {
        Stream { history: Some(History::default()), ..Stream::default() }
    }

    /// Whether it is one [with history](Self::with_history).
    pub fn has_history(&self) -> bool {
        self.history.is_some()
    }

    /// Gives up the present member: [`begin`](Self::begin) is next.
    pub fn abandon(&mut self) {
        if let Some(history) = &mut self.history {
            history.forget();
        }
    }

    /// Begins a member: appends what comes before all pages.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        (self.bits, self.crc, self.position) = (Bits::default(), crc32::INITIAL, 0);
        (self.repeated, self.repeated_crc) = (0..0, Default::default());
        let start = out.len();
        out.extend_from_slice(&MEMBER_HEADER);
        out.extend_from_slice(&BLOCK_HEADER.bytes[..BLOCK_HEADER.bits / 8]);
        let rest = BLOCK_HEADER.bits % 8;
        self.bits.append(u64::from(BLOCK_HEADER.bytes[BLOCK_HEADER.bits / 8]), rest as u32);
        if let Some(history) = &mut self.history {
            history.begin(FRONT_BITS);
            history.write(&out[start..]);
        }
    }

    /// The marks of the values that the next page had in the member before, if that is remembered.
    pub fn marks(&self, page: Outline) -> &[u64] {
        self.history.as_ref().map_or(&[], |history| history.marks(page.line_count))
    }

    /// Takes the next page over from the member before: the page must have the values that it had.
    /// Says whether it could; else the page is to be written.
    pub fn repeat(&mut self, page: Outline) -> bool {
        let page = self.history.as_mut().and_then(|history| history.repeat(page));
        let Some(Repeated { bits, crc, lens }) = page else { return false };
        let start = if self.repeated.is_empty() { bits.start } else { self.repeated.start };
        self.repeated = start..bits.end;
        let mut position = self.position;
        for len in lens {
            self.line = self.line.wrapping_add(1);
            self.starts[self.line % STARTS] = position;
            position = position.wrapping_add(*len);
        }
        let (step, step_len) = &mut self.repeated_crc;
        if step.after != crc.before {
            self.crc = step_crc(self.shifts, self.crc, *step, *step_len);
            (*step, *step_len) = (crc, 0);
        }
        step.after = crc.after;
        *step_len = step_len.wrapping_add(position.wrapping_sub(self.position));
        self.position = position;
        true
    }

    /// How many bytes [`settle`](Self::settle) would append, about.
    pub fn unsettled_len(&self) -> usize {
        self.repeated.len() / 8
    }

    /// Appends the pages that were [repeated](Self::repeat) since it was called last. Writing a page,
    /// or the end, calls it.
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        let Some(history) = self.history.as_mut().filter(|_| !self.repeated.is_empty()) else {
            return;
        };
        let (step, len) = std::mem::take(&mut self.repeated_crc);
        self.crc = step_crc(self.shifts, self.crc, step, len);
        let start = out.len();
        self.bits.append_run(history.before(), std::mem::take(&mut self.repeated), out);
        history.write(&out[start..]);
    }

    /// Appends a page with its values, one for each line.
    pub fn page(&mut self, template: &Template, values: &[Value], out: &mut Vec<u8>) {
        debug_assert_eq!(values.len(), template.lines.len());
        self.settle(out);
        self.reserve(template.len_max_with_tails(0));
        let written = self.lines(template, values.iter().map(|value| (value, &[][..])), out);
        self.record(template, values, &written, out);
    }

    /// Appends a page with its values and what follows each of them. The tails stand end to end in
    /// `tails`, and `tail_ends` has an end for each line.
    pub fn page_with_tails(
        &mut self,
        template: &Template,
        values: &[Value],
        (tails, tail_ends): (&[u8], &[usize]),
        out: &mut Vec<u8>,
    ) {
        debug_assert!(values.len() == template.lines.len() && values.len() == tail_ends.len());
        self.settle(out);
        self.reserve(template.len_max_with_tails(tails.len()));
        let starts = std::iter::once(&0).chain(tail_ends);
        let tails = starts.zip(tail_ends).map(|(start, end)| &tails[*start..*end]);
        let written = self.lines(template, values.iter().zip(tails), out);
        self.record(template, values, &written, out);
        if let Some(history) = &mut self.history {
            history.break_off();
        }
    }

    fn record(&mut self, template: &Template, values: &[Value], written: &Written, out: &[u8]) {
        if let Some(history) = &mut self.history {
            history.record(&template.lines, values, written.bits, written.crc);
            history.write(&out[written.start..]);
        }
    }

    fn reserve(&mut self, len: usize) {
        if self.room.len() < len {
            self.room.resize(len, 0);
        }
    }

    /// Appends a page, for which there is room, with a value and a tail for each line.
    #[inline(always)]
    fn lines<'v>(
        &mut self,
        template: &'v Template,
        values: impl Iterator<Item = (&'v Value, &'v [u8])>,
        out: &mut Vec<u8>,
    ) -> Written {
        let texts = template.lines.iter().zip(values);
        match &template.program {
            Program::Plain(steps) => self.steps(steps.iter().copied(), texts, out),
            Program::Indexed { distinct, order } => {
                let steps = order.iter().map(|index| distinct[usize::from(*index)]);
                self.steps(steps, texts, out)
            }
        }
    }

    #[inline(always)]
    fn steps<'v>(
        &mut self,
        mut steps: impl Iterator<Item = Step>,
        texts: impl Iterator<Item = (&'v LineText, (&'v Value, &'v [u8]))>,
        out: &mut Vec<u8>,
    ) -> Written {
        let shifts = self.shifts;
        let (mut crc, mut position) = (self.crc, self.position);
        let mut page = PageWriter { bits: self.bits, out: &mut self.room, at: 0 };
        for (text, (value, tail)) in texts {
            self.line = self.line.wrapping_add(1);
            self.starts[self.line % STARTS] = position;
            for step in steps.by_ref() {
                page.ready(step);
                if step.has_distance() {
                    let (lines_back, offset_difference) = step.distance_source();
                    let source = self.starts[self.line.wrapping_sub(lines_back) % STARTS];
                    let distance = position.wrapping_sub(source);
                    page.distance(distance.wrapping_add_signed(offset_difference));
                }
                page.flush();
                if step.is_last() {
                    break;
                }
            }
            page.value(value);
            crc = value.update_crc(shifts.shift(crc, text.len as usize) ^ text.crc);
            position = position.wrapping_add(text.len).wrapping_add(u32::from(value.len));
            if !tail.is_empty() {
                page.text(tail);
                crc = crc32::update(crc, tail);
                position = position.wrapping_add(tail.len() as u32);
            }
        }
        let written = Written {
            start: out.len(),
            bits: 8 * page.at + page.bits.len() - self.bits.len(),
            crc: CrcStep { before: self.crc, after: crc },
        };
        (self.bits, self.crc, self.position) = (page.bits, crc, position);
        out.extend_from_slice(&page.out[..page.at]);
        written
    }

    /// Appends `texts` as they are, and what comes behind all pages. Nothing may follow.
    pub fn finish(&mut self, texts: &[&[u8]], out: &mut Vec<u8>) {
        self.settle(out);
        let start = out.len();
        let mut room = [0; FLUSH_ROOM];
        for text in texts {
            self.crc = crc32::update(self.crc, text);
            self.position = self.position.wrapping_add(text.len() as u32);
        }
        let codes = texts.iter().flat_map(|text| *text).map(|byte| LITLEN[usize::from(*byte)]);
        for code in codes.chain([END]) {
            self.bits.append(code.bits.into(), code.len.into());
            let len = self.bits.flush(&mut room);
            out.extend_from_slice(&room[..len]);
        }
        out.extend(self.bits.finish());
        out.extend_from_slice(&(!self.crc).to_le_bytes());
        out.extend_from_slice(&self.position.to_le_bytes());
        if let Some(history) = &mut self.history {
            history.write(&out[start..]);
        }
    }
}

/// A page that was appended.
struct Written {
    /// Where its bytes start.
    start: usize,
    bits: usize,
    crc: CrcStep,
}

/// The state that `state` becomes by a text of `len` bytes that did `step`.
fn step_crc(shifts: &Shifts, state: u32, step: CrcStep, len: u32) -> u32 {
    shifts.shift(state ^ step.before, len as usize) ^ step.after
}

/// The bits of one page, and where they go.
///
/// All of it, and [`Stream::lines`], is always inlined: there are two loops over lines, and left to
/// the compiler both have calls in them, which costs 6 %.
struct PageWriter<'o> {
    bits: Bits,
    out: &'o mut [u8],
    at: usize,
}

impl PageWriter<'_> {
    #[inline(always)]
    fn flush(&mut self) {
        let room = self.out[self.at..].first_chunk_mut();
        self.at += self.bits.flush(room.expect("a page has room for its longest form"));
    }

    #[inline(always)]
    fn ready(&mut self, step: Step) {
        let (bits, len) = step.ready();
        self.bits.append(bits, len);
    }

    #[inline(always)]
    fn distance(&mut self, distance: u32) {
        let (symbol, extra_bits) = distance_symbol(distance);
        let code = DISTANCE[symbol];
        let extra = u64::from(distance - 1) & ((1 << extra_bits) - 1);
        self.bits
            .append(u64::from(code.bits) | extra << code.len, u32::from(code.len) + extra_bits);
    }

    #[inline(always)]
    fn value(&mut self, value: &Value) {
        if value.len <= 8 {
            let spare = 64 - 8 * u32::from(value.len);
            let digits = (value.first_word() ^ ASCII_ZEROS) << spare >> spare;
            // No byte is above nine if adding six carries none of them into the high nibble.
            if (digits | digits.wrapping_add(SIXES)) & HIGH_NIBBLES == 0 {
                let len = DIGIT_BITS * u32::from(value.len);
                self.bits.append(digit_codes(digits) & ((1 << len) - 1), len);
                return self.flush();
            }
        }
        self.text(value.text());
    }

    #[inline(always)]
    fn text(&mut self, text: &[u8]) {
        // There is room for the codes of so many bytes at once.
        for bytes in text.chunks(4) {
            for byte in bytes {
                let code = LITLEN[usize::from(*byte)];
                self.bits.append(code.bits.into(), code.len.into());
            }
            self.flush();
        }
    }
}

const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;
const SIXES: u64 = 0x0606_0606_0606_0606;
const HIGH_NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;

/// The codes of eight digits, one in each byte, packed; the lowest byte's come first.
#[inline(always)]
fn digit_codes(digits: u64) -> u64 {
    const FIRST: u64 = FIRST_DIGIT_CODE as u64 * 0x0101_0101_0101_0101;
    // Codes are below 2^5, so bytes do not carry into each other.
    let codes = digits + FIRST;
    // The bits of each byte in reverse, shifted down to the lowest DIGIT_BITS.
    let swapped = (codes & 0x5555_5555_5555_5555) << 1 | codes >> 1 & 0x5555_5555_5555_5555;
    let swapped = (swapped & 0x3333_3333_3333_3333) << 2 | swapped >> 2 & 0x3333_3333_3333_3333;
    let swapped = (swapped & 0x0f0f_0f0f_0f0f_0f0f) << 4 | swapped >> 4 & 0x0f0f_0f0f_0f0f_0f0f;
    let reversed = swapped >> (8 - DIGIT_BITS) & (0x0101_0101_0101_0101 * ((1 << DIGIT_BITS) - 1));
    // Bytes to pairs, pairs to fours, fours to eight.
    let pairs = pack(reversed, 8, DIGIT_BITS, 0x0001_0001_0001_0001);
    let fours = pack(pairs, 16, 2 * DIGIT_BITS, 0x0000_0001_0000_0001);
    pack(fours, 32, 4 * DIGIT_BITS, 1)
}

/// Moves every second lane of `lane_bits`, of which `used_bits` are in use, next to the used bits of
/// the lane below it. `ones` has the lowest bit of each pair of lanes.
#[inline]
const fn pack(lanes: u64, lane_bits: u32, used_bits: u32, ones: u64) -> u64 {
    let low = ones * ((1 << used_bits) - 1);
    lanes & low | (lanes >> (lane_bits - used_bits) & (low << used_bits))
}
