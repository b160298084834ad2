//! Random starts, stops, crashes, reloads, watches and scrapes: no zombie, no descriptor and no
//! memory stays behind, nobody outlives promlet, and each page is one that can be read.
//!
//! The test takes some seconds. For longer, or with other numbers:
//!
//! ```sh
//! PROMLET_SOAK_SECONDS=600 PROMLET_SOAK_SEED=7 cargo test --release --test soak -- --nocapture
//! ```

mod support;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use support::client::Client;
use support::exposition::{self, Sample};
use support::poll;
use support::process::{Process, binary};
use support::temp::TempDir;

/// How long it goes on without a wish.
const SECONDS: u64 = 4;

/// How much more memory the end may take than the first quarter: what allocators keep for later.
const GROWTH_KIB_MAX: u64 = 1_024;

/// The file to which it returns; all that is measured is measured with this one. With a prefix, so
/// that promlet's own outputs are open from the beginning.
const QUIET: &str = "[app quiet]\ncommand = sleep 100000\noutput = prefixed\n\
                     backoff-initial = 1ms\nbackoff-max = 10ms\n";

/// Applications that misbehave, each in its own way.
const MENU: [&str; 10] = [
    "command = sleep 100000\n",
    "command = sh -c 'exit 1'\nbackoff-initial = 5ms\nbackoff-max = 50ms\n",
    "command = sh -c 'kill -KILL $$'\nbackoff-initial = 20ms\nrestart-limit = 3 in 1m\n",
    "command = sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'\nstop-timeout = 50ms\n",
    "command = sh -c '(setsid sleep 100000 &); setsid sleep 100000 & exec sleep 100000'\n",
    "command = sh -c 'while :; do (: &); (: &); sleep 0.01; done'\n",
    "command = sh -c 'while :; do echo talk; echo talk >&2; sleep 0.01; done'\noutput = prefixed\n",
    "command = sleep 100000\nhealth-check = command sh -c 'exit $(($$ % 2))'\n\
     health-interval = 10ms\nhealth-threshold = 1\nhealth-start-period = 0s\n\
     health-action = restart\nbackoff-initial = 1ms\n",
    "command = sleep 100000\nhealth-check = http 9 /\nhealth-interval = 5ms\n",
    "command = /nonexistent\nbackoff-initial = 10ms\noutput = prefixed\n",
];

/// Ways to watch, of what is on the menu and of the test itself.
const WATCHES: [&str; 6] = [
    "executable = sleep\n",
    "command-line = .\ngroup = ${executable}\ngroups-max = 7\n",
    "command-line = '^sh -c (?P<what>\\w+)'\ngroup = sh-${what}\nchildren = no\n",
    "user = 0\nexecutable = sh\n",
    "cgroup = /\ngroup = ${user}\n",
    "pid-file = /nonexistent/pid\n",
];

/// xorshift64*: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    /// A file with some of the menu, some of it after others.
    fn config(&mut self) -> String {
        let mut config = QUIET.to_owned();
        for (index, keys) in MENU.iter().enumerate() {
            if self.below(2) == 0 {
                config += &format!("[app a{index}]\n{keys}");
                config += ["", "after = quiet\n", "enabled = no\n"][self.below(3)];
            }
        }
        for (index, keys) in WATCHES.iter().enumerate() {
            if self.below(3) == 0 {
                config += &format!("[watch w{index}]\n{keys}");
            }
        }
        config
    }
}

struct Soak {
    process: Process,
    folder: TempDir,
    client: Client,
    /// Those of the quiet one, as the last page had them.
    starts: f64,
}

impl Soak {
    fn start() -> Soak {
        let folder = TempDir::new("soak");
        fs::write(folder.path().join("config"), QUIET).expect("it is the test's own");
        let mut command = Command::new(binary());
        command.args(["--web.listen-address=127.0.0.1:0", "--log.level=error"]);
        command.arg(format!("--config.file={}", folder.path().join("config").display()));
        // What it is found by when its parents are gone.
        command.env("PROMLET_SOAK", folder.path());
        // The log is quiet, so the address comes from the kernel.
        let process = Process::spawn(&mut command);
        let address = poll("an address", || listening_address(process.pid()));
        let client = Client::connect(address).expect("it listens");
        Soak { process, folder, client, starts: 0.0 }
    }

    fn reload(&self, config: &str) {
        let [new, file] = ["new", "config"].map(|name| self.folder.path().join(name));
        fs::write(&new, config).expect("it is the test's own");
        fs::rename(&new, &file).expect("it is the test's own");
        self.process.signal("HUP");
    }

