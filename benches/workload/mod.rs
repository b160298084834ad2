//! W(N) in a registry: about N lines like those of a real service, for all benches.

pub mod script;

use promlet::{Buckets, Counter, Dynamic, Family, Gauge, Histogram, Instrument, Registry};
use script::{COUNTER_FAMILIES, GAUGE_FAMILIES, LABELS, Script, Update};

/// A registry with its handles.
pub struct Workload {
    pub registry: Registry,
    handles: Handles,
    script: Script,
}

struct Handles {
    counters: Vec<Counter>,
    gauges: Vec<Gauge>,
    histograms: Vec<Histogram>,
}

impl Workload {
    /// A workload of about `lines` lines, all of them with values.
    pub fn new(lines: usize) -> Workload {
        let registry = Registry::new();
        let mut script = Script::new(lines);
        let mut handles =
            Handles { counters: Vec::new(), gauges: Vec::new(), histograms: Vec::new() };
        for family in 0..COUNTER_FAMILIES {
            let named = Script::counter_family(family);
            handles.counters.extend(series(&registry, named, (), script.counters));
        }
        for family in 0..GAUGE_FAMILIES {
            let named = Script::gauge_family(family);
            handles.gauges.extend(series(&registry, named, (), script.gauges));
        }
        let named = Script::histogram_family();
        handles.histograms = series(&registry, named, Buckets::default(), script.histograms);
        script.begin(|update| handles.apply(update));
        Workload { registry, handles, script }
    }

    /// Changes a tenth of the values, as between two scrapes.
    pub fn advance(&mut self) {
        self.script.advance(|update| self.handles.apply(update));
    }
}

impl Handles {
    fn apply(&self, update: Update) {
        match update {
            Update::Count { counter, by } => self.counters[counter].inc_by(by),
            Update::Set { gauge, to } => self.gauges[gauge].set(to),
            Update::Observe { histogram, value } => self.histograms[histogram].observe(value),
        }
    }
}

/// Registers a family and creates its first `count` series.
fn series<M: Instrument>(
    registry: &Registry,
    (name, help): script::Named,
    options: M::Options,
    count: usize,
) -> Vec<M> {
    let family = registry.family_builder(name, help).register_dynamic(&LABELS, options);
    let family: Family<Dynamic, M> = family.expect("the workload's names are legal");
    let handle = |number| {
        let values = Script::label_values(number);
        family.get_or_create(&values.each_ref().map(String::as_str))
    };
    (0..count).map(handle).collect()
}
