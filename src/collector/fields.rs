//! Families whose names the source gives: a field of a file is a family.
//!
//! A field that is seen for the first time registers its family, one that is no longer there loses
//! its series. Fields are found by their place in the last pass, so a scrape that finds the same
//! ones in the same order neither searches nor allocates.

use super::error::CollectError;
use super::table::{RowMut, Table};
use crate::model::Kind;
use crate::registry::Registry;

/// Fields that can become families in most cases. The longest lists of the kernel (those of ZFS) have some 300;
/// the limit only keeps a file that is made up anew all the time from growing the registry without
/// bound.
const FIELDS_MAX: usize = 1_024;

/// What a field is as a family.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) help: String,
    /// Counter, gauge or unknown.
    pub(crate) kind: Kind,
    pub(crate) label_names: &'static [&'static str],
}

/// `name` as a part of a family's name: what cannot stand there becomes an underscore, and so do
/// several such in a row with the underscores around them.
pub(crate) fn metric_name_part(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    let mut is_replacing = false;
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() || (letter == '_' && !is_replacing) {
            part.push(letter);
            is_replacing = false;
        } else if letter != '_' && !is_replacing {
            part.truncate(part.trim_end_matches('_').len());
            part.push('_');
            is_replacing = true;
        }
    }
    part
}

/// The fields of a source.
pub(crate) struct Fields {
    registry: Registry,
    /// In the order of the source.
    known: Vec<Field>,
    /// How many there can be.
    limit: usize,
}

struct Field {
    key: Box<[u8]>,
    table: Table,
}

impl Fields {
    /// No field yet; they are registered into `registry`.
    pub(crate) fn new(registry: &Registry) -> Fields {
        Fields::up_to(FIELDS_MAX, registry)
    }

    /// The same for a source that may have another number of fields than most.
    pub(crate) fn up_to(limit: usize, registry: &Registry) -> Fields {
        Fields { registry: registry.clone(), known: Vec::new(), limit }
    }

    /// Begins a pass over the source. Its end removes the series that it did not visit.
    pub(crate) fn sweep(&mut self) -> FieldSweep<'_> {
        FieldSweep { fields: self, next: 0 }
    }

    /// Where the field `key` is, which most likely follows the one visited last.
    fn position(&self, next: usize, key: &[u8]) -> Option<usize> {
        let is_it = |field: &Field| *field.key == *key;
        let is_at = |index: &usize| self.known.get(*index).is_some_and(is_it);
        // The one that follows, or the same field again, of another device.
        let near = Some(next).filter(is_at).or_else(|| next.checked_sub(1).filter(is_at));
        near.or_else(|| self.known.iter().position(is_it))
    }
}

/// One pass over the fields of a source.
pub(crate) struct FieldSweep<'f> {
    fields: &'f mut Fields,
    next: usize,
}

impl FieldSweep<'_> {
    /// Sets the only series of the field `key`, which is what `describe` says.
    ///
    /// # Errors
    /// As [`FieldSweep::row`].
    pub(crate) fn set(
        &mut self,
        key: &[u8],
        value: f64,
        describe: impl FnOnce() -> Described,
    ) -> Result<(), CollectError> {
        self.row::<&str>(key, &[], describe).map(|mut row| row.set(0, Some(value)))
    }

    /// Visits the series of the field `key` that has these labels: column 0 is its value.
    ///
    /// # Errors
    /// [`CollectError::Unregistrable`] when the family's name is taken or cannot be one.
    pub(crate) fn row<S: AsRef<str>>(
        &mut self,
        key: &[u8],
        labels: &[S],
        describe: impl FnOnce() -> Described,
    ) -> Result<RowMut<'_>, CollectError> {
        let index = match self.fields.position(self.next, key) {
            Some(index) => index,
            None => self.register(key, describe())?,
        };
        self.next = index + 1;
        Ok(self.fields.known[index].table.visit(labels))
    }

    fn register(&mut self, key: &[u8], described: Described) -> Result<usize, CollectError> {
        let Fields { registry, known, limit } = &mut *self.fields;
        if known.len() == *limit {
            return Err(CollectError::TooMany { what: "fields", limit: *limit });
        }
        let table =
            Table::register_described(registry, described).map_err(CollectError::Unregistrable)?;
        let index = self.next.min(known.len());
        known.insert(index, Field { key: key.into(), table });
        Ok(index)
    }
}

impl Drop for FieldSweep<'_> {
    fn drop(&mut self) {
        self.fields.known.iter_mut().for_each(|field| field.table.end_sweep());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;

    #[test]
    fn what_cannot_stand_in_a_name_becomes_one_underscore() {
        const CASES: &[(&str, &str)] = &[
            ("package", "package"),
            ("a_b__c", "a_b__c"),
            ("intel-rapl:0", "intel_rapl_0"),
            ("a__-_/_b_", "a_b_"),
            ("\u{e4}\u{e4}x-", "_x_"),
        ];
        for (name, expected) in CASES {
            assert_eq!(metric_name_part(name), *expected, "{name:?}");
        }
    }

    fn described(name: &str) -> Described {
        let (name, help) = (name.to_owned(), String::new());
        Described { name, help, kind: Kind::Gauge, label_names: &["device"] }
    }

    fn pass(fields: &mut Fields, visits: &[(&str, &str, f64)]) {
        let mut sweep = fields.sweep();
        for (key, device, value) in visits {
            let row = sweep.row(key.as_bytes(), &[device], || described(key));
            row.unwrap().set(0, Some(*value));
        }
    }

    #[test]
    fn what_a_pass_does_not_visit_has_no_series() {
        let registry = Registry::new();
        let mut fields = Fields::new(&registry);
        pass(&mut fields, &[("a", "x", 1.0), ("b", "x", 2.0), ("a", "y", 3.0), ("b", "y", 4.0)]);
        assert_eq!(
            samples(&registry),
            ["a{device=x} 1", "a{device=y} 3", "b{device=x} 2", "b{device=y} 4"]
        );
        pass(&mut fields, &[("c", "y", 6.0), ("b", "y", 5.0)]);
        assert_eq!(samples(&registry), ["b{device=y} 5", "c{device=y} 6"]);
        pass(&mut fields, &[]);
        assert!(samples(&registry).is_empty());
    }

    #[test]
    fn a_name_that_is_taken_and_one_field_too_many_are_errors() {
        let registry = Registry::new();
        registry.gauge("a", "").unwrap();
        let mut fields = Fields::new(&registry);
        let mut sweep = fields.sweep();
        let error = sweep.row(b"a", &["x"], || described("a")).err().unwrap();
        assert!(matches!(error, CollectError::Unregistrable(_)), "{error}");
        for number in 0..FIELDS_MAX {
            let name = format!("f{number}");
            sweep.row(name.as_bytes(), &["x"], || described(&name)).unwrap();
        }
        let error = sweep.row(b"g", &["x"], || described("g")).err().unwrap();
        assert_eq!(error.to_string(), "more than 1024 fields");
    }
}
