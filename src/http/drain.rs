//! The body of a request, which nobody wants: read, checked as far as it delimits itself, and
//! thrown away, so that its bytes are never taken for the next request.

use super::bytes::{self, TOKEN, VALUE};
use super::refusal::Refusal;
use super::request::BodyLength;

/// A body on its way in.
///
/// A chunked body is walked through byte by byte (RFC 9112 §7.1); the states are where it stands:
///
/// ```text
///        digit                    ;            CR          LF
/// Size ────────> SizeDigits ────────> Extension ──> SizeEnd ──> Data ─(all of it)─> DataCr ─> DataLf
///  ^                  └───────────────── CR ──────────^  └(size 0)─> Trailer…                   │
///  └─────────────────────────────────────────────────────────────────────────────────────────┘
/// Trailer ─ token ─> TrailerName ─ : ─> TrailerValue ─ CR ─> TrailerLf ─ LF ─> Trailer
///    └── CR ─> EndLf ─ LF ─> end
/// ```
#[derive(Debug)]
pub(super) struct Drain {
    state: State,
    /// The number of bytes that may still come, framing included.
    budget: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Content-Length: this many are left.
    Plain(u64),
    Size,
    SizeDigits(u64),
    Extension(u64),
    SizeEnd(u64),
    Data(u64),
    DataCr,
    DataLf,
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    End,
}

impl Drain {
    /// A body of which nothing has come yet.
    ///
    /// # Errors
    /// If its length is known and larger than `bytes_max`.
    pub(super) fn new(length: BodyLength, bytes_max: usize) -> Result<Drain, Refusal> {
        let budget = bytes_max as u64;
        match length {
            BodyLength::Known(length) if length > budget => Err(Refusal::BodyTooLarge),
            BodyLength::Known(length) => Ok(Drain { state: State::Plain(length), budget }),
            BodyLength::Chunked => Ok(Drain { state: State::Size, budget }),
        }
    }

    /// Takes the bytes that belong to the body from the front of `input`; returns whether the body
    /// is at its end. If it is not, nothing is left of `input`.
    ///
    /// # Errors
    /// If the chunks are malformed, or larger than was allowed.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Result<bool, Refusal> {
        loop {
            let taken = match self.state {
                State::End | State::Plain(0) => return Ok(true),
                _ if input.is_empty() => return Ok(false),
                State::Plain(left) => {
                    let taken = left.min(input.len() as u64);
                    self.state = State::Plain(left - taken);
                    taken
                }
                State::Data(left) => {
                    let taken = left.min(input.len() as u64);
                    let is_end = left == taken;
                    self.state = if is_end { State::DataCr } else { State::Data(left - taken) };
                    taken
                }
                state => {
                    self.state = state.after(input[0]).ok_or(Refusal::Chunk)?;
                    1
                }
            };
            self.spend(taken)?;
            *input = &input[taken as usize..];
        }
    }

    /// Checks at once that what is announced fits, so that nothing is waited for in vain.
    fn spend(&mut self, taken: u64) -> Result<(), Refusal> {
        self.budget = self.budget.checked_sub(taken).ok_or(Refusal::BodyTooLarge)?;
        match self.state {
            State::SizeDigits(size) | State::Data(size) if size > self.budget => {
                Err(Refusal::BodyTooLarge)
            }
            _ => Ok(()),
        }
    }
}

impl State {
    /// The state after one byte of framing; `None` if the byte has no place there.
    fn after(self, byte: u8) -> Option<State> {
        Some(match (self, byte) {
            (State::Size, _) => State::SizeDigits(hexadecimal(byte)?),
            (State::SizeDigits(size) | State::Extension(size), b'\r') => State::SizeEnd(size),
            (State::SizeDigits(size), b';') => State::Extension(size),
            // No overflow: the budget, checked after each digit, keeps sizes far below 2^60.
            (State::SizeDigits(size), _) => State::SizeDigits(size << 4 | hexadecimal(byte)?),
            (State::Extension(_), _) if bytes::is(byte, VALUE) => self,
            (State::SizeEnd(0), b'\n') => State::Trailer,
            (State::SizeEnd(size), b'\n') => State::Data(size),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::Trailer, b'\r') => State::EndLf,
            (State::Trailer | State::TrailerName, _) if bytes::is(byte, TOKEN) => {
                State::TrailerName
            }
            (State::TrailerName, b':') => State::TrailerValue,
            (State::TrailerValue, b'\r') => State::TrailerLf,
            (State::TrailerValue, _) if bytes::is(byte, VALUE) => State::TrailerValue,
            (State::TrailerLf, b'\n') => State::Trailer,
            (State::EndLf, b'\n') => State::End,
            _ => return None,
        })
    }
}

