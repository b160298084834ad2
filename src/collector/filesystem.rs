//! `filesystem`: the room on mounted file systems. Sources: `mountinfo` of process 1 or of this one
//! (proc_pid_mountinfo(5)), and statfs(2) on each mount point below the root.
//!
//! A statfs may hang for as long as a server does not answer, so each mount point has a task of its
//! own on the helper threads. One that has not answered in the mount timeout is stuck: it has
//! `device_error` 1, and is left alone until the call returns.
//!
//! The file is read only after it has changed: what is mounted is told by poll(2), a file system that
//! the kernel made read-only after an error by statfs.
//!
//! Labels are node_exporter's, which leaves some escapes of the kernel as they stand; what is asked
//! is the mount point that is meant.

use super::error::CollectError;
use super::flags::{Filter, Flag};
use super::fs::Files;
use super::table::{Metric, Table};
use super::workers::{Task, Work, Workers};
use super::{Begun, Collector, Setup};
use crate::registry::{RegisterError, Registry};
use crate::sys::error::plain;
use crate::sys::file_system::{self, Room};
use mount_info::MountInfo;
use mounts::Mount;
pub(super) use mounts::parse_mounts;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod mount_info;
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

/// What tells the room on the file system of a path.
type Ask = Arc<dyn Fn(&CStr) -> io::Result<Room> + Send + Sync>;

pub(super) struct FileSystem {
    mount_info: MountInfo,
    rootfs: PathBuf,
    filters: Filters,
    mount_timeout: Duration,
    ask: Ask,
    shown: Vec<Shown>,
    asked: Vec<Asked>,
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
    /// Which of the mount points that are asked is its own. Mounts over each other share one.
    asked: usize,
    /// Why it did not tell its room, and what the label says of that.
    failure: Option<Failure>,
    reason: Cow<'static, str>,
}

/// Why a mount does not tell its room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    Stuck,
    /// The number of the error.
    Os(i32),
}

/// A mount point that is asked.
struct Asked {
    path: Arc<CStr>,
    task: Arc<Task<Probe>>,
    /// `None` before it was asked for the first time.
    begun: Option<Instant>,
    is_stuck: bool,
}

/// One mount point, asked on a helper thread.
struct Probe {
    path: Arc<CStr>,
    ask: Ask,
    answer: Result<Room, Failure>,
    answered: Instant,
}

impl Work for Probe {
    fn run(&mut self) {
        let errno = |error: io::Error| error.raw_os_error().unwrap_or_default();
        self.answer = (self.ask)(&self.path).map_err(|error| Failure::Os(errno(error)));
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
        Ok(FileSystem {
            mount_info: MountInfo::new(&roots.proc),
            rootfs: roots.rootfs.clone(),
            filters: Filters {
                mount_points: flags.filter(MOUNT_POINTS_INCLUDE, MOUNT_POINTS_EXCLUDE),
                types: flags.filter(TYPES_INCLUDE, TYPES_EXCLUDE),
            },
            mount_timeout: flags.duration(MOUNT_TIMEOUT),
            ask,
            shown: Vec::new(),
            asked: Vec::new(),
            table: Table::register(registry, &LABELS, &METRICS)?,
            info: Table::register(registry, &INFO_LABELS, &INFO)?,
            took: Duration::ZERO,
        })
    }

