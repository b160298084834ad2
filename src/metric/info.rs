//! What is not a number: texts that describe a thing, and which of some states it is in.
//!
//! An [`Info`] is always 1; its labels say it all. A [`StateSet`] keeps one bit per state in one
//! cell, so that a scrape sees all states as they were at one moment.

use super::cell::{Cells, Series};
use super::family::{Instrument, sealed};
use super::shape::Shape;
use crate::model::Kind;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Labels that describe something: a build, a device, a configuration.
///
/// The value is 1. Give the family a name that ends in `_info`. OpenMetrics has a type for it; the
/// other formats show a gauge.
#[derive(Clone)]
pub struct Info {
    /// Keeps the series alive, as every handle does.
    _series: Arc<Series>,
}

impl sealed::Sealed for Info {}

impl Instrument for Info {
    type Options = ();
    const KIND: Kind = Kind::Info;

    fn shape((): ()) -> Shape {
        Shape::One
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> Info {
        Info { _series: series }
    }
}

/// The names of the states of a [`StateSet`]: 1 to [`States::MAX`], no two alike, none empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct States(Box<[Cow<'static, str>]>);

impl States {
    /// States that a set can have: the bits of its cell.
    pub const MAX: usize = 64;

    /// Takes `names` in the order in which they are to be shown.
    ///
    /// # Errors
    /// When there is none or one too many, or a name is empty or stands twice.
    pub fn new<N: Into<Cow<'static, str>>>(
        names: impl IntoIterator<Item = N>,
    ) -> Result<States, StatesError> {
        let names: Box<[Cow<'static, str>]> = names.into_iter().map(Into::into).collect();
        if !(1..=States::MAX).contains(&names.len()) {
            return Err(StatesError::Count { count: names.len() });
        }
        let mut seen = HashSet::new();
        match names.iter().find(|name| name.is_empty() || !seen.insert(&***name)) {
            Some(name) => Err(StatesError::Name { name: name.to_string() }),
            None => Ok(States(names)),
        }
    }
}

/// Names that cannot be those of a [`StateSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatesError {
    /// None, or more than [`States::MAX`].
    Count {
        /// How many.
        count: usize,
    },
    /// A name that is empty or stands twice.
    Name {
        /// The name.
        name: String,
    },
}

impl fmt::Display for StatesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatesError::Count { count } => {
                write!(f, "{count} states, where 1 to {} are allowed", States::MAX)
            }
            StatesError::Name { name } if name.is_empty() => write!(f, "a state without a name"),
            StatesError::Name { name } => write!(f, "state {name:?} stands twice"),
        }
    }
}

impl std::error::Error for StatesError {}

/// Which of some states something is in: one of them, several or none.
///
/// A series is one line per state, with the value 0 or 1 and a label of the family's name, whose
/// value is the state. OpenMetrics has a type for it; the other formats show a gauge.
///
/// ```
/// use promlet::{Registry, StateSet, States};
///
/// let registry = Registry::new();
/// let states = States::new(["starting", "serving", "stopping"])?;
/// let phase: StateSet = registry.family_builder("phase", "What the server does.").register_one(states)?;
/// assert!(phase.select("serving"));
/// assert!(!phase.select("sleeping"), "there is no such state");
/// assert!(phase.is_on("serving") && !phase.is_on("starting"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StateSet(Cells);

impl StateSet {
    /// Leaves all states but `state`, in one step. Says whether there is such a state; nothing
    /// changes if not. Costs a comparison per state, and one relaxed store.
    pub fn select(&self, state: &str) -> bool {
        let bit = self.bit(state);
        if let Some(bit) = bit {
            // ORDERING: Relaxed: no other memory is published.
            self.0.first().store(bit, Ordering::Relaxed);
        }
        bit.is_some()
    }

    /// Enters or leaves `state`, whatever the others are. Says whether there is such a state.
    pub fn set(&self, state: &str, is_on: bool) -> bool {
        let bit = self.bit(state);
        if let Some(bit) = bit {
            match is_on {
                // ORDERING: Relaxed, both: no other memory is published.
                true => self.0.first().fetch_or(bit, Ordering::Relaxed),
                false => self.0.first().fetch_and(!bit, Ordering::Relaxed),
            };
        }
        bit.is_some()
    }

    /// Whether `state` is entered; false where there is no such state.
    pub fn is_on(&self, state: &str) -> bool {
        // ORDERING: Relaxed: only this value is read.
        let bits = self.0.first().load(Ordering::Relaxed);
        self.bit(state).is_some_and(|bit| bits & bit != 0)
    }

    fn bit(&self, state: &str) -> Option<u64> {
        let Shape::States { names } = self.0.shape() else { return None };
        names.iter().position(|name| name == state).map(|index| 1 << index)
    }
}

impl sealed::Sealed for StateSet {}

impl Instrument for StateSet {
    type Options = States;
    const KIND: Kind = Kind::StateSet;

    fn shape(states: States) -> Shape {
        Shape::States { names: states.0 }
    }

    #[inline]
    fn from_series(series: Arc<Series>) -> StateSet {
        StateSet(Cells::new(series))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_checked() {
        assert!(States::new(["a", "b"]).is_ok());
        assert_eq!(States::new([""; 0]), Err(StatesError::Count { count: 0 }));
        let many = |count: usize| States::new((0..count).map(|number| number.to_string()));
        assert!(many(64).is_ok());
        assert_eq!(many(65), Err(StatesError::Count { count: 65 }));
        let twice = States::new(["a", "b", "a"]).unwrap_err();
        assert_eq!(twice.to_string(), "state \"a\" stands twice");
        assert!(matches!(States::new([""]), Err(StatesError::Name { .. })));
    }
}
