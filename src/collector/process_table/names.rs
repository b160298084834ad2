//! What the threads of a group have used by their names, and what they wait for.

use super::member::Name;
use super::tasks::Tasks;
use super::usage::Usage;
use crate::collector::watch::OVERFLOW;

/// Names of threads that a group can have, and functions that they wait in. Programs that give
/// each thread a name of its own have more; the rest is under [`OVERFLOW`].
const NAMES_MAX: usize = 200;

/// By name, what there was and what there is.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    by_name: Vec<(Name, Named)>,
    waiting: Vec<Waiting>,
}

/// The threads of one name.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// Those that there are.
    pub(crate) count: u64,
    /// What they have used, those that have ended among them.
    pub(crate) used: Usage,
    /// Whether the bytes in it are known.
    pub(crate) has_storage: bool,
}

/// The threads that wait in one function of the kernel.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) channel: String,
    pub(crate) count: u64,
}

impl Threads {
    /// Begins a scrape: there are none until they are found.
    pub(super) fn begin(&mut self) {
        self.by_name.iter_mut().for_each(|(_, named)| named.count = 0);
        self.waiting.iter_mut().for_each(|waiting| waiting.count = 0);
    }

    /// Adds those of a process; their names are told apart where it has or had several.
    pub(super) fn add(&mut self, tasks: &mut Tasks) {
        let has_several = tasks.has_several;
        for task in tasks.iter_mut() {
            if !task.wait_channel.is_empty() {
                self.wait_in(&task.wait_channel).count += 1;
            }
            if has_several {
                let (growth, has_storage) = (task.take_growth(), task.has_storage);
                let named = self.of_name(task.name);
                named.count += 1;
                named.used = named.used.plus(growth);
                named.has_storage |= has_storage;
            }
        }
    }

    pub(crate) fn by_name(&self) -> impl Iterator<Item = &Named> {
        self.by_name.iter().map(|(_, named)| named)
    }

    /// The functions in which some wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().filter(|waiting| waiting.count > 0)
    }

    fn of_name(&mut self, name: Name) -> &mut Named {
        let overflow = Name::new(OVERFLOW.as_bytes());
        let search = |names: &[(Name, Named)], name: Name| {
            names.binary_search_by(|(known, _)| known.as_bytes().cmp(name.as_bytes()))
        };
        let is_full = self.by_name.len() >= NAMES_MAX;
        let (name, place) = match search(&self.by_name, name) {
            Err(_) if is_full => (overflow, search(&self.by_name, overflow)),
            place => (name, place),
        };
        let place = place.unwrap_or_else(|place| {
            let text = String::from_utf8_lossy(name.as_bytes()).into_owned();
            let named = Named { name: text, count: 0, used: Usage::default(), has_storage: false };
            self.by_name.insert(place, (name, named));
            place
        });
        &mut self.by_name[place].1
    }

    fn wait_in(&mut self, channel: &str) -> &mut Waiting {
        let search = |waiting: &[Waiting], channel: &str| {
            waiting.binary_search_by(|known| (*known.channel).cmp(channel))
        };
        let is_full = self.waiting.len() >= NAMES_MAX;
        let (channel, place) = match search(&self.waiting, channel) {
            Err(_) if is_full => (OVERFLOW, search(&self.waiting, OVERFLOW)),
            place => (channel, place),
        };
        let place = place.unwrap_or_else(|place| {
            self.waiting.insert(place, Waiting { channel: channel.to_owned(), count: 0 });
            place
        });
        &mut self.waiting[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_limited() {
        let mut threads = Threads::default();
        for number in 0..NAMES_MAX + 50 {
            threads.of_name(Name::new(format!("t{number}").as_bytes())).count += 1;
            threads.wait_in(&format!("f{number}")).count += 1;
        }
        threads.of_name(Name::new(b"t0")).count += 1;
        let count = |name: &str| threads.by_name().find(|named| named.name == name).unwrap().count;
        assert_eq!((count("t0"), count(OVERFLOW)), (2, 50));
        assert_eq!(threads.by_name().count(), NAMES_MAX + 1);
        assert_eq!(threads.waiting().count(), NAMES_MAX + 1);
        threads.begin();
        assert_eq!((threads.by_name().count(), threads.waiting().count()), (NAMES_MAX + 1, 0));
    }
}
