//! Look-up, creation, removal, limits and expiry; and what threads may do to all of them at once.

use super::*;
use crate::metric::{Buckets, Counter, Gauge, Histogram, IntGauge, ShardedCounter, Value};
use crate::registry::Registry;
use std::sync::Barrier;
use std::thread;

fn registry_family<M: Instrument>(options: M::Options, limit: SeriesLimit) -> Family<Dynamic, M> {
    Registry::new()
        .family_builder("m", "A family.")
        .limit(limit)
        .register_dynamic(&["a", "b"], options)
        .expect("the names are legal")
}

#[test]
fn equal_labels_are_one_series_and_others_are_not() {
    let family = registry_family::<Counter>((), SeriesLimit::default());
    family.get_or_create(&["ab", "c"]).inc();
    family.get_or_create(&["a", "bc"]).inc_by(10);
    family.get_or_create(&["ab", "c"]).inc();
    assert_eq!(family.get(&["ab", "c"]).map(|counter| counter.value()), Some(2));
    assert_eq!(family.get(&["a", "bc"]).map(|counter| counter.value()), Some(10));
    assert!(family.get(&["", ""]).is_none());
    assert_eq!(family.series_count(), 2);
}

#[test]
fn a_removed_series_begins_anew_and_its_old_handle_stays_apart() {
    let family = registry_family::<Counter>((), SeriesLimit::default());
    let old = family.get_or_create(&["x", "y"]);
    old.inc_by(5);
    assert!(family.remove(&["x", "y"]));
    assert!(!family.remove(&["x", "y"]));
    let new = family.get_or_create(&["x", "y"]);
    old.inc_by(5);
    assert_eq!(new.value(), 0);
    family.clear();
    assert_eq!(family.series_count(), 0);
    assert!(family.core.blocks().is_empty());
}

#[test]
fn slots_of_removed_series_are_used_again() {
    let family = registry_family::<IntGauge>((), SeriesLimit::default());
    let names: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    for round in 0..50 {
        for name in &names {
            family.get_or_create(&[name.as_str(), "x"]).set(round);
        }
        for name in &names[..150] {
            assert!(family.remove(&[name.as_str(), "x"]));
        }
    }
    let blocks = family.core.blocks();
    assert!(blocks.len() <= 5, "{} blocks for at most 200 series", blocks.len());
}

#[test]
fn beyond_the_limit_there_is_one_series_more() {
    let registry = Registry::new();
    let family: Family<Dynamic, Counter> = registry
        .family_builder("m", "A family.")
        .limit(SeriesLimit::series(2))
        .register_dynamic(&["a"], ())
        .unwrap();
    for value in ["1", "2", "3", "4", "1"] {
        family.get_or_create(&[value]).inc();
    }
    assert_eq!(family.series_count(), 2);
    assert_eq!(family.get(&["1"]).unwrap().value(), 2);
    assert!(family.get(&["3"]).is_none());
    let overflow = lock(&family.core.contents().members).overflow.clone().map(Counter::from_series);
    assert_eq!(overflow.unwrap().value(), 2);
    assert_eq!(family.core.overflows.as_ref().unwrap().value(), 2);
    assert!(family.remove(&["1"]));
    family.get_or_create(&["3"]).inc();
    assert_eq!(family.get(&["3"]).unwrap().value(), 1);
}

#[test]
fn idle_series_expire_unless_they_are_held_or_looked_up() {
    let idle = Duration::from_secs(60);
    let family = registry_family::<Gauge>((), SeriesLimit::default().idle(idle));
    let held = family.get_or_create(&["held", ""]);
    family.get_or_create(&["used", ""]).set(1.0);
    family.get_or_create(&["idle", ""]).set(1.0);
    let start = Instant::now();
    family.core.expire(start);
    family.core.expire(start + idle); // All were touched when they were created.
    assert_eq!(family.series_count(), 3);
    family.get_or_create(&["used", ""]).set(2.0);
    family.core.expire(start + idle * 2 - Duration::from_millis(1));
    assert_eq!(family.series_count(), 3);
    family.core.expire(start + idle * 2);
    assert!(family.get(&["idle", ""]).is_none());
    assert_eq!(family.get(&["used", ""]).map(|gauge| gauge.value()), Some(2.0));
    held.set(1.0);
    assert_eq!(family.get(&["held", ""]).map(|gauge| gauge.value()), Some(1.0));
}

#[test]
fn versions_change_with_members_and_not_with_values() {
    let family = registry_family::<Counter>((), SeriesLimit::default());
    let versions = || family.core.blocks().iter().map(|block| block.version()).collect::<Vec<_>>();
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for name in &names {
        family.get_or_create(&[name.as_str(), ""]);
    }
    let (before, version) = (versions(), family.core.version());
    family.get_or_create(&["3", ""]).inc();
    assert_eq!((versions(), family.core.version()), (before.clone(), version));
    family.get_or_create(&["new", ""]);
    assert_ne!(family.core.version(), version);
    let changed = versions().iter().zip(&before).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 1, "one page of {}", before.len());
}

