//! A page: the lines of up to 64 series of one family, laid out once and rendered at each scrape.
//!
//! ```text
//! text     what stands before each value, and from the first rendering on the values: `rendered`
//! binary   a message with room for each value, and where the room is
//! source   the cells of the values
//! ```
//!
//! Rendering text brings the values that changed up to date and copies all of it. Rendering binary
//! copies all bytes and writes the numbers over those that are kept for them.

use super::number;
use super::rendered::{Rendered, put_value};
use super::{Lines, Shown, Syntax, Values, protobuf};
use crate::gzip;
use crate::metric::{PageSource, Shape, Value};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) struct Page {
    source: PageSource,
    content: Content,
    /// The length of what stands before the values.
    lines_len: usize,
    line_count: usize,
}

enum Content {
    /// Locked while it is rendered or read: scrapes of one page take turns.
    Text(Mutex<Rendered>),
    Binary(Binary),
}

struct Binary {
    bytes: Box<[u8]>,
    /// Where each value goes.
    rooms: Box<[u32]>,
}

impl Page {
    /// Lays out the series of `source`, which belong to `family`. The first page of a family, or of
    /// a part of it, also has its head.
    pub(crate) fn new(
        syntax: &Syntax,
        family: &Shown<'_>,
        source: PageSource,
        is_first: bool,
    ) -> Page {
        let mut lines = Lines::default();
        if is_first || syntax.repeats_head {
            (syntax.write_head)(&mut lines.bytes, family, source.part());
        }
        for key in source.keys() {
            (syntax.write_series)(&mut lines, family, source.shape(), key, source.part());
        }
        if let Values::Binary = syntax.values {
            protobuf::close_page(&mut lines);
        }
        let lines_expected = source.keys().len() * source.lines_per_series();
        assert_eq!(lines.ends.len(), lines_expected, "{}: a line per value", family.name);
        let (lines_len, line_count) = (lines.bytes.len(), lines.ends.len());
        let content = match syntax.values {
            Values::Text => Content::Text(Mutex::new(Rendered::new(lines))),
            Values::Binary => {
                Content::Binary(Binary { bytes: lines.bytes.into(), rooms: lines.ends.into() })
            }
        };
        Page { source, content, lines_len, line_count }
    }

    /// The length of the rendered page is at most this.
    pub(crate) fn len_max(&self) -> usize {
        match self.content {
            Content::Text(_) => self.lines_len + self.line_count * (number::LEN_MAX + 1),
            Content::Binary(_) => self.lines_len,
        }
    }

    /// Appends the page with the present values.
    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        match &self.content {
            Content::Text(text) => lock(text).render(&self.source, out),
            Content::Binary(binary) => self.render_binary(binary, out),
        }
    }

    fn render_binary(&self, binary: &Binary, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&binary.bytes);
        let page = &mut out[start..];
        let is_histogram = matches!(self.source.shape(), Shape::Histogram { .. });
        let mut rooms = binary.rooms.iter();
        self.source.visit(|value| {
            let at = *rooms.next().expect("a page has room for each value") as usize;
            match value {
                Value::U64(count) if is_histogram => protobuf::put_count(page, at, count),
                Value::U64(value) => protobuf::put_double(page, at, value as f64),
                Value::I64(value) => protobuf::put_double(page, at, value as f64),
                Value::F64(value) => protobuf::put_double(page, at, value),
            }
        });
    }
}

/// What the compressed form of text needs.
impl Page {
    /// Calls `see` with what stands in front of each value; of a binary page with nothing.
    pub(crate) fn with_lines<R>(
        &self,
        see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> R,
    ) -> R {
        match &self.content {
            Content::Text(text) => see(&mut lock(text).lines()),
            Content::Binary(_) => see(&mut std::iter::empty()),
        }
    }

    /// The length of all lines.
    pub(crate) fn lines_len(&self) -> usize {
        self.lines_len
    }

    /// Replaces `texts` by those of the present values.
    pub(crate) fn read_values(&self, texts: &mut Vec<gzip::Value>) {
        texts.clear();
        self.source.visit(|value| {
            let mut bytes = [0; number::LEN_MAX];
            let len = put_value(&mut bytes, value) as u8;
            texts.push(gzip::Value { bytes, len });
        });
    }
}

/// A rendering that panicked would have left its page as wrong as the program is.
fn lock(text: &Mutex<Rendered>) -> MutexGuard<'_, Rendered> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}
