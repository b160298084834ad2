//! The words of a value, quoted as in a shell, without a shell: nothing is expanded.
//!
//! ```text
//! a b        two words; blanks and tabs separate
//! "a b"      one word; \" and \\ stand for themselves in it
//! 'a "b"'    one word, nothing is special in it
//! a\ b       one word
//! a # b      one word and a comment
//! ```

use super::error::Fault;

/// A word, its quotes taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether any of it was quoted: then it is meant as it is.
    pub(super) is_quoted: bool,
}

/// The words of `value`, up to a comment.
pub(super) fn split(value: &str) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, behind) = take_word(rest)?;
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

/// The first word of `text`, which does not begin with a blank, and what stands behind it.
fn take_word(text: &str) -> Result<(Word, &str), Fault> {
    let mut word = Word { text: String::new(), is_quoted: false };
    let mut rest = text;
    while let Some(first) = rest.chars().next().filter(|first| !first.is_whitespace()) {
        rest = &rest[first.len_utf8()..];
        match first {
            '\'' | '"' => {
                word.is_quoted = true;
                rest = take_quoted(first, rest, &mut word.text)
                    .ok_or_else(|| Fault::new(format!("a closing {first}"), text))?;
            }
            '\\' => {
                let escaped = rest.chars().next();
                let escaped =
                    escaped.ok_or_else(|| Fault::new("a character behind the last \\", text))?;
                word.is_quoted = true;
                word.text.push(escaped);
                rest = &rest[escaped.len_utf8()..];
            }
            plain => word.text.push(plain),
        }
    }
    Ok((word, rest))
}

/// Appends what stands in front of the closing `quote`; what stands behind it, if there is one.
fn take_quoted<'a>(quote: char, text: &'a str, word: &mut String) -> Option<&'a str> {
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            _ if char == quote => return Some(&text[at + 1..]),
            // As in a shell, a backslash before anything else is one.
            '\\' if quote == '"' && text[at + 1..].starts_with(['"', '\\', '$', '`']) => {
                word.extend(chars.next().map(|(_, escaped)| escaped));
            }
            _ => word.push(char),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(value: &str) -> Vec<String> {
        split(value).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words() {
        const CASES: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  \t ", &[]),
            ("# nothing", &[]),
            ("a  b\tc ", &["a", "b", "c"]),
            (r#""a b" 'c "d"'"#, &["a b", "c \"d\""]),
            (r#"a"b"'c'\d"#, &["abcd"]),
            (r"a\ b \# \\", &["a b", "#", "\\"]),
            (r#""\"\\\$\`\n""#, &["\"\\$`\\n"]),
            (r"'\'", &["\\"]),
            (r#""" ''"#, &["", ""]),
            ("a#b c #d e", &["a#b", "c"]),
            ("'#' \"# x\"", &["#", "# x"]),
            ("$HOME * ~", &["$HOME", "*", "~"]),
            ("é ü\u{a0}x", &["é", "ü", "x"]),
        ];
        for (value, expected) in CASES {
            assert_eq!(texts(value), *expected, "{value}");
        }
    }

    #[test]
    fn what_is_left_open_is_named() {
        const CASES: &[(&str, &str)] = &[
            ("a \"b c", "expected a closing \", found \"\\\"b c\""),
            ("a 'b", "expected a closing ', found \"'b\""),
            ("\"a\\\"", "expected a closing \", found \"\\\"a\\\\\\\"\""),
            ("a\\", "expected a character behind the last \\, found \"a\\\\\""),
        ];
        for (value, expected) in CASES {
            assert_eq!(split(value).unwrap_err().to_string(), *expected, "{value}");
        }
    }

    proptest! {
        /// Any text at all is one word once it is quoted, in either way.
        #[test]
        fn quoted_text_is_one_word(text in "[^']*") {
            let double = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(texts(&double), [text.clone()]);
            prop_assert_eq!(texts(&format!("'{text}'")), [text]);
        }
    }
}