/// Threads look up, increment and let go; nothing is lost, whoever creates a series.
#[test]
fn increments_of_all_threads_add_up() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 2_000;
    let family = registry_family::<Counter>((), SeriesLimit::default());
    let sharded = registry_family::<ShardedCounter>((), SeriesLimit::default());
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                for round in 0..ROUNDS {
                    let name = (round % 100).to_string();
                    family.get_or_create(&[name.as_str(), "x"]).inc();
                    sharded.get_or_create(&[name.as_str(), "x"]).inc();
                }
            });
        }
    });
    let total = |value: &dyn Fn(&[&str; 2]) -> u64| -> u64 {
        (0..100).map(|number| value(&[number.to_string().as_str(), "x"])).sum()
    };
    let expected = (THREADS * ROUNDS) as u64;
    assert_eq!(total(&|labels| family.get(labels).unwrap().value()), expected);
    assert_eq!(total(&|labels| sharded.get(labels).unwrap().value()), expected);
}

/// Threads create, update and remove the same few series: no slot ever has two owners, so what one
/// thread counts on its own series is exact.
#[test]
fn removal_under_way_harms_no_other_series() {
    const THREADS: usize = 4;
    const ROUNDS: u64 = 2_000;
    let family = registry_family::<Counter>((), SeriesLimit::default());
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (family, barrier) = (&family, &barrier);
            scope.spawn(move || {
                let own = thread.to_string();
                barrier.wait();
                for round in 1..=ROUNDS {
                    family.get_or_create(&["own", own.as_str()]).inc();
                    let shared = family.get_or_create(&["shared", "x"]);
                    family.remove(&["shared", "x"]);
                    shared.inc();
                    assert_eq!(family.get(&["own", own.as_str()]).unwrap().value(), round);
                }
            });
        }
    });
    assert!(family.series_count() <= THREADS + 1);
}

/// The bucket lines of one histogram and its count.
fn counts(source: &PageSource) -> Vec<u64> {
    let mut counts = Vec::new();
    source.visit(|value| match value {
        Value::U64(count) => counts.push(count),
        Value::F64(_) | Value::I64(_) => {}
    });
    counts
}

/// While threads observe, every read has cumulative buckets, a count equal to `+Inf`, and nothing
/// goes back; at rest the sum fits the count.
#[test]
fn a_histogram_is_consistent_at_every_moment() {
    const THREADS: u64 = 3;
    const ROUNDS: u64 = 20_000;
    let buckets = Buckets::new([1.0, 2.0, 3.0]).unwrap();
    let family = registry_family::<Histogram>(buckets, SeriesLimit::default());
    let histogram = family.get_or_create(&["", ""]);
    let source = family.core.blocks().remove(0).source(Part::All, 0);
    let barrier = Barrier::new(THREADS as usize + 1);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (histogram, barrier) = (histogram.clone(), &barrier);
            scope.spawn(move || {
                barrier.wait();
                for round in 0..ROUNDS {
                    histogram.observe(((round + thread) % 4) as f64 + 0.5);
                }
            });
        }
        barrier.wait();
        let mut previous = vec![0; 5];
        while previous.last() != Some(&(THREADS * ROUNDS)) {
            let counts = counts(&source);
            assert!(counts.is_sorted(), "{counts:?}");
            assert_eq!(counts[3], counts[4]);
            assert!(counts.iter().zip(&previous).all(|(new, old)| new >= old));
            previous = counts;
        }
    });
    assert_eq!(histogram.count(), THREADS * ROUNDS);
    assert_eq!(histogram.sum(), (THREADS * ROUNDS) as f64 * 2.0);
}

#[test]
fn observations_land_under_their_bound() {
    for bounds in [3, 40] {
        let buckets = Buckets::linear(0.0, 1.0, bounds).unwrap();
        let family = registry_family::<Histogram>(buckets, SeriesLimit::default());
        let histogram = family.get_or_create(&["", ""]);
        for value in [-1.0, 0.0, 0.5, 1.0, 1.5, 1e9, f64::INFINITY, f64::NAN] {
            histogram.observe(value);
        }
        let counts = counts(&family.core.blocks().remove(0).source(Part::All, 0));
        assert_eq!(counts[..3], [2, 4, 5], "{bounds} bounds");
        assert_eq!(counts[bounds..], [8, 8], "{bounds} bounds");
        assert!(histogram.sum().is_nan());
    }
}
