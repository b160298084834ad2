//! The loop of the main thread: reap, step, act, wait for a signal or for time to pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::order::{self, Turn, View};
use super::outcome::{Outcome, RunError, system};
use super::output::Outputs;
use super::policy::{Event, Goal, State};
use super::roster::Orphan;
use super::signals::{self, Signals};
use super::slot::Slot;
use super::{Application, Roster, probe};
use crate::log;
use crate::sys::epoll::{Epoll, Events, Interest};
use crate::sys::process::{self, Children};
use crate::sys::signal::Signal;
use crate::sys::signalfd::SignalFd;

/// How many children are reaped before signals are looked at again. A fork bomb below must not
/// keep a TERM waiting; the number only has to be large beside the cost of one wait.
const REAP_BATCH_MAX: usize = 256;

/// How many signals are taken before what is due is looked at again: a stream of them must not
/// keep it off.
const SIGNAL_BATCH_MAX: usize = 32;

/// How many descriptors may be ready in one go; more come with the next.
const EVENTS_MAX: usize = 64;

/// How long the last lines of the applications may take to be written once all have ended.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(1);

/// The token of the signals; others are those of the outputs and of the health checks.
const SIGNALS_TOKEN: u64 = 0;

/// What there is to run.
pub enum Work<'a> {
    /// Nothing: promlet waits to be told to stop.
    Nothing,
    /// One command, whose stand-in promlet is: it hears every signal, and promlet ends as it does.
    Command(Box<Application>),
    /// The applications of a configuration file, which is read again on HUP.
    File {
        /// What the file says.
        plan: Plan,
        /// Reads the file again: what it says, or `None` if it cannot be used, which has been said.
        reload: &'a mut dyn FnMut() -> Option<Plan>,
    },
}

/// What a configuration file asks of a supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is to run; no two have the same name.
    pub applications: Vec<Application>,
    /// Whether to go on when all of them have ended.
    pub stays: bool,
}

/// Who promlet is for what it runs: how it treats signals and ends.
pub(super) enum Role<'a> {
    Idle,
    StandIn,
    Manager { reload: &'a mut dyn FnMut() -> Option<Plan>, stays: bool },
}

/// Everything that the loop has in its hands: what is to run, and how far it has come.
pub struct Supervisor<'a> {
    pub(super) role: Role<'a>,
    pub(super) roster: Roster,
    pub(super) slots: Vec<Slot>,
    pub(super) outputs: Outputs,
    /// The token of the last health check.
    pub(super) next_probe: u64,
    signals: SignalFd,
    pub(super) epoll: Epoll,
    events: Events,
    /// The signal that asked promlet to stop.
    pub(super) stopping: Option<Signal>,
    /// Whether children were reaped that were not to be reaped any more: more may be waiting.
    is_behind: bool,
}

impl<'a> Supervisor<'a> {
    /// Takes on what there is to run, and starts nothing yet; `roster` shows it from here on.
    ///
    /// To be called on the thread that [`Signals::block`] was called on, the main thread.
    ///
    /// # Errors
    ///
    /// The kernel refuses what supervising needs.
    pub fn new(signals: &Signals, work: Work<'a>, roster: &Roster) -> Result<Self, RunError> {
        if !process::is_init() {
            process::become_subreaper().map_err(system("cannot become a subreaper"))?;
        }
        let (role, applications) = match work {
            Work::Nothing => (Role::Idle, Vec::new()),
            Work::Command(application) => (Role::StandIn, vec![*application]),
            Work::File { plan: Plan { applications, stays }, reload } => {
                (Role::Manager { reload, stays }, applications)
            }
        };
        let cannot_wait = || system("cannot wait for signals");
        let signals = signals.descriptor().map_err(cannot_wait())?;
        let epoll = Epoll::new().map_err(cannot_wait())?;
        epoll.add(&signals, SIGNALS_TOKEN, Interest::Read).map_err(cannot_wait())?;
        let slots = applications.into_iter().map(Slot::new).collect();
        let events = Events::with_capacity(EVENTS_MAX);
        let supervisor = Self {
            role,
            roster: roster.clone(),
            slots,
            outputs: Outputs::new(),
            next_probe: probe::FIRST_TOKEN,
            signals,
            epoll,
            events,
            stopping: None,
            is_behind: false,
        };
        supervisor.publish();
        Ok(supervisor)
    }

