//! `edac`: errors of memory. Source: sysfs' `devices/system/edac/mc`
//! (Documentation/admin-guide/RAS).
//!
//! Errors are counted by controller, by row of chips and by channel of a row. Those that the
//! hardware could not tell the row of are shown as of the row `unknown`.

use super::devices::{Attributes, Devices};
use super::error::CollectError;
use super::fs::Files;
use super::table::{Metric, Sweep, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use std::path::Path;

const CONTROLLERS: [Metric; 2] = [
    Metric::counter(
        "node_edac_correctable_errors_total",
        "Errors of memory behind a controller that were corrected.",
    ),
    Metric::counter(
        "node_edac_uncorrectable_errors_total",
        "Errors of memory behind a controller that could not be corrected.",
    ),
];
const ROWS: [Metric; 2] = [
    Metric::counter(
        "node_edac_csrow_correctable_errors_total",
        "Errors of a row of memory chips that were corrected.",
    ),
    Metric::counter(
        "node_edac_csrow_uncorrectable_errors_total",
        "Errors of a row of memory chips that could not be corrected.",
    ),
];
const CHANNELS: [Metric; 2] = [
    Metric::counter(
        "node_edac_channel_correctable_errors_total",
        "Errors of a channel of a row of memory chips that were corrected.",
    ),
    Metric::counter(
        "node_edac_channel_uncorrectable_errors_total",
        "Errors of a channel of a row of memory chips that could not be corrected.",
    ),
];

const CONTROLLER_FILES: [&str; 4] = ["ce_count", "ue_count", "ce_noinfo_count", "ue_noinfo_count"];
const ROW_FILES: [&str; 2] = ["ce_count", "ue_count"];

/// What stands for a row or a label that is not known.
const UNKNOWN: &str = "unknown";

pub(super) struct Edac {
    controllers: Devices<Controller>,
    tables: [Table; 3],
}

struct Controller {
    number: String,
    files: Attributes<{ CONTROLLER_FILES.len() }>,
    rows: Devices<Row>,
}

struct Row {
    number: String,
    files: Attributes<{ ROW_FILES.len() }>,
    channels: Devices<Channel>,
}

struct Channel {
    number: String,
    /// The two counts and the label.
    files: Attributes<3>,
    label: Label,
}

/// The label of a memory module, and what is shown of it.
#[derive(Default)]
struct Label {
    read: String,
    shown: String,
}

impl Edac {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        let of_channel = ["controller", "csrow", "channel", "dimm_label"];
        let tables = [
            Table::register(registry, &of_channel[..1], &CONTROLLERS)?,
            Table::register(registry, &of_channel[..2], &ROWS)?,
            Table::register(registry, &of_channel, &CHANNELS)?,
        ];
        let folder = setup.roots.sys.join("devices/system/edac/mc");
        Ok(Box::new(Edac { controllers: Devices::new(folder), tables }))
    }
}

impl Collector for Edac {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let [controllers, rows, channels] = &mut self.tables;
        let mut controllers = controllers.sweep();
        let (mut rows, mut channels) = (rows.sweep(), channels.sweep());
        self.controllers.refresh_if_there(Controller::new)?;
        self.controllers.visit(|_, controller| {
            let Controller { number, files: counts, rows: of_controller } = controller;
            counts.begin_scrape();
            let [ce, ue, ce_unknown, ue_unknown] =
                std::array::from_fn(|index| counts.number(index, files));
            controllers.row(&[&*number]).set_all(&[ce, ue]);
            rows.row(&[number, UNKNOWN]).set_all(&[ce_unknown, ue_unknown]);
            of_controller.refresh_if_there(Row::new)?;
            of_controller.visit(|_, row| row.show(number, files, &mut rows, &mut channels))
        })
    }
}

impl Controller {
    fn new(name: &str, folder: &Path) -> Option<Controller> {
        let number = number_behind("mc", name)?.to_owned();
        let files = Attributes::new(folder, CONTROLLER_FILES);
        Some(Controller { number, files, rows: Devices::new(folder) })
    }
}

impl Row {
    fn new(name: &str, folder: &Path) -> Option<Row> {
        let number = number_behind("csrow", name)?.to_owned();
        let files = Attributes::new(folder, ROW_FILES);
        Some(Row { number, files, channels: Devices::new(folder) })
    }

    fn show(
        &mut self,
        controller: &str,
        files: &mut Files,
        rows: &mut Sweep<'_>,
        channels: &mut Sweep<'_>,
    ) -> Result<(), CollectError> {
        self.files.begin_scrape();
        let counts = [0, 1].map(|index| self.files.number(index, files));
        rows.row(&[controller, &self.number]).set_all(&counts);
        self.channels.refresh_if_there(Channel::new)?;
        for (_, channel) in self.channels.iter_mut() {
            channel.files.begin_scrape();
            let counts = [0, 1].map(|index| channel.files.number(index, files));
            let label = channel.label.shown(channel.files.text(2, files));
            let labels = [controller, &self.number, &channel.number, label];
            channels.row(&labels).set_all(&counts);
        }
        Ok(())
    }
}

impl Channel {
    /// The channel whose corrected errors are in the file `path`, called `name`.
    fn new(name: &str, path: &Path) -> Option<Channel> {
        let number = number_behind("ch", name.strip_suffix("_ce_count")?)?;
        let [corrected, other, label] =
            ["ce_count", "ue_count", "dimm_label"].map(|file| format!("ch{number}_{file}"));
        let files = Attributes::new(path.parent()?, [&corrected, &other, &label]);
        Some(Channel { number: number.to_owned(), files, label: Label::default() })
    }
}

impl Label {
    /// `mc#0csrow#1channel#0` is shown as `mc0_csrow1_channel0`.
    fn shown(&mut self, read: Option<&str>) -> &str {
        let Some(read) = read else { return UNKNOWN };
        if *read != *self.read {
            read.clone_into(&mut self.read);
            let plain = read.replace('#', "");
            self.shown = plain.replace("csrow", "_csrow").replace("channel", "_channel");
        }
        &self.shown
    }
}

/// The number in `name`, if that is `prefix` and a number.
fn number_behind<'n>(prefix: &str, name: &'n str) -> Option<&'n str> {
    let number = name.strip_prefix(prefix)?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(number)
}
