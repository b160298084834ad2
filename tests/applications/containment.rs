//! Whatever an application starts is held, found and stopped.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::support::process::{Process, binary};
use crate::support::{poll, skip};
use crate::{Managed, is_alive, is_root};

/// A user that nobody else is, so that its limit counts only what the test starts.
const LONELY_USER: &str = "user = 60123\ngroup = 60123\n";

/// The pid that a line `NAME PID` has.
fn expect_pid(managed: &mut Managed, name: &str) -> i32 {
    managed.process.wait_for_line(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// A daemon leaves group, session and parents behind; it goes with its application all the same,
/// and with no other.
#[test]
fn a_daemon_is_stopped_with_its_application_alone() {
    let app = |name: &str| {
        format!(
            "[app {name}]\ncommand = sh -c '(setsid sh -c \"echo {name} \\$\\$; exec sleep 1000\" \
             &); sleep 1000'\n"
        )
    };
    let mut managed = Managed::start(&app("a"));
    let first = expect_pid(&mut managed, "a ");
    managed.reload(&[app("a"), app("b")].concat());
    let second = expect_pid(&mut managed, "b ");
    managed.reload(&app("b"));
    managed.expect_log("application ended", "a");
    assert!(!is_alive(first), "the daemon of a");
    assert!(is_alive(second), "the daemon of b");
    assert_eq!(managed.stop().code(), Some(0));
    assert!(!is_alive(second));
}

#[test]
fn what_ends_leaves_nothing_behind_before_it_is_started_again() {
    let mut managed = Managed::start(
        "
        [app leaver]
        command = sh -c 'setsid sleep 1000 & echo left $!; exit 1'
        backoff-initial = 1ms
        restart-limit = 1 in 1m
        ",
    );
    let pids = [expect_pid(&mut managed, "left "), expect_pid(&mut managed, "left ")];
    assert_eq!(managed.process.wait().code(), Some(1));
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn a_fork_bomb_is_held_by_its_limit() {
    if !is_root() {
        return skip("changing the user needs root", "PROMLET_REQUIRE_SCRATCH");
    }
    let mut managed = Managed::start(&format!(
        "
        [app bomb]
        command = sh -c '(while :; do sleep 1000 & done); exec sleep 1000'
        {LONELY_USER}
        limit-processes = 30
        output = file /dev/null
        restart = never
        stop-timeout = 200ms
        [app calm]
        command = sleep 1000
        "
    ));
    let calm = managed.expect_start("calm");
    let processes = || {
        let entries = std::fs::read_dir("/proc").expect("it can be listed").flatten();
        let users = entries.filter_map(|entry| Some(entry.metadata().ok()?.uid()));
        users.filter(|uid| *uid == 60_123).count()
    };
    // The shell gives up when it cannot fork; what it has started stays.
    let most = poll("a bomb", || Some(processes()).filter(|count| *count > 25));
    assert!(most <= 30, "{most} processes");
    assert!(is_alive(calm));
    assert_eq!(managed.stop().code(), Some(0));
    assert_eq!(processes(), 0);
}

#[test]
fn users_and_groups_are_taken_on() {
    if !is_root() {
        return skip("changing the user needs root", "PROMLET_REQUIRE_SCRATCH");
    }
    let mut managed = Managed::start(&format!(
        "[app who]\ncommand = sh -c 'echo $(id -u):$(id -g):$(id -G):$(pwd):$A'\n{LONELY_USER}\
         directory = /proc\nenvironment = A=\"b c\"\nrestart = never\n"
    ));
    managed.expect("60123:60123:60123:/proc:b c");
    assert_eq!(managed.process.wait().code(), Some(0));
}

/// What PR_SET_PDEATHSIG is for: promlet is gone, and nobody would ever stop the application.
#[test]
fn the_death_of_promlet_stops_the_applications() {
    let mut managed = Managed::start(
        "
        [app a]
        command = sh -c 'trap \"echo told; exit\" INT; echo ready; while :; do sleep 0.05; done'
        stop-signal = INT
        ",
    );
    let pid = managed.expect_start("a");
    if !managed.process.output().iter().any(|line| line == "ready") {
        managed.expect("ready");
    }
    managed.process.signal("KILL");
    managed.expect("told");
    poll("the end of the application", || (!is_alive(pid)).then_some(()));
}

#[test]
fn a_namespace_goes_with_its_promlet() {
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let probe = Command::new("unshare").args(unshare).arg("true").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skip("unshare --pid is not permitted", "PROMLET_REQUIRE_SCRATCH");
    }
    let mut command = Command::new("unshare");
    command.args(unshare).arg(binary());
    let mut managed = Managed::start_by(
        command,
        "
        [app a]
        command = sh -c '[ $PPID = 1 ] && (setsid sleep 1000 &); echo up; kill -TERM 1; sleep 1000'
        [app b]
        command = sh -c 'i=0; while [ $i -lt 100 ]; do (: &); i=$((i + 1)); done; exec sleep 1000'
        ",
    );
    managed.expect("up");
    assert_eq!(managed.process.wait().code(), Some(0));
}

/// Each application has only what it was given, though its siblings' pipes are open in promlet.
#[test]
fn no_descriptor_of_another_is_inherited() {
    let mut managed = Managed::start(
        "
        [app talk]
        command = sleep 1000
        output = prefixed
        [app list]
        command = sh -c 'ls /proc/self/fd | tr \"\\n\" .; echo'
        after = talk
        restart = never
        ",
    );
    managed.expect("0.1.2.3.");
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn it_runs_where_its_descriptors_are_closed() {
    let folder = crate::TempDir::new("closed");
    crate::write_config(
        folder.path(),
        "[app a]\ncommand = sh -c 'echo a; : > FOLDER/ran'\noutput = prefixed\nrestart = never\n",
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]).arg(binary());
    command.arg("--web.listen-address=127.0.0.1:0");
    command.arg(format!("--config.file={}", folder.path().join("config").display()));
    assert_eq!(Process::spawn(&mut command).wait().code(), Some(0));
    assert!(folder.path().join("ran").exists());
}
