//! Which collectors run, and where they read.

use crate::support::exposition::{self, Exposition};
use crate::support::process::Promlet;
use crate::{read, scrape};

/// The collectors that say that they ran, by name.
fn ran(page: &Exposition) -> Vec<&str> {
    let success = page.family("node_scrape_collector_success");
    let samples = success.into_iter().flat_map(|family| &family.samples);
    let mut names: Vec<_> = samples.filter_map(|sample| sample.label("collector")).collect();
    names.sort_unstable();
    names
}

#[test]
fn only_what_is_turned_on_runs_without_the_defaults() {
    let promlet = Promlet::start(&["--collector.disable-defaults", "--collector.loadavg"]);
    let page = scrape(&promlet);
    assert_eq!(ran(&page), ["loadavg"]);
    let node = page.families.iter().map(|family| family.name.as_str());
    let node: Vec<_> = node.filter(|name| name.starts_with("node_load")).collect();
    assert_eq!(node, ["node_load1", "node_load15", "node_load5"]);
    assert!(page.family("node_uname_info").is_none());
}

#[test]
fn a_family_without_series_leaves_no_trace() {
    let promlet = Promlet::start(&["--collector.disable-defaults", "--collector.loadavg"]);
    assert!(promlet.get("/metrics").text().contains("node_"));
    let response = promlet.get("/metrics?exclude[]=loadavg");
    read(&response);
    assert!(!response.text().contains("node_"), "{}", response.text());
    assert!(promlet.get("/metrics").text().contains("node_load1 "), "they come back");

    let nothing = Promlet::start(&["--collector.disable-defaults"]).get("/metrics");
    assert!(!nothing.text().contains("node_"), "{}", nothing.text());
}

#[test]
fn a_query_chooses_collectors() {
    let promlet = Promlet::start(&[
        "--collector.disable-defaults",
        "--collector.cpu",
        "--collector.loadavg",
        "--collector.stat",
    ]);
    const CASES: &[(&str, &[&str])] = &[
        ("collect[]=loadavg", &["loadavg"]),
        ("collect%5B%5D=stat&collect[]=cpu", &["cpu", "stat"]),
        ("exclude[]=cpu&exclude[]=stat", &["loadavg"]),
        ("name=unknown", &["cpu", "loadavg", "stat"]),
        ("exclude[]=time", &["cpu", "loadavg", "stat"]),
    ];
    for (query, expected) in CASES {
        let page = read(&promlet.get(&format!("/metrics?{query}")));
        assert_eq!(ran(&page), *expected, "{query}");
        assert!(page.family("appmesh_prom_scrape_up").is_some(), "{query}: not of a collector");
        let shows_cpu = page.family("node_cpu_seconds_total").is_some();
        assert_eq!(shows_cpu, expected.contains(&"cpu"), "{query}");
    }
}

#[test]
fn a_query_that_cannot_be_met_is_refused() {
    let promlet = Promlet::start(&["--no-collector.time"]);
    const CASES: &[(&str, &str)] = &[
        ("collect[]=nonsense", "missing collector: nonsense\n"),
        ("collect[]=time", "disabled collector: time\n"),
        ("collect[]=cpu&exclude[]=stat", "Combined collect and exclude queries are not allowed.\n"),
    ];
    for (query, expected) in CASES {
        let response = promlet.get(&format!("/metrics?{query}"));
        assert_eq!((response.status, response.text()), (400, *expected), "{query}");
    }
}

#[test]
fn the_roots_can_be_elsewhere() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/three-cpus");
    let (proc, sys) =
        (format!("--path.procfs={fixture}/proc"), format!("--path.sysfs={fixture}/sys"));
    let page = scrape(&Promlet::start(&[&proc, &sys]));
    let golden =
        exposition::read(include_bytes!("../golden/three-cpus.prom")).expect("it is valid");
    for sample in golden.samples().filter(|sample| sample.name != "node_scrape_collector_success") {
        let found = page.value(&sample.name, &sample.identity());
        assert_eq!(found, Some(sample.value), "{sample:?}");
    }
}

#[test]
fn roots_that_are_not_there_cost_their_collectors_alone() {
    let promlet = Promlet::start(&["--path.procfs=/nonexistent"]);
    let page = scrape(&promlet);
    let success = |name| page.value("node_scrape_collector_success", &[("collector", name)]);
    assert_eq!((success("loadavg"), success("uname")), (Some(0.0), Some(1.0)));
    assert!(page.family("node_load1").is_none() && page.family("node_uname_info").is_some());
}
