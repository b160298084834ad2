//! What a handler answers, and the head that is made of it.

use std::borrow::Cow;
use std::time::Instant;

use super::date::HttpDate;
use super::output::Output;

/// The statuses that this server and its handlers answer with (RFC 9110 §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are those of the RFC, and the table below has codes")]
pub enum Status {
    Ok,
    MovedPermanently,
    Found,
    TemporaryRedirect,
    PermanentRedirect,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    ContentTooLarge,
    UriTooLong,
    ExpectationFailed,
    TooManyRequests,
    RequestHeaderFieldsTooLarge,
    InternalServerError,
    NotImplemented,
    ServiceUnavailable,
    HttpVersionNotSupported,
}

impl Status {
    /// The three digits.
    pub fn code(self) -> u16 {
        self.row().0
    }

    /// The reason phrase.
    pub fn reason(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> (u16, &'static str) {
        match self {
            Status::Ok => (200, "OK"),
            Status::MovedPermanently => (301, "Moved Permanently"),
            Status::Found => (302, "Found"),
            Status::TemporaryRedirect => (307, "Temporary Redirect"),
            Status::PermanentRedirect => (308, "Permanent Redirect"),
            Status::BadRequest => (400, "Bad Request"),
            Status::Unauthorized => (401, "Unauthorized"),
            Status::Forbidden => (403, "Forbidden"),
            Status::NotFound => (404, "Not Found"),
            Status::MethodNotAllowed => (405, "Method Not Allowed"),
            Status::NotAcceptable => (406, "Not Acceptable"),
            Status::RequestTimeout => (408, "Request Timeout"),
            Status::ContentTooLarge => (413, "Content Too Large"),
            Status::UriTooLong => (414, "URI Too Long"),
            Status::ExpectationFailed => (417, "Expectation Failed"),
            Status::TooManyRequests => (429, "Too Many Requests"),
            Status::RequestHeaderFieldsTooLarge => (431, "Request Header Fields Too Large"),
            Status::InternalServerError => (500, "Internal Server Error"),
            Status::NotImplemented => (501, "Not Implemented"),
            Status::ServiceUnavailable => (503, "Service Unavailable"),
            Status::HttpVersionNotSupported => (505, "HTTP Version Not Supported"),
        }
    }
}

/// Whether a body goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to come.
    More,
    /// There is nothing yet, and nothing was appended: the source is asked again when the server's
    /// waker is woken (see [`Handler::begin`]), and at this time at the latest.
    ///
    /// [`Handler::begin`]: super::Handler::begin
    Wait(Instant),
    /// That was the end.
    Done,
}

/// A body that is rendered while it is being sent, one output buffer at a time.
///
/// The peer sets the pace: nothing is rendered until what was rendered before has been sent. Texts
/// that are shared ([`Output::share`]) leave without a copy, and are held that long.
pub trait BodySource {
    /// Appends the next part of the body to `out`, about `room` bytes of it; more only if one
    /// indivisible part is larger. Returns whether that was the end.
    ///
    /// It is called once for each buffer, so a source should fill the room that it is given: what
    /// it leaves empty makes the answer's pieces, and the system calls, more. It must append at
    /// least one byte unless it is done or waits, and must leave alone what is in `out` already;
    /// the connection panics otherwise. It runs on the event loop and must not block: a source
    /// that is not ready waits, also in front of the first byte.
    fn fill(&mut self, out: &mut Output, room: usize) -> Progress;
}

/// The body of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<B> {
    /// None: a Content-Length of 0.
    Empty,
    /// All of it, in memory.
    Bytes(Cow<'static, [u8]>),
    /// Rendered while it is sent. If it ends within the first buffer it goes with its length,
    /// otherwise in chunks (HTTP/1.1) or up to the end of the connection (HTTP/1.0).
    Stream(B),
}

/// What a handler answers.
///
/// All field values are static, so that nothing from outside can get into a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response<B> {
    /// The status.
    pub status: Status,
    /// Content-Type.
    pub content_type: Option<&'static str>,
    /// Content-Encoding.
    pub content_coding: Option<&'static str>,
    /// Vary: which request fields the answer was chosen by.
    pub vary: Option<&'static str>,
    /// Allow: the methods that a 405 must list.
    pub allow: Option<&'static str>,
    /// Location: where a redirect leads.
    pub location: Option<&'static str>,
    /// The body. The answer to HEAD is made from it too, and leaves it out.
    pub body: Body<B>,
}

