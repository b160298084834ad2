//! Starts in order, stops in the reverse of it.

use std::process::Command;
use std::time::Instant;

use crate::Managed;
use crate::support::process::binary;

const CHAIN: &str = "
    [app web]
    command = sleep 1000
    after = cache migrate
    [app migrate]
    command = sh -c 'echo migrated'
    after = db
    restart = never
    [app cache]
    command = sleep 1000
    [app db]
    command = sleep 1000
";

/// The applications of the lines with this message, in their order.
fn named(managed: &mut Managed, message: &str) -> Vec<String> {
    let message = format!("msg=\"{message}\"");
    let lines = managed.process.output().iter().filter(|line| line.contains(&message));
    lines.map(|line| crate::field(line, "application").to_owned()).collect()
}

#[test]
fn each_starts_after_those_it_needs_and_stops_before_them() {
    let mut managed = Managed::start(CHAIN);
    managed.expect_start("web");
    let started = named(&mut managed, "application started");
    assert_eq!(started, ["cache", "db", "migrate", "web"]);
    assert_eq!(managed.stop().code(), Some(0), "an ordered stop");
    let ended = named(&mut managed, "application ended");
    assert_eq!(ended[..2], ["migrate", "web"]);
    let mut last: Vec<_> = ended[2..].to_vec();
    last.sort();
    assert_eq!(last, ["cache", "db"]);
}

#[test]
fn who_needs_what_has_failed_is_not_started() {
    let mut managed = Managed::start(
        "
        [app web]
        command = sleep 1000
        after = db
        [app db]
        command = sh -c 'exit 3'
        restart = never
        ",
    );
    managed.expect_log("application not started: what it comes after has failed", "web");
    assert_eq!(managed.process.wait().code(), Some(3), "all has ended");
}

#[test]
fn promlet_ends_when_all_have_done_their_work() {
    let mut managed = Managed::start(
        "
        [app a]
        command = true
        restart = on-failure
        [app b]
        command = sh -c 'echo b'
        restart = never
        [app off]
        command = sleep 1000
        enabled = no
        ",
    );
    assert_eq!(managed.process.wait().code(), Some(0));
}

/// Where something is watched, or by wish, there is more to show than applications that have ended;
/// a file without either ends it as ever.
#[test]
fn promlet_goes_on_where_it_is_to() {
    let done = "[app a]\ncommand = sh -c 'exit 3'\nrestart = never\n";
    let watched = format!("{done}[watch w]\nuser = 60124\n");
    let mut managed = Managed::start(&watched);
    managed.expect_log("application ended", "a");
    managed.reload("[watch w]\nuser = 60124\n[app b]\ncommand = true\nrestart = never\n");
    managed.expect_log("application ended", "b");
    managed.reload(done);
    assert_eq!(managed.process.wait().code(), Some(3));

    let mut command = Command::new(binary());
    command.arg("--app.stay");
    let mut managed = Managed::start_by(command, done);
    managed.expect_log("application ended", "a");
    managed.reload("[app b]\ncommand = sleep 1000\n");
    managed.expect_start("b");
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn who_is_off_is_not_started_and_promlet_waits_for_a_better_file() {
    let mut managed = Managed::start("[app a]\ncommand = sleep 1000\nenabled = no\n");
    managed.process.wait_for_address();
    managed.reload("[app a]\ncommand = sleep 1000\n");
    managed.expect_start("a");
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn who_ignores_the_signal_is_killed_in_time() {
    let mut managed = Managed::start(
        "
        [app stubborn]
        command = sh -c 'trap \"\" TERM; echo ready; sleep 1000 & wait; sleep 1000'
        stop-timeout = 100ms
        ",
    );
    managed.expect("ready");
    assert_eq!(managed.stop().code(), Some(0));
    managed.process.output();
    assert!(managed.process.output().iter().any(|line| line.contains("killing what did not stop")));
}

/// Who presses Ctrl-C again has waited long enough.
#[test]
fn a_second_interrupt_kills_what_is_left() {
    let mut managed = Managed::start(
        "
        [app first]
        command = sleep 1000
        [app stubborn]
        command = sh -c 'trap \"\" TERM; echo ready; sleep 1000 & wait; sleep 1000'
        after = first
        stop-timeout = 24h
        ",
    );
    managed.expect("ready");
    managed.process.signal("INT");
    managed.process.wait_for_line(|line| line.contains("stopping the applications").then_some(()));
    managed.process.signal("INT");
    assert_eq!(managed.process.wait().code(), Some(0));
}

/// The signal alone would wait until somebody lets it go on.
#[test]
fn who_is_suspended_is_stopped_all_the_same() {
    let mut managed = Managed::start("[app a]\ncommand = sleep 1000\nstop-timeout = 24h\n");
    let pid = managed.expect_start("a");
    let suspend = format!("kill -STOP {pid}");
    Command::new("/bin/sh").args(["-c", &suspend]).status().expect("there is a shell");
    assert_eq!(managed.stop().code(), Some(0));
}

/// What the first process leaves behind has the rest of its time, and not more.
#[test]
fn leftovers_have_no_time_of_their_own() {
    let mut managed = Managed::start(
        "
        [app a]
        command = sh -c '(trap \"\" TERM; echo ready; exec sleep 1000) & wait; echo told'
        stop-timeout = 300ms
        ",
    );
    managed.expect("ready");
    let told_at = Instant::now();
    assert_eq!(managed.stop().code(), Some(0));
    let took = told_at.elapsed();
    assert!((300..4_500).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn each_is_stopped_by_its_own_signal() {
    let mut managed = Managed::start(
        "
        [app a]
        command = sh -c 'trap \"echo told; exit 0\" QUIT; echo ready; while :; do sleep 0.05; done'
        stop-signal = SIGQUIT
        ",
    );
    managed.expect("ready");
    assert_eq!(managed.stop().code(), Some(0));
    assert!(managed.process.output().iter().any(|line| line == "told"));
}

#[test]
fn other_signals_reach_every_application() {
    let app = |name: &str| {
        format!(
            "[app {name}]\ncommand = sh -c 'trap \"echo {name} told\" USR1; echo {name} ready; \
             while :; do sleep 0.05; done'\n"
        )
    };
    let mut managed = Managed::start(&[app("a"), app("b")].concat());
    for name in ["a", "b"] {
        let ready = format!("{name} ready");
        if !managed.process.output().contains(&ready) {
            managed.expect(&ready);
        }
    }
    managed.process.signal("USR1");
    for name in ["a", "b"] {
        let told = format!("{name} told");
        if !managed.process.output().contains(&told) {
            managed.expect(&told);
        }
    }
}
