//! Percent-decoding, and the pairs of a query string as forms write them
//! (RFC 3986 §2.1; `application/x-www-form-urlencoded` in the URL standard).

use std::borrow::Cow;

/// Decodes `%41` as `A`; borrows where there is nothing to decode. A `%` that no two hexadecimal
/// digits follow stays as it is.
///
/// ```
/// use promlet::http::query::percent_decode;
///
/// assert_eq!(percent_decode(b"/a%2Fb"), &b"/a/b"[..]);
/// ```
pub fn percent_decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    decode(bytes, b'+')
}

/// The pairs of a query string, each decoded: `&` between pairs, the first `=` between name and
/// value, `+` for a blank. A pair without `=` has an empty value; an empty pair is none.
///
/// ```
/// use promlet::http::query::pairs;
///
/// let mut pairs = pairs(b"collect%5B%5D=cpu&name=a+b");
/// assert_eq!(pairs.next(), Some((b"collect[]"[..].into(), b"cpu"[..].into())));
/// assert_eq!(pairs.next(), Some((b"name"[..].into(), b"a b"[..].into())));
/// assert_eq!(pairs.next(), None);
/// ```
pub fn pairs(query: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    query.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let end = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let value = pair.get(end + 1..).unwrap_or_default();
        (decode(&pair[..end], b' '), decode(value, b' '))
    })
}

/// Decodes escapes, and `+` as `plus`.
fn decode(bytes: &[u8], plus: u8) -> Cow<'_, [u8]> {
    if !bytes.iter().any(|&byte| byte == b'%' || byte == b'+' && plus != b'+') {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, escaped(rest)) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                rest = &rest[2..];
            }
            (b'+', _) => decoded.push(plus),
            (&byte, _) => decoded.push(byte),
        }
    }
    Cow::Owned(decoded)
}

/// The byte that the two hexadecimal digits at the start of `bytes` stand for.
pub(super) fn escaped(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*bytes.first()?)? << 4 | digit(*bytes.get(1)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percent_decoding() {
        const CASES: &[(&str, &[u8], &[u8])] = &[
            ("nothing to decode", b"/metrics", b"/metrics"),
            ("plus is a plus in a path", b"a+b", b"a+b"),
            ("either case", b"%2f%2F", b"//"),
            ("any byte", b"%00%ff", b"\0\xff"),
            ("cut", b"a%", b"a%"),
            ("cut after a digit", b"a%4", b"a%4"),
            ("no digits", b"%zz%+1%-1", b"%zz%+1%-1"),
            ("decoded once", b"%2541", b"%41"),
        ];
        for (name, raw, decoded) in CASES {
            assert_eq!(percent_decode(raw), *decoded, "{name}");
        }
    }

    #[test]
    fn query_pairs() {
        type Pairs = &'static [(&'static [u8], &'static [u8])];
        const CASES: &[(&str, &[u8], Pairs)] = &[
            ("empty", b"", &[]),
            ("only separators", b"&&", &[]),
            ("no value", b"a&b=", &[(b"a", b""), (b"b", b"")]),
            ("no name", b"=x", &[(b"", b"x")]),
            ("first equals sign", b"a=b=c", &[(b"a", b"b=c")]),
            ("separators decoded after splitting", b"a%26b=c%3Dd", &[(b"a&b", b"c=d")]),
            ("plus", b"a+b=%2B+", &[(b"a b", b"+ ")]),
            ("repeated", b"c[]=x&c[]=y", &[(b"c[]", b"x"), (b"c[]", b"y")]),
        ];
        for (name, raw, expected) in CASES {
            let pairs: Vec<_> = pairs(raw).collect();
            let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
            assert_eq!(pairs, *expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes: Vec<u8>) {
            let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(&*percent_decode(encoded.as_bytes()), &bytes[..]);
            let query = format!("{encoded}={encoded}");
            let pair = pairs(query.as_bytes()).next().unwrap();
            prop_assert_eq!(pair, (bytes.as_slice().into(), bytes.as_slice().into()));
        }

        #[test]
        fn decoding_never_grows_or_panics(bytes: Vec<u8>) {
            prop_assert!(percent_decode(&bytes).len() <= bytes.len());
            prop_assert!(pairs(&bytes).map(|(n, v)| n.len() + v.len()).sum::<usize>() <= bytes.len());
        }
    }
}
