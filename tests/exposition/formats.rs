//! The series are the same in every format: names, labels and values, each read by a model of its
//! own; and what the formats say beside them.

use super::plan::{Plan, Values, any_plan};
use super::scrape;
use super::support::exposition::{Version, read_version};
use super::support::{openmetrics, protobuf};
use promlet::{Buckets, Counter, Dynamic, Family, FloatCounter, Gauge, Registry, StateSet, States};
use proptest::prelude::*;

const ESCAPINGS: [&str; 4] = ["allow-utf-8", "underscores", "dots", "values"];

pub(crate) const PROTOBUF: &str = "application/vnd.google.protobuf;\
                        proto=io.prometheus.client.MetricFamily;encoding=delimited";

/// A name, labels by name, and a value. Bounds and values are spelled alike, whatever the format.
type Series = (String, Vec<(String, String)>, String);

fn series(name: &str, labels: &[(String, String)], value: f64) -> Series {
    let mut labels = labels.to_vec();
    if name.ends_with("_bucket") {
        for (name, value) in &mut labels {
            let bound = value.strip_prefix('+').unwrap_or(value).parse::<f64>();
            if let (Ok(bound), "le") = (bound, name.as_str()) {
                *value = bound.to_string();
            }
        }
    }
    labels.sort_unstable();
    (name.to_owned(), labels, value.to_string())
}

fn sorted(series: impl Iterator<Item = Series>) -> Vec<Series> {
    let mut all: Vec<Series> = series.collect();
    all.sort_unstable();
    all
}

fn text(registry: &Registry, escaping: &str) -> Vec<Series> {
    let accept = format!("text/plain;version=1.0.0;escaping={escaping}");
    let (content_type, body) = scrape(registry, &accept);
    assert!(content_type.ends_with(&format!("version=1.0.0; charset=utf-8; escaping={escaping}")));
    let is_plain = escaping != "allow-utf-8";
    let version = if is_plain { Version::V004 } else { Version::V100 };
    let page = read_version(&body, version)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&body)));
    sorted(page.samples().map(|sample| series(&sample.name, &sample.labels, sample.value)))
}

fn openmetrics(registry: &Registry, escaping: &str) -> Vec<Series> {
    let accept = format!("application/openmetrics-text;version=1.0.0;escaping={escaping}");
    let (content_type, body) = scrape(registry, &accept);
    assert!(content_type.starts_with("application/openmetrics-text; version=1.0.0"));
    let page = openmetrics::read(&body)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&body)));
    sorted(page.samples().map(|sample| series(&sample.name, &sample.labels, sample.value)))
}

fn protobuf_families(registry: &Registry, escaping: &str) -> Vec<protobuf::Family> {
    let (content_type, body) = scrape(registry, &format!("{PROTOBUF};escaping={escaping}"));
    assert!(content_type.ends_with(&format!("encoding=delimited; escaping={escaping}")));
    protobuf::read(&body).unwrap_or_else(|error| panic!("{error} in {body:?}"))
}

fn protobuf(registry: &Registry, escaping: &str) -> Vec<Series> {
    let families = protobuf_families(registry, escaping);
    sorted(families.iter().flat_map(|family| {
        family.metrics.iter().flat_map(|metric| metric_series(&family.name, metric))
    }))
}

fn metric_series(name: &str, metric: &protobuf::Metric) -> Vec<Series> {
    let Some(histogram) = &metric.histogram else {
        return vec![series(name, &metric.labels, metric.value.expect("the reader saw one"))];
    };
    let mut all = Vec::new();
    for (bound, count, _) in &histogram.buckets {
        let mut labels = metric.labels.clone();
        labels.push(("le".to_owned(), bound.to_string()));
        all.push(series(&format!("{name}_bucket"), &labels, *count as f64));
    }
    let (sum, count) = histogram.sum.zip(histogram.count).expect("the reader saw both");
    all.push(series(&format!("{name}_sum"), &metric.labels, sum));
    all.push(series(&format!("{name}_count"), &metric.labels, count as f64));
    all
}

