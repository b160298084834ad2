//! A page: the lines of up to 64 series of one family, laid out once and rendered at each scrape.
//!
//! ```text
//! bytes   [HELP and TYPE lines] name{labels} | name{labels} | ...     what stands before each value
//! ends    the end of each, in bytes
//! source  the cells of the values
//! ```
//!
//! Rendering text copies the bytes before a value, writes the number and a line feed, line by line.
//! Rendering binary copies all bytes and writes the numbers over those that are kept for them. Pages of
//! native histograms hold the labels of each series; the rest is built at the scrape.

use super::number::{self, Room};
use super::{Lines, Shown, Syntax, Values, protobuf};
use crate::gzip;
use crate::metric::{PageSource, Shape, Value};

pub(crate) struct Page {
    source: PageSource,
    rendering: Rendering,
    bytes: Box<[u8]>,
    /// INVARIANT: one per line of `source`, ascending, of text the last the length of `bytes`.
    ends: Box<[u32]>,
}

/// How values get into the page.
#[derive(Clone, Copy)]
enum Rendering {
    /// In decimal behind the text in front of them.
    Text,
    /// In binary over the bytes that are kept for them.
    Binary,
    /// In binary messages that take as much room as they need, behind the labels of their series.
    Native {
        /// The bytes that stand in front of all series.
        head_len: usize,
        is_created_shown: bool,
    },
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
        let rendering = match (syntax.values, source.shape().native()) {
            (Values::Text, _) => Rendering::Text,
            (Values::Binary, None) => Rendering::Binary,
            (Values::Binary, Some(_)) => Rendering::Native {
                head_len: lines.bytes.len(),
                is_created_shown: family.desc.is_created_shown,
            },
        };
        for series in source.series() {
            (syntax.write_series)(&mut lines, family, series, source.part());
        }
        if let Rendering::Binary = rendering {
            protobuf::close_page(&mut lines);
        }
        let lines_expected = source.series().len()
            * match rendering {
                Rendering::Text | Rendering::Binary => source.lines_per_series(),
                Rendering::Native { .. } => 1,
            };
        assert_eq!(lines.ends.len(), lines_expected, "{}: a line per value", family.name);
        Page { source, rendering, bytes: lines.bytes.into(), ends: lines.ends.into() }
    }

    /// The length of the rendered page is at most this.
    pub(crate) fn len_max(&self) -> usize {
        match self.rendering {
            Rendering::Text => self.bytes.len() + self.ends.len() * (number::LEN_MAX + 1),
            Rendering::Binary => self.bytes.len(),
            Rendering::Native { .. } => protobuf::native_page_len_max(
                self.bytes.len(),
                self.ends.len(),
                self.source.shape(),
            ),
        }
    }

    /// Appends the page with the present values.
    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        match self.rendering {
            Rendering::Text => self.render_text(out),
            Rendering::Binary => self.render_binary(out),
            Rendering::Native { head_len, is_created_shown } => {
                self.render_native(out, head_len, is_created_shown);
            }
        }
    }

    fn render_native(&self, out: &mut Vec<u8>, head_len: usize, is_created_shown: bool) {
        let head = &self.bytes[..head_len];
        let starts = std::iter::once(head_len).chain(self.ends.iter().map(|end| *end as usize));
        let labels = starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end as usize]);
        protobuf::write_native_page(out, head, labels, &self.source, is_created_shown);
    }

    fn render_binary(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let page = &mut out[start..];
        let is_histogram = matches!(self.source.shape(), Shape::Histogram { .. });
        let mut ends = self.ends.iter();
        self.source.visit(|value| {
            let at = *ends.next().expect("a page has an end for each line") as usize;
            match value {
                Value::U64(count) if is_histogram => protobuf::put_count(page, at, count),
                Value::U64(value) => protobuf::put_double(page, at, value as f64),
                Value::I64(value) => protobuf::put_double(page, at, value as f64),
                Value::F64(value) => protobuf::put_double(page, at, value),
            }
        });
    }

    fn render_text(&self, out: &mut Vec<u8>) {
        out.reserve(self.len_max());
        let mut ends = self.ends.iter();
        let mut prefix_start = 0;
        self.source.visit(|value| {
            let prefix_end = *ends.next().expect("a page has an end for each line") as usize;
            out.extend_from_slice(&self.bytes[prefix_start..prefix_end]);
            prefix_start = prefix_end;
            // Written in place: a number that is written elsewhere and copied stalls on its own
            // stores.
            let start = out.len();
            out.extend_from_slice(&[b'\n'; number::LEN_MAX + 1]);
            let room = out[start..].first_chunk_mut().expect("room was made for a number");
            let len = put_value(room, value);
            out[start + len] = b'\n';
            out.truncate(start + len + 1);
        });
    }
}

/// What the compressed form of text needs.
impl Page {
    /// What stands in front of each value.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| *end as usize));
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end as usize])
    }

    /// The length of all lines.
    pub(crate) fn lines_len(&self) -> usize {
        self.bytes.len()
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

#[inline]
fn put_value(room: &mut Room, value: Value) -> usize {
    match value {
        Value::U64(value) => number::put_u64(room, value),
        Value::I64(value) => number::put_i64(room, value),
        Value::F64(value) => number::put_f64(room, value),
    }
}
