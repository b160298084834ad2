//! What a scrape asks for, and who is asked.

use std::time::{Duration, Instant};

/// What a scraper that names no time is taken to wait: the default of Prometheus' scrape_timeout.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// What is kept of the scraper's time for rendering, the network and clocks that start late; of a
/// short time a fifth.
const MARGIN: Duration = Duration::from_millis(500);

/// Writes into families at the scrape.
///
/// For values that somebody else keeps: the kernel, a library, a pool. Keep the handles; values
/// that are unknown at a scrape are removed from their family rather than set to zero.
///
/// ```
/// use promlet::{Collect, Gauge, Registry, Scrape};
///
/// struct LoadAverage { load1: Gauge }
///
/// impl Collect for LoadAverage {
///     fn collect(&mut self, _scrape: &Scrape) {
///         let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
///         if let Some(value) = text.split(' ').next().and_then(|word| word.parse().ok()) {
///             self.load1.set(value);
///         }
///     }
/// }
///
/// let registry = Registry::new();
/// let load1 = registry.gauge("load1", "Runnable tasks, averaged over a minute.")?;
/// registry.register_collector(LoadAverage { load1 });
/// # Ok::<(), promlet::RegisterError>(())
/// ```
pub trait Collect: Send {
    /// Brings the values up to date. Called at each scrape, by one thread at a time, before
    /// anything is rendered; what it takes is added to every scrape.
    fn collect(&mut self, scrape: &Scrape);
}

/// What a collector is told about the scrape it works for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Scrape {
    /// When the scrape began.
    pub start: Instant,
    /// Until when collectors that work on other threads are waited for.
    pub deadline: Instant,
    /// The groups whose families are asked for.
    pub selection: Selection,
}

impl Scrape {
    /// A scrape of `selection` that begins now, by one who waits 10 s.
    pub fn new(selection: Selection) -> Scrape {
        Scrape::within(selection, TIMEOUT_DEFAULT)
    }

    /// A scrape of `selection` that begins now, by one who waits for `timeout`. The deadline is
    /// earlier by half a second, or a fifth of the time if that is less.
    ///
    /// # Panics
    /// If the timeout is so long that its end cannot be told: some hundred years.
    pub fn within(selection: Selection, timeout: Duration) -> Scrape {
        let start = Instant::now();
        let deadline = start + (timeout - MARGIN.min(timeout / 5));
        Scrape { start, deadline, selection }
    }
}

/// A number shared by families that are asked for together, below [`Group::LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group(u8);

impl Group {
    /// The group of families that belong to every scrape.
    pub const ALWAYS: Group = Group(0);
    /// One more than the highest number of a group: the bits of a [`Selection`].
    pub const LIMIT: u8 = 128;

    /// The group of this number; `None` from [`Group::LIMIT`] on.
    pub const fn new(number: u8) -> Option<Group> {
        if number < Group::LIMIT { Some(Group(number)) } else { None }
    }
}

/// The groups that a scrape asks for. [`Group::ALWAYS`] is one of them, whatever is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection(u128);

impl Selection {
    /// Every group.
    pub const ALL: Selection = Selection(u128::MAX);
    /// Only [`Group::ALWAYS`].
    pub const NONE: Selection = Selection(1);

    /// This selection and `group`.
    #[must_use]
    pub const fn with(self, group: Group) -> Selection {
        Selection(self.0 | 1 << group.0)
    }

    /// This selection less `group`.
    #[must_use]
    pub const fn without(self, group: Group) -> Selection {
        Selection(self.0 & !(1 << group.0) | 1)
    }

    /// The groups that are in one of them or in both.
    pub(crate) const fn and(self, other: Selection) -> Selection {
        Selection(self.0 | other.0)
    }

    /// The groups that are not in `other`.
    pub(crate) const fn less(self, other: Selection) -> Selection {
        Selection(self.0 & !other.0 | 1)
    }

    /// Whether `group` is asked for.
    pub const fn contains(self, group: Group) -> bool {
        self.0 & 1 << group.0 != 0
    }
}

impl<F: FnMut(&Scrape) + Send> Collect for F {
    fn collect(&mut self, scrape: &Scrape) {
        self(scrape);
    }
}
