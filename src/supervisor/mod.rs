//! Running applications: start them, forward signals, reap, restart, stop them, exit as they did.
//!
//! The main thread does nothing else. It owns every process id that promlet knows of, so no id is
//! used after it was reaped. [`Signals::block`] comes first, before any thread; then main makes a
//! [`Supervisor`], starts what else it has, and hands itself to [`Supervisor::run`]:
//!
//! ```text
//!            ┌──────────── run: the loop of all ────────────┐
//!  signals ──┤ reap ─> a slot each: policy::Life::step ─────┼─> act, child: spawn, signal, kill
//!  time ─────┤         order: whose turn it is              │
//!  SIGHUP ───┤         reload: what a new file changes      │
//!            └──────────────────┬───────────────────────────┘
//!                               └─> Roster: an AppStatus each, read at the scrape
//! ```
//!
//! The decisions are tables of states and events (`policy`, `restarts`, `order`, `reload`: pure,
//! with the time as an argument); the effects stand in `act`, `child` and `tree`.
//!
//! What an application may rely on:
//!
//! - It starts with default signals, nothing blocked, and descriptors 0 to 2 only. One of the
//!   command line starts as from a shell: own process group, and the terminal if promlet had it.
//!   One of a file has a session of its own, and nothing on its standard input.
//! - It is told to stop by a signal to its first process only, as Docker and systemd do it: that
//!   one knows what to tell the others. From then on it has its time; then its whole tree is
//!   killed.
//! - When its first process ends, whatever it left behind is told to stop (TERM), and killed soon
//!   after, before it is started again.
//! - When promlet itself is killed (KILL), its first process is sent its stop signal by the kernel
//!   (PR_SET_PDEATHSIG), since nobody would look after it any more; what it has started is its to
//!   stop. Where promlet is PID 1 the kernel kills all of them.
//!
//! Orphans fall to promlet (as PID 1 or as a subreaper) and are reaped at once. [`Roster`] says how
//! it is found out whose they are. What nobody's they are (what promlet found below it when it was
//! executed, as in `helper & exec promlet -- app`; who has shed group, session and environment)
//! goes when the last application does.
//!
//! What it does not do: job control. Ctrl-Z stops the application, which has the terminal, and not
//! promlet; `kill -CONT` to promlet is passed on and continues it.

#![forbid(unsafe_code)]

mod act;
mod application;
mod child;
mod health;
mod order;
mod outcome;
mod output;
mod policy;
mod probe;
mod reload;
mod restarts;
mod roster;
mod run;
mod signals;
mod slot;
mod status;
mod tree;

pub use crate::sys::isolation::{Identity, Limits};
pub use crate::sys::process::Usage;
pub use crate::sys::signal::Signal;
pub use application::{
    Application, Backoff, HealthAction, HealthCheck, Launch, Output, Probe, Restart, RestartLimit,
    RestartWhen, Stop, TIME_MAX,
};
pub use child::SpawnError;
pub use outcome::{Outcome, RunError};
pub use roster::{COOKIE, Orphan, Roster};
pub use run::{Plan, Supervisor, Work};
pub use signals::Signals;
pub use status::{AppStatus, ExitReason, Reaped};
