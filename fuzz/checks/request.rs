//! Any bytes have one verdict as a request head however they are cut, and an accepted head says
//! of itself only what a second, plainer reading of its bytes says too.

use promlet::http::request::{Parsed, Request, parse};
use promlet::http::{Limits, Version};

/// Limits small enough for a fuzzer to reach.
fn limits() -> Limits {
    Limits {
        request_line_bytes_max: 256,
        fields_bytes_max: 512,
        fields_max: 8,
        ..Limits::default()
    }
}

/// Checks the property on `data`.
pub fn check(data: &[u8]) {
    let limits = limits();
    let whole = parse(data, &limits);
    for len in 0..data.len() {
        check_prefix(&parse(&data[..len], &limits), &whole, len, data);
    }
    match whole {
        Parsed::Complete { request, head_len } => check_request(&request, &data[..head_len]),
        Parsed::Partial { undecided_below } => assert!(data.len() < undecided_below),
        Parsed::Refused(refusal) => assert!((400..600).contains(&refusal.status().code())),
    }
}

/// A prefix is partial, or has the verdict of the whole. If it says that nothing is decided before
/// a line feed or a length, then nothing is.
fn check_prefix(prefix: &Parsed<'_>, whole: &Parsed<'_>, len: usize, data: &[u8]) {
    match (prefix, whole) {
        (Parsed::Partial { undecided_below }, _) => {
            assert!(len < *undecided_below);
            let is_waiting = data.len() < *undecided_below && !data[len..].contains(&b'\n');
            assert!(!is_waiting || matches!(whole, Parsed::Partial { .. }));
        }
        (Parsed::Refused(early), Parsed::Refused(late)) => assert_eq!(early, late),
        (
            Parsed::Complete { request: early, head_len },
            Parsed::Complete { request: late, head_len: late_len },
        ) => assert_eq!((early, head_len), (late, late_len)),
        (early, late) => panic!("{early:?} of {len} bytes became {late:?}"),
    }
}

fn check_request(request: &Request<'_>, bytes: &[u8]) {
    let head = request.head();
    assert_eq!(bytes.strip_prefix(b"\r\n").unwrap_or(bytes), head);
    let text = head.strip_suffix(b"\r\n\r\n").expect("a head ends in an empty line");
    assert!(!text.windows(4).any(|window| window == b"\r\n\r\n"), "and has no other");
    assert!(head.len() <= 256 + 2 + 512);
    assert!(!head.contains(&0), "no NUL gets through");
    check_line_ends(head);

    let mut lines = text.split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end());
    let line = lines.next().expect("a request line");
    assert_eq!(line.split(|&byte| byte == b' ').count(), 3);
    let path = request.raw_path();
    assert!(path == b"*" || path.starts_with(b"/"));
    assert!(request.path().len() <= path.len());
    for (name, value) in request.query_pairs() {
        assert!(name.len() + value.len() <= request.raw_query().map_or(0, <[u8]>::len));
    }
    check_fields(request, lines.collect());
}

/// CR and LF come as pairs or not at all.
fn check_line_ends(head: &[u8]) {
    for (at, byte) in head.iter().enumerate() {
        match byte {
            b'\r' => assert_eq!(head.get(at + 1), Some(&b'\n')),
            b'\n' => assert_eq!(head[at - 1], b'\r'),
            _ => {}
        }
    }
}

fn check_fields(request: &Request<'_>, lines: Vec<&[u8]>) {
    let fields: Vec<_> = request.fields().collect();
    assert_eq!(fields.len(), lines.len());
    assert!(fields.len() <= 8);
    for (&(name, value), line) in fields.iter().zip(&lines) {
        assert!(line.starts_with(name) && line[name.len()] == b':');
        assert_eq!(line[name.len() + 1..].trim_ascii(), value);
        assert!(!name.is_empty() && name.iter().all(u8::is_ascii_graphic));
    }
    let count = |name: &str| request.field_values(name).count();
    assert!(count("host") == 1 || count("host") == 0 && request.version() == Version::Http10);
    assert!(count("content-length") + count("transfer-encoding") <= 1);
    if let Some(length) = request.field("content-length") {
        assert!(!length.is_empty() && length.iter().all(u8::is_ascii_digit));
    }
}
