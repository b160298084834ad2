//! What to do next with one application: (life, event, now) -> (life, action). Pure; the clock is
//! an argument.
//!
//! ```text
//!              Start                  Stop, Replace, Unhealthy: the stop signal (Kill: Killing)
//!   Waiting ───────────> Running ───────────────────────> Stopping ──────┐
//!      ^      spawn     ^   │                                 │ grace over│
//!      │ Replace        │   │ its first process ended:        │          v
//!      │       time over│   │ tell the rest to stop           │       Killing ──┐
//!      │              Backoff   v                             │          ^      │ again and again
//!      │                ^   Draining <────────────────────────┘          │<─────┘
//!      │                │       │ └── grace over ─────────────────────────┘
//!      └── Ended <──────┴───────┴── nothing of its tree is left, or what is was given up
//! ```
//!
//! What follows an end (start again, wait, none of both) is decided when nothing of the tree is
//! left, by the goal at that time: a reload may have changed it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::restarts::Restarts;
use super::{Application, RestartWhen, TIME_MAX};
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

/// Where an application is in its life, and what it is meant to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) state: State,
    pub(super) goal: Goal,
    /// When it was started last.
    started: Option<Instant>,
    restarts: Restarts,
}

/// Where an application is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its turn has not come.
    Waiting,
    /// Its first process lives and nobody wants it to stop.
    Running,
    /// It was told to stop.
    Stopping {
        /// When it has had its time.
        kill_at: Instant,
    },
    /// Its first process has ended, others of its tree may live.
    Draining {
        end: End,
        /// When the others have had their time.
        kill_at: Instant,
    },
    /// Everything of the tree is being killed.
    Killing {
        /// How the first process ended, once it has.
        end: Option<End>,
        /// When to kill what is there then.
        again_at: Instant,
        /// When to stop trying.
        give_up_at: Instant,
    },
    /// It is started again at this time.
    Backoff { until: Instant },
    /// It is not started again unless somebody wants it.
    Ended(Ending),
}

/// How the first process ended, and how long it had run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: ExitStatus,
    pub(super) ran_for: Duration,
}

/// Why an application is not started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was to be stopped; how it ended, if it ran.
    Stopped(Option<ExitStatus>),
    /// It ended by itself and its rules say that this is it.
    Finished(ExitStatus),
    /// It ended too often.
    GivenUp(ExitStatus),
    /// What it comes after has failed.
    Blocked,
}

/// What is wanted of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// To run, and to be started again as its rules say.
    Up,
    /// To end.
    Down,
    /// To end and be started anew, whatever its rules say.
    Replace,
    /// To end, which counts as a failure, and be started again as its rules say.
    Recover,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Its turn has come.
    Start,
    /// It could not be started; what a shell would say of that.
    NotStarted(ExitStatus),
    /// A signal for the application came in.
    Signal(Signal),
    /// It is to end.
    Stop,
    /// It is to end at once.
    Kill,
    /// It is to be started anew.
    Replace,
    /// Its health check says that it does not work.
    Unhealthy,
    /// Its first process was reaped.
    Ended(ExitStatus),
    /// Nothing of its tree is left.
    Empty,
    /// What it comes after has failed.
    Blocked,
    /// Time has passed.
    Tick,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    Nothing,
    /// Start it.
    Spawn,
    /// Send the signal to its first process.
    Forward(Signal),
    /// The same, and let it go on if it is suspended: it could not heed the signal.
    Tell(Signal),
    /// Send TERM to everything left of its tree.
    TerminateTree,
    /// Send KILL to everything of its tree.
    KillTree,
}

impl Life {
    /// One that waits to be started.
    pub(super) fn new() -> Life {
        Life { state: State::Waiting, goal: Goal::Up, started: None, restarts: Restarts::default() }
    }

