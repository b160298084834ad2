//! Lines out of pieces of any length. Pure.

use crate::sys::output::ATOMIC_BYTES;

/// What stands around a line: a name of at most 64 characters, a colon, blanks, the end.
const FRAME_BYTES: usize = 96;

/// The longest line; a longer one becomes several. With what stands around it, it is written whole
/// or not at all.
pub(super) const LINE_BYTES_MAX: usize = ATOMIC_BYTES - FRAME_BYTES;

/// The beginning of a line whose end has not come.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Calls `emit` with each line that `bytes` bring to an end, without that end.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let room = LINE_BYTES_MAX - self.partial.len();
            let end = bytes.iter().take(room + 1).position(|byte| *byte == b'\n');
            if end.is_none() && bytes.len() <= room {
                self.partial.extend_from_slice(bytes);
                return;
            }
            let length = end.unwrap_or(room);
            let (line, rest) = bytes.split_at(length);
            if self.partial.is_empty() {
                emit(line);
            } else {
                self.partial.extend_from_slice(line);
                emit(&self.partial);
                self.partial.clear();
            }
            bytes = if end.is_some() { &rest[1..] } else { rest };
        }
    }

    /// Calls `emit` with the beginning of a line whose end will not come.
    pub(super) fn end(&mut self, mut emit: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            emit(&self.partial);
            self.partial.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, |line| found.push(line.to_vec()));
        }
        lines.end(|line| found.push(line.to_vec()));
        found
    }

    #[test]
    fn lines_end_where_they_end() {
        assert_eq!(lines(&[b"a\n\nb", b"c\nd"]), [&b"a"[..], b"", b"bc", b"d"]);
        assert_eq!(lines(&[b"\n"]), [b""]);
        assert_eq!(lines(&[]), [b""; 0]);
    }

    #[test]
    fn long_lines_become_several() {
        let whole = [b'x'; LINE_BYTES_MAX];
        assert_eq!(lines(&[&whole, b"\n"]), [whole]);
        assert_eq!(lines(&[&whole, b"y\n"]), [&whole[..], b"y"]);
        assert_eq!(lines(&[&whole, b"y"]), [&whole[..], b"y"]);
        assert_eq!(lines(&[&[b'x'; LINE_BYTES_MAX * 2 + 1], b"\nz"])[2..], [&b"x"[..], b"z"]);
    }

    proptest! {
        /// However the input is split, the lines are the same, and nothing is lost.
        #[test]
        fn pieces_do_not_matter(
            pieces in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab\n".to_vec()), 0..9), 0..20),
        ) {
            let whole = pieces.concat();
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let found = lines(&pieces);
            prop_assert_eq!(&found, &lines(&[&whole]));
            let mut joined = found.join(&b'\n');
            if whole.ends_with(b"\n") {
                joined.push(b'\n');
            }
            prop_assert_eq!(joined, whole);
        }
    }
}
