//! Exemplars are shown where they are asked for, behind the value that they are of, by the formats
//! that can; and a body with them is as right in every other way.

use super::formats::PROTOBUF;
use super::support::gzip::gunzip;
use super::support::{openmetrics, protobuf};
use super::{render, scrape};
use promlet::encoding::negotiate;
use promlet::registry::{Group, Selection};
use promlet::{
    Buckets, Counter, Dynamic, Encoder, Exemplar, Family, FloatCounter, Gauge, Histogram,
    NativeBuckets, Registry, ShardedCounter,
};
use proptest::prelude::*;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0;escaping=underscores";

fn exemplar(id: &str, time_ms: u64) -> Exemplar {
    let exemplar = Exemplar::new(&[("trace_id", id)]).expect("the label is legal");
    exemplar.at(UNIX_EPOCH + Duration::from_millis(time_ms))
}

/// A family of each kind, of which each series has its exemplars.
fn registry() -> Registry {
    let registry = Registry::new();
    let builder = |name: &'static str| registry.family_builder(name, "").exemplars();
    let legal = "the names are legal";
    let jobs: Counter = builder("jobs_total").created().register_one(()).expect(legal);
    jobs.inc_by_with_exemplar(3, exemplar("a\"\\\n", 1_700_000_000_123));
    let heat: FloatCounter = builder("heat_total").register_one(()).expect(legal);
    heat.inc_by_with_exemplar(0.5, exemplar("b", 1_700_000_000_000));
    heat.inc_by_with_exemplar(-0.5, exemplar("left out, as the amount is", 1));
    let shards: ShardedCounter = builder("shards_total").register_one(()).expect(legal);
    shards.inc_by_with_exemplar(1, exemplar("c", 0));
    let restarts: Counter = builder("restarts").register_one(()).expect(legal);
    restarts.inc_by_with_exemplar(1, exemplar("of a counter without _total", 1));
    let unknown: Counter = builder("unknown_total").unknown().register_one(()).expect(legal);
    unknown.inc_by_with_exemplar(1, exemplar("of something unknown", 1));
    let gauge: Gauge = builder("gauge").register_one(()).expect(legal);
    gauge.set(1.0);
    let buckets = |bounds: &[f64]| Buckets::new(bounds).expect("the bounds ascend");
    let waits: Family<Dynamic, Histogram> =
        builder("wait_seconds").register_dynamic(&["n"], buckets(&[0.5, 1.0])).expect(legal);
    let wait = waits.get_or_create(&["1"]);
    wait.observe_with_exemplar(0.75, exemplar("replaced", 5));
    wait.observe_with_exemplar(1.0, exemplar("on the bound", 5));
    wait.observe_with_exemplar(7.0, exemplar("", 1_001));
    wait.observe_with_exemplar(f64::INFINITY, exemplar("of no finite value", 5));
    waits.get_or_create(&["2"]).observe(0.25);
    let drift: Histogram = builder("drift").register_one(buckets(&[-0.5])).expect(legal);
    drift.observe_with_exemplar(-1.0, exemplar("d", 5));
    let native = NativeBuckets::new(0, 1.0..=2.0).expect("a range");
    let native = buckets(&[1.5]).with_native(native);
    let native: Histogram = builder("native").register_one(native).expect(legal);
    native.observe_with_exemplar(2.0, exemplar("e", 5));
    let plain = registry.counter("plain_total", "").expect(legal);
    plain.inc_by_with_exemplar(1, exemplar("that nobody asked for", 5));
    registry
}

