//! The registry: the families of an application in a stable order, and what fills them at a scrape.
//!
//! A [`Registry`] is a handle; clones and the views that [`Registry::with_const_labels`] and
//! [`Registry::in_group`] give share one set of families. Registering checks names, so that an
//! exposition cannot be invalid because of them: afterwards nothing can fail.

#![forbid(unsafe_code)]

use crate::metric::{Buckets, Instrument};
use crate::metric::{
    Counter, Dynamic, Family, FamilyCore, FloatCounter, Gauge, Histogram, Info, IntGauge,
    LabelSchema, SeriesLimit, ShardedCounter, lock,
};
use crate::model::{Desc, Escaping, Kind, Label, NameError};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The self metric that counts look-ups beyond a family's [`SeriesLimit`].
const OVERFLOWS: &str = "promlet_family_overflows_total";

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
    /// The groups whose families are asked for.
    pub selection: Selection,
}

impl Scrape {
    /// A scrape of `selection` that begins now.
    pub fn new(selection: Selection) -> Scrape {
        Scrape { start: Instant::now(), selection }
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

    /// Whether `group` is asked for.
    pub const fn contains(self, group: Group) -> bool {
        self.0 & 1 << group.0 != 0
    }
}

/// A set of families.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
    const_labels: Arc<[Label]>,
    group: Group,
}

#[derive(Default)]
struct Shared {
    families: Mutex<Families>,
    collectors: Mutex<Vec<(Group, Box<dyn Collect>)>>,
    /// Grows with every change of which families and series there are.
    version: Arc<AtomicU64>,
}

#[derive(Default)]
struct Families {
    /// By name. Shared with those who render, copied when it changes.
    sorted: Arc<Vec<RegisteredFamily>>,
    /// Every sample and family name that is taken, in each escaping, and the family that took it.
    taken: HashMap<String, String>,
    overflows: Option<Family<Dynamic, Counter>>,
}

