//! The binary where nothing else is: an empty, read-only root with only `/proc`, as an
//! unprivileged user without capabilities.
//!
//! Needs root and util-linux; without them the test says so and checks nothing, unless
//! `PROMLET_REQUIRE_SCRATCH=1`. CI runs it on the release binary (`PROMLET_TEST_BINARY`).

mod support;

use std::process::Command;

use support::process::{Process, Promlet, binary, copy_binary};
use support::temp::TempDir;
use support::{exposition, skip};

/// Run in a mount namespace of its own: `$1` is an empty folder, `$2` the binary, `$3` a
/// configuration file, the rest the binary's arguments. `exec` all along, so that the process stays the one that was started. What is left
/// in the bounding set is what `chroot` itself needs; changing the user drops it.
const ENTER: &str = r#"
set -eu
root=$1; binary=$2; config=$3; shift 3
mount -t tmpfs -o mode=755 tmpfs "$root"
cp "$binary" "$root/promlet"
cp "$config" "$root/config"
mkdir "$root/proc"
mount -t proc proc "$root/proc"
mount -o remount,ro "$root"
cd "$root"
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+setuid,+setgid,+sys_chroot \
    chroot --userspec=65534:65534 "$root" /promlet "$@"
"#;

const NOBODY: &str = "65534";

#[test]
fn it_serves_from_an_empty_read_only_root_as_nobody() {
    if !can_unshare() {
        return skip("mount namespaces need root and util-linux", "PROMLET_REQUIRE_SCRATCH");
    }
    let root = TempDir::new("scratch");
    let promlet = Promlet::started_by(enter(&root, "/dev/null"), &[]);

    let status = std::fs::read_to_string(format!("/proc/{}/status", promlet.process.pid()));
    let status = status.expect("it runs under the pid that was started");
    assert_eq!(status_field(&status, "Name"), "promlet");
    assert_eq!(status_field(&status, "Uid"), [NOBODY; 4].join("\t"));
    assert_eq!(status_field(&status, "Gid"), [NOBODY; 4].join("\t"));
    assert_eq!(status_field(&status, "NoNewPrivs"), "1");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status_field(&status, set), "0000000000000000", "{set}");
    }

    let response = promlet.get("/metrics");
    assert_eq!(response.status, 200);
    let page = exposition::read(&response.body).unwrap_or_else(|error| panic!("{error}"));
    assert!(page.family("appmesh_prom_scrape_count").is_some(), "{}", response.text());
    assert!(page.family("promlet_build_info").is_some(), "{}", response.text());
}

/// There is no shell, no user file, not even a /dev/null.
#[test]
fn it_runs_applications_in_an_empty_root() {
    if !can_unshare() {
        return skip("mount namespaces need root and util-linux", "PROMLET_REQUIRE_SCRATCH");
    }
    let (root, folder) = (TempDir::new("scratch"), TempDir::new("scratch"));
    let config = folder.path().join("config");
    let text = "
        [app served]
        command = /promlet --web.listen-address=127.0.0.1:0 --log.level=info
        output = prefixed
        [app talk]
        command = /promlet --version
        output = prefixed
        restart = never
        after = served
        [app none]
        command = sh
        restart = never
    ";
    std::fs::write(&config, text).expect("it is the test's own");
    let config = config.to_str().expect("it is text");
    let args = ["--config.file=/config", "--collector.disable-defaults"];
    let mut promlet = Promlet::started_by(enter(&root, config), &args);
    // Standard output and error are read by a thread each: the lines come in either order.
    for expected in ["talk: promlet, version", "cannot start \\\"sh\\\": no such file"] {
        let is_there = |line: &String| line.contains(expected);
        support::poll(expected, || promlet.process.output().iter().any(is_there).then_some(()));
    }
    promlet.process.signal("TERM");
    assert_eq!(promlet.process.wait().code(), Some(0));
}

/// Not even the three standard descriptors, which Rust's runtime insists on.
#[test]
fn it_runs_an_application_where_there_is_nothing_at_all() {
    if !can_unshare() {
        return skip("chroot needs root", "PROMLET_REQUIRE_SCRATCH");
    }
    let root = TempDir::new("scratch");
    copy_binary(&root.path().join("promlet"));
    for (application, code) in [("--version", 0), ("--no-such-flag", 2)] {
        let words = "exec chroot \"$0\" /promlet \"$@\" <&- >&- 2>&-";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", words]).arg(root.path());
        command.args(["--web.listen-address=127.0.0.1:0", "--", "/promlet", application]);
        let mut process = Process::spawn(&mut command);
        assert_eq!(process.wait().code(), Some(code), "{application}");
    }
}

/// What runs the binary in the empty root.
fn enter(root: &TempDir, config: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation=private", "/bin/sh", "-c", ENTER, "sh"]);
    command.arg(root.path()).arg(binary()).arg(config);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

fn can_unshare() -> bool {
    let status = Command::new("unshare").args(["--mount", "true"]).status();
    status.is_ok_and(|status| status.success())
}

/// The value of a line of proc_pid_status(5).
fn status_field<'a>(status: &'a str, name: &str) -> &'a str {
    let field = |line: &'a str| line.strip_prefix(name)?.strip_prefix(":\t");
    status.lines().find_map(field).unwrap_or_else(|| panic!("no {name} in {status}"))
}
