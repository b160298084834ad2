//! A page compiled to bits: constant text tokenized once, with slots for values, completed at each
//! scrape.
//!
//! ```text
//! line     step* value
//! step     up to 27 ready bits (literals, then the code of a match length), and then
//!            a distance to complete: the line it points into, the difference of the offsets
//!            or nothing; and whether the value follows
//! ```
//!
//! While a stream is written it remembers where its last 256 lines began. A distance is then one
//! subtraction: of two line starts, plus the constant difference of the offsets in their lines.

use super::bits::Bits;
use super::crc32::{self, Shifts};
use super::huffman::{BLOCK_HEADER, Code, DIGIT_BITS, DISTANCE, END, FIRST_DIGIT_CODE, LITLEN};
use super::matches::{LINES_BACK_MAX, Matcher, Reach, Token, VALUE_LEN_MAX};
use super::tables::{LENGTH_OF, distance_symbol};

/// The text of a value.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The text, and behind it anything.
    pub bytes: [u8; VALUE_LEN_MAX],
    /// The text's length: at least 1, at most that of `bytes`.
    pub len: u8,
}

impl Value {
    fn text(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The first eight bytes, the first one lowest.
    #[inline]
    fn first_word(&self) -> u64 {
        u64::from_le_bytes(*self.bytes.first_chunk().expect("there are 24 bytes"))
    }

    /// The CRC's state behind the text.
    #[inline]
    fn update_crc(&self, state: u32) -> u32 {
        if self.len > 8 {
            return crc32::update(state, self.text());
        }
        // The state goes through the register with the text; what is shifted up and out is what
        // stands behind the text, or of the state has not come to its turn and is added then.
        let state = u64::from(state);
        let spare = 64 - 8 * u32::from(self.len);
        let rest = state >> (8 * u32::from(self.len) - 1) >> 1;
        crc32::of_word((self.first_word() ^ state) << spare) ^ rest as u32
    }
}

/// Ready bits of a step.
const STEP_BITS_MAX: u32 = 27;

/// Some ready bits, and what comes behind them.
///
/// ```text
/// bits   bits: 27, from the lowest up | their number: 5
/// then   difference of offsets: 23, signed | lines back: 8 | is the line's last step: 1
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Step {
    bits: u32,
    then: u32,
}

impl Step {
    const LAST: u32 = 1 << 31;
    const OFFSET_BITS: u32 = 23;
    /// Differences of offsets are smaller than this.
    const OFFSET_LIMIT: i32 = 1 << (Step::OFFSET_BITS - 1);
    /// No distance: in the same line none is zero.
    const NO_DISTANCE: u32 = 0;

    #[inline]
    fn ready(self) -> (u64, u32) {
        (u64::from(self.bits & ((1 << STEP_BITS_MAX) - 1)), self.bits >> STEP_BITS_MAX)
    }

    #[inline]
    fn has_distance(self) -> bool {
        self.then & !Step::LAST != Step::NO_DISTANCE
    }

    #[inline]
    fn distance_source(self) -> (usize, i32) {
        let shift = 32 - Step::OFFSET_BITS;
        let lines_back = (self.then >> Step::OFFSET_BITS) as u8;
        (lines_back.into(), (self.then << shift).cast_signed() >> shift)
    }
}

/// A page of lines, compiled.
#[derive(Debug)]
pub struct Template {
    steps: Box<[Step]>,
    lines: Box<[LineText]>,
    /// Whole bytes that all ready bits and distances take at most.
    constant_len_max: usize,
    pages_back: usize,
}

/// What the CRC needs to know of a line's constant text.
#[derive(Clone, Copy, Debug)]
struct LineText {
    len: u32,
    /// What it leaves in a state of zero.
    crc: u32,
}

impl Template {
    /// How many of the pages before it its matches point into.
    pub fn pages_back(&self) -> usize {
        self.pages_back
    }

    /// The rendered page takes at most this many bytes.
    pub fn len_max(&self) -> usize {
        // The longest literal code takes two bytes.
        self.constant_len_max + self.lines.len() * 2 * VALUE_LEN_MAX + FLUSH_ROOM
    }
}

/// Compiles pages, one after the other in the order of a stream.
pub struct Compiler {
    matcher: Matcher,
    line_len_max: usize,
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler { matcher: Matcher::new(), line_len_max: VALUE_LEN_MAX }
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

    /// Looks at a page that is compiled already, so that later ones can refer to it.
    pub fn skip<'t>(&mut self, lines: impl Iterator<Item = &'t [u8]>, is_first: bool) {
        self.matcher.begin_page();
        for (separator, line) in separated(lines, is_first) {
            self.matcher.skip(separator, line);
        }
    }

