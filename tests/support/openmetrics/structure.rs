//! What no single line shows: names that do not clash, values and labels that fit the type,
//! metrics whose samples are together, histograms that are whole.

use super::{Exemplar, Family, Kind, Sample, line};
use std::collections::{HashMap, HashSet};

/// Code points that the labels of an exemplar may have.
const EXEMPLAR_CODE_POINTS_MAX: usize = 128;

pub(super) fn check(families: &[Family]) -> Result<(), String> {
    let mut names: HashMap<String, &str> = HashMap::new();
    for family in families {
        let suffixes = family.kind().suffixes().iter().filter(|suffix| !suffix.is_empty());
        for suffix in std::iter::once(&"").chain(suffixes) {
            let name = format!("{}{suffix}", family.name);
            if let Some(other) = names.insert(name, &family.name) {
                return Err(format!("families {other:?} and {:?} clash", family.name));
            }
        }
    }
    families.iter().try_for_each(|family| {
        check_family(family).map_err(|reason| format!("family {:?}: {reason}", family.name))
    })
}

fn check_family(family: &Family) -> Result<(), String> {
    if let Some(unit) = family.unit.as_deref().filter(|unit| !unit.is_empty()) {
        require(family.name.ends_with(&format!("_{unit}")), "the unit is not the name's suffix")?;
        let has_unit = !matches!(family.kind(), Kind::Info | Kind::StateSet);
        require(has_unit, "a unit where there is none")?;
    }
    let mut finished = HashSet::new();
    for metric in
        family.samples.chunk_by(|a, b| metric_labels(family, a) == metric_labels(family, b))
    {
        let is_new = finished.insert(metric_labels(family, &metric[0]));
        require(is_new, "the samples of a metric are not together")?;
        let mut series: Vec<_> =
            metric.iter().map(|sample| (&sample.name, &sample.labels)).collect();
        series.sort_unstable();
        series.dedup();
        require(series.len() == metric.len(), "a series twice")?;
        metric.iter().try_for_each(|sample| check_sample(family, sample))?;
        if family.kind() == Kind::Histogram {
            check_histogram(family, metric)?;
        }
    }
    Ok(())
}

/// The labels that make the metric of a sample: all but those that its type adds.
fn metric_labels(family: &Family, sample: &Sample) -> Vec<(String, String)> {
    let added = match family.kind() {
        Kind::Histogram => "le",
        Kind::Summary => "quantile",
        Kind::StateSet => &family.name,
        _ => "",
    };
    let mut labels = sample.labels.clone();
    labels.retain(|(name, _)| name != added);
    labels.sort_unstable();
    labels
}

fn check_sample(family: &Family, sample: &Sample) -> Result<(), String> {
    let suffix = family.suffix(&sample.name).ok_or("a sample of another name")?;
    let value = sample.value;
    let is_count = value.fract() == 0.0 && value >= 0.0;
    match (family.kind(), suffix) {
        (_, "_total" | "_sum" | "_created") => require(value >= 0.0, "negative or NaN")?,
        (_, "_bucket" | "_count") => require(is_count, "no count")?,
        (Kind::Summary, _) => check_quantile(sample)?,
        (Kind::Info, _) => require(value == 1.0, "an info that is not 1")?,
        (Kind::StateSet, _) => {
            require(value == 0.0 || value == 1.0, "a state that is neither 0 nor 1")?;
            require(sample.label(&family.name).is_some(), "a state without its label")?;
        }
        _ => {}
    }
    let is_bucket = suffix == "_bucket";
    require(sample.label("le").is_some() == is_bucket || family.kind() != Kind::Histogram, "le")?;
    match &sample.exemplar {
        Some(_) if suffix != "_total" && !is_bucket => Err("an exemplar out of place".to_owned()),
        Some(exemplar) => check_exemplar(exemplar),
        None => Ok(()),
    }
}

fn check_quantile(sample: &Sample) -> Result<(), String> {
    let quantile = sample.label("quantile").ok_or("a value without its quantile")?;
    let is_canonical = quantile.contains(['.', 'e']);
    require(is_canonical, "a quantile that is not canonical")?;
    require((0.0..=1.0).contains(&line::number(quantile)?), "a quantile outside of 0 to 1")?;
    require(sample.value >= 0.0 || sample.value.is_nan(), "a negative quantile")
}

fn check_exemplar(exemplar: &Exemplar) -> Result<(), String> {
    let labels = exemplar.labels.iter();
    let len: usize = labels.map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    require(len <= EXEMPLAR_CODE_POINTS_MAX, "the labels of an exemplar are too long")
}

fn check_histogram(family: &Family, metric: &[Sample]) -> Result<(), String> {
    let value = |suffix: &str| {
        let found = metric.iter().find(|sample| family.suffix(&sample.name) == Some(suffix));
        found.map(|sample| sample.value)
    };
    let mut below = (f64::NEG_INFINITY, 0.0);
    let mut has_negative = false;
    for bucket in metric.iter().filter(|sample| family.suffix(&sample.name) == Some("_bucket")) {
        let le = bucket.label("le").unwrap_or_default();
        let bound = line::number(le)?;
        let is_canonical = le == "+Inf" || le.contains(['.', 'e']);
        require(is_canonical, "a bound that is not canonical")?;
        require(bound > below.0, "bounds do not ascend")?;
        require(bucket.value >= below.1, "buckets are not cumulative")?;
        if let Some(exemplar) = &bucket.exemplar {
            let is_within = exemplar.value <= bound && exemplar.value > below.0;
            require(is_within, "an exemplar outside of its bucket")?;
        }
        has_negative |= bound < 0.0;
        below = (bound, bucket.value);
    }
    require(below.0 == f64::INFINITY, "no bucket +Inf")?;
    require(value("_sum").is_some() == value("_count").is_some(), "a sum without a count")?;
    require(value("_count").is_none_or(|count| count == below.1), "+Inf is not the count")?;
    require(!(has_negative && value("_sum").is_some()), "a sum beside negative bounds")
}

fn require(holds: bool, reason: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason.to_owned()) }
}