    /// Steps on once `event` has happened at `now`; what is to be done about it.
    pub(super) fn step(&mut self, event: Event, now: Instant, rules: &Application) -> Action {
        match event {
            Event::Start => self.start(now),
            Event::Signal(signal) => match self.state {
                State::Running | State::Stopping { .. } => Action::Forward(signal),
                // Nobody is left to take it.
                _ => Action::Nothing,
            },
            Event::Stop => self.stop(Goal::Down, now, rules),
            Event::Kill => self.kill_now(now),
            Event::Replace => self.stop(Goal::Replace, now, rules),
            Event::Unhealthy if self.goal == Goal::Up => self.stop(Goal::Recover, now, rules),
            Event::Unhealthy => Action::Nothing,
            Event::Ended(status) => self.end(status, now, rules),
            Event::NotStarted(status) => {
                self.settle(End { status, ran_for: Duration::ZERO }, now, rules)
            }
            Event::Empty => match self.state {
                State::Draining { end, .. } => self.settle(end, now, rules),
                State::Killing { end, .. } => self.settle(end.unwrap_or_else(killed), now, rules),
                _ => Action::Nothing,
            },
            Event::Blocked => {
                self.state = State::Ended(Ending::Blocked);
                Action::Nothing
            }
            Event::Tick => self.tick(now, rules),
        }
    }

    /// When [`Event::Tick`] is due, if time alone can change the state.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting | State::Running | State::Ended(_) => None,
            State::Stopping { kill_at, .. } | State::Draining { kill_at, .. } => Some(kill_at),
            State::Killing { again_at, .. } => Some(again_at),
            State::Backoff { until } => Some(until),
        }
    }

    /// Whether its first process has ended and it is waited for the rest of its tree.
    pub(super) fn awaits_empty_tree(&self) -> bool {
        matches!(self.state, State::Draining { .. } | State::Killing { .. })
    }

    fn start(&mut self, now: Instant) -> Action {
        self.state = State::Running;
        self.started = Some(now);
        self.goal = Goal::Up;
        Action::Spawn
    }

    fn stop(&mut self, goal: Goal, now: Instant, rules: &Application) -> Action {
        self.goal = goal;
        match (self.state, goal) {
            (State::Running, _) => {
                let kill_at = now + rules.stop.timeout.min(TIME_MAX);
                self.state = State::Stopping { kill_at };
                Action::Tell(rules.stop.signal)
            }
            (State::Waiting | State::Backoff { .. }, Goal::Down) => {
                self.state = State::Ended(Ending::Stopped(None));
                Action::Nothing
            }
            (State::Waiting | State::Backoff { .. } | State::Ended(_), Goal::Replace) => {
                *self = Life::new();
                Action::Nothing
            }
            // It is on its way there, and the goal decides what follows.
            _ => Action::Nothing,
        }
    }

    fn kill_now(&mut self, now: Instant) -> Action {
        self.goal = Goal::Down;
        match self.state {
            State::Running | State::Stopping { .. } => self.kill(None, now),
            State::Draining { end, .. } => self.kill(Some(end), now),
            State::Waiting | State::Backoff { .. } => {
                self.state = State::Ended(Ending::Stopped(None));
                Action::Nothing
            }
            State::Killing { .. } | State::Ended(_) => Action::Nothing,
        }
    }

    /// Gives one that was told to stop no more than `timeout` from `now` on.
    pub(super) fn shorten_stop(&mut self, timeout: Duration, now: Instant) {
        if let State::Stopping { kill_at } = &mut self.state {
            *kill_at = (*kill_at).min(now + timeout.min(TIME_MAX));
        }
    }

    /// When it was started last.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    fn end(&mut self, status: ExitStatus, now: Instant, rules: &Application) -> Action {
        let ran_for = self.started.map(|started| now.saturating_duration_since(started));
        let end = End { status, ran_for: ran_for.unwrap_or_default() };
        match self.state {
            State::Running | State::Stopping { .. } => {
                let kill_at = now + rules.stop.timeout.min(LEFTOVERS_GRACE);
                // What it leaves behind has no more time than itself.
                let kill_at = self.deadline().map_or(kill_at, |deadline| deadline.min(kill_at));
                self.state = State::Draining { end, kill_at };
                Action::TerminateTree
            }
            State::Killing { again_at, give_up_at, .. } => {
                self.state = State::Killing { end: Some(end), again_at, give_up_at };
                Action::KillTree
            }
            // Cannot be: the first process is a child until it ends, and ends once.
            _ => Action::Nothing,
        }
    }

    fn tick(&mut self, now: Instant, rules: &Application) -> Action {
        match self.state {
            State::Stopping { kill_at, .. } if now >= kill_at => self.kill(None, now),
            State::Draining { end, kill_at } if now >= kill_at => self.kill(Some(end), now),
            State::Killing { end, give_up_at, .. } if now >= give_up_at => {
                // It was sent a KILL and is stuck in the kernel; that is how it will end.
                self.settle(end.unwrap_or_else(killed), now, rules)
            }
            State::Killing { end, again_at, give_up_at } if now >= again_at => {
                let again_at = now + KILL_INTERVAL;
                self.state = State::Killing { end, again_at, give_up_at };
                Action::KillTree
            }
            State::Backoff { until } if now >= until => self.start(now),
            _ => Action::Nothing,
        }
    }

    fn kill(&mut self, end: Option<End>, now: Instant) -> Action {
        let (again_at, give_up_at) = (now + KILL_INTERVAL, now + KILL_GIVEN_UP_AFTER);
        self.state = State::Killing { end, again_at, give_up_at };
        Action::KillTree
    }

    /// What follows an end.
    fn settle(&mut self, end: End, now: Instant, rules: &Application) -> Action {
        let End { status, ran_for } = end;
        let is_failure = self.goal == Goal::Recover || !status.success();
        let is_restarted = match rules.restart.when {
            RestartWhen::Always => true,
            RestartWhen::OnFailure => is_failure,
            RestartWhen::Never => false,
        };
        self.state = match self.goal {
            Goal::Down => State::Ended(Ending::Stopped(Some(status))),
            Goal::Replace => {
                *self = Life::new();
                return Action::Nothing;
            }
            Goal::Up | Goal::Recover if !is_restarted => State::Ended(Ending::Finished(status)),
            Goal::Up | Goal::Recover => match self.restarts.next(&rules.restart, ran_for, now) {
                Some(wait) => State::Backoff { until: now + wait },
                None => State::Ended(Ending::GivenUp(status)),
            },
        };
        Action::Nothing
    }
}

