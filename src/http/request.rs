//! The head of a request, HTTP/1.0 and 1.1, parsed in place: RFC 9112 §2 to §6.
//!
//! The parser is a pure function from bytes to one of three answers. It judges whole lines, from
//! the first to the last, so a prefix of a head gets either "partial" or the very answer that
//! the whole will get: how the network cuts a request never matters. What the RFCs leave to the
//! recipient's taste is refused, since between two tastes requests get smuggled.
//!
//! It does not read bodies; [`BodyLength`] says what follows the head.

use std::borrow::Cow;

use super::bytes::{self, TOKEN, VALUE};
use super::limits::Limits;
use super::query;
use super::refusal::Refusal;
use super::target::{Target, is_authority, parse_target};

/// What [`parse`] makes of the bytes that came so far.
#[derive(Debug)]
pub enum Parsed<'a> {
    /// A whole head, in the first `head_len` bytes.
    Complete {
        /// The request.
        request: Request<'a>,
        /// Where its body, or the next request, begins.
        head_len: usize,
    },
    /// More bytes are needed. No bytes change that until a line feed is among them or there are
    /// `undecided_below` of them, which spares whoever waits from parsing for each byte.
    Partial {
        /// The length at which even an unfinished line gets an answer.
        undecided_below: usize,
    },
    /// No bytes can make a request of it.
    Refused(Refusal),
}

/// The method of a request: one of a fixed set, so that it may become the value of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
    /// Any other token but CONNECT, which is refused.
    Other,
}

/// The minor version of HTTP/1; a higher one counts as 1 (RFC 9110 §2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// How the body that follows a head is delimited (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// By its length in bytes; 0 where the head says nothing. A length past 64 bits is `u64::MAX`.
    Known(u64),
    /// By chunks.
    Chunked,
}

/// A request as its head says it, borrowed from the bytes that it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    head: &'a [u8],
    fields_start: usize,
    method: Method,
    target: Target<'a>,
    version: Version,
    body: BodyLength,
    persistent: bool,
    expects_continue: bool,
}

impl<'a> Request<'a> {
    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path as it came, beginning with `/`; or `*`.
    pub fn raw_path(&self) -> &'a [u8] {
        self.target.path
    }

    /// The path with its escapes decoded.
    pub fn path(&self) -> Cow<'a, [u8]> {
        query::percent_decode(self.target.path)
    }

    /// The query as it came, without its `?`.
    pub fn raw_query(&self) -> Option<&'a [u8]> {
        self.target.query
    }

    /// The decoded pairs of the query, in order; see [`query::pairs`].
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> + use<'a> {
        query::pairs(self.target.query.unwrap_or_default())
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The fields in order: name as it came, value without the blanks around it.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        // The parser has seen that each line but the last, empty one has a colon.
        self.head[self.fields_start..].split(|&byte| byte == b'\n').filter_map(split_field)
    }

    /// The value of the first field of that name, compared without regard to case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.field_values(name).next()
    }

    /// The values of all fields of that name, which for list fields such as Accept make one list.
    pub fn field_values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let is_named = move |field: &(&[u8], _)| field.0.eq_ignore_ascii_case(name.as_bytes());
        self.fields().filter(is_named).map(|(_, value)| value)
    }

    /// The bytes of the head, from the method to the empty line. Equal heads are equal requests.
    pub fn head(&self) -> &'a [u8] {
        self.head
    }

    /// What follows the head.
    pub fn body(&self) -> BodyLength {
        self.body
    }

    /// Whether the peer would have the connection stay open (RFC 9112 §9.3).
    pub fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// Whether the peer waits for "100 Continue" before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }
}

