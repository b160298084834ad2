//! `filesystem`: the room on mounted file systems. Sources: `mountinfo` of process 1 or of this one
//! (proc_pid_mountinfo(5)), and statfs(2) on each mount point below the root.
//!
//! A statfs may hang for as long as a server does not answer, so each mount point has a task of its
//! own on the helper threads. One that has not answered in the mount timeout is stuck: it has
//! `device_error` 1, and is left alone until the call returns.
//!
//! Labels are node_exporter's, which leaves some escapes of the kernel as they stand; what is asked
//! is the mount point that is meant.

use super::error::CollectError;
use super::flags::{Filter, Flag};
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::workers::{Task, Work, Workers};
use super::{Begun, Collector, Setup};
use crate::registry::{RegisterError, Registry};
use crate::sys::error::plain;
use crate::sys::file_system::{self, Room};
use mounts::{Mount, parse_mounts};
use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod mounts;

const MOUNT_POINTS_EXCLUDE: &str = "collector.filesystem.mount-points-exclude";
const MOUNT_POINTS_INCLUDE: &str = "collector.filesystem.mount-points-include";
const TYPES_EXCLUDE: &str = "collector.filesystem.fs-types-exclude";
const TYPES_INCLUDE: &str = "collector.filesystem.fs-types-include";
const MOUNT_TIMEOUT: &str = "collector.filesystem.mount-timeout";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(
        MOUNT_POINTS_EXCLUDE,
        "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
        "Mount points that are left out.",
    )
    .also_as(&["collector.filesystem.ignored-mount-points"])
    .not_with(MOUNT_POINTS_INCLUDE),
    Flag::pattern(MOUNT_POINTS_INCLUDE, "", "Only these mount points are shown.")
        .not_with(MOUNT_POINTS_EXCLUDE),
    Flag::pattern(
        TYPES_EXCLUDE,
        "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|\
         iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|\
         erofs|sysfs|tracefs)$",
        "Types of file systems that are left out.",
    )
    .also_as(&["collector.filesystem.ignored-fs-types"])
    .not_with(TYPES_INCLUDE),
    Flag::pattern(TYPES_INCLUDE, "", "Only these types of file systems are shown.")
        .not_with(TYPES_EXCLUDE),
    Flag::seconds(MOUNT_TIMEOUT, 5, "How long a mount may take to answer before it is left alone."),
    Flag::count(
        "collector.filesystem.stat-workers",
        4,
        "Has no effect: as many mounts are asked at once as do not answer.",
    ),
];

const LABELS: [&str; 4] = ["device", "device_error", "fstype", "mountpoint"];
const METRICS: [Metric; 8] = [
    Metric::gauge("node_filesystem_avail_bytes", "Room for users without privileges, in bytes."),
    Metric::gauge("node_filesystem_device_error", "Whether a file system did not tell its room."),
    Metric::gauge("node_filesystem_files", "Inodes that a file system has in all."),
    Metric::gauge("node_filesystem_files_free", "Inodes that are free."),
    Metric::gauge("node_filesystem_free_bytes", "Room that is free, in bytes."),
    Metric::gauge(
        "node_filesystem_purgeable_bytes",
        "Always 0: room that the system would make by itself, which Linux does not.",
    ),
    Metric::gauge("node_filesystem_readonly", "Whether a file system is mounted read-only."),
    Metric::gauge("node_filesystem_size_bytes", "Size of a file system, in bytes."),
];

const INFO_LABELS: [&str; 4] = ["device", "major", "minor", "mountpoint"];
const INFO: [Metric; 1] =
    [Metric::gauge("node_filesystem_mount_info", "Always 1; the labels say what is mounted.")];

/// `device_error` of a mount that does not answer, in node_exporter's words.
const STUCK: &str = "mountpoint timeout";

/// What tells the room on the file system of a path.
type Ask = Arc<dyn Fn(&CStr) -> io::Result<Room> + Send + Sync>;

pub(super) struct FileSystem {
    /// That of process 1, and that of this one for where the former is hidden.
    mountinfo: [KeptFile; 2],
    rootfs: PathBuf,
    filters: Filters,
    mount_timeout: Duration,
    ask: Ask,
    /// The content of the file that `shown` was made from.
    known: Vec<u8>,
    shown: Vec<Shown>,
    table: Table,
    info: Table,
    took: Duration,
}

