//! The textfile collector on a folder of files, good and bad: byte for byte, in every format, and
//! beside node_exporter.
//!
//! `PROMLET_REWRITE_GOLDEN=1 cargo test --test textfile` writes the expected exposition anew.

mod support;

use promlet::collector::{Choice, Node, Settings};
use promlet::textparse::{self, Sample};
use promlet::{Encoder, Kind, Registry};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use support::client::Client;
use support::gzip::gunzip;
use support::process::Process;
use support::{exposition, openmetrics, protobuf, skip};

/// Relative, as its files are shown.
const FOLDER: &str = "tests/fixtures/textfile";
const FLAG: &str = "collector.textfile.directory";
const REQUIRED_BY: &str = "PROMLET_REQUIRE_NODE_EXPORTER";

/// An encoder of what the collector shows of `folder`.
fn encoder(folder: &str) -> Encoder {
    let registry = Registry::new();
    let mut settings = Settings::default();
    settings.flags.set(FLAG, folder).expect("there is this flag");
    let choice = Choice::only(["textfile"]).expect("there is this collector");
    Node::register(&registry, &settings, &choice, Box::new(|report| panic!("{report:?}")))
        .expect("names are free");
    Encoder::new(registry)
}

fn body(encoder: &mut Encoder, accept: &str) -> Vec<u8> {
    let mut body = Vec::new();
    encoder.scrape(Some(accept.as_bytes()), None).write_all(&mut body);
    body
}

/// The body that was sent in gzip.
fn inflated(encoder: &mut Encoder, accept: &str) -> Vec<u8> {
    let mut exposition = encoder.scrape(Some(accept.as_bytes()), Some(b"gzip"));
    assert_eq!(exposition.content_coding(), Some("gzip"));
    let mut body = Vec::new();
    exposition.write_all(&mut body);
    gunzip(&body).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether a line or name is of a family whose values are those of this run.
fn varies(line: &str) -> bool {
    ["node_textfile_mtime_seconds{", "node_scrape_collector_duration_seconds{"]
        .iter()
        .any(|name| line.starts_with(name))
}

#[test]
fn a_folder_is_shown_as_expected() {
    let text = String::from_utf8(body(&mut encoder(FOLDER), "")).expect("a body is UTF-8");
    let read = exposition::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    for file in ["a", "b", "c", "other"] {
        let path = format!("{FOLDER}/{file}.prom");
        let time = read.value("node_textfile_mtime_seconds", &[("file", &path)]);
        assert!(time.is_some_and(|time| time > 1e9 && time.fract() == 0.0), "{path}: {time:?}");
    }
    let times = read.family("node_textfile_mtime_seconds").map(|family| family.samples.len());
    assert_eq!(times, Some(4));
    let lines = text.lines().filter(|line| !varies(line));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let path = Path::new("tests/golden/textfile.prom");
    if std::env::var_os("PROMLET_REWRITE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(path, &text).expect("it can be written");
    }
    let expected = std::fs::read_to_string(path).expect("it is there");
    for (number, (line, expected)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "textfile.prom:{}", number + 1);
    }
    assert_eq!(text.lines().count(), expected.lines().count());
}

/// Series and their values, as text so that NaN equals itself.
type Values = BTreeMap<(String, Vec<(String, String)>), String>;

fn put(values: &mut Values, name: &str, labels: &[(String, String)], value: f64) {
    let mut labels = labels.to_vec();
    for (_, value) in labels.iter_mut().filter(|(name, _)| matches!(&**name, "le" | "quantile")) {
        *value = value.parse::<f64>().expect("a level is a number").to_string();
    }
    labels.retain(|(_, value)| !value.is_empty());
    labels.sort_unstable();
    if !varies(&format!("{name}{{")) {
        values.insert((name.to_owned(), labels), value.to_string());
    }
}

fn of_text(body: &[u8]) -> Values {
    let read = exposition::read(body).unwrap_or_else(|error| panic!("{error}"));
    let mut values = Values::new();
    for sample in read.samples() {
        put(&mut values, &sample.name, &sample.labels, sample.value);
    }
    values
}

fn of_openmetrics(body: &[u8]) -> Values {
    let read = openmetrics::read(body).unwrap_or_else(|error| panic!("{error}"));
    let mut values = Values::new();
    for sample in read.samples() {
        put(&mut values, &sample.name, &sample.labels, sample.value);
    }
    values
}

