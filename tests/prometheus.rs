//! A real Prometheus scrapes the real binary, and its own API says whether that worked.
//!
//! Needs Debian's package `prometheus`; without it the tests say so and check nothing, unless
//! `PROMLET_REQUIRE_PROMETHEUS=1`.

mod support;

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use promlet::{
    Buckets, Counter, Exemplar, Exporter, Histogram, Limits, ListenAddress, NativeBuckets,
    Registry, Server, ServerHandle, TimedGauge,
};
use support::client::Client;
use support::json::Json;
use support::process::{Process, Promlet};
use support::temp::TempDir;
use support::{exposition, poll, prometheus, skip};

const REQUIRED_BY: &str = "PROMLET_REQUIRE_PROMETHEUS";

/// A Prometheus with one target, scraped each second.
struct Scraper {
    client: Client,
    // Ends before its folder goes.
    _process: Process,
    _folder: TempDir,
}

impl Scraper {
    /// `None` where Prometheus is not installed.
    fn start(target: SocketAddr, flags: &[&str]) -> Option<Scraper> {
        let installed = Command::new("prometheus").arg("--version").output().is_ok();
        if !installed {
            return None;
        }
        let folder = TempDir::new("prometheus");
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n  \
             - job_name: promlet\n    static_configs: [{{targets: ['{}']}}]\n",
            target
        );
        std::fs::write(&config, text).expect("a temporary file can be written");
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(flags);
        let mut process = Process::spawn(&mut command);
        let address = process.wait_for_address();
        let client = Client::connect(address).expect("it says that it listens");
        Some(Scraper { client, _process: process, _folder: folder })
    }

    /// The newest value of the one series of the target that a name selects.
    fn query(&mut self, name: &str) -> Option<f64> {
        let answer = self.get(&format!("/api/v1/query?query={name}"))?;
        let value = answer.at("data.result.0.value.1")?.as_str().expect("values are strings");
        Some(value.parse().expect("values are numbers"))
    }

    /// The label `trace_id`, the value and the time in seconds of the newest exemplar of a series.
    fn query_exemplar(&mut self, name: &str) -> Option<(String, String, f64)> {
        let target = format!("/api/v1/query_exemplars?query={name}&start=0&end=9999999999");
        let answer = self.get(&target)?;
        let exemplar = |path: &str| answer.at(&format!("data.0.exemplars.0.{path}"));
        let text = |path: &str| exemplar(path)?.as_str().map(str::to_owned);
        let Json::Number(seconds) = exemplar("timestamp")? else { panic!("a time is a number") };
        let seconds = seconds.parse().expect("a number is one");
        Some((text("labels.trace_id")?, text("value")?, seconds))
    }

    /// The answer of the API; `None` before it is ready.
    fn get(&mut self, target: &str) -> Option<Json> {
        let response = self.client.get(target).expect("Prometheus answers");
        if response.status == 503 {
            // It listens before it is ready.
            return None;
        }
        let json = Json::parse(response.text()).expect("Prometheus answers in JSON");
        let status = json.at("status").and_then(Json::as_str);
        assert_eq!(status, Some("success"), "{}", response.text());
        Some(json)
    }
}

/// By default it asks for OpenMetrics.
#[test]
fn a_real_prometheus_scrapes_every_series() {
    scrape_every_series(&[]);
}

/// One that is to read native histograms asks for protobuf.
#[test]
fn a_real_prometheus_reads_protobuf() {
    scrape_every_series(&["--enable-feature=native-histograms"]);
}

fn scrape_every_series(flags: &[&str]) {
    let promlet = Promlet::start(&[]);
    let Some(mut scraper) = Scraper::start(promlet.address, flags) else {
        return skip("prometheus is not installed", REQUIRED_BY);
    };
    poll("up == 1", || (scraper.query("up")? == 1.0).then_some(()));

    // No scrape of our own in between: only Prometheus makes the count rise.
    let first = poll("scrape count", || scraper.query("appmesh_prom_scrape_count"));
    poll("rise of the scrape count", || {
        (scraper.query("appmesh_prom_scrape_count")? > first).then_some(())
    });

    // The set of series may still grow at the first scrapes, so both are asked until they agree.
    let mut last = None;
    let agreed = poll("agreement on the number of series", || {
        let body = promlet.get("/metrics").body;
        let series = exposition::read(&body).expect("the page is right").samples().count();
        last = Some((scraper.query("scrape_samples_scraped")?, series));
        last.filter(|(scraped, series)| *scraped == *series as f64)
    });
    assert!(agreed.1 > 0, "the page is empty: {last:?}");
    assert_eq!(scraper.query("up"), Some(1.0));
}

