//! prometheus, by TiKV: vectors of metrics and the text encoder of its README.

use crate::peer::{BOUNDS, Peer, Updates};
use crate::script::{self, COUNTER_FAMILIES, GAUGE_FAMILIES, LABELS, Script, Update};
use bytes::Bytes;
use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter};
use prometheus::{IntCounterVec, Opts, Registry, TextEncoder};
use std::hint::black_box;

pub struct Workload {
    registry: Registry,
    counters: Vec<IntCounter>,
    gauges: Vec<Gauge>,
    histograms: Vec<Histogram>,
    body: Vec<u8>,
}

const LEGAL: &str = "the names are legal";

fn register<C: Collector + Clone + 'static>(registry: &Registry, collector: &C) {
    registry.register(Box::new(collector.clone())).expect(LEGAL);
}

fn series<T: MetricVecBuilder>(family: &MetricVec<T>, count: usize) -> Vec<T::M> {
    let handle = |number| {
        let values = Script::label_values(number);
        family.with_label_values(&values.each_ref().map(String::as_str))
    };
    (0..count).map(handle).collect()
}

fn opts((name, help): script::Named) -> Opts {
    Opts::new(name, help)
}

impl Peer for Workload {
    fn new(script: &Script) -> Workload {
        let registry = Registry::new();
        let counters = (0..COUNTER_FAMILIES).flat_map(|n| {
            let family = IntCounterVec::new(opts(Script::counter_family(n)), &LABELS);
            let family = family.expect(LEGAL);
            register(&registry, &family);
            series(&family, script.counters)
        });
        let gauges = (0..GAUGE_FAMILIES).flat_map(|n| {
            let family = GaugeVec::new(opts(Script::gauge_family(n)), &LABELS).expect(LEGAL);
            register(&registry, &family);
            series(&family, script.gauges)
        });
        let (counters, gauges) = (counters.collect(), gauges.collect());
        let (name, help) = Script::histogram_family();
        let opts = HistogramOpts::new(name, help).buckets(BOUNDS.to_vec());
        let family = HistogramVec::new(opts, &LABELS).expect(LEGAL);
        register(&registry, &family);
        let histograms = series(&family, script.histograms);
        Workload { registry, counters, gauges, histograms, body: Vec::new() }
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
        let families = self.registry.gather();
        TextEncoder::new().encode(&families, &mut self.body).expect("a Vec takes everything");
        &self.body
    }

    fn scrape(&mut self) -> Bytes {
        let mut body = Vec::new();
        let families = self.registry.gather();
        TextEncoder::new().encode(&families, &mut body).expect("a Vec takes everything");
        body.into()
    }
}

pub struct Few {
    counter: IntCounter,
    histogram: Histogram,
    requests: IntCounterVec,
}

impl Default for Few {
    fn default() -> Few {
        let labels = ["method", "route", "status", "region", "instance"];
        let opts = HistogramOpts::new("seconds", "Time.").buckets(BOUNDS.to_vec());
        let requests = IntCounterVec::new(Opts::new("requests_total", "Requests."), &labels);
        Few {
            counter: IntCounter::new("counter_total", "A counter.").expect(LEGAL),
            histogram: Histogram::with_opts(opts).expect(LEGAL),
            requests: requests.expect(LEGAL),
        }
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
            let values = ["GET", black_box(route), "200", "eu-central-1", "i-0a1b2c3d"];
            self.requests.with_label_values(&values).inc();
        }
    }
}
