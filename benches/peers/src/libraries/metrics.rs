//! metrics-exporter-prometheus: a recorder behind the macros of `metrics`, its own listener.

use crate::peer::{BOUNDS, Peer, Updates};
use crate::script::{COUNTER_FAMILIES, GAUGE_FAMILIES, LABELS, Script, Update};
use bytes::Bytes;
use metrics::{Counter, Gauge, Histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::hint::black_box;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use tokio::runtime;

pub struct Workload {
    handle: PrometheusHandle,
    address: SocketAddr,
    counters: Vec<Counter>,
    gauges: Vec<Gauge>,
    histograms: Vec<Histogram>,
    body: Vec<u8>,
}

fn builder() -> PrometheusBuilder {
    PrometheusBuilder::new().set_buckets(&BOUNDS).expect("there are bounds")
}

/// A recorder whose listener and upkeep run on a thread of their own, as `install` has it.
fn spawn() -> (PrometheusRecorder, SocketAddr) {
    // It takes an address and does not tell which port it got.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("there is a free port");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("there can be one more runtime").block_on(async {
            let built = builder().with_http_listener(address).build();
            let (recorder, listener) = built.expect("the address is free");
            sender.send(recorder).expect("it is waited for");
            listener.await.expect("it listens until the process ends");
        });
    });
    (receiver.recv().expect("the recorder was built"), address)
}

fn series<M>(count: usize, register: impl Fn(&[(&'static str, String)]) -> M) -> Vec<M> {
    let handle = |number| {
        let values = Script::label_values(number).into_iter();
        let labels: Vec<_> = LABELS.into_iter().zip(values).collect();
        register(&labels)
    };
    (0..count).map(handle).collect()
}

impl Peer for Workload {
    fn new(script: &Script) -> Workload {
        let (recorder, address) = spawn();
        let (mut counters, mut gauges) = (Vec::new(), Vec::new());
        let histograms = with_local_recorder(&recorder, || {
            for number in 0..COUNTER_FAMILIES {
                let (name, help) = Script::counter_family(number);
                metrics::describe_counter!(name.clone(), help);
                let register = |labels: &[_]| metrics::counter!(name.clone(), labels);
                counters.extend(series(script.counters, register));
            }
            for number in 0..GAUGE_FAMILIES {
                let (name, help) = Script::gauge_family(number);
                metrics::describe_gauge!(name.clone(), help);
                let register = |labels: &[_]| metrics::gauge!(name.clone(), labels);
                gauges.extend(series(script.gauges, register));
            }
            let (name, help) = Script::histogram_family();
            metrics::describe_histogram!(name.clone(), help);
            series(script.histograms, |labels: &[_]| metrics::histogram!(name.clone(), labels))
        });
        let handle = recorder.handle();
        Workload { handle, address, counters, gauges, histograms, body: Vec::new() }
    }

    fn apply(&mut self, update: Update) {
        match update {
            Update::Count { counter, by } => self.counters[counter].increment(by),
            Update::Set { gauge, to } => self.gauges[gauge].set(to),
            Update::Observe { histogram, value } => self.histograms[histogram].record(value),
        }
    }

    fn encode(&mut self) -> &[u8] {
        self.body.clear();
        self.handle.render_to_write(&mut self.body).expect("a Vec takes everything");
        &self.body
    }

    fn scrape(&mut self) -> Bytes {
        self.handle.render().into()
    }

    fn serve(self: Box<Self>) -> SocketAddr {
        self.address
    }
}

pub struct Few {
    recorder: PrometheusRecorder,
    counter: Counter,
    histogram: Histogram,
}

impl Default for Few {
    fn default() -> Few {
        let recorder = builder().build_recorder();
        let (counter, histogram) = with_local_recorder(&recorder, || {
            (metrics::counter!("counter_total"), metrics::histogram!("seconds"))
        });
        Few { recorder, counter, histogram }
    }
}

impl Updates for Few {
    fn count(&self, rounds: u64) {
        (0..rounds).for_each(|_| black_box(&self.counter).increment(1));
    }

    fn observe(&self, rounds: u64) {
        (0..rounds).for_each(|_| black_box(&self.histogram).record(black_box(0.3)));
        // Observations are kept one by one until somebody takes them out.
        self.recorder.handle().run_upkeep();
    }

    fn look_up(&self, rounds: u64, routes: &[String]) {
        with_local_recorder(&self.recorder, || {
            for route in routes.iter().cycle().take(rounds as usize) {
                metrics::counter!("requests_total",
                    "method" => "GET", "route" => black_box(route).clone(), "status" => "200",
                    "region" => "eu-central-1", "instance" => "i-0a1b2c3d")
                .increment(1);
            }
        });
    }
}
