//! What a scraper gets of what it asked for (RFC 9110 §12.5).
//!
//! There is one format and one content coding, which every scraper takes, so nothing is chosen yet:
//! the answer to any `Accept` is the text format 0.0.4, since a scrape must not fail because of it.

use super::Format;

/// What was chosen for one scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The format.
    pub format: Format,
}

/// Chooses by the values of `Accept` and `Accept-Encoding`.
pub fn negotiate(_accept: Option<&[u8]>, _accept_encoding: Option<&[u8]>) -> Choice {
    Choice { format: Format::Text004 }
}
