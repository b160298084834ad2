//! Request targets: the four forms of RFC 9112 §3.2.
//!
//! ```text
//! origin-form     /metrics?collect[]=cpu         what servers are asked
//! absolute-form   http://host:6061/metrics       what proxies are asked; the authority is checked
//! asterisk-form   *                              OPTIONS only
//! authority-form  host:443                       CONNECT only, refused before it gets here
//! ```

use super::bytes::{self, HOST, PATH, QUERY};
use super::query;

/// Where a request goes, in the bytes that it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// `/` and what follows, or `*`.
    pub path: &'a [u8],
    /// What follows the first `?`, if there is one.
    pub query: Option<&'a [u8]>,
}

/// Parses a target; `None` if it has none of the forms. `asterisk` says whether `*` is one.
pub(super) fn parse_target(target: &[u8], asterisk: bool) -> Option<Target<'_>> {
    match target {
        b"*" if asterisk => Some(Target { path: target, query: None }),
        [b'/', ..] => parse_path(target),
        _ => parse_absolute(target),
    }
}

fn parse_path(target: &[u8]) -> Option<Target<'_>> {
    let (path, query) = match target.iter().position(|&byte| byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    };
    let valid = bytes::all(path, PATH)
        && bytes::all(query.unwrap_or_default(), QUERY)
        && escapes_are_whole(target);
    valid.then_some(Target { path, query })
}

/// `http://authority/path?query`. An empty path is the path `/`.
fn parse_absolute(target: &[u8]) -> Option<Target<'_>> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = target.split_at(colon);
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return None;
    }
    let rest = rest.strip_prefix(b"://")?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.is_empty() || !is_authority(authority) {
        return None;
    }
    match rest {
        [] => Some(Target { path: b"/", query: None }),
        [b'?', ..] => parse_path(rest).map(|target| Target { path: b"/", ..target }),
        _ => parse_path(rest),
    }
}

/// Whether it is a host with an optional port, as in the field Host, where it may be empty. User
/// names and passwords are none (RFC 9110 §4.2.4).
pub(super) fn is_authority(authority: &[u8]) -> bool {
    let (host_valid, port) = match authority {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|&byte| byte == b']') else { return false };
            let is_address = |byte: &u8| bytes::is(*byte, HOST) && *byte != b'%' || *byte == b':';
            (end > 0 && rest[..end].iter().all(is_address), &rest[end + 1..])
        }
        _ => {
            let end = authority.iter().position(|&byte| byte == b':').unwrap_or(authority.len());
            let host = &authority[..end];
            (bytes::all(host, HOST) && escapes_are_whole(host), &authority[end..])
        }
    };
    let port_valid = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    host_valid && port_valid
}

/// Whether each `%` is followed by two hexadecimal digits.
fn escapes_are_whole(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .enumerate()
        .all(|(at, &byte)| byte != b'%' || query::escaped(&bytes[at + 1..]).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        type Parts = (&'static str, Option<&'static str>);
        const CASES: &[(&str, &str, Option<Parts>)] = &[
            ("origin", "/metrics", Some(("/metrics", None))),
            ("query", "/m?a=b?c", Some(("/m", Some("a=b?c")))),
            ("empty query", "/?", Some(("/", Some("")))),
            ("two slashes are a path", "//host/x", Some(("//host/x", None))),
            ("brackets in a query", "/m?collect[]=cpu", Some(("/m", Some("collect[]=cpu")))),
            ("brackets in a path", "/m[]", None),
            ("absolute", "http://h:80/m?q", Some(("/m", Some("q")))),
            ("absolute, either case", "HTTPS://h/", Some(("/", None))),
            ("absolute without path", "http://h", Some(("/", None))),
            ("absolute with only a query", "http://h?q", Some(("/", Some("q")))),
            ("absolute, IPv6", "http://[::1]:6061/m", Some(("/m", None))),
            ("absolute without authority", "http://", None),
            ("absolute with an empty authority", "http:///metrics", None),
            ("absolute with a cut scheme", "http:/h", None),
            ("absolute with user", "http://u:p@h/", None),
            ("absolute with a bad port", "http://h:x/", None),
            ("absolute with another scheme", "ftp://h/", None),
            ("absolute with a fragment", "http://h#f", None),
            ("fragment", "/m#f", None),
            ("escape", "/%41", Some(("/%41", None))),
            ("cut escape", "/%4", None),
            ("cut escape before the query", "/%4?1", None),
            ("no escape", "/%zz", None),
            ("not ASCII", "/\u{e9}", None),
            ("control byte", "/\x01", None),
            ("asterisk", "*", None),
            ("authority", "host:443", None),
            ("relative", "metrics", None),
            ("empty", "", None),
        ];
        for (name, raw, expected) in CASES {
            let parsed = parse_target(raw.as_bytes(), false);
            let expected = expected.map(|(path, query): Parts| Target {
                path: path.as_bytes(),
                query: query.map(str::as_bytes),
            });
            assert_eq!(parsed, expected, "{name}");
        }
        assert!(parse_target(b"*", true).is_some());
        assert!(parse_target(b"**", true).is_none());
    }

    #[test]
    fn authorities() {
        const VALID: &[&str] =
            &["", "h", "h:", "h:6061", "127.0.0.1:1", "[::1]", "[::1]:80", "a_b", "%41"];
        const INVALID: &[&str] = &[
            "h:x", "h:1:2", "h:123456", "[::1", "[]", "[::1]x", "[::1%lo]", "a b", "a,b/", "u@h",
            "h/", "a%4",
        ];
        for authority in VALID {
            assert!(is_authority(authority.as_bytes()), "{authority:?}");
        }
        for authority in INVALID {
            assert!(!is_authority(authority.as_bytes()), "{authority:?}");
        }
    }
}
