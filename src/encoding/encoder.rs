//! From a registry to expositions: keeps the pages of each format up to date and hands out bodies.
//!
//! A [`Layout`] is what one format made of the registry. It is brought up to date at a scrape, and
//! only where something changed: the registry has a version, each family has one, each block of
//! series has one. An [`Exposition`] holds on to the pages as they were when its scrape began, so
//! it can be rendered piece by piece while series come and go.

use super::compressed::{CompressedBody, CompressedLayout, CompressedPages, Pages};
use super::negotiate::{Choice, negotiate};
use super::page::Page;
use super::stem::free_stems;
use super::{Bounds, Shown, Sink, Syntax};
use crate::metric::{FamilyCore, Part};
use crate::model::Escaping;
use crate::registry::{Group, RegisteredFamily, Registry, Scrape, Selection};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A layout that nobody asked for in this time gives its memory back.
const LAYOUT_UNUSED_MAX: Duration = Duration::from_secs(600);

/// Selections whose templates are kept; scrapers that split the collectors among them are few.
const SELECTIONS_MAX: usize = 8;

/// Renders the families of a registry in any format.
///
/// It keeps one layout per format and escaping that is asked for. One encoder serves one scrape at a
/// time; the expositions it gives out are independent of it.
pub struct Encoder {
    registry: Registry,
    layouts: Vec<Layout>,
}

impl Encoder {
    /// An encoder of the families of `registry`, also of those that are registered later.
    pub fn new(registry: Registry) -> Encoder {
        Encoder { registry, layouts: Vec::new() }
    }

    /// The registry whose families are rendered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// One scrape: runs the collectors and gives the exposition that suits the request's `Accept`
    /// and `Accept-Encoding`, for those who have an HTTP server already.
    ///
    /// ```
    /// use promlet::{Encoder, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.counter("jobs_total", "Jobs done.")?.inc();
    /// let mut encoder = Encoder::new(registry);
    ///
    /// let mut exposition = encoder.scrape(Some(b"text/plain"), None);
    /// let mut body = Vec::new();
    /// exposition.write_all(&mut body);
    /// assert_eq!(exposition.content_type(), "text/plain; version=0.0.4; charset=utf-8");
    /// assert_eq!(exposition.content_coding(), None);
    /// assert_eq!(body, b"# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1\n");
    /// # Ok::<(), promlet::RegisterError>(())
    /// ```
    pub fn scrape(&mut self, accept: Option<&[u8]>, accept_encoding: Option<&[u8]>) -> Exposition {
        let scrape = Scrape::new(Selection::ALL);
        let shown = self.registry.collect(&scrape);
        self.exposition(negotiate(accept, accept_encoding), shown, scrape.start)
    }

    /// The exposition of the selected families, with the series there are now and the values there
    /// are when each page is rendered.
    ///
    /// Costs a comparison if no series came or went, else what has to be laid out again.
    pub fn exposition(&mut self, choice: Choice, selection: Selection, now: Instant) -> Exposition {
        self.layouts.retain(|layout| now.duration_since(layout.used) <= LAYOUT_UNUSED_MAX);
        let (syntax, escaping) = (choice.format.row().syntax, choice.escaping);
        let found = self.layouts.iter().position(|layout| layout.is_of(syntax, escaping));
        let index = found.unwrap_or_else(|| {
            self.layouts.push(Layout::new(syntax, escaping, now));
            self.layouts.len() - 1
        });
        let layout = &mut self.layouts[index];
        layout.used = now;
        layout.update(&self.registry);
        let body = match choice.content_coding() {
            Some(_) => {
                Body::Gzip(CompressedBody::new(layout.compressed(selection, now), syntax.trailer))
            }
            None => {
                let (pages, trailer) = (Arc::clone(&layout.pages), syntax.trailer);
                Body::Identity(PlainBody { pages, selection, trailer, next: Some(0) })
            }
        };
        Exposition { choice, body }
    }
}

/// The pages of one syntax and escaping.
struct Layout {
    syntax: &'static Syntax,
    escaping: Escaping,
    used: Instant,
    /// The registry's version that this is the layout of.
    version: Option<u64>,
    /// All families there are.
    registered: Arc<Vec<RegisteredFamily>>,
    /// Those that have, or had, series: half of the families of a node never do.
    families: Vec<FamilyLayout>,
    /// Those of all families, in their order.
    pages: Pages,
    /// For each selection that is asked for in gzip.
    compressed: Vec<CompressedLayout>,
}

