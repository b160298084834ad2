//! The text of a value: what is not known before a scrape.

use super::crc32;
use super::matches::VALUE_LEN_MAX;

/// The text of a value.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The text, and behind it anything.
    pub bytes: [u8; VALUE_LEN_MAX],
    /// The text's length: at least 1, at most that of `bytes`.
    pub len: u8,
    /// Tells it from other values of its line; a stream [remembers](super::Stream::marks) it.
    pub mark: u64,
}

impl Value {
    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The first eight bytes, the first one lowest.
    #[inline(always)]
    pub(super) fn first_word(&self) -> u64 {
        u64::from_le_bytes(*self.bytes.first_chunk().expect("there are 24 bytes"))
    }

    /// The CRC's state behind the text.
    #[inline(always)]
    pub(super) fn update_crc(&self, state: u32) -> u32 {
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
