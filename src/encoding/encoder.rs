//! From a registry to expositions: keeps the pages of each format up to date and hands out bodies.
//!
//! A [`Layout`] is what one format made of the registry. It is brought up to date at a scrape, and
//! only where something changed: the registry has a version, each family has one, each block of
//! series has one. An [`Exposition`] holds on to the pages as they were when its scrape began, so
//! it can be rendered piece by piece while series come and go.

use super::negotiate::negotiate;
use super::page::Page;
use super::{FORMATS, Format, FormatRow};
use crate::metric::FamilyCore;
use crate::registry::{Group, RegisteredFamily, Registry, Scrape, Selection};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A format that nobody asked for in this time gives its memory back.
const LAYOUT_UNUSED_MAX: Duration = Duration::from_secs(600);

/// Renders the families of a registry in any format.
///
/// It keeps one layout per format that is asked for. One encoder serves one scrape at a time;
/// the expositions it gives out are independent of it.
pub struct Encoder {
    registry: Registry,
    layouts: [Option<Layout>; FORMATS.len()],
}

impl Encoder {
    /// An encoder of the families of `registry`, also of those that are registered later.
    pub fn new(registry: Registry) -> Encoder {
        Encoder { registry, layouts: Default::default() }
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
        self.registry.collect(&scrape);
        self.exposition(negotiate(accept, accept_encoding).format, scrape.selection, scrape.start)
    }

    /// The exposition of the selected families, with the series there are now and the values there
    /// are when each page is rendered.
    ///
    /// Costs a comparison if no series came or went, else what has to be laid out again.
    pub fn exposition(&mut self, format: Format, selection: Selection, now: Instant) -> Exposition {
        for layout in &mut self.layouts {
            layout.take_if(|layout| now.duration_since(layout.used) > LAYOUT_UNUSED_MAX);
        }
        let layout = self.layouts[format as usize].get_or_insert_with(|| Layout::new(now));
        layout.used = now;
        layout.update(format.row(), &self.registry);
        Exposition { format, pages: Arc::clone(&layout.pages), selection, next: 0 }
    }
}

/// The pages of one format.
struct Layout {
    used: Instant,
    /// The registry's version that this is the layout of.
    version: Option<u64>,
    families: Vec<FamilyLayout>,
    /// Those of all families, in their order.
    pages: Arc<Vec<(Group, Arc<Page>)>>,
}

struct FamilyLayout {
    group: Group,
    core: Arc<FamilyCore>,
    version: Option<u64>,
    /// In the order of the family's blocks, each with its block's version.
    pages: Vec<(u64, Arc<Page>)>,
}

impl Layout {
    fn new(now: Instant) -> Layout {
        Layout { used: now, version: None, families: Vec::new(), pages: Arc::default() }
    }

    fn update(&mut self, format: &FormatRow, registry: &Registry) {
        // Before the families are looked at: what changes meanwhile is found next time.
        let version = registry.version();
        if self.version == Some(version) {
            return;
        }
        self.take_families(&registry.families());
        for family in &mut self.families {
            family.update(format);
        }
        let pages = |family: &FamilyLayout| {
            let group = family.group;
            family.pages.iter().map(move |(_, page)| (group, Arc::clone(page))).collect::<Vec<_>>()
        };
        self.pages = Arc::new(self.families.iter().flat_map(pages).collect());
        self.version = Some(version);
    }

    /// Makes `families` the families, keeping the pages of those that were there before.
    fn take_families(&mut self, families: &[RegisteredFamily]) {
        let is_same =
            |(old, new): (&FamilyLayout, &RegisteredFamily)| Arc::ptr_eq(&old.core, &new.core);
        if self.families.len() == families.len() && self.families.iter().zip(families).all(is_same)
        {
            return;
        }
        let mut old: HashMap<*const FamilyCore, FamilyLayout> =
            self.families.drain(..).map(|family| (Arc::as_ptr(&family.core), family)).collect();
        self.families.extend(families.iter().map(|RegisteredFamily { group, core }| {
            old.remove(&Arc::as_ptr(core)).unwrap_or_else(|| FamilyLayout {
                group: *group,
                core: Arc::clone(core),
                version: None,
                pages: Vec::new(),
            })
        }));
    }
}

impl FamilyLayout {
    /// Lays out the pages whose series changed, and the first one if it was not the first.
    fn update(&mut self, format: &FormatRow) {
        let version = self.core.version();
        if self.version == Some(version) {
            return;
        }
        let first = self.pages.first().map(|(version, _)| *version);
        let mut old = std::mem::take(&mut self.pages).into_iter().peekable();
        for (index, block) in self.core.blocks().into_iter().enumerate() {
            let version = block.version();
            let is_first = index == 0;
            // Blocks keep their order, so an old page that is not this block's, nor that of one
            // that comes later, belongs to a block that is gone or changed.
            let kept = old.by_ref().find(|(old, _)| *old == version);
            let page = match kept {
                Some((_, page)) if is_first == (first == Some(version)) => page,
                _ => Arc::new(Page::new(format, &self.core, block.source(), is_first)),
            };
            self.pages.push((version, page));
        }
        self.version = Some(version);
    }
}

/// One exposition, to be rendered piece by piece.
#[derive(Clone)]
pub struct Exposition {
    format: Format,
    pages: Arc<Vec<(Group, Arc<Page>)>>,
    selection: Selection,
    next: usize,
}

impl Exposition {
    /// The `Content-Type` to send it with.
    pub fn content_type(&self) -> &'static str {
        self.format.content_type()
    }

    /// The `Content-Encoding` to send it with, if it has one.
    pub fn content_coding(&self) -> Option<&'static str> {
        None
    }

    /// Appends pages to `out` until the next one might need more than `room` bytes, but at least
    /// one. Says whether that was all.
    ///
    /// A page is at most some 16 kB long, unless its labels or HELP text are.
    pub fn write_some(&mut self, out: &mut Vec<u8>, room: usize) -> bool {
        let start = out.len();
        while let Some((group, page)) = self.pages.get(self.next) {
            if self.selection.contains(*group) {
                let len = out.len() - start;
                if len > 0 && len + page.len_max() > room {
                    return false;
                }
                page.render(out);
            }
            self.next += 1;
        }
        true
    }

    /// Appends all that is left.
    pub fn write_all(&mut self, out: &mut Vec<u8>) {
        while !self.write_some(out, usize::MAX) {}
    }
}
