//! What a collector found out about the names in its source: asked when a name first appears, and
//! kept while it is there.
//!
//! A name is found by its place in the last pass, so a pass over the same names in the same order
//! neither searches nor allocates. Regular expressions are matched once a name, and files that
//! describe a device are read once a device.

use super::lines::Line;

/// What is kept for each name of a source.
pub(crate) struct Remembered<T> {
    /// In the order of the source.
    entries: Vec<Entry<T>>,
    /// The place behind the name that was met last.
    next: usize,
}

struct Entry<T> {
    name: Box<[u8]>,
    kept: T,
    is_met: bool,
}

impl<T> Remembered<T> {
    pub(crate) fn new() -> Remembered<T> {
        Remembered { entries: Vec::new(), next: 0 }
    }

    /// Begins a pass over the source. What the last pass did not meet is forgotten.
    pub(crate) fn begin_pass(&mut self) {
        self.entries.retain_mut(|entry| std::mem::take(&mut entry.is_met));
        self.next = 0;
    }

    /// What is kept for `name`, which `make` says of one that is new.
    pub(crate) fn get(&mut self, name: &[u8], make: impl FnOnce() -> T) -> &mut T {
        let is_it = |entry: &Entry<T>| *entry.name == *name;
        let index = if self.entries.get(self.next).is_some_and(is_it) {
            self.next
        } else {
            self.entries.iter().position(is_it).unwrap_or_else(|| self.insert(name, make()))
        };
        self.next = index + 1;
        let entry = &mut self.entries[index];
        entry.is_met = true;
        &mut entry.kept
    }

    /// Takes the next word of `line`, and says what is kept for it, as [`Remembered::get`] does. The
    /// end of a word need not be looked for where the line begins with the name that follows.
    pub(crate) fn word(
        &mut self,
        line: &mut Line<'_>,
        make: impl FnOnce(&[u8]) -> T,
    ) -> Option<&mut T> {
        let expected = self.entries.get(self.next);
        if expected.and_then(|entry| line.take(&entry.name)).is_some() {
            let entry = &mut self.entries[self.next];
            self.next += 1;
            entry.is_met = true;
            return Some(&mut entry.kept);
        }
        let name = line.word()?;
        Some(self.get(name, || make(name)))
    }

    #[cold]
    fn insert(&mut self, name: &[u8], kept: T) -> usize {
        let index = self.next.min(self.entries.len());
        self.entries.insert(index, Entry { name: name.into(), kept, is_met: false });
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::lines::Lines;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_asked_about_while_it_is_new() {
        let mut remembered = Remembered::new();
        let mut asked = String::new();
        for pass in ["abc", "abc", "acb", "bd", "abd"] {
            remembered.begin_pass();
            for name in pass.chars() {
                let letter = name.to_string();
                let make = || {
                    asked.push(name);
                    name
                };
                assert_eq!(*remembered.get(letter.as_bytes(), make), name, "{pass}");
            }
        }
        assert_eq!(asked, "abcda");
    }

    proptest! {
        /// Whatever comes and goes in whatever order, each name has what was kept for it.
        #[test]
        fn keeps_what_belongs_to_a_name(
            passes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8),
        ) {
            let mut remembered = Remembered::new();
            for pass in passes {
                remembered.begin_pass();
                for name in &pass {
                    // Some names begin with others.
                    let name = "a".repeat(1 + usize::from(*name % 8));
                    let text = format!("{name} 1");
                    let mut line = Lines::new("f", text.as_bytes()).next().unwrap();
                    let kept = match name.len() % 2 {
                        0 => remembered.get(name.as_bytes(), || name.clone()),
                        _ => remembered.word(&mut line, |_| name.clone()).unwrap(),
                    };
                    prop_assert_eq!(&*kept, &name);
                }
                prop_assert!(remembered.entries.iter().filter(|entry| entry.is_met).count() <= pass.len());
            }
        }
    }
}
