use super::*;
use crate::collector::samples::samples;
use crate::collector::scratch::Scratch;
use crate::collector::{Choice, Flags, Roots};
use crate::metric::lock;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::thread;

/// No test waits longer; one that does has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const ROOM: Room = Room {
    block_bytes: 512,
    blocks: 100,
    blocks_free: 50,
    blocks_available: 40,
    files: 7,
    files_free: 3,
    is_read_only: false,
};

/// Answers for mount points what the test says, or hangs.
#[derive(Default)]
struct Kernel {
    state: Mutex<KernelState>,
    changed: Condvar,
}

#[derive(Default)]
struct KernelState {
    hanging: Vec<&'static str>,
    errors: HashMap<&'static str, i32>,
    /// What happens to a file while a mount point is asked.
    at_call: Option<(PathBuf, &'static str)>,
    is_read_only: bool,
    calls: Vec<String>,
}

impl Kernel {
    fn room(&self, path: &CStr) -> io::Result<Room> {
        let path = path.to_str().unwrap().to_owned();
        let mut state = lock(&self.state);
        state.calls.push(path.clone());
        if let Some((file, content)) = state.at_call.take() {
            std::fs::write(file, content).unwrap();
        }
        self.changed.notify_all();
        let hangs = |state: &mut KernelState| state.hanging.contains(&&*path);
        state = self.changed.wait_while(state, hangs).unwrap();
        match state.errors.get(&*path) {
            Some(errno) => Err(io::Error::from_raw_os_error(*errno)),
            None => Ok(Room { is_read_only: state.is_read_only, ..ROOM }),
        }
    }

    fn set(&self, change: impl FnOnce(&mut KernelState)) {
        change(&mut lock(&self.state));
        self.changed.notify_all();
    }

    fn calls(&self, path: &str) -> usize {
        lock(&self.state).calls.iter().filter(|call| *call == path).count()
    }
}

struct Fixture {
    scratch: Scratch,
    registry: Registry,
    files: Files,
    workers: Workers,
    kernel: Arc<Kernel>,
    collector: FileSystem,
}

impl Fixture {
    fn new(name: &str, flags: &[(&str, &str)]) -> Fixture {
        let scratch = Scratch::new(name);
        let registry = Registry::new();
        let roots = Roots { proc: scratch.path("proc"), ..Roots::default() };
        let mut values = Flags::default();
        for (flag, value) in flags {
            values.set(flag, value).unwrap();
        }
        let (kernel, mut files) = (Arc::new(Kernel::default()), Files::default());
        let asked = Arc::clone(&kernel);
        let ask = Arc::new(move |path: &CStr| asked.room(path));
        let setup = Setup {
            registry: registry.clone(),
            roots: &roots,
            flags: &values,
            choice: &Choice::default(),
            files: &mut files,
        };
        let collector = FileSystem::new(&setup, ask).unwrap();
        let workers = Workers::new();
        Fixture { scratch, registry, files, workers, kernel, collector }
    }

    fn mount(&self, mounts: &[&str]) {
        let line = |mount: &&str| format!("36 35 8:1 / {mount} rw - ext4 /dev/sda1 rw\n");
        let lines: String = mounts.iter().map(line).collect();
        self.scratch.write("proc/1/mountinfo", lines.as_bytes());
    }

    /// One scrape, as long as its mounts are worth waiting for.
    fn scrape(&mut self) -> Result<Vec<String>, CollectError> {
        let started = Instant::now();
        self.collector.begin(&mut self.files, &self.workers)?;
        self.workers.start(started).unwrap();
        let waker = Waker::noop();
        while let Some(until) = {
            let now = Instant::now();
            self.workers.poll(waker, now, || self.collector.waits_until(now))
        } {
            assert!(started.elapsed() < PATIENCE);
            thread::park_timeout(until.saturating_duration_since(Instant::now()).min(TICK));
        }
        self.collector.collect(&mut self.files)?;
        Ok(samples(&self.registry))
    }
}

/// How often a scrape that nobody wakes looks.
const TICK: Duration = Duration::from_millis(1);

fn of<'l>(lines: &'l [String], mount_point: &str) -> Vec<&'l str> {
    let label = format!("mountpoint={mount_point}}}");
    lines.iter().filter(|line| line.contains(&label)).map(|line| &**line).collect()
}

