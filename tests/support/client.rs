//! A small blocking HTTP/1.1 client that reads answers strictly (RFC 9112): what a lenient client
//! would forgive is an error here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::DEADLINE;

/// A body larger than this is a fault of the server.
const BODY_BYTES_MAX: u64 = 256 << 20;
/// So is a line of a head, or a chunk's, longer than this.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// A connection that is kept alive from request to request.
pub(crate) struct Client {
    reader: BufReader<Box<dyn Read + Send>>,
    writer: Box<dyn Write + Send>,
}

/// A whole answer; the body is decoded from its transfer coding, not from its content coding.
#[derive(Debug, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names as written.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Client::new(stream.try_clone()?, stream))
    }

    pub(crate) fn connect_unix(path: &Path) -> io::Result<Client> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Client::new(stream.try_clone()?, stream))
    }

    fn new(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> Client {
        Client { reader: BufReader::new(Box::new(reader)), writer: Box::new(writer) }
    }

    pub(crate) fn get(&mut self, target: &str) -> io::Result<Response> {
        self.request("GET", target, &[])
    }

    /// Sends a request without a body and reads its answer.
    pub(crate) fn request(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
    ) -> io::Result<Response> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.send(head.as_bytes())?;
        self.receive(method)
    }

    /// Sends bytes as they are, for requests that no honest client makes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.writer.flush()
    }

    /// Reads the next answer, to a request of this method.
    pub(crate) fn receive(&mut self, method: &str) -> io::Result<Response> {
        read_response(&mut self.reader, method)
    }

    /// Whether the server has closed the connection and has left nothing unread.
    pub(crate) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.reader.fill_buf()?.is_empty())
    }
}

impl Response {
    /// The value of a field, its name in any case. Panics where it is there twice.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "field {name} twice in {:?}", self.fields);
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }
}

/// Reads one final answer to a request of this method.
///
/// # Errors
/// `InvalidData` with what was expected where the answer is not HTTP/1.1 to the letter.
pub(crate) fn read_response(reader: &mut impl BufRead, method: &str) -> io::Result<Response> {
    let status = parse_status_line(&read_line(reader)?)?;
    let mut fields = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            break;
        }
        fields.push(parse_field(&line)?);
    }
    let mut response = Response { status, fields, body: Vec::new() };
    let bodiless = method == "HEAD" || matches!(status, 100..=199 | 204 | 304);
    if !bodiless {
        response.body = read_body(reader, &response)?;
    }
    Ok(response)
}

fn read_body(reader: &mut impl BufRead, response: &Response) -> io::Result<Vec<u8>> {
    match (response.field("content-length"), response.field("transfer-encoding")) {
        (Some(length), None) => read_exactly(reader, parse_digits(length, 10)?),
        (None, Some("chunked")) => read_chunks(reader),
        (None, None) if response.field("connection") == Some("close") => {
            let mut body = Vec::new();
            reader.take(BODY_BYTES_MAX).read_to_end(&mut body)?;
            Ok(body)
        }
        (length, coding) => Err(invalid(format!(
            "body without one framing: Content-Length {length:?}, Transfer-Encoding {coding:?}"
        ))),
    }
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = parse_digits(&read_line(reader)?, 16)?;
        if length > BODY_BYTES_MAX - body.len() as u64 {
            return Err(invalid("body too large".to_owned()));
        }
        body.extend(read_exactly(reader, length)?);
        let end = read_line(reader)?;
        if !end.is_empty() {
            return Err(invalid(format!("expected the end of a chunk, found {end:?}")));
        }
        if length == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(reader: &mut impl BufRead, length: u64) -> io::Result<Vec<u8>> {
    if length > BODY_BYTES_MAX {
        return Err(invalid("body too large".to_owned()));
    }
    let mut bytes = Vec::new();
    if reader.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Reads up to CR LF and returns what stands before; a bare CR or LF is refused.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let text = line.strip_suffix(b"\r\n").filter(|text| !text.contains(&b'\r'));
    let text = text.ok_or_else(|| invalid(format!("line {:?} ends badly", line.escape_ascii())))?;
    String::from_utf8(text.to_vec()).map_err(|error| invalid(error.to_string()))
}

fn parse_status_line(line: &str) -> io::Result<u16> {
    let mut words = line.splitn(3, ' ');
    let (version, status, reason) = (words.next(), words.next(), words.next());
    let status = status.filter(|digits| digits.len() == 3).unwrap_or_default();
    match (version, parse_digits(status, 10)?, reason) {
        (Some("HTTP/1.1"), status @ 100..=599, Some(_)) => Ok(status as u16),
        _ => Err(invalid(format!("status line {line:?}"))),
    }
}

fn parse_field(line: &str) -> io::Result<(String, String)> {
    let is_token = |name: &str| {
        let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(tchar)
    };
    match line.split_once(':').filter(|(name, _)| is_token(name)) {
        Some((name, value)) => Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned())),
        None => Err(invalid(format!("field line {line:?}"))),
    }
}

/// A number in plain digits: no sign, no blank, nothing behind it.
fn parse_digits(text: &str, radix: u32) -> io::Result<u64> {
    let digits = text.chars().all(|char| char.is_digit(radix));
    let number = if digits { u64::from_str_radix(text, radix).ok() } else { None };
    number.ok_or_else(|| invalid(format!("expected digits, found {text:?}")))
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
