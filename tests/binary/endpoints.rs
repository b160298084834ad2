//! What is where, and which methods it takes.

use crate::support::poll;
use crate::support::process::Promlet;
use crate::{ONE_SCRAPE, leave_an_answer_under_way, read, scrape};

#[test]
fn the_pages_beside_the_metrics() {
    let promlet = Promlet::start(&[]);
    for (target, expected) in
        [("/-/healthy", "promlet is healthy\n"), ("/-/ready", "promlet is ready\n")]
    {
        let response = promlet.get(target);
        assert_eq!((response.status, response.text()), (200, expected));
    }
    let landing = promlet.get("/");
    assert_eq!(landing.status, 200);
    assert_eq!(landing.field("content-type"), Some("text/html; charset=utf-8"));
    for part in ["<a href=\"/metrics\">", "<a href=\"/-/healthy\">", env!("CARGO_PKG_VERSION")] {
        assert!(landing.text().contains(part), "{part}");
    }
}

#[test]
fn elsewhere_is_404_that_says_where_the_metrics_are() {
    let promlet = Promlet::start(&[]);
    for target in ["/metric", "/metrics/", "/-/", "/METRICS", "//metrics"] {
        let response = promlet.get(target);
        let expected = (404, "not found; the metrics are at /metrics\n");
        assert_eq!((response.status, response.text()), expected, "{target}");
    }
    assert_eq!(promlet.get("/%6Detrics").status, 200, "the same path, escaped");
}

#[test]
fn head_is_get_without_the_body() {
    let promlet = Promlet::start(&[]);
    let mut client = promlet.client();
    for target in ["/", "/-/healthy", "/nothing"] {
        let get = client.get(target).expect("it answers");
        let head = client.request("HEAD", target, &[]).expect("it answers");
        assert!(head.body.is_empty() && head.status == get.status, "{target}");
        let without_date = |fields: &[(String, String)]| {
            let kept = fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
            kept.cloned().collect::<Vec<_>>()
        };
        assert_eq!(without_date(&head.fields), without_date(&get.fields), "{target}");
    }
    let head = client.request("HEAD", "/metrics", &[]).expect("it answers");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[test]
fn the_metrics_can_be_elsewhere() {
    let promlet = Promlet::start(&["--web.telemetry-path=/probe/x"]);
    read(&promlet.get("/probe/x"));
    assert!(promlet.get("/").text().contains("<a href=\"/probe/x\">"));
    let response = promlet.get("/metrics");
    let expected = (404, "not found; the metrics are at /probe/x\n");
    assert_eq!((response.status, response.text()), expected);

    let promlet = Promlet::start(&["--web.telemetry-path=/"]);
    read(&promlet.get("/"));
    assert_eq!(promlet.get("/-/healthy").status, 200);
    assert_eq!(promlet.get("/metrics").status, 404);
}

#[test]
fn scrapes_beyond_the_limit_are_told_so() {
    let promlet = Promlet::start(&[ONE_SCRAPE]);
    scrape(&promlet);
    let first = leave_an_answer_under_way(&promlet);
    let refusal = promlet.get("/metrics");
    let expected = (503, "too many scrapes at once; --web.max-requests bounds them\n");
    assert_eq!((refusal.status, refusal.text()), expected);
    assert_eq!(promlet.get("/-/healthy").status, 200, "no scrape");
    drop(first);
    poll("a scrape once the first is gone", || {
        (promlet.get("/metrics").status == 200).then_some(())
    });
}
