//! Signals by number and name, and sets of them (signal(7)).
//!
//! No handler is ever installed: a signal that is wanted is blocked in every thread and taken from
//! the queue by a [`super::signalfd::SignalFd`], so nothing runs at an awkward moment and nothing
//! is lost between two system calls.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// A signal number of this platform.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(libc::c_int);

/// Table: signal => name without `SIG`, for messages.
const NAMES: &[(Signal, &str)] = &[
    (Signal::HUP, "HUP"),
    (Signal::INT, "INT"),
    (Signal::QUIT, "QUIT"),
    (Signal::ILL, "ILL"),
    (Signal::TRAP, "TRAP"),
    (Signal::ABRT, "ABRT"),
    (Signal::BUS, "BUS"),
    (Signal::FPE, "FPE"),
    (Signal::KILL, "KILL"),
    (Signal::USR1, "USR1"),
    (Signal::SEGV, "SEGV"),
    (Signal::USR2, "USR2"),
    (Signal::PIPE, "PIPE"),
    (Signal::ALRM, "ALRM"),
    (Signal::TERM, "TERM"),
    (Signal::CHLD, "CHLD"),
    (Signal::CONT, "CONT"),
    (Signal::TSTP, "TSTP"),
    (Signal::TTOU, "TTOU"),
    (Signal::WINCH, "WINCH"),
    (Signal::PWR, "PWR"),
    (Signal::SYS, "SYS"),
];

#[allow(missing_docs)] // The names of signal(7) say what they are.
impl Signal {
    pub const HUP: Self = Self(libc::SIGHUP);
    pub const INT: Self = Self(libc::SIGINT);
    pub const QUIT: Self = Self(libc::SIGQUIT);
    pub const ILL: Self = Self(libc::SIGILL);
    pub const TRAP: Self = Self(libc::SIGTRAP);
    pub const ABRT: Self = Self(libc::SIGABRT);
    pub const BUS: Self = Self(libc::SIGBUS);
    pub const FPE: Self = Self(libc::SIGFPE);
    pub const KILL: Self = Self(libc::SIGKILL);
    pub const USR1: Self = Self(libc::SIGUSR1);
    pub const SEGV: Self = Self(libc::SIGSEGV);
    pub const USR2: Self = Self(libc::SIGUSR2);
    pub const PIPE: Self = Self(libc::SIGPIPE);
    pub const ALRM: Self = Self(libc::SIGALRM);
    pub const TERM: Self = Self(libc::SIGTERM);
    pub const CHLD: Self = Self(libc::SIGCHLD);
    pub const CONT: Self = Self(libc::SIGCONT);
    pub const TSTP: Self = Self(libc::SIGTSTP);
    pub const TTOU: Self = Self(libc::SIGTTOU);
    pub const WINCH: Self = Self(libc::SIGWINCH);
    pub const PWR: Self = Self(libc::SIGPWR);
    pub const SYS: Self = Self(libc::SIGSYS);
}

impl Signal {
    /// The real-time signals that the C library leaves to programs.
    pub fn real_time() -> impl Iterator<Item = Self> {
        (libc::SIGRTMIN()..=libc::SIGRTMAX()).map(Self)
    }

    /// Every number that the kernel knows, whether or not it can be caught.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (1..=libc::SIGRTMAX()).map(Self)
    }

    /// The signal with this number, as wait(2) and siginfo give it.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The signal of this name, without `SIG`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(signal, _)| *signal)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(signal, _)| signal == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({self})")
    }
}

/// A set of signals.
#[derive(Clone, Copy)]
pub struct SignalSet(libc::sigset_t);

impl SignalSet {
    /// The set of no signal.
    #[must_use]
    pub fn empty() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset(3) writes a whole sigset_t through the pointer, which is valid.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: the call above, which cannot fail with a valid pointer, initialised it.
        Self(unsafe { set.assume_init() })
    }

    /// This set and one signal more.
    #[must_use]
    pub fn with(mut self, signal: Signal) -> Self {
        // SAFETY: the pointer is to an initialised set. An invalid number changes nothing.
        unsafe { libc::sigaddset(&raw mut self.0, signal.0) };
        self
    }

    /// Blocks the set in this thread and in those that it starts from here on.
    ///
    /// # Errors
    ///
    /// None is known; pthread_sigmask(3) fails for a wrong first argument only.
    pub fn block(&self) -> io::Result<()> {
        self.mask(libc::SIG_BLOCK)
    }

    /// Makes the set the whole mask of this thread.
    pub(super) fn set_mask(&self) -> io::Result<()> {
        self.mask(libc::SIG_SETMASK)
    }

    fn mask(&self, how: libc::c_int) -> io::Result<()> {
        // SAFETY: the set is initialised and the old one is not asked for.
        match unsafe { libc::pthread_sigmask(how, &raw const self.0, ptr::null_mut()) } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// The set as the kernel's calls take it.
    pub(super) fn raw(&self) -> &libc::sigset_t {
        &self.0
    }
}

/// Whether the process ignores this signal, as one that was started by nohup(1) does with HUP.
#[must_use]
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: no new action is given, and the old one is written through a valid pointer.
    unsafe { libc::sigaction(signal.0, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: zeroes are a valid sigaction, and the call can only have overwritten them whole.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Gives a signal its default effect again; async-signal-safe.
///
/// Numbers that have none to set (KILL, STOP, those of the C library) are left alone.
pub fn set_default(signal: Signal) {
    // SAFETY: SIG_DFL is no handler, so there is no code that the kernel could call.
    unsafe { libc::signal(signal.0, libc::SIG_DFL) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_unnamed_signals_show_their_number() {
        for (i, (signal, name)) in NAMES.iter().enumerate() {
            assert_eq!(signal.to_string(), *name);
            assert_eq!(Signal::from_name(name), Some(*signal));
            assert!(NAMES[..i].iter().all(|(s, n)| s != signal && n != name), "{name} twice");
        }
        assert_eq!(Signal::from_number(250).to_string(), "250");
    }
}
