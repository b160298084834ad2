//! Values that were measured at a known time are shown with it, in every format, and nothing else is.

use super::formats::PROTOBUF;
use super::support::gzip::gunzip;
use super::support::{exposition, openmetrics, protobuf};
use super::{render, scrape};
use promlet::registry::Scrape;
use promlet::{Collect, Dynamic, Encoder, Family, Gauge, Registry, TimedCounter, TimedGauge};
use proptest::prelude::*;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0;escaping=underscores";

fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

/// Passes on what somebody else measured.
struct Federation {
    watts: Family<Dynamic, TimedGauge>,
    joules: TimedCounter,
}

impl Collect for Federation {
    fn collect(&mut self, _: &Scrape) {
        self.watts.get_or_create(&["a"]).set_at(-0.5, time(1_700_000_000_123));
        self.watts.get_or_create(&["b"]).set_at(f64::NAN, time(1_700_000_001_000));
        self.watts.get_or_create(&["c"]).set_at(7.0, UNIX_EPOCH - Duration::from_secs(5));
        self.joules.set_total_at(12.0, time(5));
        self.joules.set_total_at(-1.0, time(6));
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    let legal = "the names are legal";
    let watts = registry.family_builder("watts", "").register_dynamic(&["of"], ()).expect(legal);
    watts.get_or_create(&["unset"]);
    let builder = registry.family_builder("joules_total", "").created().exemplars();
    let joules = builder.register_one(()).expect(legal);
    registry.register_collector(Federation { watts, joules });
    registry.gauge("plain", "").expect(legal).set(1.0);
    registry
}

#[test]
fn text_has_milliseconds() {
    let body = String::from_utf8(render(&registry())).expect("the page is UTF-8");
    exposition::read(body.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let expected = "\
# TYPE joules_total counter
joules_total 12 5
# TYPE plain gauge
plain 1
# TYPE watts gauge
watts{of=\"unset\"} 0
watts{of=\"a\"} -0.5 1700000000123
watts{of=\"b\"} NaN 1700000001000
watts{of=\"c\"} 7 1
";
    assert_eq!(body, expected);
}

#[test]
fn openmetrics_has_seconds() {
    let body = String::from_utf8(scrape(&registry(), OPENMETRICS).1).expect("the page is UTF-8");
    openmetrics::read(body.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let expected = "\
# TYPE joules counter
joules_total 12 0.005
# TYPE plain gauge
plain 1
# TYPE watts gauge
watts{of=\"unset\"} 0
watts{of=\"a\"} -0.5 1700000000.123
watts{of=\"b\"} NaN 1700000001.000
watts{of=\"c\"} 7 0.001
# EOF
";
    assert_eq!(body, expected);
}

#[test]
fn protobuf_has_milliseconds() {
    let body = scrape(&registry(), PROTOBUF).1;
    let families = protobuf::read(&body).unwrap_or_else(|error| panic!("{error} in {body:?}"));
    let metrics = families.iter().flat_map(|family| &family.metrics);
    let shown: Vec<_> =
        metrics.map(|metric| (metric.value.unwrap(), metric.timestamp_ms)).collect();
    assert_eq!(
        shown[..4],
        [(12.0, Some(5)), (1.0, None), (0.0, None), (-0.5, Some(1_700_000_000_123))]
    );
    assert!(shown[4].0.is_nan() && shown[4].1 == Some(1_700_000_001_000));
    assert_eq!(shown[5..], [(7.0, Some(1))]);
    assert!(families.iter().all(|family| family.metrics.iter().all(|m| m.created.is_none())));
}

/// Value and time of each series, in a format that was read.
type Points = Vec<(f64, Option<u64>)>;

fn points(body: &[u8], accept: &str) -> Points {
    if accept == PROTOBUF {
        let families = protobuf::read(body).unwrap_or_else(|error| panic!("{error}"));
        let metrics = families.iter().flat_map(|family| &family.metrics);
        return metrics.map(|m| (m.value.expect("there is one"), m.timestamp_ms)).collect();
    }
    if accept == OPENMETRICS {
        let page = openmetrics::read(body).unwrap_or_else(|error| panic!("{error}"));
        let ms = |seconds: f64| (seconds * 1_000.0).round() as u64;
        return page.samples().map(|s| (s.value, s.timestamp.map(ms))).collect();
    }
    let page = exposition::read(body).unwrap_or_else(|error| panic!("{error}"));
    let ms = |ms: i64| ms.unsigned_abs();
    page.samples().map(|sample| (sample.value, sample.timestamp_ms.map(ms))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Plain families stand between those with times, and series without a time among those with.
    #[test]
    fn every_format_has_the_same_times(
        series in prop::collection::vec((any::<f64>(), 0..1_u64 << 50, 0..6_usize), 1..300),
        room in 1..20_000_usize,
    ) {
        let registry = Registry::new();
        let legal = "the names are legal";
        let timed: Vec<Family<Dynamic, TimedGauge>> = (0..3).map(|number| {
            let builder = registry.family_builder(format!("family_{number}_timed"), "Help.");
            builder.register_dynamic(&["n"], ()).expect(legal)
        }).collect();
        let plain: Vec<Family<Dynamic, Gauge>> = (0..3).map(|number| {
            let builder = registry.family_builder(format!("family_{number}_plain"), "Help.");
            builder.register_dynamic(&["n"], ()).expect(legal)
        }).collect();
        let mut wanted = vec![Vec::new(); 6];
        for (number, (value, ms, family)) in series.iter().enumerate() {
            let (key, value) = (number.to_string(), if value.is_nan() { 0.5 } else { *value });
            let of = &mut wanted[family % 3 * 2 + family / 3];
            if *family < 3 {
                plain[*family].get_or_create(&[key.as_str()]).set(value);
                of.push((value, None));
            } else {
                let gauge = timed[family - 3].get_or_create(&[key.as_str()]);
                let is_set = ms % 5 > 0;
                if is_set {
                    gauge.set_at(value, time(*ms));
                }
                of.push(if is_set { (value, Some(*ms)) } else { (0.0, None) });
            }
        }
        let wanted: Points = wanted.concat();
        let mut encoder = Encoder::new(registry);
        for accept in ["text/plain", OPENMETRICS, PROTOBUF] {
            let mut body = |coding: &[u8]| {
                let mut exposition = encoder.scrape(Some(accept.as_bytes()), Some(coding));
                let mut body = Vec::new();
                while !exposition.write_some(&mut body, room) {}
                (exposition.content_coding(), body)
            };
            let (_, identity) = body(b"identity");
            prop_assert_eq!(&points(&identity, accept), &wanted);
            if let (Some(_), gzip) = body(b"gzip") {
                prop_assert!(gunzip(&gzip).expect("one gzip member") == identity);
            }
        }
    }
}

/// The text around the times is as short in gzip as without them.
#[test]
fn gzip_is_longer_by_the_times_only() {
    let registry = Registry::new();
    let legal = "the names are legal";
    let timed: Family<Dynamic, TimedGauge> =
        registry.family_builder("meter_reading", "").register_dynamic(&["meter"], ()).expect(legal);
    let series = 1_000_u64;
    for number in 0..series {
        let key = format!("/site/building/floor/room/{number}");
        timed.get_or_create(&[key.as_str()]).set_at(1.0, time(1_700_000_000_000 + number));
    }
    let mut body = Vec::new();
    let mut encoder = Encoder::new(registry);
    encoder.scrape(None, Some(b"gzip")).write_all(&mut body);
    let len = body.len() as u64;
    assert!(len < series * 20, "{len} bytes");
}

/// A scrape sees no value with a time that is later than its own.
#[test]
fn times_are_never_later_than_their_values() {
    let registry = Registry::new();
    let gauge: TimedGauge = registry.family_builder("ms", "").register_one(()).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for ms in 1..200_000_u32 {
                gauge.set_at(ms.into(), time(ms.into()));
            }
        });
        while !writer.is_finished() {
            for (value, ms) in points(&render(&registry), "").into_iter().take(1) {
                assert!(ms.is_none_or(|ms| ms as f64 <= value), "{value} at {ms:?}");
            }
        }
    });
}
