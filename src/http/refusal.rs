//! Why a request was refused, and with which status.

use std::fmt;

use super::response::Status;

/// Why a request never got to the handler. It is answered with [`Refusal::status`], and the
/// connection is closed, since where the next request would begin is no longer certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The first byte cannot begin a method: TLS, an empty line too many, or noise.
    NotHttp,
    /// A line ends in LF without CR.
    BareLf,
    /// The request line is not method, target and version with one blank between them.
    RequestLine,
    /// The method has a byte that no token has (RFC 9110 §5.6.2).
    Method,
    /// The method asks for a tunnel (CONNECT), which is not implemented.
    Tunnel,
    /// The request line is longer than the limit.
    RequestLineTooLong,
    /// The target is none of the forms of RFC 9112 §3.2, or has a byte that no URI has.
    Target,
    /// The version is not `HTTP/`, digit, full stop, digit.
    Version,
    /// The major version is not 1.
    VersionUnsupported,
    /// A field's name is empty, has a byte that no token has, or a blank before its colon.
    FieldName,
    /// A field's value has a control byte: NUL, CR or another.
    FieldValue,
    /// A field goes on in a second line that begins with a blank (RFC 9112 §5.2).
    FoldedField,
    /// The fields are larger than the limit.
    FieldsTooLarge,
    /// There are more fields than the limit.
    TooManyFields,
    /// An HTTP/1.1 request without the field Host.
    HostMissing,
    /// A second field Host, or one that is not a host with an optional port.
    Host,
    /// The field Content-Length is not one plain decimal number, or there are two of it.
    ContentLength,
    /// Transfer-Encoding in HTTP/1.0, beside Content-Length, twice, or without chunked at its end.
    TransferEncoding,
    /// A transfer coding other than chunked.
    TransferCodingUnknown,
    /// An expectation other than 100-continue.
    Expectation,
    /// The chunked body is malformed (RFC 9112 §7.1).
    Chunk,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The head or the body did not come in time.
    TooSlow,
    /// Too many connections are open, and none of them is idle.
    Overloaded,
}

impl Refusal {
    /// The status that the RFC gives it.
    pub fn status(self) -> Status {
        self.row().0
    }

    /// What is wrong, as one phrase in lower case.
    pub fn reason(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> (Status, &'static str) {
        use Status::*;
        match self {
            Refusal::NotHttp => (BadRequest, "does not begin like an HTTP request"),
            Refusal::BareLf => (BadRequest, "line ends in LF without CR"),
            Refusal::RequestLine => (BadRequest, "malformed request line"),
            Refusal::Method => (BadRequest, "malformed method"),
            Refusal::Tunnel => (NotImplemented, "tunnels are not implemented"),
            Refusal::RequestLineTooLong => (UriTooLong, "request line too long"),
            Refusal::Target => (BadRequest, "malformed request target"),
            Refusal::Version => (BadRequest, "malformed HTTP version"),
            Refusal::VersionUnsupported => (HttpVersionNotSupported, "HTTP version is not 1.x"),
            Refusal::FieldName => (BadRequest, "malformed field name"),
            Refusal::FieldValue => (BadRequest, "control byte in a field value"),
            Refusal::FoldedField => (BadRequest, "folded field line"),
            Refusal::FieldsTooLarge => (RequestHeaderFieldsTooLarge, "fields too large"),
            Refusal::TooManyFields => (RequestHeaderFieldsTooLarge, "too many fields"),
            Refusal::HostMissing => (BadRequest, "field Host is missing"),
            Refusal::Host => (BadRequest, "malformed or repeated field Host"),
            Refusal::ContentLength => (BadRequest, "malformed or repeated field Content-Length"),
            Refusal::TransferEncoding => (BadRequest, "field Transfer-Encoding out of place"),
            Refusal::TransferCodingUnknown => (NotImplemented, "unknown transfer coding"),
            Refusal::Expectation => (ExpectationFailed, "unknown expectation"),
            Refusal::Chunk => (BadRequest, "malformed chunked body"),
            Refusal::BodyTooLarge => (ContentTooLarge, "body too large"),
            Refusal::TooSlow => (RequestTimeout, "request did not come in time"),
            Refusal::Overloaded => (ServiceUnavailable, "too many connections"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status().code(), self.reason())
    }
}

impl std::error::Error for Refusal {}

/// Bytes from outside as a log may show them: escaped, and cut after the first hundred or so.
///
/// ```
/// use promlet::http::Excerpt;
///
/// assert_eq!(Excerpt(b"GET /\x1b[2J \xff\r\n").to_string(), r"GET /\x1b[2J \xff\r\n");
/// assert!(Excerpt(&[b'a'; 5_000]).to_string().ends_with("a..."));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'a>(pub &'a [u8]);

/// How many bytes of an excerpt are shown: enough for a usual request line, little for a log.
const EXCERPT_BYTES_MAX: usize = 128;

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get(..EXCERPT_BYTES_MAX) {
            Some(start) if start.len() < self.0.len() => write!(f, "{}...", start.escape_ascii()),
            _ => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}
