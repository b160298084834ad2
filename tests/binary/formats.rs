//! What a scraper gets that asks for a format or for gzip.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::{Command, Stdio};

use crate::scrape;
use crate::support::process::Promlet;
use crate::support::temp::TempDir;
use crate::support::{exposition, openmetrics, poll, protobuf};

const TEXT: &str = "text/plain;version=0.0.4";
const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0";
const PROTOBUF: &str = "application/vnd.google.protobuf;\
                        proto=io.prometheus.client.MetricFamily;encoding=delimited";

/// The body of the answer to this `Accept`, and that it was heeded.
fn get(promlet: &Promlet, accept: &str) -> Vec<u8> {
    let mut client = promlet.client();
    let response = client.request("GET", "/metrics", &[("Accept", accept)]).expect("it answers");
    let media_type = accept.split(';').next().expect("a media type");
    let content_type = response.field("content-type").expect("there is one");
    assert!(content_type.starts_with(media_type), "{accept}: {content_type}");
    assert_eq!(response.field("content-encoding"), None, "{accept}");
    response.body
}

#[test]
fn every_format_shows_the_same_samples() {
    let promlet = Promlet::start(&["--", "sleep", "60"]);
    // It serves before the application runs, and shows a rate of what two scrapes have seen run.
    let text = poll("a rate of a running application", || {
        let page = scrape(&promlet);
        page.family("appmesh_application_process_cpu_usage_cores").is_some().then_some(page)
    });
    let text: BTreeSet<_> = text.samples().map(|sample| sample.name.clone()).collect();

    let body = get(&promlet, OPENMETRICS);
    let page = openmetrics::read(&body).unwrap_or_else(|error| panic!("{error}"));
    let names: BTreeSet<_> = page.samples().map(|sample| sample.name.clone()).collect();
    assert_eq!(names, text);

    let families = protobuf::read(&get(&promlet, PROTOBUF)).unwrap_or_else(|e| panic!("{e}"));
    // A family of several pages is as many messages, one behind the other.
    let mut names: Vec<_> = families.into_iter().map(|family| family.name).collect();
    names.dedup();
    let page = scrape(&promlet);
    assert!(names.iter().eq(page.families.iter().map(|family| &family.name)), "{names:?}");
}

#[test]
fn a_page_in_gzip_inflates_to_the_page() {
    let folder = TempDir::new("gzip");
    let promlet = Promlet::start(&[]);
    let plain = series(&get(&promlet, TEXT));
    let mut client = promlet.client();
    // The page is compressed anew each time, and sent in full.
    for round in 0..3 {
        let fields = [("Accept", TEXT), ("Accept-Encoding", "gzip")];
        let response = client.request("GET", "/metrics", &fields).expect("it answers");
        assert_eq!(response.field("content-encoding"), Some("gzip"));
        assert_eq!(response.field("vary"), Some("Accept, Accept-Encoding"));
        let path = folder.path().join(format!("{round}.gz"));
        std::fs::write(&path, &response.body).expect("a temporary file can be written");
        let input = File::open(&path).expect("it was written");
        let gzip = Command::new("gzip").arg("-dc").stdin(input).stderr(Stdio::inherit()).output();
        let gzip = gzip.expect("there is gzip(1)");
        assert!(gzip.status.success(), "round {round}");
        assert_eq!(series(&gzip.stdout), plain, "round {round}");
    }
}

/// The series of a valid page, in its order.
fn series(body: &[u8]) -> Vec<(String, Vec<(String, String)>)> {
    let page = exposition::read(body).unwrap_or_else(|error| panic!("{error}"));
    page.samples().map(|sample| (sample.name.clone(), sample.labels.clone())).collect()
}
