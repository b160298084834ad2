//! Pages as gzip: the templates of a layout's pages, kept up to date, and the stream that they make.
//!
//! A page's template refers to the text of pages before it, so it is good only behind the same
//! pages. When pages come, go or change, the ones behind them are compiled again as far as they
//! refer back to what changed; [`Template::pages_back`] says how far that is, and the compiler sees
//! to it that it is never far.

use super::page::Page;
use crate::gzip::{Compiler, Outline, Stream, Template, Value};
use crate::metric::{ScalarCells, lock};
use crate::registry::{Group, Selection};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Pages with the groups that they belong to, as a layout has them.
pub(crate) type Pages = Arc<Vec<(Group, Arc<Page>)>>;

/// The templates of the selected pages of one layout.
pub(crate) struct CompressedLayout {
    pub(crate) selection: Selection,
    pub(crate) used: Instant,
    /// What the templates are those of.
    pages: Pages,
    compressed: Arc<CompressedPages>,
}

/// Pages that a gzip member is made of.
pub(crate) struct CompressedPages {
    pages: Vec<CompressedPage>,
    /// The writer that remembers the body before; of bodies that overlap one has it.
    writer: Mutex<Option<Box<Writer>>>,
}

/// A page of a member, and at hand what tells whether it is as it was: most are, and the rest of them
/// is not looked at then.
struct CompressedPage {
    outline: Outline,
    cells: Option<ScalarCells>,
    page: Arc<Page>,
    template: Arc<Template>,
}

impl CompressedPage {
    fn new((page, template): (Arc<Page>, Arc<Template>)) -> CompressedPage {
        let (outline, cells) = (template.outline(), page.scalar_cells());
        CompressedPage { outline, cells, page, template }
    }
}

/// What writes bodies.
#[derive(Default)]
struct Writer {
    stream: Stream,
    /// Those of one page; kept for its memory.
    values: Vec<Value>,
}

impl CompressedLayout {
    pub(crate) fn new(selection: Selection, now: Instant) -> CompressedLayout {
        let compressed = Arc::new(CompressedPages::new(Vec::new()));
        CompressedLayout { selection, used: now, pages: Arc::default(), compressed }
    }

    /// The templates of the selected ones of `pages`.
    pub(crate) fn update(&mut self, pages: &Pages) -> Arc<CompressedPages> {
        if !Arc::ptr_eq(&self.pages, pages) {
            let selected = pages.iter().filter(|(group, _)| self.selection.contains(*group));
            let selected = selected.map(|(_, page)| Arc::clone(page)).collect();
            self.compressed = Arc::new(self.compressed.follow(selected));
            self.pages = Arc::clone(pages);
        }
        Arc::clone(&self.compressed)
    }
}

impl CompressedPages {
    fn new(pages: Vec<CompressedPage>) -> CompressedPages {
        let writer = Writer { stream: Stream::with_history(), values: Vec::new() };
        CompressedPages { pages, writer: Mutex::new(Some(Box::new(writer))) }
    }

    /// The templates of `pages`, taken from these as far as they are still good.
    fn follow(&self, pages: Vec<Arc<Page>>) -> CompressedPages {
        let numbers = self.pages.iter().enumerate();
        let numbers: HashMap<*const Page, usize> =
            numbers.map(|(number, page)| (Arc::as_ptr(&page.page), number)).collect();
        let mut compiling = Compiling { pages: &pages, compiler: Compiler::default(), next: None };
        let mut templates = Vec::with_capacity(pages.len());
        // The number that the page before had, and how many pages before this one are those that
        // it had before it then.
        let (mut previous, mut unchanged) = (None, 0);
        for (index, page) in pages.iter().enumerate() {
            // The first page of all has one line feed less, so it is another text elsewhere.
            let number = numbers.get(&Arc::as_ptr(page)).copied();
            let number = number.filter(|number| (*number == 0) == (index == 0));
            let is_successor = number.is_some() && number == previous.map(|number| number + 1);
            unchanged = if is_successor { unchanged + 1 } else { 0 };
            previous = number;
            let kept = number.map(|number| &self.pages[number].template);
            let kept = kept.filter(|template| template.pages_back() <= unchanged);
            templates.push(match kept {
                Some(template) => Arc::clone(template),
                None => Arc::new(compiling.compile(index)),
            });
        }
        CompressedPages::new(pages.into_iter().zip(templates).map(CompressedPage::new).collect())
    }
}

