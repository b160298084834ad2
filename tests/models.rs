//! The HTTP client and the JSON reader of `support` hold others to their formats; this holds them.

mod support;

use std::io::{BufRead, ErrorKind};

use support::client::read_response;
use support::json::Json;

const OK: &str = "HTTP/1.1 200 OK\r\n";

#[test]
fn responses_end_where_their_framing_says() {
    let cases = [
        ("length", "Content-Length: 2\r\n\r\nab", "GET", "ab"),
        ("length zero", "Content-Length: 0\r\n\r\n", "GET", ""),
        (
            "chunked",
            "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "GET",
            "a0123456789",
        ),
        ("HEAD", "Content-Length: 2\r\n\r\n", "HEAD", ""),
    ];
    for (name, rest, method, body) in cases {
        let bytes = format!("{OK}{rest}NEXT");
        let mut reader = bytes.as_bytes();
        let response = read_response(&mut reader, method).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((response.status, response.text()), (200, body), "{name}");
        assert_eq!(reader.fill_buf().expect("memory"), b"NEXT", "{name}");
    }
}

#[test]
fn a_body_may_end_with_the_connection_only_where_announced() {
    let close = format!("{OK}Connection: close\r\n\r\nabc");
    let response = read_response(&mut close.as_bytes(), "GET").expect("it is announced");
    assert_eq!(response.body, b"abc");
    let bare = format!("{OK}\r\nabc");
    assert!(read_response(&mut bare.as_bytes(), "GET").is_err());
}

#[test]
fn malformed_responses_are_refused() {
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let cases = [
        ("nothing", String::new(), ErrorKind::UnexpectedEof),
        ("other version", "HTTP/1.0 200 OK\r\n\r\n".to_owned(), ErrorKind::InvalidData),
        ("status of two digits", "HTTP/1.1 20 OK\r\n\r\n".to_owned(), ErrorKind::InvalidData),
        ("no blank after the status", "HTTP/1.1 200\r\n\r\n".to_owned(), ErrorKind::InvalidData),
        (
            "bare LF",
            "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n".to_owned(),
            ErrorKind::InvalidData,
        ),
        ("blank before the colon", format!("{OK}A : b\r\n\r\n"), ErrorKind::InvalidData),
        ("folded line", format!("{OK}A: b\r\n c\r\n\r\n"), ErrorKind::InvalidData),
        ("head cut", format!("{OK}A: b\r\n"), ErrorKind::UnexpectedEof),
        ("body cut", format!("{OK}Content-Length: 3\r\n\r\nab"), ErrorKind::UnexpectedEof),
        ("length with a sign", format!("{OK}Content-Length: +2\r\n\r\nab"), ErrorKind::InvalidData),
        (
            "two framings",
            format!("{OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ErrorKind::InvalidData,
        ),
        ("chunk size missing", format!("{OK}{chunked}\r\nab\r\n"), ErrorKind::InvalidData),
        (
            "chunk longer than said",
            format!("{OK}{chunked}1\r\nab\r\n0\r\n\r\n"),
            ErrorKind::InvalidData,
        ),
        ("last chunk missing", format!("{OK}{chunked}1\r\na\r\n"), ErrorKind::UnexpectedEof),
        ("huge chunk", format!("{OK}{chunked}FFFFFFFFFFFFFFFF\r\n"), ErrorKind::InvalidData),
    ];
    for (name, bytes, kind) in cases {
        let error = read_response(&mut bytes.as_bytes(), "GET").expect_err(name);
        assert_eq!(error.kind(), kind, "{name}: {error}");
    }
}

#[test]
fn json_is_read_whole() {
    let text =
        r#" {"a": [1, -2.5e+3, "x\n\u00e9\ud83d\ude00\/"], "b": {"c": null, "d": true}, "e": []} "#;
    let json = Json::parse(text).expect("it is JSON");
    assert_eq!(json.at("a.1"), Some(&Json::Number("-2.5e+3".to_owned())));
    assert_eq!(json.at("a.2").and_then(Json::as_str), Some("x\né😀/"));
    assert_eq!(json.at("b.d"), Some(&Json::Bool(true)));
    assert_eq!(json.at("e"), Some(&Json::Array(vec![])));
    assert_eq!(json.at("b.x"), None);
}

#[test]
fn what_is_not_json_is_refused() {
    let cases = [
        "",
        "{",
        "[1,]",
        "{\"a\"}",
        "{\"a\":1,}",
        "01",
        "1.",
        "-",
        "+1",
        "1e",
        "nul",
        "\"a",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\u{1}\"",
        "1 2",
        "{a:1}",
        "'a'",
    ];
    for text in cases {
        assert!(Json::parse(text).is_err(), "{text:?}");
    }
}