struct FamilyLayout {
    group: Group,
    core: Arc<FamilyCore>,
    /// As [`Shown::is_stem_free`].
    is_stem_free: bool,
    version: Option<u64>,
    parts: &'static [Part],
    /// What stands in front of all pages, if that depends on all of them.
    start: Option<Arc<Page>>,
    /// In the order of the family's blocks, each with its block's version: pages of every part.
    pages: Vec<(u64, Box<[Arc<Page>]>)>,
}

impl Layout {
    fn new(syntax: &'static Syntax, escaping: Escaping, used: Instant) -> Layout {
        let (registered, families) = (Arc::default(), Vec::new());
        let (pages, compressed) = (Arc::default(), Vec::new());
        Layout { syntax, escaping, used, version: None, registered, families, pages, compressed }
    }

    fn is_of(&self, syntax: &'static Syntax, escaping: Escaping) -> bool {
        std::ptr::eq(self.syntax, syntax) && self.escaping == escaping
    }

    fn update(&mut self, registry: &Registry) {
        // Before the families are looked at: what changes meanwhile is found next time.
        let version = registry.version();
        if self.version == Some(version) {
            return;
        }
        self.take_families(registry.families());
        for family in &mut self.families {
            family.update(self.syntax, self.escaping);
        }
        self.pages = Arc::new(self.families.iter().flat_map(FamilyLayout::pages).collect());
        self.version = Some(version);
    }

    /// The templates of the selected pages.
    fn compressed(&mut self, selection: Selection, now: Instant) -> Arc<CompressedPages> {
        self.compressed.retain(|layout| now.duration_since(layout.used) <= LAYOUT_UNUSED_MAX);
        let found = self.compressed.iter().position(|layout| layout.selection == selection);
        let index = found.unwrap_or_else(|| {
            if self.compressed.len() == SELECTIONS_MAX {
                let oldest = self.compressed.iter().enumerate().min_by_key(|(_, l)| l.used);
                let (oldest, _) = oldest.expect("there are SELECTIONS_MAX layouts");
                self.compressed.swap_remove(oldest);
            }
            self.compressed.push(CompressedLayout::new(selection, now));
            self.compressed.len() - 1
        });
        let layout = &mut self.compressed[index];
        layout.used = now;
        layout.update(&self.pages)
    }

    /// Makes those of `registered` that have series the families, keeping the pages of those that
    /// were there before.
    fn take_families(&mut self, registered: Arc<Vec<RegisteredFamily>>) {
        let has_series = |family: &RegisteredFamily| family.core.version() > 0;
        let shown = registered.iter().filter(|family| has_series(family));
        let known = self.families.iter().map(|family| Arc::as_ptr(&family.core));
        if Arc::ptr_eq(&self.registered, &registered)
            && known.eq(shown.map(|family| Arc::as_ptr(&family.core)))
        {
            return;
        }
        let mut old = std::mem::take(&mut self.families).into_iter().peekable();
        // A family without series keeps its names all the same.
        let stems = free_stems(registered.iter().map(|family| &family.core.desc), self.escaping);
        let shown = registered.iter().zip(stems).filter(|(family, _)| has_series(family));
        self.families.extend(shown.map(|(RegisteredFamily { group, core }, is_stem_free)| {
            // Both are by name.
            while old.next_if(|old| old.core.desc.name < core.desc.name).is_some() {}
            match old.next_if(|old| Arc::ptr_eq(&old.core, core)) {
                Some(family) if family.is_stem_free == is_stem_free => family,
                _ => FamilyLayout::new(*group, Arc::clone(core), is_stem_free),
            }
        }));
        self.families.shrink_to_fit();
        self.registered = registered;
    }
}

impl FamilyLayout {
    fn new(group: Group, core: Arc<FamilyCore>, is_stem_free: bool) -> FamilyLayout {
        let (version, parts, start, pages) = (None, [].as_slice(), None, Vec::new());
        FamilyLayout { group, core, is_stem_free, version, parts, start, pages }
    }