/// A family as the formats see it.
#[derive(Clone)]
pub(crate) struct RegisteredFamily {
    pub(crate) group: Group,
    pub(crate) core: Arc<FamilyCore>,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry { shared: Arc::default(), const_labels: Arc::default(), group: Group::ALWAYS }
    }
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// A view of this registry that gives every family registered through it these labels, next to
    /// those that this view gives already.
    #[must_use]
    pub fn with_const_labels<N, V>(&self, labels: impl IntoIterator<Item = (N, V)>) -> Registry
    where
        N: Into<Cow<'static, str>>,
        V: Into<String>,
    {
        let new = labels.into_iter().map(|(n, v)| Label { name: n.into(), value: v.into() });
        let const_labels = self.const_labels.iter().cloned().chain(new).collect();
        Registry { const_labels, ..self.clone() }
    }

    /// A view of this registry that puts what is registered through it into `group`, so that a
    /// scrape can leave it out.
    #[must_use]
    pub fn in_group(&self, group: Group) -> Registry {
        Registry { group, ..self.clone() }
    }

    /// Registers a counter of whole things without labels.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`]; so for the other instruments below.
    pub fn counter(&self, name: Text, help: Text) -> Result<Counter, RegisterError> {
        self.family_builder(name, help).register_one(())
    }

    /// Registers a counter that several threads increment all the time, without labels.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn sharded_counter(&self, name: Text, help: Text) -> Result<ShardedCounter, RegisterError> {
        self.family_builder(name, help).register_one(())
    }

    /// Registers a counter of parts (seconds, joules) without labels.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn float_counter(&self, name: Text, help: Text) -> Result<FloatCounter, RegisterError> {
        self.family_builder(name, help).register_one(())
    }

    /// Registers a gauge without labels.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn gauge(&self, name: Text, help: Text) -> Result<Gauge, RegisterError> {
        self.family_builder(name, help).register_one(())
    }

    /// Registers a gauge of whole things without labels.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn int_gauge(&self, name: Text, help: Text) -> Result<IntGauge, RegisterError> {
        self.family_builder(name, help).register_one(())
    }

    /// Registers a histogram without labels.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn histogram(
        &self,
        name: Text,
        help: Text,
        buckets: Buckets,
    ) -> Result<Histogram, RegisterError> {
        self.family_builder(name, help).register_one(buckets)
    }

    /// Registers labels that describe something, whose value is always 1. Give it a name that ends
    /// in `_info`.
    ///
    /// ```
    /// let registry = promlet::Registry::new();
    /// registry.info("build_info", "Which build this is.", [("version", "1.2.3")])?;
    /// # Ok::<(), promlet::RegisterError>(())
    /// ```
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn info<N, V>(
        &self,
        name: Text,
        help: Text,
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), RegisterError>
    where
        N: Into<Cow<'static, str>>,
        V: Into<String>,
    {
        let view = self.with_const_labels(labels);
        view.family_builder(name, help).register_one::<Info>(()).map(drop)
    }

    /// Registers a family of counters or gauges whose series have the labels of `L`.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn family<L, M>(&self, name: Text, help: Text) -> Result<Family<L, M>, RegisterError>
    where
        L: LabelSchema,
        M: Instrument<Options = ()>,
    {
        self.family_builder(name, help).register(())
    }

    /// Registers a gauge whose value `value` computes at each scrape.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn gauge_fn(
        &self,
        name: Text,
        help: Text,
        value: impl Fn() -> f64 + Send + 'static,
    ) -> Result<(), RegisterError> {
        let gauge = self.gauge(name, help)?;
        self.register_collector(move |_: &Scrape| gauge.set(value()));
        Ok(())
    }

    /// Registers a counter whose value `value` computes at each scrape.
    ///
    /// # Errors
    /// As [`FamilyBuilder::register`].
    pub fn counter_fn(
        &self,
        name: Text,
        help: Text,
        value: impl Fn() -> f64 + Send + 'static,
    ) -> Result<(), RegisterError> {
        let counter = self.float_counter(name, help)?;
        self.register_collector(move |_: &Scrape| counter.set_total(value()));
        Ok(())
    }

    /// Begins the registration of a family with labels, limits or an unknown kind.
    ///
    /// ```
    /// use promlet::{Buckets, Dynamic, Family, Histogram, Registry, SeriesLimit};
    ///
    /// let registry = Registry::new();
    /// let sizes: Family<Dynamic, Histogram> = registry
    ///     .family_builder("body_bytes", "Sizes of bodies by client.")
    ///     .limit(SeriesLimit::series(1_000))
    ///     .register_dynamic(&["client"], Buckets::exponential(64.0, 4.0, 10)?)?;
    /// sizes.get_or_create(&["10.0.0.1"]).observe(512.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn family_builder<'r>(
        &'r self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> FamilyBuilder<'r> {
        FamilyBuilder {
            registry: self,
            name: name.into(),
            help: help.into(),
            limit: SeriesLimit::default(),
            unit: None,
            is_created_shown: false,
            is_unknown: false,
        }
    }

    /// Lets `collector` write into its families at each scrape that selects this view's group.
    pub fn register_collector(&self, collector: impl Collect + 'static) {
        lock(&self.shared.collectors).push((self.group, Box::new(collector)));
    }

    /// Takes a family out. Handles to it stay good, and are seen by nobody.
    pub fn unregister(&self, name: &str) -> bool {
        let mut families = lock(&self.shared.families);
        let found = families.position(name);
        if let Ok(index) = found {
            Arc::make_mut(&mut families.sorted).remove(index);
            families.taken.retain(|_, by| by != name);
            self.changed();
        }
        found.is_ok()
    }

    /// Runs the collectors of the selected groups and removes idle series. The first half of a
    /// scrape; rendering is the second.
    pub fn collect(&self, scrape: &Scrape) {
        for (group, collector) in lock(&self.shared.collectors).iter_mut() {
            if scrape.selection.contains(*group) {
                collector.collect(scrape);
            }
        }
        for family in self.families().iter() {
            family.core.expire(scrape.start);
        }
    }

    /// Grows with every change of which families and series there are.
    pub(crate) fn version(&self) -> u64 {
        // ORDERING: Acquire pairs with the Release in `FamilyCore::changed` and in `changed` below:
        // what changed before is seen by who sees this version.
        self.shared.version.load(Ordering::Acquire)
    }

    /// The families, by name.
    pub(crate) fn families(&self) -> Arc<Vec<RegisteredFamily>> {
        Arc::clone(&lock(&self.shared.families).sorted)
    }

    fn changed(&self) {
        // ORDERING: Release pairs with the Acquire in `version`.
        self.shared.version.fetch_add(1, Ordering::Release);
    }

    /// The counter of look-ups beyond the limit of the family `name`.
    fn overflows(&self, name: &str) -> Result<Counter, RegisterError> {
        let existing = lock(&self.shared.families).overflows.clone();
        let family = match existing {
            Some(family) => family,
            None => {
                let root = Registry { shared: Arc::clone(&self.shared), ..Registry::default() };
                let family = root
                    .family_builder(OVERFLOWS, "Look-ups beyond a family's limit on its series.")
                    .register_dynamic(&["family"], ())?;
                lock(&self.shared.families).overflows.get_or_insert(family).clone()
            }
        };
        Ok(family.get_or_create(&[name]))
    }
}

