//! The registry: the families of an application in a stable order, and what fills them at a scrape.
//!
//! A [`Registry`] is a handle; clones and the views that [`Registry::with_const_labels`] and
//! [`Registry::in_group`] give share one set of families. Registering checks names, so that an
//! exposition cannot be invalid because of them: afterwards nothing can fail.

#![forbid(unsafe_code)]

mod builder;
mod collection;
mod scrape;

pub use builder::{FamilyBuilder, RegisterError};
pub(crate) use collection::{Collection, Gather};
pub use scrape::{Collect, Group, Scrape, Selection};

use crate::metric::{
    Buckets, Counter, Dynamic, Family, FamilyCore, FloatCounter, Gauge, Histogram, Info,
    Instrument, IntGauge, LabelSchema, ShardedCounter, lock,
};
use crate::model::{Desc, Escaping, Label};
use collection::{Gatherer, Plain};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// The self metric that counts look-ups beyond a family's [`SeriesLimit`](crate::SeriesLimit).
const OVERFLOWS: &str = "promlet_family_overflows_total";

/// The text of a name or a HELP line as registration takes it.
type Text = &'static str;

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
    collectors: Mutex<Vec<Gatherer>>,
    /// Grows with every change of which families and series there are.
    version: Arc<AtomicU64>,
}

#[derive(Default)]
struct Families {
    /// By name. Shared with those who render, copied when it changes.
    sorted: Arc<Vec<RegisteredFamily>>,
    /// Those whose idle series expire; most have none, and need not be looked at.
    expiring: Arc<Vec<Arc<FamilyCore>>>,
    /// Every name that a family shows beside its own, in each escaping, and that family's.
    taken: HashMap<Box<str>, Cow<'static, str>>,
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
        FamilyBuilder::new(self, name.into(), help.into())
    }

    /// Lets `collector` write into its families at each scrape that selects this view's group.
    pub fn register_collector(&self, collector: impl Collect + 'static) {
        self.register_gatherer(Plain(collector));
    }

    /// Takes a family out. Handles to it stay good, and are seen by nobody.
    pub fn unregister(&self, name: &str) -> bool {
        let mut families = lock(&self.shared.families);
        let found = families.position(name);
        if let Ok(index) = found {
            let removed = Arc::make_mut(&mut families.sorted).remove(index);
            if removed.core.expires() {
                Arc::make_mut(&mut families.expiring).retain(|c| !Arc::ptr_eq(c, &removed.core));
            }
            for name in shown_names(&removed.core.desc) {
                if families.taken.get(&*name).is_some_and(|by| *by == removed.core.desc.name) {
                    families.taken.remove(&*name);
                }
            }
            self.changed();
        }
        found.is_ok()
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

    fn expiring(&self) -> Arc<Vec<Arc<FamilyCore>>> {
        Arc::clone(&lock(&self.shared.families).expiring)
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

impl Families {
    fn position(&self, name: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|family| (*family.core.desc.name).cmp(name))
    }

    /// Takes the names that a family of this description shows.
    fn take_names(&mut self, desc: &Desc) -> Result<(), RegisterError> {
        let names = shown_names(desc);
        if let Some((name, by)) = names.iter().find_map(|name| Some((name, self.owner(name)?))) {
            let (family, by) = (desc.name.to_string(), by.to_string());
            return Err(RegisterError::Taken { family, name: name.clone(), by });
        }
        let others = names.into_iter().filter(|name| *name != desc.name);
        self.taken.extend(others.map(|name| (name.into(), desc.name.clone())));
        Ok(())
    }

    /// The family that shows the name `name`.
    fn owner(&self, name: &str) -> Option<&str> {
        match self.position(name) {
            Ok(index) => Some(&self.sorted[index].core.desc.name),
            Err(_) => self.taken.get(name).map(|by| &**by),
        }
    }
}

/// Every name that a family of this description shows, in each escaping.
fn shown_names(desc: &Desc) -> Vec<String> {
    let mut names = Escaping::ALL.map(|escaping| escaping.metric_name(&desc.name)).to_vec();
    names.dedup();
    let suffixes = || std::iter::once("").chain(desc.sample_suffixes());
    names.iter().flat_map(|name| suffixes().map(move |suffix| format!("{name}{suffix}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::SeriesLimit;
    use std::time::Duration;

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

    #[test]
    fn scrapes_remove_idle_series_of_the_families_that_have_a_limit() {
        let registry = Registry::new();
        let limit = || SeriesLimit::default().idle(Duration::ZERO);
        let family = |name, limit| {
            let builder = registry.family_builder(name, "").limit(limit);
            builder.register_dynamic::<Gauge>(&["l"], ()).unwrap()
        };
        let families = [("a", limit()), ("b", SeriesLimit::default()), ("c", limit())]
            .map(|(name, limit)| family(name, limit));
        families.iter().for_each(|family| drop(family.get_or_create(&["1"])));
        assert!(registry.unregister("c"));
        // In the first one they count as touched.
        registry.collect(&Scrape::new(Selection::ALL));
        registry.collect(&Scrape::new(Selection::ALL));
        assert_eq!(families.map(|family| family.series_count()), [0, 1, 1]);
    }
}
