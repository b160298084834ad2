//! The outside judges of Debian's package `prometheus`.

use std::io::{ErrorKind, Read, Write};
use std::process::{Command, Stdio};

/// What `promtool check metrics` says of a body: its complaint where the syntax is wrong. Its
/// remarks on style count as assent. `None` where it is not installed.
pub(crate) fn check_metrics(body: &[u8]) -> Option<Result<(), String>> {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = match command.stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => panic!("promtool: {error}"),
    };
    let mut input = child.stdin.take().expect("it is piped");
    // promtool reads all its input before it writes; one that breaks off early says why.
    if let Err(error) = input.write_all(body) {
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "promtool: {error}");
    }
    drop(input);
    let mut remarks = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut remarks).expect("it is text");
    let status = child.wait().expect("the child is ours to wait for");
    Some(match status.code() {
        Some(0) => Ok(()),
        // Problems of style only; a syntax error ends with 1 and "error while linting".
        Some(3) if !remarks.contains("error while linting") => Ok(()),
        _ => Err(format!("{status}: {remarks}")),
    })
}
