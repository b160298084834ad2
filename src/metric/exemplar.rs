//! Exemplars: for a value the labels of one event that is part of it, such as a trace.
//!
//! A family that asks for them has slots beside the cells of each block: one for each series of a
//! counter, one for each classic bucket of a histogram. The newest exemplar stays. An update only
//! tries a slot's lock, so it never waits for a scrape that reads there, nor for another update: an
//! exemplar that is lost is as good as one that never was.

use super::key::WholeKey;
use super::lock;
use super::time::unix_ms;
use crate::model::is_legacy_label_name;
use std::fmt;
use std::sync::{Mutex, TryLockError};
use std::time::SystemTime;

/// Labels that lead from a value to one event in it: the request that was slow, the job that failed.
///
/// Families keep exemplars if they are registered with [`exemplars`](crate::FamilyBuilder::exemplars).
/// OpenMetrics and protobuf show them; the text formats cannot. Prometheus stores them if it runs
/// with `--enable-feature=exemplar-storage`.
///
/// ```
/// use promlet::{Buckets, Encoder, Exemplar, Histogram, Registry};
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let registry = Registry::new();
/// let builder = registry.family_builder("wait_seconds", "How long requests waited.");
/// let seconds: Histogram = builder.exemplars().register_one(Buckets::new([1.0])?)?;
///
/// let exemplar = Exemplar::new(&[("trace_id", "4bf92f3577b34da6")])?;
/// # let exemplar = exemplar.at(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123));
/// seconds.observe_with_exemplar(0.25, exemplar);
///
/// let mut body = Vec::new();
/// Encoder::new(registry).scrape(Some(b"application/openmetrics-text"), None).write_all(&mut body);
/// let line = "wait_seconds_bucket{le=\"1.0\"} 1 # {trace_id=\"4bf92f3577b34da6\"} 0.25 1700000000.123";
/// assert!(String::from_utf8(body)?.lines().any(|shown| shown == line));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exemplar {
    /// A name, its value, the next name, ….
    labels: WholeKey,
    time: Option<SystemTime>,
}

impl Exemplar {
    /// Unicode code points that all names and values of the labels have together, at most
    /// (OpenMetrics 1.0.0, “Exemplars”).
    pub const CODE_POINTS_MAX: usize = 128;

    /// Takes labels of the form name, value; there may be none. Costs an allocation.
    ///
    /// # Errors
    /// When a name is not `[a-zA-Z_][a-zA-Z0-9_]*`, begins with two underscores or stands twice, or
    /// there are more than [`CODE_POINTS_MAX`](Self::CODE_POINTS_MAX) code points.
    pub fn new(labels: &[(&str, &str)]) -> Result<Exemplar, ExemplarError> {
        for (index, (name, _)) in labels.iter().enumerate() {
            if !is_legacy_label_name(name) || name.starts_with("__") {
                return Err(ExemplarError::Name { name: (*name).to_owned() });
            }
            if labels[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(ExemplarError::Duplicate { name: (*name).to_owned() });
            }
        }
        let texts = labels.iter().flat_map(|(name, value)| [*name, *value]);
        let code_points = texts.clone().map(|text| text.chars().count()).sum();
        if code_points > Exemplar::CODE_POINTS_MAX {
            return Err(ExemplarError::TooLong { code_points });
        }
        Ok(Exemplar { labels: WholeKey::new(texts), time: None })
    }

    /// Says when the event was; otherwise it is when the value is updated.
    #[must_use]
    pub fn at(self, time: SystemTime) -> Exemplar {
        Exemplar { time: Some(time), ..self }
    }
}

/// Labels that cannot be those of an [`Exemplar`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExemplarError {
    /// A name that not every scraper reads, or that is reserved.
    Name {
        /// The name.
        name: String,
    },
    /// A name that stands twice.
    Duplicate {
        /// The name.
        name: String,
    },
    /// More than [`Exemplar::CODE_POINTS_MAX`].
    TooLong {
        /// How many.
        code_points: usize,
    },
}

impl fmt::Display for ExemplarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExemplarError::Name { name } => {
                write!(f, "{name:?} cannot be the name of an exemplar's label")
            }
            ExemplarError::Duplicate { name } => write!(f, "label {name:?} stands twice"),
            ExemplarError::TooLong { code_points } => {
                let max = Exemplar::CODE_POINTS_MAX;
                write!(
                    f,
                    "an exemplar's labels of {code_points} code points, where {max} are allowed"
                )
            }
        }
    }
}

