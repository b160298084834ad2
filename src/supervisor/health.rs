//! When an application is checked, and what its checks come to. Pure; the clock is an argument.

use std::time::{Duration, Instant};

use super::status::Health;
use super::{HealthCheck, TIME_MAX};

/// How often who has just been started is checked: others may wait for it.
const STARTING_INTERVAL: Duration = Duration::from_secs(1);

/// The checks of an application since it was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkup {
    started: Instant,
    /// When the next check is due.
    pub(super) next_at: Instant,
    /// How many have failed since the last one that has passed.
    failures: u32,
    has_passed: bool,
}

impl Checkup {
    /// The checks from `now` on of an application that has `started` then or before.
    pub(super) fn new(started: Instant, now: Instant, rules: &HealthCheck) -> Checkup {
        let mut checkup = Checkup { started, next_at: now, failures: 0, has_passed: false };
        checkup.next_at = now + checkup.interval(now, rules);
        checkup
    }

    /// What is known now that a check has passed or failed; `None` if that decides nothing.
    pub(super) fn record(
        &mut self,
        is_passed: bool,
        now: Instant,
        rules: &HealthCheck,
    ) -> Option<Health> {
        self.has_passed |= is_passed;
        if is_passed {
            self.failures = 0;
        } else if !self.is_starting(now, rules) {
            self.failures = self.failures.saturating_add(1);
        }
        self.next_at = now + self.interval(now, rules);
        if is_passed {
            Some(Health::Healthy)
        } else {
            (self.failures >= rules.threshold).then_some(Health::Unhealthy)
        }
    }

    fn is_starting(&self, now: Instant, rules: &HealthCheck) -> bool {
        !self.has_passed && now.saturating_duration_since(self.started) < rules.start_period
    }

    fn interval(&self, now: Instant, rules: &HealthCheck) -> Duration {
        let interval = rules.interval.min(TIME_MAX);
        if self.is_starting(now, rules) { interval.min(STARTING_INTERVAL) } else { interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{HealthAction, Probe};

    #[test]
    fn checks_and_what_they_come_to() {
        let rules = HealthCheck {
            probe: Probe::Tcp(([127, 0, 0, 1], 1).into()),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            threshold: 2,
            start_period: Duration::from_secs(5),
            action: HealthAction::Report,
        };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut checkup = Checkup::new(start, start, &rules);
        assert_eq!(checkup.next_at, at(1), "who starts is checked often");
        let (good, bad) = (Some(Health::Healthy), Some(Health::Unhealthy));
        #[rustfmt::skip]
        let cases = [
            ("a failure at the start does not count", false, 1, None, 2),
            ("nor does the next", false, 4, None, 5),
            ("the start is over", false, 5, None, 15),
            ("the threshold is reached", false, 15, bad, 25),
            ("and stays so", false, 25, bad, 35),
            ("one success is enough", true, 35, good, 45),
            ("then they are counted anew", false, 45, None, 55),
            ("until the threshold", false, 55, bad, 65),
        ];
        for (name, is_passed, now, expected, next) in cases {
            assert_eq!(checkup.record(is_passed, at(now), &rules), expected, "{name}");
            assert_eq!(checkup.next_at, at(next), "{name}");
        }
        let mut checkup = Checkup::new(start, start, &rules);
        assert_eq!(checkup.record(true, at(1), &rules), good);
        assert_eq!(checkup.next_at, at(11), "who has passed has started");
        assert_eq!(checkup.record(false, at(2), &rules), None);
        assert_eq!(checkup.record(false, at(3), &rules), bad);
    }
}
