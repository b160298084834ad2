//! Which families may be shown under their stem: their name without the suffix of their kind.
//!
//! OpenMetrics calls the family of `jobs_total` `jobs`, and keeps `jobs_created` for it. Other
//! formats do not, so both may be the names of other families. Then this one has to stay under its
//! whole name. A histogram or summary that is given keeps its name, but it is whole only where no
//! other family is called as its times of creation would be.

use crate::model::{Desc, Escaping};
use std::collections::HashSet;

/// Says of each family whether its stem, and what the format may add to it, is free.
///
/// Costs a few look-ups and strings per family; the families change seldom.
pub(super) fn free_stems<'a>(
    descs: impl Iterator<Item = &'a Desc> + Clone,
    escaping: Escaping,
) -> Vec<bool> {
    let names = descs.clone().flat_map(|desc| {
        let name = escaping.metric_name(&desc.name);
        let suffixes = std::iter::once("").chain(desc.sample_suffixes());
        suffixes.map(move |suffix| format!("{name}{suffix}")).collect::<Vec<_>>()
    });
    let mut taken: HashSet<String> = names.collect();
    let take_stem = |desc: &Desc| {
        let name = escaping.metric_name(&desc.name);
        let Some(stem) = desc.kind.stem(&name) else {
            return desc.is_given && !taken.contains(&format!("{name}_created"));
        };
        let created = format!("{stem}_created");
        let is_free = !taken.contains(stem) && !taken.contains(&created);
        if is_free {
            taken.extend([stem.to_owned(), created]);
        }
        is_free
    };
    descs.map(take_stem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn free(families: &[(&'static str, Kind)]) -> Vec<bool> {
        let desc = |&(name, kind): &(&'static str, Kind)| Desc {
            name: name.into(),
            help: "".into(),
            kind,
            unit: None,
            is_created_shown: false,
            keeps_exemplars: false,
            is_given: false,
            omits_empty_labels: false,
            label_names: [].into(),
            const_labels: [].into(),
        };
        let descs: Vec<Desc> = families.iter().map(desc).collect();
        free_stems(descs.iter(), Escaping::Underscores)
    }

    #[test]
    fn a_stem_is_free_unless_another_family_shows_it() {
        let (counter, gauge) = (Kind::Counter, Kind::Gauge);
        assert_eq!(free(&[("a_total", counter), ("b_total", counter)]), [true, true]);
        assert_eq!(free(&[("a", gauge), ("a_total", counter)]), [false, false]);
        assert_eq!(free(&[("a_created", gauge), ("a_total", counter)]), [false, false]);
        assert_eq!(free(&[("a_sum_total", counter), ("a", Kind::Histogram)]), [false, false]);
        assert_eq!(free(&[("a.b_total", counter), ("a_b", gauge)]), [false, false]);
        assert_eq!(free(&[("_total", counter), ("total", counter)]), [false, false]);
        // Stems among themselves: the first one keeps it.
        assert_eq!(free(&[("a_total", counter), ("a_total_total", counter)]), [true, false]);
        assert_eq!(free(&[("a_created_total", counter), ("a_total", counter)]), [true, false]);
    }
}