    /// Runs what there is to run to its end or, without anything, waits to be told to stop.
    ///
    /// When it returns it is time to stop the rest: the exporter serves until then, so that the
    /// last scrapes see the applications stop. Signals stay blocked, so a second TERM does not cut
    /// the answers short; the caller owes an end in bounded time.
    ///
    /// # Errors
    ///
    /// The command cannot be started, or the kernel refuses what supervising needs. An application
    /// of a file that cannot be started is one that has failed, and no error.
    pub fn run(mut self) -> Result<Outcome, RunError> {
        loop {
            self.reap()?;
            self.advance()?;
            if let Some(outcome) = self.outcome() {
                self.outputs.finish(Instant::now() + FLUSH_TIME_MAX);
                return Ok(outcome);
            }
            self.wait()?;
        }
    }

    fn publish(&self) {
        self.roster.set(self.slots.iter().map(|slot| Arc::clone(&slot.status)).collect());
    }

    /// Reaps what has ended, and finds out whose trees have become empty by that.
    fn reap(&mut self) -> Result<(), RunError> {
        let cannot_reap = || system("cannot wait for children");
        let mut reaped = 0;
        self.is_behind = false;
        loop {
            match process::ended_child().map_err(cannot_reap())? {
                Children::Ended(_) if reaped == REAP_BATCH_MAX => {
                    self.is_behind = true;
                    break;
                }
                Children::Ended(pid) => {
                    self.reap_one(pid)?;
                    reaped += 1;
                }
                Children::AllAlive => break,
                Children::None => {
                    return self.step_all(|slot| slot.life.awaits_empty_tree(), Event::Empty);
                }
            }
        }
        // A tree becomes empty with the last process in it that is a child of promlet.
        if reaped > 0 && self.slots.iter().any(|slot| slot.life.awaits_empty_tree()) {
            self.settle_trees()?;
        }
        Ok(())
    }

    fn reap_one(&mut self, pid: i32) -> Result<(), RunError> {
        let first_of = self.slots.iter().position(|slot| slot.pid == Some(pid));
        let owner = match first_of {
            Some(index) => Some(Arc::clone(&self.slots[index].status)),
            // Before it is reaped: afterwards nobody knows its group.
            None => process::group_and_session(pid).and_then(|(group, session)| {
                let owner = self.roster.owner(Orphan { pid, group, session });
                owner.or_else(|| self.only_tree().map(|slot| Arc::clone(&slot.status)))
            }),
        };
        let is_check = |slot: &Slot| {
            let ongoing = slot.check.as_ref().and_then(|check| check.ongoing.as_ref());
            ongoing.is_some_and(|ongoing| ongoing.is_command(pid))
        };
        let check_of = self.slots.iter().position(is_check);
        let (status, usage) = process::reap(pid).map_err(system("cannot wait for a child"))?;
        if let Some(index) = check_of {
            return self.record_check(index, probe::verdict(status));
        }
        if let Some(owner) = owner {
            owner.record_reaped(usage);
        }
        let Some(index) = first_of else { return Ok(()) };
        let slot = &mut self.slots[index];
        slot.pid = None;
        slot.status.record_end(status, slot.exit_reason(status));
        self.step(index, Event::Ended(status))
    }

    /// Does what is due: by time, by order, by what has ended.
    fn advance(&mut self) -> Result<(), RunError> {
        let now = Instant::now();
        if self.stopping.is_some() {
            let never_started =
                |slot: &Slot| matches!(slot.life.state, State::Waiting | State::Backoff { .. });
            self.step_all(never_started, Event::Stop)?;
        }
        self.step_all(|slot| slot.life.deadline().is_some_and(|at| at <= now), Event::Tick)?;
        self.check_health(now)?;
        self.forget_removed();
        if self.stopping.is_some() {
            for index in order::stoppable(&self.views()) {
                if self.slots[index].life.goal != Goal::Down {
                    self.step(index, Event::Stop)?;
                }
            }
            return Ok(());
        }
        loop {
            let turns = order::turns(&self.views());
            if turns.is_empty() {
                return Ok(());
            }
            for (index, turn) in turns {
                let event = if turn == Turn::Start { Event::Start } else { Event::Blocked };
                self.step(index, event)?;
            }
        }
    }

