//! Processes: signalling, reaping, and what they had used (kill(2), wait4(2)).

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::signal::Signal;

/// What [`ended_child`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// This one has ended; it stays in the process table, and nobody else gets its id, until it is
    /// reaped.
    Ended(i32),
    /// There are children, and all of them live.
    AllAlive,
    /// There is no child.
    None,
}

/// Looks for a child that has ended, whichever it is, and leaves it for [`reap`]; never blocks.
///
/// # Errors
///
/// None is known: ECHILD is [`Children::None`], and without blocking there is no EINTR.
pub fn ended_child() -> io::Result<Children> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the pointer is valid for writes of a siginfo_t.
    if unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) } == 0 {
        // SAFETY: zeroes are a valid siginfo_t, and the call can only have overwritten them.
        let info = unsafe { info.assume_init() };
        // SAFETY: the field is one of those that waitid(2) fills in; where there is no child to
        // report it leaves the zero.
        let pid = unsafe { info.si_pid() };
        return Ok(if pid == 0 { Children::AllAlive } else { Children::Ended(pid) });
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ECHILD) => Ok(Children::None),
        error => Err(error),
    }
}

/// What a process and the descendants that it had waited for have used until their end: a part of
/// getrusage(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Page faults that waited for a disk.
    pub major_faults: u64,
    /// Page faults that did not.
    pub minor_faults: u64,
    /// Switches to another thread because this one waited.
    pub voluntary_switches: u64,
    /// Switches because its time was over.
    pub involuntary_switches: u64,
    /// Blocks of 512 bytes read from storage.
    pub blocks_read: u64,
    /// Blocks of 512 bytes written to storage.
    pub blocks_written: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.user += other.user;
        self.system += other.system;
        self.major_faults += other.major_faults;
        self.minor_faults += other.minor_faults;
        self.voluntary_switches += other.voluntary_switches;
        self.involuntary_switches += other.involuntary_switches;
        self.blocks_read += other.blocks_read;
        self.blocks_written += other.blocks_written;
    }
}

impl From<libc::rusage> for Usage {
    fn from(usage: libc::rusage) -> Usage {
        // The kernel's counts are never negative.
        let count = |count: libc::c_long| u64::try_from(count).unwrap_or(0);
        Usage {
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            major_faults: count(usage.ru_majflt),
            minor_faults: count(usage.ru_minflt),
            voluntary_switches: count(usage.ru_nvcsw),
            involuntary_switches: count(usage.ru_nivcsw),
            blocks_read: count(usage.ru_inblock),
            blocks_written: count(usage.ru_oublock),
        }
    }
}

/// Removes a child that [`ended_child`] found from the process table: how it ended, and what it had
/// used. Its id is free for reuse from here on.
///
/// # Errors
///
/// ECHILD, when there is no such child.
pub fn reap(pid: i32) -> io::Result<(ExitStatus, Usage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are valid for writes of what wait4(2) stores through them.
    let reaped = unsafe { libc::wait4(pid, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) };
    if reaped < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroes are a valid rusage, and the call can only have overwritten them.
    let usage = unsafe { usage.assume_init() };
    Ok((ExitStatus::from_raw(status), usage.into()))
}

/// A time that the kernel counted; it is never negative.
fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// The process group and the session of a process that lives or is not reaped; `None` if there is
/// no such process. Either is 0 where its leader is not of this PID namespace.
#[must_use]
pub fn group_and_session(pid: i32) -> Option<(i32, i32)> {
    // SAFETY: takes a number; on one that is no process it fails with -1.
    let group = unsafe { libc::getpgid(pid) };
    // SAFETY: the same.
    let session = unsafe { libc::getsid(pid) };
    (group >= 0 && session >= 0).then_some((group, session))
}

/// Whom a signal is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One process.
    Process(i32),
    /// Every process of a group.
    Group(i32),
}

/// Sends a signal; `Ok(false)` means that there is no such process any more.
///
/// # Errors
///
/// EPERM, when the target has become another user's.
///
/// # Panics
///
/// When the id is 0 or below: that would mean this process's own group, or every process there is.
pub fn send(signal: Signal, target: Target) -> io::Result<bool> {
    kill(target, signal.number())
}

/// Whether there is such a process or, for a group, anybody in it.
///
/// # Errors
///
/// EPERM, when there is and it is another user's.
///
/// # Panics
///
/// As [`send`].
pub fn exists(target: Target) -> io::Result<bool> {
    kill(target, 0)
}

fn kill(target: Target, number: libc::c_int) -> io::Result<bool> {
    let argument = match target {
        Target::Process(pid) => pid,
        Target::Group(pgid) => -pgid,
    };
    assert!(argument != -1 && argument != 0, "a signal must have one target");
    // SAFETY: kill(2) takes no pointers.
    if unsafe { libc::kill(argument, number) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        error => Err(error),
    }
}

/// Whether this process is the first of its PID namespace, to which every orphan falls.
#[must_use]
pub fn is_init() -> bool {
    std::process::id() == 1
}

/// Makes this process inherit the orphans among its descendants (PR_SET_CHILD_SUBREAPER).
///
/// # Errors
///
/// EINVAL before Linux 3.4.
pub fn become_subreaper() -> io::Result<()> {
    let on: libc::c_ulong = 1;
    // SAFETY: this prctl(2) takes one number and no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, on) })
}

/// Whether standard input is the terminal that this process controls, in the foreground.
#[must_use]
pub fn is_terminal_foreground() -> bool {
    // SAFETY: takes a number; on what is no controlling terminal it fails with -1.
    let foreground = unsafe { libc::tcgetpgrp(libc::STDIN_FILENO) };
    // SAFETY: getpgrp(2) takes nothing and cannot fail.
    foreground == unsafe { libc::getpgrp() }
}

/// The result of a system call that answers 0 or -1.
pub(super) fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "one target")]
    fn a_signal_to_everybody_is_refused() {
        let _ = send(Signal::CONT, Target::Group(1));
    }

    #[test]
    fn signal_to_nobody_says_so() {
        // Ids end at 2^22.
        assert!(!send(Signal::CONT, Target::Process((1 << 22) + 1)).unwrap());
    }
}
