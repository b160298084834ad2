//! `bonding`: network interfaces that are made of several. Source: sysfs' `class/net`
//! (Documentation/networking/bonding.rst).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::remembered::Remembered;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::{Path, PathBuf};

const METRICS: [Metric; 2] = [
    Metric::gauge("node_bonding_slaves", "Interfaces that a bond is made of."),
    Metric::gauge("node_bonding_active", "Interfaces of a bond whose link is up."),
];

pub(super) struct Bonding {
    folder: PathBuf,
    masters: List,
    bonds: Remembered<Bond>,
    table: Table,
    /// The number of this scrape, so that a name that a list has twice is asked about once.
    pass: u64,
}

/// A file of names.
struct List {
    file: KeptFile,
    content: Vec<u8>,
}

struct Bond {
    folder: PathBuf,
    slaves: List,
    links: Remembered<Link>,
    pass: u64,
}

/// Where the state of a link is, in recent kernels and in those from before Linux 3.13.
struct Link {
    states: [KeptFile; 2],
    pass: u64,
}

impl Bonding {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.sys.join("class/net");
        let masters = List::new(folder.join("bonding_masters"));
        let table = Table::register(&setup.registry, &["master"], &METRICS)?;
        Ok(Box::new(Bonding { folder, masters, bonds: Remembered::new(), table, pass: 0 }))
    }
}

impl Collector for Bonding {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.bonds.begin_pass();
        self.pass += 1;
        let mut outcome = Ok(());
        for name in self.masters.read(files)? {
            let bond = self.bonds.get(name, || Bond::new(&self.folder.join(text(name))));
            if std::mem::replace(&mut bond.pass, self.pass) == self.pass {
                continue;
            }
            match bond.count(files) {
                Ok(counts) => {
                    let counts = counts.map(|count| Some(f64::from(count)));
                    sweep.row(&[text(name)]).set_all(&counts);
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }
}

/// Names of interfaces are ASCII in all but name; one that is not has no folder.
fn text(name: &[u8]) -> &str {
    std::str::from_utf8(name).unwrap_or_default()
}

impl List {
    fn new(path: PathBuf) -> List {
        List { file: KeptFile::new(path), content: Vec::new() }
    }

    fn read<'l>(
        &'l mut self,
        files: &mut Files,
    ) -> Result<impl Iterator<Item = &'l [u8]> + use<'l>, CollectError> {
        self.content.clear();
        self.content.extend_from_slice(files.read(&mut self.file)?);
        let words = self.content.split(u8::is_ascii_whitespace);
        Ok(words.filter(|word| !word.is_empty()))
    }
}

impl Bond {
    fn new(folder: &Path) -> Bond {
        let slaves = List::new(folder.join("bonding/slaves"));
        Bond { folder: folder.to_owned(), slaves, links: Remembered::new(), pass: 0 }
    }

    /// The interfaces of the bond, and those of them that are up.
    fn count(&mut self, files: &mut Files) -> Result<[u32; 2], CollectError> {
        self.links.begin_pass();
        let [mut all, mut up] = [0; 2];
        for name in self.slaves.read(files)? {
            let link = self.links.get(name, || Link::new(&self.folder, text(name)));
            if std::mem::replace(&mut link.pass, self.pass) == self.pass {
                continue;
            }
            all += 1;
            up += u32::from(link.is_up(files)?);
        }
        Ok([all, up])
    }
}

impl Link {
    fn new(bond: &Path, name: &str) -> Link {
        let of = |prefix| bond.join(format!("{prefix}_{name}/bonding_slave/mii_status"));
        Link { states: ["lower", "slave"].map(|prefix| KeptFile::new(of(prefix))), pass: 0 }
    }

    fn is_up(&mut self, files: &mut Files) -> Result<bool, CollectError> {
        let [recent, old] = &mut self.states;
        let state = match files.read(recent).map(|state| state.trim_ascii() == b"up") {
            Err(error) if error.is_no_data() => files.read(old)?.trim_ascii() == b"up",
            state => state?,
        };
        Ok(state)
    }
}
