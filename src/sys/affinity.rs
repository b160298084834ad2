//! On which CPUs threads may run, and on which they do (sched_setaffinity(2), getcpu(2)).

use super::process::check;
use std::fs;
use std::io;
use std::sync::LazyLock;

/// A thread of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(libc::pid_t);

impl ThreadId {
    /// The thread that asks.
    pub fn current() -> ThreadId {
        // SAFETY: gettid(2) has no conditions.
        ThreadId(unsafe { libc::gettid() })
    }
}

/// The CPU that the thread runs on as it asks, which costs no system call where the C library knows;
/// `None` where nobody does.
pub fn current_cpu() -> Option<usize> {
    // SAFETY: the call has no conditions.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// A set of CPUs.
#[derive(Clone, Copy)]
pub struct CpuSet(libc::cpu_set_t);

impl CpuSet {
    /// How many CPUs a set has room for.
    pub const CPUS: usize = 8 * size_of::<libc::cpu_set_t>();

    /// Those that the present thread may run on.
    ///
    /// # Errors
    /// `EINVAL` where the kernel knows more CPUs than a set has room for.
    pub fn of_current_thread() -> io::Result<CpuSet> {
        // SAFETY: a set of no CPUs is all zeros.
        let mut cpus: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes no more than the size of `cpus`, which outlives the call.
        check(unsafe { libc::sched_getaffinity(0, size_of_val(&cpus), &mut cpus) })?;
        Ok(CpuSet(cpus))
    }

    /// These without one of them; `None` if that leaves none.
    pub fn without(mut self, cpu: usize) -> Option<CpuSet> {
        if cpu < CpuSet::CPUS {
            // SAFETY: the set has room for a CPU of this number.
            unsafe { libc::CPU_CLR(cpu, &mut self.0) };
        }
        // SAFETY: it is a set.
        (unsafe { libc::CPU_COUNT(&self.0) } > 0).then_some(self)
    }

    /// Lets `thread` run on these alone. One that runs on another is moved at once, one that sleeps
    /// when it is woken.
    ///
    /// # Errors
    /// `ESRCH` if the thread has ended, `EINVAL` if it may run on none of them. `EPERM` where system
    /// calls are filtered: many filters of services forbid this one, and end who calls it.
    pub fn confine(&self, thread: ThreadId) -> io::Result<()> {
        static IS_FILTERED: LazyLock<bool> = LazyLock::new(|| {
            fs::read_to_string("/proc/self/status").map_or(true, |status| is_filtered(&status))
        });
        if *IS_FILTERED {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        // SAFETY: the kernel reads the set, which outlives the call.
        check(unsafe { libc::sched_setaffinity(thread.0, size_of_val(&self.0), &self.0) })?;
        Ok(())
    }
}

/// Whether system calls of a process are filtered (seccomp(2)), by its `status`
/// (proc_pid_status(5)). A kernel without filters does not say.
fn is_filtered(status: &str) -> bool {
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
    mode.is_some_and(|mode| mode.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_whether_system_calls_are_filtered() {
        for (status, expected) in [
            ("Name:\tpromlet\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n", false),
            ("Name:\tpromlet\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n", true),
            ("Name:\tpromlet\nSeccomp:\t1\n", true),
            ("Name:\tpromlet\n", false),
        ] {
            assert_eq!(is_filtered(status), expected, "{status:?}");
        }
    }

    #[test]
    fn a_thread_leaves_the_cpu_that_is_taken_from_it() {
        let leaves = || {
            let (cpus, cpu) = (CpuSet::of_current_thread().unwrap(), current_cpu().unwrap());
            let Some(others) = cpus.without(cpu) else { return };
            if let Err(error) = others.confine(ThreadId::current()) {
                // In some containers.
                return assert_eq!(error.raw_os_error(), Some(libc::EPERM));
            }
            assert_ne!(current_cpu(), Some(cpu));
            cpus.confine(ThreadId::current()).unwrap();
        };
        std::thread::spawn(leaves).join().unwrap();
    }

    #[test]
    fn of_one_cpu_none_is_left() {
        let mut cpus = CpuSet::of_current_thread().unwrap();
        let mut last = Vec::new();
        for cpu in 0..2 * CpuSet::CPUS {
            match cpus.without(cpu) {
                Some(others) => cpus = others,
                None => last.push(cpu),
            }
        }
        assert_eq!(last.len(), 1);
        assert!(cpus.without(last[0]).is_none());
    }
}
