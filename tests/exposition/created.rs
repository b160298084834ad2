//! Times of creation are shown where they are asked for, by the formats that can, of what has one.

use super::formats::PROTOBUF;
use super::support::gzip::gunzip;
use super::support::{openmetrics, protobuf};
use super::{render, scrape};
use promlet::{
    Buckets, Counter, Dynamic, Encoder, Family, Gauge, Histogram, NativeBuckets, Registry,
};
use std::time::{SystemTime, UNIX_EPOCH};

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0;escaping=underscores";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs()
}

/// A family of each kind with the same two series.
fn registry() -> Registry {
    let registry = Registry::new();
    let builder = |name: &'static str| registry.family_builder(name, "").created();
    let names = ["a", "b"];
    macro_rules! register {
        ($name:expr, $type:ty, $options:expr) => {{
            let family: Family<Dynamic, $type> =
                builder($name).register_dynamic(&["n"], $options).expect("the name is free");
            names.iter().for_each(|name| drop(family.get_or_create(&[*name])));
        }};
    }
    register!("counter.of_total", Counter, ());
    register!("counter", Counter, ());
    register!("gauge", Gauge, ());
    register!("histogram", Histogram, Buckets::new([0.5]).expect("one bound"));
    register!("drift", Histogram, Buckets::new([-0.5]).expect("one bound"));
    let native = NativeBuckets::new(0, 1.0..=2.0).expect("a range");
    register!("native", Histogram, Buckets::new([]).expect("no bounds").with_native(native));
    registry.counter("other_total", "").expect("the name is free");
    registry
}

#[test]
fn creation_stands_directly_behind_the_samples_of_a_metric() {
    let before = now();
    let registry = registry();
    let body = scrape(&registry, OPENMETRICS).1;
    let page = openmetrics::read(&body).unwrap_or_else(|error| panic!("{error}"));
    let created = before as f64..=now() as f64;
    for sample in page.samples().filter(|sample| sample.name.ends_with("_created")) {
        assert!(created.contains(&sample.value), "{sample:?}");
    }
    let names: Vec<String> = page
        .samples()
        .filter(|sample| !sample.name.starts_with("drift"))
        .map(|sample| format!("{}/{}", sample.name, sample.label("n").unwrap_or_default()))
        .collect();
    let histogram = |name: &str, buckets: usize| {
        let samples = ["a", "b"].map(|n| {
            let mut samples = vec![format!("{name}_bucket/{n}"); buckets];
            samples.extend(["sum", "count", "created"].map(|s| format!("{name}_{s}/{n}")));
            samples
        });
        samples.concat()
    };
    let mut expected = ["counter/a", "counter/b"].map(str::to_owned).to_vec();
    for name in ["a", "b"] {
        expected.extend(["total", "created"].map(|s| format!("counter_of_{s}/{name}")));
    }
    expected.extend(["gauge/a", "gauge/b"].map(str::to_owned));
    expected.extend(histogram("histogram", 2));
    expected.extend(histogram("native", 1));
    expected.push("other_total/".to_owned());
    assert_eq!(names, expected);
    // Bounds below zero make it no histogram here, and what is not one has no such time.
    assert!(page.samples().all(|sample| sample.name != "drift_created"));
}

#[test]
fn protobuf_says_it_of_counters_and_histograms() {
    let before = now();
    let registry = registry();
    let body = scrape(&registry, PROTOBUF).1;
    for family in protobuf::read(&body).unwrap_or_else(|error| panic!("{error} in {body:?}")) {
        let has_created = !matches!(family.name.as_str(), "gauge" | "other_total");
        for metric in &family.metrics {
            assert_eq!(metric.created.is_some(), has_created, "{}", family.name);
            if let Some((seconds, nanos)) = metric.created {
                assert!((before..=now()).contains(&seconds) && nanos == 0, "{}", family.name);
            }
        }
    }
}

#[test]
fn text_has_no_word_for_it() {
    let body = String::from_utf8(render(&registry())).expect("the page is UTF-8");
    assert!(!body.contains("_created"), "{body}");
}

#[test]
fn gzip_has_it_too() {
    let mut encoder = Encoder::new(registry());
    let mut body = |coding: &[u8]| {
        let mut body = Vec::new();
        encoder.scrape(Some(OPENMETRICS.as_bytes()), Some(coding)).write_all(&mut body);
        body
    };
    let identity = body(b"identity");
    assert_eq!(gunzip(&body(b"gzip")).expect("one gzip member"), identity);
    assert!(identity.windows(9).any(|text| text == b"_created{"));
}
