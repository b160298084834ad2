//! fastmetrics: families keyed by a struct of labels, its profile of the text format 0.0.4.

use crate::peer::{BOUNDS, Peer, Updates};
use crate::script::{COUNTER_FAMILIES, GAUGE_FAMILIES, Script, Update};
use bytes::Bytes;
use fastmetrics::derive::LabelSet;
use fastmetrics::format::text::{self, TextProfile};
use fastmetrics::metrics::counter::Counter;
use fastmetrics::metrics::family::Family;
use fastmetrics::metrics::gauge::Gauge;
use fastmetrics::metrics::histogram::Histogram;
use fastmetrics::registry::Registry;
use std::hint::black_box;

#[derive(Clone, Hash, PartialEq, Eq, LabelSet)]
struct Labels {
    instance_id: String,
    method: String,
    region: String,
    route: String,
    status: String,
}

pub struct Workload {
    registry: Registry,
    counters: Vec<Counter>,
    gauges: Vec<Gauge<f64>>,
    histograms: Vec<Histogram>,
    body: String,
}

fn series<M: Clone>(family: &Family<Labels, M>, count: usize) -> Vec<M> {
    let handle = |number| {
        let [instance_id, method, region, route, status] = Script::label_values(number);
        let labels = Labels { instance_id, method, region, route, status };
        family.with_or_new(&labels, M::clone)
    };
    (0..count).map(handle).collect()
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

fn encode(out: &mut String, registry: &Registry) {
    text::encode(out, registry, TextProfile::PrometheusV0_0_4).expect("a String takes everything");
}

const LEGAL: &str = "the names are legal";

impl Peer for Workload {
    fn new(script: &Script) -> Workload {
        let mut registry = Registry::default();
        let mut counters = Vec::new();
        for number in 0..COUNTER_FAMILIES {
            let (name, help) = Script::counter_family(number);
            let family = Family::<Labels, Counter>::default();
            registry.register(name, help, family.clone()).expect(LEGAL);
            counters.extend(series(&family, script.counters));
        }
        let mut gauges = Vec::new();
        for number in 0..GAUGE_FAMILIES {
            let (name, help) = Script::gauge_family(number);
            let family = Family::<Labels, Gauge<f64>>::default();
            registry.register(name, help, family.clone()).expect(LEGAL);
            gauges.extend(series(&family, script.gauges));
        }
        let (name, help) = Script::histogram_family();
        let family = Family::<Labels, Histogram>::new(histogram);
        registry.register(name, help, family.clone()).expect(LEGAL);
        let histograms = series(&family, script.histograms);
        Workload { registry, counters, gauges, histograms, body: String::new() }
    }

    fn apply(&mut self, update: Update) {
        match update {
            Update::Count { counter, by } => self.counters[counter].inc_by(by),
            Update::Set { gauge, to } => self.gauges[gauge].set(to),
            Update::Observe { histogram, value } => self.histograms[histogram].observe(value),
        }
    }

    fn encode(&mut self) -> &[u8] {
        self.body.clear();
        encode(&mut self.body, &self.registry);
        self.body.as_bytes()
    }

    fn scrape(&mut self) -> Bytes {
        let mut body = String::new();
        encode(&mut body, &self.registry);
        body.into()
    }
}

#[derive(Clone, Hash, PartialEq, Eq, LabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: &'static str,
    region: &'static str,
    instance: &'static str,
}

pub struct Few {
    counter: Counter,
    histogram: Histogram,
    requests: Family<Request, Counter>,
}

impl Default for Few {
    fn default() -> Few {
        Few { counter: Counter::default(), histogram: histogram(), requests: Family::default() }
    }
}

impl Updates for Few {
    fn count(&self, rounds: u64) {
        (0..rounds).for_each(|_| black_box(&self.counter).inc());
    }

    fn observe(&self, rounds: u64) {
        (0..rounds).for_each(|_| black_box(&self.histogram).observe(black_box(0.3)));
    }

    fn look_up(&self, rounds: u64, routes: &[String]) {
        for route in routes.iter().cycle().take(rounds as usize) {
            let route = black_box(route).clone();
            let (method, status) = ("GET", "200");
            let (region, instance) = ("eu-central-1", "i-0a1b2c3d");
            let labels = Request { method, route, status, region, instance };
            self.requests.with_or_new(&labels, |counter| counter.inc());
        }
    }
}
