//! A page: the lines of up to 64 series of one family, laid out once and rendered at each scrape.
//!
//! ```text
//! bytes   [HELP and TYPE lines] name{labels} | name{labels} | ...     what stands before each value
//! ends    the end of each, in bytes
//! source  the cells of the values
//! ```
//!
//! Rendering copies the bytes before a value, writes the number and a line feed, line by line.

use super::number::{self, Room};
use super::{FormatRow, Lines};
use crate::metric::{FamilyCore, PageSource, Value};

pub(crate) struct Page {
    source: PageSource,
    bytes: Box<[u8]>,
    /// INVARIANT: one per line of `source`, ascending, the last the length of `bytes`.
    ends: Box<[u32]>,
}

impl Page {
    /// Lays out the series of `source`, which belong to `family`. The first page of a family also
    /// has its HELP and TYPE lines.
    pub(crate) fn new(
        format: &FormatRow,
        family: &FamilyCore,
        source: PageSource,
        is_first: bool,
    ) -> Page {
        let mut lines = Lines::default();
        if is_first {
            (format.write_head)(&mut lines.bytes, &family.desc);
        }
        for key in source.keys() {
            (format.write_series)(&mut lines, &family.desc, source.shape(), key);
        }
        let lines_expected = source.keys().len() * source.shape().lines_per_series();
        assert_eq!(lines.ends.len(), lines_expected, "{}: a line per value", family.desc.name);
        Page { source, bytes: lines.bytes.into(), ends: lines.ends.into() }
    }

    /// The length of the rendered page is at most this.
    pub(crate) fn len_max(&self) -> usize {
        self.bytes.len() + self.ends.len() * (number::LEN_MAX + 1)
    }

    /// Appends the page with the present values.
    pub(crate) fn render(&self, out: &mut Vec<u8>) {
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

#[inline]
fn put_value(room: &mut Room, value: Value) -> usize {
    match value {
        Value::U64(value) => number::put_u64(room, value),
        Value::I64(value) => number::put_i64(room, value),
        Value::F64(value) => number::put_f64(room, value),
    }
}
