//! measured: groups of labels interned by the family, a buffered text encoder. A held handle is
//! the identifier of a series, which finds the series faster than its labels do.

use crate::peer::{BOUNDS, Peer, Updates};
use crate::script::{COUNTER_FAMILIES, GAUGE_FAMILIES, Named, Script, Update};
use bytes::Bytes;
use measured::metric::group::Encoding;
use measured::metric::histogram::{HistogramState, Thresholds};
use measured::metric::name::MetricName;
use measured::metric::{LabelId, MetricFamilyEncoding, MetricType, MetricVec};
use measured::metric::{counter::CounterState, gauge::FloatGaugeState};
use measured::text::BufferedTextEncoder;
use measured::{Counter, CounterVec, Histogram, LabelGroup};
use paracord::ParaCord;
use std::hint::black_box;

const BUCKETS: usize = BOUNDS.len();

#[derive(Clone, Copy, LabelGroup)]
#[label(set = SeriesSet)]
struct Series<'a> {
    #[label(dynamic_with = ParaCord, default)]
    instance_id: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    method: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    region: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    route: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    status: &'a str,
}

/// A family, what it is called, and its series.
struct Family<M: MetricType> {
    named: Named,
    series: MetricVec<M, SeriesSet>,
    ids: Vec<LabelId<SeriesSet>>,
}

impl<M: MetricType> Family<M> {
    fn new(named: Named, metadata: M::Metadata, count: usize) -> Family<M> {
        let series = MetricVec::with_label_set_and_metadata(SeriesSet::default(), metadata);
        let id = |number| {
            let values = Script::label_values(number);
            let [instance_id, method, region, route, status] = values.each_ref().map(|v| &**v);
            let id = series.with_labels(Series { instance_id, method, region, route, status });
            // A series is there from its first use on.
            drop(series.get_metric(id));
            id
        };
        let ids = (0..count).map(id).collect();
        Family { named, series, ids }
    }

    fn write(&self, encoder: &mut BufferedTextEncoder)
    where
        MetricVec<M, SeriesSet>: MetricFamilyEncoding<BufferedTextEncoder>,
    {
        let name = MetricName::try_from_str(&self.named.0).expect("the names are legal");
        encoder.write_help(name, &self.named.1).expect("it cannot fail");
        self.series.collect_family_into(name, encoder).expect("it cannot fail");
    }
}

pub struct Workload {
    counters: Vec<Family<CounterState>>,
    gauges: Vec<Family<FloatGaugeState>>,
    histograms: Family<HistogramState<BUCKETS>>,
    encoder: BufferedTextEncoder,
    body: Bytes,
}

impl Workload {
    fn write(&self, encoder: &mut BufferedTextEncoder) -> Bytes {
        self.counters.iter().for_each(|family| family.write(encoder));
        self.gauges.iter().for_each(|family| family.write(encoder));
        self.histograms.write(encoder);
        encoder.finish()
    }
}

impl Peer for Workload {
    fn new(script: &Script) -> Workload {
        let counters = (0..COUNTER_FAMILIES)
            .map(|n| Family::new(Script::counter_family(n), (), script.counters));
        let gauges =
            (0..GAUGE_FAMILIES).map(|n| Family::new(Script::gauge_family(n), (), script.gauges));
        let thresholds = Thresholds::with_buckets(BOUNDS);
        Workload {
            counters: counters.collect(),
            gauges: gauges.collect(),
            histograms: Family::new(Script::histogram_family(), thresholds, script.histograms),
            encoder: BufferedTextEncoder::new(),
            body: Bytes::new(),
        }
    }

    fn apply(&mut self, update: Update) {
        match update {
            Update::Count { counter, by } => {
                let per_family = self.counters[0].ids.len();
                let family = &self.counters[counter / per_family];
                family.series.get_metric(family.ids[counter % per_family]).inc_by(by);
            }
            Update::Set { gauge, to } => {
                let per_family = self.gauges[0].ids.len();
                let family = &self.gauges[gauge / per_family];
                family.series.get_metric(family.ids[gauge % per_family]).set(to);
            }
            Update::Observe { histogram, value } => {
                let family = &self.histograms;
                family.series.get_metric(family.ids[histogram]).observe(value);
            }
        }
    }

    fn encode(&mut self) -> &[u8] {
        // Its buffer is used again only if nobody holds what was made of it.
        self.body = Bytes::new();
        let mut encoder = std::mem::take(&mut self.encoder);
        self.body = self.write(&mut encoder);
        self.encoder = encoder;
        &self.body
    }

    fn scrape(&mut self) -> Bytes {
        self.write(&mut BufferedTextEncoder::new())
    }
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = RequestSet)]
struct Request<'a> {
    #[label(dynamic_with = ParaCord, default)]
    method: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    route: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    status: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    region: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    instance: &'a str,
}

pub struct Few {
    counter: Counter,
    histogram: Histogram<BUCKETS>,
    requests: CounterVec<RequestSet>,
}

impl Default for Few {
    fn default() -> Few {
        Few {
            counter: Counter::new(),
            histogram: Histogram::with_metadata(Thresholds::with_buckets(BOUNDS)),
            requests: CounterVec::with_label_set(RequestSet::default()),
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
            self.requests.inc(Request {
                method,
                route: black_box(route),
                status,
                region,
                instance,
            });
        }
    }
}
