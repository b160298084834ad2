//! One function per kind of value: text in, value out, or what was expected.

use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::collector::parse_duration;
use crate::log::{Format, Level};

/// What a value should have been, to follow the word "expected".
pub(super) type Expected = String;

/// Text that is not empty.
pub(super) fn text(value: &OsStr) -> Result<String, Expected> {
    let text = value.to_str().filter(|s| !s.is_empty());
    text.map(str::to_owned).ok_or_else(|| "text in UTF-8, not empty".to_owned())
}

/// A path of any bytes.
pub(super) fn path(value: &OsStr) -> Result<PathBuf, Expected> {
    if value.is_empty() { Err("a path".to_owned()) } else { Ok(value.into()) }
}

/// A whole number within limits.
pub(super) fn count(value: &OsStr, limits: RangeInclusive<usize>) -> Result<usize, Expected> {
    let number = value.to_str().filter(|s| s.bytes().all(|b| b.is_ascii_digit()));
    number
        .and_then(|s| s.parse().ok())
        .filter(|n| limits.contains(n))
        .ok_or_else(|| format!("a whole number from {} to {}", limits.start(), limits.end()))
}

/// The path of a URL, of characters that mean themselves there (RFC 3986 §3.3) and in HTML.
pub(super) fn url_path(value: &OsStr) -> Result<String, Expected> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~!$()*+,;=:@".contains(&b);
    value
        .to_str()
        .filter(|s| s.starts_with('/') && s.bytes().all(plain))
        .map(str::to_owned)
        .ok_or_else(|| "a path such as /metrics, of letters, digits and -._~!$()*+,;=:@".to_owned())
}

/// A time as Go writes it: `30s`, `1m30s`, `250ms`; longest unit first is not asked for.
pub(super) fn duration(value: &OsStr, longest: Duration) -> Result<Duration, Expected> {
    value.to_str().and_then(parse_duration).filter(|duration| *duration <= longest).ok_or_else(
        || format!("a time such as 30s or 1m30s, at most {}h", longest.as_secs() / 3600),
    )
}

/// A number of bytes: `512B`, `64KiB`, `2GiB`.
pub(super) fn size(value: &OsStr) -> Result<u64, Expected> {
    /// Table: unit => bytes.
    const UNITS: [(&str, u64); 5] =
        [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
    let parse = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*factor)
    };
    let size = value.to_str().and_then(parse);
    size.ok_or_else(|| "a size such as 512B, 64KiB, 16MiB or 2GiB".to_owned())
}

/// What a request asks for: a path, and perhaps a query.
pub(super) fn request_target(value: &OsStr) -> Result<String, Expected> {
    let is_visible = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    let target = value.to_str().filter(|s| s.starts_with('/') && s.bytes().all(is_visible));
    target.map(str::to_owned).ok_or_else(|| "a path such as /healthz".to_owned())
}

/// A level of the log, in letters of either case.
pub(super) fn level(value: &OsStr) -> Result<Level, Expected> {
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
    one_of(&value.to_ascii_lowercase(), &levels.map(|level| (level.name(), level)))
}

/// A format of the log.
pub(super) fn format(value: &OsStr) -> Result<Format, Expected> {
    one_of(value, &[("logfmt", Format::Logfmt), ("json", Format::Json)])
}

pub(super) fn one_of<T: Copy>(value: &OsStr, choices: &[(&str, T)]) -> Result<T, Expected> {
    choices.iter().find(|(name, _)| value == *name).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        const DAY: Duration = Duration::from_secs(86_400);
        const CASES: &[(&str, Option<u64>)] = &[
            ("0s", Some(0)),
            ("250ms", Some(250)),
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("24h", Some(86_400_000)),
            ("24h1ms", None),
            ("", None),
            ("30", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("1s ", None),
            ("1d", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, millis) in CASES {
            let found = duration(OsStr::new(text), DAY).ok();
            assert_eq!(found, millis.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        const CASES: &[(&str, Option<u64>)] = &[
            ("0B", Some(0)),
            ("512B", Some(512)),
            ("64KiB", Some(65_536)),
            ("3GiB", Some(3 << 30)),
            ("1TiB", Some(1 << 40)),
            ("64", None),
            ("64K", None),
            ("KiB", None),
            ("1.5MiB", None),
            ("-1B", None),
            ("16777216TiB", None),
            ("", None),
        ];
        for (text, bytes) in CASES {
            assert_eq!(size(OsStr::new(text)).ok(), *bytes, "{text:?}");
        }
    }

    #[test]
    fn counts() {
        const CASES: &[(&str, Option<usize>)] = &[
            ("0", None),
            ("1", Some(1)),
            ("007", Some(7)),
            ("9", Some(9)),
            ("10", None),
            ("+5", None),
            ("-5", None),
            ("5 ", None),
            ("", None),
            ("99999999999999999999", None),
        ];
        for (text, number) in CASES {
            assert_eq!(count(OsStr::new(text), 1..=9).ok(), *number, "{text:?}");
        }
    }

    #[test]
    fn url_paths() {
        for path in ["/", "/metrics", "/a/b-c_d.e~f"] {
            assert_eq!(url_path(OsStr::new(path)).as_deref(), Ok(path));
        }
        for path in ["", "metrics", "/a b", "/a?b", "/a#b", "/%41", "/<b>", "/é", "/a\"", "/a\n"] {
            assert!(url_path(OsStr::new(path)).is_err(), "{path:?}");
        }
    }
}
