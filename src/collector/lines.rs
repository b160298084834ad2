//! The lines and words of the kernel's text files, with errors that say where.

use super::error::CollectError;
use crate::sys::memory::position;
use std::str::FromStr;

/// The lines of a file.
#[derive(Clone)]
pub(crate) struct Lines<'a> {
    file: &'static str,
    number: usize,
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    /// The lines of `content`, which the kernel calls `file`. The last one may lack its line feed, as
    /// it does in copies that went through an editor or a shell, and each may end in a carriage
    /// return and a line feed. So where content is cut amid a
    /// number, which the kernel does not do, that cannot be told from a shorter number.
    pub(crate) fn new(file: &'static str, content: &'a [u8]) -> Lines<'a> {
        Lines { file, number: 0, rest: content }
    }

    /// The error that there are no more lines where there should be `expected`.
    pub(crate) fn missing(&self, expected: &'static str) -> CollectError {
        CollectError::malformed(self.file, self.number + 1, expected, Some(b"end of file"))
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let length = position(self.rest, b'\n');
        let (line, rest) = self.rest.split_at(length.unwrap_or(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        self.number += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(Line { file: self.file, number: self.number, rest: line })
    }
}

/// What is left of a line.
#[derive(Clone)]
pub(crate) struct Line<'a> {
    file: &'static str,
    number: usize,
    rest: &'a [u8],
}

impl<'a> Line<'a> {
    /// The next word: what stands between blanks or tabs.
    pub(crate) fn word(&mut self) -> Option<&'a [u8]> {
        let rest = behind_blanks(self.rest);
        if rest.is_empty() {
            return None;
        }
        let (word, rest) = rest.split_at(word_len(rest));
        self.rest = rest;
        Some(word)
    }

    /// How many words there are.
    pub(crate) fn word_count(&self) -> usize {
        let mut rest = self.clone();
        std::iter::from_fn(|| rest.word()).count()
    }

    /// Whether there is no further word.
    pub(crate) fn is_at_end(&self) -> bool {
        behind_blanks(self.rest).is_empty()
    }

    /// Passes over the next word, and says whether there was one. For columns of numbers, which are
    /// mostly too short for looking at eight bytes at once.
    pub(crate) fn skip_word(&mut self) -> bool {
        let word = behind_blanks(self.rest);
        let mut rest = word;
        while let [byte, behind @ ..] = rest
            && !is_blank(*byte)
        {
            rest = behind;
        }
        self.rest = rest;
        !word.is_empty()
    }

    /// Takes `word`, or several with blanks between them, where that is what is next and no blank
    /// stands in front of it.
    pub(crate) fn take(&mut self, word: &[u8]) -> Option<&'a [u8]> {
        let behind = self.rest.strip_prefix(word)?;
        if !behind.first().is_none_or(|byte| is_blank(*byte)) {
            return None;
        }
        let taken = &self.rest[..word.len()];
        self.rest = behind;
        Some(taken)
    }

    /// All that is left of the line.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The word behind the next `skipped` ones.
    pub(crate) fn nth_word(&mut self, skipped: usize) -> Option<&'a [u8]> {
        (0..skipped).try_for_each(|_| self.word().map(|_| ()))?;
        self.word()
    }

    /// Takes what stands in front of the next `mark`, and the mark.
    pub(crate) fn until(&mut self, mark: u8) -> Option<&'a [u8]> {
        let length = position(self.rest, mark)?;
        let (before, rest) = self.rest.split_at(length);
        self.rest = &rest[1..];
        Some(before)
    }

    /// Takes what stands in front of the last `mark`, and the mark.
    pub(crate) fn until_last(&mut self, mark: u8) -> Option<&'a [u8]> {
        let length = self.rest.iter().rposition(|byte| *byte == mark)?;
        let (before, rest) = self.rest.split_at(length);
        self.rest = &rest[1..];
        Some(before)
    }

    /// The next word as a number.
    pub(crate) fn number<N: Number>(&mut self, expected: &'static str) -> Result<N, CollectError> {
        let number = self.number_if_any(expected)?;
        number.ok_or_else(|| self.malformed(expected, None))
    }

    /// The next word as a number; `None` where the line ends.
    pub(crate) fn number_if_any<N: Number>(
        &mut self,
        expected: &'static str,
    ) -> Result<Option<N>, CollectError> {
        if let Some((digits, rest)) = split_digits::<10>(behind_blanks(self.rest))
            && let number @ Some(_) = N::from_digits(digits)
        {
            self.rest = rest;
            return Ok(number);
        }
        let Some(word) = self.word() else { return Ok(None) };
        let number = parse_any(word);
        number.map(Some).ok_or_else(|| self.malformed(expected, Some(word)))
    }

    /// The next word as a hexadecimal number without a prefix.
    pub(crate) fn hexadecimal(&mut self, expected: &'static str) -> Result<u64, CollectError> {
        if let Some((number, rest)) = split_digits::<16>(behind_blanks(self.rest)) {
            self.rest = rest;
            return Ok(number);
        }
        let word = self.word();
        word.and_then(parse_hexadecimal).ok_or_else(|| self.malformed(expected, word))
    }

    /// The error that here should have stood `expected` in place of `found`.
    pub(crate) fn malformed(&self, expected: &'static str, found: Option<&[u8]>) -> CollectError {
        CollectError::malformed(self.file, self.number, expected, found)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What follows the blanks and tabs that `bytes` begins with.
fn behind_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// How many bytes stand in front of the first blank or tab. Looks at eight at once, since words
/// are most of what collectors look at.
fn word_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let low = first_low_byte(u64::from_le_bytes(*chunk));
        if low != 0 {
            rest = &rest[low.trailing_zeros() as usize / 8..];
            break;
        }
        rest = behind;
    }
    let behind = rest.iter().position(|byte| is_blank(*byte));
    bytes.len() - rest.len() + behind.unwrap_or(rest.len())
}

