//! The registration of one family, and what can be wrong with it.

use super::{RegisteredFamily, Registry};
use crate::metric::{
    Dynamic, Family, FamilyCore, Instrument, LabelSchema, SeriesLimit, Shape, lock,
};
use crate::model::{Desc, Kind, NameError};
use std::borrow::Cow;
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
    is_unknown: bool,
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
            is_unknown: false,
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
        let FamilyBuilder { registry, name, help, limit, unit, is_created_shown, .. } = self;
        let kind = match M::KIND {
            Kind::Counter | Kind::Gauge | Kind::Info if self.is_unknown => Kind::Unknown,
            kind => kind,
        };
        let shape = M::shape(options);
        let can_keep_exemplars = matches!(kind, Kind::Counter | Kind::Histogram);
        let desc = Desc {
            name,
            help,
            kind,
            unit,
            is_created_shown: is_created_shown && !matches!(shape, Shape::Timed),
            keeps_exemplars: self.keeps_exemplars && can_keep_exemplars,
            label_names,
            const_labels: registry.const_labels.iter().cloned().collect(),
        };
        desc.validate().map_err(RegisterError::Name)?;
        let bounded = limit.series_max != usize::MAX && !desc.label_names.is_empty();
        let overflows = if bounded { Some(registry.overflows(&desc.name)?) } else { None };

        let mut families = lock(&registry.shared.families);
        families.take_names(&desc)?;
        let index = families.position(&desc.name).unwrap_or_else(|index| index);
        let version = Arc::clone(&registry.shared.version);
        let core = FamilyCore::new(desc, shape, limit, overflows, version);
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
