//! What a scrape may know of an application: written by the loop, read by the collector.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::outcome::shell_code;
use crate::sys::process::Usage;

/// ORDERING: Relaxed everywhere but for the starts. Each value stands for itself, no other memory is read through it,
/// and a scrape that runs beside a change may see either side of it, as it may of the process.
const ORDER: Ordering = Ordering::Relaxed;

/// Why an application's first process has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// By itself, with status 0.
    Success,
    /// By itself, with another status.
    Failure,
    /// By a signal that promlet did not send for one of the reasons below.
    Signal,
    /// It was told to stop: by a reload, or because promlet stops.
    Stopped,
    /// It was told to stop because its health check failed.
    Unhealthy,
    /// It could not be started at all; this is not among the starts.
    NotStarted,
}

impl ExitReason {
    /// All there are, in the order of their numbers.
    pub const ALL: [ExitReason; 6] = [
        ExitReason::Success,
        ExitReason::Failure,
        ExitReason::Signal,
        ExitReason::Stopped,
        ExitReason::Unhealthy,
        ExitReason::NotStarted,
    ];

    /// The value of a label that tells them apart.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Signal => "signal",
            Self::Stopped => "stopped",
            Self::Unhealthy => "unhealthy",
            Self::NotStarted => "not_started",
        }
    }

    /// Why a process that nobody told to stop has ended so.
    pub(super) fn by_itself(status: ExitStatus) -> ExitReason {
        match status.code() {
            Some(0) => Self::Success,
            Some(_) => Self::Failure,
            None => Self::Signal,
        }
    }
}

/// What a health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// There is none, or it has said nothing since the start.
    Unknown = 0,
    Healthy = 1,
    Unhealthy = 2,
}

/// What the processes of an application had used that have been reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reaped {
    /// How many there were, orphans included, but not those that their own parents waited for.
    pub processes: u64,
    /// What they had used, with what the children had that they had waited for.
    pub usage: Usage,
}

/// The application's state as a scrape sees it; shared between the loop and the exporter. Counts
/// begin with 0 when the application appears in the configuration, and never fall.
#[derive(Debug)]
pub struct AppStatus {
    name: String,
    is_enabled: AtomicBool,
    has_health_check: AtomicBool,
    /// 0 while it does not run.
    pid: AtomicI32,
    /// The id of the last first process until nothing of its tree is left, else 0: that of the
    /// group and the session of those it left behind.
    leader: AtomicI32,
    starts: AtomicU64,
    restarts: AtomicU64,
    exits: [AtomicU64; ExitReason::ALL.len()],
    /// -1 before it has ended for the first time.
    last_exit: AtomicI32,
    /// In milliseconds since 1970; 0 before the first start.
    started_at_ms: AtomicU64,
    health: AtomicU8,
    has_pipe: AtomicBool,
    dropped_lines: AtomicU64,
    reaped: Mutex<Reaped>,
}

