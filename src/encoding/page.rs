//! A page: the lines of up to 64 series of one family, laid out once and rendered at each scrape.
//! Where labels are long it has fewer of them, so that it fits into an output buffer.
//!
//! ```text
//! text     what stands before each value, and from the first rendering on the values: `rendered`
//! binary   a message with room for each value, and where the room is
//! noted    text whose lines say more than a value, which is written out at each scrape
//! built    the labels of each series; the messages are built at the scrape
//! source   the cells of the values
//! ```
//!
//! Rendering text brings the values that changed up to date and copies all of it. Rendering binary
//! copies all bytes and writes the numbers over those that are kept for them.

use super::notes::{Notation, Notes};
use super::number;
use super::protobuf::{self, MetricFields};
use super::rendered::{Rendered, bits, put_value};
use super::{Lines, Shown, Sink, Syntax, Values};
use crate::gzip;
use crate::metric::{BlockView, PageSource, Part, ScalarCells, Value};
use crate::model::Desc;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is laid out on one page, unless one series takes more. A buffer should have room for a few
/// pages; the more pages, the more memory and time they take that their lines do not.
const PAGE_BYTES_MAX: usize = 32 * 1_024;

pub(crate) struct Page {
    source: PageSource,
    content: Content,
    /// The length of what stands before the values.
    lines_len: usize,
    line_count: usize,
}

enum Content {
    /// Values stand in decimal. Locked while it is rendered or read: scrapes of one page take turns.
    Text(Mutex<Rendered>),
    /// Values are written over the bytes that are kept for them.
    Binary(Binary),
    /// Behind values in decimal stand exemplars or times.
    Noted { lines: Binary, notation: Notation },
    /// Messages take as much room as they need, behind the labels of their series.
    Built {
        labels: Binary,
        /// The bytes that stand in front of all series.
        head_len: usize,
        fields: MetricFields,
    },
}

/// Bytes, and places in them: where values go, or where labels end.
struct Binary {
    bytes: Box<[u8]>,
    places: Box<[u32]>,
}

impl Page {
    /// Lays out `part` of the series of `block`, which belong to `family`. The first page of a family,
    /// or of a part of it, also has its head.
    pub(crate) fn of_block(
        syntax: &Syntax,
        family: &Shown<'_>,
        block: &BlockView,
        part: Part,
        is_first: bool,
    ) -> Vec<Page> {
        let (mut pages, mut count) = (Vec::new(), 0);
        while count < block.series_count() {
            let source = block.source(part, count);
            let page = Page::new(syntax, family, source, is_first && count == 0);
            count += page.source.series().len();
            pages.push(page);
        }
        pages
    }

    /// Lays out the series of `source` that there is room for, at least one.
    fn new(syntax: &Syntax, family: &Shown<'_>, mut source: PageSource, is_first: bool) -> Page {
        let mut lines = Lines::default();
        let is_built = protobuf::is_built(family, source.shape());
        let has_head = match syntax.values {
            Values::Text => is_first,
            // The others stand behind `Page::family_start`.
            Values::Binary => is_built,
        };
        if has_head {
            (syntax.write_head)(&mut lines.bytes, family, source.part());
        }
        let head_len = lines.bytes.len();
        let mut count = 0;
        for series in source.series() {
            let len = lines.len();
            (syntax.write_series)(&mut lines, family, series, source.part());
            if count > 0 && lines.bytes.len() > PAGE_BYTES_MAX {
                lines.truncate(len);
                break;
            }
            count += 1;
        }
        source.truncate(count);
        let (lines_len, line_count) = (lines.bytes.len(), lines.ends.len());
        let mut lines_per_series = source.lines_per_series();
        let notes = (syntax.notes)(family, source.shape(), source.part());
        let content = match (syntax.values, notes) {
            (Values::Text, None) => Content::Text(Mutex::new(Rendered::new(lines))),
            (Values::Text, Some(notation)) => {
                Content::Noted { lines: Binary::new(lines), notation }
            }
            (Values::Binary, _) if is_built => {
                lines_per_series = 1;
                let Desc { kind, is_created_shown, .. } = *family.desc;
                let fields = MetricFields { kind, is_created_shown, notes };
                Content::Built { labels: Binary::new(lines), head_len, fields }
            }
            (Values::Binary, _) => Content::Binary(Binary::new(lines)),
        };
        let lines_expected = source.series().len() * lines_per_series;
        assert_eq!(line_count, lines_expected, "{}: a line per value", family.name);
        Page { source, content, lines_len, line_count }
    }

    /// The page in front of `pages`, which are all those of a family, if they are the rest of a message
    /// whose start says how long it is.
    pub(crate) fn family_start(
        family: &Shown<'_>,
        block: &BlockView,
        pages: impl Iterator<Item = impl AsRef<Page>>,
    ) -> Option<Page> {
        let mut metrics_len = 0;
        for page in pages {
            match &page.as_ref().content {
                Content::Binary(metrics) => metrics_len += metrics.bytes.len(),
                Content::Text(_) | Content::Noted { .. } | Content::Built { .. } => return None,
            }
        }
        let source = block.source(Part::All, block.series_count());
        let mut lines = Lines::default();
        protobuf::write_family_start(&mut lines.bytes, family, metrics_len);
        let lines_len = lines.bytes.len();
        Some(Page {
            source,
            content: Content::Binary(Binary::new(lines)),
            lines_len,
            line_count: 0,
        })
    }

