//! The label values of one series, or the labels of an exemplar, as one piece of memory, with its
//! hash.
//!
//! ```text
//! key = value*            one per label name, in the order of the names
//! value = length bytes    length: one byte up to 253, else 0xff and four bytes, little-endian
//!       | 0xfe            the value that the model has in this place
//! ```
//!
//! Series that are created one after the other have most of their label values in common, so the
//! series of a block share a model: the key of the first of them, written out. That leaves half of
//! the bytes, or fewer, to each.
//!
//! The lengths make keys prefix-free: `("ab", "c")` and `("a", "bc")` differ. A hash only leads to
//! a key; whether it is the right one is decided by comparing the values.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// Stands for a length and means that the value is the model's.
const SAME: u8 = 0xfe;

/// Stands in front of a length of four bytes, as the ones from `SAME` on are.
const LONG: u8 = 0xff;

/// The label values of one series, as far as they differ from those of a model.
#[derive(Debug)]
pub(crate) struct Key(Box<[u8]>);

/// A key that is written out: the model of others, or one that has none.
#[derive(Clone, Debug, Default)]
pub(crate) struct WholeKey(Box<[u8]>);

impl WholeKey {
    /// Packs `values`.
    ///
    /// # Panics
    /// When a value is 4 GiB long or longer.
    pub(crate) fn new<'v>(values: impl Iterator<Item = &'v str> + Clone) -> WholeKey {
        let mut bytes = Vec::with_capacity(values.clone().map(|value| value.len() + 5).sum());
        values.for_each(|value| push_value(&mut bytes, value));
        WholeKey(bytes.into())
    }

    /// The values, in the order they were packed.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.bytes_of_values().map_while(|value| value.map(text))
    }

    /// Likewise, and from the last one on `None`.
    #[inline]
    fn bytes_of_values(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let mut rest = &self.0[..];
        std::iter::repeat_with(move || {
            let (value, after) = split_value(rest)?;
            rest = after;
            value
        })
    }
}

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).expect("keys are packed from strings")
}

impl Key {
    /// Packs `values`.
    ///
    /// # Panics
    /// When a value is 4 GiB long or longer.
    pub(crate) fn new(values: &[&str], model: &WholeKey) -> Key {
        let mut bytes = Vec::with_capacity(values.iter().map(|value| value.len() + 5).sum());
        for (value, models) in values.iter().zip(model.bytes_of_values()) {
            if models == Some(value.as_bytes()) {
                bytes.push(SAME);
            } else {
                push_value(&mut bytes, value);
            }
        }
        Key(bytes.into())
    }

    /// Whether this key was made of `values`, after `model`.
    #[inline]
    pub(crate) fn matches(&self, values: &[&str], model: &WholeKey) -> bool {
        let (mut rest, mut models) = (&self.0[..], &model.0[..]);
        for value in values {
            let Some((own, after)) = split_value(rest) else { return false };
            // A key that is longer than its model has values of its own there.
            let (shared, models_after) = split_value(models).unwrap_or_default();
            let Some(stored) = own.or(shared) else { return false };
            if stored.len() != value.len() || stored != value.as_bytes() {
                return false;
            }
            (rest, models) = (after, models_after);
        }
        rest.is_empty()
    }

    /// The values, in the order they were packed, after `model`.
    pub(crate) fn values<'k>(&'k self, model: &'k WholeKey) -> impl Iterator<Item = &'k str> {
        let mut rest = &self.0[..];
        model.bytes_of_values().map_while(move |models| {
            let (own, after) = split_value(rest)?;
            rest = after;
            let value = own.or(models).expect("a key has the model's values where it says so");
            Some(text(value))
        })
    }
}

fn push_value(bytes: &mut Vec<u8>, value: &str) {
    match u8::try_from(value.len()) {
        Ok(len) if len < SAME => bytes.push(len),
        _ => {
            let len = u32::try_from(value.len()).expect("a label value is under 4 GiB");
            bytes.push(LONG);
            bytes.extend_from_slice(&len.to_le_bytes());
        }
    }
    bytes.extend_from_slice(value.as_bytes());
}

/// The first value of a packed key, or nothing if it is the model's, and what follows it; `None` at
/// the end.
#[inline]
fn split_value(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (value, rest) = match first {
        SAME => return Some((None, rest)),
        LONG => {
            let (len, rest) = rest.split_first_chunk::<4>()?;
            rest.split_at_checked(u32::from_le_bytes(*len) as usize)?
        }
        len => rest.split_at_checked(len.into())?,
    };
    Some((Some(value), rest))
}

/// The hash of `values`, salted once per process so that outside input cannot aim at collisions.
///
/// Eight bytes are folded into the state by one 64 x 64 -> 128 bit multiplication, whose halves are
/// combined by exclusive or (the construction of wyhash). The length of each value goes in first.
#[inline]
pub(crate) fn hash<S: AsRef<str>>(values: &[S]) -> u64 {
    let mut state = salt();
    for value in values.iter().map(AsRef::as_ref) {
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
        let model = WholeKey::new(["ab", "d"].into_iter());
        let key = Key::new(&["ab", "c"], &model);
        assert!(key.matches(&["ab", "c"], &model));
        for other in [&["a", "bc"][..], &["abc"], &["abc", ""], &["ab", "c", ""], &["ab"], &[]] {
            assert!(!key.matches(other, &model), "{other:?}");
            assert_ne!(hash(&["ab", "c"]), hash(other), "{other:?}");
        }
    }

    #[test]
    fn lengths_around_the_long_form_come_back() {
        for len in [0, 1, 7, 8, 252, 253, 254, 255, 256, 100_000] {
            let value = "x".repeat(len);
            for model in [WholeKey::default(), WholeKey::new([&*value, "other"].into_iter())] {
                let key = Key::new(&[&value, "end"], &model);
                assert_eq!(key.values(&model).collect::<Vec<_>>(), [value.as_str(), "end"]);
                assert!(key.matches(&[&value, "end"], &model));
            }
        }
    }

    proptest! {
        #[test]
        fn only_equal_values_match(
            a in prop::collection::vec("[ab]{0,9}", 0..4),
            b in prop::collection::vec("[ab]{0,9}", 0..4),
            model in prop::collection::vec("[ab]{0,1}", 0..4),
        ) {
            let model = WholeKey::new(model.iter().map(String::as_str));
            let key = Key::new(&borrowed(&a), &model);
            prop_assert_eq!(key.values(&model).collect::<Vec<_>>(), borrowed(&a));
            prop_assert_eq!(key.matches(&borrowed(&b), &model), a == b);
            prop_assert_eq!(hash(&borrowed(&a)) == hash(&borrowed(&b)), a == b);
        }
    }
}
