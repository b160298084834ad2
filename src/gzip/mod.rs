//! gzip members (RFC 1952) of text whose constant part was compressed before.
//!
//! ```text
//! matches    what the constant text of a page repeats, found once
//! huffman    the one code of all streams
//! template   the page as ready bits, with slots for values
//! stream     a member under way: templates completed with values at each scrape
//! history    the member before, whose pages are taken over where they are the same
//! crc32      the checksum of text that is never written
//! bits       bits to bytes
//! value      what is not known before
//! tables     RFC 1951's symbols
//! ```
//!
//! It knows nothing of metrics: text goes in as lines, each in front of a value.

#![forbid(unsafe_code)]

mod bits;
mod crc32;
mod history;
mod huffman;
mod matches;
mod stream;
mod tables;
mod template;
mod value;

pub use stream::Stream;
pub use template::{Compiler, Outline, Template};
pub use value::Value;