/// What is taken for the end of a process that a KILL was sent to.
fn killed() -> End {
    End { status: ExitStatus::from_raw(Signal::KILL.number()), ran_for: Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{Backoff, RestartLimit};

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    fn rules(when: RestartWhen, stop_timeout_s: u64) -> Application {
        let stop_timeout = Duration::from_secs(stop_timeout_s);
        let mut rules = Application::once("a".into(), "a".into(), vec![], stop_timeout);
        let second = Duration::from_secs(1);
        let backoff = Backoff { initial: second, max: second * 60, factor: 2 };
        let limit = Some(RestartLimit { restarts: 2, window: second * 60 });
        rules.restart = super::super::Restart { when, backoff, limit };
        rules.stop.signal = Signal::QUIT;
        rules
    }

    #[test]
    fn transitions() {
        use RestartWhen::{Always, Never, OnFailure};
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let ran = |status, millis| End { status, ran_for: Duration::from_millis(millis) };
        let running = State::Running;
        let stopping = State::Stopping { kill_at: at(30_000) };
        let draining = |code| State::Draining { end: ran(exited(code), 0), kill_at: at(5_000) };
        let killing =
            |end, again| State::Killing { end, again_at: at(again), give_up_at: at(35_000) };
        let by_wish = |end| State::Killing { end, again_at: at(25_100), give_up_at: at(30_000) };
        let backoff = State::Backoff { until: at(1_000) };
        let ended = State::Ended;
        let finished = |code| ended(Ending::Finished(exited(code)));
        let stopped = |code| ended(Ending::Stopped(Some(exited(code))));
        let by_kill = Some(ran(killed().status, 30_001));
        let (usr1, quit) = (Signal::USR1, Signal::QUIT);
        use {Action::*, Event as E, Goal::*, State::Waiting};

        #[rustfmt::skip]
        let cases = [
            ("its turn has come", Never, Up, Waiting, E::Start, 0, (running, Up), Spawn),
            ("what it comes after has failed", Never, Up, Waiting, E::Blocked, 0, (ended(Ending::Blocked), Up), Nothing),
            ("a start that fails is an end", Always, Up, running, E::NotStarted(exited(127)), 0, (backoff, Up), Nothing),
            ("or the last one", Never, Up, running, E::NotStarted(exited(127)), 0, (finished(127), Up), Nothing),
            ("a signal is forwarded", Never, Up, running, E::Signal(usr1), 0, (running, Up), Forward(usr1)),
            ("also to one that stops", Never, Down, stopping, E::Signal(usr1), 0, (stopping, Down), Forward(usr1)),
            ("but not to nobody", Never, Up, draining(0), E::Signal(usr1), 1, (draining(0), Up), Nothing),
            ("a stop starts the grace", Always, Up, running, E::Stop, 0, (stopping, Down), Tell(quit)),
            ("a second one does not extend it", Always, Down, stopping, E::Stop, 9, (stopping, Down), Nothing),
            ("a stop before the start", Always, Up, Waiting, E::Stop, 0, (ended(Ending::Stopped(None)), Down), Nothing),
            ("a stop between starts", Always, Up, backoff, E::Stop, 0, (ended(Ending::Stopped(None)), Down), Nothing),
            ("a stop while it ends by itself", Always, Up, draining(1), E::Stop, 1, (draining(1), Down), Nothing),
            ("nothing before its time", Never, Down, stopping, E::Tick, 29_999, (stopping, Down), Nothing),
            ("then the tree is killed", Never, Down, stopping, E::Tick, 30_000, (killing(None, 30_100), Down), KillTree),
            ("and killed again", Never, Down, killing(None, 30_100), E::Tick, 30_100, (killing(None, 30_200), Down), KillTree),
            ("but not sooner", Never, Down, killing(None, 30_100), E::Tick, 30_099, (killing(None, 30_100), Down), Nothing),
            ("killed, others may live", Never, Down, killing(None, 30_100), E::Ended(killed().status), 30_001, (killing(by_kill, 30_100), Down), KillTree),
            ("all are dead", Never, Down, killing(by_kill, 30_100), E::Empty, 30_002, (ended(Ending::Stopped(Some(killed().status))), Down), Nothing),
            ("what survives is given up", Never, Down, killing(None, 34_900), E::Tick, 35_000, (ended(Ending::Stopped(Some(killed().status))), Down), Nothing),
            ("an end by itself", Never, Up, running, E::Ended(exited(3)), 0, (draining(3), Up), TerminateTree),
            ("an end that was asked for", Never, Down, stopping, E::Ended(exited(3)), 0, (draining(3), Down), TerminateTree),
            ("what it leaves has no time of its own", Never, Down, stopping, E::Ended(exited(3)), 29_000, (State::Draining { end: ran(exited(3), 29_000), kill_at: at(30_000) }, Down), TerminateTree),
            ("it is to end at once", Always, Up, running, E::Kill, 25_000, (by_wish(None), Down), KillTree),
            ("also one that was told to stop", Always, Down, stopping, E::Kill, 25_000, (by_wish(None), Down), KillTree),
            ("and what one has left behind", Always, Up, draining(3), E::Kill, 25_000, (by_wish(Some(ran(exited(3), 0))), Down), KillTree),
            ("and one between starts", Always, Up, backoff, E::Kill, 0, (ended(Ending::Stopped(None)), Down), Nothing),
            ("but not one that has ended", Never, Up, finished(3), E::Kill, 0, (finished(3), Down), Nothing),
            ("leftovers that stay", Never, Up, draining(3), E::Tick, 5_000, (State::Killing { end: Some(ran(exited(3), 0)), again_at: at(5_100), give_up_at: at(10_000) }, Up), KillTree),
            ("never started again", Never, Up, draining(3), E::Empty, 0, (finished(3), Up), Nothing),
            ("no failure", OnFailure, Up, draining(0), E::Empty, 0, (finished(0), Up), Nothing),
            ("a failure", OnFailure, Up, draining(1), E::Empty, 0, (backoff, Up), Nothing),
            ("always started again", Always, Up, draining(0), E::Empty, 0, (backoff, Up), Nothing),
            ("unless it was stopped", Always, Down, draining(0), E::Empty, 0, (stopped(0), Down), Nothing),
            ("the wait is not over", Always, Up, backoff, E::Tick, 999, (backoff, Up), Nothing),
            ("the wait is over", Always, Up, State::Backoff { until: start }, E::Tick, 0, (running, Up), Spawn),
            ("it does not work", OnFailure, Up, running, E::Unhealthy, 0, (stopping, Recover), Tell(quit)),
            ("it is stopped already", OnFailure, Down, stopping, E::Unhealthy, 0, (stopping, Down), Nothing),
            ("to recover, 0 is a failure", OnFailure, Recover, draining(0), E::Empty, 0, (backoff, Recover), Nothing),
            ("it changes", Never, Up, running, E::Replace, 0, (stopping, Replace), Tell(quit)),
            ("and is started anew", Never, Replace, draining(1), E::Empty, 0, (Waiting, Up), Nothing),
            ("changes before it starts", Never, Up, Waiting, E::Replace, 0, (Waiting, Up), Nothing),
            ("changes between starts", Never, Up, backoff, E::Replace, 0, (Waiting, Up), Nothing),
            ("changes after its end", Never, Up, finished(1), E::Replace, 0, (Waiting, Up), Nothing),
            ("is wanted again while it stops", Never, Down, stopping, E::Replace, 1, (stopping, Replace), Nothing),
        ];
        for (name, when, goal, state, event, millis, next, action) in cases {
            let mut life = Life { state, goal, started: Some(start), ..Life::new() };
            assert_eq!(life.step(event, at(millis), &rules(when, 30)), action, "{name}");
            assert_eq!((life.state, life.goal), next, "{name}");
        }
    }

    /// A crash loop: waits of 1 s and 2 s, then the limit of two restarts in a minute.
    #[test]
    fn a_crash_loop_ends_at_its_limit() {
        let (rules, mut now) = (rules(RestartWhen::Always, 30), Instant::now());
        let mut life = Life::new();
        assert_eq!(life.step(Event::Start, now, &rules), Action::Spawn);
        for wait_s in [1, 2] {
            assert_eq!(life.step(Event::Ended(exited(1)), now, &rules), Action::TerminateTree);
            life.step(Event::Empty, now, &rules);
            assert_eq!(life.deadline(), Some(now + Duration::from_secs(wait_s)));
            now += Duration::from_secs(wait_s);
            assert_eq!(life.step(Event::Tick, now, &rules), Action::Spawn);
        }
        life.step(Event::Ended(exited(1)), now, &rules);
        life.step(Event::Empty, now, &rules);
        assert_eq!(life.state, State::Ended(Ending::GivenUp(exited(1))));
        assert_eq!(life.deadline(), None);
        life.step(Event::Replace, now, &rules);
        assert_eq!(life, Life::new(), "a reload forgets what was");
    }

    #[test]
    fn leftovers_never_get_more_time_than_the_application() {
        let (now, mut life) = (Instant::now(), Life::new());
        let rules = rules(RestartWhen::Never, 1);
        life.step(Event::Start, now, &rules);
        life.step(Event::Ended(exited(0)), now, &rules);
        assert_eq!(life.deadline(), Some(now + Duration::from_secs(1)));
    }

    /// From any state that time can change, ticks alone lead to an end, and in bounded time.
    #[test]
    fn time_alone_ends_every_stop() {
        let (start, mut life) = (Instant::now(), Life::new());
        let rules = rules(RestartWhen::Never, 30);
        life.step(Event::Start, start, &rules);
        life.step(Event::Stop, start, &rules);
        for _ in 0..100 {
            let Some(now) = life.deadline() else {
                assert!(matches!(life.state, State::Ended(_)));
                return;
            };
            let longest = rules.stop.timeout + KILL_GIVEN_UP_AFTER + KILL_INTERVAL;
            assert!(now <= start + longest);
            life.step(Event::Tick, now, &rules);
        }
        panic!("still killing: {life:?}");
    }
}
