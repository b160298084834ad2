//! Families in, bytes out: the exposition formats.
//!
//! What changes seldom (names, labels, HELP) is laid out once as pages (`page`); a scrape copies
//! it and formats values. Each row of `FORMATS` says how its bodies look and compiles pages of
//! its own, on first use. Encoding appends to a buffer and cannot fail.

#![forbid(unsafe_code)]

mod clause;
mod compressed;
mod encoder;
mod escape;
mod line;
mod negotiate;
mod notes;
pub mod number;
mod openmetrics;
mod page;
mod protobuf;
mod rendered;
mod stem;
mod text;

pub use encoder::{Encoder, Exposition};
pub use negotiate::{Choice, ContentCoding, negotiate};

use crate::metric::{Part, Series, Shape};
use crate::model::{Desc, Escaping};
use negotiate::Parameter;
use notes::Notation;
use std::borrow::Cow;
use std::sync::Arc;

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The text format 0.0.4, which every scraper and parser reads.
    Text004,
    /// The text format 1.0.0: the same, with names of any UTF-8 where those are asked for.
    Text100,
    /// OpenMetrics 0.0.1, the name that early scrapers have for the text of 1.0.0.
    OpenMetrics001,
    /// OpenMetrics 1.0.0, which scrapers prefer to the text format.
    OpenMetrics100,
    /// Messages of the protobuf type `io.prometheus.client.MetricFamily`, each behind its length.
    Protobuf,
}

impl Format {
    fn row(self) -> &'static FormatRow {
        &FORMATS[self as usize]
    }
}

