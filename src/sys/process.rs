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

/// What a child is among the processes of the host, until it changes that itself.
#[derive(Debug, Clone)]
pub struct Isolation {
    /// Its session and process group.
    pub session: Session,
    /// Whom it runs as; this process's own user and groups if `None`.
    pub identity: Option<Identity>,
    /// What it may have at most.
    pub limits: Limits,
    /// What it is sent when the thread that starts it is gone (PR_SET_PDEATHSIG). A program that
    /// gains privileges by its file (set-user-ID) loses this.
    pub parent_death: Signal,
}

/// The session and process group of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A session of its own, without a terminal.
    Own,
    /// A group of its own in this session; the terminal, if any, is left alone.
    Background,
    /// A group of its own in this session, which takes over the terminal: Ctrl-C reaches it, and it
    /// may read.
    Foreground,
}

/// A user and groups, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user; unchanged if `None`.
    pub uid: Option<u32>,
    /// The group.
    pub gid: u32,
    /// The supplementary groups.
    pub groups: Vec<u32>,
}

/// Limits of the kernel on a process (setrlimit(2)), soft and hard; inherited where `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// `RLIMIT_NPROC`: processes and threads of its user.
    pub processes: Option<u64>,
    /// `RLIMIT_NOFILE`.
    pub open_files: Option<u64>,
    /// `RLIMIT_AS`.
    pub address_space_bytes: Option<u64>,
    /// `RLIMIT_CORE`.
    pub core_bytes: Option<u64>,
}

/// Prepares what runs in the child between fork and exec, so that it starts as if nobody had
/// started it.
///
/// - It leads a process group of its own, or a session, as `isolation` says.
/// - It has the limits and is the user that `isolation` says.
/// - Every signal has its default effect, PIPE and CHLD included; only a HUP that is ignored stays
///   so, or nohup(1) would have no effect.
/// - No signal is blocked. This comes last: whatever arrives before waits, and then meets the
///   default effect.
/// - It inherits descriptors 0 to 2 and no other.
///
/// `Command::spawn` returns after the exec, so when it does all of this has been done.
pub fn isolate(command: &mut Command, isolation: Isolation) {
    let parent = std::process::id();
    let prepare = move || {
        isolation.session.enter()?;
        isolation.limits.set()?;
        if let Some(identity) = &isolation.identity {
            identity.assume()?;
        }
        // Behind the change of user, which would take it back.
        die_with_parent(isolation.parent_death, parent)?;
        let keep_hup_ignored = signal::is_ignored(Signal::HUP);
        Signal::all()
            .filter(|&signal| !(keep_hup_ignored && signal == Signal::HUP))
            .for_each(signal::set_default);
        close_on_exec();
        SignalSet::empty().set_mask()
    };
    // SAFETY: the closure runs in the child of a fork from a process with threads. It calls only
    // setpgid, setsid, tcsetpgrp, getpgrp, setrlimit, getuid, getgid, setgroups, setgid, setuid,
    // prctl, getppid, sigaction, signal, close_range, getrlimit, fcntl and pthread_sigmask, each a
    // system call without locks here (setgroups and the like signal other threads, of which the
    // child has none), and allocates nothing: an io::Error from an errno is a plain number.
    unsafe { command.pre_exec(prepare) };
}

impl Session {
    fn enter(self) -> io::Result<()> {
        if self == Session::Own {
            // SAFETY: setsid(2) takes nothing.
            let session = unsafe { libc::setsid() };
            return if session < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
        }
        // SAFETY: setpgid(2) takes two numbers.
        check(unsafe { libc::setpgid(0, 0) })?;
        if self == Session::Foreground {
            take_terminal();
        }
        Ok(())
    }
}

impl Identity {
    /// Becomes this user, groups first: afterwards nothing may be changed any more.
    fn assume(&self) -> io::Result<()> {
        // SAFETY: takes nothing and cannot fail.
        let own_uid = unsafe { libc::getuid() };
        // SAFETY: takes nothing and cannot fail.
        let own_gid = unsafe { libc::getgid() };
        let uid = self.uid.unwrap_or(own_uid);
        // Who is it already may lack the right to say so.
        if (uid, self.gid) == (own_uid, own_gid) && own_uid != 0 {
            return Ok(());
        }
        // SAFETY: the pointer and the length are those of a list of groups.
        check(unsafe { libc::setgroups(self.groups.len() as _, self.groups.as_ptr()) })?;
        // SAFETY: takes a number.
        check(unsafe { libc::setgid(self.gid) })?;
        // SAFETY: takes a number.
        check(unsafe { libc::setuid(uid) })
    }
}

impl Limits {
    #[allow(clippy::useless_conversion, reason = "limits are shorter on some targets")]
    fn set(&self) -> io::Result<()> {
        let limits = [
            (libc::RLIMIT_NPROC, self.processes),
            (libc::RLIMIT_NOFILE, self.open_files),
            (libc::RLIMIT_AS, self.address_space_bytes),
            (libc::RLIMIT_CORE, self.core_bytes),
        ];
        for (resource, limit) in limits {
            let Some(limit) = limit else { continue };
            let limit = limit.try_into().unwrap_or(libc::RLIM_INFINITY);
            let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
            // SAFETY: reads one rlimit through a valid pointer.
            check(unsafe { libc::setrlimit(resource, &raw const limit) })?;
        }
        Ok(())
    }
}

/// Asks for a signal when the thread that forked this process is gone.
fn die_with_parent(signal: Signal, parent: u32) -> io::Result<()> {
    let number = signal.number() as libc::c_ulong;
    // SAFETY: this prctl(2) takes one number and no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, number) })?;
    // Gone already: the signal will not come.
    if std::os::unix::process::parent_id() == parent {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
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
