//! prometheus-client, the official one: families keyed by a struct of labels, OpenMetrics text.

use crate::peer::{BOUNDS, Peer, Updates};
use crate::script::{COUNTER_FAMILIES, GAUGE_FAMILIES, Script, Update};
use bytes::Bytes;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::hint::black_box;
use std::sync::atomic::AtomicU64;

type FloatGauge = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
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
    gauges: Vec<FloatGauge>,
    histograms: Vec<Histogram>,
    body: String,
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

fn series<M: Clone, C: MetricConstructor<M>>(
    family: &Family<Labels, M, C>,
    count: usize,
) -> Vec<M> {
    let handle = |number| {
        let [instance_id, method, region, route, status] = Script::label_values(number);
        family.get_or_create_owned(&Labels { instance_id, method, region, route, status })
    };
    (0..count).map(handle).collect()
}

impl Peer for Workload {
    fn new(script: &Script) -> Workload {
        let mut registry = Registry::default();
        let mut counters = Vec::new();
        for number in 0..COUNTER_FAMILIES {
            let (name, help) = Script::counter_family(number);
            let family = Family::<Labels, Counter>::default();
            // It appends the suffix itself.
            registry.register(name.trim_end_matches("_total"), help, family.clone());
            counters.extend(series(&family, script.counters));
        }
        let mut gauges = Vec::new();
        for number in 0..GAUGE_FAMILIES {
            let (name, help) = Script::gauge_family(number);
            let family = Family::<Labels, FloatGauge>::default();
            registry.register(name, help, family.clone());
            gauges.extend(series(&family, script.gauges));
        }
        let (name, help) = Script::histogram_family();
        let family = Family::<Labels, Histogram>::new_with_constructor(histogram);
        registry.register(name, help, family.clone());
        let histograms = series(&family, script.histograms);
        Workload { registry, counters, gauges, histograms, body: String::new() }
    }

    fn apply(&mut self, update: Update) {
        match update {
            Update::Count { counter, by } => drop(self.counters[counter].inc_by(by)),
            Update::Set { gauge, to } => drop(self.gauges[gauge].set(to)),
            Update::Observe { histogram, value } => self.histograms[histogram].observe(value),
        }
    }

    fn encode(&mut self) -> &[u8] {
        self.body.clear();
        text::encode(&mut self.body, &self.registry).expect("a String takes everything");
        self.body.as_bytes()
    }

    fn scrape(&mut self) -> Bytes {
        let mut body = String::new();
        text::encode(&mut body, &self.registry).expect("a String takes everything");
        body.into()
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
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
        for _ in 0..rounds {
            black_box(&self.counter).inc();
        }
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
            self.requests.get_or_create(&labels).inc();
        }
    }
}
