//! Native histograms: what was observed is what protobuf says, and the other formats show the classic
//! buckets.

use super::formats::PROTOBUF;
use super::scrape;
use super::support::protobuf::{self, Native};
use promlet::{Buckets, Dynamic, Family, Histogram, NativeBuckets, Registry};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn family(
    registry: &Registry,
    bounds: &[f64],
    native: NativeBuckets,
) -> Family<Dynamic, Histogram> {
    let buckets = Buckets::new(bounds).expect("the bounds ascend").with_native(native);
    let builder = registry.family_builder("h", "Help.");
    builder.register_dynamic(&["n"], buckets).expect("the name is free")
}

fn read(registry: &Registry) -> Vec<protobuf::Metric> {
    let (_, body) = scrape(registry, PROTOBUF);
    let families = protobuf::read(&body).unwrap_or_else(|error| panic!("{error} in {body:?}"));
    families.into_iter().flat_map(|family| family.metrics).collect()
}

#[test]
fn native_buckets_stand_beside_classic_ones() {
    let registry = Registry::new();
    let family = family(&registry, &[-1.0, 2.0], NativeBuckets::new(0, 0.25..=64.0).unwrap());
    let histogram = family.get_or_create(&["a"]);
    family.get_or_create(&["b"]);
    for value in [0.0, 0.1, 0.3, 1.0, 1.5, 2.0, 2.0, 1e9, -3.0] {
        histogram.observe(value);
    }
    let metrics = read(&registry);
    let [a, b] = &metrics[..] else { panic!("two series: {metrics:?}") };
    assert_eq!(a.labels, [("n".to_owned(), "a".to_owned())]);
    let shown = a.histogram.as_ref().unwrap();
    assert_eq!((shown.count, shown.sum), (Some(9), Some(1e9 + 3.9)));
    assert_eq!(shown.buckets, [(-1.0, 1, None), (2.0, 8, None), (f64::INFINITY, 9, None)]);
    let native = Native {
        schema: 0,
        zero_threshold: 0.25,
        zero_count: 2,
        negative: vec![(2, 1)],
        positive: vec![(-1, 1), (0, 1), (1, 3), (6, 1)],
    };
    assert_eq!(shown.native.as_ref(), Some(&native));
    let empty = b.histogram.as_ref().unwrap();
    let none = Native { zero_threshold: 0.25, ..Native::default() };
    assert_eq!((empty.count, empty.native.as_ref()), (Some(0), Some(&none)));

    let text = String::from_utf8(scrape(&registry, "").1).unwrap();
    assert!(
        text.ends_with("h_bucket{n=\"b\",le=\"+Inf\"} 0\nh_sum{n=\"b\"} 0\nh_count{n=\"b\"} 0\n")
    );
    assert!(text.contains("h_bucket{n=\"a\",le=\"2\"} 8\n"), "{text}");

    // NaN is counted by the total only, which is legal only while the sum is NaN.
    histogram.observe(f64::NAN);
    let metrics = read(&registry);
    let shown = metrics[0].histogram.as_ref().unwrap();
    assert!(shown.sum.unwrap().is_nan());
    assert_eq!((shown.count, shown.native.as_ref()), (Some(10), Some(&native)));
}

/// Whatever a scrape sees of observations in flight, the reader finds the buckets and the count to
/// agree, and none of it goes back.
#[test]
fn scrapes_amid_observations_are_consistent() {
    const OBSERVATIONS: u32 = 20_000;
    let registry = Registry::new();
    let family = family(&registry, &[-1.0, 1.0], NativeBuckets::new(2, 0.5..=32.0).unwrap());
    let histogram = family.get_or_create(&["a"]);
    let shown = || read(&registry).remove(0).histogram.expect("it is a histogram");
    std::thread::scope(|scope| {
        let writers = [-1.0, 1.0].map(|sign| {
            let histogram = &histogram;
            scope.spawn(move || {
                for number in 0..OBSERVATIONS {
                    histogram.observe(sign * f64::from(number % 40));
                }
            })
        });
        let mut last = shown();
        while !writers.iter().all(|writer| writer.is_finished()) {
            let next = shown();
            assert!(next.count >= last.count);
            let counts = next.buckets.iter().map(|(_, count, _)| *count);
            assert!(counts.clone().is_sorted() && counts.max() == next.count, "{next:?}");
            let ascends = next.buckets.iter().zip(&last.buckets).all(|(new, old)| new.1 >= old.1);
            assert!(ascends, "{next:?} after {last:?}");
            last = next;
        }
    });
    assert_eq!(shown().count, Some(u64::from(2 * OBSERVATIONS)));
}

/// The number of the bucket of a positive value, from logarithms.
fn bucket(schema: i8, value: f64) -> i64 {
    (value.log2() * f64::from(schema).exp2()).ceil() as i64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn observations_are_counted_where_they_belong(
        schema in -4..=8_i8,
        series in prop::collection::vec(prop::collection::vec(-9.0..9.0_f64, 0..40), 1..100),
    ) {
        let registry = Registry::new();
        let family = family(&registry, &[-1.0], NativeBuckets::new(schema, 1.0..=9.0).unwrap());
        for (number, values) in series.iter().enumerate() {
            let histogram = family.get_or_create(&[number.to_string().as_str()]);
            values.iter().for_each(|value| histogram.observe(*value));
        }
        let metrics = read(&registry);
        prop_assert_eq!(metrics.len(), series.len());
        for (metric, values) in metrics.iter().zip(&series) {
            let histogram = metric.histogram.as_ref().unwrap();
            let native = histogram.native.as_ref().unwrap();
            prop_assert_eq!(histogram.count, Some(values.len() as u64));
            prop_assert_eq!(i64::from(schema), native.schema);
            let is_far = |value: f64| value.abs() > native.zero_threshold;
            for (sign, shown) in [(1.0, &native.positive), (-1.0, &native.negative)] {
                let mut expected = BTreeMap::new();
                for value in values.iter().map(|value| value * sign) {
                    if value > 0.0 && is_far(value) {
                        *expected.entry(bucket(schema, value)).or_insert(0) += 1;
                    }
                }
                prop_assert_eq!(shown, &expected.into_iter().collect::<Vec<_>>());
            }
        }
    }

    /// However small the pieces are, and whatever series are there: the same body.
    #[test]
    fn pieces_make_the_whole(series in 1..60_usize, room in 1..5_000_usize) {
        let registry = Registry::new();
        let family = family(&registry, &[], NativeBuckets::new(3, 1e-6..=1e3).unwrap());
        for number in 0..series {
            family.get_or_create(&[number.to_string().as_str()]).observe(number as f64);
        }
        let mut encoder = promlet::Encoder::new(registry.clone());
        let mut exposition = encoder.scrape(Some(PROTOBUF.as_bytes()), None);
        let mut pieces = Vec::new();
        while !exposition.write_some(&mut pieces, room) {}
        prop_assert_eq!(pieces, scrape(&registry, PROTOBUF).1);
    }
}
