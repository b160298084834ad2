//! The families in the registry: those that files gave last, and how they become those that files
//! give now.

use super::Fault;
use super::merge::{FaultOf, Labels, Merged};
use crate::metric::{Given, GivenFamily};
use crate::model::Kind;
use crate::registry::Registry;
use std::collections::HashMap;

/// The families that are registered.
pub(super) struct Shown {
    registry: Registry,
    families: HashMap<String, ShownFamily>,
}

struct ShownFamily {
    help: String,
    kind: Kind,
    series: Vec<(Labels, Given)>,
    family: GivenFamily,
}

impl Shown {
    pub(super) fn new(registry: Registry) -> Shown {
        Shown { registry, families: HashMap::new() }
    }

    /// Shows `merged` and nothing else. A family that is as it was only gets its values.
    pub(super) fn update(&mut self, merged: Vec<Merged>) -> Vec<FaultOf> {
        let kept: HashMap<&str, &Merged> = merged
            .iter()
            .filter(|merged| self.families.get(&merged.name).is_some_and(|f| f.is_like(merged)))
            .map(|merged| (merged.name.as_str(), merged))
            .collect();
        // All that goes, goes first: what comes may take its names.
        self.families.retain(|name, shown| {
            let kept = kept.get(name.as_str());
            match kept {
                Some(merged) => shown.set(merged),
                None => _ = self.registry.unregister(name),
            }
            kept.is_some()
        });
        let mut faults = Vec::new();
        for merged in merged {
            if !self.families.contains_key(&merged.name) {
                let file = merged.file;
                faults.extend(self.register(merged).err().map(|fault| (file, fault)));
            }
        }
        faults
    }

    fn register(&mut self, merged: Merged) -> Result<(), Fault> {
        let parts: Vec<(&[(String, String)], Given)> =
            merged.series.iter().map(|series| (&*series.labels, series.given.clone())).collect();
        let builder = self.registry.family_builder(merged.name.clone(), merged.help.clone());
        let family = builder.register_given(merged.kind, &parts).map_err(Fault::Register)?;
        let shown = ShownFamily::new(&merged, family);
        shown.set(&merged);
        self.families.insert(merged.name, shown);
        Ok(())
    }
}

impl ShownFamily {
    fn new(merged: &Merged, family: GivenFamily) -> ShownFamily {
        let Merged { help, kind, series, .. } = merged;
        let series =
            series.iter().map(|series| (series.labels.clone(), series.given.clone())).collect();
        ShownFamily { help: help.clone(), kind: *kind, series, family }
    }

    /// Whether `merged` differs from it in values at most.
    fn is_like(&self, merged: &Merged) -> bool {
        let own = self.series.iter().map(|(labels, given)| (labels, given));
        let others = merged.series.iter().map(|series| (&series.labels, &series.given));
        (&self.help, self.kind) == (&merged.help, merged.kind) && own.eq(others)
    }

    fn set(&self, merged: &Merged) {
        for (index, series) in merged.series.iter().enumerate() {
            self.family.set(index, &series.values);
        }
    }
}
