//! The parts of a line, taken from its front.

use super::{ParseError, number};

/// Bytes of the offending text that an error quotes.
const FOUND_BYTES_MAX: usize = 40;

/// What is left of a line, its end apart.
pub(super) struct Line<'t> {
    number: usize,
    rest: &'t [u8],
}

impl<'t> Line<'t> {
    pub(super) fn new(number: usize, text: &'t [u8]) -> Line<'t> {
        Line { number, rest: text }
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.rest
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn is_at(&self, byte: u8) -> bool {
        self.rest.first() == Some(&byte)
    }

    pub(super) fn is_at_blank(&self) -> bool {
        self.rest.first().is_some_and(is_blank)
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Takes `byte` if it comes next, and says whether it did.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What stands in front of the next blank.
    pub(super) fn word(&mut self) -> &'t [u8] {
        self.take_while(|byte| !is_blank(byte))
    }

    /// The name of a metric, or nothing where none begins.
    pub(super) fn metric_name(&mut self) -> Result<String, ParseError> {
        self.name(|byte| is_label_byte(byte) || *byte == b':')
    }

    /// The labels behind a brace, and the brace at their end. The name of the metric may stand among
    /// them, in quotes, where there is none so far.
    pub(super) fn labels(
        &mut self,
        name: &mut Option<String>,
    ) -> Result<Vec<(String, String)>, ParseError> {
        let mut labels = Vec::new();
        loop {
            self.skip_blanks();
            if self.take(b'}') {
                break;
            }
            let may_be_metric = name.is_none() && self.is_at(b'"');
            let label = self.name(is_label_byte)?;
            if label.is_empty() {
                return Err(self.error("the name of a label", self.rest));
            }
            self.skip_blanks();
            if may_be_metric && !self.is_at(b'=') {
                *name = Some(label);
            } else {
                labels.push(self.label(label)?);
            }
            self.skip_blanks();
            if !self.take(b',') && !self.is_at(b'}') {
                return Err(self.error("a comma or brace behind a label", self.rest));
            }
        }
        self.check_labels(&labels)?;
        Ok(labels)
    }

    /// What stands behind the name of a label.
    fn label(&mut self, name: String) -> Result<(String, String), ParseError> {
        if !self.take(b'=') {
            return Err(self.error("an equals sign behind the name of a label", self.rest));
        }
        self.skip_blanks();
        if !self.take(b'"') {
            return Err(self.error("the value of a label in quotes", self.rest));
        }
        Ok((name, self.quoted()?))
    }

    fn check_labels(&self, labels: &[(String, String)]) -> Result<(), ParseError> {
        let mut names: Vec<&str> = labels.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(self.error("each label once", pair[0].as_bytes()));
        }
        match names.binary_search(&"__name__") {
            Ok(_) => Err(self.error("a label of another name", b"__name__")),
            Err(_) => Ok(()),
        }
    }

    /// The value of a sample, which no blank needs to precede.
    pub(super) fn value(&mut self) -> Result<f64, ParseError> {
        let word = self.word();
        number::parse(word).ok_or_else(|| self.error("a number", word))
    }

    /// The time behind a value, and the end of the line.
    pub(super) fn timestamp_ms(&mut self) -> Result<Option<i64>, ParseError> {
        if self.is_at_end() {
            return Ok(None);
        }
        self.skip_blanks();
        let word = self.word();
        let time = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        let time = time.ok_or_else(|| self.error("a time in milliseconds", word))?;
        match self.is_at_end() {
            true => Ok(Some(time)),
            false => Err(self.error("a line end", self.rest)),
        }
    }

    /// The rest of the line, unescaped.
    pub(super) fn help(&mut self) -> Result<String, ParseError> {
        let text = self.unescaped(|_| false)?;
        self.utf8(text)
    }

    /// A name of bytes that `is_legal` takes, no digit first, or one in quotes; nothing where neither
    /// begins.
    fn name(&mut self, is_legal: impl Fn(&u8) -> bool) -> Result<String, ParseError> {
        if self.take(b'"') {
            return self.quoted();
        }
        let is_first = |byte: &u8| is_legal(byte) && !byte.is_ascii_digit();
        let name = match self.rest.first().is_some_and(is_first) {
            true => self.take_while(is_legal),
            false => &[],
        };
        Ok(name.iter().map(|byte| char::from(*byte)).collect())
    }

    /// The text up to a quote, and the quote.
    fn quoted(&mut self) -> Result<String, ParseError> {
        let text = self.unescaped(|byte| *byte == b'"')?;
        if !self.take(b'"') {
            return Err(self.error("a quote", b""));
        }
        self.utf8(text)
    }

    /// The text up to a byte that ends it, or the end of the line. It escapes backslashes, quotes and
    /// line feeds.
    fn unescaped(&mut self, is_end: impl Fn(&u8) -> bool) -> Result<Vec<u8>, ParseError> {
        let mut text = Vec::new();
        loop {
            text.extend_from_slice(self.take_while(|byte| *byte != b'\\' && !is_end(byte)));
            if !self.take(b'\\') {
                return Ok(text);
            }
            text.push(match self.rest.first() {
                Some(b'\\') => b'\\',
                Some(b'"') => b'"',
                Some(b'n') => b'\n',
                _ => return Err(self.error("\\, \" or n behind a backslash", self.rest)),
            });
            self.rest = &self.rest[1..];
        }
    }

    fn utf8(&self, text: Vec<u8>) -> Result<String, ParseError> {
        String::from_utf8(text).map_err(|error| self.error("UTF-8", error.as_bytes()))
    }

    fn take_while(&mut self, is_wanted: impl Fn(&u8) -> bool) -> &'t [u8] {
        let length = self.rest.iter().position(|byte| !is_wanted(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// The error that here should have stood `expected` in place of `found`, which is empty where
    /// the line ends.
    #[cold]
    pub(super) fn error(&self, expected: &'static str, found: &[u8]) -> ParseError {
        let shown = found.len().min(FOUND_BYTES_MAX);
        let more = if shown < found.len() { "..." } else { "" };
        let found = match shown {
            0 => "end of line".to_owned(),
            _ => format!("{}{more}", found[..shown].escape_ascii()),
        };
        ParseError { line: self.number, expected, found }
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_label_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}
