//! A page compiled to bits: constant text tokenized once, with slots for values, completed at each
//! scrape.
//!
//! ```text
//! line     step* value
//! step     up to 27 ready bits (literals, then the code of a match length), and then
//!            a distance to complete: the line it points into, the difference of the offsets
//!            or nothing, or the value
//! ```
//!
//! While a stream is written it remembers where its last 256 lines began. A distance is then one
//! subtraction: of two line starts, plus the constant difference of the offsets in their lines.

use super::bits::Bits;
use super::crc32::{self, Shifts};
use super::huffman::{BLOCK_HEADER, Code, DIGIT_BITS, DISTANCE, END, FIRST_DIGIT_CODE, LITLEN};
use super::matches::{LINES_BACK_MAX, Matcher, Reach, Token, VALUE_LEN_MAX};
use super::tables::{LENGTH_OF, distance_symbol};

/// Text of a value: the first `len` bytes.
pub type Value = [u8; VALUE_LEN_MAX];

/// Ready bits of a step.
const STEP_BITS_MAX: u32 = 27;

/// Some ready bits, and what comes behind them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Step {
    /// The bits from the lowest up, and their number in the highest five.
    bits: u32,
    /// [`Step::VALUE`], [`Step::NOTHING`], or lines back in the highest eight bits and the
    /// difference of offsets, as a signed number, in the others.
    then: u32,
}

impl Step {
    /// The line's value comes next: a match of distance zero does not exist.
    const VALUE: u32 = 0;
    /// More bits come next: nor does one this far ahead in the same line.
    const NOTHING: u32 = Step::OFFSET_SIGN;
    const OFFSET_SIGN: u32 = 1 << (Step::OFFSET_BITS - 1);
    const OFFSET_BITS: u32 = 24;
    /// Offsets in lines longer than this are not referred to.
    const OFFSET_MAX: i32 = Step::OFFSET_SIGN as i32 - 1;

    #[inline]
    fn ready(self) -> (u64, u32) {
        (u64::from(self.bits & ((1 << STEP_BITS_MAX) - 1)), self.bits >> STEP_BITS_MAX)
    }

    #[inline]
    fn distance_source(self) -> (usize, i32) {
        let shift = 32 - Step::OFFSET_BITS;
        ((self.then >> Step::OFFSET_BITS) as usize, (self.then << shift).cast_signed() >> shift)
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
    shifts_len: usize,
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler { matcher: Matcher::new(), shifts_len: VALUE_LEN_MAX }
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
    pub fn skip<'t>(&mut self, lines: impl Iterator<Item = &'t [u8]>) {
        self.matcher.skip_page(lines);
    }

    /// Compiles a page of lines, each the constant text in front of a value.
    pub fn compile<'t>(&mut self, lines: impl Iterator<Item = &'t [u8]>) -> Template {
        self.matcher.begin_page();
        let mut reach = Reach::default();
        let mut steps = Steps::default();
        let mut texts = Vec::new();
        for line in lines {
            self.matcher.tokenize(line, &mut reach, |token| steps.add(token));
            steps.end_line();
            self.shifts_len = self.shifts_len.max(line.len() + VALUE_LEN_MAX);
            texts.push(LineText { len: line.len() as u32, crc: crc32::update(0, line) });
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
        self.shifts_len
    }
}

/// Steps under construction.
#[derive(Default)]
struct Steps {
    done: Vec<Step>,
    bits: u32,
    len: u32,
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
                let offset = offset_difference.cast_unsigned() & (u32::MAX >> 8);
                self.end_step(u32::from(lines_back) << Step::OFFSET_BITS | offset);
                self.bits_max += 28;
            }
        }
    }

    fn append(&mut self, code: Code) {
        let len = u32::from(code.len);
        if self.len + len > STEP_BITS_MAX {
            self.end_step(Step::NOTHING);
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
        self.end_step(Step::VALUE);
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
        }
    }
}

/// Writes the lines of one page.
pub struct PageWriter<'s, 'o> {
    stream: &'s mut Stream,
    shifts: &'s Shifts,
    steps: std::slice::Iter<'s, Step>,
    lines: std::slice::Iter<'s, LineText>,
    out: &'o mut Vec<u8>,
    at: usize,
}