struct Filters {
    mount_points: Filter,
    types: Filter,
}

/// A mount that is shown.
struct Shown {
    mount: Mount,
    /// Shared by those that are mounted over each other.
    probe: Arc<Task<Probe>>,
    begun: Instant,
    is_stuck: bool,
    /// What the label says of the error that came last.
    reason: (Option<i32>, Cow<'static, str>),
}

/// One mount point, asked on a helper thread.
struct Probe {
    path: CString,
    ask: Ask,
    /// The room, or the number of the error.
    answer: Result<Room, i32>,
    answered: Instant,
}

impl Work for Probe {
    fn run(&mut self) {
        self.answer = (self.ask)(&self.path).map_err(|error| error.raw_os_error().unwrap_or(0));
        self.answered = Instant::now();
    }
}

impl FileSystem {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let ask = Arc::new(file_system::room);
        Ok(Box::new(FileSystem::new(setup, ask)?))
    }

    fn new(setup: &Setup<'_>, ask: Ask) -> Result<FileSystem, RegisterError> {
        let Setup { roots, flags, .. } = setup;
        let registry: &Registry = &setup.registry;
        let mountinfo = |process| roots.proc.join(process).join("mountinfo");
        Ok(FileSystem {
            mountinfo: ["1", "self"].map(|process| KeptFile::of_many_records(mountinfo(process))),
            rootfs: roots.rootfs.clone(),
            filters: Filters {
                mount_points: flags.filter(MOUNT_POINTS_INCLUDE, MOUNT_POINTS_EXCLUDE),
                types: flags.filter(TYPES_INCLUDE, TYPES_EXCLUDE),
            },
            mount_timeout: flags.duration(MOUNT_TIMEOUT),
            ask,
            known: Vec::new(),
            shown: Vec::new(),
            table: Table::register(registry, &LABELS, &METRICS)?,
            info: Table::register(registry, &INFO_LABELS, &INFO)?,
            took: Duration::ZERO,
        })
    }

    /// Reads which mounts there are, and takes over those that are known.
    fn refresh(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let [first, own] = &mut self.mountinfo;
        let content = match first.read(&mut files.buffer) {
            Err(error) if error.is_hidden() => own.read(&mut files.buffer)?,
            content => content?,
        };
        if content == self.known {
            return Ok(());
        }
        let mounts = parse_mounts(content, self.rootfs.as_os_str().as_bytes())?;
        self.known.clear();
        self.known.extend_from_slice(content);
        let before = std::mem::take(&mut self.shown);
        for mount in mounts.into_iter().filter(|mount| self.filters.let_through(mount)) {
            let is_repeated = self.shown.iter().any(|shown| shown.mount.is_like(&mount));
            if !is_repeated {
                let shown = self.show(mount, &before);
                self.shown.push(shown);
            }
        }
        Ok(())
    }

    /// A mount as it is shown, whose mount point has the task that it has or had.
    fn show(&self, mount: Mount, before: &[Shown]) -> Shown {
        let path = path_below(&self.rootfs, &mount.path);
        let mut known = before.iter().chain(&self.shown);
        if let Some(same) = known.find(|shown| shown.mount.path == mount.path) {
            let (begun, is_stuck) = (same.begun, same.is_stuck);
            let probe = Arc::clone(&same.probe);
            return Shown { mount, probe, begun, is_stuck, reason: (None, Cow::Borrowed("")) };
        }
        let (ask, begun) = (Arc::clone(&self.ask), Instant::now());
        let probe = Task::new(Probe { path, ask, answer: Err(0), answered: begun });
        Shown { mount, probe, begun, is_stuck: false, reason: (None, Cow::Borrowed("")) }
    }
}

/// The mount point in the file system that is ours to ask.
fn path_below(rootfs: &Path, mount_point: &[u8]) -> CString {
    let below = mount_point.strip_prefix(b"/").unwrap_or(mount_point);
    let mut path = rootfs.as_os_str().as_bytes().to_vec();
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(below);
    // What cannot be a path names no file.
    CString::new(path).unwrap_or_default()
}

