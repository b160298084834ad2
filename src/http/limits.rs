//! What a peer may cost: bytes, time and connections.

use std::time::Duration;

/// The limits of a server. Everything that a peer drives is bounded by one of them.
///
/// At the defaults, the worst that peers can do together is to make the server hold
/// `connections_max` output buffers (128 MiB); an idle connection holds a few hundred bytes.
///
/// ```
/// use promlet::http::Limits;
///
/// let limits = Limits { connections_max: 64, ..Limits::default() };
/// assert_eq!(limits.request_line_bytes_max, 8_192);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest request line, without its line end; a longer one is answered 414.
    pub request_line_bytes_max: usize,
    /// All field lines with their line ends and the empty line; more is answered 431.
    pub fields_bytes_max: usize,
    /// The number of field lines; more is answered 431.
    pub fields_max: usize,
    /// A request body, with its chunk framing. It is read and thrown away; more is answered 413.
    pub body_bytes_max: usize,
    /// From the first byte of a request to the end of its head and body, however they trickle in;
    /// also from the accept to that first byte. Past it, a request is answered 408.
    pub request_time_max: Duration,
    /// From an answer to the first byte of the next request.
    pub idle_time_max: Duration,
    /// How long the peer may take nothing of an answer.
    pub stall_time_max: Duration,
    /// How long a connection is read from after its last answer, so that the peer gets to read it.
    pub linger_time_max: Duration,
    /// How much is read and thrown away in that time.
    pub linger_bytes_max: usize,
    /// Connections open at once. One more closes the longest idle one; if none is idle, the new
    /// one is answered 503.
    pub connections_max: usize,
    /// The size of an output buffer: what is rendered and written at a time, and the largest body
    /// that is sent with its length. Only a connection with an answer under way holds one, and of
    /// texts that are shared it holds the text: they cost memory only if they change meanwhile.
    pub output_buffer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request_line_bytes_max: 8_192,
            fields_bytes_max: 16 * 1_024,
            fields_max: 100,
            body_bytes_max: 64 * 1_024,
            request_time_max: Duration::from_secs(10),
            idle_time_max: Duration::from_secs(120),
            stall_time_max: Duration::from_secs(10),
            linger_time_max: Duration::from_secs(2),
            linger_bytes_max: 1_024 * 1_024,
            connections_max: 512,
            output_buffer_bytes: 256 * 1_024,
        }
    }
}

impl Limits {
    /// The longest head that is ever accepted: an empty line that may come first, the request
    /// line, the fields.
    pub(super) fn head_bytes_max(&self) -> usize {
        2 + self.request_line_bytes_max + 2 + self.fields_bytes_max
    }
}