    fn views(&self) -> Vec<View<'_>> {
        self.slots.iter().map(Slot::view).collect()
    }

    fn forget_removed(&mut self) {
        let before = self.slots.len();
        self.slots.retain(|slot| !(slot.is_removed && slot.is_ended()));
        if self.slots.len() != before {
            self.publish();
        }
    }

    /// Whether all is over, and how.
    fn outcome(&self) -> Option<Outcome> {
        if !self.slots.iter().all(Slot::is_ended) {
            return None;
        }
        if let Some(signal) = self.stopping {
            return Some(Outcome::Stopped(signal));
        }
        if let Role::Manager { stays: true, .. } = self.role {
            return None;
        }
        let is_stand_in = matches!(self.role, Role::StandIn);
        let ended = |slot: &Slot| slot.final_status(is_stand_in);
        let mut ended = self.slots.iter().filter_map(ended).peekable();
        let first = *ended.peek()?;
        Some(Outcome::Ended(ended.find(|status| !status.success()).unwrap_or(first)))
    }

    /// Waits for a signal or for time to pass, and heeds the signals that came.
    fn wait(&mut self) -> Result<(), RunError> {
        let deadlines = self.slots.iter().flat_map(|s| [s.life.deadline(), s.check_due_at()]);
        let deadlines = deadlines.flatten();
        let deadline = if self.is_behind { Some(Instant::now()) } else { deadlines.min() };
        let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let cannot_wait = || system("cannot wait for signals");
        self.epoll.wait(&mut self.events, timeout).map_err(cannot_wait())?;
        for event in 0..self.events.len() {
            match self.events.token(event) {
                SIGNALS_TOKEN => {}
                token if token >= probe::FIRST_TOKEN => self.advance_check(token)?,
                token => self.outputs.handle(token, &self.epoll),
            }
        }
        for _ in 0..SIGNAL_BATCH_MAX {
            match self.signals.take().map_err(cannot_wait())? {
                // It has done its work by waking the loop.
                Some(Signal::CHLD) => {}
                Some(signal) => self.heed(signal)?,
                None => break,
            }
        }
        Ok(())
    }

    fn heed(&mut self, signal: Signal) -> Result<(), RunError> {
        match (&mut self.role, signal) {
            (Role::Idle, signal) if signals::is_stopping(signal) => self.stopping = Some(signal),
            (Role::Idle, _) => {}
            (Role::Manager { .. }, Signal::INT) if self.stopping.is_some() => {
                log::warn("killing the applications", &[("signal", &signal)]);
                self.step_all(|_| true, Event::Kill)?;
            }
            (Role::Manager { .. }, Signal::TERM | Signal::INT) => {
                log::info("stopping the applications", &[("signal", &signal)]);
                self.stopping = Some(signal);
            }
            (Role::Manager { reload, stays }, Signal::HUP) => {
                if self.stopping.is_none()
                    && let Some(plan) = reload()
                {
                    *stays = plan.stays;
                    self.reload(plan.applications)?;
                }
            }
            (Role::StandIn, Signal::TERM) => {
                let is_running = |slot: &Slot| matches!(slot.life.state, State::Running);
                let is_first = self.slots.iter().any(is_running);
                let event = if is_first { Event::Stop } else { Event::Signal(signal) };
                self.step_all(|_| true, event)?;
            }
            (Role::StandIn | Role::Manager { .. }, _) => {
                self.step_all(|_| true, Event::Signal(signal))?;
            }
        }
        Ok(())
    }

    /// Makes the applications those of a configuration that has changed.
    fn reload(&mut self, applications: Vec<Application>) -> Result<(), RunError> {
        let mut old: Vec<Slot> = std::mem::take(&mut self.slots);
        let (mut actions, now) = (Vec::new(), Instant::now());
        for application in applications {
            let same = old.iter().position(|slot| slot.application.name == application.name);
            let Some(same) = same else {
                self.slots.push(Slot::new(application));
                continue;
            };
            let mut slot = old.remove(same);
            actions.push((self.slots.len(), slot.step_to(&application, now)));
            slot.set_application(application);
            self.slots.push(slot);
        }
        for mut slot in old {
            slot.is_removed = true;
            actions.push((self.slots.len(), slot.step(Event::Stop, now)));
            self.slots.push(slot);
        }
        self.publish();
        for (index, action) in actions {
            self.act(index, action)?;
        }
        Ok(())
    }
}
