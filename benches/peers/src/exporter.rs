//! Exporters of Debian and promlet's own: started, scraped with gzip as Prometheus does, measured
//! from outside.

use crate::loopback::{Client, Coding};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What Prometheus 2.42 asks for first is OpenMetrics, and both would give it; text 0.0.4 is what
/// both give alike.
const ACCEPT: &str = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Scrapes whose system calls are counted.
const TRACED_SCRAPES: u32 = 10;

/// The release build of this checkout.
pub fn built_promlet() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--message-format=short"]).current_dir(&root);
    assert!(build.status().expect("cargo runs").success(), "promlet does not build");
    let host = Command::new("rustc").arg("-vV").output().expect("rustc runs").stdout;
    let host = String::from_utf8_lossy(&host).into_owned();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("it has a host");
    root.join("target").join(host).join("release/promlet").display().to_string()
}

/// An exporter that runs, and ends with this value.
pub struct Exporter {
    pub name: &'static str,
    process: Child,
    client: Client,
}

impl Exporter {
    pub fn start(name: &'static str, command: &mut Command) -> Exporter {
        command.arg("--web.listen-address=127.0.0.1:0").stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| address(&line));
        let address = address.unwrap_or_else(|| panic!("{name} does not listen"));
        // Whatever it logs from here on is read, so that it is never stopped by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::connect(address, Coding::Gzip, ACCEPT);
        let mut exporter = Exporter { name, process, client };
        for _ in 0..3 {
            exporter.client.scrape();
        }
        exporter
    }

    /// In microseconds.
    pub fn time_scrape(&mut self) -> f64 {
        self.client.time_scrape().as_nanos() as f64 / 1e3
    }

    /// In microseconds, of a few scrapes: what one takes is less than what the kernel counts in on
    /// some machines.
    pub fn cpu_per_scrape(&mut self) -> f64 {
        const SCRAPES: u32 = 5;
        let before = self.cpu_nanos();
        for _ in 0..SCRAPES {
            self.client.scrape();
        }
        (self.cpu_nanos() - before) / f64::from(SCRAPES) / 1e3
    }

    /// What all threads have run so far (proc_pid_schedstat(5)).
    fn cpu_nanos(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("it runs");
        let nanos = |task: fs::DirEntry| {
            let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<f64>().ok()
        };
        tasks.filter_map(Result::ok).filter_map(nanos).sum()
    }

    /// Of a scrape, in the mean; not a number where they cannot be traced.
    pub fn system_calls(&mut self) -> f64 {
        let pid = self.process.id().to_string();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-q", "-c", "-p", &pid]).stderr(Stdio::piped());
        let Ok(mut strace) = strace.spawn() else { return f64::NAN };
        // It has attached when the kernel says so.
        let status = format!("/proc/{pid}/status");
        let is_traced = || fs::read_to_string(&status).is_ok_and(|s| !s.contains("TracerPid:\t0"));
        while !is_traced() && matches!(strace.try_wait(), Ok(None)) {
            std::thread::yield_now();
        }
        for _ in 0..TRACED_SCRAPES {
            self.client.scrape();
        }
        let stop = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
        let output = strace.wait_with_output();
        let (Ok(_), Ok(output)) = (stop, output) else { return f64::NAN };
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        let total = report.lines().rev().find(|line| line.ends_with(" total"));
        // time, seconds, microseconds a call, calls
        let calls = total.and_then(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok());
        calls.map_or(f64::NAN, |calls| calls / f64::from(TRACED_SCRAPES))
    }

    pub fn resident_kib(&mut self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.expect("the kernel says so")
    }

    /// The series whose names begin with `prefix`.
    pub fn series(&mut self, prefix: &str) -> f64 {
        let address = self.client.peer();
        let mut plain = Client::connect(address, Coding::Identity, ACCEPT);
        let body = plain.scrape().body();
        let body = String::from_utf8_lossy(&body).into_owned();
        body.lines().filter(|line| line.starts_with(prefix)).count() as f64
    }

    pub fn compressed_bytes(&mut self) -> f64 {
        self.client.scrape().body().len() as f64
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address on loopback that a line of a log names.
fn address(line: &str) -> Option<SocketAddr> {
    let text = &line[line.find("127.0.0.1:")?..];
    let end = text.find(|char: char| !char.is_ascii_digit() && !".:".contains(char));
    let address: SocketAddr = text[..end.unwrap_or(text.len())].parse().ok()?;
    (address.port() != 0).then_some(address)
}