    /// Which lines of its series it has.
    pub(crate) fn part(&self) -> Part {
        self.source.part()
    }

    /// The length of the rendered page is at most this.
    pub(crate) fn len_max(&self) -> usize {
        let Page { source, lines_len, line_count, .. } = self;
        match &self.content {
            Content::Text(_) => lines_len + line_count * (number::LEN_MAX + 1),
            Content::Noted { notation, .. } => {
                lines_len + line_count * (number::LEN_MAX + notation.len_max + 1)
            }
            Content::Binary(_) => *lines_len,
            Content::Built { fields, .. } => protobuf::page_len_max(*lines_len, source, fields),
        }
    }

    /// Appends the page with the present values.
    pub(crate) fn render(&self, out: &mut impl Sink) {
        match &self.content {
            Content::Text(text) => out.share(lock(text).render(&self.source)),
            Content::Binary(binary) => self.render_binary(binary, out.own(binary.bytes.len())),
            Content::Noted { lines, notation } => {
                self.render_noted(lines, *notation, out.own(self.len_max()));
            }
            Content::Built { labels, head_len, fields } => {
                let head = &labels.bytes[..*head_len];
                let labels = labels.parts(*head_len);
                let out = out.own(self.len_max());
                protobuf::write_page(out, head, labels, &self.source, fields);
            }
        }
    }

    fn render_noted(&self, lines: &Binary, notation: Notation, out: &mut Vec<u8>) {
        let notes = Notes::read(&self.source, notation);
        let notes = notes.series_at(0);
        let mut lines = lines.parts(0).enumerate();
        self.source.visit(|value| {
            let (number, line) = lines.next().expect("a page has a line for each value");
            out.extend_from_slice(line);
            let mut room = [0; number::LEN_MAX];
            let len = put_value(&mut room, value);
            out.extend_from_slice(&room[..len]);
            out.extend_from_slice(notes.of_line(number));
            out.push(b'\n');
        });
    }

    fn render_binary(&self, binary: &Binary, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&binary.bytes);
        let page = &mut out[start..];
        let has_count = self.source.shape().has_count();
        let mut places = binary.places.iter();
        self.source.visit(|value| {
            let at = *places.next().expect("a page has a place for each value") as usize;
            match value {
                Value::U64(count) if has_count => protobuf::put_count(page, at, count),
                value => protobuf::put_double(page, at, value.as_f64()),
            }
        });
    }
}

impl Binary {
    fn new(lines: Lines) -> Binary {
        Binary { bytes: lines.bytes.into(), places: lines.ends.into() }
    }

    /// The bytes from `start` on, cut at each place.
    fn parts(&self, start: usize) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(start).chain(self.places.iter().map(|end| *end as usize));
        starts.zip(&self.places).map(|(start, end)| &self.bytes[start..*end as usize])
    }
}

/// What the compressed form of text needs.
impl Page {
    /// Calls `see` with what stands in front of each value; of a page that is no text with nothing.
    pub(crate) fn with_lines<R>(
        &self,
        see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> R,
    ) -> R {
        match &self.content {
            Content::Text(text) => see(&mut lock(text).lines()),
            Content::Noted { lines, .. } => see(&mut lines.parts(0)),
            Content::Binary(_) | Content::Built { .. } => see(&mut std::iter::empty()),
        }
    }

    /// The longest note that can stand behind a value.
    pub(crate) fn note_len_max(&self) -> usize {
        match &self.content {
            Content::Noted { notation, .. } => notation.len_max,
            Content::Text(_) | Content::Binary(_) | Content::Built { .. } => 0,
        }
    }

    /// What stands behind the values, if there may be something. To be read before them.
    pub(crate) fn read_notes(&self) -> Option<Notes> {
        match &self.content {
            Content::Noted { notation, .. } => Some(Notes::read(&self.source, *notation)),
            Content::Text(_) | Content::Binary(_) | Content::Built { .. } => None,
        }
    }

    /// The length of all lines.
    pub(crate) fn lines_len(&self) -> usize {
        self.lines_len
    }

    /// The cells of the values, if the page is no more than its lines and they.
    pub(crate) fn scalar_cells(&self) -> Option<ScalarCells> {
        match &self.content {
            Content::Text(_) => self.source.scalar_cells(),
            Content::Binary(_) | Content::Noted { .. } | Content::Built { .. } => None,
        }
    }

    /// Whether `marks` are those of the present values.
    pub(crate) fn has_values(&self, marks: &[u64]) -> bool {
        let mut marks = marks.iter();
        let mut is_same = marks.len() == self.line_count;
        if is_same {
            self.source.visit(|value| is_same &= marks.next() == Some(&bits(value)));
        }
        is_same
    }

    /// Replaces `texts` by those of the present values.
    pub(crate) fn read_values(&self, texts: &mut Vec<gzip::Value>) {
        texts.clear();
        self.source.visit(|value| {
            let mut bytes = [0; number::LEN_MAX];
            let len = put_value(&mut bytes, value) as u8;
            texts.push(gzip::Value { bytes, len, mark: bits(value) });
        });
    }
}

/// A rendering that panicked would have left its page as wrong as the program is.
fn lock(text: &Mutex<Rendered>) -> MutexGuard<'_, Rendered> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}
