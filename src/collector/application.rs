//! Applications that promlet runs, and groups of processes that it watches: how often each was
//! started, how it is, and what its processes have used. The names are those of App Mesh's exporter.
//!
//! All values are those of the scrape that asks: there is no process to be looked at in between.

mod families;
mod namedprocess;

use super::process::read_boot_seconds;
use super::process_table::control::Hierarchies;
use super::process_table::{Groups, Processes, Root, Rules, Scope, Usage};
use super::watch::{Watch, WatchList};
use crate::registry::{Collect, RegisterError, Registry, Scrape};
use families::Tables;
use namedprocess::NamedProcess;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Where applications have their processes, in whose ids their states are given.
const OWN_PROC: &str = "/proc";

/// Bytes of a pid file that are looked at: far more than an id has.
const PID_FILE_BYTES_MAX: u64 = 64;

/// Visits each application that there is, with its name (the value of the label `application`) and
/// how it is. Called twice at each scrape: before its processes are looked at and afterwards.
pub type Visit = Box<dyn Fn(&mut dyn FnMut(&str, Status)) + Send>;

/// Tells which application an orphan came from, by its name.
pub type FindOwner = Box<dyn Fn(Orphan) -> Option<String> + Send>;

/// Reasons why applications end.
pub const EXIT_REASONS: usize = 6;

/// How an application is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Its first process while it runs.
    pub pid: Option<u32>,
    /// When that was started.
    pub started_at: Option<SystemTime>,
    /// Whether it is to run at all.
    pub is_enabled: bool,
    /// Whether it works, if that is known.
    pub is_healthy: Option<bool>,
    /// How often it was started.
    pub starts: u64,
    /// How often of these after an end by itself.
    pub restarts: u64,
    /// How often it ended, by reason.
    pub exits: [(&'static str, u64); EXIT_REASONS],
    /// How it ended last: its status, or 128 + n for signal n.
    pub last_exit: Option<u8>,
    /// How many lines of its output were dropped, where promlet passes it on.
    pub dropped_lines: Option<u64>,
    /// What those of its processes had used that have been reaped, as wait4(2) tells it.
    pub reaped: Usage,
}

/// A process that promlet is the parent of and did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its id.
    pub pid: u32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
}

/// What there is to account for.
pub struct Sources {
    /// The applications that promlet runs.
    pub visit: Visit,
    /// Which of them an orphan came from.
    pub find_owner: FindOwner,
    /// What is watched.
    pub watches: WatchList,
    /// The procfs of what is watched. What promlet runs is in its own, `/proc`.
    pub procfs: PathBuf,
    /// The sysfs below which control groups are mounted.
    pub sysfs: PathBuf,
}

/// Which of the families are shown.
#[derive(Clone, Copy, Debug)]
pub struct Families {
    /// `appmesh_prom_process_start_count`.
    pub start_count: bool,
    /// `appmesh_prom_process_memory_gauge`.
    pub memory_gauge: bool,
    /// `appmesh_application_*`.
    pub application: bool,
    /// `namedprocess_namegroup_*`, of what is watched.
    pub namedprocess: bool,
    /// Among these `namedprocess_namegroup_thread_*` and `namedprocess_namegroup_threads_wchan`.
    pub threads: bool,
    /// Among these the parts of memory that is shared (`proportionalResident` and
    /// `proportionalSwapped`).
    pub smaps: bool,
}

impl Default for Families {
    fn default() -> Families {
        Families {
            start_count: true,
            memory_gauge: true,
            application: true,
            namedprocess: false,
            threads: false,
            smaps: false,
        }
    }
}