impl<B> Response<B> {
    /// A response with that status and body, and no fields but those that are always there.
    pub fn new(status: Status, body: Body<B>) -> Response<B> {
        Response {
            status,
            content_type: None,
            content_coding: None,
            vary: None,
            allow: None,
            location: None,
            body,
        }
    }

    /// A response with a short text for people.
    ///
    /// ```
    /// use promlet::http::{Body, Response, Status};
    ///
    /// let response: Response<()> = Response::text(Status::NotFound, "no such page\n");
    /// assert_eq!(response.body, Body::Bytes(b"no such page\n"[..].into()));
    /// ```
    pub fn text(status: Status, text: impl Into<Cow<'static, str>>) -> Response<B> {
        let bytes = match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Response {
            content_type: Some("text/plain; charset=utf-8"),
            ..Response::new(status, Body::Bytes(bytes))
        }
    }

    /// The fields that the handler chose, in the order in which they are sent.
    fn fields(&self) -> [(&'static str, Option<&'static str>); 5] {
        [
            ("Content-Type: ", self.content_type),
            ("Content-Encoding: ", self.content_coding),
            ("Vary: ", self.vary),
            ("Allow: ", self.allow),
            ("Location: ", self.location),
        ]
    }
}

/// How a body is delimited (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// What the field Connection says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// Nothing: HTTP/1.1 stays open by default.
    Implied,
    /// `keep-alive`: what HTTP/1.0 peers wait for.
    KeepAlive,
    /// `close`.
    Close,
}

/// Appends a response's head to `out`.
pub(super) fn write_head<B>(
    out: &mut Vec<u8>,
    response: &Response<B>,
    framing: Framing,
    persistence: Persistence,
    date: &HttpDate,
) {
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    let mut digits = [0; 20];
    let code = decimal(response.status.code().into(), &mut digits);
    put(&[b"HTTP/1.1 ", code, b" ", response.status.reason().as_bytes(), b"\r\nDate: "]);
    put(&[date.as_bytes(), b"\r\n"]);
    for (name, value) in response.fields() {
        if let Some(value) = value {
            put(&[name.as_bytes(), value.as_bytes(), b"\r\n"]);
        }
    }
    match framing {
        Framing::Length(length) => {
            put(&[b"Content-Length: ", decimal(length, &mut digits), b"\r\n"]);
        }
        Framing::Chunked => put(&[b"Transfer-Encoding: chunked\r\n"]),
        Framing::UntilClose => {}
    }
    match persistence {
        Persistence::Implied => {}
        Persistence::KeepAlive => put(&[b"Connection: keep-alive\r\n"]),
        Persistence::Close => put(&[b"Connection: close\r\n"]),
    }
    put(&[b"\r\n"]);
}

/// At least as many bytes as [`write_head`] appends, whatever the framing turns out to be.
pub(super) fn head_bytes_max<B>(response: &Response<B>) -> usize {
    /// All but the reason phrase and the handler's fields.
    const FIXED: usize = "HTTP/1.1 999 \r\n".len()
        + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".len()
        + "Content-Length: 18446744073709551615\r\n".len()
        + "Connection: keep-alive\r\n".len()
        + "\r\n".len();
    let field = |(name, value): &(&str, Option<&str>)| {
        value.map_or(0, |value| name.len() + value.len() + 2)
    };
    FIXED + response.status.reason().len() + response.fields().iter().map(field).sum::<usize>()
}

/// The decimal digits of `number`, written to the end of `digits`.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_head_of_a_response_fits_its_bound() {
        let mut response: Response<()> = Response::new(Status::Ok, Body::Empty);
        response.vary = Some("Accept, Accept-Encoding");
        response.allow = Some("GET, HEAD");
        for framing in [Framing::Length(u64::MAX), Framing::Chunked, Framing::UntilClose] {
            let mut head = Vec::new();
            let date = HttpDate::at(0);
            write_head(&mut head, &response, framing, Persistence::KeepAlive, &date);
            assert!(head.len() <= head_bytes_max(&response), "{framing:?}");
        }
    }

    #[test]
    fn head_bytes() {
        let mut response: Response<()> = Response::new(Status::MethodNotAllowed, Body::Empty);
        response.allow = Some("GET, HEAD");
        let mut head = Vec::new();
        let date = HttpDate::at(784_111_777);
        write_head(&mut head, &response, Framing::Length(120), Persistence::Close, &date);
        let expected = "HTTP/1.1 405 Method Not Allowed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                        Allow: GET, HEAD\r\nContent-Length: 120\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&head), expected);
    }

    #[test]
    fn decimals() {
        for number in [0, 9, 10, 65_535, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }
}
