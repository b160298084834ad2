//! Flags, what they print, and what is said of wrong ones.

use std::process::{Command, Output, Stdio};

use crate::support::exposition;
use crate::support::process::{Process, Promlet, binary};

fn run(args: &[&str]) -> Output {
    Command::new(binary()).args(args).stdin(Stdio::null()).output().expect("it can be started")
}

/// Runs the words of a shell in which `$0` is the binary.
fn run_in_shell(words: &str) -> Output {
    Command::new("/bin/sh").args(["-c", words]).arg(binary()).output().expect("there is a shell")
}

#[test]
fn wrong_command_lines_are_one_line_and_exit_2() {
    const FORMS: &str = ":PORT, IPV4:PORT, [IPV6]:PORT, localhost:PORT or unix:PATH";
    let bad_address =
        format!("invalid value: --web.listen-address: expected {FORMS}, found \"6061\"");
    let cases: &[(&[&str], &str)] = &[
        (
            &["--web.listen-adress=:0"],
            "unknown flag: --web.listen-adress, did you mean --web.listen-address?",
        ),
        (&["--web.listen-address"], "missing value: expected --web.listen-address=ADDR"),
        (&["--web.listen-address=6061"], &bad_address),
        (&["--once", "--web.listen-address=6061"], &bad_address),
        (&["--once=yes"], "unexpected value: --once takes none, found \"yes\""),
        (
            &["sleep"],
            "unexpected argument: \"sleep\" is no flag; to run a command, write it after --",
        ),
        (&["--"], "missing command: nothing follows --"),
        (
            &["--log.level=loud"],
            "invalid value: --log.level: expected one of debug, info, warn, error, found \"loud\"",
        ),
        (
            &["--once", "--", "sleep"],
            "conflict: --once: prints and exits, and cannot run a command (\"sleep\")",
        ),
    ];
    for (args, expected) in cases {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("promlet: {expected}\n"));
    }
}

#[test]
fn commands_that_cannot_be_run_are_one_line_and_a_shell_s_exit_code() {
    const CASES: &[(&str, i32, &str)] = &[
        ("/nonexistent", 127, "no such file or directory"),
        ("no-such-command", 127, "no such file or directory"),
        ("/proc/self/status", 126, "permission denied"),
    ];
    for (command, code, cause) in CASES {
        let args = ["--web.listen-address=127.0.0.1:0", "--log.level=error", "--", command];
        let mut process = Process::spawn(Command::new(binary()).args(args));
        assert_eq!(process.wait().code(), Some(*code), "{command}");
        assert_eq!(process.output(), [format!("promlet: cannot start \"{command}\": {cause}")]);
    }
}

#[test]
fn version_is_one_line() {
    let output = run(&["--version"]);
    let text = String::from_utf8(output.stdout).expect("it is text");
    let start = concat!("promlet, version ", env!("CARGO_PKG_VERSION"), " (");
    assert!(text.starts_with(start) && text.lines().count() == 1, "{text}");
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn help_goes_to_standard_output() {
    for flag in ["--help", "-h"] {
        let output = run(&[flag]);
        assert!(output.status.success() && output.stderr.is_empty());
        assert!(output.stdout.starts_with(b"usage: promlet [flags] [-- COMMAND ARGS...]\n"));
    }
}

#[test]
fn once_prints_the_page_that_a_server_would_show() {
    let output = run(&["--once"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    let names = |body: &[u8]| {
        let page = exposition::read(body).unwrap_or_else(|error| panic!("{error}"));
        page.families.into_iter().map(|family| family.name).collect::<Vec<_>>()
    };
    let mut served = names(&Promlet::start(&[]).get("/metrics").body);
    served.retain(|name| name != "promlet_scrape_phase_duration_seconds");
    assert_eq!(names(&output.stdout), served, "but for the phases of serving");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for words in ["\"$0\" --help | head -n 1", "\"$0\" --once | head -n 1"] {
        let output = run_in_shell(&format!("set -e; {words}"));
        assert!(output.status.success() && output.stderr.is_empty(), "{words}: {output:?}");
    }
}

#[test]
fn what_cannot_be_printed_is_said() {
    for flag in ["--help", "--version", "--once"] {
        let output = run_in_shell(&format!("exec \"$0\" {flag} >/dev/full"));
        let expected = "promlet: cannot write to standard output: no space left on device\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected, "{flag}");
        assert_eq!(output.status.code(), Some(1), "{flag}");
    }
}

#[test]
fn the_exit_code_says_it_where_words_cannot() {
    for redirection in ["2>/dev/full", "2>&-"] {
        let output = run_in_shell(&format!("exec \"$0\" --no-such-flag {redirection}"));
        assert_eq!(output.status.code(), Some(2), "{redirection}");
    }
}

#[test]
fn the_log_can_be_json_and_quiet() {
    let mut promlet = Promlet::start(&["--log.format=json"]);
    let first = &promlet.process.output()[0];
    assert!(
        first.starts_with("{\"time\":\"") && first.contains("\"msg\":\"listening\""),
        "{first}"
    );

    let mut quiet = Process::spawn(Command::new(binary()).args([
        "--web.listen-address=127.0.0.1:0",
        "--log.level=error",
        "--",
        "true",
    ]));
    assert_eq!(quiet.wait().code(), Some(0));
    assert!(quiet.output().is_empty(), "{:?}", quiet.output());
}
