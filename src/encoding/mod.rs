//! Families in, bytes out: the exposition formats.
//!
//! What changes seldom (names, labels, HELP) is laid out once as pages (`page`); a scrape copies
//! it and formats values. Each row of `FORMATS` decides how its lines look and compiles pages of
//! its own, on first use. Encoding appends to a buffer and cannot fail.

#![forbid(unsafe_code)]

mod encoder;
mod escape;
mod negotiate;
pub mod number;
mod page;
mod text;

pub use encoder::{Encoder, Exposition};
pub use negotiate::{Choice, negotiate};

use crate::metric::{Key, Shape};
use crate::model::Desc;

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The text format 0.0.4, which every scraper and parser reads.
    Text004,
}

impl Format {
    /// The `Content-Type` of an exposition in this format.
    pub fn content_type(self) -> &'static str {
        self.row().content_type
    }

    fn row(self) -> &'static FormatRow {
        &FORMATS[self as usize]
    }
}

/// What one format decides.
struct FormatRow {
    format: Format,
    content_type: &'static str,
    /// Appends the lines that stand in front of a family.
    write_head: fn(&mut Vec<u8>, &Desc),
    /// Appends what stands in front of each value of one series, and calls back after each.
    write_series: fn(&mut Lines, &Desc, &Shape, &Key),
}

/// The formats, in the order of [`Format`].
static FORMATS: [FormatRow; 1] = [FormatRow {
    format: Format::Text004,
    content_type: "text/plain; version=0.0.4; charset=utf-8",
    write_head: text::write_head,
    write_series: text::write_series,
}];

const _: () = {
    let mut index = 0;
    while index < FORMATS.len() {
        assert!(FORMATS[index].format as usize == index, "a format stands at its own index");
        index += 1;
    }
};

/// What stands in front of the values of a page's lines, end to end.
#[derive(Default)]
pub(crate) struct Lines {
    /// The bytes in front of each value.
    bytes: Vec<u8>,
    /// Where those of each line end.
    ends: Vec<u32>,
}

impl Lines {
    /// Ends the present line: its value comes here.
    fn end_line(&mut self) {
        let end = u32::try_from(self.bytes.len()).expect("a page is under 4 GiB");
        self.ends.push(end);
    }
}