    /// Compiles a page of lines, each the constant text in front of a value. A line feed stands
    /// between one value and the next line, also that of the page before, unless this page is the
    /// first of all.
    pub fn compile<'t>(
        &mut self,
        lines: impl Iterator<Item = &'t [u8]>,
        is_first: bool,
    ) -> Template {
        self.matcher.begin_page();
        let mut reach = Reach::default();
        let mut steps = Steps::default();
        let mut texts = Vec::new();
        for (separator, line) in separated(lines, is_first) {
            self.matcher.tokenize(separator, line, &mut reach, |token| steps.add(token));
            steps.end_line();
            let len = separator.len() + line.len();
            let crc = crc32::update(crc32::update(0, separator), line);
            texts.push(LineText { len: len as u32, crc });
            self.line_len_max = self.line_len_max.max(len + VALUE_LEN_MAX);
        }
        Template {
            constant_len_max: steps.bits_max.div_ceil(8),
            steps: steps.done.into(),
            lines: texts.into(),
            pages_back: reach.pages_back,
        }
    }

    /// The longest line so far, its value included.
    pub fn line_len_max(&self) -> usize {
        self.line_len_max
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
                assert!(offset_difference.abs() < Step::OFFSET_LIMIT, "matches are near");
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

/// Room that a flush writes beyond what it leaves.
const FLUSH_ROOM: usize = 8;

/// Line starts that a stream remembers; a power of two.
const STARTS: usize = LINES_BACK_MAX + 1;

/// One gzip member under way.
#[derive(Clone, Debug)]
pub struct Stream {
    bits: Bits,
    /// The CRC's state.
    crc: u32,
    /// The length of the text so far, modulo 2^32.
    position: u32,
    line: usize,
    /// Where the last lines began.
    starts: [u32; STARTS],
    /// Room for a page; kept, since to make it costs more than to copy what a page takes of it.
    room: Vec<u8>,
}

/// The member's header (RFC 1952 §2.3): deflate, no name, no time, unknown system.
const MEMBER_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            bits: Bits::default(),
            crc: crc32::INITIAL,
            position: 0,
            line: 0,
            starts: [0; STARTS],
            room: Vec::new(),
        }
    }
}

impl Stream {
    /// Appends what comes before all pages.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MEMBER_HEADER);
        out.extend_from_slice(&BLOCK_HEADER.bytes[..BLOCK_HEADER.bits / 8]);
        let rest = BLOCK_HEADER.bits % 8;
        self.bits.append(u64::from(BLOCK_HEADER.bytes[BLOCK_HEADER.bits / 8]), rest as u32);
    }

    /// Appends a page with its values, one for each line.
    pub fn page(
        &mut self,
        template: &Template,
        shifts: &Shifts,
        values: &[Value],
        out: &mut Vec<u8>,
    ) {
        debug_assert_eq!(values.len(), template.lines.len());
        if self.room.len() < template.len_max() {
            self.room.resize(template.len_max(), 0);
        }
        let mut page = PageWriter { bits: self.bits, out: &mut self.room, at: 0 };
        let mut steps = template.steps.iter();
        for (text, value) in template.lines.iter().zip(values) {
            self.line = self.line.wrapping_add(1);
            self.starts[self.line % STARTS] = self.position;
            for step in steps.by_ref() {
                page.ready(*step);
                if step.has_distance() {
                    let (lines_back, offset_difference) = step.distance_source();
                    let source = self.starts[self.line.wrapping_sub(lines_back) % STARTS];
                    let distance = self.position.wrapping_sub(source);
                    page.distance(distance.wrapping_add_signed(offset_difference));
                }
                page.flush();
                if step.then & Step::LAST != 0 {
                    break;
                }
            }
            page.value(value);
            let state = shifts.shift(self.crc, text.len as usize) ^ text.crc;
            self.crc = value.update_crc(state);
            self.position = self.position.wrapping_add(text.len).wrapping_add(u32::from(value.len));
        }
        self.bits = page.bits;
        out.extend_from_slice(&page.out[..page.at]);
    }

    /// Appends `texts` as they are, and what comes behind all pages. Nothing may follow.
    pub fn finish(&mut self, texts: &[&[u8]], out: &mut Vec<u8>) {
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
    }
}

/// The bits of one page, and where they go.
struct PageWriter<'o> {
    bits: Bits,
    out: &'o mut [u8],
    at: usize,
}

impl PageWriter<'_> {
    #[inline]
    fn flush(&mut self) {
        let room = self.out[self.at..].first_chunk_mut();
        self.at += self.bits.flush(room.expect("a page has room for its longest form"));
    }

    #[inline]
    fn ready(&mut self, step: Step) {
        let (bits, len) = step.ready();
        self.bits.append(bits, len);
    }

    #[inline]
    fn distance(&mut self, distance: u32) {
        let (symbol, extra_bits) = distance_symbol(distance);
        let code = DISTANCE[symbol];
        let extra = u64::from(distance - 1) & ((1 << extra_bits) - 1);
        self.bits
            .append(u64::from(code.bits) | extra << code.len, u32::from(code.len) + extra_bits);
    }

    #[inline]
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
        for byte in value.text() {
            let code = LITLEN[usize::from(*byte)];
            self.bits.append(code.bits.into(), code.len.into());
            self.flush();
        }
    }
}

const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;
const SIXES: u64 = 0x0606_0606_0606_0606;
const HIGH_NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;

/// The codes of eight digits, one in each byte, packed; the lowest byte's come first.
#[inline]
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
