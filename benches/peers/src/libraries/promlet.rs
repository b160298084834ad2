//! promlet: its pages, its server, its gzip.

use crate::peer::{BOUNDS, Peer, Updates};
use crate::script::{self, COUNTER_FAMILIES, GAUGE_FAMILIES, LABELS, Script, Update};
use bytes::Bytes;
use promlet::http::{Limits, Server};
use promlet::{Buckets, Counter, Dynamic, Encoder, Exporter, Family, Gauge, Histogram, Instrument};
use promlet::{Exposition, Registry, labels};
use std::hint::black_box;
use std::net::SocketAddr;

const TEXT: Option<&[u8]> = Some(b"text/plain;version=0.0.4");

pub struct Workload {
    encoder: Encoder,
    counters: Vec<Counter>,
    gauges: Vec<Gauge>,
    histograms: Vec<Histogram>,
    body: Vec<u8>,
}

fn series<M: Instrument>(
    registry: &Registry,
    (name, help): script::Named,
    options: M::Options,
    count: usize,
) -> Vec<M> {
    let family = registry.family_builder(name, help).register_dynamic(&LABELS, options);
    let family: Family<Dynamic, M> = family.expect("the workload's names are legal");
    let handle = |number| {
        let values = Script::label_values(number);
        family.get_or_create(&values.each_ref().map(String::as_str))
    };
    (0..count).map(handle).collect()
}

fn buckets() -> Buckets {
    Buckets::new(BOUNDS).expect("the bounds ascend")
}

impl Workload {
    fn write(&mut self, mut exposition: Exposition) -> &[u8] {
        self.body.clear();
        exposition.write_all(&mut self.body);
        &self.body
    }
}

impl Peer for Workload {
    fn new(script: &Script) -> Workload {
        let registry = Registry::new();
        let counters = (0..COUNTER_FAMILIES)
            .flat_map(|n| series(&registry, Script::counter_family(n), (), script.counters));
        let gauges = (0..GAUGE_FAMILIES)
            .flat_map(|n| series(&registry, Script::gauge_family(n), (), script.gauges));
        Workload {
            counters: counters.collect(),
            gauges: gauges.collect(),
            histograms: series(&registry, Script::histogram_family(), buckets(), script.histograms),
            encoder: Encoder::new(registry),
            body: Vec::new(),
        }
    }

    fn apply(&mut self, update: Update) {
        match update {
            Update::Count { counter, by } => self.counters[counter].inc_by(by),
            Update::Set { gauge, to } => self.gauges[gauge].set(to),
            Update::Observe { histogram, value } => self.histograms[histogram].observe(value),
        }
    }

    fn encode(&mut self) -> &[u8] {
        let exposition = self.encoder.scrape(TEXT, None);
        self.write(exposition)
    }

    fn scrape(&mut self) -> Bytes {
        let mut body = Vec::new();
        self.encoder.scrape(TEXT, None).write_all(&mut body);
        body.into()
    }

    fn encode_gzip(&mut self) -> Option<&[u8]> {
        let exposition = self.encoder.scrape(TEXT, Some(b"gzip"));
        exposition.content_coding()?;
        Some(self.write(exposition))
    }

    fn scrape_gzip(&mut self) -> bool {
        let mut exposition = self.encoder.scrape(TEXT, Some(b"gzip"));
        exposition.write_all(&mut Vec::new());
        exposition.content_coding().is_some()
    }

    fn serve(self: Box<Self>) -> SocketAddr {
        let any_port = "127.0.0.1:0".parse().expect("it is an address");
        let server = Server::bind(&[any_port], Limits::default()).expect("there is a free port");
        let exporter = Exporter::new(self.encoder.registry().clone());
        let server = server.spawn(exporter).expect("there can be one thread more");
        // The handles are what keeps the values.
        std::mem::forget(self);
        let address = server.local_addresses()[0].to_string();
        address.parse().expect("a TCP address is a socket address")
    }
}

labels! {
    struct Request<'a> {
        method: &'a str,
        route: &'a str,
        status: &'a str,
        region: &'a str,
        instance: &'a str,
    }
}

pub struct Few {
    counter: Counter,
    histogram: Histogram,
    requests: Family<Request<'static>, Counter>,
}

impl Default for Few {
    fn default() -> Few {
        let (registry, legal) = (Registry::new(), "the names are legal");
        Few {
            counter: registry.counter("counter_total", "").expect(legal),
            histogram: registry.histogram("seconds", "", buckets()).expect(legal),
            requests: registry.family("requests_total", "").expect(legal),
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
            let (method, status) = ("GET", "200");
            let (region, instance) = ("eu-central-1", "i-0a1b2c3d");
            let labels = Request { method, route: black_box(route), status, region, instance };
            self.requests.get_or_create(&labels).inc();
        }
    }
}