fn of_protobuf(body: &[u8]) -> Values {
    let families = protobuf::read(body).unwrap_or_else(|error| panic!("{error}"));
    let mut values = Values::new();
    for family in families {
        let name = &family.name;
        for metric in &family.metrics {
            let labels = &metric.labels;
            let with = |level: &str, value: f64| {
                [&labels[..], &[(level.to_owned(), value.to_string())]].concat()
            };
            if let Some(value) = metric.value {
                put(&mut values, name, labels, value);
            }
            let mut total = None;
            if let Some(histogram) = &metric.histogram {
                for (bound, count, _) in &histogram.buckets {
                    put(&mut values, &format!("{name}_bucket"), &with("le", *bound), *count as f64);
                }
                total = histogram.sum.zip(histogram.count);
            }
            if let Some(summary) = &metric.summary {
                for (quantile, value) in &summary.quantiles {
                    put(&mut values, name, &with("quantile", *quantile), *value);
                }
                total = summary.sum.zip(summary.count);
            }
            if let Some((sum, count)) = total {
                put(&mut values, &format!("{name}_sum"), labels, sum);
                put(&mut values, &format!("{name}_count"), labels, count as f64);
            }
        }
    }
    values
}

#[test]
fn gzip_has_the_same_lines() {
    let mut encoder = encoder(FOLDER);
    for accept in ["", "application/openmetrics-text"] {
        let text = |body: Vec<u8>| String::from_utf8(body).expect("a body is UTF-8");
        let identity = text(body(&mut encoder, accept));
        let gzip = text(inflated(&mut encoder, accept));
        let still = |line: &&str| !varies(line);
        for (gzip, identity) in gzip.lines().filter(still).zip(identity.lines().filter(still)) {
            assert_eq!(gzip, identity);
        }
        assert_eq!(gzip.lines().count(), identity.lines().count());
    }
}

#[test]
fn every_format_has_the_same_series() {
    let mut encoder = encoder(FOLDER);
    let text = of_text(&body(&mut encoder, ""));
    assert!(text.len() > 30);
    assert_eq!(of_openmetrics(&body(&mut encoder, "application/openmetrics-text")), text);
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
        encoding=delimited";
    assert_eq!(of_protobuf(&body(&mut encoder, protobuf)), text);
}

/// What the collector shows, written to a file, is shown again as it was.
#[test]
fn what_is_shown_reads_back() {
    let mut encoder = encoder(FOLDER);
    let text = body(&mut encoder, "");
    let families = textparse::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    let of_kind = |kind| families.iter().filter(|family| family.kind == kind).count();
    assert_eq!([Kind::Histogram, Kind::Summary, Kind::Counter].map(of_kind), [2, 2, 1]);
    let summary = families.iter().find(|family| family.name == "gc_seconds").expect("it is there");
    let Sample::Summary { quantiles, sum, count } = &summary.metrics[0].sample else {
        panic!("{summary:?}");
    };
    assert_eq!((quantiles[0], *sum, *count), ((0.5, 0.25), Some(17.0), Some(40)));
}

#[test]
fn node_exporter_shows_the_same() {
    let program = "prometheus-node-exporter";
    if Command::new(program).arg("--version").output().is_err() {
        return skip("node_exporter is not installed", REQUIRED_BY);
    }
    let mut command = Command::new(program);
    command.args(["--web.listen-address=127.0.0.1:0", "--collector.disable-defaults"]);
    command.args(["--web.disable-exporter-metrics", "--collector.textfile"]);
    command.arg(format!("--{FLAG}={FOLDER}"));
    let mut process = Process::spawn(&mut command);
    let mut client = Client::connect(process.wait_for_address()).expect("it says that it listens");
    let theirs = client.get("/metrics").expect("it answers").body;
    let ours = body(&mut encoder(FOLDER), "");
    let (mut theirs, mut ours) = (of_text(&theirs), of_text(&ours));
    theirs.retain(|(name, _), _| {
        name != "node_exporter_build_info" && !name.starts_with("promhttp_")
    });
    // It makes up a HELP for b.prom, finds that it is not that of a.prom, and drops the series.
    let job = ("job".to_owned(), "restore".to_owned());
    let dropped = ours.remove(&("job_last_success_time_seconds".to_owned(), vec![job]));
    assert!(dropped.is_some());
    assert_eq!(ours, theirs);
}
