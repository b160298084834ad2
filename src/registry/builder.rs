//! The registration of one family, and what can be wrong with it.

use super::{RegisteredFamily, Registry};
use crate::metric::{
    Dynamic, Family, FamilyCore, Given, GivenFamily, Instrument, LabelSchema, SeriesLimit, Shape,
    given_shapes, lock,
};
use crate::model::{Desc, Kind, NameError};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A family that is about to be registered.
#[must_use = "nothing is registered before one of the `register` methods is called"]
pub struct FamilyBuilder<'r> {
    registry: &'r Registry,
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    limit: SeriesLimit,
    unit: Option<Cow<'static, str>>,
    is_created_shown: bool,
    keeps_exemplars: bool,
    omits_empty_labels: bool,
    is_unknown: bool,
    has_one_user: bool,
}

impl<'r> FamilyBuilder<'r> {
    pub(super) fn new(
        registry: &'r Registry,
        name: Cow<'static, str>,
        help: Cow<'static, str>,
    ) -> FamilyBuilder<'r> {
        FamilyBuilder {
            registry,
            name,
            help,
            limit: SeriesLimit::default(),
            unit: None,
            is_created_shown: false,
            keeps_exemplars: false,
            omits_empty_labels: false,
            is_unknown: false,
            has_one_user: false,
        }
    }

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
    /// Nor is it shown of values with times of their own ([`TimedCounter`](crate::TimedCounter)).
    ///
    /// Prometheus stores `_created` as series of their own, unless it is told to use them.
    pub fn created(mut self) -> Self {
        self.is_created_shown = true;
        self
    }

    /// Keeps an [`Exemplar`](crate::Exemplar) of each counter, or of each classic bucket of a
    /// histogram, and shows it in OpenMetrics and protobuf: wherever those show the family as what
    /// it is. Without effect on other instruments.
    ///
    /// Costs 40 bytes each, and what the labels take. Where exemplars are shown, the family is
    /// written anew at each scrape, and gzip leaves the exemplars nearly as long as they are. Other
    /// families, and this one in the text formats, are as fast and short as ever.
    pub fn exemplars(mut self) -> Self {
        self.keeps_exemplars = true;
        self
    }

    /// Shows each series without those of its labels whose values are empty, which to a scraper is
    /// the same: for families whose series have labels of their own each.
    pub fn without_empty_labels(mut self) -> Self {
        self.omits_empty_labels = true;
        self
    }

    /// Exposes the family as of unknown kind (`untyped` in the text format). Without effect on what
    /// has several lines a series, which nothing else can show.
    pub fn unknown(mut self) -> Self {
        self.is_unknown = true;
        self
    }

    /// Says that no two threads look series up at once, so the family need not be made for that.
    pub(crate) fn with_one_user(mut self) -> Self {
        self.has_one_user = true;
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

    /// The same with names that need not be copied.
    pub(crate) fn register_fixed<M: Instrument>(
        self,
        label_names: &[&'static str],
        options: M::Options,
    ) -> Result<Family<Dynamic, M>, RegisterError> {
        let names = label_names.iter().map(|name| Cow::Borrowed(*name)).collect();
        self.register_named::<M>(names, options).map(Family::new)
    }

    /// Registers the family without labels and creates its one series.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_one<M: Instrument>(mut self, options: M::Options) -> Result<M, RegisterError> {
        (self.limit, self.has_one_user) = (SeriesLimit::series(1), true);
        let family: Family<Dynamic, M> = self.register_dynamic(&[], options)?;
        Ok(family.get_or_create(&[]))
    }

    /// Registers a family with the series that a source outside gives, each with its labels. All of
    /// them are of what `kind` is made of.
    pub(crate) fn register_given(
        self,
        kind: Kind,
        series: &[(&[(String, String)], Given)],
    ) -> Result<GivenFamily, RegisterError> {
        let names: BTreeSet<&str> =
            series.iter().flat_map(|(labels, _)| *labels).map(|(name, _)| name.as_str()).collect();
        let names = names.into_iter().map(|name| Cow::Owned(name.to_owned())).collect();
        let (registry, limit) = (self.registry, self.limit.clone());
        let desc = Desc { is_given: true, ..self.describe(kind, names)? };
        let version = Arc::clone(&registry.shared.version);
        let core = FamilyCore::new(desc, Shape::Given(Given::Number), limit, None, version);
        let shapes = given_shapes(series.iter().map(|(_, given)| given.clone()));
        let cells = series.iter().zip(shapes).map(|((labels, _), shape)| {
            core.add_given(labels.iter().map(|(name, value)| (&**name, &**value)), &shape)
        });
        let family = GivenFamily::new(cells.collect());
        registry.insert(Arc::new(core))?;
        Ok(family)
    }

    fn register_named<M: Instrument>(
        self,
        label_names: Box<[Cow<'static, str>]>,
        options: M::Options,
    ) -> Result<Arc<FamilyCore>, RegisterError> {
        let kind = match M::KIND {
            Kind::Counter | Kind::Gauge | Kind::Info if self.is_unknown => Kind::Unknown,
            kind => kind,
        };
        let (registry, limit, shape) = (self.registry, self.limit.clone(), M::shape(options));
        let can_keep_exemplars = matches!(kind, Kind::Counter | Kind::Histogram);
        let keeps_exemplars = self.keeps_exemplars && can_keep_exemplars;
        let is_created_shown = self.is_created_shown && !matches!(shape, Shape::Timed);
        let has_one_user = self.has_one_user;
        let desc = self.describe(kind, label_names)?;
        let desc = Desc { keeps_exemplars, is_created_shown, ..desc };
        let bounded = limit.series_max != usize::MAX && !desc.label_names.is_empty();
        let overflows = if bounded { Some(registry.overflows(&desc.name)?) } else { None };
        let version = Arc::clone(&registry.shared.version);
        let core = FamilyCore::new(desc, shape, limit, overflows, version);
        let core = Arc::new(if has_one_user { core.with_one_table() } else { core });
        registry.insert(Arc::clone(&core))?;
        Ok(core)
    }

    /// What is known of the family but what depends on its instrument.
    fn describe(
        self,
        kind: Kind,
        label_names: Box<[Cow<'static, str>]>,
    ) -> Result<Desc, RegisterError> {
        let FamilyBuilder { registry, name, help, unit, omits_empty_labels, .. } = self;
        let desc = Desc {
            name,
            help,
            kind,
            unit,
            is_created_shown: false,
            keeps_exemplars: false,
            is_given: false,
            omits_empty_labels,
            label_names,
            const_labels: registry.const_labels.iter().cloned().collect(),
        };
        desc.validate().map_err(RegisterError::Name)?;
        Ok(desc)
    }
}

impl Registry {
    /// Adds a family, unless a name that it shows is taken.
    fn insert(&self, core: Arc<FamilyCore>) -> Result<(), RegisterError> {
        let mut families = lock(&self.shared.families);
        families.take_names(&core.desc)?;
        let index = families.position(&core.desc.name).unwrap_or_else(|index| index);
        if core.expires() {
            Arc::make_mut(&mut families.expiring).push(Arc::clone(&core));
        }
        let registered = RegisteredFamily { group: self.group, core };
        Arc::make_mut(&mut families.sorted).insert(index, registered);
        self.changed();
        Ok(())
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
