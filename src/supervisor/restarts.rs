//! When an application that has ended is started again: back-off and limit. Pure; the clock is an
//! argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Restart, TIME_MAX};

/// What is remembered of an application's restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Restarts {
    /// When they were, as far back as the limit looks; at most as many as it allows.
    recent: VecDeque<Instant>,
    /// The last wait, unless the application has run for long since.
    wait: Option<Duration>,
}

impl Restarts {
    /// How long to wait before the next start, or `None` if the limit is reached. The application
    /// has ended `now` and ran for `ran_for`.
    pub(super) fn next(
        &mut self,
        rules: &Restart,
        ran_for: Duration,
        now: Instant,
    ) -> Option<Duration> {
        if let Some(limit) = rules.limit {
            let window = limit.window.min(TIME_MAX);
            while self.recent.front().is_some_and(|at| now.duration_since(*at) >= window) {
                self.recent.pop_front();
            }
            // More than the limit if a reload has lowered it.
            if self.recent.len() >= limit.restarts as usize {
                return None;
            }
            self.recent.push_back(now);
        }
        let backoff = rules.backoff;
        let longest = backoff.max.min(TIME_MAX);
        let last = self.wait.filter(|_| ran_for < longest);
        let wait = last.map_or(backoff.initial, |last| last.saturating_mul(backoff.factor));
        self.wait = Some(wait.min(longest));
        self.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{Backoff, RestartLimit, RestartWhen};

    fn rules(limit: Option<RestartLimit>) -> Restart {
        let second = Duration::from_secs(1);
        let backoff = Backoff { initial: second, max: second * 10, factor: 3 };
        Restart { when: RestartWhen::Always, backoff, limit }
    }

    #[test]
    fn waits_grow_until_it_has_run_for_long() {
        let (start, rules, mut restarts) = (Instant::now(), rules(None), Restarts::default());
        let cases = [(0, 1), (0, 3), (9, 9), (0, 10), (0, 10), (10, 1), (0, 3)];
        for (ran_for, expected) in cases {
            let wait = restarts.next(&rules, Duration::from_secs(ran_for), start);
            assert_eq!(wait, Some(Duration::from_secs(expected)), "after {ran_for} s");
        }
        assert_eq!(restarts.recent.len(), 0, "nothing is kept that nobody asks for");
    }

    #[test]
    fn a_limit_counts_within_its_window() {
        let limit = RestartLimit { restarts: 2, window: Duration::from_secs(60) };
        let (start, rules, mut restarts) =
            (Instant::now(), rules(Some(limit)), Restarts::default());
        let cases =
            [(0, true), (1, true), (2, false), (59, false), (60, true), (60, false), (61, true)];
        for (at, is_started) in cases {
            let now = start + Duration::from_secs(at);
            let wait = restarts.next(&rules, Duration::ZERO, now);
            assert_eq!(wait.is_some(), is_started, "after {at} s");
        }
    }

    #[test]
    fn no_number_overflows() {
        let backoff = Backoff { initial: Duration::MAX, max: Duration::MAX, factor: u32::MAX };
        let limit = RestartLimit { restarts: u32::MAX, window: Duration::MAX };
        let rules = Restart { when: RestartWhen::Always, backoff, limit: Some(limit) };
        let mut restarts = Restarts::default();
        for _ in 0..3 {
            let wait = restarts.next(&rules, Duration::ZERO, Instant::now());
            assert_eq!(wait, Some(TIME_MAX));
        }
    }
}
