//! The text of a page as it was last rendered: most values do not change between two scrapes, so
//! what is kept is the finished text, and only the values that changed are written over.
//!
//! ```text
//! bytes    [HELP and TYPE lines] name{labels} | 17 \n name{labels} | 0.25 \n ...
//! starts   where each value starts
//! values   the bits of each
//! ```
//!
//! A value whose text is as long as before is written in place; otherwise the text behind it moves.
//! Until the page is rendered for the first time there are no values in it.

use super::Lines;
use super::number::{self, Room};
use crate::metric::{PageSource, Value};
use std::sync::Arc;

pub(super) struct Rendered {
    /// Held by answers, too, until they are sent; a text that changes while it is held is copied.
    bytes: Arc<Vec<u8>>,
    /// INVARIANT: one per line, ascending, each at most the length of `bytes`.
    starts: Box<[u32]>,
    /// The bits of each value in the text; what kind of number they are never changes.
    ///
    /// INVARIANT: empty before the first rendering, then one per line.
    values: Box<[u64]>,
}

impl Rendered {
    pub(super) fn new(lines: Lines) -> Rendered {
        let mut bytes = lines.bytes;
        bytes.shrink_to_fit();
        Rendered { bytes: Arc::new(bytes), starts: lines.ends.into(), values: Box::default() }
    }

    /// What stands in front of each value.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let is_rendered = !self.values.is_empty();
        let mut rest = 0;
        self.starts.iter().map(move |start| {
            let start = *start as usize;
            let line = &self.bytes[rest..start];
            rest = if is_rendered { start + self.line_rest(start) } else { start };
            line
        })
    }

    /// The length of the value at `start` and of the line feed behind it.
    fn line_rest(&self, start: usize) -> usize {
        // No number is longer, and none has a line feed in it.
        let rest = &self.bytes[start..];
        let end = rest.iter().take(number::LEN_MAX + 1).position(|byte| *byte == b'\n');
        end.expect("a rendered value ends with its line") + 1
    }

    /// Brings the values up to date and gives the text.
    pub(super) fn render(&mut self, source: &PageSource) -> &Arc<Vec<u8>> {
        if self.values.is_empty() {
            self.render_first(source);
        } else {
            self.render_again(source);
        }
        &self.bytes
    }

    fn render_first(&mut self, source: &PageSource) {
        let mut bytes = Vec::with_capacity(self.bytes.len() + self.starts.len() * 8);
        let mut values = Vec::with_capacity(self.starts.len());
        let mut rest = 0;
        source.visit(|value| {
            let start = &mut self.starts[values.len()];
            bytes.extend_from_slice(&self.bytes[rest..*start as usize]);
            rest = *start as usize;
            *start = u32::try_from(bytes.len()).expect("a page is under 4 GiB");
            let mut room = [0; number::LEN_MAX];
            let len = put_value(&mut room, value);
            bytes.extend_from_slice(&room[..len]);
            bytes.push(b'\n');
            values.push(bits(value));
        });
        bytes.shrink_to_fit();
        (self.bytes, self.values) = (Arc::new(bytes), values.into());
    }

    fn render_again(&mut self, source: &PageSource) {
        let mut line = 0;
        source.visit(|value| {
            if self.values[line] != bits(value) {
                self.replace(line, value);
            }
            line += 1;
        });
    }

    /// Writes `value` over the one in `line`. Not inlined: what is left is a loop that compares.
    #[inline(never)]
    fn replace(&mut self, line: usize, value: Value) {
        self.values[line] = bits(value);
        let mut room = [0; number::LEN_MAX];
        let len = put_value(&mut room, value);
        let start = self.starts[line] as usize;
        let old_len = self.line_rest(start) - 1;
        let bytes = Arc::make_mut(&mut self.bytes);
        if len == old_len {
            bytes[start..start + len].copy_from_slice(&room[..len]);
            return;
        }
        // Never more than is needed: a page is as long as its longest values made it.
        bytes.reserve_exact(len.saturating_sub(old_len));
        bytes.splice(start..start + old_len, room[..len].iter().copied());
        for start in &mut self.starts[line + 1..] {
            *start = (*start + len as u32) - old_len as u32;
        }
    }
}

/// What tells a value from others of its kind.
#[inline]
pub(super) fn bits(value: Value) -> u64 {
    match value {
        Value::U64(value) => value,
        Value::I64(value) => value.cast_unsigned(),
        Value::F64(value) => value.to_bits(),
    }
}

/// Writes `value` to the start of `room` and returns its length.
#[inline]
pub(super) fn put_value(room: &mut Room, value: Value) -> usize {
    match value {
        Value::U64(value) => number::put_u64(room, value),
        Value::I64(value) => number::put_i64(room, value),
        Value::F64(value) => number::put_f64(room, value),
    }
}
