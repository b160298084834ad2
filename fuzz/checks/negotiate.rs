//! Any `Accept` and `Accept-Encoding` lead to a choice that can be served, and what no scraper
//! means changes nothing: the case of letters, blanks around separators, clauses that name nothing.

use promlet::encoding::{Choice, ContentCoding, negotiate};

/// Checks the property on `data`: the values of both fields, with a line feed between.
pub fn check(data: &[u8]) {
    let split = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (accept, encoding) = (&data[..split], data.get(split + 1..).unwrap_or_default());
    let choice = negotiate(Some(accept), Some(encoding));
    check_content_type(choice);
    assert_eq!(negotiate(Some(&accept.to_ascii_uppercase()), Some(encoding)), choice);
    // Without quotes and escapes a separator is one wherever it stands.
    if !data.contains(&b'"') {
        let strangers = [b"x/y;q=1, ".as_slice(), &spaced(accept), b" ,x/z"].concat();
        let codings = [b"x, ".as_slice(), &spaced(encoding)].concat();
        assert_eq!(negotiate(Some(&strangers), Some(&codings)), choice);
    }
    if choice.coding == ContentCoding::Gzip {
        let named = encoding.to_ascii_lowercase();
        assert!(named.windows(4).any(|w| w == b"gzip") || named.contains(&b'*'));
    }
}

/// A Content-Type is what a client that names exactly it would be given.
fn check_content_type(choice: Choice) {
    let content_type = choice.content_type();
    let again = negotiate(Some(content_type.as_bytes()), None);
    assert_eq!((again.format, again.escaping), (choice.format, choice.escaping));
    assert!(content_type.is_ascii());
}

fn spaced(field: &[u8]) -> Vec<u8> {
    let is_separator = |byte: &u8| matches!(byte, b',' | b';' | b'=');
    let space = |byte: &u8| match is_separator(byte) {
        true => vec![b' ', *byte, b'\t'],
        false => vec![*byte],
    };
    field.iter().flat_map(space).collect()
}