impl Filters {
    fn let_through(&self, mount: &Mount) -> bool {
        self.mount_points.lets(mount.mount_point.as_bytes())
            && self.types.lets(mount.fs_type.as_bytes())
    }
}

impl Shown {
    /// Begins to ask, unless it was asked before and has not answered.
    fn begin(&mut self, workers: &Workers, now: Instant) {
        if !self.probe.is_under_way() {
            (self.begun, self.is_stuck) = (now, false);
            workers.begin(&self.probe);
        }
    }

    fn set_reason(&mut self, error: Option<i32>) {
        if self.reason.0 != error {
            let text = error.map_or(Cow::Borrowed(""), |errno| error_text(errno).into());
            self.reason = (error, text);
        }
    }

    /// Shows what its mount point answered, if it did. Returns how long that took.
    fn set(&mut self, table: &mut Table, info: &mut Table) -> Duration {
        let answer = self.probe.done().map(|probe| (probe.answer, probe.answered));
        let (room, took) = match answer {
            Some((answer, answered)) => {
                self.set_reason(answer.err());
                (answer.ok(), answered.saturating_duration_since(self.begun))
            }
            None => {
                self.is_stuck = true;
                self.reason = (None, Cow::Borrowed(STUCK));
                (None, self.begun.elapsed())
            }
        };
        let Mount { device, fs_type, mount_point, major, minor, .. } = &self.mount;
        let mut row = table.visit(&[&**device, &self.reason.1, fs_type, mount_point]);
        row.set_all(&values(room, self.mount.is_read_only));
        if room.is_some() {
            info.visit(&[&**device, major, minor, mount_point]).set(0, Some(1.0));
        }
        took
    }
}

/// The values of [`METRICS`]; all but two are not known where there was no answer.
fn values(room: Option<Room>, is_read_only: bool) -> [Option<f64>; METRICS.len()] {
    let count = |count: fn(&Room) -> u64| room.as_ref().map(|room| count(room) as f64);
    let bytes = |blocks: fn(&Room) -> u64| {
        room.as_ref().map(|room| blocks(room) as f64 * room.block_bytes as f64)
    };
    [
        bytes(|room| room.blocks_available),
        Some(f64::from(room.is_none())),
        count(|room| room.files),
        count(|room| room.files_free),
        bytes(|room| room.blocks_free),
        count(|_| 0),
        Some(f64::from(is_read_only)),
        bytes(|room| room.blocks),
    ]
}

/// The error as Go's package syscall words it, which is how node_exporter shows it.
fn error_text(errno: i32) -> String {
    let error = io::Error::from_raw_os_error(errno);
    match error.kind() {
        io::ErrorKind::StaleNetworkFileHandle => "stale NFS file handle".to_owned(),
        _ => plain(&error),
    }
}

impl Collector for FileSystem {
    fn begin(&mut self, files: &mut Files, workers: &Workers) -> Result<Begun, CollectError> {
        if let Err(error) = self.refresh(files) {
            self.table.end_sweep();
            self.info.end_sweep();
            return Err(error);
        }
        let now = Instant::now();
        self.shown.iter_mut().for_each(|shown| shown.begin(workers, now));
        Ok(Begun::Elsewhere)
    }

    fn waits_until(&self, now: Instant) -> Option<Instant> {
        let waiting = self.shown.iter().filter(|s| !s.is_stuck && s.probe.is_under_way());
        let ends = waiting.filter_map(|shown| shown.begun.checked_add(self.mount_timeout));
        ends.filter(|end| *end > now).min()
    }

    fn collect(&mut self, _: &mut Files) -> Result<(), CollectError> {
        let FileSystem { shown, table, info, .. } = self;
        let took = shown.iter_mut().map(|shown| shown.set(table, info)).max();
        self.took = took.unwrap_or_default();
        self.table.end_sweep();
        self.info.end_sweep();
        Ok(())
    }

    fn took_elsewhere(&self) -> Duration {
        self.took
    }
}

#[cfg(test)]
mod tests;
