//! What to do next: (state, event, now) -> (state, action). Pure; the clock is an argument.
//!
//! ```text
//!                      TERM: forward              main process ended: tell the rest to stop
//!            Running ────────────────> Stopping ─────────────────┐
//!               │                         │ grace over           v
//!               │   main process ended    │                  Draining ───> no child: finish
//!               └─────────────────────────┼─────────────────────>│
//!                                         v                      │ grace over
//!                                      Killing <─────────────────┘
//!                       again and again until no child is left, or it is given up: finish
//! ```
//!
//! One application, run once. Restarting adds a state that waits for its back-off, and an arm
//! where `Draining` finishes; several applications are several states, stepped one by one.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::TIME_MAX;
use crate::sys::signal::Signal;

/// How long what the application left behind may take to stop by itself once its first process has
/// ended. Longer would hold up a restart or a container's exit for a process that may never stop;
/// none at all would tear a worker from its last write.
const LEFTOVERS_GRACE: Duration = Duration::from_secs(5);

/// How often a kill is repeated: a process may have forked while the tree was being listed.
const KILL_INTERVAL: Duration = Duration::from_millis(100);

/// After how long processes that survive KILL are left alone. Only what hangs in the kernel (on
/// a dead network mount, say) does, and waiting longer does not help it.
const KILL_GIVEN_UP_AFTER: Duration = Duration::from_secs(5);

/// Where the application is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its first process lives and nobody wants it to stop.
    Running,
    /// It was told to stop.
    Stopping {
        /// When it has had its time.
        kill_at: Instant,
    },
    /// Its first process has ended, others of its tree may live.
    Draining {
        /// How the first process ended.
        status: ExitStatus,
        /// When the others have had their time.
        kill_at: Instant,
    },
    /// Everything of the tree is being killed.
    Killing {
        /// How the first process ended, once it has.
        status: Option<ExitStatus>,
        /// When to kill what is there then.
        again_at: Instant,
        /// When to stop trying.
        give_up_at: Instant,
    },
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A signal for the application came in.
    Signal(Signal),
    /// The application's first process was reaped.
    Ended(ExitStatus),
    /// Nothing of the tree is left.
    NoChild,
    /// Time has passed.
    Tick,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    Nothing,
    /// Send the signal to the application's first process.
    Forward(Signal),
    /// Send TERM to everything left of the tree.
    TerminateTree,
    /// Send KILL to everything of the tree.
    KillTree,
    /// Leave the loop; the first process ended so, or was killed and never seen to end.
    Finish(Option<ExitStatus>),
}

/// The next state and what to do, once `event` has happened at `now`.
pub(super) fn step(
    state: State,
    event: Event,
    now: Instant,
    stop_timeout: Duration,
) -> (State, Action) {
    match (state, event) {
        (State::Running, Event::Signal(Signal::TERM)) => (
            State::Stopping { kill_at: now + stop_timeout.min(TIME_MAX) },
            Action::Forward(Signal::TERM),
        ),
        (State::Running | State::Stopping { .. }, Event::Signal(signal)) => {
            (state, Action::Forward(signal))
        }
        (State::Running | State::Stopping { .. }, Event::Ended(status)) => {
            let kill_at = now + stop_timeout.min(LEFTOVERS_GRACE);
            (State::Draining { status, kill_at }, Action::TerminateTree)
        }
        (State::Stopping { kill_at }, Event::Tick) if now >= kill_at => kill(None, now),
        (State::Draining { status, kill_at }, Event::Tick) if now >= kill_at => {
            kill(Some(status), now)
        }
        (State::Draining { status, .. }, Event::NoChild) => (state, Action::Finish(Some(status))),
        (State::Killing { again_at, give_up_at, .. }, Event::Ended(status)) => {
            (State::Killing { status: Some(status), again_at, give_up_at }, Action::KillTree)
        }
        (State::Killing { status, .. }, Event::NoChild) => (state, Action::Finish(status)),
        (State::Killing { status, again_at, give_up_at }, Event::Tick) if now >= again_at => {
            if now >= give_up_at {
                return (state, Action::Finish(status));
            }
            let again_at = now + KILL_INTERVAL;
            (State::Killing { status, again_at, give_up_at }, Action::KillTree)
        }
        // A signal that nobody is left to take, or a tick before its time. What else would come
        // here cannot be: the first process is a child until it ends, and ends once.
        (_, Event::Signal(_) | Event::Tick | Event::NoChild | Event::Ended(_)) => {
            (state, Action::Nothing)
        }
    }
}

