use super::*;
use proptest::prelude::*;

fn small() -> Limits {
    Limits { request_line_bytes_max: 64, fields_bytes_max: 128, fields_max: 4, ..Limits::default() }
}

/// The refusal, or `None` for a request; a partial head is neither.
fn verdict(bytes: &[u8], limits: &Limits) -> Option<Refusal> {
    match parse(bytes, limits) {
        Parsed::Complete { .. } => None,
        Parsed::Refused(refusal) => Some(refusal),
        Parsed::Partial { .. } => panic!("partial: {:?}", bytes.escape_ascii().to_string()),
    }
}

/// The request in `bytes`, which are its head and no more.
fn request(bytes: &str) -> Request<'_> {
    match parse(bytes.as_bytes(), &Limits::default()) {
        Parsed::Complete { request, head_len } if head_len == bytes.len() => request,
        other => panic!("{bytes:?}: {other:?}"),
    }
}

#[test]
fn request_lines() {
    use Refusal::*;
    const CASES: &[(&str, &str, Option<Refusal>)] = &[
        ("plain", "GET / HTTP/1.1", None),
        ("any token is a method", "M-SEARCH! /x HTTP/1.1", None),
        ("HTTP/1.0", "GET / HTTP/1.0", None),
        ("later minor version", "GET / HTTP/1.9", None),
        ("one empty line before", "\r\nGET / HTTP/1.1", None),
        ("two empty lines before", "\r\n\r\nGET / HTTP/1.1", Some(NotHttp)),
        ("bare LF before", "\nGET / HTTP/1.1", Some(NotHttp)),
        ("bare CR before", "\rGET / HTTP/1.1", Some(NotHttp)),
        ("blank before", " GET / HTTP/1.1", Some(NotHttp)),
        ("TLS", "\x16\x03\x01\x02", Some(NotHttp)),
        ("HTTP/0.9", "GET /", Some(RequestLine)),
        ("only a method", "GET", Some(RequestLine)),
        ("two blanks", "GET  / HTTP/1.1", Some(RequestLine)),
        ("tab", "GET\t/ HTTP/1.1", Some(RequestLine)),
        ("blank in the target", "GET /a b HTTP/1.1", Some(RequestLine)),
        ("blank at the end", "GET / HTTP/1.1 ", Some(RequestLine)),
        ("method with a separator", "G(T / HTTP/1.1", Some(Method)),
        ("method with NUL", "G\0T / HTTP/1.1", Some(Method)),
        ("CR in the line", "GET /\r HTTP/1.1", Some(Target)),
        ("tunnel", "CONNECT host:443 HTTP/1.1", Some(Tunnel)),
        ("HTTP/2 preface", "PRI * HTTP/2.0", Some(VersionUnsupported)),
        ("HTTP/0.9, said", "GET / HTTP/0.9", Some(VersionUnsupported)),
        ("version in lower case", "GET / http/1.1", Some(Version)),
        ("version of two digits", "GET / HTTP/1.10", Some(Version)),
        ("version without minor", "GET / HTTP/1", Some(Version)),
        ("version with a sign", "GET / HTTP/+1.1", Some(Version)),
        ("other protocol", "GET / ICY/1.1", Some(Version)),
        ("absolute form", "GET http://h/m HTTP/1.1", None),
        ("absolute form without host", "GET http:// HTTP/1.1", Some(Target)),
        ("absolute form, cut", "GET http: HTTP/1.1", Some(Target)),
        ("empty target", "GET  HTTP/1.1", Some(Target)),
        ("asterisk", "OPTIONS * HTTP/1.1", None),
        ("asterisk for GET", "GET * HTTP/1.1", Some(Target)),
        ("NUL in the target", "GET /\0 HTTP/1.1", Some(Target)),
    ];
    for (name, line, expected) in CASES {
        let head = format!("{line}\r\nHost: h\r\n\r\n");
        assert_eq!(verdict(head.as_bytes(), &Limits::default()), *expected, "{name}");
    }
}

