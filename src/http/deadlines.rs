//! Which connection's time is up first.
//!
//! All deadlines of a kind are equally long, so the one that began first ends first: a list for
//! each kind, in the order in which the waits began, is all the timer that is needed. Every
//! operation takes constant time, and allocates only when there are more connections than ever.

use std::time::Instant;

use super::connection::Wait;

/// The kinds of deadlines, in the order of their discriminants.
pub(super) const WAITS: [Wait; 5] =
    [Wait::Fresh, Wait::Idle, Wait::Request, Wait::Stall, Wait::Linger];

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

    /// The connection at `index` waits for `wait` since `since`. If it did so already, its place
    /// stays. A `since` before that of an earlier call does no harm but is found late, when those
    /// in front of it are.
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
        let before = std::mem::replace(&mut list.last, index);
        match before {
            NONE => list.first = index,
            before => self.links[before].after = index,
        }
        self.links[index] = Link { wait: Some((wait, since)), before, after: NONE };
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
        fn first_is_that_of_a_plain_list(
            operations in prop::collection::vec((0..8_usize, 0..=WAITS.len()), 0..100),
        ) {
            let start = Instant::now();
            let mut deadlines = Deadlines::new();
            let mut model: Vec<(usize, Wait, Instant)> = Vec::new();
            for (tick, (index, choice)) in operations.into_iter().enumerate() {
                let since = start + Duration::from_millis(tick as u64);
                model.retain(|entry| entry.0 != index);
                match WAITS.get(choice) {
                    Some(&wait) => {
                        deadlines.set(index, wait, since);
                        model.push((index, wait, since));
                    }
                    None => deadlines.clear(index),
                }
                for wait in WAITS {
                    let first = model.iter().find(|entry| entry.1 == wait);
                    prop_assert_eq!(deadlines.first(wait), first.map(|entry| (entry.0, entry.2)));
                }
            }
        }
    }
}
