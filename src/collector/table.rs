//! Tables of series: what a collector shows is data, and what its source lacks is absent.
//!
//! A [`Table`] has a column for each value that the source gives for a thing (a CPU, a disk, the
//! host as a whole) and a row for each thing that is there. A collector *sweeps* its table at each
//! scrape: it visits the rows of what it finds, in the order of the source, and sets their values.
//! When the sweep ends, also by an error, the rows that were not visited lose their series.
//!
//! A row is found by its place in the last sweep and its labels are compared, so a scrape that finds
//! the same things in the same order neither searches nor allocates.

use super::fields::Described;
use crate::metric::{Dynamic, Family, FloatCounter, Gauge, hash_labels};
use crate::model::Kind;
use crate::registry::{FamilyBuilder, RegisterError, Registry};

/// A column of a table: a family, or the part of one that has a certain label.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    label: Option<(&'static str, &'static str)>,
    omits_empty_labels: bool,
}

impl Metric {
    pub(crate) const fn gauge(name: &'static str, help: &'static str) -> Metric {
        Metric { name, help, kind: Kind::Gauge, label: None, omits_empty_labels: false }
    }

    pub(crate) const fn counter(name: &'static str, help: &'static str) -> Metric {
        Metric { kind: Kind::Counter, ..Metric::gauge(name, help) }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// A gauge of the same name.
    pub(crate) const fn as_gauge(self) -> Metric {
        Metric { kind: Kind::Gauge, ..self }
    }

    /// The series that have this label next to those of the row. Columns of one family follow each
    /// other.
    pub(crate) const fn with_label(self, name: &'static str, value: &'static str) -> Metric {
        Metric { label: Some((name, value)), ..self }
    }

    /// Shows each series without those of its labels whose values are empty.
    pub(crate) const fn without_empty_labels(self) -> Metric {
        Metric { omits_empty_labels: true, ..self }
    }
}

/// The series of one family or several, by row and column.
pub(crate) struct Table {
    columns: Box<[Column]>,
    rows: Vec<Row>,
    /// The row behind the one visited last.
    next: usize,
    changes: u64,
}

/// A byte that is in no UTF-8.
const LABEL_END: u8 = 0xff;

struct Column {
    family: NumberFamily,
    label_value: Option<&'static str>,
}

struct Row {
    /// The values, each with [`LABEL_END`] behind it: together, so that comparing them is one look.
    labels: Box<[u8]>,
    cells: Box<[Option<Number>]>,
    /// Of the labels, so that a search looks only at rows that may be the one.
    hash: u64,
    visited: bool,
}

impl Table {
    /// Registers the families of `metrics`, whose rows are told apart by the labels `row_labels`.
    pub(crate) fn register(
        registry: &Registry,
        row_labels: &[&'static str],
        metrics: &[Metric],
    ) -> Result<Table, RegisterError> {
        let mut columns: Vec<Column> = Vec::with_capacity(metrics.len());
        for (index, metric) in metrics.iter().enumerate() {
            let before = index.checked_sub(1).filter(|before| metrics[*before].name == metric.name);
            let family = match before {
                Some(before) => columns[before].family.clone(),
                None => {
                    let own = metric.label.map(|(name, _)| name);
                    let label_names: Vec<&'static str> =
                        row_labels.iter().copied().chain(own).collect();
                    let builder = registry.family_builder(metric.name, metric.help);
                    let builder = match metric.omits_empty_labels {
                        true => builder.without_empty_labels(),
                        false => builder,
                    };
                    NumberFamily::register(builder, &label_names, metric.kind)?
                }
            };
            columns.push(Column { family, label_value: metric.label.map(|(_, value)| value) });
        }
        Ok(Table::new(columns))
    }

    /// Registers a family that the source gives, as a table of one column.
    pub(crate) fn register_described(
        registry: &Registry,
        described: Described,
    ) -> Result<Table, RegisterError> {
        let Described { name, help, kind, label_names } = described;
        let family =
            NumberFamily::register(registry.family_builder(name, help), label_names, kind)?;
        Ok(Table::new(vec![Column { family, label_value: None }]))
    }

    fn new(columns: Vec<Column>) -> Table {
        Table { columns: columns.into(), rows: Vec::new(), next: 0, changes: 0 }
    }

    /// Grows with every row that is added or removed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Begins to bring the table up to date.
    pub(crate) fn sweep(&mut self) -> Sweep<'_> {
        Sweep { table: self }
    }

    /// Brings a table up to date that has one row without labels.
    pub(crate) fn set(&mut self, values: &[Option<f64>]) {
        self.sweep().only_row().set_all(values);
    }

