//! One application in the loop's hands.

use std::fmt::{self, Display};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::health::Checkup;
use super::order::{Phase, View};
use super::outcome::shell_code;
use super::policy::{Action, Ending, Event, Goal, Life, State};
use super::probe::Ongoing;
use super::status::{ExitReason, Health};
use super::{AppStatus, Application, HealthAction, RestartWhen, reload};
use crate::log;

/// An application, its life, and its first process.
pub(super) struct Slot {
    pub(super) application: Application,
    pub(super) status: Arc<AppStatus>,
    pub(super) life: Life,
    /// The application's first process, until it is reaped: from then on the id may be another's.
    pub(super) pid: Option<i32>,
    /// Whether what its first process has left behind is still to be told to stop.
    pub(super) is_to_terminate: bool,
    /// Whether the configuration does not have it any more.
    pub(super) is_removed: bool,
    /// Its health check, while it runs and has one.
    pub(super) check: Option<Check>,
    /// Whether the start under way, or the last one, follows an end by itself.
    is_restart: bool,
}

/// A health check: what has come of it so far, and the one under way.
pub(super) struct Check {
    checkup: Checkup,
    pub(super) ongoing: Option<Ongoing>,
}

impl Slot {
    /// One that waits for its turn, unless it is not to run.
    pub(super) fn new(application: Application) -> Slot {
        let mut life = Life::new();
        if !application.enabled {
            life.state = State::Ended(Ending::Stopped(None));
            life.goal = Goal::Down;
        }
        let status = Arc::new(AppStatus::new(&application.name));
        status.set_rules(application.enabled, application.health.is_some());
        Slot {
            application,
            status,
            life,
            pid: None,
            is_to_terminate: false,
            is_removed: false,
            check: None,
            is_restart: false,
        }
    }

    /// What a new configuration means for it, which has `new` in place of it.
    ///
    /// A stop that begins here goes by the old rules, which are for what runs; one under way has no
    /// more time than the new ones give.
    pub(super) fn step_to(&mut self, new: &Application, now: Instant) -> Action {
        if new.stop.timeout < self.application.stop.timeout {
            self.life.shorten_stop(new.stop.timeout, now);
        }
        let event = reload::event(&self.application, new, &self.life);
        event.map_or(Action::Nothing, |event| self.step(event, now))
    }

    /// Takes on rules that have changed.
    pub(super) fn set_application(&mut self, application: Application) {
        let now = Instant::now();
        let has_other_check = self.application.health != application.health;
        self.status.set_rules(application.enabled, application.health.is_some());
        self.application = application;
        self.is_removed = false;
        if has_other_check {
            self.end_check();
            self.begin_check(now);
        }
    }

    /// Steps on, and says in the log what that means.
    pub(super) fn step(&mut self, event: Event, now: Instant) -> Action {
        let before = self.life.state;
        let action = self.life.step(event, now, &self.application);
        self.is_restart = event == Event::Tick && action == Action::Spawn;
        if !self.has_tree() {
            self.status.record_empty();
            self.is_to_terminate = false;
        }
        if !matches!(self.life.state, State::Running) {
            self.end_check();
        }
        self.log_change(before, now);
        action
    }

    /// Takes over a process that was started for it.
    pub(super) fn begin(&mut self, child: &Child) {
        let pid = child.id() as i32;
        self.pid = Some(pid);
        self.status.record_start(pid, self.is_restart);
        self.begin_check(Instant::now());
        let fields: log::Fields<'_> = &[("application", &self.application.name), ("pid", &pid)];
        log::info("application started", fields);
    }

    fn begin_check(&mut self, now: Instant) {
        if let (Some(rules), State::Running) = (&self.application.health, self.life.state) {
            let started = self.life.started().unwrap_or(now);
            self.check = Some(Check { checkup: Checkup::new(started, now, rules), ongoing: None });
        }
    }

    fn end_check(&mut self) {
        if let Some(ongoing) = self.check.take().and_then(|check| check.ongoing) {
            ongoing.abandon();
        }
    }

    /// When its health check wants attention.
    pub(super) fn check_due_at(&self) -> Option<Instant> {
        let check = self.check.as_ref()?;
        Some(check.ongoing.as_ref().map_or(check.checkup.next_at, |ongoing| ongoing.deadline))
    }

