//! Notes: what formats have to say behind the value of a line, where a family asked for it. They are
//! written anew at each scrape.

use crate::metric::{Note, PageSource};

/// How a format shows the notes of a family.
#[derive(Clone, Copy)]
pub(super) struct Notation {
    /// Appends one.
    pub(super) write: fn(&mut Vec<u8>, Note<'_>),
    /// The bytes that one takes at most.
    pub(super) len_max: usize,
}

/// The notes of a page's lines, end to end.
#[derive(Default)]
pub(super) struct Notes {
    bytes: Vec<u8>,
    /// One per line, or none at all.
    ends: Vec<usize>,
}

impl Notes {
    /// Those of all lines of `source`. To be read before the values, see
    /// [`PageSource::visit_notes`].
    pub(super) fn read(source: &PageSource, notation: Notation) -> Notes {
        let mut notes = Notes::default();
        source.visit_notes(|note| {
            if let Some(note) = note {
                (notation.write)(&mut notes.bytes, note);
            }
            notes.ends.push(notes.bytes.len());
        });
        notes
    }

    /// All of them, and where that of each line ends.
    pub(super) fn parts(&self) -> (&[u8], &[usize]) {
        (&self.bytes, &self.ends)
    }

    /// Those of a series whose first line is this one of the page's.
    pub(super) fn series_at(&self, first_line: usize) -> SeriesNotes<'_> {
        SeriesNotes { notes: self, first_line }
    }
}

/// The notes of a series.
#[derive(Clone, Copy)]
pub(super) struct SeriesNotes<'n> {
    notes: &'n Notes,
    first_line: usize,
}

impl<'n> SeriesNotes<'n> {
    /// The note of a line; often empty.
    pub(super) fn of_line(self, line: usize) -> &'n [u8] {
        let (Notes { bytes, ends }, line) = (self.notes, self.first_line + line);
        let Some(end) = ends.get(line) else { return &[] };
        let start = line.checked_sub(1).map_or(0, |before| ends[before]);
        &bytes[start..*end]
    }
}
