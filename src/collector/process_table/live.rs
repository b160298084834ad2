//! The living of a group, added up at each scrape.

use super::member::{Member, Reading};
use super::parse::Proportional;
use super::usage::Usage;

/// The living of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Live {
    pub(super) used: Usage,
    pub(crate) processes: u64,
    /// Those that are not dead already.
    pub(crate) running: u64,
    pub(crate) threads: u64,
    pub(crate) resident_bytes: u64,
    pub(crate) virtual_bytes: u64,
    pub(crate) swapped_bytes: Option<u64>,
    pub(crate) proportional_bytes: Option<u64>,
    pub(crate) proportional_swapped_bytes: Option<u64>,
    pub(crate) descriptors: Option<u64>,
    /// The largest part of its limit that a process has open.
    pub(crate) descriptors_ratio: Option<f64>,
    pub(crate) oldest_start_ticks: Option<u64>,
    /// Processes by [`STATES`], or threads where they are asked for.
    pub(crate) states: [u64; STATES.len()],
    /// Whether this was ever known of one of them.
    pub(crate) has_storage: bool,
    /// The same.
    pub(crate) has_switches: bool,
}

/// States of processes and their letters; any other letter is of the last one.
pub(crate) const STATES: [(&str, &[u8]); 5] =
    [("Running", b"R"), ("Sleeping", b"S"), ("Waiting", b"D"), ("Zombie", b"Z"), ("Other", b"")];

impl Live {
    pub(super) fn add(&mut self, reading: &Reading, contribution: Usage) {
        self.used = self.used.plus(contribution);
        self.processes += 1;
        self.threads += reading.threads;
        self.resident_bytes += reading.resident_bytes;
        self.virtual_bytes = self.virtual_bytes.saturating_add(reading.virtual_bytes);
        add_known(&mut self.swapped_bytes, reading.swapped_bytes);
        add_known(&mut self.descriptors, reading.descriptors);
        if let (Some(open), Some(max @ 1..)) = (reading.descriptors, reading.descriptors_max) {
            let ratio = open as f64 / max as f64;
            self.descriptors_ratio = Some(self.descriptors_ratio.unwrap_or(0.0).max(ratio));
        }
        if let Some(Proportional { resident_bytes, swapped_bytes }) = reading.proportional {
            add_known(&mut self.proportional_bytes, Some(resident_bytes));
            add_known(&mut self.proportional_swapped_bytes, Some(swapped_bytes));
        }
        self.has_storage |= reading.has_storage;
        self.has_switches |= reading.has_switches;
        if !reading.is_dead() {
            self.running += 1;
            let oldest = self.oldest_start_ticks.unwrap_or(reading.start_ticks);
            self.oldest_start_ticks = Some(oldest.min(reading.start_ticks));
        }
    }

    pub(super) fn add_states(&mut self, member: &Member) {
        let mut count = |letter: u8| {
            let state = STATES.iter().position(|(_, letters)| letters.contains(&letter));
            self.states[state.unwrap_or(STATES.len() - 1)] += 1;
        };
        let mut states = member.tasks.iter().map(|task| task.state).peekable();
        match states.peek() {
            Some(_) => states.for_each(count),
            None => count(member.reading.state),
        }
    }
}

fn add_known(sum: &mut Option<u64>, value: Option<u64>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0).saturating_add(value));
    }
}
