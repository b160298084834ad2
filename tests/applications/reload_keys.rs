//! SIGHUP, key by key: what is started anew when the key changes, and what takes effect as it is.

use std::collections::BTreeSet;

use promlet::config::file;

use crate::support::poll;
use crate::{Managed, is_alive, is_root};

/// What a change of a key does to an application that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It is started anew, with a process of its own.
    Anew,
    /// It keeps its process.
    InPlace,
    /// It is stopped.
    Stopped,
}

const LONELY: &str = "group = 60123\nuser = 60123";

/// Each key, the lines before the change, and those after it.
const CHANGES: &[(&str, &str, &str, Effect)] = {
    use Effect::{Anew, InPlace, Stopped};
    &[
        ("command", "command = sleep 1000", "command = sleep 1001", Anew),
        ("directory", "directory = /", "directory = /proc", Anew),
        ("environment", "environment = A=1", "environment = A=2", Anew),
        ("environment-file", "", "environment-file = FOLDER/variables", Anew),
        ("user", LONELY, "group = 60123\nuser = 60124", Anew),
        ("group", LONELY, "group = 60124\nuser = 60123", Anew),
        ("limit-processes", "limit-processes = 1000", "limit-processes = 999", Anew),
        ("limit-open-files", "limit-open-files = 100", "limit-open-files = 99", Anew),
        ("limit-memory", "limit-memory = 1GiB", "limit-memory = 2GiB", Anew),
        ("limit-core", "limit-core = 0B", "", Anew),
        ("output", "", "output = file /dev/null", Anew),
        ("enabled", "", "enabled = no", Stopped),
        ("after", "", "after = steady", InPlace),
        ("restart", "", "restart = never", InPlace),
        ("backoff-initial", "", "backoff-initial = 2s", InPlace),
        ("backoff-max", "", "backoff-max = 2m", InPlace),
        ("backoff-factor", "", "backoff-factor = 3", InPlace),
        ("restart-limit", "", "restart-limit = 1 in 1m", InPlace),
        ("stop-signal", "", "stop-signal = INT", InPlace),
        ("stop-timeout", "stop-timeout = 5s", "stop-timeout = 6s", InPlace),
        ("health-check", "", "health-check = command true", InPlace),
        ("health-interval", "", "health-interval = 7s", InPlace),
        ("health-timeout", "", "health-timeout = 7s", InPlace),
        ("health-threshold", "", "health-threshold = 7", InPlace),
        ("health-start-period", "", "health-start-period = 7s", InPlace),
        ("health-action", "", "health-action = restart", InPlace),
    ]
};

/// An application named after its key, with these lines and what else it needs.
fn section(key: &str, lines: &str) -> String {
    let command = if key == "command" { "" } else { "command = sleep 1000\n" };
    let is_of_a_check = key.starts_with("health-") && key != "health-check";
    let check = if is_of_a_check { "health-check = command true\n" } else { "" };
    format!("[app {key}]\n{command}{check}{lines}\n")
}

/// The pid of each start so far of an application.
fn pids(managed: &mut Managed, name: &str) -> Vec<i32> {
    let is_start = |line: &&String| {
        let mut words = line.split(' ').skip_while(|word| *word != "started\"").skip(1);
        words.next().and_then(|word| word.strip_prefix("application=")) == Some(name)
    };
    let lines = managed.process.output().iter().filter(is_start);
    lines.map(|line| crate::field(line, "pid").parse().expect("a pid is a number")).collect()
}