/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// A bit in the lowest byte that is not above a blank, and perhaps in some above it; 0 where there
/// is none.
fn first_low_byte(bytes: u64) -> u64 {
    bytes.wrapping_sub(ONES * u64::from(b' ' + 1)) & !bytes & (ONES << 7)
}

/// What numbers of the kernel are read as.
pub(crate) trait Number: FromStr {
    /// `None` where it is too large.
    fn from_digits(number: u64) -> Option<Self>;
}

impl Number for f64 {
    fn from_digits(number: u64) -> Option<f64> {
        Some(number as f64)
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Number for $integer {
            fn from_digits(number: u64) -> Option<$integer> {
                number.try_into().ok()
            }
        }
    )*};
}

integers!(u64, i64, u32, i32, usize);

/// The number that is all that `file` contains.
///
/// # Errors
/// When it contains something else.
pub(crate) fn parse_only_number(file: &'static str, content: &[u8]) -> Result<f64, CollectError> {
    let word = content.trim_ascii();
    let number = parse_number(word);
    number.ok_or_else(|| CollectError::malformed(file, 1, "a number", Some(word)))
}

/// A number in the kernel's spelling: digits, perhaps a minus and a fraction.
pub(crate) fn parse_number<N: Number>(word: &[u8]) -> Option<N> {
    match split_digits::<10>(word) {
        Some((digits, [])) => N::from_digits(digits),
        _ => parse_any(word),
    }
}

/// The word that `bytes` begins with as a number, and what follows it. `None` for one that is not of
/// digits alone, or of so many that it may be too large.
fn split_digits<const RADIX: u32>(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits_max = const { u64::MAX.ilog(RADIX as u64) as usize };
    let mut rest = bytes;
    let mut number = 0_u64;
    while let [byte, behind @ ..] = rest
        && let Some(digit) = char::from(*byte).to_digit(RADIX)
    {
        number = number.wrapping_mul(RADIX.into()).wrapping_add(digit.into());
        rest = behind;
    }
    let is_word = rest.first().is_none_or(|byte| is_blank(*byte));
    let length = bytes.len() - rest.len();
    (is_word && (1..=digits_max).contains(&length)).then_some((number, rest))
}

