//! Bits in the order of RFC 1951 §3.1.1: packed into bytes from the lowest bit up.

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

    /// The last bits, filled up with zeros to a whole byte.
    pub(super) fn finish(self) -> Option<u8> {
        (self.len > 0).then_some(self.pending as u8)
    }
}