    /// Asks for the page, which is to be a right one: the starts of the one that stays never fall.
    fn scrape(&mut self) {
        let response = self.client.get("/metrics").expect("it answers");
        assert_eq!(response.status, 200);
        let page = exposition::read(&response.body).unwrap_or_else(|error| panic!("{error}"));
        let family = page.family("appmesh_application_process_starts_total");
        let samples = family.map(|family| &family.samples[..]).unwrap_or_default();
        let is_quiet = |sample: &&Sample| sample.label("application") == Some("quiet");
        let starts = samples.iter().find(is_quiet).expect("it is never gone").value;
        assert!(starts >= self.starts, "{} to {starts}", self.starts);
        self.starts = starts;
    }

    /// Does this for a while; how much was done.
    fn run(&mut self, random: &mut Random, duration: Duration) -> usize {
        let (start, mut rounds) = (Instant::now(), 0);
        while start.elapsed() < duration {
            match random.below(8) {
                0 => self.reload(&random.config()),
                1 => self.reload("[app broken\n"),
                2 | 3 => {
                    let children = children(self.process.pid());
                    if !children.is_empty() {
                        kill(children[random.below(children.len())]);
                    }
                }
                4 => self.process.signal("USR2"),
                _ => self.scrape(),
            }
            rounds += 1;
        }
        rounds
    }

    /// Returns to the quiet file, and measures: descriptors and resident KiB.
    fn measure(&mut self) -> (usize, u64) {
        self.reload(QUIET);
        let pid = self.process.pid();
        poll("the quiet child and no other, no zombie either", || match children(pid)[..] {
            [child] => has_variable(child, "PROMLET_APPLICATION=quiet").then_some(()),
            _ => None,
        });
        // The fewest: collectors open some for the length of a scrape.
        let count = || fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count();
        let counts = (0..10).map(|_| {
            self.scrape();
            count()
        });
        let descriptors = counts.min().expect("ten of them");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
        (descriptors, resident.expect("a number of KiB"))
    }
}

#[test]
fn nothing_stays_behind() {
    let wish = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = wish("PROMLET_SOAK_SECONDS").unwrap_or(SECONDS);
    let seed = wish("PROMLET_SOAK_SEED").unwrap_or(42).max(1);
    let mut random = Random(seed);
    let mut soak = Soak::start();
    let (descriptors_at_first, _) = soak.measure();
    let quarter = Duration::from_millis(seconds * 250);
    let mut rounds = soak.run(&mut random, quarter);
    let (_, resident_early) = soak.measure();
    rounds += soak.run(&mut random, quarter * 3);
    let (descriptors, resident) = soak.measure();
    println!(
        "seed {seed}: {rounds} rounds in {seconds} s, {descriptors_at_first} to {descriptors} \
         descriptors, {resident_early} to {resident} KiB"
    );
    assert_eq!(descriptors, descriptors_at_first);
    assert!(resident <= resident_early + GROWTH_KIB_MAX, "{resident_early} to {resident} KiB");
    let Soak { mut process, folder, client, .. } = soak;
    // Or promlet would wait for the client to close.
    drop(client);
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    let variable = format!("PROMLET_SOAK={}", folder.path().display());
    let left = processes().into_iter().filter(|pid| has_variable(*pid, &variable));
    assert_eq!(left.collect::<Vec<_>>(), [0; 0], "they outlived promlet");
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("it can be listed").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The fields of a process's stat behind its name.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

fn children(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| stat(*pid).is_some_and(|fields| fields[1] == parent.to_string());
    processes().into_iter().filter(is_child).collect()
}

/// Whether a process was started with this variable; a zombie was with none.
fn has_variable(pid: u32, variable: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|found| found == variable.as_bytes())
}

fn kill(pid: u32) {
    // It may be gone already; that is one of the things that happen.
    let _ = Command::new("/bin/sh").args(["-c", &format!("kill -KILL {pid} 2>&-")]).status();
}

/// The address of the one socket on loopback that a process listens on.
fn listening_address(pid: u32) -> Option<std::net::SocketAddr> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    let sockets: Vec<String> = links
        .filter_map(|link| {
            link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned)
        })
        .collect();
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_listening = fields[3] == "0A" && sockets.iter().any(|inode| inode == fields[9]);
        let (_, port) = fields[1].split_once(':').filter(|_| is_listening)?;
        Some(([127, 0, 0, 1], u16::from_str_radix(port, 16).ok()?).into())
    })
}