#[test]
fn fields() {
    use Refusal::*;
    const CASES: &[(&str, &str, Option<Refusal>)] = &[
        ("no blank before the value", "A:b", None),
        ("blanks around the value", "A: \t b \t", None),
        ("empty value", "A:", None),
        ("colon in the value", "A: b:c", None),
        ("bytes above ASCII", "A: \u{e9}", None),
        ("any token is a name", "!#$%&'*+-.^_`|~09azAZ: b", None),
        ("no colon", "A", Some(FieldName)),
        ("no name", ": b", Some(FieldName)),
        ("blank before the colon", "A : b", Some(FieldName)),
        ("tab before the colon", "A\t: b", Some(FieldName)),
        ("blank in the name", "A B: c", Some(FieldName)),
        ("name above ASCII", "\u{e9}: b", Some(FieldName)),
        ("separator in the name", "A(b): c", Some(FieldName)),
        ("blank before the name", " A: b", Some(FoldedField)),
        ("folded", "A: b\r\n c", Some(FoldedField)),
        ("folded with a tab", "A: b\r\n\tc: d", Some(FoldedField)),
        ("folded empty line", "A: b\r\n \r\n", Some(FoldedField)),
        ("NUL", "A: b\0c", Some(FieldValue)),
        ("NUL in the name", "A\0: b", Some(FieldValue)),
        ("bare CR", "A: b\rC: d", Some(FieldValue)),
        ("bare CR at the end", "A: b\r", Some(FieldValue)),
        ("bare LF", "A: b\nC: d", Some(BareLf)),
        ("bare LF as the empty line", "A: b\r\n\n", Some(BareLf)),
        ("escape", "A: \x1b[2J", Some(FieldValue)),
        ("DEL", "A: \x7f", Some(FieldValue)),
        ("a second Host", "Host: h", Some(Host)),
        ("Expect", "Expect: 100-Continue", None),
        ("another expectation", "Expect: 200-ok", Some(Expectation)),
        ("two expectations", "Expect: 100-continue, x", Some(Expectation)),
        ("no expectation", "Expect:", Some(Expectation)),
    ];
    for (name, field, expected) in CASES {
        let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n");
        assert_eq!(verdict(head.as_bytes(), &Limits::default()), *expected, "{name}");
    }
}

#[test]
fn hosts() {
    use Refusal::{Host, HostMissing};
    const CASES: &[(&str, &str, Option<Refusal>)] = &[
        ("plain", "HTTP/1.1\r\nhOsT: h:6061\r\n", None),
        ("IPv6", "HTTP/1.1\r\nHost: [::1]:6061\r\n", None),
        ("empty", "HTTP/1.1\r\nHost:\r\n", None),
        ("missing", "HTTP/1.1\r\nHosts: h\r\n", Some(HostMissing)),
        ("not needed in HTTP/1.0", "HTTP/1.0\r\n", None),
        ("twice", "HTTP/1.1\r\nHost: h\r\nHost: h\r\n", Some(Host)),
        ("twice in HTTP/1.0", "HTTP/1.0\r\nHost: h\r\nHost: i\r\n", Some(Host)),
        ("list", "HTTP/1.1\r\nHost: a b\r\n", Some(Host)),
        ("user", "HTTP/1.1\r\nHost: u@h\r\n", Some(Host)),
        ("path", "HTTP/1.1\r\nHost: h/m\r\n", Some(Host)),
    ];
    for (name, rest, expected) in CASES {
        let head = format!("GET / {rest}\r\n");
        assert_eq!(verdict(head.as_bytes(), &Limits::default()), *expected, "{name}");
    }
}

