//! The supervisor with real children, as PID 1 and as a subreaper.
//!
//! This binary plays two parts. Run by cargo it is the test; run by itself with
//! `role:supervise STOP_TIMEOUT_MS -- COMMAND` it is a promlet that supervises COMMAND on its main
//! thread, prints `reaped=N` at the end and exits as promlet would; with `role:manage CONFIGURATION`
//! it is one of several applications, and prints what it knows of each. The applications are small
//! shell scripts that say on standard output when they are where the test wants them.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use promlet::config;
use promlet::supervisor::{
    AppStatus, Application, ExitReason, Plan, Roster, Signals, Supervisor, Work,
};
use promlet::sys::process::{Target, send};
use promlet::sys::signal::Signal;

/// How long anything here may take; only a failure ever waits so long.
const DEADLINE: Duration = Duration::from_secs(30);

/// A stop timeout that no test reaches.
const NO_HURRY_MS: u64 = 600_000;

const TESTS: &[(&str, fn())] = &[
    ("exits_with_the_applications_status", exits_with_the_applications_status),
    ("exits_with_128_plus_the_signal", exits_with_128_plus_the_signal),
    ("forwards_every_signal", forwards_every_signal),
    ("forwards_a_signal_from_before_the_start", forwards_a_signal_from_before_the_start),
    ("kills_what_ignores_term", kills_what_ignores_term),
    ("kills_in_time_under_a_flood_of_signals", kills_in_time_under_a_flood_of_signals),
    ("kills_the_whole_tree", kills_the_whole_tree),
    ("reaps_a_thousand_orphans", reaps_a_thousand_orphans),
    ("stops_a_daemon_that_was_left_behind", stops_a_daemon_that_was_left_behind),
    ("kills_a_daemon_that_ignores_term", kills_a_daemon_that_ignores_term),
    ("child_starts_clean", child_starts_clean),
    ("child_keeps_an_ignored_hup", child_keeps_an_ignored_hup),
    ("child_inherits_three_descriptors", child_inherits_three_descriptors),
    ("child_leads_its_own_group", child_leads_its_own_group),
    ("works_with_chld_ignored_on_entry", works_with_chld_ignored_on_entry),
    ("works_with_descriptors_closed_on_entry", works_with_descriptors_closed_on_entry),
    ("passes_arguments_on_unharmed", passes_arguments_on_unharmed),
    ("hides_socket_activation", hides_socket_activation),
    ("says_what_cannot_be_started", says_what_cannot_be_started),
    ("stops_without_an_application", stops_without_an_application),
    ("gives_the_child_the_terminal", gives_the_child_the_terminal),
    ("leaves_ctrl_c_to_the_child", leaves_ctrl_c_to_the_child),
    ("counts_what_each_application_leaves", counts_what_each_application_leaves),
    ("counts_the_time_of_those_that_are_gone", counts_the_time_of_those_that_are_gone),
    ("counts_exits_by_their_reasons", counts_exits_by_their_reasons),
    ("manages_with_chld_ignored_on_entry", manages_with_chld_ignored_on_entry),
    ("runs_as_pid_1", runs_as_pid_1),
    ("forwards_as_pid_1", forwards_as_pid_1),
];

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "role:supervise") {
        return supervise(&args[1..]);
    }
    if args.first().is_some_and(|arg| arg == "role:manage") {
        return manage(args[1].to_str().expect("a configuration is text"));
    }
    let filter = args.iter().filter_map(|arg| arg.to_str()).find(|arg| !arg.starts_with('-'));
    run_tests(filter.unwrap_or(""))
}

/// Runs the tests one by one and reports as libtest does.
fn run_tests(filter: &str) -> ExitCode {
    let chosen: Vec<_> = TESTS.iter().filter(|(name, _)| name.contains(filter)).collect();
    println!("\nrunning {} tests", chosen.len());
    let mut failed = 0;
    for (name, test) in &chosen {
        let passed = std::panic::catch_unwind(test).is_ok();
        failed += usize::from(!passed);
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out",
        chosen.len() - failed,
        TESTS.len() - chosen.len()
    );
    ExitCode::from(u8::from(failed != 0))
}