fn hexadecimal(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BYTES_MAX: usize = 64;

    /// Whether the body ended, and what it left; or why it was refused.
    fn drain(length: BodyLength, pieces: &[&[u8]]) -> Result<(bool, Vec<u8>), Refusal> {
        let mut drain = Drain::new(length, BYTES_MAX)?;
        let mut kept = Vec::new();
        let mut ended = false;
        for piece in pieces {
            let mut rest = *piece;
            ended = drain.take(&mut rest)?;
            assert!(ended || rest.is_empty());
            kept.extend_from_slice(rest);
        }
        Ok((ended, kept))
    }

    #[test]
    fn chunked_bodies() {
        use Refusal::{BodyTooLarge, Chunk};
        type Outcome = Result<(bool, &'static str), Refusal>;
        const CASES: &[(&str, &str, Outcome)] = &[
            ("empty", "0\r\n\r\nGET", Ok((true, "GET"))),
            ("one chunk", "3\r\nabc\r\n0\r\n\r\nG", Ok((true, "G"))),
            ("hexadecimal, either case", "A\r\n0123456789\r\na\r\n0123456789\r\n", Ok((false, ""))),
            ("leading zeros", "0003\r\nabc\r\n00\r\n\r\n", Ok((true, ""))),
            ("extension", "3;a=\"b\"\r\nabc\r\n0;x\r\n\r\n", Ok((true, ""))),
            ("trailers", "0\r\nA: b\r\nC:\r\n\r\nG", Ok((true, "G"))),
            ("data that looks like an end", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", Ok((true, ""))),
            ("unfinished", "3\r\nab", Ok((false, ""))),
            ("no size", "\r\n", Err(Chunk)),
            ("negative size", "-1\r\n", Err(Chunk)),
            ("signed size", "+1\r\n", Err(Chunk)),
            ("0x", "0x3\r\nabc", Err(Chunk)),
            ("blank after the size", "3 \r\nabc", Err(Chunk)),
            ("blank before the size", " 3\r\nabc", Err(Chunk)),
            ("bare LF after the size", "3\nabc\r\n", Err(Chunk)),
            ("bare LF in an extension", "3;a\nabc\r\n", Err(Chunk)),
            ("bare CR after the size", "3\rabc", Err(Chunk)),
            ("data too long", "3\r\nabcd\r\n", Err(Chunk)),
            ("bare LF after data", "3\r\nabc\n0\r\n\r\n", Err(Chunk)),
            ("folded trailer", "0\r\nA: b\r\n c\r\n\r\n", Err(Chunk)),
            ("trailer without name", "0\r\n: b\r\n\r\n", Err(Chunk)),
            ("trailer without colon", "0\r\nA\r\n\r\n", Err(Chunk)),
            ("NUL in a trailer", "0\r\nA: \0\r\n\r\n", Err(Chunk)),
            ("size past the limit", "41\r\n", Err(BodyTooLarge)),
            ("size past 64 bits", "10000000000000003\r\nabc", Err(BodyTooLarge)),
            (
                "extension past the limit",
                "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
                Err(BodyTooLarge),
            ),
            (
                "zeros past the limit",
                "00000000000000000000000000000000000000000000000000000000000000000000000",
                Err(BodyTooLarge),
            ),
        ];
        for (name, body, expected) in CASES {
            let expected = expected.map(|(ended, rest)| (ended, rest.as_bytes().to_vec()));
            assert_eq!(drain(BodyLength::Chunked, &[body.as_bytes()]), expected, "{name}");
            let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
            assert_eq!(drain(BodyLength::Chunked, &bytes), expected, "{name}, byte by byte");
        }
    }

    #[test]
    fn plain_bodies() {
        let known = BodyLength::Known;
        assert_eq!(drain(known(3), &[b"ab", b"cGET"]), Ok((true, b"GET".to_vec())));
        assert_eq!(drain(known(3), &[b"ab"]), Ok((false, Vec::new())));
        assert_eq!(drain(known(64), &[&[0; 64]]), Ok((true, Vec::new())));
        assert_eq!(drain(known(65), &[]), Err(Refusal::BodyTooLarge));
        assert_eq!(drain(known(u64::MAX), &[]), Err(Refusal::BodyTooLarge));
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_gives_the_same(body in "[0-9a-c;:\r\nx\0]{0,80}", at: usize) {
            let body = body.as_bytes();
            let (head, tail) = body.split_at(at % (body.len() + 1));
            let whole = drain(BodyLength::Chunked, &[body]);
            prop_assert_eq!(drain(BodyLength::Chunked, &[head, tail]), whole);
        }
    }
}
