//! The answers of drivers, as linux/ethtool.h lays them out.

use crate::sys::ethtool::{DRIVER_BYTES, SETTINGS_BYTES};
use std::borrow::Cow;

/// Bytes of each text of a driver.
const TEXT_BYTES: usize = 32;

/// Where the count of statistics is in `struct ethtool_drvinfo`.
const STATISTICS_AT: usize = 180;

/// What `struct ethtool_cmd` says of a link. It has the first 32 modes; those that came later are
/// not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settings {
    /// Modes that the port can have, as bits.
    pub(super) supported: u32,
    /// Modes that it offers to the other end, as bits.
    pub(super) advertised: u32,
    pub(super) autonegotiation: u8,
}

impl Settings {
    pub(super) fn parse(answer: &[u8]) -> Option<Settings> {
        let answer: &[u8; SETTINGS_BYTES] = answer.try_into().ok()?;
        Some(Settings {
            supported: number(answer, 4)?,
            advertised: number(answer, 8)?,
            autonegotiation: answer[18],
        })
    }
}

/// What `struct ethtool_drvinfo` says of a driver.
#[derive(Debug, PartialEq)]
pub(super) struct Driver<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) firmware: Cow<'a, str>,
    pub(super) bus: Cow<'a, str>,
    pub(super) rom: Cow<'a, str>,
    /// How many it has.
    pub(super) statistics: u32,
}

impl Driver<'_> {
    pub(super) fn parse(answer: &[u8]) -> Option<Driver<'_>> {
        let answer: &[u8; DRIVER_BYTES] = answer.try_into().ok()?;
        let mut texts = answer[size_of::<u32>()..].chunks_exact(TEXT_BYTES).map(text);
        Some(Driver {
            name: texts.next()?,
            version: texts.next()?,
            firmware: texts.next()?,
            bus: texts.next()?,
            rom: texts.next()?,
            statistics: number(answer, STATISTICS_AT)?,
        })
    }
}

fn number(answer: &[u8], at: usize) -> Option<u32> {
    answer[at..].first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// What stands in front of the first zero, or in the whole field.
pub(super) fn text(field: &[u8]) -> Cow<'_, str> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_everything_where_the_kernel_puts_it() {
        let mut answer = [0; DRIVER_BYTES];
        for (at, text) in
            [(4, "e1000e"), (36, "6.1.0-9"), (68, "0.5-4"), (100, "0000:00:1f.6"), (132, "")]
        {
            answer[at..][..text.len()].copy_from_slice(text.as_bytes());
        }
        answer[180..184].copy_from_slice(&16_u32.to_ne_bytes());
        let driver = Driver::parse(&answer).unwrap();
        let Driver { name, version, firmware, bus, rom, statistics } = &driver;
        assert_eq!([name, version, firmware], ["e1000e", "6.1.0-9", "0.5-4"]);
        assert_eq!(([&**bus, rom], *statistics), (["0000:00:1f.6", ""], 16));

        let mut answer = [0; SETTINGS_BYTES];
        answer[4..8].copy_from_slice(&0x2eff_u32.to_ne_bytes());
        answer[8..12].copy_from_slice(&0x2e00_u32.to_ne_bytes());
        answer[18] = 1;
        let expected = Settings { supported: 0x2eff, advertised: 0x2e00, autonegotiation: 1 };
        assert_eq!(Settings::parse(&answer), Some(expected));
    }

    #[test]
    fn a_text_ends_at_a_zero_or_with_its_field() {
        assert_eq!(text(b"ab\0cd"), "ab");
        assert_eq!(text(b"abcd"), "abcd");
        assert_eq!(text(b"\xffa\0"), "\u{fffd}a");
        assert_eq!(text(b""), "");
    }

    proptest! {
        #[test]
        fn any_bytes_of_the_right_length_are_an_answer(
            answer in prop::collection::vec(any::<u8>(), 0..260),
        ) {
            prop_assert_eq!(Driver::parse(&answer).is_some(), answer.len() == DRIVER_BYTES);
            prop_assert_eq!(Settings::parse(&answer).is_some(), answer.len() == SETTINGS_BYTES);
        }
    }
}
