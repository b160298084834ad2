//! Labels from bytes that need not be text: names of devices, what firmware wrote.

use std::borrow::Cow;

/// Appends `bytes` to `text`. As in node_exporter, each run of bytes that are not UTF-8 becomes one
/// U+FFFD.
pub(crate) fn push_text(text: &mut String, bytes: &[u8]) {
    let mut is_in_run = false;
    for chunk in bytes.utf8_chunks() {
        is_in_run &= chunk.valid().is_empty();
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !is_in_run {
            text.push(char::REPLACEMENT_CHARACTER);
            is_in_run = true;
        }
    }
}

/// The same as a text of its own, where it is not text already.
pub(crate) fn to_text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len());
            push_text(&mut text, bytes);
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_what_is_no_text_is_one_sign() {
        const CASES: &[(&[u8], &str)] = &[
            (b"A01", "A01"),
            (b"", ""),
            (b"\xff[\xfe\xff]", "\u{fffd}[\u{fffd}]"),
            (b"a\xe2\x82\xff", "a\u{fffd}"),
            ("\u{fffd}\u{fffd}".as_bytes(), "\u{fffd}\u{fffd}"),
            (b"\xff\xef\xbf\xbd\xff", "\u{fffd}\u{fffd}\u{fffd}"),
        ];
        for (content, expected) in CASES {
            assert_eq!(to_text(content), *expected, "{content:?}");
            let mut text = "x".to_owned();
            push_text(&mut text, content);
            assert_eq!(text, format!("x{expected}"), "{content:?}");
        }
    }
}
