//! The page as a whole.

use crate::support::process::Promlet;
use crate::support::{prometheus, skip};
use crate::{read, scrape};

/// Every line without its value.
fn series_text(body: &str) -> Vec<&str> {
    body.lines()
        .map(|line| {
            let is_sample = !line.starts_with('#');
            line.rsplit_once(' ').filter(|_| is_sample).map_or(line, |(series, _)| series)
        })
        .collect()
}

#[test]
fn successive_pages_differ_in_values_alone() {
    let promlet = Promlet::start(&[]);
    let (first, second) = (promlet.get("/metrics"), promlet.get("/metrics"));
    assert_eq!(series_text(first.text()), series_text(second.text()));
    assert_ne!(first.text(), second.text(), "the scrape count rises");
}

#[test]
fn the_page_of_a_running_application_is_accepted_by_both_judges() {
    let promlet = Promlet::start(&["--", "sleep", "60"]);
    let response = promlet.get("/metrics");
    assert_eq!(response.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    read(&response);
    match prometheus::check_metrics(&response.body) {
        None => skip("promtool is not installed", "PROMLET_REQUIRE_PROMETHEUS"),
        Some(verdict) => assert_eq!(verdict, Ok(())),
    }
}

#[test]
fn every_family_has_samples_a_type_and_a_help_text() {
    let promlet = Promlet::start(&["--", "sleep", "60"]);
    for family in scrape(&promlet).families {
        assert!(!family.samples.is_empty(), "{}: a head without samples", family.name);
        assert!(family.help.is_some_and(|help| !help.is_empty()), "{}: no HELP", family.name);
    }
}

#[test]
fn promlet_s_own_metrics_can_be_left_out() {
    let own = |name: &str| name.starts_with("promlet_") || name.starts_with("process_");
    let page = scrape(&Promlet::start(&[]));
    assert_eq!(page.families.iter().filter(|family| own(&family.name)).count(), 9);
    let page = scrape(&Promlet::start(&["--web.disable-exporter-metrics"]));
    assert!(!page.families.iter().any(|family| own(&family.name)));
    assert!(page.family("node_load1").is_some() && page.family("appmesh_prom_scrape_up").is_some());
}

#[test]
fn the_phases_of_a_scrape_are_seen_by_the_next_one() {
    let promlet = Promlet::start(&[]);
    let mut client = promlet.client();
    let mut count = || {
        let page = read(&client.get("/metrics").expect("it answers"));
        let name = "promlet_scrape_phase_duration_seconds_count";
        ["collect", "render", "write"].map(|phase| page.value(name, &[("phase", phase)]))
    };
    // Of the present scrape, what was collected is known already.
    assert_eq!(count(), [Some(1.0), Some(0.0), Some(0.0)]);
    assert_eq!(count(), [Some(2.0), Some(1.0), Some(1.0)]);
}