/// Parses the head at the start of `bytes`.
///
/// One empty line before the request line is skipped (RFC 9112 §2.2). Costs one pass over the
/// head, and allocates nothing.
///
/// ```
/// use promlet::http::{Limits, request::{Parsed, parse}};
///
/// let bytes = b"GET /metrics?x=%31 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\nand more";
/// let Parsed::Complete { request, head_len } = parse(bytes, &Limits::default()) else { panic!() };
/// assert_eq!(request.raw_path(), b"/metrics");
/// assert_eq!(request.field("accept"), Some(&b"*/*"[..]));
/// assert_eq!(&bytes[head_len..], b"and more");
/// ```
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Parsed<'a> {
    match parse_head(bytes, limits) {
        Ok((request, head_len)) => Parsed::Complete { request, head_len },
        Err(Incomplete::Partial { undecided_below }) => Parsed::Partial { undecided_below },
        Err(Incomplete::Refused(refusal)) => Parsed::Refused(refusal),
    }
}

enum Incomplete {
    Partial { undecided_below: usize },
    Refused(Refusal),
}

impl From<Refusal> for Incomplete {
    fn from(refusal: Refusal) -> Incomplete {
        Incomplete::Refused(refusal)
    }
}

fn parse_head<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Request<'a>, usize), Incomplete> {
    let start = match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r'] => 1,
        _ => 0,
    };
    match bytes.get(start) {
        None => return Err(Incomplete::Partial { undecided_below: bytes.len() + 1 }),
        Some(&byte) if !bytes::is(byte, TOKEN) => return Err(Refusal::NotHttp.into()),
        Some(_) => {}
    }
    let line_end_max = start + limits.request_line_bytes_max + 2;
    let (line, fields_start) = take_line(bytes, start, line_end_max, Refusal::RequestLineTooLong)?;
    let (method, target, version) = parse_request_line(line)?;

    let mut noted = Noted::default();
    let fields_end_max = fields_start + limits.fields_bytes_max;
    let mut at = fields_start;
    for count in 0.. {
        let (line, next) = take_line(bytes, at, fields_end_max, Refusal::FieldsTooLarge)?;
        at = next;
        if line.is_empty() {
            break;
        }
        if count == limits.fields_max {
            return Err(Refusal::TooManyFields.into());
        }
        let (name, value) = parse_field(line)?;
        noted.note(name, value)?;
    }
    let body = noted.body(version)?;
    let request = Request {
        head: &bytes[start..at],
        fields_start: fields_start - start,
        method,
        target,
        version,
        body,
        persistent: noted.is_persistent(version),
        // Expectations of HTTP/1.0 peers are to be ignored (RFC 9110 §10.1.1).
        expects_continue: noted.expects_continue && version == Version::Http11,
    };
    Ok((request, at))
}

/// The line at `start` without its CRLF, and where the next one begins. A line that has not ended
/// at `end_max` is `too_long`.
fn take_line(
    bytes: &[u8],
    start: usize,
    end_max: usize,
    too_long: Refusal,
) -> Result<(&[u8], usize), Incomplete> {
    let rest = &bytes[start..bytes.len().min(end_max)];
    match rest.iter().position(|&byte| byte == b'\n') {
        Some(at) => match rest[..at].strip_suffix(b"\r") {
            Some(line) => Ok((line, start + at + 1)),
            None => Err(Refusal::BareLf.into()),
        },
        None if bytes.len() < end_max => Err(Incomplete::Partial { undecided_below: end_max }),
        None => Err(too_long.into()),
    }
}

fn parse_request_line(line: &[u8]) -> Result<(Method, Target<'_>, Version), Refusal> {
    let mut words = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::RequestLine);
    };
    // The version first: "PRI * HTTP/2.0" is a request for another HTTP, not a malformed target.
    let version = parse_version(version)?;
    let asterisk = method == b"OPTIONS";
    let method = parse_method(method)?;
    let target = parse_target(target, asterisk).ok_or(Refusal::Target)?;
    Ok((method, target, version))
}

