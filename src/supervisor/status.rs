//! What a scrape may know of the application: written by the loop, read by the collector.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use super::run::shell_code;

/// ORDERING: Relaxed everywhere. Each value stands for itself, no other memory is read through it,
/// and a scrape that runs beside a change may see either side of it, as it may of the process.
const ORDER: Ordering = Ordering::Relaxed;

/// The application's state as a scrape sees it; shared between the loop and the exporter.
#[derive(Debug)]
pub struct AppStatus {
    /// 0 while it does not run.
    pid: AtomicI32,
    starts: AtomicU64,
    /// -1 before it has ended for the first time.
    last_exit: AtomicI32,
    reaped: AtomicU64,
    reaped_cpu_micros: AtomicU64,
}

impl Default for AppStatus {
    fn default() -> Self {
        Self {
            pid: AtomicI32::new(0),
            starts: AtomicU64::new(0),
            last_exit: AtomicI32::new(-1),
            reaped: AtomicU64::new(0),
            reaped_cpu_micros: AtomicU64::new(0),
        }
    }
}

impl AppStatus {
    /// The id of its first process, the root of its tree; `None` while it does not run.
    ///
    /// It may be reaped, and in theory be somebody else, by the time the caller looks it up.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        Some(self.pid.load(ORDER)).filter(|&pid| pid != 0)
    }

    /// How often it was started.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.starts.load(ORDER)
    }

    /// How it ended last: its exit status, or 128 + n for signal n. `None` before the first end.
    #[must_use]
    pub fn last_exit(&self) -> Option<u8> {
        u8::try_from(self.last_exit.load(ORDER)).ok()
    }

    /// How many processes of its tree have been reaped, orphans included.
    #[must_use]
    pub fn reaped(&self) -> u64 {
        self.reaped.load(ORDER)
    }

    /// The processor time that those had used, with that of the children they had waited for.
    #[must_use]
    pub fn reaped_cpu(&self) -> Duration {
        Duration::from_micros(self.reaped_cpu_micros.load(ORDER))
    }

    pub(super) fn record_start(&self, pid: i32) {
        self.starts.fetch_add(1, ORDER);
        self.pid.store(pid, ORDER);
    }

    pub(super) fn record_end(&self, status: ExitStatus) {
        self.pid.store(0, ORDER);
        self.last_exit.store(shell_code(status).into(), ORDER);
    }

    pub(super) fn record_reaped(&self, cpu: Duration) {
        self.reaped.fetch_add(1, ORDER);
        // 2^64 microseconds are 584,000 years of processor time.
        self.reaped_cpu_micros.fetch_add(cpu.as_micros() as u64, ORDER);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_life() {
        let status = AppStatus::default();
        assert_eq!((status.pid(), status.starts(), status.last_exit()), (None, 0, None));
        status.record_start(42);
        assert_eq!((status.pid(), status.starts(), status.last_exit()), (Some(42), 1, None));
        status.record_reaped(Duration::from_millis(3));
        status.record_reaped(Duration::from_micros(4));
        status.record_end(ExitStatus::from_raw(9));
        assert_eq!((status.pid(), status.starts(), status.last_exit()), (None, 1, Some(137)));
        assert_eq!((status.reaped(), status.reaped_cpu()), (2, Duration::from_micros(3_004)));
    }
}
