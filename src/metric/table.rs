//! An open-addressing hash table from label values to series.
//!
//! Linear probing, at most 7/8 full, deletion by shifting back, so there are no tombstones and a
//! miss ends at the first empty entry. (The standard map cannot be asked with borrowed values and a
//! hash that is already known.)

use super::cell::Series;
use std::sync::Arc;

/// Entries of the first table; always a power of two. Most families of a node have one series.
const FIRST_CAPACITY: usize = 2;

#[derive(Default)]
pub(crate) struct Table {
    /// What a probe looks at: the low half of each entry's hash, or [`EMPTY`].
    ///
    /// INVARIANT: the length is zero or a power of two, and at least one entry is empty if not zero.
    hashes: Box<[u32]>,
    /// INVARIANT: as long as `hashes`, and empty at the same places.
    series: Box<[Option<Arc<Series>>]>,
    len: usize,
}

/// Stands for no hash. One that is so is taken for another.
const EMPTY: u32 = 0;

/// What is kept of a hash; the label values decide.
#[inline]
fn short(hash: u64) -> u32 {
    (hash as u32).max(EMPTY + 1)
}

impl Table {
    /// The series whose label values are `values`; `hash` is theirs.
    #[inline]
    pub(crate) fn find(&self, hash: u64, values: &[&str]) -> Option<&Arc<Series>> {
        self.position(hash, values).and_then(|index| self.series[index].as_ref())
    }

    /// Adds a series that [`find`](Self::find) does not find.
    pub(crate) fn insert(&mut self, hash: u64, series: Arc<Series>) {
        if (self.len + 1) * 8 > self.hashes.len() * 7 {
            self.grow();
        }
        self.place(short(hash), series);
        self.len += 1;
    }

    /// Takes the series with these label values out.
    pub(crate) fn remove(&mut self, hash: u64, values: &[&str]) -> Option<Arc<Series>> {
        let mut hole = self.position(hash, values)?;
        let removed = self.series[hole].take();
        self.len -= 1;
        // An entry behind the hole moves into it unless the hole is in front of its first choice.
        let mask = self.hashes.len() - 1;
        let mut next = (hole + 1) & mask;
        while self.hashes[next] != EMPTY {
            let first_choice = self.hashes[next] as usize & mask;
            if next.wrapping_sub(first_choice) & mask >= next.wrapping_sub(hole) & mask {
                self.hashes.swap(hole, next);
                self.series.swap(hole, next);
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.hashes[hole] = EMPTY;
        removed
    }

    #[inline]
    fn position(&self, hash: u64, values: &[&str]) -> Option<usize> {
        let mask = self.hashes.len().checked_sub(1)?;
        let hash = short(hash);
        let mut index = hash as usize & mask;
        while self.hashes[index] != EMPTY {
            if self.hashes[index] == hash
                && self.series[index].as_ref().is_some_and(|series| series.has_label_values(values))
            {
                return Some(index);
            }
            index = (index + 1) & mask;
        }
        None
    }

    #[cold]
    fn grow(&mut self) {
        let capacity = (self.hashes.len() * 2).max(FIRST_CAPACITY);
        let hashes = std::mem::replace(&mut self.hashes, vec![EMPTY; capacity].into());
        let larger = (0..capacity).map(|_| None).collect();
        let series = std::mem::replace(&mut self.series, larger);
        for (hash, series) in hashes.iter().zip(series) {
            if let Some(series) = series {
                self.place(*hash, series);
            }
        }
    }

    /// Puts an entry into the first empty place from its hash on; there is one.
    fn place(&mut self, hash: u32, series: Arc<Series>) {
        let mask = self.hashes.len() - 1;
        let mut index = hash as usize & mask;
        while self.hashes[index] != EMPTY {
            index = (index + 1) & mask;
        }
        self.hashes[index] = hash;
        self.series[index] = Some(series);
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Block;
    use super::super::key::WholeKey;
    use super::super::shape::{Number, Shape};
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn series(name: &str) -> Arc<Series> {
        let shape = Arc::new(Shape::Scalar(Number::U64));
        let block = Block::new(shape, 1, Arc::default(), WholeKey::default(), None);
        let slot = block.take_slot().expect("a new block has a free slot");
        Arc::new(Series::new(block, slot, &[name]))
    }

    proptest! {
        /// Few distinct hashes, so that chains form, wrap around and close up again.
        #[test]
        fn behaves_like_a_map(steps in prop::collection::vec((0_u8..24, any::<bool>()), 0..200)) {
            let mut table = Table::default();
            let mut model: HashMap<u8, ()> = HashMap::new();
            for (number, add) in steps {
                let (name, hash) = (number.to_string(), u64::from(number / 4) * 7);
                if add && model.insert(number, ()).is_none() {
                    table.insert(hash, series(&name));
                } else if !add {
                    let removed = table.remove(hash, &[&name]).is_some();
                    prop_assert_eq!(removed, model.remove(&number).is_some());
                }
                for n in 0..24_u8 {
                    let found = table.find(u64::from(n / 4) * 7, &[&n.to_string()]).is_some();
                    prop_assert_eq!(found, model.contains_key(&n));
                }
            }
        }
    }
}