impl<F: FnMut(&Scrape) + Send> Collect for F {
    fn collect(&mut self, scrape: &Scrape) {
        self(scrape);
    }
}

impl Families {
    fn position(&self, name: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|family| (*family.core.desc.name).cmp(name))
    }

    /// Takes the names that a family of this description shows.
    fn take_names(&mut self, desc: &Desc) -> Result<(), RegisterError> {
        let suffixes = || std::iter::once(&"").chain(desc.kind.sample_suffixes());
        let mut shown = Escaping::ALL.map(|escaping| escaping.metric_name(&desc.name)).to_vec();
        shown.dedup();
        let names = || shown.iter().flat_map(|name| suffixes().map(move |s| format!("{name}{s}")));
        if let Some((name, by)) = names().find_map(|name| self.taken.get_key_value(&name)) {
            return Err(RegisterError::Taken {
                family: desc.name.to_string(),
                name: name.clone(),
                by: by.clone(),
            });
        }
        self.taken.extend(names().map(|name| (name, desc.name.to_string())));
        Ok(())
    }
}

/// The text of a name or a HELP line as registration takes it.
type Text = &'static str;

/// A family that is about to be registered.
#[must_use = "nothing is registered before one of the `register` methods is called"]
pub struct FamilyBuilder<'r> {
    registry: &'r Registry,
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    limit: SeriesLimit,
    unit: Option<Cow<'static, str>>,
    is_created_shown: bool,
    is_unknown: bool,
}

impl FamilyBuilder<'_> {
    /// Bounds the series of the family.
    pub fn limit(mut self, limit: SeriesLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Says what the values are measured in: the last part of the name, but for `_total`. For
    /// formats that have units.
    pub fn unit(mut self, unit: impl Into<Cow<'static, str>>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Shows of each counter or histogram of the family when it was created, to the second: in
    /// OpenMetrics as another sample, `_created`, and in protobuf. The text formats cannot, nor can
    /// OpenMetrics where it shows a counter as `unknown` because its name does not end in `_total`.
    ///
    /// Prometheus stores `_created` as series of their own, unless it is told to use them.
    pub fn created(mut self) -> Self {
        self.is_created_shown = true;
        self
    }

    /// Exposes the family as of unknown kind (`untyped` in the text format). Without effect on what
    /// has several lines a series, which nothing else can show.
    pub fn unknown(mut self) -> Self {
        self.is_unknown = true;
        self
    }

    /// Registers the family with the labels of `L`.
    ///
    /// # Errors
    /// [`RegisterError`]: a name breaks a rule, or another family shows the same one.
    pub fn register<L: LabelSchema, M: Instrument>(
        self,
        options: M::Options,
    ) -> Result<Family<L, M>, RegisterError> {
        let names = L::NAMES.iter().map(|name| Cow::Borrowed(*name)).collect();
        self.register_named::<M>(names, options).map(Family::new)
    }

    /// Registers the family with these label names.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_dynamic<M: Instrument>(
        self,
        label_names: &[&str],
        options: M::Options,
    ) -> Result<Family<Dynamic, M>, RegisterError> {
        let names = label_names.iter().map(|name| Cow::Owned((*name).to_owned())).collect();
        self.register_named::<M>(names, options).map(Family::new)
    }

    /// Registers the family without labels and creates its one series.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_one<M: Instrument>(mut self, options: M::Options) -> Result<M, RegisterError> {
        self.limit = SeriesLimit::series(1);
        let family: Family<Dynamic, M> = self.register_dynamic(&[], options)?;
        Ok(family.get_or_create(&[]))
    }

    fn register_named<M: Instrument>(
        self,
        label_names: Box<[Cow<'static, str>]>,
        options: M::Options,
    ) -> Result<Arc<FamilyCore>, RegisterError> {
        let FamilyBuilder { registry, name, help, limit, unit, is_created_shown, is_unknown } =
            self;
        let kind = match M::KIND {
            Kind::Counter | Kind::Gauge | Kind::Info if is_unknown => Kind::Unknown,
            kind => kind,
        };
        let const_labels = registry.const_labels.iter().cloned().collect();
        let desc = Desc { name, help, kind, unit, is_created_shown, label_names, const_labels };
        desc.validate().map_err(RegisterError::Name)?;
        let bounded = limit.series_max != usize::MAX && !desc.label_names.is_empty();
        let overflows = if bounded { Some(registry.overflows(&desc.name)?) } else { None };

        let mut families = lock(&registry.shared.families);
        families.take_names(&desc)?;
        let index = families.position(&desc.name).unwrap_or_else(|index| index);
        let version = Arc::clone(&registry.shared.version);
        let core = FamilyCore::new(desc, M::shape(options), limit, overflows, version);
        let core = Arc::new(core);
        let registered = RegisteredFamily { group: registry.group, core: Arc::clone(&core) };
        Arc::make_mut(&mut families.sorted).insert(index, registered);
        registry.changed();
        Ok(core)
    }
}

