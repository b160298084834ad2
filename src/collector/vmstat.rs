//! `vmstat`: what the virtual memory did. Source: /proc/vmstat (proc_vmstat(5)).
//!
//! Every field that the flag lets through is a family of its own, under the field's name. The file
//! does not say which of them are counters, so their kind is unknown.
//!
//! A kernel has some 190 fields and the flag lets few through.

use super::error::CollectError;
use super::fields::{Described, Fields};
use super::flags::Flag;
use super::fs::{Files, KeptFile, is_kernel_view};
use super::lines::Lines;
use super::places::Places;
use super::remembered::Remembered;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::regex::Regex;
use crate::registry::RegisterError;

const FIELDS: &str = "collector.vmstat.fields";

pub(super) const FLAGS: &[Flag] = &[Flag::pattern(
    FIELDS,
    "^(oom_kill|pgpg|pswp|pg.*fault).*",
    "Show the fields of /proc/vmstat whose names match this.",
)];

pub(super) struct VmStat {
    file: KeptFile,
    pattern: Option<Regex>,
    /// Whether a field is shown.
    shown: Remembered<bool>,
    places: Places<()>,
    fields: Fields,
}

impl VmStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(VmStat {
            file: KeptFile::of_many_records(setup.roots.proc.join("vmstat")),
            pattern: setup.flags.pattern(FIELDS),
            shown: Remembered::new(),
            places: Places::new("vmstat", is_kernel_view(&setup.roots.proc)),
            fields: Fields::new(&setup.registry),
        }))
    }
}

impl Collector for VmStat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut fields = self.fields.sweep();
        let mut set = |name: &[u8], value: f64| fields.set(name, value, || describe(name));
        let content = files.read(&mut self.file)?;
        if self.places.visit(content, |name, (), value| set(name, value))? {
            return Ok(());
        }
        self.places.begin();
        self.shown.begin_pass();
        let is_shown = |name: &[u8]| {
            let matches = || self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
            *self.shown.get(name, matches)
        };
        read_all(content, is_shown, |start, name, value| {
            self.places.add(start, name, ());
            set(name, value)
        })?;
        self.places.end();
        Ok(())
    }
}

/// Calls `visit` with place, name and number of each line that is to be shown.
fn read_all(
    content: &[u8],
    mut is_shown: impl FnMut(&[u8]) -> bool,
    mut visit: impl FnMut(usize, &[u8], f64) -> Result<(), CollectError>,
) -> Result<(), CollectError> {
    let mut start = 0;
    for mut line in Lines::new("vmstat", content) {
        let length = line.rest().len();
        let name = line.word().ok_or_else(|| line.malformed("a field's name", None))?;
        if is_shown(name) {
            visit(start, name, line.number("a number")?)?;
        }
        start += length + 1;
    }
    Ok(())
}

fn describe(name: &[u8]) -> Described {
    let name = name.escape_ascii();
    Described {
        help: format!("Field {name} of /proc/vmstat."),
        name: format!("node_vmstat_{name}"),
        kind: Kind::Unknown,
        label_names: &[],
    }
}