/// The role: what the promlet binary does, without an exporter.
fn supervise(args: &[OsString]) -> ExitCode {
    let signals = Signals::block().expect("signals are blocked");
    let stop_timeout_ms = args[0].to_str().and_then(|s| s.parse().ok()).expect("milliseconds");
    if args.len() == 2 {
        println!("blocked");
    }
    let application = args.get(2).map(|program| {
        let stop_timeout = Duration::from_millis(stop_timeout_ms);
        Application::once("test".to_owned(), program.clone(), args[3..].to_vec(), stop_timeout)
    });
    if std::env::var_os("TERM_BEFORE_START").is_some() {
        send(Signal::TERM, Target::Process(std::process::id() as i32)).expect("TERM to itself");
    }
    let work =
        application.map_or(Work::Nothing, |application| Work::Command(Box::new(application)));
    let roster = Roster::default();
    match Supervisor::new(&signals, work, &roster).and_then(Supervisor::run) {
        Ok(outcome) => {
            let reaped = |status: &Arc<AppStatus>| status.reaped().processes;
            let reaped: u64 = roster.applications().iter().map(reaped).sum();
            // Standard output may be what the test closed.
            let _ = writeln!(std::io::stdout(), "reaped={reaped}");
            ExitCode::from(outcome.exit_code())
        }
        Err(error) => {
            eprintln!("promlet: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// The other role: what promlet does with a configuration file.
fn manage(config: &str) -> ExitCode {
    let signals = Signals::block().expect("signals are blocked");
    let no_file = |_: &std::path::Path| Err("there is none".to_owned());
    let contents = config::file::parse("test", config, &no_file).expect("it is right");
    let plan = Plan { applications: contents.applications, stays: false };
    let work = Work::File { plan, reload: &mut || None };
    let roster = Roster::default();
    let supervisor = Supervisor::new(&signals, work, &roster).expect("it can be set up");
    let outcome = supervisor.run().expect("it runs to its end");
    for status in &*roster.applications() {
        let exits = ExitReason::ALL.map(|reason| status.exits(reason));
        let cpu = status.reaped().usage.user + status.reaped().usage.system;
        let (starts, restarts) = (status.starts(), status.restarts());
        let reaped = status.reaped().processes;
        // Standard output may be what the test closed.
        let _ = writeln!(
            std::io::stdout(),
            "{} starts={starts} restarts={restarts} exits={exits:?} reaped={reaped} cpu_ms={}",
            status.name(),
            cpu.as_millis()
        );
    }
    ExitCode::from(outcome.exit_code())
}

/// This binary in its other role.
fn manager(config: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    command.args(["role:manage", config]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The value of a key in the line of an application.
fn count<'a>(lines: &'a [String], application: &str, key: &str) -> &'a str {
    let line = lines.iter().find_map(|line| line.strip_prefix(application)).expect("its line");
    let (_, rest) = line.split_once(&format!(" {key}=")).expect("the key");
    rest.split_once(" ").map_or(rest, |(value, _)| value)
}

/// This binary in its role, in front of a command.
fn supervisor(stop_timeout_ms: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    command.args(["role:supervise", &stop_timeout_ms.to_string(), "--"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A supervisor of `sh -c SCRIPT`.
fn shell(stop_timeout_ms: u64, script: &str) -> Command {
    let mut command = supervisor(stop_timeout_ms);
    command.args(["sh", "-c", script]);
    command
}

/// `sh -c PRELUDE; exec supervisor COMMAND`: a supervisor in a state that only a shell sets up.
fn in_shell(prelude: &str, supervisor: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{prelude}; exec \"$@\""), "sh"]);
    command.arg(supervisor.get_program()).args(supervisor.get_args());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running supervisor whose output arrives line by line, so that every wait has a deadline.
///
/// Everything below holds the pipe too: the end of the output means that nobody is left.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the supervisor starts");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        Self { child, lines: lines_of(stdout) }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a line of output in time")
    }

    fn expect(&self, line: &str) {
        assert_eq!(self.line(), line);
    }

    fn send(&self, signal: Signal) {
        assert!(send(signal, Target::Process(self.child.id() as i32)).expect("permitted"));
    }

    /// Waits until nobody holds the output any more; the exit code, the lines left and stderr.
    fn finish(mut self) -> (i32, Vec<String>, String) {
        let deadline = Instant::now() + DEADLINE;
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => rest.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("still running; so far {rest:?}"),
            }
        }
        let mut errors = String::new();
        let stderr = self.child.stderr.as_mut().expect("stderr is a pipe");
        stderr.read_to_string(&mut errors).expect("stderr is text");
        let status = self.child.wait().expect("the supervisor is a child");
        (status.code().unwrap_or_else(|| panic!("{status}: {errors}")), rest, errors)
    }
}

impl Drop for Running {
    /// Only after a failure is there anything to end; what that test's application started goes
    /// when its `sleep` is over.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().expect("it has not been waited for");
            self.child.wait().expect("it is a child");
        }
    }
}

fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Runs to the end; the exit code and the lines.
fn complete(command: Command) -> (i32, Vec<String>) {
    let (code, lines, errors) = Running::start(command).finish();
    assert!(!errors.contains("panicked"), "{errors}");
    (code, lines)
}

fn exits_with_the_applications_status() {
    // 127 too: other supervisors take it for a command that was not found.
    for code in [0, 1, 7, 126, 127, 128, 255] {
        let script = format!("exit {code}");
        assert_eq!(complete(shell(NO_HURRY_MS, &script)), (code, vec!["reaped=1".to_owned()]));
    }
}

fn exits_with_128_plus_the_signal() {
    for signal in [Signal::KILL, Signal::TERM, Signal::SEGV, Signal::PIPE] {
        let script = format!("kill -{signal} $$");
        assert_eq!(complete(shell(NO_HURRY_MS, &script)).0, 128 + signal.number(), "{signal}");
    }
}

fn forwards_every_signal() {
    let names = ["HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "CONT", "WINCH", "TERM"];
    let script = format!(
        "for s in {}; do trap \"echo $s\" $s; done; trap 'exit 5' PWR; echo ready
         while :; do sleep 1000 & wait; kill $!; done",
        names.join(" ")
    );
    let running = Running::start(shell(NO_HURRY_MS, &script));
    running.expect("ready");
    for name in names {
        let number = signal_number(name);
        running.send(Signal::from_number(number));
        running.expect(name);
    }
    running.send(Signal::PWR);
    assert_eq!(running.finish().0, 5);
}

fn signal_number(name: &str) -> i32 {
    (1..64).find(|&n| Signal::from_number(n).to_string() == name).expect("a signal's name")
}

/// dumb-init loses a signal that arrives before its child is ready for it.
fn forwards_a_signal_from_before_the_start() {
    let mut command = supervisor(NO_HURRY_MS);
    command.args(["sleep", "1000"]).env("TERM_BEFORE_START", "1");
    assert_eq!(complete(command).0, 128 + Signal::TERM.number());
}

fn kills_what_ignores_term() {
    let running = Running::start(shell(200, "trap '' TERM; echo ready; exec sleep 1000"));
    running.expect("ready");
    let told_at = Instant::now();
    running.send(Signal::TERM);
    let (code, _, log) = running.finish();
    assert_eq!(code, 128 + Signal::KILL.number());
    assert!(told_at.elapsed() >= Duration::from_millis(200), "killed before its time");
    assert!(log.contains("killing what did not stop in time"), "{log}");
}

fn kills_in_time_under_a_flood_of_signals() {
    let script = "trap '' TERM USR1; echo ready; exec sleep 1000";
    let running = Running::start(shell(100, script));
    running.expect("ready");
    running.send(Signal::TERM);
    let deadline = Instant::now() + DEADLINE;
    while matches!(running.lines.try_recv(), Err(mpsc::TryRecvError::Empty)) {
        assert!(Instant::now() < deadline, "never killed");
        running.send(Signal::USR1);
    }
    assert_eq!(running.finish().0, 128 + Signal::KILL.number());
}

fn kills_the_whole_tree() {
    // Grandchildren in sessions of their own, so that no group signal reaches them.
    let script = "trap '' TERM; for i in 1 2 3; do setsid sleep 1000 & done
                  setsid sh -c 'setsid sleep 1000 & wait' & echo ready; wait";
    let running = Running::start(shell(100, script));
    running.expect("ready");
    running.send(Signal::TERM);
    assert_eq!(running.finish().0, 128 + Signal::KILL.number());
}

fn reaps_a_thousand_orphans() {
    let script = "i=0; while [ $i -lt 1000 ]; do (: &); i=$((i + 1)); done; exit 3";
    // The shell waits for each of the thousand in the middle itself; the orphans come to promlet.
    assert_eq!(complete(shell(NO_HURRY_MS, script)), (3, vec!["reaped=1001".to_owned()]));
}

fn stops_a_daemon_that_was_left_behind() {
    let script = "setsid sh -c 'trap \"echo stopped; exit\" TERM; echo up; sleep 1000 & wait' &
                  read _ < /dev/null; exit 4";
    // The daemon says "up" before or after the TERM; either way its end of the pipe closes.
    let (code, lines) = complete(shell(NO_HURRY_MS, script));
    assert_eq!(code, 4);
    assert!(lines.last().expect("the supervisor's line").starts_with("reaped="), "{lines:?}");
}

fn kills_a_daemon_that_ignores_term() {
    let script = "trap '' TERM; (setsid sleep 1000 &) ; exit 6";
    let (code, lines, log) = Running::start(shell(100, script)).finish();
    assert_eq!((code, lines), (6, vec!["reaped=2".to_owned()]));
    assert!(log.contains("killing"), "{log}");
}

/// Signals 32 and 33 belong to the C library, which lets nobody change them, and sets them itself
/// when it needs them. Whatever started the test may have left them ignored.
const OF_THE_C_LIBRARY: u64 = 0b11 << 31;

/// The lines of /proc/self/status that say which signals are blocked, ignored and caught.
fn signal_masks(command: Command) -> Vec<(String, u64)> {
    let (code, lines) = complete(command);
    assert_eq!(code, 0);
    let masks = lines.iter().filter_map(|line| line.split_once(":\t"));
    masks
        .filter(|(key, _)| matches!(*key, "SigBlk" | "SigIgn" | "SigCgt"))
        .map(|(key, mask)| (key.to_owned(), u64::from_str_radix(mask, 16).expect("hex")))
        .map(|(key, mask)| (key, mask & !OF_THE_C_LIBRARY))
        .collect()
}

/// catatonit leaves signals blocked in the child; Rust programs leave PIPE ignored.
fn child_starts_clean() {
    let mut command = supervisor(NO_HURRY_MS);
    command.args(["cat", "/proc/self/status"]);
    let clean = ["SigBlk", "SigIgn", "SigCgt"].map(|key| (key.to_owned(), 0));
    assert_eq!(signal_masks(in_shell("trap '' INT USR1 PIPE CHLD", &command)), clean);
}

fn child_keeps_an_ignored_hup() {
    let mut command = supervisor(NO_HURRY_MS);
    command.args(["cat", "/proc/self/status"]);
    let masks = signal_masks(in_shell("trap '' HUP", &command));
    assert_eq!(masks[1], ("SigIgn".to_owned(), 1));
}

fn child_inherits_three_descriptors() {
    let mut command = supervisor(NO_HURRY_MS);
    command.args(["ls", "/proc/self/fd"]);
    let (_, lines) = complete(in_shell("exec 7</dev/null 9</dev/null", &command));
    // 3 is the folder that ls reads.
    assert_eq!(lines, ["0", "1", "2", "3", "reaped=1"]);
}

fn child_leads_its_own_group() {
    let mut command = supervisor(NO_HURRY_MS);
    command.args(["cat", "/proc/self/stat"]);
    let (_, lines) = complete(command);
    let fields: Vec<&str> = lines[0].split(' ').collect();
    assert_eq!(fields[0], fields[4], "pid and group of {}", lines[0]);
}

/// tini hangs then: the kernel reaps the child itself.
fn works_with_chld_ignored_on_entry() {
    assert_eq!(complete(in_shell("trap '' CHLD", &shell(NO_HURRY_MS, "exit 7"))).0, 7);
}

/// tini fails then.
fn works_with_descriptors_closed_on_entry() {
    let command = in_shell("exec <&- >&- 2>&-", &shell(NO_HURRY_MS, "exit 7"));
    assert_eq!(complete(command), (7, vec![]));
}

fn passes_arguments_on_unharmed() {
    let mut command = supervisor(NO_HURRY_MS);
    command.args(["printf", "[%s]\\n", "", "a b", "--help", "*"]);
    let (_, lines) = complete(command);
    assert_eq!(lines, ["[]", "[a b]", "[--help]", "[*]", "reaped=1"]);
}

fn hides_socket_activation() {
    let mut command = shell(NO_HURRY_MS, "echo ${LISTEN_FDS-unset} ${LISTEN_PID-unset} $OTHER");
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1").env("OTHER", "kept");
    assert_eq!(complete(command).1[0], "unset unset kept");
}

fn says_what_cannot_be_started() {
    let folder = std::env::temp_dir().join(format!("promlet-test-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the test");
    let not_executable = folder.join("plain");
    fs::write(&not_executable, "#!/bin/sh\n").expect("a file for the test");
    fs::set_permissions(&not_executable, fs::Permissions::from_mode(0o644)).expect("its mode");
    let cases = [
        (OsString::from("no-such-command"), 127, "no such file"),
        (folder.join("none").into(), 127, "no such file"),
        (not_executable.into(), 126, "permission denied"),
        (folder.clone().into(), 126, "permission denied"),
        (OsString::from(""), 127, "no such file"),
    ];
    for (program, expected, reason) in cases {
        let mut command = supervisor(NO_HURRY_MS);
        command.arg(&program);
        let (code, _, errors) = Running::start(command).finish();
        assert_eq!(code, expected, "{program:?}: {errors}");
        let line = format!("promlet: cannot start {program:?}: {reason}");
        assert!(errors.starts_with(&line) && errors.lines().count() == 1, "{errors}");
    }
    fs::remove_dir_all(&folder).expect("the folder is the test's own");
}

fn stops_without_an_application() {
    for signal in [Signal::TERM, Signal::INT] {
        let running = Running::start(supervisor(NO_HURRY_MS));
        running.expect("blocked");
        running.send(Signal::USR1);
        running.send(signal);
        assert_eq!(running.finish().0, 0, "{signal}");
    }
}

/// The supervisor of a command line in the foreground of a terminal, by script(1), or `None`, said
/// aloud, where that is not installed.
fn on_a_terminal(test: &str, command_line: &str) -> Option<Command> {
    if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("SKIPPED {test}: script(1) is not installed");
        return None;
    }
    let exe = std::env::current_exe().expect("own path");
    let exe = exe.to_str().expect("cargo's folders are text");
    let line = format!("exec {exe} role:supervise {NO_HURRY_MS} -- {command_line}");
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// Field 8 of the child's stat is its terminal's foreground group, and field 5 its own.
fn gives_the_child_the_terminal() {
    let test = "gives_the_child_the_terminal";
    let Some(command) = on_a_terminal(test, "cat /proc/self/stat") else { return };
    let (code, lines) = complete(command);
    assert_eq!(code, 0, "{lines:?}");
    let stat = lines.iter().find(|line| line.contains("(cat)")).expect("the child's line");
    let fields: Vec<&str> = stat.split(' ').collect();
    assert_eq!(fields[4], fields[7], "{stat}");
}

fn leaves_ctrl_c_to_the_child() {
    let script = r#"sh -c 'trap "exit 12" INT; echo ready; sleep 1000 & wait'"#;
    let Some(command) = on_a_terminal("leaves_ctrl_c_to_the_child", script) else { return };
    let mut running = Running::start(command);
    // The log of the start comes by the same terminal.
    while running.line() != "ready" {}
    let stdin = running.child.stdin.as_mut().expect("stdin is a pipe");
    stdin.write_all(b"\x03").expect("script reads");
    assert_eq!(running.finish().0, 12);
}

/// The supervisor as PID 1 of a namespace, or `None`, said aloud, where that is not permitted.
fn as_pid_1(test: &str, supervisor: &Command) -> Option<Command> {
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let probe = Command::new("unshare").args(unshare).arg("true").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED {test}: unshare --pid is not permitted here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(unshare).arg(supervisor.get_program()).args(supervisor.get_args());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// Orphans of two applications at once: each is reaped, and counted for the one that it came from.
fn counts_what_each_application_leaves() {
    let orphans = |count| {
        format!(
            "restart = never\ncommand = sh -c 'i=0; while [ $i -lt {count} ]; do (: &); \
             i=$((i + 1)); done'\n"
        )
    };
    let config = format!("[app many]\n{}[app few]\n{}", orphans(1000), orphans(100));
    let (code, lines) = complete(manager(&config));
    assert_eq!(code, 0);
    let reaped = ["many", "few"].map(|name| count(&lines, name, "reaped"));
    assert_eq!(reaped, ["1001", "101"], "{lines:?}");
}

fn counts_the_time_of_those_that_are_gone() {
    // It outlives its parent, and ignores that it is told to stop for that.
    let config = r#"
        [app busy]
        command = sh -c 'trap "" TERM; (i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done &); exit 0'
        restart = never
        [app idle]
        command = true
        restart = never
    "#;
    let (_, lines) = complete(manager(config));
    let millis = |name| count(&lines, name, "cpu_ms").parse::<u64>().expect("a number");
    assert!(millis("busy") > 20 && millis("busy") > 5 * millis("idle"), "{lines:?}");
}

fn counts_exits_by_their_reasons() {
    let config = "
        [app fails]
        command = sh -c 'exit 3'
        backoff-initial = 1ms
        restart-limit = 2 in 1m
        [app crashes]
        command = sh -c 'kill -SEGV $$'
        restart = never
        [app none]
        command = /nonexistent
        restart = never
        [app done]
        command = true
        restart = on-failure
    ";
    let (code, lines) = complete(manager(config));
    assert_eq!(code, 3, "that of the first in the file");
    let expected = [
        ("fails", "starts=3 restarts=2 exits=[0, 3, 0, 0, 0, 0] reaped=3"),
        ("crashes", "starts=1 restarts=0 exits=[0, 0, 1, 0, 0, 0] reaped=1"),
        ("none", "starts=0 restarts=0 exits=[0, 0, 0, 0, 0, 1] reaped=0"),
        ("done", "starts=1 restarts=0 exits=[1, 0, 0, 0, 0, 0] reaped=1"),
    ];
    for (name, counts) in expected {
        let line = lines.iter().find(|line| line.starts_with(name)).expect("its line");
        assert!(line.starts_with(&format!("{name} {counts} cpu_ms=")), "{line}");
    }
}

fn manages_with_chld_ignored_on_entry() {
    let config = "[app a]\ncommand = sh -c 'exit 7'\nrestart = never\n";
    assert_eq!(complete(in_shell("trap '' CHLD", &manager(config))).0, 7);
}

fn runs_as_pid_1() {
    let script = "[ $PPID = 1 ] || exit 1
                  i=0; while [ $i -lt 100 ]; do (: &); i=$((i + 1)); done; exit 9";
    let Some(command) = as_pid_1("runs_as_pid_1", &shell(NO_HURRY_MS, script)) else { return };
    assert_eq!(complete(command), (9, vec!["reaped=101".to_owned()]));
}

fn forwards_as_pid_1() {
    // The kernel drops what PID 1 gets from inside and does not handle.
    let script = "trap 'exit 8' TERM; kill -TERM 1; sleep 1000 & wait";
    let Some(command) = as_pid_1("forwards_as_pid_1", &shell(NO_HURRY_MS, script)) else { return };
    assert_eq!(complete(command).0, 8);
}
