//! Tests that run in namespaces of their own, where they may change the host's network and mounts.

use std::process::{Command, Stdio};

use super::skip;

/// Runs the ignored test `inner` of this binary in new namespaces, which `unshare` names as
/// unshare(1) does. Where `probe` cannot run in such, the test is skipped.
pub(crate) fn run_inside(unshare: &[&str], probe: &str, inner: &str) {
    let can = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", probe])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !can.is_ok_and(|status| status.success()) {
        return skip("there is no namespace for it", "PROMLET_REQUIRE_NAMESPACE");
    }
    let own = std::env::current_exe().expect("a test has a path");
    let status = Command::new("unshare")
        .args(unshare)
        .arg(own)
        .args(["--exact", inner, "--ignored", "--nocapture"])
        .status()
        .expect("it ran before");
    assert!(status.success());
}

/// Runs a command that does what it is asked.
pub(crate) fn run(command: &str) {
    let status = Command::new("sh").args(["-c", command]).status().expect("there is a shell");
    assert!(status.success(), "{command}");
}
