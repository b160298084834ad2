//! What a child must be before it executes: its group, its user, its limits, its signals, its
//! descriptors (fork(2), execve(2), credentials(7)).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::limits;
use super::process::check;
use super::signal::{self, Signal, SignalSet};

/// The first descriptor that is not one of the three standard ones.
const FIRST_PRIVATE_FD: libc::c_int = 3;

/// How many descriptors are marked one by one where close_range(2) is missing (before Linux
/// 5.11). Some containers allow 2^30 of them, and a start should not take minutes; a program that
/// opens more than this many before it executes promlet leaks those beyond.
const FDS_MARKED_MAX: libc::c_int = 65_536;

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
/// - It has the limits and is the user that `isolation` says; the soft limit on descriptors is
///   otherwise what it was before [`limits::raise_open_files`].
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
        // Behind the marking, which may go by the limit.
        if isolation.limits.open_files.is_none() {
            limits::restore_open_files()?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