fn parse_method(method: &[u8]) -> Result<Method, Refusal> {
    match method {
        b"GET" => Ok(Method::Get),
        b"HEAD" => Ok(Method::Head),
        b"POST" => Ok(Method::Post),
        b"PUT" => Ok(Method::Put),
        b"DELETE" => Ok(Method::Delete),
        b"CONNECT" => Err(Refusal::Tunnel),
        _ if !method.is_empty() && bytes::all(method, TOKEN) => Ok(Method::Other),
        _ => Err(Refusal::Method),
    }
}

fn parse_version(version: &[u8]) -> Result<Version, Refusal> {
    match version.strip_prefix(b"HTTP/") {
        Some(b"1.0") => Ok(Version::Http10),
        Some([b'1', b'.', b'1'..=b'9']) => Ok(Version::Http11),
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => Err(Refusal::VersionUnsupported),
        _ => Err(Refusal::Version),
    }
}

/// The name and the trimmed value of a field line, or `None` where there is no colon.
fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let value = line[colon + 1..].strip_suffix(b"\r").unwrap_or(&line[colon + 1..]);
    Some((&line[..colon], bytes::trim_blanks(value)))
}

fn parse_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if let [b' ' | b'\t', ..] = line {
        return Err(Refusal::FoldedField);
    }
    // CR is no byte of a value, and take_line has removed the one that ends the line; the check
    // comes before split_field would trim another.
    if !bytes::all(line, VALUE) {
        return Err(Refusal::FieldValue);
    }
    let (name, value) = split_field(line).ok_or(Refusal::FieldName)?;
    if name.is_empty() || !bytes::all(name, TOKEN) {
        return Err(Refusal::FieldName);
    }
    Ok((name, value))
}

/// What the fields say that concerns the connection and not the handler.
#[derive(Default)]
struct Noted<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<u64>,
    transfer_encoding: Option<&'a [u8]>,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

impl<'a> Noted<'a> {
    fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), Refusal> {
        if name.eq_ignore_ascii_case(b"host") {
            if self.host.replace(value).is_some() || !is_authority(value) {
                return Err(Refusal::Host);
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = parse_length(value).ok_or(Refusal::ContentLength)?;
            if self.content_length.replace(length).is_some() {
                return Err(Refusal::ContentLength);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.transfer_encoding.replace(value).is_some() {
                return Err(Refusal::TransferEncoding);
            }
        } else if name.eq_ignore_ascii_case(b"connection") {
            for option in list(value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if name.eq_ignore_ascii_case(b"expect") {
            if !list(value).all(|expectation| expectation.eq_ignore_ascii_case(b"100-continue")) {
                return Err(Refusal::Expectation);
            }
            self.expects_continue = true;
        }
        Ok(())
    }

    fn body(&self, version: Version) -> Result<BodyLength, Refusal> {
        if version == Version::Http11 && self.host.is_none() {
            return Err(Refusal::HostMissing);
        }
        let Some(codings) = self.transfer_encoding else {
            return Ok(BodyLength::Known(self.content_length.unwrap_or(0)));
        };
        if version == Version::Http10 || self.content_length.is_some() {
            return Err(Refusal::TransferEncoding);
        }
        let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        if is_chunked(codings) {
            return Ok(BodyLength::Chunked);
        }
        let once = list(codings).filter(|coding| is_chunked(coding)).count() == 1;
        let at_the_end = list(codings).last().is_some_and(is_chunked);
        Err(if once && at_the_end {
            Refusal::TransferCodingUnknown
        } else {
            Refusal::TransferEncoding
        })
    }

    fn is_persistent(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

/// The members of a comma-separated list, empty ones included.
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(bytes::trim_blanks)
}

/// One plain decimal number; past 64 bits it is `u64::MAX`, which no limit allows either.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = value.iter().map(|byte| u64::from(byte - b'0'));
    Some(digits.fold(0, |length: u64, digit| length.saturating_mul(10).saturating_add(digit)))
}

#[cfg(test)]
mod tests;
