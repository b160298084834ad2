//! How it ends: by signals, with answers under way, and as its application did.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::poll;
use crate::support::process::{Promlet, binary};
use crate::{ONE_SCRAPE, leave_an_answer_under_way, read, scrape};

/// The promise: SIGTERM and SIGINT end it within this time.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

#[test]
fn an_idle_server_ends_at_once_on_either_signal() {
    for signal in ["TERM", "INT"] {
        let mut promlet = Promlet::start(&[]);
        // A connection that is kept alive owes no answer.
        let mut client = promlet.client();
        client.get("/metrics").expect("it answers");
        let start = Instant::now();
        promlet.process.signal(signal);
        assert_eq!(promlet.process.wait().code(), Some(0), "{signal}");
        assert!(start.elapsed() < Duration::from_secs(1), "{signal}: {:?}", start.elapsed());
        assert!(client.is_at_end().expect("it was closed in good order"), "{signal}");
    }
}

#[test]
fn answers_under_way_are_finished_on_sigterm() {
    let mut promlet = Promlet::start(&[ONE_SCRAPE]);
    let mut client = leave_an_answer_under_way(&promlet);
    let start = Instant::now();
    promlet.process.signal("TERM");
    let mut answers = 0;
    while !client.is_at_end().expect("it is closed in good order") {
        read(&client.receive("GET").expect("what was begun is finished"));
        answers += 1;
    }
    assert!(answers > 0, "one was under way");
    drop(client);
    assert_eq!(promlet.process.wait().code(), Some(0));
    assert!(start.elapsed() < STOP_TIME_MAX, "{:?}", start.elapsed());
}

#[test]
fn a_peer_that_never_reads_cannot_hold_it() {
    let mut promlet = Promlet::start(&[ONE_SCRAPE]);
    let _client = leave_an_answer_under_way(&promlet);
    let start = Instant::now();
    promlet.process.signal("TERM");
    assert_eq!(promlet.process.wait().code(), Some(0));
    assert!(start.elapsed() < STOP_TIME_MAX, "{:?}", start.elapsed());
}

#[test]
fn it_ends_as_its_application_does() {
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)] {
        let mut promlet = Promlet::start(&["--", "/bin/sh", "-c", script]);
        assert_eq!(promlet.process.wait().code(), Some(code), "{script}");
    }
}

#[test]
fn a_signal_reaches_the_application() {
    let script = "trap 'exit 5' USR1; echo trapping; while :; do sleep 0.05; done";
    let mut promlet = Promlet::start(&["--", "/bin/sh", "-c", script]);
    // It may have been read before the address was, from the other output.
    poll("the trap", || promlet.process.output().iter().any(|l| l == "trapping").then_some(()));
    promlet.process.signal("USR1");
    assert_eq!(promlet.process.wait().code(), Some(5));
}

#[test]
fn the_limit_on_descriptors_is_raised_for_promlet_and_not_for_its_application() {
    let words = "ulimit -n 300; ulimit -Sn 200; exec \"$0\" \"$@\"";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", words]).arg(binary());
    let script = "echo limits=$(ulimit -Sn)/$(ulimit -Hn); exec sleep 60";
    let mut promlet = Promlet::started_by(shell, &["--", "sh", "-c", script]);
    let page = scrape(&promlet);
    assert_eq!(page.value("process_max_fds", &[]), Some(300.0));
    let said = |line: &str| line.strip_prefix("limits=").map(str::to_owned);
    assert_eq!(promlet.process.wait_for_line(said), "200/300");
}