#[test]
fn shows_the_room_of_each_mount_once() {
    let mut fixture = Fixture::new("filesystem-room", &[]);
    fixture.mount(&["/", "/data", "/proc/x", "/data"]);
    let lines = fixture.scrape().unwrap();
    let labels = "{device=/dev/sda1,device_error=,fstype=ext4,mountpoint=/data}";
    assert_eq!(
        of(&lines, "/data"),
        [
            format!("node_filesystem_avail_bytes{labels} 20480"),
            format!("node_filesystem_device_error{labels} 0"),
            format!("node_filesystem_files{labels} 7"),
            format!("node_filesystem_files_free{labels} 3"),
            format!("node_filesystem_free_bytes{labels} 25600"),
            "node_filesystem_mount_info{device=/dev/sda1,major=8,minor=1,mountpoint=/data} 1"
                .into(),
            format!("node_filesystem_purgeable_bytes{labels} 0"),
            format!("node_filesystem_readonly{labels} 0"),
            format!("node_filesystem_size_bytes{labels} 51200"),
        ]
    );
    assert_eq!(of(&lines, "/").len(), 9);
    assert_eq!(lines.len(), 18);
    assert_eq!((fixture.kernel.calls("/data"), fixture.kernel.calls("/proc/x")), (1, 0));
}

#[test]
fn a_mount_that_hangs_costs_only_itself_and_is_asked_once() {
    let timeout = ("collector.filesystem.mount-timeout", "100ms");
    let mut fixture = Fixture::new("filesystem-hangs", &[timeout]);
    fixture.mount(&["/a", "/stuck", "/b"]);
    fixture.kernel.set(|state| state.hanging.push("/stuck"));
    let labels = "{device=/dev/sda1,device_error=mountpoint timeout,fstype=ext4,mountpoint=/stuck}";
    for scrape in 0..3 {
        let started = Instant::now();
        let lines = fixture.scrape().unwrap();
        assert_eq!(
            of(&lines, "/stuck"),
            [
                format!("node_filesystem_device_error{labels} 1"),
                format!("node_filesystem_readonly{labels} 0"),
            ]
        );
        assert_eq!([of(&lines, "/a").len(), of(&lines, "/b").len()], [9, 9]);
        assert_eq!(fixture.collector.waits_until(Instant::now()), None);
        let waited = started.elapsed() >= Duration::from_millis(100);
        assert_eq!(waited, scrape == 0, "only the first scrape waits for it");
        // What is mounted anew does not make it be asked again.
        fixture.mount(&["/a", "/b", "/stuck", "/c"][..3 + scrape % 2]);
    }
    assert_eq!((fixture.kernel.calls("/stuck"), fixture.kernel.calls("/a")), (1, 3));

    fixture.kernel.set(|state| state.hanging.clear());
    let started = Instant::now();
    while of(&fixture.scrape().unwrap(), "/stuck").len() != 9 {
        assert!(started.elapsed() < PATIENCE, "it answers, and is asked again");
    }
    let lines = fixture.scrape().unwrap();
    assert_eq!(of(&lines, "/stuck").len(), 9);
    assert!(lines.iter().all(|line| !line.contains("timeout")), "{lines:?}");
    assert!(fixture.kernel.calls("/stuck") > 1);
}

#[test]
fn the_reason_of_an_error_is_a_label() {
    let mut fixture = Fixture::new("filesystem-errors", &[]);
    fixture.mount(&["/m"]);
    const CASES: &[(i32, &str)] = &[
        (13, "permission denied"),
        (116, "stale NFS file handle"),
        (107, "transport endpoint is not connected"),
    ];
    for (errno, reason) in CASES {
        fixture.kernel.set(|state| state.errors.extend([("/m", *errno)]));
        let labels = format!("device=/dev/sda1,device_error={reason},fstype=ext4,mountpoint=/m");
        let expected = [
            format!("node_filesystem_device_error{{{labels}}} 1"),
            format!("node_filesystem_readonly{{{labels}}} 0"),
        ];
        assert_eq!(fixture.scrape().unwrap(), expected);
    }
    fixture.kernel.set(|state| state.errors.clear());
    assert_eq!(fixture.scrape().unwrap().len(), 9);
}

