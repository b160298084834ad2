//! An outside judge of OpenMetrics: the parser of Python's `prometheus_client`, which is stricter
//! than any scraper.

use super::formats::gallery;
use super::plan::any_plan;
use super::scrape;
use super::support::{openmetrics, skip};
use promlet::Registry;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::io::Write;
use std::process::{Command, Stdio};

/// Set to 1 where the package must be there.
const REQUIRED_BY: &str = "PROMLET_REQUIRE_PYTHON";

/// Reads bodies, each behind a line with its length, and says how many samples each has.
const SCRIPT: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
while line := sys.stdin.buffer.readline():
    body = sys.stdin.buffer.read(int(line)).decode()
    try:
        print(sum(len(family.samples) for family in parse(body)))
    except Exception as error:
        print(ascii(repr(error)))
";

/// The parser has faults of its own: it takes some control characters for ends of lines, and
/// refuses names that begin with two underscores, as escapings make them.
fn is_read_by_python(body: &str) -> bool {
    let is_reserved = |line: &str| line.contains("{__") || line.contains(",__");
    body.chars().all(|c| c == '\n' || !c.is_control()) && !body.lines().any(is_reserved)
}

#[test]
fn python_reads_every_body() {
    let imported = Command::new("python3").args(["-c", "import prometheus_client"]).output();
    if !imported.is_ok_and(|output| output.status.success()) {
        return skip("python3 has no prometheus_client", REQUIRED_BY);
    }
    let mut runner = TestRunner::deterministic();
    let plans = proptest::collection::vec(any_plan(), 1..6);
    let mut registries = vec![gallery(), Registry::new()];
    registries.extend((0..50).map(|_| {
        let registry = Registry::new();
        let plans = plans.new_tree(&mut runner).expect("plans can be made").current();
        plans.iter().for_each(|plan| drop(plan.register(&registry)));
        registry
    }));
    let bodies: Vec<String> = registries
        .iter()
        .flat_map(|registry| ["allow-utf-8", "underscores", "values"].map(|e| (registry, e)))
        .map(|(registry, escaping)| {
            let accept = format!("application/openmetrics-text;version=1.0.0;escaping={escaping}");
            String::from_utf8(scrape(registry, &accept).1).expect("a body is UTF-8")
        })
        .filter(|body| is_read_by_python(body))
        .collect();
    assert!(bodies.len() > 20, "only {} bodies are left", bodies.len());
    for (body, verdict) in bodies.iter().zip(judge(&bodies)) {
        let samples =
            openmetrics::read(body.as_bytes()).expect("the model takes it").samples().count();
        assert!(verdict == samples.to_string(), "{verdict}, not {samples} samples, in\n{body}");
    }
}

fn judge(bodies: &[String]) -> Vec<String> {
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 was there before");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input: Vec<u8> = bodies
        .iter()
        .flat_map(|body| [format!("{}\n", body.len()).into_bytes(), body.clone().into_bytes()])
        .flatten()
        .collect();
    // Its answers are short, but may fill a pipe before it has read all.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("python3 ends");
    writer.join().expect("the writer does not panic").expect("python3 reads to the end");
    let verdicts = String::from_utf8(output.stdout).expect("the verdicts are ASCII");
    verdicts.lines().map(str::to_owned).collect()
}
