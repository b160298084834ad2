//! Running the application: start it, forward signals, reap, stop it, exit as it did.
//!
//! The main thread does nothing else. It owns every process id that promlet knows of, so no id is
//! used after it was reaped. [`Signals::block`] comes first, before any thread; then main starts
//! what else it has, and hands itself to [`run`]:
//!
//! ```text
//!            ┌────────────── run: the loop ──────────────┐
//!  signals ──┤ wait for one ─> reap ─> policy::step ─────┼─> child: spawn, forward, stop the tree
//!            └──────────────────┬────────────────────────┘
//!                               └─> AppStatus, read at the scrape
//! ```
//!
//! The decisions are a table of states and events (`policy`, pure, with the time as an
//! argument); the effects stand in `child` and `tree`.
//!
//! What the application may rely on:
//!
//! - It starts as from a shell: own process group, default signals, nothing blocked, descriptors 0
//!   to 2 only, and the terminal if promlet had it.
//! - Signals are forwarded to its first process only, as Docker and systemd do it: that one knows
//!   what to tell the others. A TERM starts the time it has to stop; then the whole tree is killed.
//! - When its first process ends, whatever it left behind is told to stop (TERM), and killed soon
//!   after. The exit status is that of the first process, or 128 + n if signal n ended it.
//!
//! Orphans fall to promlet (as PID 1 or as a subreaper) and are reaped at once. What promlet found
//! below it when it was executed (`helper & exec promlet -- app`) counts as part of the tree.
//!
//! What it does not do: job control. Ctrl-Z stops the application, which has the terminal, and not
//! promlet; `kill -CONT` to promlet is passed on and continues it.

#![forbid(unsafe_code)]

mod application;
mod child;
mod policy;
mod run;
mod signals;
mod status;
mod tree;

pub use crate::sys::signal::Signal;
pub use application::{
    Application, Backoff, HealthAction, HealthCheck, Identity, Launch, Limits, Output, Probe,
    Restart, RestartLimit, RestartWhen, Stop, TIME_MAX,
};
pub use child::SpawnError;
pub use run::{Outcome, RunError, run};
pub use signals::Signals;
pub use status::AppStatus;
