//! Numbers as `expfmt` spells them: those of Go's `strconv.ParseFloat` without hexadecimal digits
//! and underscores.

/// The number that `word` is. What is too large for a double is none, as in Go.
pub(super) fn parse(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_signed = digits.len() < text.len();
    let is_infinity = ["inf", "infinity"].iter().any(|name| digits.eq_ignore_ascii_case(name));
    let number: f64 = text.parse().ok()?;
    match number {
        number if number.is_nan() => (!is_signed).then_some(number),
        number if number.is_infinite() => is_infinity.then_some(number),
        number => Some(number),
    }
}

/// `value` as a count; Go cuts a fraction off.
pub(super) fn count(value: f64) -> Option<u64> {
    // 2^64, the first number that is too large.
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    (0.0..LIMIT).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        const CASES: &[(&str, Option<f64>)] = &[
            ("0", Some(0.0)),
            ("-0", Some(0.0)),
            ("+1", Some(1.0)),
            ("007", Some(7.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e3", Some(1000.0)),
            ("1E+03", Some(1000.0)),
            ("1e-400", Some(0.0)),
            ("+Inf", Some(f64::INFINITY)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("INFINITY", Some(f64::INFINITY)),
            ("", None),
            ("+", None),
            (".", None),
            ("e5", None),
            ("1e", None),
            ("1e400", None),
            ("-1e400", None),
            ("+NaN", None),
            ("-nan", None),
            ("infin", None),
            ("0x1p4", None),
            ("0x10", None),
            ("1_000", None),
            ("1,5", None),
            (" 1", None),
            ("1\r", None),
            ("\u{661}", None),
        ];
        for (word, expected) in CASES {
            assert_eq!(parse(word.as_bytes()), *expected, "{word:?}");
        }
        for word in ["NaN", "nan", "NAN"] {
            assert!(parse(word.as_bytes()).is_some_and(f64::is_nan), "{word}");
        }
        assert_eq!(parse(b"\xff"), None);
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        let cases = [
            (0.0, Some(0)),
            (2.9, Some(2)),
            (9_007_199_254_740_992.0, Some(1 << 53)),
            (18_446_744_073_709_549_568.0, Some(u64::MAX - 2047)),
            (18_446_744_073_709_551_616.0, None),
            (-1.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ];
        for (value, expected) in cases {
            assert_eq!(count(value), expected, "{value}");
        }
    }
}
