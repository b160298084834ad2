//! The elements of `Accept` and `Accept-Encoding` (RFC 9110 §5.6.1, §12.4.2, §12.5).
//!
//! ```text
//! field     = clause *("," clause)
//! clause    = name *(";" parameter)              name: a media range or a content coding
//! parameter = name "=" (token | quoted-string)   the parameter q is the clause's weight
//! ```
//!
//! Blanks around each are skipped, letters compare without regard to case. Whatever else comes is
//! a clause or a parameter that nobody knows, which is left out: no request fails because of it.

/// One element of the list.
#[derive(Clone, Copy)]
pub(super) struct Clause<'a> {
    name: &'a [u8],
    /// What follows the first semicolon.
    parameters: &'a [u8],
}

/// The value of a parameter as it stands, with its quotes.
#[derive(Clone, Copy)]
pub(super) struct Value<'a>(&'a [u8]);

/// How much a clause is wanted, in millionths; 0 is not at all.
pub(super) type Weight = u32;

/// The weight of a clause that gives none, and the highest there is.
pub(super) const WEIGHT_MAX: Weight = 1_000_000;

/// The clauses of a field's value.
pub(super) fn clauses(field: &[u8]) -> impl Iterator<Item = Clause<'_>> {
    elements(field, b',').map(|element| {
        let (name, parameters) = split_outside_quotes(element, b';');
        Clause { name: name.trim_ascii(), parameters }
    })
}

impl<'a> Clause<'a> {
    /// Whether the clause is about `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The values of every parameter of that name.
    pub(super) fn parameters(&self, name: &str) -> impl Iterator<Item = Value<'a>> {
        elements(self.parameters, b';').filter_map(move |parameter| {
            let (found, value) = split_outside_quotes(parameter, b'=');
            let is_named = found.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
            is_named.then_some(Value(value.trim_ascii()))
        })
    }

    /// The clause's weight. One above the highest counts as the highest, one that cannot be read
    /// as 0.
    pub(super) fn weight(&self) -> Weight {
        match self.parameters("q").next() {
            Some(value) => parse_weight(value.0).unwrap_or(0),
            None => WEIGHT_MAX,
        }
    }
}

impl Value<'_> {
    /// Whether the value, out of its quotes, is `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        let Some(quoted) = self.0.strip_prefix(b"\"") else {
            return self.0.eq_ignore_ascii_case(text.as_bytes());
        };
        let mut rest = quoted.strip_suffix(b"\"").unwrap_or(quoted);
        let unescaped = std::iter::from_fn(|| {
            rest = rest.strip_prefix(b"\\").unwrap_or(rest);
            let (first, after) = rest.split_first()?;
            rest = after;
            Some(first.to_ascii_lowercase())
        });
        unescaped.eq(text.bytes().map(|byte| byte.to_ascii_lowercase()))
    }
}

/// The weight in millionths; further digits are dropped.
fn parse_weight(text: &[u8]) -> Option<Weight> {
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = (&text[..point], text.get(point + 1..).unwrap_or_default());
    let is_number = !whole.is_empty() && whole.iter().chain(fraction).all(u8::is_ascii_digit);
    if !is_number {
        return None;
    }
    if whole.iter().any(|digit| *digit != b'0') {
        return Some(WEIGHT_MAX);
    }
    let places = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(6);
    Some(places.fold(0, |weight, digit| weight * 10 + u32::from(digit - b'0')))
}

/// The parts of `list` between separators that stand outside of quotes.
fn elements(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (element, after) = split_outside_quotes(rest, separator);
        rest = after;
        Some(element)
    })
}

/// What stands before and after the first `separator` outside of quotes.
fn split_outside_quotes(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(len) = text[at..].iter().position(|b| *b == separator || *b == b'"') {
        at += len;
        if text[at] == separator {
            return (&text[..at], &text[at + 1..]);
        }
        at += 1;
        at += quoted_len(&text[at..]);
    }
    (text, &[])
}

/// The length of a quoted string behind its first quote, with its last one if there is one.
fn quoted_len(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let closing = text.iter().position(|&byte| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    });
    closing.map_or(text.len(), |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights() {
        let cases = [
            ("1", Some(1_000_000)),
            ("0", Some(0)),
            ("0.", Some(0)),
            ("0.001", Some(1_000)),
            ("0.1234567", Some(123_456)),
            ("1.5", Some(WEIGHT_MAX)),
            ("99999999999999999999", Some(WEIGHT_MAX)),
            ("00.5", Some(500_000)),
            ("", None),
            (".5", None),
            ("-1", None),
            ("+1", None),
            ("1e0", None),
            ("0.5.5", None),
            ("\"1\"", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_weight(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn quotes_hide_separators() {
        let field = br#" A/b ; x="1,;\"2" ;q=0.5,, c ; X = y;x ,d;x="un,closed"#;
        let clauses: Vec<Clause<'_>> = clauses(field).collect();
        assert_eq!(clauses.len(), 4);
        assert!(clauses[0].is("a/B"));
        assert!(clauses[0].parameters("X").next().unwrap().is("1,;\"2"));
        assert_eq!(clauses[0].weight(), 500_000);
        assert!(clauses[1].is(""));
        assert_eq!(clauses[1].weight(), WEIGHT_MAX);
        assert!(clauses[2].parameters("x").next().unwrap().is("Y"));
        assert_eq!(clauses[2].parameters("x").count(), 2);
        assert!(clauses[3].parameters("x").next().unwrap().is("un,closed"));
    }
}
