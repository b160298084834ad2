//! `vmstat`: what the virtual memory did. Source: /proc/vmstat (proc_vmstat(5)).
//!
//! Every field that the flag lets through is a family of its own, under the field's name. The file
//! does not say which of them are counters, so their kind is unknown.

use super::error::CollectError;
use super::fields::{Described, Fields};
use super::flags::Flag;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
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
    fields: Fields,
}

impl VmStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(VmStat {
            file: KeptFile::of_many_records(setup.roots.proc.join("vmstat")),
            pattern: setup.flags.pattern(FIELDS),
            shown: Remembered::new(),
            fields: Fields::new(&setup.registry),
        }))
    }
}

impl Collector for VmStat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut fields = self.fields.sweep();
        self.shown.begin_pass();
        for mut line in Lines::new("vmstat", files.read(&mut self.file)?) {
            let name = line.word().ok_or_else(|| line.malformed("a field's name", None))?;
            let matches = || self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
            if *self.shown.get(name, matches) {
                fields.set(name, line.number("a number")?, || describe(name))?;
            }
        }
        Ok(())
    }
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
