//! Who may start and who may stop, by what each comes after. Pure.

use std::collections::{HashMap, HashSet};

/// One application as the others see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) name: &'a str,
    pub(super) after: &'a [String],
    pub(super) phase: Phase,
}

/// How far an application has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is to be started.
    Waiting,
    /// It has processes or will have some; it does not work yet.
    Busy,
    /// It runs and works.
    Up,
    /// It has ended for good, with success.
    Done,
    /// It has ended for good, without.
    Failed,
    /// It is not to run.
    Off,
}

/// What is to become of one that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Its turn has come.
    Start,
    /// It never will: what it comes after has failed.
    Blocked,
}

/// Those that wait and whose turn is decided, by index.
pub(super) fn turns(views: &[View<'_>]) -> Vec<(usize, Turn)> {
    // Nearly always, and this is asked each time that anything happens.
    if views.iter().all(|view| view.phase != Phase::Waiting) {
        return Vec::new();
    }
    let phases: HashMap<&str, Phase> = views.iter().map(|view| (view.name, view.phase)).collect();
    let turn = |view: &View<'_>| {
        // Who is not there is not waited for: a reload has removed it.
        let before = || view.after.iter().filter_map(|name| phases.get(name.as_str()));
        if before().any(|phase| *phase == Phase::Failed) {
            return Some(Turn::Blocked);
        }
        let is_met = |phase: &Phase| matches!(phase, Phase::Up | Phase::Done | Phase::Off);
        before().all(is_met).then_some(Turn::Start)
    };
    let waiting = views.iter().enumerate().filter(|(_, view)| view.phase == Phase::Waiting);
    waiting.filter_map(|(index, view)| Some((index, turn(view)?))).collect()
}

/// Those that may be told to stop, by index: nobody has processes any more that comes after them,
/// or after somebody who does.
pub(super) fn stoppable(views: &[View<'_>]) -> Vec<usize> {
    let is_alive = |view: &&View<'_>| matches!(view.phase, Phase::Busy | Phase::Up);
    let by_name: HashMap<&str, &View<'_>> = views.iter().map(|view| (view.name, view)).collect();
    let mut needed: HashSet<&str> = HashSet::new();
    let mut open: Vec<&View<'_>> = views.iter().filter(is_alive).collect();
    while let Some(view) = open.pop() {
        // Also by way of a job that has ended: it was done for those that come after it.
        let before = view.after.iter().map(String::as_str).filter(|name| needed.insert(name));
        open.extend(before.filter_map(|name| by_name.get(name)));
    }
    let is_free = |view: &View<'_>| is_alive(&view) && !needed.contains(view.name);
    views.iter().enumerate().filter(|(_, view)| is_free(view)).map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `c` after `a` and `b`, `d` after `c`.
    fn views(phases: [Phase; 4], check: impl Fn(&[View<'_>])) {
        let after = [vec![], vec![], vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        let view = |index: usize| View {
            name: ["a", "b", "c", "d"][index],
            after: &after[index],
            phase: phases[index],
        };
        check(&[view(0), view(1), view(2), view(3)]);
    }

    #[test]
    fn each_has_its_turn() {
        use Phase::{Busy, Done, Failed, Off, Up, Waiting};
        use Turn::{Blocked, Start};
        type Case = ([Phase; 4], &'static [(usize, Turn)]);
        const CASES: &[Case] = &[
            ([Waiting; 4], &[(0, Start), (1, Start)]),
            ([Up, Busy, Waiting, Waiting], &[]),
            ([Up, Up, Waiting, Waiting], &[(2, Start)]),
            ([Off, Done, Waiting, Waiting], &[(2, Start)]),
            ([Up, Failed, Waiting, Waiting], &[(2, Blocked)]),
            ([Failed, Busy, Waiting, Waiting], &[(2, Blocked)]),
            ([Up, Up, Failed, Waiting], &[(3, Blocked)]),
            ([Up, Up, Up, Waiting], &[(3, Start)]),
            ([Up; 4], &[]),
        ];
        for (phases, expected) in CASES {
            views(*phases, |views| assert_eq!(turns(views), *expected, "{phases:?}"));
        }
    }

    #[test]
    fn who_is_needed_stops_last() {
        use Phase::{Busy, Done, Off, Up};
        const CASES: &[([Phase; 4], &[usize])] = &[
            ([Up; 4], &[3]),
            ([Up, Up, Up, Busy], &[3]),
            ([Up, Up, Up, Off], &[2]),
            ([Up, Busy, Done, Done], &[0, 1]),
            ([Up, Up, Done, Up], &[3]),
            ([Off; 4], &[]),
        ];
        for (phases, expected) in CASES {
            views(*phases, |views| assert_eq!(stoppable(views), *expected, "{phases:?}"));
        }
    }

    #[test]
    fn who_is_not_there_is_not_waited_for() {
        let after = ["gone".to_owned()];
        let view = View { name: "a", after: &after, phase: Phase::Waiting };
        assert_eq!(turns(&[view]), [(0, Turn::Start)]);
    }
}
