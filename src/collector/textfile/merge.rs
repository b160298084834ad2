//! From what files say to families: several files may give series of one family.
//!
//! The file that comes first decides what a family is. What does not go with it is left out of the
//! exposition, and a fault of the file that it stands in; the rest of that file is shown.

use super::Fault;
use super::file::{Content, TextFile};
use crate::metric::{Given, Value};
use crate::model::Kind;
use crate::textparse::{Family, Metric, Sample};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Labels of all series together past which the next families are left out. There is one for each
/// series of a family and each name that one of them has, so the text of the files does not bound
/// them. As many as this take some 400 MB; files of 16 MiB rarely have a third.
pub(super) const LABELS_MAX: usize = 1 << 22;

/// Names that the labels of a family may have in one file. Registering compares each with each.
pub(super) const LABEL_NAMES_MAX: usize = 256;

/// A family as it is to be shown.
pub(super) struct Merged {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) kind: Kind,
    /// By their labels.
    pub(super) series: Vec<Series>,
    /// The number of the file that named it first.
    pub(super) file: usize,
}

/// A series and its values, in the order of its lines.
pub(super) struct Series {
    pub(super) labels: Labels,
    pub(super) given: Given,
    pub(super) values: Vec<Value>,
}

/// Names and values, by name.
pub(super) type Labels = Vec<(String, String)>;

/// What is wrong with the file of this number.
pub(super) type FaultOf = (usize, Fault);

/// A family that further files may add to.
struct Open<'f> {
    help: Option<&'f str>,
    kind: Kind,
    files: Vec<(usize, &'f str)>,
    series: Vec<Series>,
    seen: HashSet<Labels>,
}

/// The families of `files`, by name. A file that could not be read or parsed has none.
pub(super) fn merge(files: &[&mut TextFile]) -> (Vec<Merged>, Vec<FaultOf>) {
    let (mut families, mut faults) = (HashMap::<&str, Open<'_>>::new(), Vec::new());
    let mut labels_left = LABELS_MAX;
    for (number, file) in files.iter().enumerate() {
        for family in file.content().into_iter().flat_map(|Content { families, .. }| families) {
            let names = label_names(family);
            if let Err(fault) = take_labels(&mut labels_left, family, names.len()) {
                faults.push((number, fault));
                continue;
            }
            let open = families.entry(&family.name).or_insert_with(|| Open::new(family));
            let added = open.add(family, &names, (number, file.path()));
            faults.extend(added.err().map(|fault| (number, fault)));
        }
    }
    let mut merged: Vec<Merged> =
        families.into_iter().map(|(name, family)| family.finish(name)).collect();
    merged.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    (merged, faults)
}

impl<'f> Open<'f> {
    fn new(family: &'f Family) -> Open<'f> {
        let Family { help, kind, .. } = family;
        let (files, series, seen) = (Vec::new(), Vec::new(), HashSet::new());
        Open { help: help.as_deref(), kind: *kind, files, series, seen }
    }

    /// Adds what `file` says of the family, whose labels have `names`: all of it, or what is not there already.
    fn add(
        &mut self,
        family: &'f Family,
        names: &BTreeSet<&str>,
        file: (usize, &'f str),
    ) -> Result<(), Fault> {
        let Family { name, help, kind, metrics } = family;
        if *kind != self.kind {
            return Err(Fault::OtherKind { family: name.clone() });
        }
        match (self.help, help) {
            (Some(own), Some(help)) if own != help => {
                return Err(Fault::OtherHelp { family: name.clone() });
            }
            (own, help) => self.help = own.or(help.as_deref()),
        }
        self.files.push(file);
        let mut outcome = Ok(());
        for metric in metrics {
            let labels = labels(metric, names);
            if !self.seen.insert(identity(&labels)) {
                outcome = Err(Fault::SeriesTwice { family: name.clone(), line: metric.line });
                continue;
            }
            let (given, values) = shown(&metric.sample);
            self.series.push(Series { labels, given, values });
        }
        outcome
    }

    fn finish(mut self, name: &str) -> Merged {
        self.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        let help = self.help.map_or_else(
            || {
                let paths: Vec<&str> = self.files.iter().map(|(_, path)| *path).collect();
                format!("Metric read from {}", paths.join(", "))
            },
            str::to_owned,
        );
        let Open { kind, series, files, .. } = self;
        Merged { name: name.to_owned(), help, kind, series, file: files[0].0 }
    }
}

/// Takes the labels of a family with so many names from what is left.
fn take_labels(left: &mut usize, family: &Family, names: usize) -> Result<(), Fault> {
    let name = || family.name.clone();
    if names > LABEL_NAMES_MAX {
        return Err(Fault::TooManyLabelNames { family: name() });
    }
    let rest = left.checked_sub(names * family.metrics.len());
    *left = rest.ok_or_else(|| Fault::TooManyLabels { family: name() })?;
    Ok(())
}

/// The names of labels that metrics of the family have.
fn label_names(family: &Family) -> BTreeSet<&str> {
    let labels = family.metrics.iter().flat_map(|metric| &metric.labels);
    labels.map(|(name, _)| name.as_str()).collect()
}

/// The labels of `metric` by name, with an empty value for each of `names` that it does not have:
/// the metrics of a family in one file have the same labels.
fn labels(metric: &Metric, names: &BTreeSet<&str>) -> Labels {
    let own: HashMap<&str, &str> =
        metric.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let value = |name: &str| own.get(name).copied().unwrap_or_default().to_owned();
    names.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

/// What makes a series to a scraper, for which a label without a value is none.
fn identity(labels: &Labels) -> Labels {
    labels.iter().filter(|(_, value)| !value.is_empty()).cloned().collect()
}

/// What a sample is shown as: with its levels in order, each once, and with sum and count, which
/// are zero where they are not given, as node_exporter shows them.
fn shown(sample: &Sample) -> (Given, Vec<Value>) {
    let (given, mut values, sum, count) = match sample {
        Sample::Number(value) => return (Given::Number, vec![Value::F64(*value)]),
        Sample::Summary { quantiles, sum, count } => {
            let (quantiles, values) = levels(quantiles);
            (Given::Summary { quantiles }, values.into_iter().map(Value::F64).collect(), sum, count)
        }
        Sample::Histogram { buckets, sum, count } => {
            let infinite = (f64::INFINITY, count.unwrap_or_default());
            let is_whole = buckets.iter().any(|(bound, _)| *bound == f64::INFINITY);
            let added = Some(infinite).filter(|_| !is_whole);
            let buckets: Vec<(f64, u64)> = buckets.iter().copied().chain(added).collect();
            let (bounds, counts) = levels(&buckets);
            let counts: Vec<Value> = counts.into_iter().map(Value::U64).collect();
            (Given::Histogram { bounds }, counts, sum, count)
        }
    };
    values.push(Value::F64(sum.unwrap_or_default()));
    values.push(Value::U64(count.unwrap_or_default()));
    (given, values)
}

/// Levels in ascending order and their values. Of those that come twice the last one counts.
fn levels<V: Copy>(pairs: &[(f64, V)]) -> (Box<[f64]>, Vec<V>) {
    let mut pairs: Vec<(f64, V)> =
        pairs.iter().map(|(level, value)| (level + 0.0, *value)).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs.dedup_by(|later, earlier| {
        let is_twice = later.0 == earlier.0;
        if is_twice {
            earlier.1 = later.1;
        }
        is_twice
    });
    let (levels, values): (Vec<f64>, Vec<V>) = pairs.into_iter().unzip();
    (levels.into(), values)
}
