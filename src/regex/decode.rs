//! Text as code points, and what stands on either side of a position.

use super::program::Assertion;

/// The last code point of Unicode.
pub(super) const CODE_POINT_MAX: u32 = 0x10_ffff;

/// The code point that text begins with, and its length in bytes. A byte that is not UTF-8 reads as
/// U+FFFD, as in Go.
pub(super) fn decode(text: &[u8]) -> Option<(u32, usize)> {
    let first = *text.first()?;
    let len = match first {
        0x00..0x80 => return Some((u32::from(first), 1)),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => 1,
    };
    let char = text.get(..len).and_then(|bytes| str::from_utf8(bytes).ok()?.chars().next());
    Some(char.map_or((u32::from(char::REPLACEMENT_CHARACTER), 1), |char| (u32::from(char), len)))
}

/// What an assertion can tell apart on one side of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Neighbour {
    /// The end of the text on this side.
    Nothing,
    LineFeed,
    /// A letter or digit of ASCII, or `_`.
    Word,
    Other,
}

impl Neighbour {
    pub(super) const ALL: [Neighbour; 4] =
        [Neighbour::Nothing, Neighbour::LineFeed, Neighbour::Word, Neighbour::Other];

    pub(super) fn of(code_point: u32) -> Neighbour {
        match u8::try_from(code_point) {
            Ok(b'\n') => Neighbour::LineFeed,
            Ok(byte) if byte == b'_' || byte.is_ascii_alphanumeric() => Neighbour::Word,
            _ => Neighbour::Other,
        }
    }
}

/// Both sides of a position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    pub(super) before: Neighbour,
    pub(super) behind: Neighbour,
}

impl Surroundings {
    pub(super) fn at(text: &[u8], position: usize) -> Surroundings {
        // A byte of a longer code point is no ASCII, so a byte says enough.
        let of =
            |byte: Option<&u8>| byte.map_or(Neighbour::Nothing, |b| Neighbour::of((*b).into()));
        let before = position.checked_sub(1).and_then(|at| text.get(at));
        Surroundings { before: of(before), behind: of(text.get(position)) }
    }

    pub(super) fn satisfy(self, assertion: Assertion) -> bool {
        let Surroundings { before, behind } = self;
        let is_boundary = (before == Neighbour::Word) != (behind == Neighbour::Word);
        match assertion {
            Assertion::TextStart => before == Neighbour::Nothing,
            Assertion::TextEnd => behind == Neighbour::Nothing,
            Assertion::LineStart => matches!(before, Neighbour::Nothing | Neighbour::LineFeed),
            Assertion::LineEnd => matches!(behind, Neighbour::Nothing | Neighbour::LineFeed),
            Assertion::WordBoundary => is_boundary,
            Assertion::NoWordBoundary => !is_boundary,
        }
    }
}