#[test]
fn mounts_of_this_process_stand_in_for_hidden_ones() {
    let mut fixture = Fixture::new("filesystem-hidden", &[]);
    assert!(fixture.scrape().unwrap_err().is_no_data());
    fixture.scratch.write("proc/self/mountinfo", b"1 1 8:1 / /own rw - ext4 d rw\n");
    assert_eq!(of(&fixture.scrape().unwrap(), "/own").len(), 9);
    fixture.mount(&["/all"]);
    let lines = fixture.scrape().unwrap();
    assert_eq!((lines.len(), of(&lines, "/all").len()), (9, 9));
    fixture.scratch.write("proc/1/mountinfo", b"1 1 x / /all rw - ext4 d rw\n");
    let error = fixture.scrape().unwrap_err();
    assert_eq!(error.to_string(), "mountinfo:1: expected a device number, found x");
    assert!(samples(&fixture.registry).is_empty());
}

#[test]
fn flags_choose_mounts() {
    const EXCLUDE: (&str, &str) = ("collector.filesystem.ignored-mount-points", "^/a");
    const INCLUDE: (&str, &str) = ("collector.filesystem.mount-points-include", "^/(a|proc)");
    const TYPES: (&str, &str) = ("collector.filesystem.fs-types-exclude", "ext");
    let cases: [(&[_], &[&str]); 4] = [
        (&[], &["/a", "/b"]),
        (&[EXCLUDE], &["/b", "/proc"]),
        (&[INCLUDE], &["/a", "/proc"]),
        (&[TYPES], &[]),
    ];
    for (flags, expected) in cases {
        let mut fixture = Fixture::new("filesystem-flags", flags);
        fixture.mount(&["/a", "/b", "/proc"]);
        let lines = fixture.scrape().unwrap();
        let shown: Vec<&str> = ["/a", "/b", "/proc"]
            .into_iter()
            .filter(|mount_point| !of(&lines, mount_point).is_empty())
            .collect();
        assert_eq!(shown, expected, "{flags:?}");
    }
}

#[test]
fn mounts_over_each_other_are_asked_once() {
    let mut fixture = Fixture::new("filesystem-over", &[]);
    let lines = "1 1 8:1 / /m rw - ext4 /dev/a rw\n2 1 8:2 / /m ro - ext4 /dev/b rw\n";
    fixture.scratch.write("proc/1/mountinfo", lines.as_bytes());
    for calls in 1..=3 {
        let lines = fixture.scrape().unwrap();
        assert_eq!((of(&lines, "/m").len(), fixture.kernel.calls("/m")), (18, calls));
        assert!(lines.iter().all(|line| !line.contains("timeout")), "{lines:?}");
    }
}

#[test]
fn what_a_mount_point_contradicts_is_read_again_in_the_same_scrape() {
    let mut fixture = Fixture::new("filesystem-contradicts", &[]);
    fixture.mount(&["/m"]);
    let is_read_only = |lines: &[String]| {
        let line = |line: &&String| line.starts_with("node_filesystem_readonly");
        lines.iter().find(line).expect("it is shown").ends_with(" 1")
    };
    assert!(!is_read_only(&fixture.scrape().unwrap()));
    // The kernel makes it read-only after an error, and something else is mounted as well.
    let file = fixture.scratch.path("proc/1/mountinfo");
    let content = "36 35 8:1 / /m rw - ext4 /dev/sda1 ro\n37 35 8:2 / /n rw - ext4 /dev/sdb1 rw\n";
    fixture.kernel.set(|state| (state.at_call, state.is_read_only) = (Some((file, content)), true));
    let lines = fixture.scrape().unwrap();
    assert!(is_read_only(&lines), "{lines:?}");
    assert_eq!(of(&lines, "/n"), [""; 0], "it was not asked yet");
    assert_eq!(of(&fixture.scrape().unwrap(), "/n").len(), 9);

    // A file that cannot be understood shows nothing rather than what was there before.
    let file = fixture.scratch.path("proc/1/mountinfo");
    fixture.kernel.set(|state| (state.at_call, state.is_read_only) = (Some((file, "x\n")), false));
    let error = fixture.scrape().unwrap_err();
    assert_eq!(error.to_string(), "mountinfo:1: expected an id, found end of line");
    assert!(samples(&fixture.registry).is_empty());
}