    /// Visits the row with these labels in a sweep that [`Table::end_sweep`] ends. For those who
    /// visit the rows of several tables in turns.
    pub(crate) fn visit<S: AsRef<str>>(&mut self, labels: &[S]) -> RowMut<'_> {
        let index = self.position(labels).unwrap_or_else(|| {
            let (labels, hash) = (join_labels(labels), hash_labels(labels));
            let cells = self.columns.iter().map(|_| None).collect();
            let index = self.next.min(self.rows.len());
            if self.rows.is_empty() {
                // Most tables never have another.
                self.rows.reserve_exact(1);
            }
            self.rows.insert(index, Row { labels, cells, hash, visited: false });
            self.changes += 1;
            index
        });
        self.next = index + 1;
        let row = &mut self.rows[index];
        let is_first_visit = !std::mem::replace(&mut row.visited, true);
        RowMut { columns: &self.columns, row, is_first_visit }
    }

    /// Removes the rows that were not visited since the last sweep.
    pub(crate) fn end_sweep(&mut self) {
        let Table { columns, rows, next, changes } = self;
        *next = 0;
        rows.retain_mut(|row| {
            let keep = std::mem::take(&mut row.visited);
            if !keep {
                RowMut { columns, row, is_first_visit: false }.clear();
                *changes += 1;
            }
            keep
        });
    }

    /// Where the row of these labels is, which most likely follows the one visited last.
    fn position<S: AsRef<str>>(&self, labels: &[S]) -> Option<usize> {
        if self.rows.get(self.next).is_some_and(|row| row.has_labels(labels)) {
            return Some(self.next);
        }
        let hash = hash_labels(labels);
        self.rows.iter().position(|row| row.hash == hash && row.has_labels(labels))
    }
}

fn join_labels<S: AsRef<str>>(labels: &[S]) -> Box<[u8]> {
    let mut joined = Vec::with_capacity(labels.iter().map(|label| label.as_ref().len() + 1).sum());
    for label in labels {
        joined.extend_from_slice(label.as_ref().as_bytes());
        joined.push(LABEL_END);
    }
    joined.into()
}

impl Row {
    fn has_labels<S: AsRef<str>>(&self, labels: &[S]) -> bool {
        let mut rest = &*self.labels;
        for label in labels {
            let behind = rest.strip_prefix(label.as_ref().as_bytes());
            match behind.and_then(|behind| behind.strip_prefix(&[LABEL_END])) {
                Some(others) => rest = others,
                None => return false,
            }
        }
        rest.is_empty()
    }

    fn labels(&self) -> impl Iterator<Item = &str> {
        let labels = self.labels.split_inclusive(|byte| *byte == LABEL_END);
        labels.map(|label| {
            let label = &label[..label.len() - 1];
            std::str::from_utf8(label).expect("labels were joined from text")
        })
    }
}

/// One pass over a table; its end removes the rows that it did not visit.
pub(crate) struct Sweep<'t> {
    table: &'t mut Table,
}

impl Sweep<'_> {
    /// Visits the row with these labels, which is added where there is none.
    pub(crate) fn row<S: AsRef<str>>(&mut self, labels: &[S]) -> RowMut<'_> {
        self.table.visit(labels)
    }

    /// Visits the row of a table whose rows have no labels.
    pub(crate) fn only_row(&mut self) -> RowMut<'_> {
        self.row::<&str>(&[])
    }
}

impl Drop for Sweep<'_> {
    fn drop(&mut self) {
        self.table.end_sweep();
    }
}

/// A row that is being visited.
pub(crate) struct RowMut<'t> {
    columns: &'t [Column],
    row: &'t mut Row,
    is_first_visit: bool,
}

impl RowMut<'_> {
    /// Whether it has not been visited before in this sweep.
    pub(crate) fn is_first_visit(&self) -> bool {
        self.is_first_visit
    }

    /// Sets the value of a column; without one its series goes.
    pub(crate) fn set(&mut self, column: usize, value: Option<f64>) {
        match (&self.row.cells[column], value) {
            (Some(number), Some(value)) => number.set(value),
            (None, None) => {}
            (_, value) => self.change(column, value),
        }
    }

    /// Sets the values of the columns, from the first on.
    pub(crate) fn set_all(&mut self, values: &[Option<f64>]) {
        for (column, value) in values.iter().enumerate() {
            self.set(column, *value);
        }
    }

    /// The value that the column has from an earlier scrape.
    pub(crate) fn value(&self, column: usize) -> Option<f64> {
        self.row.cells[column].as_ref().map(Number::value)
    }

    fn clear(&mut self) {
        for column in 0..self.columns.len() {
            self.set(column, None);
        }
    }

    /// Adds the series of a column, or removes it where there is no value for it.
    #[cold]
    fn change(&mut self, column: usize, value: Option<f64>) {
        let Column { family, label_value } = &self.columns[column];
        let labels: Vec<&str> = self.row.labels().chain(*label_value).collect();
        self.row.cells[column] = match value {
            Some(value) => {
                let number = family.get_or_create(&labels);
                number.set(value);
                Some(number)
            }
            None => {
                family.remove(&labels);
                None
            }
        };
    }
}