#[test]
fn body_lengths() {
    use Refusal::{ContentLength, TransferCodingUnknown, TransferEncoding};
    type Outcome = Result<BodyLength, Refusal>;
    const KNOWN: fn(u64) -> Outcome = |length| Ok(BodyLength::Known(length));
    let cases: &[(&str, &str, Outcome)] = &[
        ("none", "", KNOWN(0)),
        ("zero", "Content-Length: 0", KNOWN(0)),
        ("some", "Content-Length: 17", KNOWN(17)),
        ("leading zeros", "Content-Length: 007", KNOWN(7)),
        ("64 bits", "Content-Length: 18446744073709551615", KNOWN(u64::MAX)),
        ("more than 64 bits", "Content-Length: 18446744073709551617", KNOWN(u64::MAX)),
        ("empty", "Content-Length:", Err(ContentLength)),
        ("plus", "Content-Length: +1", Err(ContentLength)),
        ("minus", "Content-Length: -1", Err(ContentLength)),
        ("hexadecimal", "Content-Length: 0x1", Err(ContentLength)),
        ("blank inside", "Content-Length: 1 2", Err(ContentLength)),
        ("list", "Content-Length: 1, 1", Err(ContentLength)),
        ("not ASCII", "Content-Length: \u{661}", Err(ContentLength)),
        ("two different", "Content-Length: 1\r\nContent-Length: 2", Err(ContentLength)),
        ("two equal", "Content-Length: 1\r\ncontent-length: 1", Err(ContentLength)),
        ("chunked", "Transfer-Encoding: Chunked", Ok(BodyLength::Chunked)),
        ("both", "Content-Length: 1\r\nTransfer-Encoding: chunked", Err(TransferEncoding)),
        (
            "both, other order",
            "Transfer-Encoding: chunked\r\nContent-Length: 0",
            Err(TransferEncoding),
        ),
        ("chunked twice", "Transfer-Encoding: chunked, chunked", Err(TransferEncoding)),
        (
            "two fields",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            Err(TransferEncoding),
        ),
        ("chunked not last", "Transfer-Encoding: chunked, gzip", Err(TransferEncoding)),
        ("empty coding", "Transfer-Encoding:", Err(TransferEncoding)),
        ("not a coding", "Transfer-Encoding: xchunked", Err(TransferEncoding)),
        ("quoted", "Transfer-Encoding: \"chunked\"", Err(TransferEncoding)),
        ("vertical tab", "Transfer-Encoding: \x0bchunked", Err(Refusal::FieldValue)),
        ("other coding", "Transfer-Encoding: gzip, chunked", Err(TransferCodingUnknown)),
        ("identity", "Transfer-Encoding: identity", Err(TransferEncoding)),
    ];
    for (name, field, expected) in cases {
        let end = if field.is_empty() { "" } else { "\r\n" };
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\n{field}{end}\r\n");
        let outcome = match parse(head.as_bytes(), &Limits::default()) {
            Parsed::Complete { request, .. } => Ok(request.body()),
            Parsed::Refused(refusal) => Err(refusal),
            Parsed::Partial { .. } => panic!("{name}: partial"),
        };
        assert_eq!(outcome, *expected, "{name}");
    }
    let old = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(verdict(old, &Limits::default()), Some(TransferEncoding));
}

#[test]
fn persistence() {
    const CASES: &[(&str, &str, bool)] = &[
        ("by default", "1.1", true),
        ("close", "1.1\r\nConnection: close", false),
        ("close in a list", "1.1\r\nConnection: te ,CLOSE", false),
        ("close wins", "1.1\r\nConnection: keep-alive\r\nConnection: close", false),
        ("not close", "1.1\r\nConnection: closed", true),
        ("HTTP/1.0", "1.0", false),
        ("HTTP/1.0 with keep-alive", "1.0\r\nConnection: Keep-Alive", true),
        ("HTTP/1.0, close wins", "1.0\r\nConnection: keep-alive, close", false),
    ];
    for (name, rest, expected) in CASES {
        let head = format!("GET / HTTP/{rest}\r\nHost: h\r\n\r\n");
        assert_eq!(request(&head).is_persistent(), *expected, "{name}");
    }
}