#[test]
fn openmetrics_shows_them_behind_totals_and_buckets() {
    let body = String::from_utf8(scrape(&registry(), OPENMETRICS).1).expect("the page is UTF-8");
    openmetrics::read(body.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let shown: Vec<&str> = body.lines().filter(|line| line.contains(" # ")).collect();
    let expected = [
        r#"heat_total 0.5 # {trace_id="b"} 0.5 1700000000.000"#,
        r#"jobs_total 3 # {trace_id="a\"\\\n"} 3 1700000000.123"#,
        r#"native_bucket{le="+Inf"} 1 # {trace_id="e"} 2 0.005"#,
        r#"shards_total 1 # {trace_id="c"} 1 0.001"#,
        r#"wait_seconds_bucket{n="1",le="1.0"} 2 # {trace_id="on the bound"} 1 0.005"#,
        r#"wait_seconds_bucket{n="1",le="+Inf"} 4 # {trace_id=""} 7 1.001"#,
    ];
    assert_eq!(shown, expected);
    assert!(
        body.contains("jobs_total 3 # {trace_id=\"a\\\"\\\\\\n\"} 3 1700000000.123\njobs_created ")
    );
}

#[test]
fn protobuf_has_them_in_counters_and_buckets() {
    let body = scrape(&registry(), PROTOBUF).1;
    let families = protobuf::read(&body).unwrap_or_else(|error| panic!("{error} in {body:?}"));
    let mut shown = Vec::new();
    for metric in families.iter().flat_map(|family| &family.metrics) {
        let buckets = metric.histogram.iter().flat_map(|histogram| &histogram.buckets);
        let exemplars = metric.exemplar.iter().chain(buckets.filter_map(|(.., e)| e.as_ref()));
        shown.extend(exemplars.map(|e| (e.labels[0].1.as_str(), e.value, e.timestamp.unwrap())));
    }
    let expected = [
        ("d", -1.0, (0, 5_000_000)),
        ("b", 0.5, (1_700_000_000, 0)),
        ("a\"\\\n", 3.0, (1_700_000_000, 123_000_000)),
        ("e", 2.0, (0, 5_000_000)),
        ("of a counter without _total", 1.0, (0, 1_000_000)),
        ("c", 1.0, (0, 1_000_000)),
        ("on the bound", 1.0, (0, 5_000_000)),
        ("", 7.0, (1, 1_000_000)),
    ];
    assert_eq!(shown, expected);
    let created = |name| families.iter().find(|f| f.name == name).unwrap().metrics[0].created;
    assert!(created("jobs_total").is_some() && created("heat_total").is_none());
    assert!(
        families.iter().find(|f| f.name == "native").unwrap().metrics[0]
            .histogram
            .as_ref()
            .unwrap()
            .native
            .is_some()
    );
}

#[test]
fn text_has_no_word_for_them() {
    let body = String::from_utf8(render(&registry())).expect("the page is UTF-8");
    assert!(!body.contains("trace_id"), "{body}");
}

/// Also where a slot comes from a series that was removed.
#[test]
fn a_new_series_has_none() {
    let registry = Registry::new();
    let builder = registry.family_builder("jobs_total", "").exemplars();
    let family: Family<Dynamic, Counter> = builder.register_dynamic(&["n"], ()).unwrap();
    family.get_or_create(&["1"]).inc_by_with_exemplar(1, exemplar("a", 5));
    let mut encoder = Encoder::new(registry);
    let mut body = || {
        let mut body = Vec::new();
        encoder.scrape(Some(OPENMETRICS.as_bytes()), None).write_all(&mut body);
        String::from_utf8(body).expect("the page is UTF-8")
    };
    assert!(body().contains("jobs_total{n=\"1\"} 1 # {trace_id=\"a\"} 1 0.005\n"));
    family.remove(&["1"]);
    body();
    family.get_or_create(&["2"]).inc();
    assert!(body().contains("jobs_total{n=\"2\"} 1\n"), "{}", body());
}

#[test]
fn an_exemplar_without_a_time_is_of_now() {
    let registry = Registry::new();
    let builder = registry.family_builder("jobs_total", "").exemplars();
    let jobs: Counter = builder.register_one(()).unwrap();
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() - 0.001;
    jobs.inc_by_with_exemplar(1, Exemplar::new(&[]).unwrap());
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let page = openmetrics::read(&scrape(&registry, OPENMETRICS).1).unwrap();
    let shown = page.samples().next().unwrap().exemplar.as_ref().unwrap().timestamp.unwrap();
    assert!((before..=after).contains(&shown), "{shown} is not in {before}..={after}");
}

/// Identifier, value and time of an exemplar.
type Given = (String, f64, u64);

/// A counter and a histogram family: which exemplars their series are given.
#[derive(Clone, Debug)]
struct Plan {
    keeps_exemplars: bool,
    /// The amount that each exemplar's counter grows by, and the exemplars.
    series: Vec<(u32, Vec<Given>)>,
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let id = prop_oneof![any::<String>(), "[a-z\\\\\"\n]{0,4}"];
    let id = id.prop_map(|id: String| id.chars().take(100).collect::<String>());
    let exemplar = (id, 0.0..4.0_f64, 1..u64::from(u32::MAX));
    let series = (any::<u32>(), prop::collection::vec(exemplar, 0..4));
    (any::<bool>(), prop::collection::vec(series, 1..100))
        .prop_map(|(keeps_exemplars, series)| Plan { keeps_exemplars, series })
}

const BOUNDS: [f64; 3] = [1.0, 2.0, 3.0];

/// Registers the families of each plan, in groups of their own.
fn registry_of(plans: &[Plan]) -> Registry {
    let registry = Registry::new();
    for (number, plan) in plans.iter().enumerate() {
        let view = registry.in_group(Group::new(number as u8).expect("there are 128"));
        let builder = |name: &str| {
            let builder = view.family_builder(format!("family_{number}_{name}"), "Help.");
            if plan.keeps_exemplars { builder.exemplars() } else { builder }
        };
        let legal = "the names are legal";
        let counters: Family<Dynamic, Counter> =
            builder("total").register_dynamic(&["n"], ()).expect(legal);
        let histograms: Family<Dynamic, Histogram> = builder("seconds")
            .register_dynamic(&["n"], Buckets::new(BOUNDS).expect("they ascend"))
            .expect(legal);
        for (index, (amount, exemplars)) in plan.series.iter().enumerate() {
            let key = index.to_string();
            let counter = counters.get_or_create(&[key.as_str()]);
            let histogram = histograms.get_or_create(&[key.as_str()]);
            for (id, value, time_ms) in exemplars {
                counter.inc_by_with_exemplar((*amount).into(), exemplar(id, *time_ms));
                histogram.observe_with_exemplar(*value, exemplar(id, *time_ms));
            }
        }
    }
    registry
}

/// What the buckets and totals of all families have, in their order.
fn expected(plans: &[Plan]) -> Vec<Option<Given>> {
    let mut all = Vec::new();
    for plan in plans {
        let newest = |exemplars: &[Given], low: f64, high: f64| {
            let kept = exemplars.iter().rfind(|(_, value, _)| *value > low && *value <= high);
            kept.filter(|_| plan.keeps_exemplars).cloned()
        };
        let lows = [f64::NEG_INFINITY].into_iter().chain(BOUNDS);
        let buckets = lows.zip(BOUNDS.into_iter().chain([f64::INFINITY]));
        for (_, exemplars) in &plan.series {
            all.extend(buckets.clone().map(|(low, high)| newest(exemplars, low, high)));
        }
        for (amount, exemplars) in &plan.series {
            let kept = newest(exemplars, f64::NEG_INFINITY, f64::INFINITY);
            all.push(kept.map(|(id, _, time_ms)| (id, (*amount).into(), time_ms)));
        }
    }
    all
}

fn of_openmetrics(body: &[u8]) -> Vec<Option<Given>> {
    let page = openmetrics::read(body).unwrap_or_else(|error| panic!("{error}"));
    let lines =
        page.samples().filter(|s| s.name.ends_with("_bucket") || s.name.ends_with("_total"));
    let kept = lines.map(|sample| {
        let exemplar = sample.exemplar.as_ref()?;
        let seconds = exemplar.timestamp.expect("there is a time");
        let time_ms = (seconds * 1_000.0).round() as u64;
        Some((exemplar.labels[0].1.clone(), exemplar.value, time_ms))
    });
    kept.collect()
}

fn of_protobuf(body: &[u8]) -> Vec<Option<Given>> {
    let families = protobuf::read(body).unwrap_or_else(|error| panic!("{error}"));
    let kept = |exemplar: &Option<protobuf::Exemplar>| {
        let exemplar = exemplar.as_ref()?;
        let (seconds, nanos) = exemplar.timestamp.expect("there is a time");
        Some((exemplar.labels[0].1.clone(), exemplar.value, seconds * 1_000 + nanos / 1_000_000))
    };
    let metrics = families.iter().flat_map(|family| &family.metrics);
    let of_metric = |metric: &protobuf::Metric| match &metric.histogram {
        Some(histogram) => histogram.buckets.iter().map(|(.., e)| kept(e)).collect(),
        None => vec![kept(&metric.exemplar)],
    };
    metrics.flat_map(of_metric).collect()
}

/// The whole body, rendered in pieces of about `room` bytes.
fn body(
    encoder: &mut Encoder,
    accept: &str,
    coding: &[u8],
    selection: Selection,
    room: usize,
) -> Vec<u8> {
    let choice = negotiate(Some(accept.as_bytes()), Some(coding));
    let mut exposition = encoder.exposition(choice, selection, Instant::now());
    let mut body = Vec::new();
    while !exposition.write_some(&mut body, room) {}
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_kept_reads_back(
        plans in prop::collection::vec(any_plan(), 1..6),
        left_out in 1..6_u8,
        room in 1..20_000_usize,
    ) {
        let wanted = expected(&plans);
        let mut encoder = Encoder::new(registry_of(&plans));
        let some = Selection::ALL.without(Group::new(left_out).expect("there are 128"));
        let whole = body(&mut encoder, OPENMETRICS, b"", Selection::ALL, room);
        prop_assert_eq!(&of_openmetrics(&whole), &wanted);
        let protobuf = body(&mut encoder, PROTOBUF, b"", Selection::ALL, room);
        prop_assert_eq!(&of_protobuf(&protobuf), &wanted);
        for selection in [Selection::ALL, some] {
            for accept in [OPENMETRICS, "text/plain"] {
                let identity = body(&mut encoder, accept, b"identity", selection, room);
                let gzip = body(&mut encoder, accept, b"gzip", selection, room);
                prop_assert_eq!(&gunzip(&gzip).expect("one gzip member"), &identity);
            }
        }
    }
}

/// Families with exemplars and without take turns, and series come and go in both: no page is
/// completed with text that lies on the other side of one that has no template.
#[test]
fn gzip_holds_as_pages_change_around_exemplars() {
    let registry = Registry::new();
    let families: Vec<Family<Dynamic, Counter>> = (0..9)
        .map(|number| {
            let builder = registry.family_builder(format!("family_{number}_total"), "Some help.");
            let builder = if number % 3 == 1 { builder.exemplars() } else { builder };
            builder.register_dynamic(&["label"], ()).expect("the names are free")
        })
        .collect();
    let mut encoder = Encoder::new(registry);
    for step in 0..60_usize {
        let family = &families[step * 7 % families.len()];
        for number in 0..step * 5 % 90 {
            let counter = family.get_or_create(&[number.to_string().as_str()]);
            counter.inc_by_with_exemplar(step as u64, exemplar(&"x".repeat(number), 5));
        }
        if step % 4 == 3 {
            families[step % families.len()].clear();
        }
        let identity = body(&mut encoder, OPENMETRICS, b"", Selection::ALL, 10_000);
        openmetrics::read(&identity).unwrap_or_else(|error| panic!("{error}"));
        let gzip = body(&mut encoder, OPENMETRICS, b"gzip", Selection::ALL, 10_000);
        assert!(gunzip(&gzip).expect("one gzip member") == identity, "step {step}");
    }
}

/// Between none and the longest, exemplars move what matches point to by up to what they may.
#[test]
fn gzip_holds_however_long_exemplars_are() {
    let registry = Registry::new();
    let builder = registry.family_builder("family_total", "Help.").exemplars();
    let family: Family<Dynamic, Counter> =
        builder.register_dynamic(&["long", "number"], ()).expect("the names are free");
    let long = "x".repeat(700);
    let series = |number: usize| family.get_or_create(&[long.as_str(), &number.to_string()]);
    let counters: Vec<Counter> = (0..300).map(series).collect();
    let mut encoder = Encoder::new(registry);
    for (len, every) in [(0, 300), (119, 1), (119, 7), (3, 2), (60, 1)] {
        for counter in counters.iter().step_by(every) {
            let id = "\u{10ffff}".repeat(len);
            counter.inc_by_with_exemplar(1 << 50, exemplar(&id, u64::MAX >> 20));
        }
        let identity = body(&mut encoder, OPENMETRICS, b"", Selection::ALL, 10_000);
        openmetrics::read(&identity).unwrap_or_else(|error| panic!("{error}"));
        let gzip = body(&mut encoder, OPENMETRICS, b"gzip", Selection::ALL, 10_000);
        assert!(gunzip(&gzip).expect("one gzip member") == identity, "{len} {every}");
    }
}

/// A scrape sees an exemplar only with a value that has counted it, and neither waits for the other
/// for long.
#[test]
fn scrapes_amid_updates_are_consistent() {
    const OBSERVATIONS: u32 = 20_000;
    let registry = Registry::new();
    let builder = registry.family_builder("wait_seconds", "").exemplars();
    let waits: Histogram =
        builder.register_one(Buckets::new(BOUNDS).expect("they ascend")).expect("it is free");
    std::thread::scope(|scope| {
        let writers = [0, 1].map(|writer| {
            let waits = &waits;
            scope.spawn(move || {
                for number in 0..OBSERVATIONS {
                    let value = f64::from(number % 8) / 2.0;
                    let exemplar = exemplar(&format!("{writer}-{number}"), 5);
                    waits.observe_with_exemplar(value, exemplar);
                }
            })
        });
        while !writers.iter().all(|writer| writer.is_finished()) {
            let page = openmetrics::read(&scrape(&registry, OPENMETRICS).1).expect("it is right");
            let mut below = 0.0;
            for bucket in page.samples().filter(|sample| sample.name.ends_with("_bucket")) {
                assert!(bucket.exemplar.is_none() || bucket.value > below, "{bucket:?}");
                below = bucket.value;
            }
        }
    });
    assert_eq!(waits.count(), u64::from(2 * OBSERVATIONS));
    let page = openmetrics::read(&scrape(&registry, OPENMETRICS).1).expect("it is right");
    assert!(page.samples().take(BOUNDS.len() + 1).all(|bucket| bucket.exemplar.is_some()));
}
