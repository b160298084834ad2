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
        let start = out.len();
        out.resize(start + self.len_max(), 0);
        let mut target = &mut out[start..];
        let room_before = target.len();
        let mut prefix_start = 0;
        let mut ends = self.ends.iter();
        self.source.visit(|value| {
            let prefix_end = *ends.next().expect("a page has an end for each line") as usize;
            let prefix = &self.bytes[prefix_start..prefix_end];
            prefix_start = prefix_end;
            let (prefix_room, rest) = std::mem::take(&mut target).split_at_mut(prefix.len());
            prefix_room.copy_from_slice(prefix);
            let len = put_value(rest, value);
            rest[len] = b'\n';
            target = &mut rest[len + 1..];
        });
        let unused = target.len();
        out.truncate(start + room_before - unused);
    }
}

#[inline]
fn put_value(target: &mut [u8], value: Value) -> usize {
    let room: &mut Room = target.first_chunk_mut().expect("each line has room for a number");
    match value {
        Value::U64(value) => number::put_u64(room, value),
        Value::I64(value) => number::put_i64(room, value),
        Value::F64(value) => number::put_f64(room, value),
    }
}
