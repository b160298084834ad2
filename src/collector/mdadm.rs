//! `mdadm`: arrays of disks. Sources: `mdstat` in procfs, and sysfs' `block/md*/md`
//! (Documentation/admin-guide/md.rst).
//!
//! An array has two lines or more:
//!
//! ```text
//! md0 : active raid1 sdb1[1] sda1[0](F)
//!       1048512 blocks super 1.2 [2/1] [_U]
//!       bitmap: 0/1 pages [0KB], 65536KB chunk
//!       [=>...]  recovery =  5.0% (52480/1048512) finish=1.2min speed=13120K/sec
//! ```

mod mdstat;

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::parse_number;
use super::table::{Metric, Sweep, Table};
use super::text::to_text;
use super::{Collector, Setup};
use crate::registry::RegisterError;
use mdstat::{Array, parse_arrays};

const DISKS: Metric =
    Metric::gauge("node_md_disks", "Disks of an array that are active, failed or spare.");
const STATE: Metric = Metric::gauge("node_md_state", "Whether an array is in a state.");

/// What an array does, as the label and as [`Array`] has it. One that is reshaped does none of it.
const STATES: [(&str, &[u8]); 5] = [
    ("active", b"active"),
    ("inactive", b"inactive"),
    ("recovering", mdstat::RECOVERING),
    ("resync", mdstat::RESYNCING),
    ("check", mdstat::CHECKING),
];

const ARRAYS: [Metric; 6 + STATES.len()] = [
    Metric::gauge("node_md_blocks", "Blocks of an array."),
    Metric::gauge("node_md_blocks_synced", "Blocks of an array that are in sync."),
    DISKS.with_label("state", "active"),
    DISKS.with_label("state", "failed"),
    DISKS.with_label("state", "spare"),
    Metric::gauge("node_md_disks_required", "Disks that an array needs to be whole."),
    STATE.with_label("state", STATES[0].0),
    STATE.with_label("state", STATES[1].0),
    STATE.with_label("state", STATES[2].0),
    STATE.with_label("state", STATES[3].0),
    STATE.with_label("state", STATES[4].0),
];

const RAIDS: [Metric; 2] = [
    Metric::gauge("node_md_raid_disks", "Disks of an array when it is whole."),
    Metric::gauge("node_md_degraded", "Disks that an array lacks."),
];
const RAID_FILES: [&str; 3] = ["level", "raid_disks", "degraded"];
/// Levels that have a file `degraded`: those that can do without a disk.
const REDUNDANT: [&[u8]; 5] = [b"raid1", b"raid4", b"raid5", b"raid6", b"raid10"];

pub(super) struct MdAdm {
    mdstat: KeptFile,
    arrays: Table,
    devices: Devices<Attributes<{ RAID_FILES.len() }>>,
    raids: Table,
}

impl MdAdm {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(MdAdm {
            mdstat: KeptFile::of_many_records(setup.roots.proc.join("mdstat")),
            arrays: Table::register(&setup.registry, &["device"], &ARRAYS)?,
            devices: Devices::new(setup.roots.sys.join("block")),
            raids: Table::register(&setup.registry, &["device"], &RAIDS)?,
        }))
    }
}

impl Collector for MdAdm {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut arrays, mut raids) = (self.arrays.sweep(), self.raids.sweep());
        let content = files.read(&mut self.mdstat)?;
        let parsed = parse_arrays(content, |array| show_array(&mut arrays, &array));
        self.devices.refresh_if_there(|name, folder| {
            let folder = folder.join("md");
            let is_array = name.starts_with("md") && folder.is_dir();
            is_array.then(|| Attributes::new(&folder, RAID_FILES))
        })?;
        for (name, raid) in self.devices.iter_mut() {
            raid.begin_scrape();
            let Ok(level) = raid.read(0, files) else { continue };
            let degraded =
                if REDUNDANT.contains(&level) { raid.number(2, files) } else { Some(0.0) };
            let disks = raid.read(1, files).ok().and_then(parse_raid_disks);
            raids.row(&[name]).set_all(&[disks, degraded]);
        }
        parsed
    }
}

fn show_array(sweep: &mut Sweep<'_>, array: &Array<'_>) {
    let name = to_text(array.name);
    let mut row = sweep.row(&[&*name]);
    let Array { blocks, synced, active, failed, spare, required, .. } = *array;
    let counts = [blocks, synced, active, failed, spare, required].map(|count| Some(count as f64));
    row.set_all(&counts);
    for (index, (_, state)) in STATES.iter().enumerate() {
        let is_in_it = array.state == *state;
        row.set(counts.len() + index, Some(f64::from(u8::from(is_in_it))));
    }
}

/// The number of disks; behind it stands, in brackets, that from before a reshape.
fn parse_raid_disks(content: &[u8]) -> Option<f64> {
    parse_number(content.split(|byte| *byte == b' ').next()?)
}
