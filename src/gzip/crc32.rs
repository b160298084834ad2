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

use std::sync::LazyLock;

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

/// Tables to append zero bytes.
#[derive(Debug)]
pub(super) struct Shifts {
    /// For a byte that has reached the low end of the register, then sees `index` - 3 more bytes:
    /// the first three tables are those of bytes that have not reached it yet.
    few: Vec<Nibbles>,
    /// To append [`FEW`] bytes, and twice as many from one to the next: the tables of the four bytes of
    /// the state, lowest first.
    many: Vec<[Nibbles; STATE_BYTES]>,
}

/// Bytes of the state.
const STATE_BYTES: usize = 4;
/// Tables in front of the one for a byte at the low end.
const BEFORE: usize = STATE_BYTES - 1;
/// Up to so many zero bytes are appended in one step, which does for most lines. Each of them takes
/// 128 bytes.
const FEW: usize = 160;
/// What is longer takes a step for each power of two times [`FEW`]. Up to 80 KiB, these are enough.
const MANY_BITS: usize = 9;

impl Shifts {
    /// The tables, which are made when they are asked for first.
    pub(super) fn get() -> &'static Shifts {
        static SHIFTS: LazyLock<Shifts> = LazyLock::new(Shifts::new);
        &SHIFTS
    }

    fn new() -> Shifts {
        let place = |place: usize| nibbles(|nibble| nibble << (8 * place));
        let mut few = Vec::with_capacity(BEFORE + FEW);
        few.extend((0..BEFORE).rev().map(place));
        for index in BEFORE..BEFORE + FEW {
            let last: Nibbles = few[index - 1];
            few.push(last.map(|half| half.map(step)));
        }
        let mut shifts = Shifts { few, many: Vec::with_capacity(MANY_BITS) };
        for _ in 0..MANY_BITS {
            let longer = |state| match shifts.many.last() {
                Some(half) => apply(half, apply(half, state)),
                None => shifts.shift_few(state, FEW),
            };
            let tables = [0, 1, 2, 3].map(|byte| nibbles(|nibble| longer(nibble << (8 * byte))));
            shifts.many.push(tables);
        }
        shifts
    }

    /// Appends `len` zero bytes to `state`.
    #[inline]
    pub(super) fn shift(&self, state: u32, len: usize) -> u32 {
        if len <= FEW { self.shift_few(state, len) } else { self.shift_many(state, len) }
    }

    #[inline]
    fn shift_few(&self, state: u32, len: usize) -> u32 {
        if len == 0 {
            return state;
        }
        // The lowest byte sees `len` bytes, the highest three less.
        let tables: &[Nibbles; STATE_BYTES] =
            self.few[len - 1..].first_chunk().expect("the tables reach as far as `FEW`");
        part(state, &tables[3], 0)
            ^ part(state, &tables[2], 1)
            ^ part(state, &tables[1], 2)
            ^ part(state, &tables[0], 3)
    }

    #[inline(never)]
    fn shift_many(&self, state: u32, len: usize) -> u32 {
        let mut state = self.shift_few(state, len % FEW);
        let mut many = len / FEW;
        while many > 0 {
            let bit = (many.trailing_zeros() as usize).min(MANY_BITS - 1);
            state = apply(&self.many[bit], state);
            many -= 1 << bit;
        }
        state
    }
}

/// What `shift` makes of both nibbles of the lowest byte.
fn nibbles(shift: impl Fn(u32) -> u32) -> Nibbles {
    [0, 4].map(|place| std::array::from_fn(|nibble| shift((nibble as u32) << place)))
}

/// What becomes of a state by the tables of its bytes.
#[inline(always)]
fn apply(tables: &[Nibbles; STATE_BYTES], state: u32) -> u32 {
    part(state, &tables[0], 0)
        ^ part(state, &tables[1], 1)
        ^ part(state, &tables[2], 2)
        ^ part(state, &tables[3], 3)
}

#[inline(always)]
fn part(state: u32, table: &Nibbles, byte: u32) -> u32 {
    let value = (state >> (8 * byte)) as usize;
    table[0][value & 15] ^ table[1][value >> 4 & 15]
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
        fn shifts_append_zeros(state: u32, len in prop_oneof![0..300_usize, 0..150_000_usize]) {
            prop_assert_eq!(Shifts::get().shift(state, len), model(state, &vec![0; len]));
        }

        #[test]
        fn parts_make_the_whole(a: Vec<u8>, b in prop::collection::vec(any::<u8>(), 0..9)) {
            let mut word = [0; 8];
            word[8 - b.len().min(8)..].copy_from_slice(&b[..b.len().min(8)]);
            let b = &b[..b.len().min(8)];
            let of_b = of_word(u64::from_le_bytes(word));
            prop_assert_eq!(of_b, model(0, b));
            let whole = Shifts::get().shift(update(INITIAL, &a), b.len()) ^ of_b;
            prop_assert_eq!(whole, model(INITIAL, &[&a[..], b].concat()));
        }
    }
}
