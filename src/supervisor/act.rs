//! The effects of the loop on processes: starting them, signalling them, and whose they are.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::child::{self, Stead};
use super::outcome::RunError;
use super::policy::{Action, Event};
use super::probe::Ongoing;
use super::run::{Role, Supervisor};
use super::slot::Slot;
use super::status::ExitReason;
use super::tree::{self, Process};
use crate::log;
use crate::sys::error::plain;
use crate::sys::process::{self, Target};
use crate::sys::signal::Signal;

impl Supervisor<'_> {
    /// Steps those that are meant.
    pub(super) fn step_all(
        &mut self,
        is_meant: impl Fn(&Slot) -> bool,
        event: Event,
    ) -> Result<(), RunError> {
        for index in 0..self.slots.len() {
            if is_meant(&self.slots[index]) {
                self.step(index, event)?;
            }
        }
        Ok(())
    }

    /// Tells an application what has happened, and does what it makes of that.
    pub(super) fn step(&mut self, index: usize, event: Event) -> Result<(), RunError> {
        let slot = &mut self.slots[index];
        let action = slot.step(event, Instant::now());
        if !slot.has_tree() {
            self.outputs.close(&slot.status, &self.epoll);
        }
        self.act(index, action)
    }

    /// Begins the health checks that are due, and ends those that take too long.
    pub(super) fn check_health(&mut self, now: Instant) -> Result<(), RunError> {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.check_due_at().is_none_or(|at| at > now) {
                continue;
            }
            let (Some(check), Some(rules)) = (&mut slot.check, &slot.application.health) else {
                continue;
            };
            if let Some(late) = check.ongoing.take() {
                let is_answered = late.is_answered();
                late.abandon();
                let result = if is_answered { Ok(()) } else { Err("it took too long".to_owned()) };
                self.record_check(index, result)?;
                continue;
            }
            self.next_probe += 1;
            match Ongoing::begin(&slot.application, rules, self.next_probe, &self.epoll) {
                Ok(ongoing) => check.ongoing = Some(ongoing),
                Err(reason) => self.record_check(index, Err(reason))?,
            }
        }
        Ok(())
    }

    /// Goes on with the health check whose descriptor is ready.
    pub(super) fn advance_check(&mut self, token: u64) -> Result<(), RunError> {
        for index in 0..self.slots.len() {
            let ongoing = self.slots[index].check.as_mut().and_then(|check| check.ongoing.as_mut());
            let Some(ongoing) = ongoing.filter(|ongoing| ongoing.has_token(token)) else {
                continue;
            };
            return match ongoing.advance(&self.epoll) {
                Some(result) => self.record_check(index, result),
                None => Ok(()),
            };
        }
        Ok(())
    }

    pub(super) fn record_check(
        &mut self,
        index: usize,
        result: Result<(), String>,
    ) -> Result<(), RunError> {
        let is_restarted = self.slots[index].record_check(&result);
        if is_restarted { self.step(index, Event::Unhealthy) } else { Ok(()) }
    }

    pub(super) fn act(&mut self, index: usize, action: Action) -> Result<(), RunError> {
        match action {
            Action::Nothing => {}
            Action::Spawn => self.spawn(index)?,
            Action::Forward(signal) => {
                log::debug("signal forwarded", &[("signal", &signal)]);
                if let Some(pid) = self.slots[index].pid {
                    tree::signal_one(signal, Target::Process(pid));
                }
            }
            Action::Tell(signal) => {
                if let Some(pid) = self.slots[index].pid {
                    tree::signal_one(signal, Target::Process(pid));
                    tree::signal_one(Signal::CONT, Target::Process(pid));
                }
            }
            // With one listing for all that have ended: `settle_trees`, before anything else.
            Action::TerminateTree => self.slots[index].is_to_terminate = true,
            Action::KillTree => self.kill_tree(index),
        }
        Ok(())
    }

    fn spawn(&mut self, index: usize) -> Result<(), RunError> {
        let is_stand_in = matches!(self.role, Role::StandIn);
        let stead = if is_stand_in { Stead::Shell } else { Stead::Service };
        let slot = &mut self.slots[index];
        match child::spawn(&slot.application, stead) {
            Ok(mut child) => {
                slot.begin(&child);
                // What cannot be read is closed, and the application learns that when it writes.
                if let Err(error) = self.outputs.add(&mut child, &slot.status, &self.epoll) {
                    let fields: log::Fields<'_> =
                        &[("application", &slot.application.name), ("error", &plain(&error))];
                    log::error("cannot read what the application writes", fields);
                }
                Ok(())
            }
            Err(error) if is_stand_in => Err(RunError::Spawn(error)),
            Err(error) => {
                let fields: log::Fields<'_> =
                    &[("application", &slot.application.name), ("error", &error)];
                log::error("application not started", fields);
                slot.status.record_end(error.status(), ExitReason::NotStarted);
                self.step(index, Event::NotStarted(error.status()))
            }
        }
    }

    /// Kills every process of an application. Where /proc is not to be read, the group of its first
    /// process.
    fn kill_tree(&self, index: usize) {
        match tree::read() {
            Ok(processes) => signal_each(Signal::KILL, &self.members(index, &processes)),
            Err(error) => self.signal_group(index, Signal::KILL, &error),
        }
    }

    /// What is left to do where the tree cannot be listed.
    fn signal_group(&self, index: usize, signal: Signal, error: &io::Error) {
        let fields: log::Fields<'_> = &[("error", &plain(error))];
        log::warn("cannot list /proc: some processes may not stop", fields);
        if let Some(leader) = self.slots[index].status.leader() {
            tree::signal_one(signal, Target::Group(leader));
        }
    }

    /// The only application that has processes, if it is only one.
    pub(super) fn only_tree(&self) -> Option<&Slot> {
        let mut having = self.slots.iter().filter(|slot| slot.has_tree());
        having.next().filter(|_| having.next().is_none())
    }

    /// Looks at the trees of all whose first process has ended: one that is empty is over, and what
    /// is left of one that was not looked at before is told to stop.
    pub(super) fn settle_trees(&mut self) -> Result<(), RunError> {
        let processes = tree::read();
        if let Ok(processes) = &processes {
            let sessions: HashSet<i32> = processes.iter().map(|process| process.session).collect();
            self.roster.retain_sessions(|session| sessions.contains(&session));
        }
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if !slot.life.awaits_empty_tree() || slot.pid.is_some() {
                continue;
            }
            let is_to_terminate = std::mem::take(&mut slot.is_to_terminate);
            let leader = slot.status.leader();
            let is_empty = match &processes {
                Ok(processes) => {
                    let members = self.members(index, processes);
                    let is_empty = members.is_empty();
                    if is_to_terminate {
                        signal_each(Signal::TERM, &members);
                        signal_each(Signal::CONT, &members);
                    }
                    is_empty
                }
                Err(_) if leader.is_none_or(is_empty_group) => true,
                Err(error) => {
                    if is_to_terminate {
                        self.signal_group(index, Signal::TERM, error);
                    }
                    false
                }
            };
            if is_empty {
                self.step(index, Event::Empty)?;
            }
        }
        Ok(())
    }

    /// The processes of one application's tree.
    fn members(&self, index: usize, processes: &[Process]) -> Vec<i32> {
        let own = &self.slots[index];
        // Who is promlet's last application or its only one has all that is left.
        let has_rest = self.only_tree().is_some() && !self.is_going_on();
        tree::below(processes, std::process::id() as i32, |child| {
            if let Some(slot) = self.slots.iter().find(|slot| slot.pid == Some(child.pid)) {
                return Arc::ptr_eq(&slot.status, &own.status);
            }
            match self.roster.owner(child.orphan()) {
                Some(owner) => Arc::ptr_eq(&owner, &own.status),
                None => has_rest,
            }
        })
    }

    /// Whether promlet goes on when an application ends.
    fn is_going_on(&self) -> bool {
        matches!(self.role, Role::Manager { .. }) && self.stopping.is_none()
    }
}

fn signal_each(signal: Signal, pids: &[i32]) {
    pids.iter().for_each(|pid| tree::signal_one(signal, Target::Process(*pid)));
}

/// Whether nobody is left in a process group; who may not be signalled is somebody.
fn is_empty_group(group: i32) -> bool {
    matches!(process::exists(Target::Group(group)), Ok(false))
}
