//! What is to be sent next: bytes that were put together for one peer, and texts that others hold
//! too, which leave from where they are.
//!
//! ```text
//! own      head | 00002000␍␊ |        | # HELP … |        | ␍␊
//! shared                      ^ text             ^ text
//! ```

use std::sync::Arc;

/// Shorter texts are copied: the kernel takes about as long to find a piece as to copy this much.
const SHARED_BYTES_MIN: usize = 1_024;

/// What own bytes grow by at least, so that they take little more memory than they need.
const GROWTH_BYTES: usize = 4 * 1_024;

/// One output buffer's worth of an answer.
#[derive(Debug, Default)]
pub struct Output {
    own: Vec<u8>,
    shared: Vec<Shared>,
    shared_len: usize,
}

#[derive(Debug)]
struct Shared {
    /// INVARIANT: at most the length of `own`, and no less than that of the piece before.
    own_len_before: usize,
    text: Arc<Vec<u8>>,
}

impl Output {
    /// The bytes that are put together, to append to. There is room for `room` of them; more may
    /// come.
    pub fn own(&mut self, room: usize) -> &mut Vec<u8> {
        if self.own.capacity() - self.own.len() < room {
            self.own.reserve_exact(room.max(GROWTH_BYTES));
        }
        &mut self.own
    }

    /// Appends `text`, which is held until it is sent.
    pub fn share(&mut self, text: &Arc<Vec<u8>>) {
        if text.len() < SHARED_BYTES_MIN {
            return self.own(text.len()).extend_from_slice(text);
        }
        self.shared_len += text.len();
        self.shared.push(Shared { own_len_before: self.own.len(), text: Arc::clone(text) });
    }

    /// The length of all of it.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.own.len() + self.shared_len
    }

    /// The first own bytes, which nothing shared stands in front of.
    pub(super) fn front(&mut self) -> &mut [u8] {
        let len = self.shared.first().map_or(self.own.len(), |first| first.own_len_before);
        &mut self.own[..len]
    }

    /// Shortens it to the first `len` own bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.own.truncate(len);
        self.shared.clear();
        self.shared_len = 0;
    }

    /// What memory the own bytes take.
    pub(super) fn capacity(&self) -> usize {
        self.own.capacity()
    }

    /// What follows the first `sent` bytes, piece by piece; none is empty.
    pub(super) fn pieces(&self, mut sent: usize) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        let pieces = self.shared.iter().flat_map(move |shared| {
            let own = &self.own[from..shared.own_len_before];
            from = shared.own_len_before;
            [own, &shared.text[..]]
        });
        let last = self.shared.last().map_or(0, |last| last.own_len_before);
        let pieces = pieces.chain(std::iter::once(&self.own[last..]));
        let unsent = pieces.map(move |piece| {
            let skipped = sent.min(piece.len());
            sent -= skipped;
            &piece[skipped..]
        });
        unsent.filter(|piece| !piece.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_their_order_from_any_byte_on() {
        let long = |byte| Arc::new(vec![byte; SHARED_BYTES_MIN]);
        let mut output = Output::default();
        output.share(&long(b'a'));
        output.own(3).extend_from_slice(b"one");
        output.share(&Arc::new(b"two".to_vec()));
        output.share(&long(b'b'));
        output.share(&long(b'c'));
        output.own(5).extend_from_slice(b"three");
        let whole = [&long(b'a')[..], b"onetwo", &long(b'b'), &long(b'c'), b"three"].concat();
        assert_eq!(output.len(), whole.len());
        for sent in 0..=whole.len() {
            assert_eq!(output.pieces(sent).collect::<Vec<_>>().concat(), whole[sent..]);
            assert!(output.pieces(sent).all(|piece| !piece.is_empty()));
        }
        output.truncate(2);
        assert_eq!(output.pieces(0).collect::<Vec<_>>(), [b"on"]);
    }
}
