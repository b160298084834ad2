//! `rapl`: energy that parts of the machine took. Source: sysfs' `class/powercap`
//! (Documentation/power/powercap/powercap.rst).
//!
//! A zone is called `package-0` or `dram`; those that share a name without a number are numbered in
//! the order of their folders. Where only root may read the counters there is no data.

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fields::{Described, Fields, metric_name_part};
use super::flags::Flag;
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

const ZONE_LABEL: &str = "collector.rapl.enable-zone-label";
pub(super) const FLAGS: &[Flag] = &[Flag::switch(
    ZONE_LABEL,
    false,
    "Show the name of a zone as a label in place of a part of the family's name.",
)];

const JOULES: [Metric; 1] =
    [Metric::counter("node_rapl_joules_total", "Energy that a zone of the machine took.")];

const MICROJOULES_PER_JOULE: f64 = 1_000_000.0;

pub(super) struct Rapl {
    zones: Devices<Zone>,
    families: Families,
    numbering: Numbering,
}

/// Where the zones are shown.
enum Families {
    /// A family for each name.
    Named(Fields),
    /// One, with the name as a label.
    Labelled(Table),
}

struct Zone {
    files: Attributes<2>,
    path: String,
    name: String,
    index: String,
}

impl Rapl {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let zones = Devices::new(plain(&setup.roots.sys.join("class/powercap")));
        let labels = ["index", "path", "rapl_zone"];
        let families = if setup.flags.switch(ZONE_LABEL) {
            Families::Labelled(Table::register(&setup.registry, &labels, &JOULES)?)
        } else {
            Families::Named(Fields::new(&setup.registry))
        };
        Ok(Box::new(Rapl { zones, families, numbering: Numbering::default() }))
    }
}

/// `path` without what does nothing, since it is shown.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}

impl Collector for Rapl {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut named, mut labelled) = match &mut self.families {
            Families::Named(fields) => (Some(fields.sweep()), None),
            Families::Labelled(table) => (None, Some(table.sweep())),
        };
        self.zones.refresh(|_, folder| Some(Zone::new(folder)))?;
        self.numbering.begin();
        for (_, zone) in self.zones.iter_mut() {
            zone.files.begin_scrape();
            if !zone.files.copy_text(0, files, &mut zone.name) {
                continue;
            }
            zone.number(&mut self.numbering);
            let joules = zone.joules(files)?;
            let labels = [&*zone.index, &zone.path, &zone.name];
            if let Some(sweep) = &mut labelled {
                sweep.row(&labels).set(0, Some(joules));
            }
            if let Some(sweep) = &mut named {
                let key = zone.name.as_bytes();
                sweep.row(key, &labels[..2], || zone.describe())?.set(0, Some(joules));
            }
        }
        Ok(())
    }
}

impl Zone {
    fn new(folder: &Path) -> Zone {
        let files = Attributes::new(folder, ["name", "energy_uj"]);
        let path = folder.to_string_lossy().into_owned();
        Zone { files, path, name: String::new(), index: String::new() }
    }

    /// Moves a number at the end of the name to the index, or finds one.
    fn number(&mut self, numbering: &mut Numbering) {
        let (name, given) = split_number(&self.name);
        let name_bytes = name.len();
        let index = numbering.number(name, given);
        self.name.truncate(name_bytes);
        self.index.clear();
        write!(self.index, "{index}").expect("a String takes all");
    }

    fn joules(&mut self, files: &mut Files) -> Result<f64, CollectError> {
        let energy = match self.files.read(1, files) {
            Err(CollectError::Io { path, kind: ErrorKind::PermissionDenied, .. }) => {
                return Err(CollectError::NoData { path });
            }
            energy => energy?,
        };
        let microjoules = super::lines::parse_number::<u64>(energy);
        let malformed = || CollectError::malformed("energy_uj", 1, "a number", Some(energy));
        Ok(microjoules.ok_or_else(malformed)? as f64 / MICROJOULES_PER_JOULE)
    }

    fn describe(&self) -> Described {
        let name = format!("node_rapl_{}_joules_total", metric_name_part(&self.name));
        let help = format!("Energy that {} took.", self.name);
        Described { name, help, kind: Kind::Counter, label_names: &["index", "path"] }
    }
}

/// How many zones of each name have a number.
#[derive(Default)]
struct Numbering(Vec<(String, u64)>);

impl Numbering {
    fn begin(&mut self) {
        self.0.iter_mut().for_each(|(_, next)| *next = 0);
    }

    /// The number of the next zone called `name`, if it was not `given` one.
    fn number(&mut self, name: &str, given: Option<u64>) -> u64 {
        let index = self.0.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), 0));
            self.0.len() - 1
        });
        let next = &mut self.0[index].1;
        let number = given.unwrap_or(*next);
        *next = number.saturating_add(1);
        number
    }
}

/// `package-0` is the zone `package` with the number 0.
fn split_number(name: &str) -> (&str, Option<u64>) {
    let split = name.split_once('-').and_then(|(name, number)| Some((name, number.parse().ok()?)));
    split.map_or((name, None), |(name, number)| (name, Some(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_numbered_by_their_names_or_in_order() {
        let mut numbering = Numbering::default();
        for _ in 0..2 {
            numbering.begin();
            const CASES: &[(&str, &str, u64)] = &[
                ("package-0", "package", 0),
                ("core", "core", 0),
                ("core", "core", 1),
                ("package-3", "package", 3),
                ("package", "package", 4),
                ("psys-x", "psys-x", 0),
                ("a-b-1", "a-b-1", 0),
            ];
            for (zone, name, number) in CASES {
                let (found, given) = split_number(zone);
                assert_eq!((found, numbering.number(found, given)), (*name, *number), "{zone}");
            }
        }
    }

    #[test]
    fn paths_are_shown_without_what_does_nothing() {
        assert_eq!(plain(Path::new("./a//b/./c/")), Path::new("a/b/c"));
        assert_eq!(plain(Path::new("/sys//class")), Path::new("/sys/class"));
    }
}
