//! Wrong configurations, and what a user is told of them: `tests/fixtures/config/NAME.conf`, and
//! all answers in `tests/golden/config.txt`, which `PROMLET_BLESS=1` rewrites.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::process::binary;

const FOLDER: &str = "tests/fixtures/config";
const GOLDEN: &str = "tests/golden/config.txt";

fn check(file: &Path) -> Output {
    let file = format!("--config.file={}", file.display());
    Command::new(binary()).args([file.as_str(), "--config.check"]).output().expect("it starts")
}

#[test]
fn wrong_files_are_answered_as_written_down() {
    let entries = std::fs::read_dir(FOLDER).expect("it is there").flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let mut answers = String::new();
    for file in &files {
        let output = check(file);
        let is_right = file.ends_with("right.conf");
        assert_eq!(output.status.code(), Some(if is_right { 0 } else { 2 }), "{file:?}");
        let [stdout, stderr] = [output.stdout, output.stderr].map(String::from_utf8);
        answers += &stdout.expect("it is text");
        answers += &stderr.expect("it is text");
    }
    if std::env::var_os("PROMLET_BLESS").is_some() {
        std::fs::write(GOLDEN, &answers).expect("it can be written");
    }
    let expected = std::fs::read_to_string(GOLDEN).expect("it is there");
    assert_eq!(answers, expected);
}

#[test]
fn a_start_with_a_wrong_file_is_refused_with_the_same_words() {
    let file = Path::new(FOLDER).join("unknown-key.conf");
    let arg = format!("--config.file={}", file.display());
    let output = Command::new(binary()).arg(arg).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, check(&file).stderr);
}

/// A file of `[watch]` sections goes with a command and with `--once`, and one of `[app]`s does not.
#[test]
fn applications_of_a_file_are_the_only_ones() {
    const CASES: &[(&str, &[&str], Option<&str>)] = &[
        ("[watch all]\ncommand-line = .\n", &["--once"], None),
        ("[watch all]\ncommand-line = .\n", &["--", "sh", "-c", "exit 0"], None),
        ("[watch w]\nuser = root\n[app a]\ncommand = x\n", &["--once"], Some("--once")),
        ("[app a]\ncommand = x\n", &["--", "true"], Some("a command")),
    ];
    let folder = crate::TempDir::new("wrong");
    let file = folder.path().join("config");
    for (config, args, other) in CASES {
        crate::write_config(folder.path(), config);
        let mut command = Command::new(binary());
        command.arg("--web.listen-address=127.0.0.1:0");
        command.arg(format!("--config.file={}", file.display())).args(*args);
        let output = command.output().expect("it starts");
        let [page, said] = [&output.stdout, &output.stderr].map(|o| String::from_utf8_lossy(o));
        if let Some(other) = other {
            let expected = format!(
                "promlet: conflict: --config.file: \"{}\" has applications to run ([app a]), and \
                 cannot go with {other}\n",
                file.display()
            );
            assert_eq!((output.status.code(), said.as_ref()), (Some(2), expected.as_str()));
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{said}");
        let is_running = "appmesh_application_running{application=\"all\"";
        assert_eq!(page.contains(is_running), *args == ["--once"], "{page}");
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    for (path, reason) in [
        ("/nonexistent", "no such file or directory"),
        ("/proc", "is a directory"),
        ("/dev/zero", "it is longer than 1048576 bytes"),
    ] {
        let output = check(Path::new(path));
        assert_eq!(output.status.code(), Some(1), "{path}");
        let expected = format!("promlet: cannot read {path}: {reason}\n");
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    }
}
