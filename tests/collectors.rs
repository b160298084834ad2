//! The default collectors on fixture trees, byte for byte, and on the host that runs the test.
//!
//! `PROMLET_REWRITE_GOLDEN=1 cargo test --test collectors` writes the expected expositions anew.

mod support;

use promlet::collector::{COLLECTORS, Choice, Node, Roots};
use promlet::encoding::Encoder;
use promlet::{Registry, collector};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use support::exposition;

/// Families whose values are those of this run, whatever the roots. The golden files have their
/// HELP and TYPE lines and no samples.
const VARYING: &[&str] = &[
    "node_scrape_collector_duration_seconds",
    "node_time_seconds",
    "node_time_zone_offset_seconds",
];

fn fixture(name: &str) -> Roots {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    Roots { proc: folder.join("proc"), sys: folder.join("sys"), rootfs: folder }
}

/// The exposition of the collectors of `choice`, and what they report.
fn scrape(roots: &Roots, choice: &Choice) -> (String, Vec<String>) {
    let (registry, reports) = (Registry::new(), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&reports);
    let report = move |report: collector::Report<'_>| {
        let error = report.error.expect("nothing was wrong before");
        heard.lock().unwrap().push(format!("{}: {error}", report.collector));
    };
    Node::register(&registry, roots, choice, Box::new(report)).unwrap();
    let mut body = Vec::new();
    Encoder::new(registry).scrape(None, None).write_all(&mut body);
    let reports = reports.lock().unwrap().clone();
    (String::from_utf8(body).unwrap(), reports)
}

fn compare_with_golden(name: &str, text: &str) {
    let lines = text.lines().filter(|line| {
        let family = line.split([' ', '{']).next().unwrap_or_default();
        !VARYING.contains(&family)
    });
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let path: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.prom"));
    if std::env::var_os("PROMLET_REWRITE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (number, (line, expected)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "{name}.prom:{}", number + 1);
    }
    assert_eq!(text.lines().count(), expected.lines().count());
}

/// Without `uname`, which tells of the host that runs the test.
fn of_fixtures() -> Choice {
    Choice::only(COLLECTORS.iter().map(|row| row.name).filter(|name| *name != "uname")).unwrap()
}

#[test]
fn three_cpus_of_which_one_is_offline() {
    let (text, reports) = scrape(&fixture("three-cpus"), &of_fixtures());
    assert!(reports.is_empty(), "{reports:?}");
    compare_with_golden("three-cpus", &text);
}

#[test]
fn odd_files_cost_only_what_they_tell() {
    let (text, mut reports) = scrape(&fixture("odd"), &of_fixtures());
    compare_with_golden("odd", &text);
    let missing = reports.remove(1);
    assert!(missing.ends_with("odd/proc/loadavg: not there"), "{missing}");
    assert_eq!(
        reports,
        [
            "filefd: file-nr:1: expected a line end, found end of file",
            "meminfo: meminfo:5: expected kB, found MB",
        ]
    );
}

#[test]
fn the_host_s_own_exposition_is_valid_and_complete() {
    let (text, reports) = scrape(&Roots::default(), &Choice::default());
    assert!(reports.is_empty(), "{reports:?}");
    let read = exposition::read(text.as_bytes());
    let read = read.unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    for row in COLLECTORS {
        let success = read.value("node_scrape_collector_success", &[("collector", row.name)]);
        assert_eq!(success, Some(1.0), "{}", row.name);
    }
}