#[test]
fn expectations_of_old_peers_are_ignored() {
    assert!(
        request("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n").expects_continue()
    );
    assert!(!request("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue());
}

#[test]
fn what_a_request_tells() {
    let head = "HEAD /a%2Fb?c%5B%5D=d+e&f HTTP/1.1\r\nHost: h\r\naccept:  x , y\t\r\nB:\r\nAccept: z\r\n\r\n";
    let bytes = format!("\r\n{head}GET");
    let Parsed::Complete { request, head_len } = parse(bytes.as_bytes(), &Limits::default()) else {
        panic!()
    };
    assert_eq!(head_len, head.len() + 2);
    assert_eq!(request.head(), head.as_bytes());
    assert_eq!(request.method(), Method::Head);
    assert_eq!(request.version(), Version::Http11);
    assert_eq!((request.raw_path(), &*request.path()), (&b"/a%2Fb"[..], &b"/a/b"[..]));
    assert_eq!(request.raw_query(), Some(&b"c%5B%5D=d+e&f"[..]));
    let pairs: Vec<_> = request.query_pairs().collect();
    assert_eq!(pairs[0], (b"c[]".into(), b"d e".into()));
    assert_eq!(pairs[1], (b"f".into(), b"".into()));
    assert_eq!(request.field("ACCEPT"), Some(&b"x , y"[..]));
    assert_eq!(request.field_values("accept").collect::<Vec<_>>(), [&b"x , y"[..], b"z"]);
    assert_eq!(request.field("b"), Some(&b""[..]));
    assert_eq!(request.field("c"), None);
    assert_eq!(request.fields().count(), 4);
}

#[test]
fn methods() {
    let cases = [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("PUT", Method::Put),
        ("DELETE", Method::Delete),
        ("PATCH", Method::Other),
        ("get", Method::Other),
    ];
    for (name, method) in cases {
        let head = format!("{name} / HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(request(&head).method(), method, "{name}");
    }
}

#[test]
fn limits_are_exact() {
    let line = |len: usize| {
        let target = "/".repeat(len - "GET  HTTP/1.0".len());
        format!("GET {target} HTTP/1.0\r\n\r\n")
    };
    assert_eq!(verdict(line(64).as_bytes(), &small()), None);
    assert_eq!(verdict(line(65).as_bytes(), &small()), Some(Refusal::RequestLineTooLong));
    assert_eq!(verdict(&[b'a'; 66], &small()), Some(Refusal::RequestLineTooLong));

    let section = |len: usize| {
        let value = "v".repeat(len - "A:\r\n\r\n".len());
        format!("GET / HTTP/1.0\r\nA:{value}\r\n\r\n")
    };
    assert_eq!(verdict(section(128).as_bytes(), &small()), None);
    assert_eq!(verdict(section(129).as_bytes(), &small()), Some(Refusal::FieldsTooLarge));

    let fields = |count: usize| format!("GET / HTTP/1.0\r\n{}\r\n", "A:b\r\n".repeat(count));
    assert_eq!(verdict(fields(4).as_bytes(), &small()), None);
    assert_eq!(verdict(fields(5).as_bytes(), &small()), Some(Refusal::TooManyFields));
}

#[test]
fn statuses_are_those_of_the_rfc() {
    const CASES: &[(Refusal, u16)] = &[
        (Refusal::FieldName, 400),
        (Refusal::TooSlow, 408),
        (Refusal::BodyTooLarge, 413),
        (Refusal::RequestLineTooLong, 414),
        (Refusal::Expectation, 417),
        (Refusal::FieldsTooLarge, 431),
        (Refusal::TooManyFields, 431),
        (Refusal::TransferCodingUnknown, 501),
        (Refusal::Overloaded, 503),
        (Refusal::VersionUnsupported, 505),
    ];
    for (refusal, code) in CASES {
        assert_eq!(refusal.status().code(), *code, "{refusal}");
    }
}

/// Heads that are almost right: pieces that the grammar knows, in any order.
fn head_like() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "GET",
        "POST",
        " ",
        " ",
        "/",
        "/m?a=%41",
        "http://h",
        "*",
        "HTTP/1.1",
        "HTTP/1.0",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "\r",
        "\n",
        "Host: h",
        "Host",
        ":",
        "A: b",
        "\t",
        "\0",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "Expect: x",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    let piece = prop_oneof![
        20 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_prefix_is_partial_or_has_the_whole_answer(bytes in head_like()) {
        let limits = small();
        let whole = parse(&bytes, &limits);
        for len in 0..bytes.len() {
            match (parse(&bytes[..len], &limits), &whole) {
                (Parsed::Partial { undecided_below }, _) => {
                    prop_assert!(undecided_below > len);
                    let is_waiting = |end: &usize| {
                        *end < undecided_below && !bytes[len..*end].contains(&b'\n')
                    };
                    for end in (len..=bytes.len()).take_while(is_waiting) {
                        let is_partial =
                            matches!(parse(&bytes[..end], &limits), Parsed::Partial { .. });
                        prop_assert!(is_partial, "{} was to be undecided", end);
                    }
                }
                (Parsed::Refused(early), Parsed::Refused(late)) => prop_assert_eq!(early, *late),
                (
                    Parsed::Complete { request: early, head_len },
                    Parsed::Complete { request: late, head_len: late_len },
                ) => {
                    prop_assert_eq!(head_len, *late_len);
                    prop_assert_eq!(early, *late);
                }
                (early, late) => prop_assert!(false, "{early:?} became {late:?}"),
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        parse(&bytes, &small());
    }
}
