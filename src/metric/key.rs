//! The label values of one series, or the labels of an exemplar, as one piece of memory, with its
//! hash.
//!
//! ```text
//! key = value*            one per label name, in the order of the names
//! value = length bytes    length: one byte up to 254, else 0xff and four bytes, little-endian
//! ```
//!
//! The lengths make keys prefix-free: `("ab", "c")` and `("a", "bc")` differ. A hash only leads to
//! a key; whether it is the right one is decided by comparing the values.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// Lengths from this on are written in five bytes.
const LONG: usize = 0xff;

/// The label values of one series.
#[derive(Clone, Debug)]
pub(crate) struct Key(Box<[u8]>);

impl Key {
    /// Packs `values`.
    ///
    /// # Panics
    /// When a value is 4 GiB long or longer.
    pub(crate) fn new(values: &[&str]) -> Key {
        Key::pack(values.iter().copied())
    }

    /// As [`new`](Self::new).
    pub(crate) fn pack<'v>(values: impl Iterator<Item = &'v str> + Clone) -> Key {
        let packed_len = |value: &str| value.len() + if value.len() < LONG { 1 } else { 5 };
        let mut bytes = Vec::with_capacity(values.clone().map(packed_len).sum());
        for value in values {
            if value.len() < LONG {
                bytes.push(value.len() as u8);
            } else {
                let len = u32::try_from(value.len()).expect("a label value is under 4 GiB");
                bytes.push(LONG as u8);
                bytes.extend_from_slice(&len.to_le_bytes());
            }
            bytes.extend_from_slice(value.as_bytes());
        }
        Key(bytes.into())
    }

    /// Whether this key was made of `values`.
    #[inline]
    pub(crate) fn matches(&self, values: &[&str]) -> bool {
        let mut rest = &self.0[..];
        for value in values {
            match split_value(rest) {
                Some((stored, after)) if stored == value.as_bytes() => rest = after,
                _ => return false,
            }
        }
        rest.is_empty()
    }

    /// The values, in the order they were packed.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (value, after) = split_value(rest)?;
            rest = after;
            Some(std::str::from_utf8(value).expect("keys are packed from strings"))
        })
    }
}

/// The first value of a packed key and what follows it; `None` at the end.
#[inline]
fn split_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if usize::from(first) < LONG {
        return rest.split_at_checked(first.into());
    }
    let (len, rest) = rest.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}

/// The hash of `values`, salted once per process so that outside input cannot aim at collisions.
///
/// Eight bytes are folded into the state by one 64 x 64 -> 128 bit multiplication, whose halves are
/// combined by exclusive or (the construction of wyhash). The length of each value goes in first.
#[inline]
pub(crate) fn hash(values: &[&str]) -> u64 {
    let mut state = salt();
    for value in values {
        state = fold(state ^ value.len() as u64, MULTIPLIER);
        let bytes = value.as_bytes();
        let (words, tail) = bytes.as_chunks::<8>();
        for word in words {
            state = fold(state ^ u64::from_le_bytes(*word), MULTIPLIER);
        }
        if !tail.is_empty() {
            state = fold(state ^ short_word(tail), MULTIPLIER);
        }
    }
    state
}

/// An odd number with about as many ones as zeros: the golden ratio's fraction.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// One to seven bytes as a number; of two values of one length, different bytes give different
/// numbers.
#[inline]
fn short_word(tail: &[u8]) -> u64 {
    match (tail.first_chunk::<4>(), tail.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => {
            let middle = tail[tail.len() / 2];
            u64::from(tail[0]) << 16 | u64::from(middle) << 8 | u64::from(tail[tail.len() - 1])
        }
    }
}

#[inline]
fn salt() -> u64 {
    static SALT: OnceLock<u64> = OnceLock::new();
    *SALT.get_or_init(|| RandomState::new().hash_one(0_u8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn borrowed(values: &[String]) -> Vec<&str> {
        values.iter().map(String::as_str).collect()
    }

    #[test]
    fn values_of_one_concatenation_differ() {
        let key = Key::new(&["ab", "c"]);
        assert!(key.matches(&["ab", "c"]));
        for other in [&["a", "bc"][..], &["abc"], &["abc", ""], &["ab", "c", ""], &["ab"], &[]] {
            assert!(!key.matches(other), "{other:?}");
            assert_ne!(hash(&["ab", "c"]), hash(other), "{other:?}");
        }
    }

    #[test]
    fn lengths_around_the_long_form_come_back() {
        for len in [0, 1, 7, 8, 253, 254, 255, 256, 100_000] {
            let value = "x".repeat(len);
            let key = Key::new(&[&value, "end"]);
            assert_eq!(key.values().collect::<Vec<_>>(), [value.as_str(), "end"]);
            assert!(key.matches(&[&value, "end"]));
        }
    }

    proptest! {
        #[test]
        fn only_equal_values_match(
            a in prop::collection::vec("[ab]{0,9}", 0..4),
            b in prop::collection::vec("[ab]{0,9}", 0..4),
        ) {
            let key = Key::new(&borrowed(&a));
            prop_assert_eq!(key.values().collect::<Vec<_>>(), borrowed(&a));
            prop_assert_eq!(key.matches(&borrowed(&b)), a == b);
            prop_assert_eq!(hash(&borrowed(&a)) == hash(&borrowed(&b)), a == b);
        }
    }
}
