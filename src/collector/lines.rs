//! The lines and words of the kernel's text files, with errors that say where.

use super::error::CollectError;
use std::io::BufRead;
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
        let start = self.rest.iter().position(|byte| !is_blank(*byte))?;
        let rest = &self.rest[start..];
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
        self.clone().word().is_none()
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
        let word = self.word();
        word.and_then(parse_number).ok_or_else(|| self.malformed(expected, word))
    }

    /// The next word as a number; `None` where the line ends.
    pub(crate) fn number_if_any<N: Number>(
        &mut self,
        expected: &'static str,
    ) -> Result<Option<N>, CollectError> {
        match self.word() {
            None => Ok(None),
            word => {
                let number = word.and_then(parse_number);
                number.map(Some).ok_or_else(|| self.malformed(expected, word))
            }
        }
    }

    /// The next word as a hexadecimal number without a prefix.
    pub(crate) fn hexadecimal(&mut self, expected: &'static str) -> Result<u64, CollectError> {
        let word = self.word();
        word.and_then(parse_hexadecimal).ok_or_else(|| self.malformed(expected, word))
    }

    /// The error that here should have stood `expected` in place of `found`.
    pub(crate) fn malformed(&self, expected: &'static str, found: Option<&[u8]>) -> CollectError {
        CollectError::malformed(self.file, self.number, expected, found)
    }
}

/// Where the first `mark` is.
fn position(mut bytes: &[u8], mark: u8) -> Option<usize> {
    let whole = bytes;
    // What the standard library has of memchr(3).
    let length = bytes.skip_until(mark).expect("memory can be read");
    whole[..length].ends_with(&[mark]).then(|| length - 1)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// How many bytes stand in front of the first blank or tab. Looks at eight at once, since words
/// are most of what collectors look at.
fn word_len(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let chunk = u64::from_le_bytes(*chunk);
        let blanks = first_zero_byte(chunk ^ (ONES * u64::from(b' ')))
            | first_zero_byte(chunk ^ (ONES * u64::from(b'\t')));
        if blanks != 0 {
            return 8 * index + blanks.trailing_zeros() as usize / 8;
        }
    }
    bytes.len() - rest.len() + rest.iter().take_while(|byte| !is_blank(**byte)).count()
}

/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// A bit in the lowest byte that is zero, and perhaps in some above it; 0 where there is none.
fn first_zero_byte(bytes: u64) -> u64 {
    bytes.wrapping_sub(ONES) & !bytes & (ONES << 7)
}

/// What numbers of the kernel are read as.
pub(crate) trait Number: FromStr + TryFrom<u32> {}

impl<N: FromStr + TryFrom<u32>> Number for N {}

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
    match parse_short(word) {
        Some(number) => number.try_into().ok(),
        None => parse_any(word),
    }
}

/// A number of up to nine digits and nothing else, as most are.
fn parse_short(word: &[u8]) -> Option<u32> {
    if word.is_empty() || word.len() > 9 {
        return None;
    }
    word.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u32::from(digit))
    })
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

    #[test]
    fn words_stand_between_blanks() {
        let mut line = Lines::new("f", b" a\t bc  \n").next().unwrap();
        assert_eq!(line.word(), Some(&b"a"[..]));
        assert_eq!(line.word(), Some(&b"bc"[..]));
        assert_eq!(line.word(), None);
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
            ("1000000000", Some(1000000000.0)),
            ("000000000000000007", Some(7.0)),
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
        ];
        for (word, expected) in CASES {
            assert_eq!(parse_number::<f64>(word.as_bytes()), *expected, "{word:?}");
        }
        assert_eq!(parse_number::<u64>(b"18446744073709551616"), None);
        assert_eq!(parse_number::<u64>(b"4294967296"), Some(4_294_967_296));
        assert_eq!(parse_number::<u32>(b"4294967296"), None);
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
        }
    }
}