/// A compiler and where it is.
struct Compiling<'p> {
    pages: &'p [Arc<Page>],
    compiler: Compiler,
    /// The page that it would see next.
    next: Option<usize>,
}

impl Compiling<'_> {
    fn compile(&mut self, index: usize) -> Template {
        let before = self.pages[..index].iter().rev().map(|page| page.lines_len());
        let needed = index - Compiler::pages_needed(before);
        let start = match self.next {
            Some(next) if next >= needed && !self.compiler.is_full() => next,
            _ => {
                self.compiler.restart();
                needed
            }
        };
        for (number, page) in self.pages.iter().enumerate().take(index).skip(start) {
            let tail_len_max = page.note_len_max();
            page.with_lines(|lines| self.compiler.skip(lines, tail_len_max, number == 0));
        }
        self.next = Some(index + 1);
        let tail_len_max = self.pages[index].note_len_max();
        self.pages[index].with_lines(|lines| self.compiler.compile(lines, tail_len_max, index == 0))
    }
}

/// A body in gzip, to be rendered piece by piece.
pub(crate) struct CompressedBody {
    pages: Arc<CompressedPages>,
    trailer: &'static [u8],
    next: Next,
    /// There until it is dropped.
    writer: Option<Box<Writer>>,
}

/// What of a body comes next.
#[derive(Clone, Copy)]
enum Next {
    Header,
    /// This page, or the trailer if there are no more.
    Page(usize),
    Nothing,
}

impl CompressedBody {
    pub(crate) fn new(pages: Arc<CompressedPages>, trailer: &'static [u8]) -> CompressedBody {
        let writer = Some(lock(&pages.writer).take().unwrap_or_default());
        CompressedBody { pages, trailer, next: Next::Header, writer }
    }

    /// Appends pages to `out` until the next one might need more than `room` bytes, but at least
    /// one. Says whether that was all.
    pub(crate) fn write_some(&mut self, out: &mut Vec<u8>, room: usize) -> bool {
        let Some(writer) = &mut self.writer else { return true };
        let start = out.len();
        let mut next = match self.next {
            Next::Header => {
                writer.stream.begin(out);
                0
            }
            Next::Page(index) => index,
            Next::Nothing => return true,
        };
        let pages = &self.pages.pages;
        while let Some(page) = pages.get(next) {
            let len = out.len() - start + writer.stream.unsettled_len();
            if len > 0 && len + page.outline.len_max > room {
                writer.stream.settle(out);
                self.next = Next::Page(next);
                return false;
            }
            writer.write_page(page, out);
            next += 1;
        }
        // Behind the last value the line ends as behind every other.
        let line_end: &[u8] = if pages.is_empty() { b"" } else { b"\n" };
        writer.stream.finish(&[line_end, self.trailer], out);
        self.next = Next::Nothing;
        true
    }
}

impl Writer {
    fn write_page(&mut self, page: &CompressedPage, out: &mut Vec<u8>) {
        let Writer { stream, values } = self;
        let CompressedPage { outline, cells, page, template } = page;
        let marks = stream.marks(*outline);
        let (notes, has_values) = match cells {
            Some(cells) => (None, cells.are(marks)),
            None => {
                let notes = page.read_notes();
                let has_values = notes.is_none() && page.has_values(marks);
                (notes, has_values)
            }
        };
        if has_values && stream.repeat(*outline) {
            return;
        }
        page.read_values(values);
        match &notes {
            Some(notes) => stream.page_with_tails(template, values, notes.parts(), out),
            None => stream.page(template, values, out),
        }
    }
}

impl Drop for CompressedBody {
    /// Gives the writer back to the next body.
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take().filter(|w| w.stream.has_history()) else {
            return;
        };
        if matches!(self.next, Next::Page(_)) {
            writer.stream.abandon();
        }
        *lock(&self.pages.writer) = Some(writer);
    }
}
