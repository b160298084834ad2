//! SIGHUP: what a new file changes, and what it leaves alone.

use crate::support::poll;
use crate::{Managed, is_alive};

const FIRST: &str = "
    [app same]
    command = sleep 1000
    [app changed]
    command = sleep 1000
    [app gone]
    command = sleep 1000
";

#[test]
fn only_what_has_changed_is_touched() {
    let mut managed = Managed::start(FIRST);
    let [same, changed, gone] = ["same", "changed", "gone"].map(|name| managed.expect_start(name));
    managed.reload(
        "
        [app new]
        command = sleep 1000
        [app changed]
        command = sleep 999
        [app same]
        # Other rules take effect without a restart.
        stop-timeout = 1s
        command = sleep '1000'
        ",
    );
    managed.expect_start("new");
    if !managed.process.output().iter().any(|line| line.contains("application ended")) {
        managed.expect_log("application ended", "gone");
    }
    let again = poll("the start of what has changed", || {
        let lines = managed.process.output().iter().rev();
        let mut starts = lines.filter(|l| l.contains("started\" application=changed"));
        let pid = crate::field(starts.next()?, "pid").parse().expect("a pid");
        (pid != changed).then_some(pid)
    });
    assert!(is_alive(same) && is_alive(again) && !is_alive(changed) && !is_alive(gone));
    assert_eq!(managed.stop().code(), Some(0));
    assert!(!is_alive(same) && !is_alive(again));
}

#[test]
fn a_bad_file_changes_nothing_and_says_why() {
    let mut managed = Managed::start(FIRST);
    let pids = ["same", "changed", "gone"].map(|name| managed.expect_start(name));
    for (config, expected) in [
        (
            "[app same]\ncommand = sleep 1000\nrestart = maybe\n",
            "config:3: restart: expected one of",
        ),
        ("[app a]\ncommand = 'sleep\n", "config:2: expected a closing '"),
    ] {
        managed.reload(config);
        managed.process.wait_for_line(|line| {
            (line.contains("configuration not used") && line.contains(expected)).then_some(())
        });
    }
    assert!(pids.into_iter().all(is_alive));
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn who_is_turned_off_does_not_end_promlet() {
    let mut managed = Managed::start("[app a]\ncommand = sleep 1000\n");
    let first = managed.expect_start("a");
    managed.reload("[app a]\ncommand = sleep 1000\nenabled = no\n");
    managed.expect_log("application ended", "a");
    assert!(!is_alive(first));
    managed.reload("[app a]\ncommand = sleep 1000\n");
    managed.expect_start("a");
    managed.reload("");
    managed.expect_log("application ended", "a");
    assert_eq!(managed.stop().code(), Some(0));
}

#[test]
fn what_failed_gets_a_new_chance_and_what_is_done_stays_done() {
    let config = "
        [app done]
        command = sh -c 'echo done'
        restart = never
        [app fails]
        command = sh -c 'test -e FOLDER/ok && exec sleep 1000; exit 1'
        restart = never
        [app runs]
        command = sleep 1000
    ";
    let mut managed = Managed::start(config);
    managed.expect_start("runs");
    poll("two ends", || {
        let lines = managed.process.output().iter();
        (lines.filter(|line| line.contains("application ended")).count() == 2).then_some(())
    });
    std::fs::write(managed.file("ok"), "").expect("it is the test's own");
    managed.reload(config);
    managed.expect_start("fails");
    assert_eq!(managed.stop().code(), Some(0));
    let dones = managed.process.output().iter().filter(|line| *line == "done").count();
    assert_eq!(dones, 1);
}

/// A hundred reloads, each with another set, while others run on and the pages are asked for.
#[test]
fn reloads_under_load_end_where_the_last_file_says() {
    let app = |name: String, arg: usize| format!("[app {name}]\ncommand = sleep {arg}\n");
    let steady = app("steady".to_owned(), 1000);
    let mut managed = Managed::start(&steady);
    let address = managed.process.wait_for_address();
    let pid = managed.expect_start("steady");
    let config = |round: usize| {
        let others = (0..5).filter(|index| !(round + index).is_multiple_of(3));
        let others = others.map(|index| app(format!("a{index}"), 1000 + round % 2));
        steady.clone() + &others.collect::<String>()
    };
    let mut client = crate::support::client::Client::connect(address).expect("it listens");
    for round in 0..100 {
        managed.reload(&config(round));
        let page = client.get("/metrics").expect("it answers");
        assert_eq!(page.status, 200);
    }
    let expected: Vec<String> = config(99)
        .lines()
        .filter_map(|line| Some(line.strip_prefix("[app ")?.replace(']', "")))
        .collect();
    poll("the applications of the last file", || {
        let page = client.get("/metrics").expect("it answers");
        let text = page.text();
        let memory =
            text.lines().filter(|line| line.starts_with("appmesh_prom_process_memory_gauge{"));
        let mut running: Vec<String> = memory
            .filter(|line| !line.ends_with(" 0"))
            .map(|line| line.split('"').nth(1).expect("a label").to_owned())
            .collect();
        let mut expected = expected.clone();
        running.sort();
        expected.sort();
        (running == expected).then_some(())
    });
    assert!(is_alive(pid), "who has not changed runs on");
    assert_eq!(managed.stop().code(), Some(0));
}