fn kill(status: Option<ExitStatus>, now: Instant) -> (State, Action) {
    let (again_at, give_up_at) = (now + KILL_INTERVAL, now + KILL_GIVEN_UP_AFTER);
    (State::Killing { status, again_at, give_up_at }, Action::KillTree)
}

/// When [`Event::Tick`] is due, if time alone can change the state.
pub(super) fn deadline(state: State) -> Option<Instant> {
    match state {
        State::Running => None,
        State::Stopping { kill_at } | State::Draining { kill_at, .. } => Some(kill_at),
        State::Killing { again_at, .. } => Some(again_at),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const STOP_TIMEOUT: Duration = Duration::from_secs(30);

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn transitions() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let (term, usr1) = (Signal::TERM, Signal::USR1);
        let stopping = State::Stopping { kill_at: at(30_000) };
        let draining = State::Draining { status: exited(3), kill_at: at(5_000) };
        let killing =
            |status, again| State::Killing { status, again_at: at(again), give_up_at: at(35_000) };
        let by_kill = ExitStatus::from_raw(9);
        let killed = Some(by_kill);

        #[rustfmt::skip]
        let cases = [
            ("a signal is forwarded", State::Running, Event::Signal(usr1), 0, State::Running, Action::Forward(usr1)),
            ("INT alone sets no limit", State::Running, Event::Signal(Signal::INT), 0, State::Running, Action::Forward(Signal::INT)),
            ("TERM starts the grace", State::Running, Event::Signal(term), 0, stopping, Action::Forward(term)),
            ("a second TERM does not extend it", stopping, Event::Signal(term), 29_000, stopping, Action::Forward(term)),
            ("nothing before its time", stopping, Event::Tick, 29_999, stopping, Action::Nothing),
            ("then the tree is killed", stopping, Event::Tick, 30_000, killing(None, 30_100), Action::KillTree),
            ("and killed again", killing(None, 30_100), Event::Tick, 30_100, killing(None, 30_200), Action::KillTree),
            ("but not sooner", killing(None, 30_100), Event::Tick, 30_099, killing(None, 30_100), Action::Nothing),
            ("killed, others may live", killing(None, 30_100), Event::Ended(by_kill), 30_001, killing(killed, 30_100), Action::KillTree),
            ("all are dead", killing(killed, 30_100), Event::NoChild, 30_002, killing(killed, 30_100), Action::Finish(killed)),
            ("what survives is given up", killing(None, 34_900), Event::Tick, 35_000, killing(None, 34_900), Action::Finish(None)),
            ("an end by itself", State::Running, Event::Ended(exited(3)), 0, draining, Action::TerminateTree),
            ("an end that was asked for", stopping, Event::Ended(exited(3)), 0, draining, Action::TerminateTree),
            ("no one to forward to", draining, Event::Signal(term), 1, draining, Action::Nothing),
            ("nobody left", draining, Event::NoChild, 1, draining, Action::Finish(Some(exited(3)))),
            ("leftovers that stay", draining, Event::Tick, 5_000, State::Killing { status: Some(exited(3)), again_at: at(5_100), give_up_at: at(10_000) }, Action::KillTree),
        ];
        for (name, state, event, millis, next, action) in cases {
            assert_eq!(step(state, event, at(millis), STOP_TIMEOUT), (next, action), "{name}");
        }
    }

    #[test]
    fn leftovers_never_get_more_time_than_the_application() {
        let now = Instant::now();
        let short = Duration::from_secs(1);
        let (state, _) = step(State::Running, Event::Ended(exited(0)), now, short);
        assert_eq!(deadline(state), Some(now + short));
    }

    /// From any state that time can change, ticks alone lead to an end, and in bounded time.
    #[test]
    fn time_alone_ends_every_stop() {
        let start = Instant::now();
        let mut state = State::Stopping { kill_at: start + STOP_TIMEOUT };
        for _ in 0..100 {
            let now = deadline(state).unwrap();
            assert!(now <= start + STOP_TIMEOUT + KILL_GIVEN_UP_AFTER + KILL_INTERVAL);
            let (next, action) = step(state, Event::Tick, now, STOP_TIMEOUT);
            if action == Action::Finish(None) {
                return;
            }
            assert_eq!(action, Action::KillTree);
            state = next;
        }
        panic!("still killing: {state:?}");
    }
}