impl AppStatus {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_enabled: AtomicBool::new(true),
            has_health_check: AtomicBool::new(false),
            pid: AtomicI32::new(0),
            leader: AtomicI32::new(0),
            starts: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            exits: Default::default(),
            last_exit: AtomicI32::new(-1),
            started_at_ms: AtomicU64::new(0),
            health: AtomicU8::new(Health::Unknown as u8),
            has_pipe: AtomicBool::new(false),
            dropped_lines: AtomicU64::new(0),
            reaped: Mutex::default(),
        }
    }

    /// What metrics and log call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is to run at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.is_enabled.load(ORDER)
    }

    /// The id of its first process, the root of its tree; `None` while it does not run.
    ///
    /// It may be reaped, and in theory be somebody else, by the time the caller looks it up.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        Some(self.pid.load(ORDER)).filter(|&pid| pid != 0)
    }

    /// Whether it runs and works: `None` while it does not run, or has a health check that has not
    /// said anything since the start. Without a check, who runs is healthy.
    #[must_use]
    pub fn is_healthy(&self) -> Option<bool> {
        self.pid()?;
        if !self.has_health_check.load(ORDER) {
            return Some(true);
        }
        match self.health.load(ORDER) {
            health if health == Health::Healthy as u8 => Some(true),
            health if health == Health::Unhealthy as u8 => Some(false),
            _ => None,
        }
    }

    /// How often it was started. Whoever asks for this first and then for the pid never sees a
    /// start whose process is not there yet.
    #[must_use]
    pub fn starts(&self) -> u64 {
        // ORDERING: Acquire pairs with the Release in `record_start`.
        self.starts.load(Ordering::Acquire)
    }

    /// How often it was started again after an end by itself or for its health: not by a reload.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts.load(ORDER)
    }

    /// How often it ended for this reason.
    #[must_use]
    pub fn exits(&self, reason: ExitReason) -> u64 {
        self.exits[reason as usize].load(ORDER)
    }

    /// How it ended last: its exit status, or 128 + n for signal n; 126 or 127 where it could not be
    /// started. `None` before the first end.
    #[must_use]
    pub fn last_exit(&self) -> Option<u8> {
        u8::try_from(self.last_exit.load(ORDER)).ok()
    }

    /// When it was started last; `None` before the first time.
    #[must_use]
    pub fn started_at(&self) -> Option<SystemTime> {
        let millis = Some(self.started_at_ms.load(ORDER)).filter(|&millis| millis != 0);
        millis.map(|millis| UNIX_EPOCH + Duration::from_millis(millis))
    }

    /// How many processes of its tree have been reaped, and what they had used.
    #[must_use]
    pub fn reaped(&self) -> Reaped {
        *self.reaped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its output has come by way of promlet, which alone can drop lines of it.
    #[must_use]
    pub fn passes_output_on(&self) -> bool {
        self.has_pipe.load(ORDER)
    }

    /// How many lines of its output were dropped because nobody took them in time, or nobody could.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.dropped_lines.load(ORDER)
    }

    /// Whether a process of this group and session belongs to it for that alone.
    pub(super) fn leads(&self, group: i32, session: i32) -> bool {
        let leader = self.leader.load(ORDER);
        leader != 0 && (leader == group || leader == session)
    }

    /// The id of its last first process, as long as others of its group may live.
    pub(super) fn leader(&self) -> Option<i32> {
        Some(self.leader.load(ORDER)).filter(|&leader| leader != 0)
    }

    pub(super) fn set_rules(&self, is_enabled: bool, has_health_check: bool) {
        self.is_enabled.store(is_enabled, ORDER);
        self.has_health_check.store(has_health_check, ORDER);
    }

    pub(super) fn record_start(&self, pid: i32, is_restart: bool) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // 2^64 milliseconds are 584 million years.
        self.started_at_ms.store(since_epoch.as_millis() as u64, ORDER);
        self.restarts.fetch_add(u64::from(is_restart), ORDER);
        self.leader.store(pid, ORDER);
        self.pid.store(pid, ORDER);
        // ORDERING: Release pairs with the Acquire in `starts`: who sees this start and then asks
        // for the pid gets that of this start or a later state.
        self.starts.fetch_add(1, Ordering::Release);
    }

    pub(super) fn record_end(&self, status: ExitStatus, reason: ExitReason) {
        self.pid.store(0, ORDER);
        self.health.store(Health::Unknown as u8, ORDER);
        self.last_exit.store(shell_code(status).into(), ORDER);
        self.exits[reason as usize].fetch_add(1, ORDER);
    }

    /// Remembers what a health check says; whether that is news.
    pub(super) fn record_health(&self, health: Health) -> bool {
        self.health.swap(health as u8, ORDER) != health as u8
    }

    pub(super) fn record_pipe(&self) {
        self.has_pipe.store(true, ORDER);
    }

    pub(super) fn record_dropped_lines(&self, count: u64) {
        self.dropped_lines.fetch_add(count, ORDER);
    }

    pub(super) fn record_empty(&self) {
        self.leader.store(0, ORDER);
    }

    pub(super) fn record_reaped(&self, usage: Usage) {
        let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        reaped.processes += 1;
        reaped.usage += usage;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_life() {
        let status = AppStatus::new("a");
        assert_eq!((status.pid(), status.starts(), status.last_exit()), (None, 0, None));
        assert_eq!((status.started_at(), status.is_healthy()), (None, None));
        status.record_start(42, false);
        assert_eq!((status.pid(), status.starts(), status.last_exit()), (Some(42), 1, None));
        assert_eq!((status.restarts(), status.is_healthy()), (0, Some(true)));
        assert!(status.leads(42, 1) && status.leads(1, 42) && !status.leads(1, 2));
        assert!(status.started_at().is_some());
        let usage = |millis| Usage { user: Duration::from_millis(millis), ..Usage::default() };
        status.record_reaped(usage(3));
        status.record_reaped(usage(4));
        status.record_end(ExitStatus::from_raw(9), ExitReason::Signal);
        assert_eq!((status.pid(), status.starts(), status.last_exit()), (None, 1, Some(137)));
        assert_eq!(status.exits(ExitReason::Signal), 1);
        assert_eq!(status.reaped(), Reaped { processes: 2, usage: usage(7) });
        status.record_empty();
        assert!(!status.leads(0, 0) && status.leader().is_none());
        status.record_start(43, true);
        assert_eq!((status.starts(), status.restarts()), (2, 1));
    }

    #[test]
    fn reasons_have_their_number_and_a_name() {
        for (number, reason) in ExitReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number, "{}", reason.name());
        }
        assert_eq!(ExitReason::by_itself(ExitStatus::from_raw(0)), ExitReason::Success);
        assert_eq!(ExitReason::by_itself(ExitStatus::from_raw(256)), ExitReason::Failure);
        assert_eq!(ExitReason::by_itself(ExitStatus::from_raw(9)), ExitReason::Signal);
    }
}