/// It asks for OpenMetrics, or for protobuf where it is to read native histograms, and in gzip.
#[test]
fn a_real_prometheus_stores_exemplars_and_times() {
    for features in ["exemplar-storage", "exemplar-storage,native-histograms"] {
        let registry = Registry::new();
        let legal = "the names are legal";
        let builder = |name: &'static str| registry.family_builder(name, "Help.");
        let jobs: Counter = builder("jobs_total").exemplars().register_one(()).expect(legal);
        let bounds = Buckets::new([1.0]).expect("one bound");
        let waits: Histogram =
            builder("wait_seconds").exemplars().register_one(bounds).expect(legal);
        let watts: TimedGauge = builder("watts").register_one(()).expect(legal);
        let exemplar = |id: &str| Exemplar::new(&[("trace_id", id)]).expect("the label is legal");
        let now = SystemTime::now();
        jobs.inc_by_with_exemplar(3, exemplar("a").at(now));
        waits.observe_with_exemplar(0.5, exemplar("b").at(now));
        let measured = now - Duration::from_secs(60);
        watts.set_at(7.5, measured);
        let (server, target) = serve(registry);
        let flags = [format!("--enable-feature={features}")];
        let Some(mut scraper) = Scraper::start(target, &[&flags[0]]) else {
            return skip("prometheus is not installed", REQUIRED_BY);
        };
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let expected = [("jobs_total", "a", "3"), ("wait_seconds_bucket", "b", "0.5")];
        for (name, id, value) in expected {
            let shown = poll("the exemplar", || scraper.query_exemplar(name));
            assert_eq!((shown.0.as_str(), shown.1.as_str()), (id, value), "{features}");
            assert!((shown.2 - seconds(now)).abs() < 0.002, "{} at {now:?}", shown.2);
        }
        assert_eq!(scraper.query("watts"), Some(7.5));
        let time = scraper.query("timestamp(watts)").expect("there is one");
        assert!((time - seconds(measured)).abs() < 0.002, "{time} at {measured:?}");
        server.stop(Duration::ZERO).expect("it runs");
    }
}

/// Serves `registry` in this process.
fn serve(registry: Registry) -> (ServerHandle, SocketAddr) {
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = Server::bind(&[address], Limits::default()).expect("a port is free");
    let [ListenAddress::Tcp(target)] = server.local_addresses()[..] else { panic!("one address") };
    (server.spawn(Exporter::new(registry)).expect("a thread can be started"), target)
}

#[test]
fn a_real_prometheus_stores_native_histograms() {
    let registry = Registry::new();
    let native = NativeBuckets::new(3, 1e-3..=1e3).expect("the range is one");
    let buckets = Buckets::new([-1.0, 1.0]).expect("the bounds ascend").with_native(native);
    let histogram = registry.histogram("drift_seconds", "", buckets.clone()).expect("it is free");
    registry.histogram("idle_seconds", "", buckets).expect("the name is free");
    for value in [-10.0, 0.0, 0.25, 0.5, 0.5, 100.0] {
        histogram.observe(value);
    }
    let (server, target) = serve(registry);
    let flags = ["--enable-feature=native-histograms"];
    let Some(mut scraper) = Scraper::start(target, &flags) else {
        return skip("prometheus is not installed", REQUIRED_BY);
    };
    let count = poll("the histogram", || scraper.query("histogram_count(drift_seconds)"));
    assert_eq!(count, 6.0);
    assert_eq!(scraper.query("histogram_sum(drift_seconds)"), Some(91.25));
    let below = scraper.query("histogram_fraction(0,1,drift_seconds)").expect("it has buckets");
    // Half of the zero bucket's one observation is taken to be below zero.
    assert!((below - 3.5 / 6.0).abs() < 1e-6, "{below}");
    assert_eq!(scraper.query("histogram_count(idle_seconds)"), Some(0.0));
    assert_eq!(scraper.query("drift_seconds_count"), None, "it is stored as native");
    server.stop(Duration::ZERO).expect("it runs");
}

#[test]
fn promtool_takes_the_page() {
    let promlet = Promlet::start(&[]);
    let body = promlet.get("/metrics").body;
    exposition::read(&body).unwrap_or_else(|error| panic!("{error}"));
    match prometheus::check_metrics(&body) {
        None => skip("promtool is not installed", REQUIRED_BY),
        Some(verdict) => assert_eq!(verdict, Ok(())),
    }
}
