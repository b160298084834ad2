//! What no single line shows: series that are distinct, values that fit their type, histograms
//! and summaries that are whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Error, Exposition, Family, Kind, Sample, line};

pub(super) fn check(exposition: &Exposition) -> Result<(), Error> {
    distinct_series(exposition)?;
    distinct_names(exposition)?;
    for family in &exposition.families {
        match family.kind {
            Kind::Counter => family.samples.iter().try_for_each(|sample| {
                let counted = sample.value >= 0.0;
                require(counted, sample.line, || "counter that is negative or NaN".to_owned())
            })?,
            Kind::Histogram => distributions(family, "le", histogram)?,
            Kind::Summary => distributions(family, "quantile", summary)?,
            Kind::Gauge | Kind::Untyped => {}
        }
    }
    Ok(())
}

fn distinct_series(exposition: &Exposition) -> Result<(), Error> {
    let mut seen = HashSet::new();
    exposition.samples().try_for_each(|sample| {
        let new = seen.insert((sample.name.as_str(), sample.identity()));
        require(new, sample.line, || format!("series of {:?} a second time", sample.name))
    })
}

/// A family `x_count` beside a histogram `x` would give two meanings to one sample name.
fn distinct_names(exposition: &Exposition) -> Result<(), Error> {
    let mut seen = HashMap::new();
    for family in &exposition.families {
        for suffix in family.kind.suffixes() {
            let name = format!("{}{suffix}", family.name);
            let owner = seen.insert(name, family.name.as_str());
            require(owner.is_none(), family.line, || {
                format!(
                    "samples of {:?} and {:?} share names",
                    family.name,
                    owner.unwrap_or_default()
                )
            })?;
        }
    }
    Ok(())
}

/// The samples of one histogram or summary: one label set, `le` and `quantile` aside.
#[derive(Default)]
struct Distribution<'a> {
    /// Its buckets or quantiles in the order written, with their bounds.
    steps: Vec<(f64, &'a Sample)>,
    sum: Option<&'a Sample>,
    count: Option<&'a Sample>,
    line: usize,
}

fn distributions(
    family: &Family,
    step_label: &str,
    check: impl Fn(&Distribution<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut groups: BTreeMap<Vec<(&str, &str)>, Distribution<'_>> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.identity();
        labels.retain(|(name, _)| *name != step_label);
        let group = groups.entry(labels).or_default();
        group.line = sample.line;
        let bound = sample.label(step_label);
        let (is_step, slot) = match family.suffix(&sample.name) {
            Some("_sum") => (false, &mut group.sum),
            Some("_count") => (false, &mut group.count),
            _ => (true, &mut None),
        };
        require(bound.is_some() == is_step, sample.line, || {
            format!("{:?} must have the label {step_label} iff it is a step", sample.name)
        })?;
        *slot = Some(sample);
        if let Some(bound) = bound {
            let bound = line::parse_number(bound).map_err(|reason| Error {
                line: sample.line,
                reason: format!("{step_label}: {reason}"),
            })?;
            group.steps.push((bound, sample));
        }
    }
    groups.values().try_for_each(|group| {
        let ascending = group.steps.windows(2).all(|pair| pair[0].0 < pair[1].0);
        require(ascending, group.line, || format!("{step_label} does not ascend"))?;
        check(group)
    })
}

fn histogram(group: &Distribution<'_>) -> Result<(), Error> {
    let count = whole_count(group)?;
    for (_, bucket) in &group.steps {
        require(is_count(bucket.value), bucket.line, || "bucket that is no count".to_owned())?;
    }
    let cumulative = group.steps.windows(2).all(|pair| pair[0].1.value <= pair[1].1.value);
    require(cumulative, group.line, || "buckets are not cumulative".to_owned())?;
    let Some((bound, last)) = group.steps.last() else {
        return Err(Error { line: group.line, reason: "histogram without buckets".to_owned() });
    };
    require(*bound == f64::INFINITY, last.line, || "last bucket is not le=\"+Inf\"".to_owned())?;
    require(last.value == count, last.line, || "bucket +Inf differs from _count".to_owned())
}

fn summary(group: &Distribution<'_>) -> Result<(), Error> {
    whole_count(group)?;
    group.steps.iter().try_for_each(|(quantile, sample)| {
        let legal = (0.0..=1.0).contains(quantile);
        require(legal, sample.line, || format!("quantile {quantile} is not within 0 and 1"))
    })
}

fn whole_count(group: &Distribution<'_>) -> Result<f64, Error> {
    let (Some(_), Some(count)) = (group.sum, group.count) else {
        return Err(Error { line: group.line, reason: "no _sum or no _count".to_owned() });
    };
    require(is_count(count.value), count.line, || "_count that is no count".to_owned())?;
    Ok(count.value)
}

fn is_count(value: f64) -> bool {
    value.is_finite() && value >= 0.0 && value.fract() == 0.0
}

fn require(holds: bool, line: usize, reason: impl FnOnce() -> String) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error { line, reason: reason() }) }
}
