//! Which applications there are, and which of them a process belongs to.
//!
//! Whom a process belongs to is plain while its ancestors live. An orphan has lost them: then its
//! process group or session tell, which it has from its application unless it made its own; and if
//! it did (a daemon), the variable [`COOKIE`] in the environment that it was started with.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{AppStatus, tree};

/// How many sessions are remembered. Past it all are forgotten, and what is left of them is met
/// again; only a daemon that has ended by then may not be told from nobody's.
const SESSIONS_MAX: usize = 4_096;

/// What an application of a configuration file finds its name under, and what its descendants are
/// known by.
pub const COOKIE: &str = "PROMLET_APPLICATION";

/// How much of an environment is looked at: what the kernel lets a program have at least.
const ENVIRONMENT_BYTES_MAX: u64 = 128 * 1024;

/// How often, and after how long, a process is looked at again that had no environment because it
/// was in the middle of execve(2). That takes microseconds, unless the program is on a slow disk.
const EXEC_WAITS_MAX: usize = 50;
const EXEC_WAIT: Duration = Duration::from_micros(200);

/// The applications' states, in the order of their configuration. A handle: clones are the same
/// list, which a reload changes.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    entries: Arc<Mutex<Entries>>,
}

#[derive(Debug, Default)]
struct Entries {
    applications: Arc<[Arc<AppStatus>]>,
    /// Sessions that daemons of an application made, as far as they have been met.
    sessions: HashMap<i32, Arc<AppStatus>>,
}

/// A process whose parent is promlet, though promlet did not start it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orphan {
    /// Its id.
    pub pid: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
}

impl Roster {
    /// The applications that there are; cheap, and stays as it is when a reload changes the list.
    #[must_use]
    pub fn applications(&self) -> Arc<[Arc<AppStatus>]> {
        Arc::clone(&self.lock().applications)
    }

    /// The application that an orphan came from, where that can be told.
    ///
    /// Reads `/proc/PID/environ` where its group and session say nothing; what is found there is
    /// remembered for its session, also for when the process is a zombie and has no environment.
    #[must_use]
    pub fn owner(&self, orphan: Orphan) -> Option<Arc<AppStatus>> {
        let Orphan { pid, group, session } = orphan;
        let mut entries = self.lock();
        let leads = |status: &&Arc<AppStatus>| status.leads(group, session);
        if let Some(known) = entries.applications.iter().find(leads) {
            return Some(Arc::clone(known));
        }
        let Some(name) = read_cookie(pid) else { return entries.sessions.get(&session).cloned() };
        let status = entries.applications.iter().find(|status| status.name() == name)?;
        let status = Arc::clone(status);
        if entries.sessions.len() >= SESSIONS_MAX {
            entries.sessions.clear();
        }
        // 0 is that of whoever started promlet, seen from inside a PID namespace.
        if session != 0 {
            entries.sessions.insert(session, Arc::clone(&status));
        }
        Some(status)
    }

    pub(super) fn set(&self, applications: Vec<Arc<AppStatus>>) {
        self.lock().applications = applications.into();
    }

    /// Forgets the sessions that no process is in any more: their ids will be another's.
    pub(super) fn retain_sessions(&self, is_alive: impl Fn(i32) -> bool) {
        self.lock().sessions.retain(|session, _| is_alive(*session));
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of the cookie in the environment of a process; `None` also for a zombie, and where
/// promlet may not look.
fn read_cookie(pid: i32) -> Option<String> {
    for _ in 0..EXEC_WAITS_MAX {
        let mut environment = Vec::new();
        let file = File::open(format!("/proc/{pid}/environ")).ok()?;
        file.take(ENVIRONMENT_BYTES_MAX).read_to_end(&mut environment).ok()?;
        if !environment.is_empty() || !tree::may_be_changing_program(pid) {
            return parse_cookie(&environment).map(str::to_owned);
        }
        thread::sleep(EXEC_WAIT);
    }
    None
}

fn parse_cookie(environment: &[u8]) -> Option<&str> {
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables.find_map(|v| v.strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"="))?;
    str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn cookies() {
        const CASES: &[(&[u8], Option<&str>)] = &[
            (b"A=1\0PROMLET_APPLICATION=shop\0B=2\0", Some("shop")),
            (b"PROMLET_APPLICATION=shop", Some("shop")),
            (b"PROMLET_APPLICATIONS=shop\0", None),
            (b"X=PROMLET_APPLICATION=shop\0", None),
            (b"PROMLET_APPLICATION=\xff\0", None),
            (b"", None),
        ];
        for (environment, name) in CASES {
            assert_eq!(parse_cookie(environment), *name, "{}", environment.escape_ascii());
        }
    }

    #[test]
    fn groups_and_sessions_tell_whose_an_orphan_is() {
        let roster = Roster::default();
        let statuses = ["a", "b"].map(|name| Arc::new(AppStatus::new(name)));
        roster.set(statuses.to_vec());
        statuses[1].record_start(500, false);
        let owner = |group, session| {
            // No process has this id: ids end at 2^22.
            let orphan = Orphan { pid: (1 << 22) + 1, group, session };
            roster.owner(orphan).map(|status| status.name().to_owned())
        };
        assert_eq!(owner(500, 9), Some("b".to_owned()));
        assert_eq!(owner(9, 500), Some("b".to_owned()));
        assert_eq!(owner(9, 9), None);
        statuses[1].record_empty();
        assert_eq!(owner(500, 500), None);
    }

    #[test]
    fn a_daemon_is_known_by_its_environment_and_then_by_its_session() {
        let roster = Roster::default();
        roster.set(vec![Arc::new(AppStatus::new("shop"))]);
        let mut child = std::process::Command::new("cat")
            .env(COOKIE, "shop")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Its environment is there by the time that it answers.
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let pid = child.id() as i32;
        let orphan = |pid| Orphan { pid, group: 7, session: 8 };
        assert_eq!(roster.owner(orphan(pid)).unwrap().name(), "shop");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(roster.owner(orphan(pid)).unwrap().name(), "shop");
        roster.retain_sessions(|session| session != 8);
        assert!(roster.owner(orphan(pid)).is_none());
    }
}
