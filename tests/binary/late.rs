//! Sources that do not answer: a FIFO that nobody writes to stands in for a sensor.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::client::Response;
use crate::support::exposition::Exposition;
use crate::support::poll;
use crate::support::process::Promlet;
use crate::support::temp::TempDir;
use crate::{read, value};

/// A node whose one thermal zone does not answer.
struct StuckSensor {
    folder: TempDir,
    promlet: Promlet,
}

const ZONE: &str = "class/thermal/thermal_zone0";

impl StuckSensor {
    fn start(purpose: &str) -> StuckSensor {
        let folder = TempDir::new(purpose);
        let zone = folder.path().join(ZONE);
        std::fs::create_dir_all(&zone).expect("a folder for the test");
        std::fs::write(zone.join("type"), "cpu\n").expect("a file of the test");
        let status = Command::new("mkfifo").arg(zone.join("temp")).status().expect("coreutils");
        assert!(status.success());
        let sysfs = format!("--path.sysfs={}", folder.path().display());
        let promlet = Promlet::start(&[
            &sysfs,
            "--collector.disable-defaults",
            "--collector.loadavg",
            "--collector.thermal_zone",
        ]);
        StuckSensor { folder, promlet }
    }

    /// A scrape by one who waits for `timeout` seconds.
    fn scrape(&self, timeout: &str) -> Response {
        let field = ("X-Prometheus-Scrape-Timeout-Seconds", timeout);
        self.promlet.client().request("GET", "/metrics", &[field]).expect("it answers")
    }

    /// Lets go who reads the sensor, and puts a file in its place that answers.
    fn repair(&self) {
        let sensor = self.folder.path().join(ZONE).join("temp");
        let fifo = File::options().write(true).open(&sensor).expect("somebody reads it");
        let good = self.folder.path().join("good");
        std::fs::write(&good, "42500\n").expect("a file of the test");
        std::fs::rename(&good, &sensor).expect("it is in the same folder");
        drop(fifo);
    }
}

fn success(page: &Exposition, collector: &str) -> Option<f64> {
    value(page, "node_scrape_collector_success", Some(("collector", collector)))
}

#[test]
fn a_source_that_does_not_answer_costs_only_its_own_samples() {
    let mut stuck = StuckSensor::start("late-source");
    let start = Instant::now();
    let page = read(&stuck.scrape("0.5"));
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(400) && waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!([success(&page, "loadavg"), success(&page, "thermal_zone")], [Some(1.0), Some(0.0)]);
    assert!(page.family("node_load1").is_some());
    assert!(page.family("node_cooling_device_max_state").is_none());
    stuck.promlet.process.wait_for_line(|line| {
        let is_it = line.contains("thermal_zone") && line.contains("no answer before the scrape");
        is_it.then_some(())
    });

    let start = Instant::now();
    let page = read(&stuck.scrape("20"));
    assert_eq!(success(&page, "thermal_zone"), Some(0.0));
    assert!(start.elapsed() < Duration::from_secs(5), "nobody waits for it again");

    stuck.repair();
    let page = poll("the sensor's answer", || {
        let page = read(&stuck.scrape("20"));
        (success(&page, "thermal_zone") == Some(1.0)).then_some(page)
    });
    assert_eq!(value(&page, "node_thermal_zone_temp", Some(("zone", "0"))), Some(42.5));
}

#[test]
fn others_are_answered_while_a_scrape_waits() {
    let stuck = StuckSensor::start("late-others");
    let (mut first, mut second) = (stuck.promlet.client(), stuck.promlet.client());
    let scrape = "GET /metrics HTTP/1.1\r\nHost: h\r\n\
                  X-Prometheus-Scrape-Timeout-Seconds: 20\r\n\r\n";
    first.send(scrape.as_bytes()).expect("it reads");
    second.send(scrape.as_bytes()).expect("it reads");
    assert_eq!(stuck.promlet.get("/-/healthy").status, 200);
    let other = read(&stuck.promlet.get("/metrics?collect[]=loadavg"));
    assert_eq!([success(&other, "loadavg"), success(&other, "thermal_zone")], [Some(1.0), None]);
    stuck.repair();
    for client in [&mut first, &mut second] {
        let page = read(&client.receive("GET").expect("an answer"));
        assert_eq!(success(&page, "thermal_zone"), Some(1.0), "it answered in time");
    }
}

#[test]
fn nothing_that_hangs_holds_up_the_end() {
    for is_waiting in [false, true] {
        let mut stuck = StuckSensor::start("late-end");
        let mut client = stuck.promlet.client();
        if is_waiting {
            client.send(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").expect("it reads");
            assert_eq!(stuck.promlet.get("/-/healthy").status, 200);
        } else {
            read(&stuck.scrape("0.1"));
        }
        let start = Instant::now();
        stuck.promlet.process.signal("TERM");
        if is_waiting {
            let page = read(&client.receive("GET").expect("an answer, as far as it goes"));
            assert_eq!(success(&page, "loadavg"), Some(1.0));
            assert_eq!(success(&page, "thermal_zone"), Some(0.0));
        }
        drop(client);
        assert_eq!(stuck.promlet.process.wait().code(), Some(0));
        assert!(start.elapsed() < Duration::from_secs(3), "{is_waiting}: {:?}", start.elapsed());
    }
}