    /// Reads which mounts there are, and takes over those that are known.
    fn refresh(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let read = self.mount_info.read_changed(files, self.rootfs.as_os_str().as_bytes());
        match read {
            Ok(None) => {}
            Ok(Some(mounts)) => self.take(mounts),
            Err(error) => {
                self.end_sweep();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether a mount point says of itself that it is read-only, or not, and the file says the
    /// opposite. Usually only one of two mounts over each other does, or one whose file system was
    /// made read-only by an error, which changes the file and wakes nobody who polls it.
    fn is_contradicted(&self) -> bool {
        self.shown.iter().any(|shown| {
            let room = self.asked[shown.asked].task.done().and_then(|probe| probe.answer.ok());
            room.is_some_and(|room| room.is_read_only != shown.mount.is_read_only)
        })
    }

    fn end_sweep(&mut self) {
        self.table.end_sweep();
        self.info.end_sweep();
    }

    /// Shows those of `mounts` that the filters let through, each once.
    fn take(&mut self, mounts: Vec<Mount>) {
        let known = self.asked.drain(..).map(|asked| (Arc::clone(&asked.path), asked));
        let mut known: HashMap<Arc<CStr>, Asked> = known.collect();
        let (mut paths, mut seen) = (HashMap::new(), HashSet::new());
        self.shown.clear();
        for mount in mounts {
            if !self.filters.let_through(&mount) || !seen.insert(mount.labels()) {
                continue;
            }
            let path = path_below(&self.rootfs, &mount.path);
            let asked = *paths.entry(Arc::clone(&path)).or_insert_with(|| {
                let asked = known.remove(&path).unwrap_or_else(|| Asked::new(path, &self.ask));
                self.asked.push(asked);
                self.asked.len() - 1
            });
            self.shown.push(Shown { mount, asked, failure: None, reason: "".into() });
        }
    }
}

/// The mount point in the file system that is ours to ask.
fn path_below(rootfs: &Path, mount_point: &[u8]) -> Arc<CStr> {
    let below = mount_point.strip_prefix(b"/").unwrap_or(mount_point);
    let mut path = rootfs.as_os_str().as_bytes().to_vec();
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(below);
    // What cannot be a path names no file.
    CString::new(path).unwrap_or_default().into()
}

impl Filters {
    fn let_through(&self, mount: &Mount) -> bool {
        self.mount_points.lets(mount.mount_point.as_bytes())
            && self.types.lets(mount.fs_type.as_bytes())
    }
}

impl Asked {
    fn new(path: Arc<CStr>, ask: &Ask) -> Asked {
        let (ask, answer, answered) = (Arc::clone(ask), Err(Failure::Stuck), Instant::now());
        let task = Task::new(Probe { path: Arc::clone(&path), ask, answer, answered });
        Asked { path, task, begun: None, is_stuck: false }
    }

    /// Asks, unless it was asked before and has not answered.
    fn begin(&mut self, workers: &Workers, now: Instant) {
        if !self.task.is_under_way() {
            (self.begun, self.is_stuck) = (Some(now), false);
            workers.begin(&self.task);
        }
    }

    /// The answer, and how long it took; `None` where it was not asked. A mount point without an
    /// answer is stuck from here on.
    fn answer(&mut self) -> Option<(Result<Room, Failure>, Duration)> {
        let begun = self.begun?;
        Some(match self.task.done() {
            Some(probe) => (probe.answer, probe.answered.saturating_duration_since(begun)),
            None => {
                self.is_stuck = true;
                (Err(Failure::Stuck), begun.elapsed())
            }
        })
    }
}

impl Shown {
    fn set(&mut self, answer: Result<Room, Failure>, table: &mut Table, info: &mut Table) {
        let failure = answer.err();
        if self.failure != failure {
            self.failure = failure;
            self.reason = failure.map_or(Cow::Borrowed(""), Failure::text);
        }
        let Mount { device, fs_type, mount_point, major, minor, .. } = &self.mount;
        let mut row = table.visit(&[&**device, &self.reason, fs_type, mount_point]);
        row.set_all(&values(answer.ok(), self.mount.is_read_only));
        if answer.is_ok() {
            info.visit(&[&**device, major, minor, mount_point]).set(0, Some(1.0));
        }
    }
}

impl Failure {
    /// In the words of node_exporter, which are those of Go's package syscall.
    fn text(self) -> Cow<'static, str> {
        let Failure::Os(errno) = self else { return "mountpoint timeout".into() };
        let error = io::Error::from_raw_os_error(errno);
        match error.kind() {
            io::ErrorKind::StaleNetworkFileHandle => "stale NFS file handle".into(),
            _ => plain(&error).into(),
        }
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

impl Collector for FileSystem {
    fn begin(&mut self, files: &mut Files, workers: &Workers) -> Result<Begun, CollectError> {
        self.refresh(files)?;
        let now = Instant::now();
        self.asked.iter_mut().for_each(|asked| asked.begin(workers, now));
        Ok(Begun::Elsewhere)
    }

    fn waits_until(&self, now: Instant) -> Option<Instant> {
        let waiting = self.asked.iter().filter(|a| !a.is_stuck && a.task.is_under_way());
        let ends = waiting.filter_map(|asked| asked.begun?.checked_add(self.mount_timeout));
        ends.filter(|end| *end > now).min()
    }

    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        if self.is_contradicted() {
            self.mount_info.doubt();
            self.refresh(files)?;
        }
        self.took = Duration::ZERO;
        for shown in &mut self.shown {
            if let Some((answer, took)) = self.asked[shown.asked].answer() {
                self.took = self.took.max(took);
                shown.set(answer, &mut self.table, &mut self.info);
            }
        }
        self.end_sweep();
        Ok(())
    }

    fn took_elsewhere(&self) -> Duration {
        self.took
    }
}

#[cfg(test)]
mod tests;