impl Stream {
    /// Appends what comes before all pages.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MEMBER_HEADER);
        out.extend_from_slice(&BLOCK_HEADER.bytes[..BLOCK_HEADER.bits / 8]);
        let rest = BLOCK_HEADER.bits % 8;
        self.bits.append(u64::from(BLOCK_HEADER.bytes[BLOCK_HEADER.bits / 8]), rest as u32);
    }

    /// Begins a page, whose values are then to be written one by one.
    pub fn page<'s, 'o>(
        &'s mut self,
        template: &'s Template,
        shifts: &'s Shifts,
        out: &'o mut Vec<u8>,
    ) -> PageWriter<'s, 'o> {
        let at = out.len();
        out.resize(at + template.len_max(), 0);
        PageWriter {
            stream: self,
            shifts,
            steps: template.steps.iter(),
            lines: template.lines.iter(),
            out,
            at,
        }
    }

    /// Appends `text` as it is, and what comes behind all pages.
    pub fn finish(mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut room = [0; FLUSH_ROOM];
        let codes = text.iter().map(|byte| LITLEN[usize::from(*byte)]);
        for code in codes.chain([END]) {
            self.bits.append(code.bits.into(), code.len.into());
            let len = self.bits.flush(&mut room);
            out.extend_from_slice(&room[..len]);
        }
        out.extend(self.bits.finish());
        let crc = !crc32::update(self.crc, text);
        out.extend_from_slice(&crc.to_le_bytes());
        let len = self.position.wrapping_add(text.len() as u32);
        out.extend_from_slice(&len.to_le_bytes());
    }

    /// The distance that `step` needs in the present line.
    #[inline]
    fn distance(&self, step: Step) -> u32 {
        let (lines_back, offset_difference) = step.distance_source();
        let start = self.starts[self.line % STARTS];
        let source_start = self.starts[self.line.wrapping_sub(lines_back) % STARTS];
        start.wrapping_sub(source_start).wrapping_add_signed(offset_difference)
    }
}

impl PageWriter<'_, '_> {
    /// Writes the next line's constant text and its value, the first `len` bytes of `value`.
    #[inline]
    pub fn line(&mut self, value: &Value, len: usize) {
        let stream = &mut *self.stream;
        stream.line = stream.line.wrapping_add(1);
        stream.starts[stream.line % STARTS] = stream.position;
        loop {
            let step = *self.steps.next().expect("a line ends with a step");
            let (bits, bits_len) = step.ready();
            stream.bits.append(bits, bits_len);
            if step.then != Step::VALUE && step.then != Step::NOTHING {
                let distance = stream.distance(step);
                let (symbol, extra_bits) = distance_symbol(distance);
                let code = DISTANCE[symbol];
                let extra = u64::from(distance - 1) & ((1 << extra_bits) - 1);
                let bits = u64::from(code.bits) | extra << code.len;
                stream.bits.append(bits, u32::from(code.len) + extra_bits);
            }
            self.at += flush(&mut stream.bits, self.out, self.at);
            if step.then == Step::VALUE {
                break;
            }
        }
        let text = *self.lines.next().expect("a page has a text for each line");
        self.value(text, value, len);
    }

    #[inline]
    fn value(&mut self, text: LineText, value: &Value, len: usize) {
        let stream = &mut *self.stream;
        let word = u64::from_le_bytes(*value.first_chunk().expect("a value has 24 bytes"));
        let line_len = text.len as usize + len;
        stream.position = stream.position.wrapping_add(line_len as u32);
        let before = self.shifts.shift(stream.crc, line_len) ^ self.shifts.shift(text.crc, len);
        if len <= 8 {
            // The first byte is the lowest; those behind the value are shifted out.
            let spare = 64 - 8 * len as u32;
            stream.crc = before ^ crc32::of_word(word << spare);
            let digits = (word ^ ASCII_ZEROS) << spare >> spare;
            // No byte is above nine if adding six carries none of them into the high nibble.
            if (digits | digits.wrapping_add(SIXES)) & HIGH_NIBBLES == 0 {
                stream.bits.append(
                    digit_codes(digits) & ((1 << (DIGIT_BITS * len as u32)) - 1),
                    DIGIT_BITS * len as u32,
                );
                self.at += flush(&mut stream.bits, self.out, self.at);
                return;
            }
        } else {
            stream.crc = before ^ crc32::update(0, &value[..len]);
        }
        for byte in &value[..len] {
            let code = LITLEN[usize::from(*byte)];
            stream.bits.append(code.bits.into(), code.len.into());
            self.at += flush(&mut stream.bits, self.out, self.at);
        }
    }

    /// Ends the page.
    pub fn end(self) {
        debug_assert!(self.steps.as_slice().is_empty(), "a page has as many values as lines");
        self.out.truncate(self.at);
    }
}

#[inline]
fn flush(bits: &mut Bits, out: &mut [u8], at: usize) -> usize {
    bits.flush(out[at..].first_chunk_mut().expect("a page has room for its longest form"))
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
    let pairs = (reversed | reversed >> (8 - DIGIT_BITS))
        & (0x0001_0001_0001_0001 * ((1 << (2 * DIGIT_BITS)) - 1));
    let fours = (pairs | pairs >> (16 - 2 * DIGIT_BITS))
        & (0x0000_0001_0000_0001 * ((1 << (4 * DIGIT_BITS)) - 1));
    fours & u64::from(u32::MAX) | (fours >> 32) << (4 * DIGIT_BITS)
}
