//! The one Huffman code of all streams, and the block header that declares it (RFC 1951 §3.2.7).
//!
//! It is made for what expositions consist of: lower-case letters, a little punctuation, digits of
//! values, and matches that are either short or nearly a whole line long. Everything is derived
//! from the two tables of code lengths at compile time.

use super::tables::{DISTANCE_SYMBOLS, END_OF_BLOCK, LITLEN_SYMBOLS};

/// The longest code that deflate allows.
const CODE_LEN_MAX: usize = 15;

/// A code as it stands in the stream, first bit lowest, and its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) len: u8,
}

/// Code lengths of the literal and length symbols.
///
/// Made from the tokens of two expositions, a service's of 100,000 series and a node's of 500, the
/// node's weighed twice: the lengths that make their sum the shortest, with five bits for each digit
/// (four would make a service's 6 % shorter and a node's 7 % longer), 14 at most, and a code for
/// every byte. Other lengths are as correct; these are short for what is usual.
pub(super) const LITLEN_LENGTHS: [u8; LITLEN_SYMBOLS] = include!("litlen_lengths.in");

/// Code lengths of the distance symbols, made likewise.
pub(super) const DISTANCE_LENGTHS: [u8; DISTANCE_SYMBOLS] = include!("distance_lengths.in");

/// Table: literal, end of block or length symbol => code.
pub(super) static LITLEN: [Code; LITLEN_SYMBOLS] = canonical(LITLEN_LENGTHS);
/// Table: distance symbol => code.
pub(super) static DISTANCE: [Code; DISTANCE_SYMBOLS] = canonical(DISTANCE_LENGTHS);

/// The bits of every digit's code: all ten have the same length, and consecutive codes.
pub(super) const DIGIT_BITS: u32 = LITLEN_LENGTHS[b'0' as usize] as u32;
/// The code of zero, first bit highest.
pub(super) const FIRST_DIGIT_CODE: u16 = {
    let codes = canonical(LITLEN_LENGTHS);
    let first = codes[b'0' as usize].bits.reverse_bits() >> (16 - DIGIT_BITS);
    let mut digit = 0;
    while digit < 10 {
        let code = codes[b'0' as usize + digit];
        assert!(code.len as u32 == DIGIT_BITS, "digits are coded eight at a time");
        let in_order = code.bits.reverse_bits() >> (16 - DIGIT_BITS);
        assert!(in_order == first + digit as u16, "codes of one length are consecutive");
        digit += 1;
    }
    first
};

/// The codes that these lengths stand for (RFC 1951 §3.2.2). Every code is complete: no more and no
/// fewer codes than the bits allow.
const fn canonical<const N: usize>(lengths: [u8; N]) -> [Code; N] {
    let mut count = [0_u32; CODE_LEN_MAX + 1];
    let mut symbol = 0;
    while symbol < N {
        assert!(lengths[symbol] as usize <= CODE_LEN_MAX);
        count[lengths[symbol] as usize] += 1;
        symbol += 1;
    }
    let mut next = [0_u32; CODE_LEN_MAX + 1];
    let mut code = 0;
    count[0] = 0;
    let mut len = 1;
    while len <= CODE_LEN_MAX {
        code = (code + count[len - 1]) << 1;
        next[len] = code;
        len += 1;
    }
    assert!(next[CODE_LEN_MAX] + count[CODE_LEN_MAX] == 1 << CODE_LEN_MAX, "an incomplete code");
    let mut codes = [Code { bits: 0, len: 0 }; N];
    symbol = 0;
    while symbol < N {
        let len = lengths[symbol];
        if len > 0 {
            let code = next[len as usize] as u16;
            codes[symbol] = Code { bits: code.reverse_bits() >> (16 - len as u32), len };
            next[len as usize] += 1;
        }
        symbol += 1;
    }
    codes
}

/// The order in which the lengths of the code length code stand (RFC 1951 §3.2.7).
const CODE_LENGTH_ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The lengths of the code in which the code lengths stand, by Huffman's algorithm; a length that
/// the tables above use and that has no code here does not compile.
const CODE_LENGTH_LENGTHS: [u8; 19] = [0, 0, 7, 7, 6, 4, 3, 4, 4, 4, 3, 4, 6, 6, 3, 0, 2, 0, 0];

/// The symbol that repeats the length before it 3 to 6 times, and its extra bits.
const REPEAT: usize = 16;
const REPEAT_MIN: usize = 3;
const REPEAT_MAX: usize = 6;
const REPEAT_BITS: u32 = 2;

/// Bytes that the header of the block has at most.
const HEADER_BYTES: usize = 128;

/// The header of the block: final, dynamic, and the code lengths. It is written once a stream.
pub(super) struct BlockHeader {
    pub(super) bytes: [u8; HEADER_BYTES],
    pub(super) bits: usize,
}

pub(super) static BLOCK_HEADER: BlockHeader = block_header();

const fn block_header() -> BlockHeader {
    let mut header = BlockHeader { bytes: [0; HEADER_BYTES], bits: 0 };
    header.append(1, 1); // BFINAL
    header.append(2, 2); // BTYPE: dynamic
    header.append(LITLEN_SYMBOLS as u32 - 257, 5);
    header.append(DISTANCE_SYMBOLS as u32 - 1, 5);
    header.append(CODE_LENGTH_ORDER.len() as u32 - 4, 4);
    let mut index = 0;
    while index < CODE_LENGTH_ORDER.len() {
        header.append(CODE_LENGTH_LENGTHS[CODE_LENGTH_ORDER[index]] as u32, 3);
        index += 1;
    }
    header.append_code_lengths();
    header
}

impl BlockHeader {
    const fn append(&mut self, bits: u32, len: u32) {
        let mut index = 0;
        while index < len {
            self.bytes[self.bits / 8] |= ((bits >> index & 1) as u8) << (self.bits % 8);
            self.bits += 1;
            index += 1;
        }
    }

    /// The lengths of both codes, runs of one length shortened.
    const fn append_code_lengths(&mut self) {
        let codes = canonical(CODE_LENGTH_LENGTHS);
        let mut index = 0;
        while index < LITLEN_SYMBOLS + DISTANCE_SYMBOLS {
            let length = code_length(index);
            self.append_code(codes[length as usize]);
            index += 1;
            let mut run = 0;
            while index + run < LITLEN_SYMBOLS + DISTANCE_SYMBOLS
                && code_length(index + run) == length
            {
                run += 1;
            }
            while run >= REPEAT_MIN {
                let repeated = if run < REPEAT_MAX { run } else { REPEAT_MAX };
                self.append_code(codes[REPEAT]);
                self.append((repeated - REPEAT_MIN) as u32, REPEAT_BITS);
                index += repeated;
                run -= repeated;
            }
        }
    }

    const fn append_code(&mut self, code: Code) {
        assert!(code.len > 0, "each code length has a code");
        self.append(code.bits as u32, code.len as u32);
    }
}

/// The lengths of both codes, one behind the other.
const fn code_length(index: usize) -> u8 {
    if index < LITLEN_SYMBOLS {
        LITLEN_LENGTHS[index]
    } else {
        DISTANCE_LENGTHS[index - LITLEN_SYMBOLS]
    }
}

/// The bits of the code that ends the block.
pub(super) static END: Code = canonical(LITLEN_LENGTHS)[END_OF_BLOCK];
