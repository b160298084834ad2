//! What becomes of the counts of a process that is gone.
//!
//! The kernel adds what a child has used to the counts of its parent, if and when the parent waits
//! for it. Whether it did is seen by how much those counts have grown:
//!
//! ```text
//!                 nearest living ancestor, a member
//! gone ──climb──> of the same group: its growth has taken the dead over; what the growth is too
//!                                    small for is bequeathed to it
//!                 of another group:  its growth is not its own, and excluded
//!      ──climb──> nobody:            the group buries it
//! ```
//!
//! So a group's sum never falls, a child that was seen is not counted again with its parent, and a
//! child that lived and died between two scrapes is counted if its parent waited for it.

use super::groups::Groups;
use super::member::Member;
use super::usage::Usage;
use super::{Process, position};

/// A member that is gone.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) member: Box<Member>,
}

/// What is due to a living member from the dead below it.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// The place of the member.
    heir: usize,
    /// What the dead of its own group had used.
    own: Usage,
    /// What those of other groups had.
    foreign: Usage,
}

/// Hands on what the members in `gone` had used.
pub(super) fn settle(gone: &[Gone], alive: &mut [Process], groups: &mut Groups) {
    let mut dues = Vec::with_capacity(gone.len());
    for dead in gone {
        let member = &dead.member;
        let Some(with_children) = groups.get(member.group).map(|group| group.has_children()) else {
            continue;
        };
        let heir = find_heir(dead, gone, alive);
        let of_heir = heir.and_then(|heir| alive[heir].member.as_mut());
        let is_kin = of_heir.as_ref().is_some_and(|heir| heir.group == member.group);
        if let (Some(heir), Some(of_heir), true) = (heir, of_heir, is_kin) {
            of_heir.bequeathed = of_heir.bequeathed.plus(member.bequeathed);
            of_heir.excluded = of_heir.excluded.plus(member.excluded);
            let own = member.reading.used(with_children);
            dues.push(Due { heir, own, foreign: Usage::default() });
            continue;
        }
        if let Some(heir) = heir {
            let foreign = member.reading.used(true);
            dues.push(Due { heir, own: Usage::default(), foreign });
        }
        if let Some(group) = groups.get_mut(member.group) {
            group.bury(member.contribution(with_children));
        }
    }
    dues.sort_unstable_by_key(|due| due.heir);
    for dues in dues.chunk_by(|a, b| a.heir == b.heir) {
        let sum = |of: fn(&Due) -> Usage| dues.iter().map(of).fold(Usage::default(), Usage::plus);
        let heir = alive[dues[0].heir].member.as_mut().expect("an heir is a member");
        hand_over(heir, sum(|due| due.own), sum(|due| due.foreign), groups);
    }
}

fn hand_over(heir: &mut Member, own: Usage, foreign: Usage, groups: &Groups) {
    let with_children = groups.get(heir.group).is_some_and(|group| group.has_children());
    let growth = heir.inherited(with_children);
    let excluded = growth.min(foreign);
    heir.excluded = heir.excluded.plus(excluded);
    let missing = own.minus(growth.minus(excluded));
    heir.bequeathed = heir.bequeathed.plus(missing);
}

/// The place of the nearest ancestor that lives, if that one is a member.
fn find_heir(dead: &Gone, gone: &[Gone], alive: &[Process]) -> Option<usize> {
    let mut parent = dead.parent;
    // Ids that were used again can close a circle.
    for _ in 0..=gone.len() {
        let lives = |place: &usize| !alive[*place].is_new && !alive[*place].is_gone;
        if let Some(place) = position(alive, parent).filter(lives) {
            return alive[place].member.is_some().then_some(place);
        }
        parent = gone.iter().find(|dead| dead.pid == parent)?.parent;
    }
    None
}