/// What was registered, under its own names.
fn expected(plan: &Plan, filled: &[(Vec<String>, Values)]) -> Vec<Series> {
    let mut all = Vec::new();
    for (key, values) in filled {
        for (suffix, own, value) in plan.samples(values) {
            let mut labels: Vec<(String, String)> =
                plan.labels.iter().cloned().zip(key.iter().cloned()).collect();
            labels.extend(own.map(|value| (plan.own_label().to_owned(), value.to_owned())));
            // -0 has no sign in an exposition.
            all.push(series(&format!("{}{suffix}", plan.name), &labels, value + 0.0));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_format_has_the_same_series(plans in prop::collection::vec(any_plan(), 1..6)) {
        let registry = Registry::new();
        let registered: Vec<_> = plans
            .iter()
            .filter_map(|plan| plan.register(&registry).map(|series| (plan, series)))
            .collect();
        let wanted = sorted(registered.iter().flat_map(|(plan, filled)| expected(plan, filled)));
        prop_assert_eq!(text(&registry, "allow-utf-8"), wanted);
        for escaping in ESCAPINGS {
            let shown = text(&registry, escaping);
            prop_assert_eq!(&openmetrics(&registry, escaping), &shown);
            prop_assert_eq!(&protobuf(&registry, escaping), &shown);
        }
        for family in protobuf_families(&registry, "allow-utf-8") {
            let (plan, _) = registered.iter().find(|(plan, _)| plan.name == family.name).unwrap();
            prop_assert_eq!(&family.help, &plan.help);
        }
    }
}

/// A registry with one family of each kind, and names that a format has to do something about.
pub(crate) fn gallery() -> Registry {
    let registry = Registry::new();
    registry.counter("jobs_total", "Jobs \"done\",\nall \\ of them.").unwrap().inc_by(3);
    registry.counter("restarts", "Not called a total.").unwrap();
    registry.float_counter("heat_total", "Clashes.").unwrap().inc_by(0.5);
    registry.gauge("heat", "").unwrap().set(1e6);
    let builder = registry.family_builder("café.größe", "Names of any UTF-8.");
    let family: Family<Dynamic, Counter> = builder.register_dynamic(&["a.b", "c"], ()).unwrap();
    family.get_or_create(&["1", "\"\\\n"]).inc();
    let latency = Buckets::new([0.5, 1.0, 1e6]).unwrap();
    registry.histogram("latency_seconds", "Waiting.", latency).unwrap().observe(1.0);
    let drift = Buckets::new([-1.0, 1.0]).unwrap();
    registry.histogram("drift", "Both ways.", drift).unwrap().observe(-0.25);
    let states = States::new(["idle", "busy"]).unwrap();
    let phase: StateSet = registry.family_builder("phase", "").register_one(states).unwrap();
    assert!(phase.select("busy"));
    registry.info("build_info", "Which one.", [("version", "1")]).unwrap();
    let builder = registry.family_builder("wait_seconds_total", "").unit("seconds");
    let wait: FloatCounter = builder.register_one(()).unwrap();
    wait.inc_by(0.25);
    registry
}

#[test]
fn openmetrics_is_written_as_specified() {
    let accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8";
    let body = String::from_utf8(scrape(&gallery(), accept).1).unwrap();
    let expected = "\
# TYPE build info
# HELP build Which one.
build_info{version=\"1\"} 1
# TYPE \"café.größe\" unknown
# HELP \"café.größe\" Names of any UTF-8.
{\"café.größe\",\"a.b\"=\"1\",c=\"\\\"\\\\\\n\"} 1
# TYPE drift_bucket unknown
# HELP drift_bucket Both ways.
drift_bucket{le=\"-1.0\"} 0
drift_bucket{le=\"1.0\"} 1
drift_bucket{le=\"+Inf\"} 1
# TYPE drift_sum unknown
# HELP drift_sum Both ways.
drift_sum -0.25
# TYPE drift_count unknown
# HELP drift_count Both ways.
drift_count 1
# TYPE heat gauge
heat 1000000
# TYPE heat_total unknown
# HELP heat_total Clashes.
heat_total 0.5
# TYPE jobs counter
# HELP jobs Jobs \\\"done\\\",\\nall \\\\ of them.
jobs_total 3
# TYPE latency_seconds histogram
# HELP latency_seconds Waiting.
latency_seconds_bucket{le=\"0.5\"} 0
latency_seconds_bucket{le=\"1.0\"} 1
latency_seconds_bucket{le=\"1e+06\"} 1
latency_seconds_bucket{le=\"+Inf\"} 1
latency_seconds_sum 1
latency_seconds_count 1
# TYPE phase stateset
phase{phase=\"idle\"} 0
phase{phase=\"busy\"} 1
# TYPE restarts unknown
# HELP restarts Not called a total.
restarts 0
# TYPE wait_seconds counter
# UNIT wait_seconds seconds
wait_seconds_total 0.25
# EOF
";
    assert_eq!(body, expected);
}

#[test]
fn quoted_names_are_for_those_who_ask() {
    let registry = Registry::new();
    registry.gauge("café.größe", "Help.").unwrap().set(1.0);
    let body = |accept: &str| String::from_utf8(scrape(&registry, accept).1).unwrap();
    let quoted = "# HELP \"café.größe\" Help.\n# TYPE \"café.größe\" gauge\n{\"café.größe\"} 1\n";
    assert_eq!(body("text/plain;version=1.0.0;escaping=allow-utf-8"), quoted);
    let plain = "# HELP caf__gr__e Help.\n# TYPE caf__gr__e gauge\ncaf__gr__e 1\n";
    for accept in ["", "text/plain;version=1.0.0", "text/plain;version=0.0.4;escaping=allow-utf-8"]
    {
        assert_eq!(body(accept), plain);
    }
    let dots = "text/plain;version=0.0.4;escaping=dots";
    assert!(body(dots).ends_with("\ncaf___dot_gr____e 1\n"), "{}", body(dots));
}

/// Whether a counter may be called by its stem depends on the families that come later.
#[test]
fn a_stem_is_given_up_to_a_later_family() {
    let registry = Registry::new();
    registry.counter("x_total", "").unwrap();
    let mut encoder = promlet::Encoder::new(registry.clone());
    let mut body = || {
        let mut body = Vec::new();
        encoder.scrape(Some(b"application/openmetrics-text"), None).write_all(&mut body);
        String::from_utf8(body).unwrap()
    };
    assert_eq!(body(), "# TYPE x counter\nx_total 0\n# EOF\n");
    registry.gauge("x", "").unwrap();
    let both = "# TYPE x gauge\nx 0\n# TYPE x_total unknown\nx_total 0\n# EOF\n";
    assert_eq!(body(), both);
    registry.unregister("x");
    assert_eq!(body(), "# TYPE x counter\nx_total 0\n# EOF\n");

    // A family without series is not shown, and has its name all the same.
    let family: Family<Dynamic, Gauge> =
        registry.family_builder("x", "").register_dynamic(&["a"], ()).unwrap();
    assert_eq!(body(), "# TYPE x_total unknown\nx_total 0\n# EOF\n");
    family.get_or_create(&["b"]).set(1.0);
    let both = "# TYPE x gauge\nx{a=\"b\"} 1\n# TYPE x_total unknown\nx_total 0\n# EOF\n";
    assert_eq!(body(), both);
}

#[test]
fn an_empty_exposition_is_one() {
    let registry = Registry::new();
    assert_eq!(scrape(&registry, "application/openmetrics-text").1, b"# EOF\n");
    assert_eq!(scrape(&registry, "text/plain;version=1.0.0").1, b"");
    assert_eq!(scrape(&registry, PROTOBUF).1, b"");
}

/// Readers keep the last message of a name, so there is one, however many pages it is made of.
#[test]
fn a_family_is_one_message_of_protobuf() {
    let registry = Registry::new();
    let family = registry.family_builder("jobs_total", "Jobs.").register_dynamic(&["n"], ());
    let family: Family<Dynamic, Counter> = family.expect("the names are legal");
    let mut encoder = promlet::Encoder::new(registry.clone());
    let mut series_counts = || {
        let mut body = Vec::new();
        encoder.scrape(Some(PROTOBUF.as_bytes()), None).write_all(&mut body);
        let families = protobuf::read(&body).expect("it is protobuf");
        families.iter().map(|family| family.metrics.len()).collect::<Vec<_>>()
    };
    assert_eq!(series_counts(), []);
    let numbers: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    numbers.iter().for_each(|number| drop(family.get_or_create(&[number.as_str()])));
    assert_eq!(series_counts(), [300]);
    assert!(family.remove(&["7"]) && family.remove(&["250"]));
    assert_eq!(series_counts(), [298]);
    registry.gauge("up", "").unwrap();
    family.get_or_create(&["new"]);
    assert_eq!(series_counts(), [299, 1]);
    family.clear();
    assert_eq!(series_counts(), [1]);
}

/// A message, byte for byte.
#[test]
fn protobuf_is_written_as_drawn() {
    let registry = Registry::new();
    registry.gauge("up", "?").unwrap().set(1.0);
    let expected =
        [b"\x16\x0a\x02up\x12\x01?\x18\x01\x22\x0b\x12\x09\x09".as_slice(), &1.0_f64.to_le_bytes()]
            .concat();
    assert_eq!(scrape(&registry, PROTOBUF).1, expected);
    let families = protobuf_families(&gallery(), "underscores");
    let kinds: Vec<(&str, u64)> = families.iter().map(|f| (f.name.as_str(), f.kind)).collect();
    let expected = [
        ("build_info", protobuf::GAUGE),
        ("caf__gr__e", protobuf::COUNTER),
        ("drift", protobuf::HISTOGRAM),
        ("heat", protobuf::GAUGE),
        ("heat_total", protobuf::COUNTER),
        ("jobs_total", protobuf::COUNTER),
        ("latency_seconds", protobuf::HISTOGRAM),
        ("phase", protobuf::GAUGE),
        ("restarts", protobuf::COUNTER),
        ("wait_seconds_total", protobuf::COUNTER),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(families.last().unwrap().unit, "seconds");
}