    /// The end of the check under way, or of one that could not begin; whether it is to be
    /// restarted for that.
    pub(super) fn record_check(&mut self, result: &Result<(), String>) -> bool {
        let (Some(check), Some(rules)) = (&mut self.check, &self.application.health) else {
            return false;
        };
        check.ongoing = None;
        let health = check.checkup.record(result.is_ok(), Instant::now(), rules);
        let name = &self.application.name;
        if let Err(reason) = result {
            log::debug("health check failed", &[("application", name), ("error", reason)]);
        }
        match health {
            Some(health) if self.status.record_health(health) => match result {
                Ok(()) => log::info("application is healthy", &[("application", name)]),
                Err(reason) => {
                    let fields: log::Fields<'_> = &[("application", name), ("error", reason)];
                    log::warn("application is unhealthy", fields);
                }
            },
            _ => {}
        }
        health == Some(Health::Unhealthy) && rules.action == HealthAction::Restart
    }

    fn log_change(&self, before: State, now: Instant) {
        let name: (&str, &dyn Display) = ("application", &self.application.name);
        match (before, self.life.state) {
            (State::Killing { .. }, State::Killing { .. })
            | (State::Backoff { .. }, State::Backoff { .. })
            | (State::Ended(_), State::Ended(_)) => {}
            (_, State::Killing { .. }) => log::warn("killing what did not stop in time", &[name]),
            (_, State::Backoff { until }) => {
                let wait = until.saturating_duration_since(now);
                let status = self.status.last_exit().unwrap_or_default();
                let fields: log::Fields<'_> = &[name, ("status", &status), ("wait", &Wait(wait))];
                log::warn("application will be started again", fields);
            }
            (_, State::Ended(ending)) => self.log_ending(ending, name),
            _ => {}
        }
    }

    fn log_ending(&self, ending: Ending, name: (&'static str, &dyn Display)) {
        match ending {
            Ending::Stopped(None) => log::info("application stopped", &[name]),
            Ending::Stopped(Some(status)) | Ending::Finished(status) => {
                log::info("application ended", &[name, ("status", &shell_code(status))]);
            }
            Ending::GivenUp(status) => {
                let fields: log::Fields<'_> = &[name, ("status", &shell_code(status))];
                log::error("application has ended too often and is given up", fields);
            }
            Ending::Blocked => {
                log::error("application not started: what it comes after has failed", &[name]);
            }
        }
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self.life.state, State::Ended(_))
    }

    /// Whether it has processes, or may have some.
    pub(super) fn has_tree(&self) -> bool {
        self.pid.is_some() || self.life.awaits_empty_tree()
    }

    /// As the others see it.
    pub(super) fn view(&self) -> View<'_> {
        let Application { name, after, .. } = &self.application;
        View { name, after, phase: self.phase() }
    }

    /// Whether those that come after it need not wait any more while it runs. Who is never started
    /// again has a job to do, which is done when it has ended.
    fn is_up(&self) -> bool {
        let is_job = self.application.restart.when == RestartWhen::Never;
        let is_checked = self.application.health.is_some();
        self.status.is_healthy() == Some(true) && (is_checked || !is_job)
    }

    fn phase(&self) -> Phase {
        match self.life.state {
            State::Waiting => Phase::Waiting,
            State::Running if self.is_up() => Phase::Up,
            State::Running
            | State::Stopping { .. }
            | State::Draining { .. }
            | State::Killing { .. }
            | State::Backoff { .. } => Phase::Busy,
            State::Ended(Ending::Finished(status)) if status.success() => Phase::Done,
            State::Ended(Ending::Stopped(_)) => Phase::Off,
            State::Ended(Ending::Finished(_) | Ending::GivenUp(_) | Ending::Blocked) => {
                Phase::Failed
            }
        }
    }

    /// Why its first process has ended, which it has with `status`.
    pub(super) fn exit_reason(&self, status: ExitStatus) -> ExitReason {
        match self.life.goal {
            Goal::Up => ExitReason::by_itself(status),
            Goal::Down | Goal::Replace => ExitReason::Stopped,
            Goal::Recover => ExitReason::Unhealthy,
        }
    }

    /// How it has ended for good, if it has; if it was stopped, only if that counts.
    pub(super) fn final_status(&self, stop_counts: bool) -> Option<ExitStatus> {
        match self.life.state {
            State::Ended(Ending::Stopped(status)) if stop_counts => status,
            State::Ended(Ending::Finished(status) | Ending::GivenUp(status)) => Some(status),
            _ => None,
        }
    }
}

/// A time in the log, in seconds: `0.25s`.
struct Wait(Duration);

impl Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0.as_secs_f64())
    }
}
