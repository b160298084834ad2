//! The file of os-release(5): lines `NAME=value` in the syntax of a shell, without expansions.

use super::super::error::CollectError;
use super::super::lines::parse_number;
use crate::collector::text::to_text;
use std::collections::HashMap;

const FILE: &str = "os-release";
const SECONDS_PER_DAY: i64 = 86_400;

/// What a distribution says of itself.
#[derive(Debug)]
pub(super) struct Release(HashMap<String, String>);

impl Release {
    pub(super) fn parse(content: &[u8]) -> Result<Release, CollectError> {
        let mut fields = HashMap::new();
        for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
            let line = to_text(line);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let field = line.strip_prefix("export ").unwrap_or(line).split_once('=');
            let field = field.and_then(|(name, value)| Some((name.trim(), unquote(value.trim())?)));
            let malformed =
                || CollectError::malformed(FILE, index + 1, "NAME=value", Some(line.as_bytes()));
            let (name, value) = field.ok_or_else(malformed)?;
            fields.insert(name.to_owned(), value);
        }
        Ok(Release(fields))
    }

    /// A field, which is empty where there is none.
    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// The number that the version begins with: `22.04` of `22.04.1`. Without one, and for 0, there
    /// is none.
    pub(super) fn version(&self) -> Option<f64> {
        let text = self.text("VERSION_ID");
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let whole = text.bytes().take_while(|byte| is_digit(byte)).count();
        let rest = text.as_bytes().get(whole..)?.strip_prefix(b".").unwrap_or_default();
        let digits = rest.iter().take_while(|byte| is_digit(byte)).count();
        let end = if digits == 0 { whole } else { whole + 1 + digits };
        let version = text[..end].parse().ok().filter(|version| *version > 0.0);
        version.filter(|_| whole > 0)
    }

    /// When support ends, in seconds since 1970; from a date like `2026-11-13`.
    pub(super) fn support_end(&self) -> Result<Option<f64>, CollectError> {
        let text = self.text("SUPPORT_END");
        if text.is_empty() {
            return Ok(None);
        }
        let seconds = days_since_1970(&text).map(|days| (days * SECONDS_PER_DAY) as f64);
        let malformed = || CollectError::malformed(FILE, 1, "a date", Some(text.as_bytes()));
        seconds.map(Some).ok_or_else(malformed)
    }
}

/// A value without its quotes, escapes and comment. `None` where a quote does not end.
fn unquote(value: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = value.chars();
    let mut quote = None;
    while let Some(letter) = rest.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => text.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(end)) if letter == end => quote = None,
            ('#', None) if text.is_empty() || text.ends_with([' ', '\t']) => break,
            _ => text.push(letter),
        }
    }
    let is_whole = quote.is_none();
    is_whole.then(|| if value.contains(['"', '\'']) { text } else { text.trim_end().to_owned() })
}

/// Days from 1970 to a date `YYYY-MM-DD` of the Gregorian calendar.
fn days_since_1970(date: &str) -> Option<i64> {
    const MONTH_DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let [year, month, day] = date
        .splitn(3, '-')
        .map(|part| parse_number::<i64>(part.as_bytes()))
        .collect::<Option<Vec<i64>>>()?
        .try_into()
        .ok()?;
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = MONTH_DAYS.get(usize::try_from(month - 1).ok()?)?;
    let leap_day = i64::from(month == 2 && is_leap(year));
    if date.len() != "YYYY-MM-DD".len() || !(1..=month_days + leap_day).contains(&day) {
        return None;
    }
    let years = year - 1;
    let days_of_years = years * 365 + years / 4 - years / 100 + years / 400;
    let index = usize::try_from(month - 1).ok()?;
    let days_of_months =
        MONTH_DAYS[..index].iter().sum::<i64>() + i64::from(month > 2 && is_leap(year));
    /// The first of January 1970, counted from the one of the year 1.
    const EPOCH: i64 = 719_162;
    Some(days_of_years + days_of_months + day - 1 - EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(content: &str) -> Release {
        Release::parse(content.as_bytes()).unwrap()
    }

    #[test]
    fn values_are_those_of_a_shell() {
        const CASES: &[(&str, &str)] = &[
            ("A=b", "b"),
            ("A=\"b c\"", "b c"),
            ("A='b \"c\" $d'", "b \"c\" $d"),
            ("A=\"b \\\"c\\\" \\$d \\\\\"", "b \"c\" $d \\"),
            ("A=\"b # c\"", "b # c"),
            ("A=b # c", "b"),
            ("A=", ""),
            ("# A=x\n\n  export A=b", "b"),
            ("A=1\nA=2", "2"),
            ("A=https://x.example/#top", "https://x.example/#top"),
        ];
        for (content, expected) in CASES {
            assert_eq!(release(content).text("A"), *expected, "{content:?}");
        }
    }

    #[test]
    fn a_version_is_the_number_in_front() {
        const CASES: &[(&str, Option<f64>)] = &[
            ("22.04", Some(22.04)),
            ("22.04.1", Some(22.04)),
            ("12", Some(12.0)),
            ("12.", Some(12.0)),
            ("39beta", Some(39.0)),
            ("rolling", None),
            (".5", None),
            ("0", None),
            ("", None),
        ];
        for (version, expected) in CASES {
            assert_eq!(release(&format!("VERSION_ID={version}")).version(), *expected, "{version}");
        }
    }

    #[test]
    fn support_ends_at_the_begin_of_a_day() {
        const CASES: &[(&str, Option<f64>)] = &[
            ("1970-01-01", Some(0.0)),
            ("2000-02-29", Some(951_782_400.0)),
            ("2026-11-13", Some(1_794_528_000.0)),
            ("2100-03-01", Some(4_107_542_400.0)),
            ("", None),
        ];
        for (date, expected) in CASES {
            let end = release(&format!("SUPPORT_END={date}")).support_end();
            assert_eq!(end.unwrap(), *expected, "{date}");
        }
        for date in ["soon", "2026-13-01", "2026-00-01", "2025-02-29", "2026-1-01", "2026-11"] {
            let error = release(&format!("SUPPORT_END={date}")).support_end().unwrap_err();
            let expected = format!("os-release:1: expected a date, found {date}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("A=1\nhello\n", "os-release:2: expected NAME=value, found hello"),
            ("A=\"b\n", "os-release:1: expected NAME=value, found A=\\\"b"),
        ];
        for (content, expected) in CASES {
            let error = Release::parse(content.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{content:?}");
        }
    }
}