fn parse_any<N: FromStr>(word: &[u8]) -> Option<N> {
    let is_numeric = word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'.'));
    if !is_numeric {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A number in hexadecimal digits alone.
pub(crate) fn parse_hexadecimal(word: &[u8]) -> Option<u64> {
    let is_digits = word.iter().all(u8::is_ascii_hexdigit);
    let word = std::str::from_utf8(word).ok().filter(|_| is_digits)?;
    u64::from_str_radix(word, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_stand_between_blanks() {
        let mut line = Lines::new("f", b" a\t bc  \n").next().unwrap();
        let mut skipping = line.clone();
        assert_eq!(line.word(), Some(&b"a"[..]));
        assert_eq!(line.word(), Some(&b"bc"[..]));
        assert_eq!(line.word(), None);
        assert_eq!([(); 3].map(|()| skipping.skip_word()), [true, true, false]);
    }

    #[test]
    fn a_word_is_taken_whole() {
        const CASES: &[(&[u8], Option<&[u8]>)] = &[
            (b"ab", Some(b"")),
            (b"ab 1", Some(b" 1")),
            (b"ab\t1", Some(b"\t1")),
            (b"abc 1", None),
            (b"a 1", None),
            (b" ab 1", None),
            (b"", None),
        ];
        for (rest, expected) in CASES {
            let mut line = Line { file: "f", number: 1, rest };
            let taken = line.take(b"ab");
            assert_eq!(taken, expected.map(|_| &b"ab"[..]), "{rest:?}");
            assert_eq!(line.rest(), expected.unwrap_or(rest), "{rest:?}");
        }
    }

    #[test]
    fn words_end_at_the_first_blank_wherever_it_is() {
        for length in 0..20 {
            for blank in [&b" "[..], b"\t", b"\t ", b" !\x08", b"\t\n!", b""] {
                let word = [b'!', b'\x08', b'\n', b'\xa0', b'\x89', b'\xff', b'\0'];
                let word: Vec<u8> = word.into_iter().cycle().take(length).collect();
                let bytes = [&word, blank, b"next"].concat();
                let expected = if blank.is_empty() { bytes.len() } else { length };
                assert_eq!(word_len(&bytes), expected, "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_line_is_split_at_its_first_or_last_mark() {
        let line = Lines::new("f", b"a:b: c\n").next().unwrap();
        let (mut first, mut last) = (line.clone(), line);
        assert_eq!((first.until(b':'), first.word()), (Some(&b"a"[..]), Some(&b"b:"[..])));
        assert_eq!((last.until_last(b':'), last.word()), (Some(&b"a:b"[..]), Some(&b"c"[..])));
        assert_eq!((last.until(b':'), last.until_last(b':')), (None, None));
    }

    #[test]
    fn an_empty_file_has_no_lines_and_the_last_one_needs_no_line_feed() {
        const CASES: &[(&str, &[&str])] = &[
            ("", &[]),
            ("\n", &[""]),
            ("a 1", &["a 1"]),
            ("a 1\n", &["a 1"]),
            ("a 1\n\nb", &["a 1", "", "b"]),
            ("a 1\r\n\r\nb\r", &["a 1", "", "b"]),
        ];
        for (content, expected) in CASES {
            let lines = Lines::new("f", content.as_bytes()).map(|line| line.rest());
            assert!(lines.eq(expected.iter().map(|line| line.as_bytes())), "{content:?}");
        }
        let missing = Lines::new("f", b"").missing("a");
        assert_eq!(missing.to_string(), "f:1: expected a, found end of file");
    }

    #[test]
    fn numbers_are_only_what_the_kernel_writes() {
        const CASES: &[(&str, Option<f64>)] = &[
            ("0", Some(0.0)),
            ("-0", Some(-0.0)),
            ("999999999", Some(999999999.0)),
            ("9007199254740993", Some(9007199254740992.0)),
            ("9999999999999999999", Some(1e19)),
            ("000000000000000000000007", Some(7.0)),
            ("-1.50", Some(-1.5)),
            ("18446744073709551615", Some(18446744073709551615.0)),
            ("", None),
            ("inf", None),
            ("NaN", None),
            ("1e5", None),
            ("+1", None),
            ("0x10", None),
            ("1-2", None),
            ("1.2.3", None),
            ("1 ", None),
            ("1\n", None),
        ];
        for (word, expected) in CASES {
            assert_eq!(parse_number::<f64>(word.as_bytes()), *expected, "{word:?}");
        }
        assert_eq!(parse_number::<u64>(b"18446744073709551616"), None);
        assert_eq!(parse_number::<u64>(b"4294967296"), Some(4_294_967_296));
        assert_eq!(parse_number::<u32>(b"4294967296"), None);
        assert_eq!(parse_number::<i64>(b"9223372036854775808"), None);
        assert_eq!(parse_number::<i64>(b"-9223372036854775808"), Some(i64::MIN));
    }

    proptest! {
        /// A number of a line is what its word is, and what the standard library reads.
        #[test]
        fn the_next_number_is_that_of_the_next_word(bytes in "[ \t]{0,2}[-.0-9a]{0,21}[ \t0-9]{0,3}") {
            let line = Lines::new("f", bytes.as_bytes()).next();
            let (mut by_word, mut by_number) = match line {
                Some(line) => (line.clone(), line),
                None => return Ok(()),
            };
            let word = by_word.word();
            let number = by_number.number_if_any::<u64>("a number").ok().flatten();
            prop_assert_eq!(number, word.and_then(parse_number));
            prop_assert_eq!(by_number.rest(), by_word.rest());
            let text = word.and_then(|word| std::str::from_utf8(word).ok());
            prop_assert_eq!(number, text.and_then(|text| text.parse().ok()));
        }
    }

    #[test]
    fn hexadecimal_numbers_have_digits_alone() {
        const CASES: &[(&str, Option<u64>)] = &[
            ("0000001F", Some(31)),
            ("ffffffffffffffff", Some(u64::MAX)),
            ("10000000000000000", None),
            ("0x1", None),
            ("+1", None),
            ("", None),
        ];
        for (word, expected) in CASES {
            assert_eq!(parse_hexadecimal(word.as_bytes()), *expected, "{word:?}");
            let mut line = Line { file: "f", number: 1, rest: word.as_bytes() };
            assert_eq!(line.hexadecimal("a number").ok(), *expected, "{word:?}");
        }
    }
}
