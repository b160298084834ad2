//! What a new configuration means for the applications that there are. Pure.

use super::policy::{Ending, Event, Life, State};
use super::{Application, RestartWhen};

/// What an application must hear of because the configuration has `new` in place of `old`; nothing
/// where it may go on as it is, with the new rules.
pub(super) fn event(old: &Application, new: &Application, life: &Life) -> Option<Event> {
    use super::policy::Goal;
    let was_ending = life.goal == Goal::Down;
    match life.state {
        _ if !new.enabled => (!was_ending).then_some(Event::Stop),
        // It was to end, or to begin anew with what is older than this.
        _ if was_ending || old.launch != new.launch => Some(Event::Replace),
        // A new chance for what has failed; what has done its work has done it, unless that has no
        // end any more.
        State::Ended(Ending::Finished(status)) if status.success() => {
            (new.restart.when == RestartWhen::Always).then_some(Event::Replace)
        }
        // It waits by rules that do not hold any more.
        State::Backoff { .. } if old.restart != new.restart => Some(Event::Replace),
        State::Ended(_) => Some(Event::Replace),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    use std::time::{Duration, Instant};

    use super::super::policy::Goal;
    use super::*;

    #[test]
    fn only_what_must_change_is_touched() {
        let now = Instant::now();
        let app = || Application::once("a".into(), "a".into(), vec![], Duration::ZERO);
        let changed = |change: fn(&mut Application)| {
            let mut app = app();
            change(&mut app);
            app
        };
        let running = State::Running;
        let backoff = State::Backoff { until: now };
        let finished = |code: i32| State::Ended(Ending::Finished(ExitStatus::from_raw(code << 8)));
        let off = State::Ended(Ending::Stopped(None));
        let same = app();
        let rules = changed(|app| app.stop.timeout = Duration::MAX);
        let launch = changed(|app| app.launch.args.push("x".into()));
        let waits = changed(|app| app.restart.backoff.factor = 9);
        let endless = changed(|app| app.restart.when = RestartWhen::Always);
        let disabled = changed(|app| app.enabled = false);
        use Event::{Replace, Stop};
        use Goal::{Down, Up};
        let cases = [
            ("unchanged", running, Up, &same, None),
            ("other rules", running, Up, &rules, None),
            ("another command", running, Up, &launch, Some(Replace)),
            ("not to run", running, Up, &disabled, Some(Stop)),
            ("still not to run", off, Down, &disabled, None),
            ("to run again", off, Down, &same, Some(Replace)),
            ("wanted again while it stops", running, Down, &same, Some(Replace)),
            ("other waits while it runs", running, Up, &waits, None),
            ("other waits between starts", backoff, Up, &waits, Some(Replace)),
            ("other rules between starts", backoff, Up, &rules, None),
            ("done, now without an end", finished(0), Up, &endless, Some(Replace)),
            ("unchanged between starts", backoff, Up, &same, None),
            ("changed between starts", backoff, Up, &launch, Some(Replace)),
            ("done", finished(0), Up, &same, None),
            ("done, now otherwise", finished(0), Up, &launch, Some(Replace)),
            ("failed", finished(1), Up, &same, Some(Replace)),
            ("blocked", State::Ended(Ending::Blocked), Up, &rules, Some(Replace)),
        ];
        for (name, state, goal, new, expected) in cases {
            let mut life = Life::new();
            (life.state, life.goal) = (state, goal);
            assert_eq!(event(&same, new, &life), expected, "{name}");
        }
    }
}