/// A family of numbers.
#[derive(Clone)]
enum NumberFamily {
    Gauge(Family<Dynamic, Gauge>),
    Counter(Family<Dynamic, FloatCounter>),
}

impl NumberFamily {
    /// What is neither counter nor gauge is of unknown kind.
    fn register(
        builder: FamilyBuilder<'_>,
        label_names: &[&'static str],
        kind: Kind,
    ) -> Result<NumberFamily, RegisterError> {
        let builder = builder.with_one_user();
        Ok(match kind {
            Kind::Counter => NumberFamily::Counter(builder.register_fixed(label_names, ())?),
            Kind::Gauge => NumberFamily::Gauge(builder.register_fixed(label_names, ())?),
            _ => NumberFamily::Gauge(builder.unknown().register_fixed(label_names, ())?),
        })
    }

    fn get_or_create(&self, labels: &[&str]) -> Number {
        match self {
            NumberFamily::Gauge(family) => Number::Gauge(family.get_or_create(labels)),
            NumberFamily::Counter(family) => Number::Counter(family.get_or_create(labels)),
        }
    }

    fn remove(&self, labels: &[&str]) {
        match self {
            NumberFamily::Gauge(family) => family.remove(labels),
            NumberFamily::Counter(family) => family.remove(labels),
        };
    }
}

/// The handle of one series.
enum Number {
    Gauge(Gauge),
    Counter(FloatCounter),
}

impl Number {
    fn set(&self, value: f64) {
        match self {
            Number::Gauge(gauge) => gauge.set(value),
            Number::Counter(counter) => counter.set_total(value),
        }
    }

    fn value(&self) -> f64 {
        match self {
            Number::Gauge(gauge) => gauge.value(),
            Number::Counter(counter) => counter.value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use proptest::prelude::*;

    const METRICS: [Metric; 3] = [
        Metric::counter("t_total", "").with_label("mode", "a"),
        Metric::counter("t_total", "").with_label("mode", "b"),
        Metric::gauge("u", ""),
    ];

    fn table() -> (Registry, Table) {
        let registry = Registry::new();
        let table = Table::register(&registry, &["cpu"], &METRICS).unwrap();
        (registry, table)
    }

    #[test]
    fn a_value_that_is_not_known_has_no_series() {
        let (registry, mut table) = table();
        table.sweep().row(&["0"]).set_all(&[Some(1.0), None, Some(2.0)]);
        assert_eq!(samples(&registry), ["t_total{cpu=0,mode=a} 1", "u{cpu=0} 2"]);
        table.sweep().row(&["0"]).set_all(&[None, Some(3.0), Some(4.0)]);
        assert_eq!(samples(&registry), ["t_total{cpu=0,mode=b} 3", "u{cpu=0} 4"]);
    }

    #[test]
    fn a_sweep_that_is_given_up_removes_what_it_did_not_visit() {
        let (registry, mut table) = table();
        drop(table.sweep());
        {
            let mut sweep = table.sweep();
            for cpu in ["0", "1", "2"] {
                sweep.row(&[cpu]).set(2, Some(7.0));
            }
        }
        assert_eq!(samples(&registry).len(), 3);
        table.sweep().row(&["1"]).set(2, Some(8.0));
        assert_eq!(samples(&registry), ["u{cpu=1} 8"]);
        drop(table.sweep());
        assert!(samples(&registry).is_empty());
    }

    #[test]
    fn a_row_remembers_the_values_of_the_sweep_before() {
        let (_registry, mut table) = table();
        table.sweep().row(&["0"]).set(0, Some(5.0));
        let mut sweep = table.sweep();
        let row = sweep.row(&["0"]);
        assert_eq!([row.value(0), row.value(1)], [Some(5.0), None]);
    }

    proptest! {
        /// Whatever comes and goes in whatever order, the series are those of the last sweep.
        #[test]
        fn shows_the_last_sweep(sweeps in prop::collection::vec(
            prop::collection::vec((0_u8..12, any::<bool>()), 0..12), 1..8,
        )) {
            let (registry, mut table) = table();
            for rows in sweeps {
                let mut expected = std::collections::BTreeMap::new();
                {
                    let mut sweep = table.sweep();
                    for (row, is_known) in rows {
                        let value = is_known.then_some(f64::from(row));
                        sweep.row(&[&row.to_string()]).set(2, value);
                        expected.insert(row, value);
                    }
                }
                let mut expected: Vec<String> = expected
                    .iter()
                    .filter_map(|(row, value)| value.map(|value| format!("u{{cpu={row}}} {value}")))
                    .collect();
                let mut shown = samples(&registry);
                expected.sort();
                shown.sort();
                prop_assert_eq!(shown, expected);
            }
        }
    }
}
