//! Which signals promlet takes, and what each is for.

use std::io;

use crate::sys::signal::{self, Signal, SignalSet};
use crate::sys::signalfd::SignalFd;

/// What is passed on to the application. Not here: what cannot be blocked (KILL, STOP), what the
/// kernel raises for a fault of promlet itself (SEGV and the like), PIPE, which Rust ignores, and
/// TTIN and TTOU, by which a terminal speaks to promlet's own group.
const FORWARDED: [Signal; 11] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::ALRM,
    Signal::TERM,
    Signal::CONT,
    Signal::TSTP,
    Signal::WINCH,
    Signal::PWR,
];

/// What ends a promlet that runs no application.
const STOPPING: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];

/// Proof that the signals are blocked, and the way to receive them.
#[derive(Clone, Copy)]
pub struct Signals {
    set: SignalSet,
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signals")
    }
}

impl Signals {
    /// Blocks every signal that promlet takes, for this thread and those it starts later.
    ///
    /// To be called on the main thread before there is another: a signal sent to the process goes
    /// to any thread that does not block it, and would end promlet there.
    ///
    /// CHLD gets its default effect first. Where it was ignored on entry the kernel would reap the
    /// children itself, and their exit would never be seen. A HUP that is ignored, as under
    /// nohup(1), stays so.
    ///
    /// # Errors
    ///
    /// None is known.
    pub fn block() -> io::Result<Self> {
        signal::set_default(Signal::CHLD);
        let taken = FORWARDED
            .into_iter()
            .chain(Signal::real_time())
            .filter(|&signal| signal != Signal::HUP || !signal::is_ignored(Signal::HUP))
            // CHLD wakes the loop. TTOU is not taken: it is blocked so that the child can take
            // the terminal from the background.
            .chain([Signal::CHLD]);
        let set = taken.fold(SignalSet::empty(), SignalSet::with);
        set.with(Signal::TTOU).block()?;
        Ok(Self { set })
    }

    /// Where the signals are read from; only on the thread that [`Signals::block`] was called on.
    pub(super) fn descriptor(&self) -> io::Result<SignalFd> {
        SignalFd::new(&self.set)
    }
}

/// Whether this signal ends a promlet that runs no application.
pub(super) fn is_stopping(signal: Signal) -> bool {
    STOPPING.contains(&signal)
}
