//! Processes: what a child must be before it executes, signalling, and reaping (fork(2), wait4(2)).

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::signal::{self, Signal, SignalSet};

/// The first descriptor that is not one of the three standard ones.
const FIRST_PRIVATE_FD: libc::c_int = 3;

/// How many descriptors are marked one by one where close_range(2) is missing (before Linux
/// 5.11). Some containers allow 2^30 of them, and a start should not take minutes; a program that
/// opens more than this many before it executes promlet leaks those beyond.
const FDS_MARKED_MAX: libc::c_int = 65_536;

/// What [`reap`] found.
#[derive(Debug)]
pub enum Reap {
    /// This child has ended and is gone from the process table.
    Ended {
        /// Its process id, free for reuse from here on.
        pid: i32,
        /// How it ended.
        status: ExitStatus,
        /// Processor time, user and system, of it and of the descendants it had waited for.
        cpu: Duration,
    },
    /// There are children, and all of them live.
    AllAlive,
    /// There is no child.
    NoChild,
}

/// Reaps one child that has ended, whichever it is; never blocks.
///
/// # Errors
///
/// None is known: ECHILD is [`Reap::NoChild`], and without blocking there is no EINTR.
pub fn reap() -> io::Result<Reap> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are valid for writes of what wait4(2) stores through them.
    let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) };
    match pid {
        0 => Ok(Reap::AllAlive),
        1.. => {
            // SAFETY: zeroes are a valid rusage, and the call can only have overwritten them.
            let usage = unsafe { usage.assume_init() };
            let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
            Ok(Reap::Ended { pid, status: ExitStatus::from_raw(status), cpu })
        }
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ECHILD) => Ok(Reap::NoChild),
            error => Err(error),
        },
    }
}

/// A time that the kernel counted; it is never negative.
fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
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
    let argument = match target {
        Target::Process(pid) => pid,
        Target::Group(pgid) => -pgid,
    };
    assert!(argument != -1 && argument != 0, "a signal must have one target");
    // SAFETY: kill(2) takes no pointers.
    if unsafe { libc::kill(argument, signal.number()) } == 0 {
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

/// Whether a child becomes the foreground of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreground {
    /// Its group takes the terminal over: Ctrl-C reaches it, and it may read.
    Take,
    /// The terminal, if any, is left alone.
    Leave,
}

/// Prepares what runs in the child between fork and exec, so that it starts as if nobody had
/// started it.
///
/// - It leads a process group of its own, which has the terminal if asked for.
/// - Every signal has its default effect, PIPE and CHLD included; only a HUP that is ignored stays
///   so, or nohup(1) would have no effect.
/// - No signal is blocked. This comes last: whatever arrives before waits, and then meets the
///   default effect.
/// - It inherits descriptors 0 to 2 and no other.
///
/// `Command::spawn` returns after the exec, so when it does all of this has been done.
pub fn isolate(command: &mut Command, foreground: Foreground) {
    let prepare = move || {
        // SAFETY: setpgid(2) takes two numbers.
        check(unsafe { libc::setpgid(0, 0) })?;
        if foreground == Foreground::Take {
            take_terminal();
        }
        let keep_hup_ignored = signal::is_ignored(Signal::HUP);
        Signal::all()
            .filter(|&signal| !(keep_hup_ignored && signal == Signal::HUP))
            .for_each(signal::set_default);
        close_on_exec();
        SignalSet::empty().set_mask()
    };
    // SAFETY: the closure runs in the child of a fork from a process with threads. It calls only
    // setpgid, tcsetpgrp, getpgrp, sigaction, signal, close_range, getrlimit, fcntl and
    // pthread_sigmask, each a system call without locks, and allocates nothing: an io::Error from
    // an errno is a plain number.
    unsafe { command.pre_exec(prepare) };
}

/// Gives the terminal at standard input to this process's group.
///
/// From the background this would stop the process by TTOU, but the parent had that blocked. A
/// failure costs the child the keyboard and nothing else, so it is not one of the start.
fn take_terminal() {
    // SAFETY: getpgrp(2) takes nothing and cannot fail.
    let group = unsafe { libc::getpgrp() };
    // SAFETY: takes two numbers.
    unsafe { libc::tcsetpgrp(libc::STDIN_FILENO, group) };
}

/// Marks every descriptor but the three standard ones to be closed on exec.
///
/// Marked, not closed: through one of them the standard library reports a failed exec.
fn close_on_exec() {
    let first = FIRST_PRIVATE_FD as libc::c_uint;
    // SAFETY: close_range(2) takes three numbers, and with this flag closes nothing by itself.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    if result != 0 {
        mark_one_by_one();
    }
}

/// The same before Linux 5.11, or where a sandbox refuses close_range(2).
fn mark_one_by_one() {
    for fd in FIRST_PRIVATE_FD..FDS_MARKED_MAX.min(fds_max()) {
        // SAFETY: takes numbers; one that is not open is refused with EBADF.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// One past the highest descriptor that this process may open.
fn fds_max() -> libc::c_int {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes one rlimit through a valid pointer.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } {
        0 => limit.rlim_cur.try_into().unwrap_or(libc::c_int::MAX),
        _ => libc::c_int::MAX,
    }
}

/// The result of a system call that answers 0 or -1.
fn check(result: libc::c_int) -> io::Result<()> {
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
    fn descriptors_are_marked_without_close_range_too() {
        // SAFETY: takes a number; the copy is this test's own, and open until the end of it.
        let fd = unsafe { libc::dup(libc::STDERR_FILENO) };
        // SAFETY: takes two numbers.
        let flags = || unsafe { libc::fcntl(fd, libc::F_GETFD) };
        assert_eq!(flags(), 0);
        mark_one_by_one();
        assert_eq!(flags(), libc::FD_CLOEXEC);
        // SAFETY: nobody else has the descriptor.
        unsafe { libc::close(fd) };
    }

    #[test]
    fn signal_to_nobody_says_so() {
        // Ids end at 2^22.
        assert!(!send(Signal::CONT, Target::Process((1 << 22) + 1)).unwrap());
    }
}
