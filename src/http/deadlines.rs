//! Which connection's time is up first.
//!
//! All deadlines of a kind are equally long, so the one that began first ends first: a list for
//! each kind, in the order in which the waits began, is all the timer that is needed. The times up
//! to which bodies are waited for come in any order; a new one is put in its place from the back,
//! past the few that are later. Every other operation takes constant time, and none allocates but
//! when there are more connections than ever.

use std::time::Instant;

use super::step::Wait;

/// The kinds of deadlines, in the order of their discriminants.
pub(super) const WAITS: [Wait; 6] =
    [Wait::Fresh, Wait::Idle, Wait::Request, Wait::Stall, Wait::Linger, Wait::Source];

/// No neighbour: the end of a list.
const NONE: usize = usize::MAX;

/// One list for each [`Wait`], doubly linked through the connections' indices.
#[derive(Debug)]
pub(super) struct Deadlines {
    lists: [List; WAITS.len()],
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: usize,
    last: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    /// The list it is in, and since when it waits.
    wait: Option<(Wait, Instant)>,
    before: usize,
    after: usize,
}

impl Deadlines {
    pub(super) fn new() -> Deadlines {
        let empty = List { first: NONE, last: NONE };
        Deadlines { lists: [empty; WAITS.len()], links: Vec::new() }
    }

    /// The connection at `index` waits for `wait` since `since`, behind those that do so since that
    /// time. If it did so already, its place stays.
    pub(super) fn set(&mut self, index: usize, wait: Wait, since: Instant) {
        if index >= self.links.len() {
            let unlinked = Link { wait: None, before: NONE, after: NONE };
            self.links.resize(index + 1, unlinked);
        }
        if self.links[index].wait == Some((wait, since)) {
            return;
        }
        self.clear(index);
        let list = &mut self.lists[wait as usize];
        let (mut before, mut after) = (list.last, NONE);
        while let Some(link) = self.links.get(before)
            && link.wait.is_some_and(|(_, other)| other > since)
        {
            (before, after) = (link.before, before);
        }
        match before {
            NONE => list.first = index,
            before => self.links[before].after = index,
        }
        match after {
            NONE => list.last = index,
            after => self.links[after].before = index,
        }
        self.links[index] = Link { wait: Some((wait, since)), before, after };
    }

    /// The connection that waits for the same as that at `index`, and comes next.
    pub(super) fn after(&self, index: usize) -> Option<usize> {
        let after = self.links.get(index)?.after;
        (after != NONE).then_some(after)
    }

    /// The connection at `index` waits for nothing.
    pub(super) fn clear(&mut self, index: usize) {
        let Some(link) = self.links.get_mut(index) else { return };
        let Some((wait, _)) = link.wait.take() else { return };
        let Link { before, after, .. } = *link;
        let list = &mut self.lists[wait as usize];
        match before {
            NONE => list.first = after,
            before => self.links[before].after = after,
        }
        match after {
            NONE => list.last = before,
            after => self.links[after].before = before,
        }
    }

    /// The connection that has waited longest for `wait`, and since when.
    pub(super) fn first(&self, wait: Wait) -> Option<(usize, Instant)> {
        let index = self.lists[wait as usize].first;
        let (_, since) = self.links.get(index)?.wait?;
        Some((index, since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn waits_are_their_places_in_the_list() {
        for (place, wait) in WAITS.into_iter().enumerate() {
            assert_eq!(wait as usize, place);
        }
    }

    proptest! {
        #[test]
        fn lists_are_in_the_order_of_time(
            operations in prop::collection::vec((0..8_usize, 0..=WAITS.len(), 0..9_u64), 0..100),
        ) {
            let start = Instant::now();
            let mut deadlines = Deadlines::new();
            let mut model: Vec<(usize, Wait, Instant)> = Vec::new();
            for (tick, (index, choice, earlier)) in operations.into_iter().enumerate() {
                let since = start + Duration::from_millis((tick + 9) as u64 - earlier);
                let wanted = WAITS.get(choice).map(|&wait| (index, wait, since));
                let is_there = wanted.is_some_and(|wanted| model.contains(&wanted));
                model.retain(|entry| is_there || entry.0 != index);
                match WAITS.get(choice) {
                    Some(&wait) => {
                        deadlines.set(index, wait, since);
                        model.extend(wanted.filter(|_| !is_there));
                    }
                    None => deadlines.clear(index),
                }
                for wait in WAITS {
                    model.sort_by_key(|entry| entry.2);
                    let expected: Vec<_> =
                        model.iter().filter(|entry| entry.1 == wait).map(|entry| entry.0).collect();
                    let first = deadlines.first(wait).map(|(index, _)| index);
                    let listed = std::iter::successors(first, |index| deadlines.after(*index));
                    prop_assert_eq!(listed.collect::<Vec<_>>(), expected);
                }
            }
        }
    }
}
