//! Arbitrary families: what they hold is known before they are registered.

use crate::support::exposition::Kind;
use promlet::{
    Buckets, Counter, Dynamic, Family, FloatCounter, Gauge, Histogram, Info, IntGauge, Registry,
    ShardedCounter, StateSet, States,
};
use proptest::prelude::*;
use std::collections::HashSet;

/// What a family holds, before it is registered.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) labels: Vec<String>,
    series: Vec<(Vec<String>, Values)>,
    pub(crate) instrument: Instrument,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Instrument {
    Counter,
    FloatCounter,
    ShardedCounter,
    Gauge,
    IntGauge,
    Unknown,
    Info,
    StateSet,
    /// With bounds of which the lowest is negative; anything may be observed.
    Histogram,
    /// With bounds, and observations, from 0 on: one that OpenMetrics knows.
    Latency,
}

#[derive(Clone, Debug)]
pub(crate) struct Values {
    integer: u64,
    float: f64,
    observations: Vec<f64>,
}

/// Those of a latency are all but the first.
const BOUNDS: [f64; 4] = [-1.5, 0.0, 0.1, 1e6];
const STATES: [&str; 3] = ["idle", "\"busy\"", "läuft"];
const LES: [&str; 4] = ["-1.5", "0", "0.1", "1e+06"];

pub(crate) fn any_plan() -> impl Strategy<Value = Plan> {
    let instrument = prop_oneof![
        Just(Instrument::Counter),
        Just(Instrument::FloatCounter),
        Just(Instrument::ShardedCounter),
        Just(Instrument::Gauge),
        Just(Instrument::IntGauge),
        Just(Instrument::Unknown),
        Just(Instrument::Info),
        Just(Instrument::StateSet),
        Just(Instrument::Histogram),
        Just(Instrument::Latency),
    ];
    let float = prop_oneof![any::<f64>(), Just(f64::NAN), Just(1e308), Just(f64::NEG_INFINITY)];
    let values = (any::<u64>(), float, prop::collection::vec(any::<f64>(), 0..5))
        .prop_map(|(integer, float, observations)| Values { integer, float, observations });
    // The third makes names that clash in one format or another.
    let name = prop_oneof![
        "[a-z_:][a-z0-9_:]{0,8}",
        "\\PC{1,6}",
        "[ab]([._]b)?(_total|_created|_sum|_bucket|_info){0,2}",
        any::<String>(),
    ];
    let label = prop_oneof!["[a-z][a-z0-9_]{0,5}", "\\PC{1,4}"];
    (name, any::<String>(), prop::collection::vec(label, 0..4), instrument).prop_flat_map(
        move |(name, help, labels, instrument)| {
            let value = prop_oneof![any::<String>(), "[a-z\\\\\"\n]{0,4}", Just(String::new())];
            let key = prop::collection::vec(value, labels.len());
            prop::collection::vec((key, values.clone()), 1..100).prop_map(move |series| Plan {
                name: name.clone(),
                help: help.clone(),
                labels: labels.clone(),
                series,
                instrument,
            })
        },
    )
}

impl Values {
    fn state(&self) -> usize {
        (self.integer % STATES.len() as u64) as usize
    }
}

