//! Text as code points, and what stands on either side of a position.

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