    /// The pages in the order of an exposition: those of one part together.
    fn pages(&self) -> impl Iterator<Item = (Group, Arc<Page>)> {
        let pages = || self.pages.iter().flat_map(|(_, pages)| pages);
        let of_part = move |&part: &Part| pages().filter(move |page| page.part() == part);
        let pages = self.start.iter().chain(self.parts.iter().flat_map(of_part));
        pages.map(|page| (self.group, Arc::clone(page)))
    }

    /// Lays out the pages whose series changed, and the first one if it was not the first.
    fn update(&mut self, syntax: &Syntax, escaping: Escaping) {
        let version = self.core.version();
        if self.version == Some(version) {
            return;
        }
        let shown = Shown::new(&self.core.desc, escaping, self.is_stem_free);
        let blocks = self.core.blocks();
        let bounds = match blocks.iter().any(|block| block.shape().has_negative_bounds()) {
            true => Bounds::SomeNegative,
            false => Bounds::NotNegative,
        };
        self.parts = (syntax.parts)(&shown, bounds);
        let first = self.pages.first().map(|(version, _)| *version);
        let kept = Vec::with_capacity(blocks.len());
        let mut old: HashMap<_, _> = std::mem::replace(&mut self.pages, kept).into_iter().collect();
        for (index, block) in blocks.iter().enumerate() {
            let version = block.version();
            let is_first = index == 0;
            let pages = match old.remove(&version) {
                Some(pages) if is_first == (first == Some(version)) => pages,
                _ => {
                    let pages =
                        |part: &Part| Page::of_block(syntax, &shown, block, *part, is_first);
                    self.parts.iter().flat_map(pages).map(Arc::new).collect()
                }
            };
            self.pages.push((version, pages));
        }
        let pages = self.pages.iter().flat_map(|(_, pages)| pages);
        let start = blocks.first().and_then(|block| Page::family_start(&shown, block, pages));
        self.start = start.map(Arc::new);
        self.version = Some(version);
    }
}

/// One exposition, to be rendered piece by piece.
pub struct Exposition {
    choice: Choice,
    body: Body,
}

enum Body {
    Identity(PlainBody),
    Gzip(CompressedBody),
}

/// A body as it is, to be rendered piece by piece.
struct PlainBody {
    pages: Pages,
    selection: Selection,
    trailer: &'static [u8],
    /// The pages from this one on, and the trailer; `None` is nothing.
    next: Option<usize>,
}

impl PlainBody {
    fn write_some(&mut self, out: &mut impl Sink, room: usize) -> bool {
        let Some(mut next) = self.next else { return true };
        let start = out.len();
        while let Some((group, page)) = self.pages.get(next) {
            if self.selection.contains(*group) {
                let len = out.len() - start;
                if len > 0 && len + page.len_max() > room {
                    self.next = Some(next);
                    return false;
                }
                page.render(out);
            }
            next += 1;
        }
        out.own(self.trailer.len()).extend_from_slice(self.trailer);
        self.next = None;
        true
    }
}

impl Exposition {
    /// The `Content-Type` to send it with.
    pub fn content_type(&self) -> &'static str {
        self.choice.content_type()
    }

    /// The `Content-Encoding` to send it with, if it has one.
    pub fn content_coding(&self) -> Option<&'static str> {
        self.choice.content_coding()
    }

    /// Appends pages to `out` until the next one might need more than `room` bytes, but at least
    /// one. Says whether that was all.
    ///
    /// A page is at most some 32 kB long, unless the labels or the HELP text of one series are.
    pub fn write_some(&mut self, out: &mut Vec<u8>, room: usize) -> bool {
        self.write_pieces(out, room)
    }

    /// As [`write_some`](Self::write_some), without a copy of text that is kept.
    pub(crate) fn write_pieces(&mut self, out: &mut impl Sink, room: usize) -> bool {
        match &mut self.body {
            Body::Identity(body) => body.write_some(out, room),
            Body::Gzip(body) => body.write_some(out.own(room), room),
        }
    }

    /// Appends all that is left.
    pub fn write_all(&mut self, out: &mut Vec<u8>) {
        while !self.write_some(out, usize::MAX) {}
    }
}