impl Plan {
    /// Registers and fills the family; `None` where its names are not to be had. Returns its label
    /// sets with the values that each is to have.
    pub(crate) fn register(&self, registry: &Registry) -> Option<Vec<(Vec<String>, Values)>> {
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        let builder = registry.family_builder(self.name.clone(), self.help.clone());
        let each = |fill: &dyn Fn(&[&str], &Values)| {
            for (key, values) in self.distinct() {
                fill(&key.iter().map(String::as_str).collect::<Vec<_>>(), &values);
            }
        };
        macro_rules! fill {
            ($builder:expr, $type:ty, $options:expr, $set:expr) => {{
                let family: Family<Dynamic, $type> =
                    $builder.register_dynamic(&labels, $options).ok()?;
                each(&|key, values| $set(family.get_or_create(key), values));
            }};
        }
        match self.instrument {
            Instrument::Counter => {
                fill!(builder, Counter, (), |c: Counter, v: &Values| c.inc_by(v.integer));
            }
            Instrument::FloatCounter => {
                fill!(builder, FloatCounter, (), |c: FloatCounter, v: &Values| {
                    c.inc_by(v.float.abs());
                });
            }
            Instrument::ShardedCounter => {
                fill!(builder, ShardedCounter, (), |c: ShardedCounter, v: &Values| {
                    c.inc_by(v.integer);
                });
            }
            Instrument::Gauge => fill!(builder, Gauge, (), |g: Gauge, v: &Values| g.set(v.float)),
            Instrument::Unknown => {
                fill!(builder.unknown(), Gauge, (), |g: Gauge, v: &Values| g.set(v.float));
            }
            Instrument::IntGauge => {
                fill!(builder, IntGauge, (), |g: IntGauge, v: &Values| {
                    g.set(v.integer.cast_signed());
                });
            }
            Instrument::Info => fill!(builder, Info, (), |_: Info, _: &Values| ()),
            Instrument::StateSet => {
                let states = States::new(STATES).expect("the states are distinct");
                fill!(builder, StateSet, states, |s: StateSet, v: &Values| {
                    s.select(STATES[v.state()]);
                });
            }
            Instrument::Histogram | Instrument::Latency => {
                let buckets = Buckets::new(self.bounds()).expect("the bounds ascend");
                fill!(builder, Histogram, buckets, |h: Histogram, v: &Values| {
                    self.observations(v).for_each(|value| h.observe(value));
                });
            }
        }
        Some(self.distinct())
    }

    fn distinct(&self) -> Vec<(Vec<String>, Values)> {
        let mut seen = HashSet::new();
        self.series.iter().filter(|(key, _)| seen.insert(key.clone())).cloned().collect()
    }

    fn bounds(&self) -> &'static [f64] {
        if let Instrument::Latency = self.instrument { &BOUNDS[1..] } else { &BOUNDS }
    }

    fn observations(&self, values: &Values) -> impl Iterator<Item = f64> + Clone {
        let is_latency = matches!(self.instrument, Instrument::Latency);
        let seen = values.observations.iter().map(move |v| if is_latency { v.abs() } else { *v });
        seen.filter(move |value| !(is_latency && value.is_nan()))
    }

    /// The samples of one series: suffix, value of the kind's own label, value.
    pub(crate) fn samples(
        &self,
        values: &Values,
    ) -> Vec<(&'static str, Option<&'static str>, f64)> {
        match self.instrument {
            Instrument::Counter | Instrument::ShardedCounter => {
                vec![("", None, values.integer as f64)]
            }
            Instrument::FloatCounter => {
                let amount = values.float.abs();
                vec![("", None, if amount.is_nan() { 0.0 } else { amount })]
            }
            Instrument::Gauge | Instrument::Unknown => vec![("", None, values.float)],
            Instrument::IntGauge => vec![("", None, values.integer.cast_signed() as f64)],
            Instrument::Info => vec![("", None, 1.0)],
            Instrument::StateSet => {
                let is_on = |index| if index == values.state() { 1.0 } else { 0.0 };
                STATES.iter().enumerate().map(|(i, state)| ("", Some(*state), is_on(i))).collect()
            }
            Instrument::Histogram | Instrument::Latency => {
                let observations = self.observations(values);
                let below = |bound: f64| observations.clone().filter(|v| *v <= bound).count();
                let bounds = self.bounds();
                let les = &LES[LES.len() - bounds.len()..];
                let buckets = les.iter().zip(bounds);
                let mut samples: Vec<_> = buckets
                    .map(|(le, bound)| ("_bucket", Some(*le), below(*bound) as f64))
                    .collect();
                let count = observations.clone().count() as f64;
                samples.push(("_bucket", Some("+Inf"), count));
                samples.push(("_sum", None, observations.fold(0.0, |sum, v| sum + v)));
                samples.push(("_count", None, count));
                samples
            }
        }
    }

    /// The label that the kind adds.
    pub(crate) fn own_label(&self) -> &str {
        if let Instrument::StateSet = self.instrument { &self.name } else { "le" }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.instrument {
            Instrument::Counter | Instrument::FloatCounter | Instrument::ShardedCounter => {
                Kind::Counter
            }
            Instrument::Gauge | Instrument::IntGauge | Instrument::Info | Instrument::StateSet => {
                Kind::Gauge
            }
            Instrument::Unknown => Kind::Untyped,
            Instrument::Histogram | Instrument::Latency => Kind::Histogram,
        }
    }
}
