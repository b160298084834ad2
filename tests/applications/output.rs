//! Where output goes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::client::Client;
use crate::support::process::binary;
use crate::support::{exposition, poll};
use crate::{Managed, write_config};

#[test]
fn lines_have_the_name_in_front() {
    let mut managed = Managed::start(
        "
        [app talk]
        command = sh -c 'echo one; echo; echo two >&2; printf three'
        output = prefixed
        restart = never
        ",
    );
    assert_eq!(managed.process.wait().code(), Some(0));
    let mut lines: Vec<_> =
        managed.process.output().iter().filter(|line| line.starts_with("talk:")).collect();
    lines.sort();
    assert_eq!(lines, ["talk: ", "talk: one", "talk: three", "talk: two"]);
}

#[test]
fn lost_lines_are_counted_where_promlet_passes_them_on() {
    let mut managed = Managed::start(
        "
        [app talk]
        command = sleep 60
        output = prefixed
        [app quiet]
        command = sleep 60
        ",
    );
    let address = managed.process.wait_for_address();
    managed.expect_start("talk");
    managed.expect_start("quiet");
    let body = Client::connect(address).and_then(|mut of| of.get("/metrics")).expect("it answers");
    let page = exposition::read(&body.body).unwrap_or_else(|error| panic!("{error}"));
    let family =
        page.family("appmesh_application_output_dropped_lines_total").expect("it is shown");
    let [sample] = &family.samples[..] else { panic!("{:?}", family.samples) };
    assert!(sample.labels.contains(&("application".to_owned(), "talk".to_owned())));
    assert_eq!(sample.value.to_bits(), 0.0_f64.to_bits());
}

#[test]
fn a_file_is_added_to() {
    let mut managed = Managed::start(
        "
        [app talk]
        command = sh -c 'echo out; echo err >&2; exit 1'
        output = file FOLDER/log
        backoff-initial = 1ms
        restart-limit = 1 in 1m
        ",
    );
    assert_eq!(managed.process.wait().code(), Some(1));
    let text = fs::read_to_string(managed.file("log")).expect("it was written");
    assert_eq!(text, "out\nerr\nout\nerr\n");
}

/// Nobody reads promlet's output; the application writes 4 MB and must come to its end.
#[test]
fn who_is_not_read_never_waits_and_what_is_lost_is_said() {
    const LINES: usize = 40_000;
    let folder = crate::TempDir::new("output");
    let config = format!(
        "[app loud]\ncommand = sh -c 'i=0; while [ $i -lt {LINES} ]; do \
         echo $i {}; i=$((i+1)); done; : > FOLDER/written; sleep 1000'\noutput = prefixed\n",
        "x".repeat(90)
    );
    write_config(folder.path(), &config);
    let mut child = Command::new(binary())
        .args(["--web.listen-address=127.0.0.1:0", "--log.level=error"])
        .arg(format!("--config.file={}", folder.path().join("config").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started");
    poll("the end of what it writes", || folder.path().join("written").exists().then_some(()));

    let kill = format!("kill -TERM {}", child.id());
    Command::new("/bin/sh").args(["-c", &kill]).status().expect("there is a shell");
    let (mut whole, mut dropped) = (0, 0);
    for line in BufReader::new(child.stdout.take().expect("it is a pipe")).lines() {
        let line = line.expect("it is text");
        match line.strip_prefix("loud: [promlet dropped ") {
            Some(rest) => {
                let count = rest.strip_suffix(" lines]").expect("the end of the note");
                dropped += count.parse::<usize>().expect("a number");
            }
            None => {
                assert!(line.starts_with("loud: ") && line.len() > 96, "no line is cut: {line}");
                whole += 1;
            }
        }
    }
    child.wait().expect("it is a child");
    assert!(dropped > 0 && whole > 0);
    assert_eq!(whole + dropped, LINES, "every line is there or counted");
}

/// Nobody reads the log either, and it is full: signals are heeded all the same.
#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let folder = crate::TempDir::new("output");
    write_config(
        folder.path(),
        "[app crash]\ncommand = sh -c 'echo >> FOLDER/starts'\nbackoff-initial = 0s\n\
         backoff-max = 0s\n",
    );
    let mut child = Command::new(binary())
        .args(["--web.listen-address=127.0.0.1:0", "--log.level=debug"])
        .arg(format!("--config.file={}", folder.path().join("config").display()))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be started");
    // More lines than a pipe holds: each start makes at least two of some hundred bytes.
    poll("many starts", || {
        let starts = fs::metadata(folder.path().join("starts")).ok()?.len();
        (starts > 400).then_some(())
    });
    let kill = format!("kill -TERM {}", child.id());
    Command::new("/bin/sh").args(["-c", &kill]).status().expect("there is a shell");
    poll("its end", || child.try_wait().expect("it is a child"));
    let log = BufReader::new(child.stderr.take().expect("it is a pipe"));
    assert!(log.lines().all(|line| line.is_ok_and(|line| line.starts_with("time="))));
}
