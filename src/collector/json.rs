//! JSON (RFC 8259) as far as fixtures of node_exporter need it: files that stand in for what only
//! the kernel can tell.

/// Lists and objects that may be inside one another; fixtures have two.
const DEPTH_MAX: usize = 16;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Json {
    /// `null`, `true` and `false`, which mean nothing here.
    Word,
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole document; `None` where it is malformed.
    pub(super) fn parse(document: &[u8]) -> Option<Json> {
        let mut rest = Rest { text: std::str::from_utf8(document).ok()? };
        let value = rest.value(DEPTH_MAX)?;
        rest.skip_blanks();
        rest.text.is_empty().then_some(value)
    }

    /// The elements of a list; none of anything else.
    pub(super) fn elements(&self) -> &[Json] {
        match self {
            Json::List(elements) => elements,
            _ => &[],
        }
    }

    /// As in Go, names are compared without regard to case, and of several the last counts.
    fn member(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => {
                let is_it = |(known, _): &&(String, Json)| known.eq_ignore_ascii_case(name);
                members.iter().rfind(is_it).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The number of this name in an object. As in Go, one that is left out is zero.
    pub(super) fn number(&self, name: &str) -> f64 {
        match self.member(name) {
            Some(Json::Number(number)) => *number,
            _ => 0.0,
        }
    }

    /// The text of this name in an object. As in Go, one that is left out is empty.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.member(name) {
            Some(Json::Text(text)) => text,
            _ => "",
        }
    }
}

/// What is left of a document.
struct Rest<'a> {
    text: &'a str,
}

impl<'a> Rest<'a> {
    fn skip_blanks(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes a mark, and the blanks in front of it.
    fn mark(&mut self, mark: char) -> Option<()> {
        self.skip_blanks();
        self.text = self.text.strip_prefix(mark)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_blanks();
        let inner = depth.checked_sub(1)?;
        match self.text.chars().next()? {
            '"' => self.string().map(Json::Text),
            '[' => self.items('[', ']', |rest| rest.value(inner)).map(Json::List),
            '{' => {
                let members = self.items('{', '}', |rest| {
                    rest.skip_blanks();
                    let name = rest.string()?;
                    rest.mark(':')?;
                    Some((name, rest.value(inner)?))
                });
                members.map(Json::Object)
            }
            '-' | '0'..='9' => self.number().map(Json::Number),
            _ => {
                let words = ["null", "true", "false"];
                self.text = words.iter().find_map(|word| self.text.strip_prefix(word))?;
                Some(Json::Word)
            }
        }
    }

    fn items<T>(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.mark(open)?;
        let mut items = Vec::new();
        if self.mark(close).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.mark(',').is_none() {
                return self.mark(close).map(|()| items);
            }
        }
    }

    fn number(&mut self) -> Option<f64> {
        let is_part = |char: char| matches!(char, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let end = self.text.find(|char| !is_part(char)).unwrap_or(self.text.len());
        let (number, rest) = self.text.split_at(end);
        self.text = rest;
        number.parse().ok()
    }

    fn string(&mut self) -> Option<String> {
        self.text = self.text.strip_prefix('"')?;
        let mut string = String::new();
        loop {
            let (plain, rest) = self.text.split_at(self.text.find(['"', '\\'])?);
            string.push_str(plain);
            if let Some(rest) = rest.strip_prefix('"') {
                self.text = rest;
                return Some(string);
            }
            self.text = &rest[1..];
            string.push(self.escaped()?);
        }
    }

    /// The character that stands behind a backslash. Halves of pairs of UTF-16 are refused.
    fn escaped(&mut self) -> Option<char> {
        let escape = self.text.chars().next()?;
        self.text = &self.text[escape.len_utf8()..];
        Some(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits = self.text.get(..4)?;
                self.text = &self.text[4..];
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_values_of_each_kind() {
        let document =
            br#" [ {"a": "x\n\u00e4\"", "b" : -1.5e3, "c": [], "d": {}}, null ,true, false ] "#;
        let json = Json::parse(document).unwrap();
        let [object, words @ ..] = json.elements() else { panic!("{json:?}") };
        assert_eq!((object.text("a"), object.number("b")), ("x\n\u{e4}\"", -1500.0));
        assert_eq!((object.text("b"), object.number("none")), ("", 0.0));
        assert_eq!(words, [Json::Word, Json::Word, Json::Word]);
    }

    #[test]
    fn members_are_named_in_any_case_and_the_last_counts() {
        let json = Json::parse(br#"{"Name": "a", "kind": 1, "NAME": "b"}"#).unwrap();
        assert_eq!((json.text("Name"), json.number("Kind")), ("b", 1.0));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        const CASES: &[&str] = &[
            "",
            "[",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "\"a",
            "\"\\x\"",
            "\"\\ud800\"",
            "nul",
            "1 1",
            "--",
        ];
        for document in CASES {
            assert_eq!(Json::parse(document.as_bytes()), None, "{document:?}");
        }
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(deep(DEPTH_MAX).as_bytes()).is_some());
        assert_eq!(Json::parse(deep(DEPTH_MAX + 1).as_bytes()), None);
    }

    proptest! {
        /// Any text is a document or none.
        #[test]
        fn no_text_panics(text in r#"[\[\]{}":,\\u0-9a-fn ä.-]{0,60}"#) {
            Json::parse(text.as_bytes());
        }
    }
}