impl std::error::Error for ExemplarError {}

/// An exemplar and the value that it is of.
#[derive(Debug)]
pub(crate) struct KeptExemplar {
    labels: WholeKey,
    pub(crate) value: f64,
    /// Milliseconds since 1970.
    pub(crate) time_ms: u64,
}

impl KeptExemplar {
    /// Names and values.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.labels.values();
        std::iter::from_fn(move || texts.next().zip(texts.next()))
    }
}

/// The exemplars of a block.
pub(crate) struct Exemplars(Box<[Mutex<Option<KeptExemplar>>]>);

impl Exemplars {
    pub(crate) fn new(slots: usize) -> Exemplars {
        Exemplars((0..slots).map(|_| Mutex::default()).collect())
    }

    /// Puts an exemplar into `slot`, unless somebody else is there. What is infinite or not a number
    /// is not within any bucket as readers check it, and has none.
    pub(super) fn put(&self, slot: usize, value: f64, exemplar: Exemplar) {
        if !value.is_finite() {
            return;
        }
        let time_ms = unix_ms(exemplar.time.unwrap_or_else(SystemTime::now));
        let new = KeptExemplar { labels: exemplar.labels, value, time_ms };
        let mut kept = match self.0[slot].try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let old = kept.replace(new);
        // Its memory is given back outside of the lock.
        drop(kept);
        drop(old);
    }

    /// Calls `see` with what is in `slot`.
    pub(super) fn with<R>(&self, slot: usize, see: impl FnOnce(Option<&KeptExemplar>) -> R) -> R {
        see(lock(&self.0[slot]).as_ref())
    }

    /// Empties `count` slots from `first` on.
    pub(super) fn clear(&self, first: usize, count: usize) {
        self.0[first..first + count].iter().for_each(|slot| *lock(slot) = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn labels_are_checked() {
        let error =
            |labels: &[(&str, &str)]| Exemplar::new(labels).map(drop).map_err(|e| e.to_string());
        let long = "ü".repeat(126);
        assert_eq!(error(&[]), Ok(()));
        assert_eq!(error(&[("trace_id", ""), ("_B1", "\"\n\\")]), Ok(()));
        assert_eq!(error(&[("id", &long)]), Ok(()));
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[("", "x")], "\"\" cannot be the name of an exemplar's label"),
            (&[("a.b", "x")], "\"a.b\" cannot be the name of an exemplar's label"),
            (&[("1a", "x")], "\"1a\" cannot be the name of an exemplar's label"),
            (&[("__a", "x")], "\"__a\" cannot be the name of an exemplar's label"),
            (&[("a", "x"), ("b", "x"), ("a", "y")], "label \"a\" stands twice"),
            (
                &[("id", &long), ("a", "")],
                "an exemplar's labels of 129 code points, where 128 are allowed",
            ),
        ];
        for (labels, expected) in cases {
            assert_eq!(error(labels), Err(expected.to_owned()));
        }
    }

    #[test]
    fn the_newest_stays_unless_somebody_is_reading() {
        let exemplars = Exemplars::new(2);
        let put = |value: f64, id: &str| {
            let exemplar = Exemplar::new(&[("id", id)]).unwrap();
            exemplars.put(1, value, exemplar.at(UNIX_EPOCH + Duration::from_millis(7)));
        };
        let kept = || {
            exemplars.with(1, |kept| {
                let kept = kept?;
                let labels: Vec<_> = kept.labels().map(|(n, v)| format!("{n}={v}")).collect();
                Some((labels.concat(), kept.value, kept.time_ms))
            })
        };
        put(1.0, "a");
        put(2.0, "b");
        assert_eq!(kept(), Some(("id=b".to_owned(), 2.0, 7)));
        exemplars.with(1, |_| put(3.0, "c"));
        put(f64::NAN, "d");
        put(f64::NEG_INFINITY, "e");
        assert_eq!(kept(), Some(("id=b".to_owned(), 2.0, 7)));
        exemplars.clear(1, 1);
        assert_eq!(kept(), None);
    }
}
