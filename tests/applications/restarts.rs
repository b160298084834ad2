//! Back-off, limits, and what counts as a failure.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::process::copy_binary;
use crate::{Managed, field};

#[test]
fn a_crash_loop_backs_off_and_is_given_up() {
    let mut managed = Managed::start(
        "
        [app crash]
        command = sh -c 'exit 7'
        backoff-initial = 40ms
        backoff-max = 100ms
        restart-limit = 4 in 1m
        ",
    );
    let start = Instant::now();
    let waits: Vec<String> = (0..4)
        .map(|_| {
            let line = managed.expect_log("application will be started again", "crash");
            assert_eq!(field(&line, "status"), "7");
            field(&line, "wait").to_owned()
        })
        .collect();
    assert_eq!(waits, ["0.04s", "0.08s", "0.1s", "0.1s"]);
    managed.expect_log("application has ended too often and is given up", "crash");
    assert!(start.elapsed() >= Duration::from_millis(280), "{:?}", start.elapsed());
    assert_eq!(managed.process.wait().code(), Some(7));
}

/// The kernel's reason alone would be that of the program.
#[test]
fn who_may_not_change_the_user_is_told_so() {
    if !crate::is_root() {
        return crate::support::skip("dropping rights needs root", "PROMLET_REQUIRE_SCRATCH");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=60123", "--regid=60123", "--clear-groups"]);
    // Whoever it is has to be able to execute it.
    let folder = crate::TempDir::new("promlet");
    let copy = folder.path().join("promlet");
    copy_binary(&copy);
    command.arg(&copy);
    let mut managed = Managed::start_by(
        command,
        "
        [app a]
        command = true
        user = 60124
        group = 60125
        restart = never
        [app b]
        command = true
        limit-open-files = 2000000000
        restart = never
        ",
    );
    let line = managed.expect_log("application not started", "a");
    let expected = "as user 60124 and group 60125: operation not permitted";
    assert!(line.contains(expected), "{line}");
    if !managed.process.output().iter().any(|line| line.contains("with its limits: operation")) {
        let line = managed.expect_log("application not started", "b");
        assert!(line.contains("with its limits: operation not permitted"), "{line}");
    }
    assert_eq!(managed.process.wait().code(), Some(126));
}

#[test]
fn what_cannot_be_started_is_tried_again() {
    let mut managed = Managed::start(
        "
        [app soon]
        command = FOLDER/program
        backoff-initial = 10ms
        backoff-max = 50ms
        ",
    );
    let line = managed.expect_log("application not started", "soon");
    assert!(line.contains("no such file or directory"), "{line}");
    let line = managed.expect_log("application will be started again", "soon");
    assert_eq!(field(&line, "status"), "127");
    let program = managed.file("program");
    std::os::unix::fs::symlink("/bin/true", &program).expect("it is the test's own");
    managed.expect_start("soon");
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let mut managed = Managed::start(
        "[app a]\ncommand = true\ndirectory = /nonexistent/folder\nrestart = never\n",
    );
    let line = managed.expect_log("application not started", "a");
    assert!(line.contains("in \\\"/nonexistent/folder\\\": no such file"), "{line}");
    assert_eq!(managed.process.wait().code(), Some(127));
}

#[test]
fn only_failures_are_started_again_where_asked_so() {
    let mut managed = Managed::start(
        "
        [app a]
        command = sh -c 'test -e FOLDER/second && exit 0; : > FOLDER/second; exit 1'
        restart = on-failure
        backoff-initial = 1ms
        ",
    );
    managed.expect_log("application will be started again", "a");
    assert_eq!(managed.process.wait().code(), Some(0));
}