/// A family that cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// A name breaks a rule of the data model.
    Name(NameError),
    /// Another family shows the same name.
    Taken {
        /// The family that was to be registered.
        family: String,
        /// The name that both would show.
        name: String,
        /// The family that has it.
        by: String,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterError::Name(error) => error.fmt(f),
            RegisterError::Taken { family, name, by } if family == by && family == name => {
                write!(f, "{family}: is registered already")
            }
            RegisterError::Taken { family, name, by } => {
                write!(f, "{family}: would show {name:?}, which family {by:?} shows already")
            }
        }
    }
}

impl std::error::Error for RegisterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RegisterError::Name(error) => Some(error),
            RegisterError::Taken { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_stand_by_name_whatever_the_order_of_registration() {
        let registry = Registry::new();
        for name in ["b", "c", "a"] {
            registry.counter(name, "").unwrap();
        }
        let names = || {
            let families = registry.families();
            families.iter().map(|family| family.core.desc.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(), ["a", "b", "c"]);
        assert!(registry.unregister("b"));
        assert!(!registry.unregister("b"));
        assert_eq!(names(), ["a", "c"]);
        registry.counter("b", "").unwrap();
    }

    #[test]
    fn names_that_would_clash_in_an_exposition_are_refused() {
        let registry = Registry::new();
        registry.histogram("x", "", Buckets::default()).unwrap();
        registry.counter("y_count", "").unwrap();
        registry.gauge("a.b", "").unwrap();
        registry.gauge("U__c_2d_d", "").unwrap();
        let cases = [
            (registry.counter("x", "").err(), "x: is registered already"),
            (
                registry.counter("x_sum", "").err(),
                "x_sum: would show \"x_sum\", which family \"x\" shows already",
            ),
            (
                registry.histogram("y", "", Buckets::default()).err(),
                "y: would show \"y_count\", which family \"y_count\" shows already",
            ),
            (
                registry.counter("a_b", "").err(),
                "a_b: would show \"a_b\", which family \"a.b\" shows already",
            ),
            (
                registry.counter("a_dot_b", "").err(),
                "a_dot_b: would show \"a_dot_b\", which family \"a.b\" shows already",
            ),
            (
                registry.counter("c-d", "").err(),
                "c-d: would show \"U__c_2d_d\", which family \"U__c_2d_d\" shows already",
            ),
            (
                registry.counter("x_created", "").err(),
                "x_created: would show \"x_created\", which family \"x\" shows already",
            ),
            (registry.counter("", "").err(), "a family has an empty name"),
        ];
        for (error, expected) in cases {
            assert_eq!(error.expect(expected).to_string(), expected);
        }
        assert!(registry.histogram("y", "", Buckets::default()).is_err(), "nothing was taken");
        registry.counter("y", "").unwrap();
    }

    #[test]
    fn const_labels_and_groups_belong_to_the_view() {
        let registry = Registry::new();
        let group = Group::new(3).unwrap();
        let view = registry.with_const_labels([("host", "h")]).in_group(group);
        view.counter("a", "").unwrap();
        registry.counter("b", "").unwrap();
        let families = registry.families();
        let label = Label { name: "host".into(), value: "h".into() };
        assert_eq!(*families[0].core.desc.const_labels, [label]);
        assert!(families[1].core.desc.const_labels.is_empty());
        assert!(Selection::NONE.with(group).contains(families[0].group));
        assert!(!Selection::ALL.without(group).contains(families[0].group));
        assert!(Selection::NONE.contains(families[1].group));
        let clash = view.family_builder("c", "").register_dynamic::<Counter>(&["host"], ());
        assert!(matches!(clash, Err(RegisterError::Name(_))));
    }

    #[test]
    fn collectors_of_other_groups_are_left_alone() {
        let registry = Registry::new();
        let group = Group::new(1).unwrap();
        let calls = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&calls);
        registry.in_group(group).register_collector(move |_: &Scrape| {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        registry.gauge_fn("answer", "", || 42.0).unwrap();
        registry.collect(&Scrape::new(Selection::NONE));
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        registry.collect(&Scrape::new(Selection::ALL));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }
}
