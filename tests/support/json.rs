//! A reader of JSON (RFC 8259), for what other programs' APIs answer. Numbers keep their spelling.

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads one whole document; the error names the byte where it ends to be JSON.
    pub(crate) fn parse(text: &str) -> Result<Json, String> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value();
        parser.blanks();
        match value {
            Some(value) if parser.at == text.len() => Ok(value),
            _ => Err(format!("not JSON at byte {}", parser.at)),
        }
    }

    /// The value under a path of keys and indices, `data.result.0.value.1`.
    pub(crate) fn at(&self, path: &str) -> Option<&Json> {
        path.split('.').try_fold(self, |value, step| match value {
            Json::Object(members) => members.get(step),
            Json::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Json::String(text) = self { Some(text) } else { None }
    }
}

/// `at` is where reading goes on; after a failure, where the text broke the grammar.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self) -> Option<Json> {
        self.blanks();
        match self.rest().chars().next()? {
            '{' => self.object(),
            '[' => self.array(),
            '"' => self.string().map(Json::String),
            't' => self.takes("true").then_some(Json::Bool(true)),
            'f' => self.takes("false").then_some(Json::Bool(false)),
            'n' => self.takes("null").then_some(Json::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self) -> Option<Json> {
        let mut members = BTreeMap::new();
        self.list('{', '}', |parser| {
            let name = parser.string()?;
            parser.blanks();
            if !parser.takes(":") {
                return None;
            }
            members.insert(name, parser.value()?);
            Some(())
        })?;
        Some(Json::Object(members))
    }

    fn array(&mut self) -> Option<Json> {
        let mut items = Vec::new();
        self.list('[', ']', |parser| {
            items.push(parser.value()?);
            Some(())
        })?;
        Some(Json::Array(items))
    }

    /// Reads the brackets and commas around what `item` reads.
    fn list(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.at += open.len_utf8();
        let close = close.to_string();
        self.blanks();
        if self.takes(&close) {
            return Some(());
        }
        loop {
            self.blanks();
            item(self)?;
            self.blanks();
            if self.takes(&close) {
                return Some(());
            }
            if !self.takes(",") {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        if !self.takes("\"") {
            return None;
        }
        let mut text = String::new();
        loop {
            let char = self.rest().chars().next()?;
            if char < ' ' {
                return None;
            }
            self.at += char.len_utf8();
            match char {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                char => text.push(char),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        const PLAIN: [(char, char); 8] = [
            ('"', '"'),
            ('\\', '\\'),
            ('/', '/'),
            ('b', '\u{8}'),
            ('f', '\u{c}'),
            ('n', '\n'),
            ('r', '\r'),
            ('t', '\t'),
        ];
        let letter = self.rest().chars().next()?;
        if let Some((_, char)) = PLAIN.iter().find(|(escape, _)| *escape == letter) {
            self.at += 1;
            return Some(*char);
        }
        let high = self.utf16_unit(&['u'])?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high.into());
        }
        let low = self.utf16_unit(&['\\', 'u'])?;
        char::decode_utf16([high, low]).next()?.ok()
    }

    fn utf16_unit(&mut self, introduction: &[char]) -> Option<u16> {
        for &char in introduction {
            if !self.takes(char.encode_utf8(&mut [0; 4])) {
                return None;
            }
        }
        let digits =
            self.rest().get(..4).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
        let unit = u16::from_str_radix(digits?, 16).ok()?;
        self.at += 4;
        Some(unit)
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        self.takes("-");
        if !self.takes("0") {
            self.digits()?;
        }
        if self.takes(".") {
            self.digits()?;
        }
        if self.takes("e") || self.takes("E") {
            let _signed = self.takes("+") || self.takes("-");
            self.digits()?;
        }
        Some(Json::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.rest();
        let count = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        self.at += count;
        (count > 0).then_some(())
    }
}
