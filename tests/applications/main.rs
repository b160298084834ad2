//! Applications of a configuration file, run by the binary as a user runs it: each test has a
//! promlet, a file and real processes of its own.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod containment;
mod health;
mod order;
mod output;
mod process_exporter;
mod reload;
mod reload_keys;
mod restarts;
mod wrong;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use support::process::{Process, binary};
use support::temp::TempDir;

/// A promlet with a configuration file.
struct Managed {
    process: Process,
    folder: TempDir,
}

impl Managed {
    /// Starts it with this file; `FOLDER` in it is a folder of the test's own.
    fn start(config: &str) -> Managed {
        Managed::start_by(Command::new(binary()), config)
    }

    /// The same where `command` is what comes in front of the arguments.
    fn start_by(mut command: Command, config: &str) -> Managed {
        let folder = TempDir::new("applications");
        write_config(folder.path(), config);
        let process = Process::spawn(
            command
                .arg("--web.listen-address=127.0.0.1:0")
                .arg(format!("--config.file={}", folder.path().join("config").display())),
        );
        Managed { process, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes the file and has it read again.
    fn reload(&self, config: &str) {
        write_config(self.folder.path(), config);
        self.process.signal("HUP");
    }

    /// Waits for a line that the application writes.
    fn expect(&mut self, expected: &str) {
        self.process.wait_for_line(|line| (line == expected).then_some(()));
    }

    /// Waits for a line of the log with this message, about this application.
    fn expect_log(&mut self, message: &str, application: &str) -> String {
        let (message, application) =
            (format!("msg=\"{message}\""), format!(" application={application}"));
        self.process.wait_for_line(|line| {
            let is_it = line.contains(&message)
                && (line.ends_with(&application) || line.contains(&format!("{application} ")));
            is_it.then(|| line.to_owned())
        })
    }

    /// Waits until the application is started; the id of its first process.
    fn expect_start(&mut self, application: &str) -> i32 {
        let line = self.expect_log("application started", application);
        field(&line, "pid").parse().expect("a pid is a number")
    }

    /// Tells it to stop; how it ended.
    fn stop(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait()
    }
}

fn write_config(folder: &Path, config: &str) {
    let config = config.replace("FOLDER", folder.to_str().expect("it is text"));
    // As an editor does: nobody sees half of it.
    fs::write(folder.join("new"), config).expect("it is the test's own");
    fs::rename(folder.join("new"), folder.join("config")).expect("it is the test's own");
}

/// The value of a key in a line of the log.
fn field<'a>(line: &'a str, key: &str) -> &'a str {
    let key = format!(" {key}=");
    let (_, rest) = line.split_once(&key).unwrap_or_else(|| panic!("no{key} in {line}"));
    rest.split(' ').next().expect("there is a first part")
}

/// Whether there is such a process, and it is no zombie.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn is_root() -> bool {
    // The owner of /proc/self is who runs this.
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}
