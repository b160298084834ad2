//! The crate's own parser reads what its encoder wrote, judged by the independent reader.

use crate::plan::any_plan;
use crate::support::exposition::{self, Kind, Version};
use promlet::textparse::{self, Sample, parse};
use promlet::{Kind as ParsedKind, Registry};
use proptest::prelude::*;

/// Name, labels and value; the value as bits, so that NaN equals itself.
type Line = (String, Vec<(String, String)>, u64);

fn line(name: String, mut labels: Vec<(String, String)>, value: f64) -> Line {
    for (_, level) in labels.iter_mut().filter(|(name, _)| name == "le") {
        // Where it is that of a histogram, the parser gives a number.
        if let Ok(number) = level.parse::<f64>() {
            *level = number.to_string();
        }
    }
    labels.sort_unstable();
    (name, labels, if value.is_nan() { f64::NAN } else { value }.to_bits())
}

/// The lines that a family was made of, but for their order.
fn lines(family: &textparse::Family) -> Vec<Line> {
    let mut lines = Vec::new();
    for textparse::Metric { labels, sample, .. } in &family.metrics {
        let mut put = |suffix: &str, le: Option<f64>, value: f64| {
            let le = le.map(|bound| ("le".to_owned(), bound.to_string()));
            let labels = labels.iter().cloned().chain(le).collect();
            lines.push(line(format!("{}{suffix}", family.name), labels, value));
        };
        match sample {
            Sample::Number(value) => put("", None, *value),
            Sample::Histogram { buckets, sum, count } => {
                for (bound, count) in buckets {
                    put("_bucket", Some(*bound), *count as f64);
                }
                put("_sum", None, sum.expect("a histogram has a sum"));
                put("_count", None, count.expect("a histogram has a count") as f64);
            }
            Sample::Summary { .. } => panic!("nobody made a summary: {family:?}"),
        }
    }
    lines.sort_unstable();
    lines
}

fn kind(kind: Kind) -> ParsedKind {
    match kind {
        Kind::Counter => ParsedKind::Counter,
        Kind::Gauge => ParsedKind::Gauge,
        Kind::Histogram => ParsedKind::Histogram,
        Kind::Summary => ParsedKind::Summary,
        Kind::Untyped => ParsedKind::Unknown,
    }
}

fn check(body: &[u8], version: Version) {
    let parsed = parse(body).unwrap_or_else(|error| panic!("{error}"));
    let page = exposition::read_version(body, version).unwrap_or_else(|error| panic!("{error}"));
    let judged: Vec<_> = page.families.iter().filter(|family| !family.samples.is_empty()).collect();
    assert_eq!(parsed.len(), judged.len());
    for (parsed, judged) in parsed.iter().zip(judged) {
        assert_eq!((&parsed.name, parsed.kind), (&judged.name, kind(judged.kind)));
        let help = judged.help.as_deref().filter(|help| !help.is_empty());
        assert_eq!(parsed.help.as_deref(), help, "{}", parsed.name);
        let samples = judged.samples.iter();
        let mut expected: Vec<Line> = samples
            .map(|sample| line(sample.name.clone(), sample.labels.clone(), sample.value))
            .collect();
        expected.sort_unstable();
        assert_eq!(lines(parsed), expected, "{}", parsed.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_parser_reads_what_the_encoder_wrote(plans in prop::collection::vec(any_plan(), 1..4)) {
        let registry = Registry::new();
        plans.iter().for_each(|plan| drop(plan.register(&registry)));
        check(&crate::render(&registry), Version::V004);
        let (_, body) = crate::scrape(&registry, "text/plain;version=1.0.0;escaping=allow-utf-8");
        check(&body, Version::V100);
    }
}