#[test]
fn every_key_does_what_it_is_to_do() {
    let names: BTreeSet<&str> = CHANGES.iter().map(|(key, ..)| *key).collect();
    let keys = file::keys().into_iter().filter(|key| key.section == "app");
    assert_eq!(names, keys.map(|key| key.name).collect(), "each key has its row");
    // To change the user needs root.
    let is_possible = |key: &str| is_root() || !["user", "group"].contains(&key);
    let changes: Vec<_> = CHANGES.iter().filter(|(key, ..)| is_possible(key)).collect();
    let steady = "[app steady]\ncommand = sleep 1000\n".to_owned();
    let before: String = changes.iter().map(|(key, lines, ..)| section(key, lines)).collect();
    let after: String = changes.iter().map(|(key, _, lines, _)| section(key, lines)).collect();

    let mut managed = Managed::start(&(steady.clone() + &before));
    std::fs::write(managed.file("variables"), "A=1\n").expect("it is the test's own");
    for (key, ..) in &changes {
        poll(key, || (pids(&mut managed, key).len() == 1).then_some(()));
    }
    managed.reload(&(steady + &after));
    for (key, _, _, effect) in &changes {
        let starts = if *effect == Effect::Anew { 2 } else { 1 };
        poll(key, || (pids(&mut managed, key).len() == starts).then_some(()));
    }
    for (key, _, _, effect) in &changes {
        let pids = pids(&mut managed, key);
        let (first, last) = (pids[0], *pids.last().expect("it was started"));
        if *effect == Effect::Stopped {
            poll(key, || (!is_alive(first)).then_some(()));
            continue;
        }
        assert!(is_alive(last), "{key}");
        assert_eq!(
            (pids.len() == 2, is_alive(first)),
            match effect {
                Effect::Anew => (true, false),
                _ => (false, true),
            },
            "{key}"
        );
    }
    assert!(is_alive(pids(&mut managed, "steady")[0]));
    assert_eq!(pids(&mut managed, "steady").len(), 1);
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn another_restart_rule_decides_the_next_end() {
    let config = "[app a]\ncommand = sleep 1000\n";
    let mut managed = Managed::start(config);
    let pid = managed.expect_start("a");
    managed.reload(&format!("{config}restart = never\n"));
    managed.process.wait_for_line(|line| line.contains("read again").then_some(()));
    kill(pid);
    assert_eq!(managed.process.wait().code(), Some(137), "that of the application");
}

#[test]
fn other_waits_take_the_place_of_the_one_under_way() {
    let config = "[app a]\ncommand = sh -c 'test -e FOLDER/ok && exec sleep 1000; exit 1'\n";
    let mut managed =
        Managed::start(&format!("{config}backoff-initial = 24h\nbackoff-max = 24h\n"));
    managed.expect_log("application will be started again", "a");
    std::fs::write(managed.file("ok"), "").expect("it is the test's own");
    managed.reload(config);
    let pid = managed.expect_start("a");
    assert!(is_alive(pid));
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn another_stop_signal_and_less_time_are_those_of_the_next_stop() {
    let config = |signal: &str| {
        format!(
            "[app a]\ncommand = sh -c 'trap \"echo told INT; exit\" INT; trap \"\" TERM; \
             echo ready; while :; do sleep 0.05; done'\nstop-signal = {signal}\n"
        )
    };
    let mut managed = Managed::start(&config("TERM"));
    managed.expect("ready");
    managed.reload(&config("INT"));
    managed.process.wait_for_line(|line| line.contains("read again").then_some(()));
    managed.process.signal("TERM");
    managed.expect("told INT");
    assert_eq!(managed.process.wait().code(), Some(0));

    let stubborn = config("TERM") + "stop-timeout = 24h\nenabled = no\n";
    let mut managed = Managed::start(&stubborn.replace("enabled = no", ""));
    managed.expect("ready");
    let pid = poll("the line of its start", || pids(&mut managed, "a").first().copied());
    managed.reload(&stubborn);
    managed.process.wait_for_line(|line| line.contains("read again").then_some(()));
    assert!(is_alive(pid), "it has a day to stop");
    managed.reload(&stubborn.replace("24h", "50ms"));
    managed.expect_log("application ended", "a");
    assert!(!is_alive(pid));
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn another_check_begins_at_once_and_may_restart() {
    let config = |action: &str| {
        format!(
            "[app a]\ncommand = sleep 1000\nhealth-check = command false\nhealth-interval = 5ms\n\
             health-start-period = 0s\nhealth-threshold = 1\nbackoff-initial = 1ms\n\
             health-action = {action}\n"
        )
    };
    let mut managed = Managed::start("[app a]\ncommand = sleep 1000\n");
    let pid = managed.expect_start("a");
    managed.reload(&config("report"));
    managed.expect_log("application is unhealthy", "a");
    assert!(is_alive(pid));
    managed.reload(&config("restart"));
    let again = managed.expect_start("a");
    assert!(again != pid && !is_alive(pid));
    assert_eq!(managed.stop().code(), Some(0));
}

fn kill(pid: i32) {
    let words = format!("kill -KILL {pid}");
    let status = std::process::Command::new("/bin/sh").args(["-c", &words]).status();
    assert!(status.expect("there is a shell").success(), "{words}");
}