/// Registers the families of `sources`: App Mesh's with the labels of `labelled`, the others with
/// those of `registry`.
///
/// # Errors
/// [`RegisterError`] when one of the names is taken.
pub fn register(
    registry: &Registry,
    labelled: &Registry,
    sources: Sources,
    families: Families,
) -> Result<(), RegisterError> {
    let tables = Tables::register(registry, labelled, families)?;
    let Families { namedprocess, threads, smaps, .. } = families;
    let named = namedprocess.then(|| NamedProcess::register(registry, threads)).transpose()?;
    let scope = Scope { limits: namedprocess, threads, smaps };
    let is_one = sources.procfs == Path::new(OWN_PROC);
    let own = View::new(OWN_PROC.into(), scope, true, is_one);
    let other = (!is_one).then(|| View::new(sources.procfs.clone(), scope, false, true));
    let hierarchies = Hierarchies::new(&sources.sysfs);
    labelled.register_collector(Applications {
        boot_seconds: read_boot_seconds(&sources.procfs),
        views: [own].into_iter().chain(other).collect(),
        sources,
        in_force: Arc::default(),
        groups: Groups::new(hierarchies),
        roots: Vec::new(),
        listed: Vec::new(),
        tables,
        named,
    });
    Ok(())
}

struct Applications {
    sources: Sources,
    views: Vec<View>,
    in_force: Arc<[Watch]>,
    groups: Groups,
    /// The first process of each application.
    roots: Vec<Root>,
    /// The process in the pid file of each section.
    listed: Vec<Option<u32>>,
    /// When the host booted, in seconds since 1970.
    boot_seconds: Option<f64>,
    tables: Tables,
    named: Option<NamedProcess>,
}

/// A procfs, and whose processes are in it.
struct View {
    processes: Processes,
    has_applications: bool,
    has_watched: bool,
}

impl View {
    fn new(root: PathBuf, scope: Scope, has_applications: bool, has_watched: bool) -> View {
        View { processes: Processes::new(root, scope), has_applications, has_watched }
    }
}

impl Collect for Applications {
    fn collect(&mut self, _scrape: &Scrape) {
        let have_changed = self.update_watches();
        self.visit_applications();
        if !self.in_force.is_empty() || self.groups.iter().next().is_some() {
            self.look(have_changed);
        }
        let groups = &mut self.groups;
        // Only now: what was reaped since then was still there when it was looked at.
        (self.sources.visit)(&mut |name, status| groups.set_reaped(name, status.reaped));
        groups.finish(Instant::now());
        self.tables.show(groups, self.boot_seconds, !self.in_force.is_empty());
        if let Some(named) = &mut self.named {
            named.show(groups, self.boot_seconds);
        }
    }
}

impl Applications {
    /// Takes over what is to be watched; whether that has changed.
    fn update_watches(&mut self) -> bool {
        self.groups.begin();
        let watches = self.sources.watches.get();
        let has_changed = !Arc::ptr_eq(&watches, &self.in_force) && watches != self.in_force;
        if has_changed {
            self.groups.follow(&watches);
            self.in_force = watches;
        }
        has_changed
    }

    fn visit_applications(&mut self) {
        self.roots.clear();
        let (groups, roots) = (&mut self.groups, &mut self.roots);
        (self.sources.visit)(&mut |name, status| {
            let group = groups.visit_application(name, status);
            roots.extend(status.pid.map(|pid| Root { pid, group: Some(group) }));
        });
        groups.remove_unvisited();
    }

    /// Looks at all processes.
    fn look(&mut self, have_changed: bool) {
        let pid_files = self.in_force.iter().map(|watch| watch.selectors.pid_file.as_deref());
        self.listed.clear();
        self.listed.extend(pid_files.map(|path| read_pid(path?)));
        let listed = self.listed.iter().flatten();
        self.roots.extend(listed.map(|pid| Root { pid: *pid, group: None }));
        for View { processes, has_applications, has_watched } in &mut self.views {
            let owner: &dyn Fn(Orphan) -> Option<String> = &self.sources.find_owner;
            let rules = Rules {
                roots: &self.roots,
                owner: has_applications.then_some(owner),
                watches: if *has_watched { &self.in_force } else { &[] },
                listed: &self.listed,
                have_changed,
            };
            if processes.refresh(&mut self.groups, &rules).is_err() {
                self.groups.note_error();
            }
        }
    }
}

/// The id in a pid file; `None` while there is no such file, and where it has something else.
fn read_pid(path: &Path) -> Option<u32> {
    let mut text = String::new();
    // Opening a pipe would wait for somebody who writes.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    File::open(path).ok()?.take(PID_FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests;