/// What one format decides.
struct FormatRow {
    format: Format,
    media_type: &'static str,
    /// What tells it apart from other formats of its media type.
    parameters: &'static [Parameter],
    /// The `Content-Type` of its bodies for each escaping, in the order of [`Escaping::ALL`].
    content_types: [&'static str; Escaping::ALL.len()],
    /// Whether it can show names under [`Escaping::AllowUtf8`]; otherwise it is never used so.
    shows_utf8: bool,
    syntax: &'static Syntax,
}

/// How pages look. Formats that differ only in what they are called share one.
struct Syntax {
    /// Which of a series' lines stand together, each part in pages of its own.
    parts: fn(&Shown<'_>, Bounds) -> &'static [Part],
    /// Appends what stands in front of a family, or of one part of it.
    write_head: fn(&mut Vec<u8>, &Shown<'_>, Part),
    /// Appends what stands in front of each value of one series, and calls back after each.
    write_series: fn(&mut Lines, &Shown<'_>, &Series, Part),
    values: Values,
    /// How the notes of a family, or of one part of it, are shown, if there may be some.
    notes: fn(&Shown<'_>, &Shape, Part) -> Option<Notation>,
    /// What stands at the end of an exposition.
    trailer: &'static [u8],
}

/// Where the buckets of a family's histograms end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bounds {
    /// None of them below zero, if there are buckets at all.
    NotNegative,
    /// Some below zero.
    SomeNegative,
}

/// How a value gets into its page.
#[derive(Clone, Copy)]
enum Values {
    /// In decimal between the bytes that stand in front of it and a line feed.
    Text,
    /// In binary over bytes that were kept free for it. The family is a message behind its length.
    Binary,
}

/// A media type with each value of its parameter `escaping`. The older formats name it only where it
/// is not the one that they always had.
macro_rules! content_types {
    ($type:literal) => {
        content_types!($type, concat!($type, "; escaping=underscores"))
    };
    ($type:literal, $underscores:expr) => {
        [
            concat!($type, "; escaping=allow-utf-8"),
            $underscores,
            concat!($type, "; escaping=dots"),
            concat!($type, "; escaping=values"),
        ]
    };
}

const fn version(value: &'static str, is_default: bool) -> Parameter {
    Parameter { name: "version", value, is_default }
}

/// The formats, in the order of [`Format`].
static FORMATS: [FormatRow; 5] = [
    FormatRow {
        format: Format::Text004,
        media_type: "text/plain",
        parameters: &[version("0.0.4", true)],
        content_types: content_types!(
            "text/plain; version=0.0.4; charset=utf-8",
            "text/plain; version=0.0.4; charset=utf-8"
        ),
        shows_utf8: false,
        syntax: &text::SYNTAX,
    },
    FormatRow {
        format: Format::Text100,
        media_type: "text/plain",
        parameters: &[version("1.0.0", false)],
        content_types: content_types!("text/plain; version=1.0.0; charset=utf-8"),
        shows_utf8: true,
        syntax: &text::SYNTAX,
    },
    FormatRow {
        format: Format::OpenMetrics001,
        media_type: "application/openmetrics-text",
        parameters: &[version("0.0.1", true)],
        content_types: content_types!(
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
            "application/openmetrics-text; version=0.0.1; charset=utf-8"
        ),
        shows_utf8: false,
        syntax: &openmetrics::SYNTAX,
    },
    FormatRow {
        format: Format::OpenMetrics100,
        media_type: "application/openmetrics-text",
        parameters: &[version("1.0.0", false)],
        content_types: content_types!("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        shows_utf8: true,
        syntax: &openmetrics::SYNTAX,
    },
    FormatRow {
        format: Format::Protobuf,
        media_type: "application/vnd.google.protobuf",
        parameters: &[
            Parameter {
                name: "proto",
                value: "io.prometheus.client.MetricFamily",
                is_default: false,
            },
            Parameter { name: "encoding", value: "delimited", is_default: false },
        ],
        content_types: content_types!(
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
             encoding=delimited"
        ),
        shows_utf8: true,
        syntax: &protobuf::SYNTAX,
    },
];

const _: () = {
    let mut index = 0;
    while index < FORMATS.len() {
        assert!(FORMATS[index].format as usize == index, "a format stands at its own index");
        index += 1;
    }
};

/// A family as one escaping shows it.
struct Shown<'a> {
    desc: &'a Desc,
    escaping: Escaping,
    /// The family's name, escaped.
    name: Cow<'a, str>,
    /// Whether its name without the suffix of its kind is nobody else's, so that a format that
    /// strips the suffix may use it.
    is_stem_free: bool,
}

impl<'a> Shown<'a> {
    fn new(desc: &'a Desc, escaping: Escaping, is_stem_free: bool) -> Shown<'a> {
        Shown { desc, escaping, name: escaping.metric_name(&desc.name), is_stem_free }
    }

    /// The labels of a series and of its family, by name, with escaped names.
    fn labels<'s>(&'s self, series: &'s Series) -> Vec<(Cow<'s, str>, &'s str)> {
        let constant = self.desc.const_labels.iter().map(|label| (&*label.name, &*label.value));
        let mut labels: Vec<(&str, &str)> = constant.collect();
        let mut values = series.label_values();
        if let Shape::Given(_) = series.shape() {
            let pair = || values.next().zip(values.next());
            labels.extend(std::iter::from_fn(pair));
        } else {
            labels.extend(self.desc.label_names.iter().map(|name| &**name).zip(values));
        }
        if self.desc.omits_empty_labels {
            labels.retain(|(_, value)| !value.is_empty());
        }
        labels.sort_unstable();
        labels.into_iter().map(|(name, value)| (self.escaping.label_name(name), value)).collect()
    }
}

/// Where an exposition goes.
pub(crate) trait Sink {
    /// Bytes to append to, with room for about `room` more.
    fn own(&mut self, room: usize) -> &mut Vec<u8>;

    /// Appends a text that is kept. Whoever holds on to it has it as it is now.
    fn share(&mut self, text: &Arc<Vec<u8>>);

    /// The length of all that is there.
    fn len(&self) -> usize;
}

impl Sink for Vec<u8> {
    fn own(&mut self, _: usize) -> &mut Vec<u8> {
        self
    }

    fn share(&mut self, text: &Arc<Vec<u8>>) {
        self.extend_from_slice(text);
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// What stands in front of the values of a page's lines, end to end.
#[derive(Default)]
pub(crate) struct Lines {
    /// The bytes in front of each value; of binary values also those that are kept free for them.
    bytes: Vec<u8>,
    /// Where those of each line end, and its value is to stand.
    ends: Vec<u32>,
}

impl Lines {
    /// Ends the present line: its value comes here.
    fn end_line(&mut self) {
        let end = u32::try_from(self.bytes.len()).expect("a page is under 4 GiB");
        self.ends.push(end);
    }

    /// How many bytes and lines there are.
    fn len(&self) -> (usize, usize) {
        (self.bytes.len(), self.ends.len())
    }

    /// Goes back to an earlier length.
    fn truncate(&mut self, (bytes, lines): (usize, usize)) {
        self.bytes.truncate(bytes);
        self.ends.truncate(lines);
    }
}
