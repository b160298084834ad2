//! Bits in the order of RFC 1951 §3.1.1: packed into bytes from the lowest bit up.

use std::ops::Range;

/// A flush writes so many bytes, however few it leaves behind.
pub(super) const FLUSH_ROOM: usize = 8;

/// Bits that are not a whole byte yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bits {
    /// INVARIANT: zero above the lowest `len` bits.
    pending: u64,
    len: u32,
}

impl Bits {
    /// Appends the lowest `len` bits of `bits`; those above are zero. Between two flushes there is
    /// room for 56 bits.
    #[inline]
    pub(super) fn append(&mut self, bits: u64, len: u32) {
        debug_assert!(self.len + len < 64 && bits >> len == 0);
        self.pending |= bits << self.len;
        self.len += len;
    }

    /// Writes all whole bytes to the start of `out`, which has the room, and returns how many
    /// they are. At most seven bits stay.
    #[inline]
    pub(super) fn flush(&mut self, out: &mut [u8; FLUSH_ROOM]) -> usize {
        *out = self.pending.to_le_bytes();
        let bytes = self.len / 8;
        self.pending >>= bytes * 8;
        self.len %= 8;
        bytes as usize
    }

    /// Appends `run`, a range of the bits of `source`, and writes all whole bytes to the end of `out`.
    /// Behind the run `source` has [`FLUSH_ROOM`] more bytes.
    pub(super) fn append_run(&mut self, source: &[u8], run: Range<usize>, out: &mut Vec<u8>) {
        let mut rest = run.len();
        let mut source = &source[run.start / 8..];
        let start = out.len();
        out.resize(start + rest / 8 + 2 * FLUSH_ROOM, 0);
        let mut at = start;
        // The first bits up to a whole byte: what follows is shifted by the same everywhere.
        let skipped = run.start % 8;
        if skipped > 0 {
            let len = rest.min(8 - skipped);
            self.append(u64::from(source[0]) >> skipped & ((1 << len) - 1), len as u32);
            at += self.flush_at(out, at);
            source = &source[1..];
            rest -= len;
        }
        let words = rest / 64;
        let (from, to) = (source.as_chunks::<8>().0, out[at..].as_chunks_mut::<8>().0);
        for (from, to) in from[..words].iter().zip(to) {
            let word = u64::from_le_bytes(*from);
            *to = (self.pending | word << self.len).to_le_bytes();
            // Two shifts, because one by 64 bits is none.
            self.pending = word >> 1 >> (63 - self.len);
        }
        at += 8 * words;
        let last = source[8 * words..].first_chunk().expect("eight bytes stand behind the run");
        let last = u64::from_le_bytes(*last);
        // Not at once, since there is room for 56 bits.
        let low_len = (rest % 64).min(32);
        for (bits, len) in [(last, low_len), (last >> 32, rest % 64 - low_len)] {
            self.append(bits & ((1 << len) - 1), len as u32);
            at += self.flush_at(out, at);
        }
        out.truncate(at);
    }

    fn flush_at(&mut self, out: &mut [u8], at: usize) -> usize {
        self.flush(out[at..].first_chunk_mut().expect("there is room for what is pending"))
    }

    /// How many bits are not a whole byte yet.
    pub(super) fn len(self) -> usize {
        self.len as usize
    }

    /// The last bits, filled up with zeros to a whole byte.
    pub(super) fn finish(self) -> Option<u8> {
        (self.len > 0).then_some(self.pending as u8)
    }
}
