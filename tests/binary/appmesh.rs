//! App Mesh's five families.

use std::collections::BTreeSet;

use crate::support::exposition::{self, Family, Kind};
use crate::support::poll;
use crate::support::process::Promlet;
use crate::{read, scrape, value};

const STARTS: &str = "appmesh_prom_process_start_count";
const MEMORY: &str = "appmesh_prom_process_memory_gauge";
const REQUESTS: &str = "appmesh_http_request_count";
const SCRAPES: &str = "appmesh_prom_scrape_count";

/// What dashboards rely on: name, type, help, label names, and the values of `method`.
fn outline(family: &Family) -> (&str, Kind, Option<&str>, BTreeSet<&str>, BTreeSet<&str>) {
    let labels = || family.samples.iter().flat_map(|sample| &sample.labels);
    let names = labels().map(|(name, _)| name.as_str()).collect();
    let methods = labels().filter(|(name, _)| name == "method").map(|(_, value)| value.as_str());
    (&family.name, family.kind, family.help.as_deref(), names, methods.collect())
}

#[test]
fn the_families_are_those_of_app_mesh_s_own_page() {
    let golden = exposition::read(include_bytes!("../golden/appmesh.prom")).expect("a valid page");
    let args = ["--no-appmesh.application-metrics", "--app.name=appweb", "--", "sleep", "60"];
    let promlet = Promlet::start(&args);
    let page = scrape(&promlet);
    let of_app_mesh: Vec<_> = page
        .families
        .iter()
        .filter(|family| family.name.starts_with("appmesh_"))
        .map(outline)
        .collect();
    assert_eq!(of_app_mesh, golden.families.iter().map(outline).collect::<Vec<_>>());

    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("it has a name");
    let pid = promlet.process.pid().to_string();
    for sample in page.samples().filter(|sample| sample.name.starts_with("appmesh_")) {
        assert_eq!(sample.label("host"), Some(host.trim_end()), "{sample:?}");
        assert_eq!(sample.label("pid"), Some(pid.as_str()), "{sample:?}");
    }
}

#[test]
fn the_scrape_count_includes_the_present_scrape() {
    let promlet = Promlet::start(&[]);
    for expected in [1.0, 2.0] {
        assert_eq!(value(&scrape(&promlet), SCRAPES, None), Some(expected));
    }
    promlet.get("/");
    promlet.client().request("HEAD", "/metrics", &[]).expect("it answers");
    assert_eq!(value(&scrape(&promlet), SCRAPES, None), Some(4.0), "HEAD is a scrape, / is none");
    assert_eq!(value(&scrape(&promlet), "appmesh_prom_scrape_up", None), Some(1.0));
}

#[test]
fn requests_that_are_no_scrapes_are_counted_by_method() {
    let promlet = Promlet::start(&[]);
    let counts = |page: &exposition::Exposition| {
        ["POST", "DELETE", "PUT", "GET"]
            .map(|method| value(page, REQUESTS, Some(("method", method))))
    };
    assert_eq!(counts(&scrape(&promlet)), [Some(0.0); 4], "present from the start");

    let mut client = promlet.client();
    for (method, target, status) in [
        ("GET", "/", 200),
        ("GET", "/nothing", 404),
        ("HEAD", "/", 200),
        ("POST", "/metrics", 405),
        ("PUT", "/", 405),
        ("PATCH", "/", 405),
        ("MADE-UP", "/", 405),
    ] {
        let response = client.request(method, target, &[]).expect("it answers");
        assert_eq!(response.status, status, "{method} {target}");
        let allow = (status == 405).then_some("GET, HEAD");
        assert_eq!(response.field("allow"), allow, "{method} {target}");
    }
    let page = scrape(&promlet);
    assert_eq!(counts(&page), [Some(1.0), Some(0.0), Some(1.0), Some(2.0)]);
    assert_eq!(page.family(REQUESTS).expect("it is there").samples.len(), 4, "no other method");
}

#[test]
fn a_running_application_has_a_start_and_memory() {
    let promlet = Promlet::start(&["--", "sleep", "60"]);
    let of_sleep = Some(("application", "sleep"));
    // The server is there before the application is.
    let page = poll("the start of the application", || {
        let page = scrape(&promlet);
        (value(&page, STARTS, of_sleep)? == 1.0).then_some(page)
    });
    assert!(value(&page, MEMORY, of_sleep).expect("it runs") > 0.0);
}

#[test]
fn memory_counts_the_whole_tree() {
    // The subshell keeps 8 MB; the `exit` behind it makes it a child of the application.
    let script = "(x=$(head -c 8388608 /dev/zero | tr '\\0' x); sleep 60; echo \"$x\"); exit";
    let promlet = Promlet::start(&["--app.name=a", "--", "/bin/sh", "-c", script]);
    poll("memory of a child", || {
        let memory = value(&scrape(&promlet), MEMORY, Some(("application", "a")))?;
        (memory > 8e6).then_some(())
    });
}

#[test]
fn memory_is_zero_when_only_leftovers_run() {
    // The sleep ignores TERM, so that promlet waits for it once the shell has ended.
    let script = "trap '' TERM; sleep 60 & exit 3";
    let args = ["--app.name=a", "--app.stop-timeout=2s", "--", "/bin/sh", "-c", script];
    let mut promlet = Promlet::start(&args);
    let of_a = Some(("application", "a"));
    let starts = poll("a memory of 0 after the start", || {
        let page = scrape(&promlet);
        let starts = value(&page, STARTS, of_a)?;
        (starts > 0.0 && value(&page, MEMORY, of_a)? == 0.0).then_some(starts)
    });
    assert_eq!(starts, 1.0);
    assert_eq!(promlet.process.wait().code(), Some(3));
}

#[test]
fn without_an_application_its_families_are_not_there() {
    let page = scrape(&Promlet::start(&[]));
    assert!(page.family(STARTS).is_none() && page.family(MEMORY).is_none());
}

#[test]
fn each_family_and_label_can_be_turned_off() {
    const FLAGS: [(&str, &str); 6] = [
        ("--no-appmesh.scrape-count", SCRAPES),
        ("--no-appmesh.process-start-count", STARTS),
        ("--no-appmesh.http-request-count", REQUESTS),
        ("--no-appmesh.scrape-up", "appmesh_prom_scrape_up"),
        ("--no-appmesh.process-memory-gauge", MEMORY),
        ("--no-appmesh.application-metrics", "appmesh_application_running"),
    ];
    for (flag, family) in FLAGS {
        let response = Promlet::start(&[flag, "--", "sleep", "60"]).get("/metrics");
        let page = read(&response);
        for (_, other) in FLAGS {
            assert_eq!(page.family(other).is_some(), other != family, "{flag}: {other}");
        }
        assert!(!response.text().contains(family), "{flag}: not even its head");
    }
    for (flag, label) in [("--no-appmesh.host-label", "host"), ("--no-appmesh.pid-label", "pid")] {
        let page = scrape(&Promlet::start(&[flag]));
        for sample in page.samples().filter(|sample| sample.name.starts_with("appmesh_")) {
            let shown = ["host", "pid"].map(|name| sample.label(name).is_some());
            assert_eq!(shown, [label != "host", label != "pid"], "{flag}: {sample:?}");
        }
    }
}
