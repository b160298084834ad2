//! What applications are said to have used is what the kernel knows of each of their processes.

use std::fs;
use std::net::SocketAddr;

use super::Managed;
use crate::support::client::Client;
use crate::support::exposition;
use crate::support::poll;
use crate::support::temp::TempDir;

/// Uses a core for a while, and writes down what the kernel says of the process.
const BURN: &str = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done\n\
                    read -r line </proc/$$/stat; echo \"$line\" >>\"$1\"\n";

/// Once in a child that is waited for, once in one that nobody waits for but promlet, once itself.
const SCRIPT: &str = "sh burn ticks\n(setsid sh burn ticks &)\nset -- ticks\n. ./burn\n\
                      echo ready\nexec sleep 60\n";

/// Seconds that may be used beside: to start and end each of the processes.
const BESIDE_SECONDS: f64 = 0.2;

/// The seconds in what was written down.
fn seconds_of(ticks: &str) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let of_line = |line: &str| -> u64 {
        let (_, fields) = line.rsplit_once(") ").expect("it is a stat file");
        let times = fields.split(' ').skip(11).take(2);
        times.map(|ticks| ticks.parse::<u64>().expect("it is a number")).sum()
    };
    ticks.lines().map(of_line).sum::<u64>() as f64 / TICKS_PER_SECOND
}

fn cpu_seconds(client: &mut Client) -> f64 {
    let body = client.get("/metrics").expect("it answers").body;
    let page = exposition::read(&body).unwrap_or_else(|error| panic!("{error}"));
    let family = page.family("appmesh_application_process_cpu_seconds_total");
    let samples = family.map(|family| &*family.samples).unwrap_or_default();
    let is_its = |name: &(String, String)| *name == ("application".to_owned(), "shop".to_owned());
    samples.iter().filter(|it| it.labels.iter().any(is_its)).map(|it| it.value).sum()
}

#[test]
fn every_process_is_counted_once_whoever_waits_for_it() {
    let folder = TempDir::new("accounts");
    fs::write(folder.path().join("burn"), BURN).expect("it is the test's own");
    fs::write(folder.path().join("script"), SCRIPT).expect("it is the test's own");
    let config = format!(
        "[app shop]\ncommand = sh script\ndirectory = {}\n[watch others]\ncommand-line = burn\n",
        folder.path().display()
    );
    let mut managed = Managed::start(&config);
    let address: SocketAddr = managed.process.wait_for_address();
    let mut client = Client::connect(address).expect("it listens");
    let mut before = 0.0;
    let ticks = poll("what all three have used", || {
        let used = cpu_seconds(&mut client);
        assert!(used >= before, "{used} after {before}");
        before = used;
        let ticks = fs::read_to_string(folder.path().join("ticks")).unwrap_or_default();
        (ticks.lines().count() == 3).then_some(ticks)
    });
    let truth = seconds_of(&ticks);
    let used = poll("as much in the page", || {
        Some(cpu_seconds(&mut client)).filter(|used| *used >= truth)
    });
    assert!(used <= truth + BESIDE_SECONDS, "{used} in place of {truth}");
    let later = cpu_seconds(&mut client);
    assert!((used..=truth + BESIDE_SECONDS).contains(&later), "{later} in place of {truth}");
}
