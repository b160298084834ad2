//! CRC-32 (RFC 1952 §8) of text that is never written: from the parts it is made of.
//!
//! The state of a CRC is a polynomial over GF(2) modulo the generator, and to append a byte is
//! linear: after bytes `B` behind a state `S`, the state is `shift(S, |B|) ^ crc(0, B)`, where `shift`
//! appends zero bytes. So the CRC of constant text is computed once, that of a value from a table
//! look-up per byte, all of them independent (leading zero bytes do not change a state of 0), and
//! only one `shift` per line has to wait for the line before.
//!
//! `shift(S, n)` is again a look-up per part of `S`: for each `k`, a table says what becomes of a
//! byte when `k` more bytes have gone through the register. Tables of two nibbles instead of a byte
//! take 128 bytes for each `k` and stay in the first-level cache.

/// The generator, bit-reversed.
const GENERATOR: u32 = 0xedb8_8320;

/// The state before the first byte; the CRC is the complement of the last.
pub(super) const INITIAL: u32 = u32::MAX;

/// Table: byte => what it leaves of itself in the state.
const BYTES: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut state = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            state = if state & 1 == 1 { state >> 1 ^ GENERATOR } else { state >> 1 };
            bit += 1;
        }
        table[byte] = state;
        byte += 1;
    }
    table
};

/// Appends a zero byte.
const fn step(state: u32) -> u32 {
    state >> 8 ^ BYTES[(state & 0xff) as usize]
}

/// Table: position from the end of eight bytes, byte => what it leaves in the state.
static WORDS: [[u32; 256]; 8] = {
    let mut table = [BYTES; 8];
    let mut position = 1;
    while position < 8 {
        let mut byte = 0;
        while byte < 256 {
            table[position][byte] = step(table[position - 1][byte]);
            byte += 1;
        }
        position += 1;
    }
    table
};

/// The state that eight bytes, the first one lowest, leave of themselves. Zero bytes in front count
/// for nothing.
#[inline]
pub(super) fn of_word(word: u64) -> u32 {
    let byte = |index: u32| usize::from((word >> (8 * index)) as u8);
    WORDS[7][byte(0)]
        ^ WORDS[6][byte(1)]
        ^ WORDS[5][byte(2)]
        ^ WORDS[4][byte(3)]
        ^ WORDS[3][byte(4)]
        ^ WORDS[2][byte(5)]
        ^ WORDS[1][byte(6)]
        ^ WORDS[0][byte(7)]
}

/// The state after `bytes`, from `state` before them.
pub(super) fn update(state: u32, bytes: &[u8]) -> u32 {
    let (words, tail) = bytes.as_chunks::<8>();
    let state = words
        .iter()
        .fold(state, |state, word| of_word(u64::from_le_bytes(*word) ^ u64::from(state)));
    tail.iter().fold(state, |state, byte| step(state ^ u32::from(*byte)))
}

/// What becomes of one byte of the state, by its nibbles: the low one first.
type Nibbles = [[u32; 16]; 2];

/// Tables to append up to `len_max` zero bytes at once.
#[derive(Clone, Debug)]
pub struct Shifts {
    /// For a byte that has reached the low end of the register, then sees `index` - 3 more bytes:
    /// the first three tables are those of bytes that have not reached it yet.
    tables: Vec<Nibbles>,
}

/// Bytes of the state.
const STATE_BYTES: usize = 4;
/// Tables in front of the one for a byte at the low end.
const BEFORE: usize = STATE_BYTES - 1;

impl Shifts {
    /// More zero bytes than this are appended in several steps; the tables for them take 128 KiB.
    const LEN_MAX: usize = 1_024;

    /// Tables for up to `len` bytes, or as many as tables are kept for.
    pub fn new(len: usize) -> Shifts {
        let mut shifts = Shifts { tables: vec![[[0; 16]; 2]; BEFORE] };
        for (index, table) in shifts.tables.iter_mut().enumerate() {
            for nibble in 0..16_u32 {
                let shift = 8 * (BEFORE - 1 - index) as u32;
                table[0][nibble as usize] = nibble << shift;
                table[1][nibble as usize] = nibble << 4 << shift;
            }
        }
        shifts.grow(len);
        shifts
    }

    /// Adds tables for up to `len` bytes.
    pub fn grow(&mut self, len: usize) {
        let wanted = BEFORE + len.min(Shifts::LEN_MAX);
        while self.tables.len() < wanted {
            let last = self.tables[self.tables.len() - 1];
            self.tables.push(last.map(|half| half.map(step)));
        }
    }

    /// The longest shift that takes one step.
    pub fn len_max(&self) -> usize {
        self.tables.len() - BEFORE
    }

    /// Appends `len` zero bytes to `state`.
    #[inline]
    pub(super) fn shift(&self, state: u32, len: usize) -> u32 {
        if len <= self.len_max() { self.shift_once(state, len) } else { self.shift_far(state, len) }
    }

    #[inline]
    fn shift_once(&self, state: u32, len: usize) -> u32 {
        if len == 0 {
            return state;
        }
        // The lowest byte sees `len` bytes, the highest three less.
        let tables: &[Nibbles; STATE_BYTES] =
            self.tables[len - 1..].first_chunk().expect("the tables reach as far as `len_max`");
        let part = |byte: usize| {
            let value = (state >> (8 * byte)) as usize;
            let table = &tables[BEFORE - byte];
            table[0][value & 15] ^ table[1][value >> 4 & 15]
        };
        part(0) ^ part(1) ^ part(2) ^ part(3)
    }

    #[cold]
    fn shift_far(&self, state: u32, len: usize) -> u32 {
        let (mut state, mut rest) = (state, len);
        while rest > 0 {
            let step = rest.min(self.len_max());
            state = self.shift_once(state, step);
            rest -= step;
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, bit by bit.
    fn model(state: u32, bytes: &[u8]) -> u32 {
        bytes.iter().fold(state, |state, byte| {
            (0..8).fold(state ^ u32::from(*byte), |state, _| {
                if state & 1 == 1 { state >> 1 ^ GENERATOR } else { state >> 1 }
            })
        })
    }

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(!update(INITIAL, b"123456789"), 0xcbf4_3926);
    }

    proptest! {
        #[test]
        fn updates_are_those_of_the_definition(state: u32, bytes: Vec<u8>) {
            prop_assert_eq!(update(state, &bytes), model(state, &bytes));
        }

        #[test]
        fn shifts_append_zeros(state: u32, len in 0..3_000_usize, tables in 1..1_500_usize) {
            let shifts = Shifts::new(tables);
            prop_assert_eq!(shifts.shift(state, len), model(state, &vec![0; len]));
        }

        #[test]
        fn parts_make_the_whole(a: Vec<u8>, b in prop::collection::vec(any::<u8>(), 0..9)) {
            let mut word = [0; 8];
            word[8 - b.len().min(8)..].copy_from_slice(&b[..b.len().min(8)]);
            let b = &b[..b.len().min(8)];
            let of_b = of_word(u64::from_le_bytes(word));
            prop_assert_eq!(of_b, model(0, b));
            let whole = Shifts::new(8).shift(update(INITIAL, &a), b.len()) ^ of_b;
            prop_assert_eq!(whole, model(INITIAL, &[&a[..], b].concat()));
        }
    }
}
