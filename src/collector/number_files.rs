//! Files of devices as families: a table says which file is which.
//!
//! ```text
//! NumberFile     a row of the table: the file, the family, how the one becomes the other
//! NumberFiles<N> the files of one device, by the rows of a table
//! ```

use super::devices::Attributes;
use super::error::CollectError;
use super::fs::Files;
use super::lines::parse_number;
use super::table::{Metric, Table};
use crate::registry::{RegisterError, Registry};
use std::path::Path;

/// What drivers write in place of a number that they do not have; a reason may follow.
const NOT_AVAILABLE: &[u8] = b"N/A";

/// A file of a device that is shown as a family.
pub(crate) struct NumberFile {
    name: &'static str,
    metric: Metric,
    parse: fn(&[u8]) -> Option<f64>,
}

impl NumberFile {
    /// A file that contains a number in the unit of the family.
    pub(crate) const fn new(name: &'static str, metric: Metric) -> NumberFile {
        NumberFile { name, metric, parse: parse_number::<f64> }
    }

    /// The same file, which contains something else.
    pub(crate) const fn parsed(self, parse: fn(&[u8]) -> Option<f64>) -> NumberFile {
        NumberFile { parse, ..self }
    }
}

/// The files of a device that are shown as families.
pub(crate) struct NumberFiles<const N: usize> {
    shown: &'static [NumberFile; N],
    files: Attributes<N>,
}

impl<const N: usize> NumberFiles<N> {
    /// The files of `folder`, none of which is opened yet.
    pub(crate) fn new(folder: &Path, shown: &'static [NumberFile; N]) -> NumberFiles<N> {
        let names = std::array::from_fn(|index| shown[index].name);
        NumberFiles { shown, files: Attributes::new(folder, names) }
    }

    /// Registers the families of `shown`, as a table with a column for each.
    pub(crate) fn register(
        registry: &Registry,
        row_labels: &[&'static str],
        shown: &'static [NumberFile; N],
    ) -> Result<Table, RegisterError> {
        let metrics: [Metric; N] = std::array::from_fn(|index| shown[index].metric);
        Table::register(registry, row_labels, &metrics)
    }

    /// What the files contain in this scrape. There is no value of a file that is not there, that
    /// the driver refuses to read or that says that there is none.
    ///
    /// # Errors
    /// [`CollectError::Malformed`] of the first file that contains something else.
    pub(crate) fn read(&mut self, files: &mut Files) -> Result<[Option<f64>; N], CollectError> {
        self.files.begin_scrape();
        let mut values = [None; N];
        for (index, (value, file)) in values.iter_mut().zip(self.shown).enumerate() {
            let Ok(content) = self.files.read(index, files) else { continue };
            if content.starts_with(NOT_AVAILABLE) {
                continue;
            }
            let number = (file.parse)(content);
            let malformed = || CollectError::malformed(file.name, 1, "a number", Some(content));
            *value = Some(number.ok_or_else(malformed)?);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    const SHOWN: [NumberFile; 3] = [
        NumberFile::new("a", Metric::gauge("a", "")),
        NumberFile::new("b", Metric::gauge("b", "")).parsed(|content| Some(content.len() as f64)),
        NumberFile::new("c", Metric::gauge("c", "")),
    ];

    #[test]
    fn what_a_file_does_not_say_has_no_value() {
        type Values = Result<[Option<f64>; 3], &'static str>;
        const CASES: &[(&str, &str, Values)] = &[
            ("12\n", "four\n", Ok([Some(12.0), Some(4.0), None])),
            ("N/A (no PMA)\n", "", Ok([None, Some(0.0), None])),
            ("", "", Err("a:1: expected a number, found ")),
            ("12 W\n", "", Err("a:1: expected a number, found 12 W")),
        ];
        let scratch = Scratch::new("number-files");
        for (a, b, expected) in CASES {
            scratch.write("a", a.as_bytes());
            scratch.write("b", b.as_bytes());
            let mut device = NumberFiles::new(&scratch.path(""), &SHOWN);
            let read = device.read(&mut Files::default());
            let read = read.as_ref().map_err(CollectError::to_string);
            assert_eq!(read, expected.as_ref().map_err(|error| (*error).to_owned()), "{a:?}");
        }
    }
}
