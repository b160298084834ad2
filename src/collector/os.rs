//! `os`: which distribution the host runs. Source: os-release(5), which is looked for in `/etc` and
//! then in `/usr/lib` of the root file system.

mod release;

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use release::Release;

const INFO: [Metric; 1] =
    [Metric::gauge("node_os_info", "What os-release says of the distribution; always 1.")];
/// Each is the field of the same name in capitals.
const INFO_LABELS: [&str; 12] = [
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
];

const VERSION: [Metric; 1] =
    [Metric::gauge("node_os_version", "Version of the distribution, as far as it is a number.")];
const VERSION_LABELS: [&str; 3] = ["id", "id_like", "name"];

const SUPPORT_END: [Metric; 1] = [Metric::gauge(
    "node_os_support_end_timestamp_seconds",
    "When support of the distribution ends, in seconds since 1970.",
)];

pub(super) struct Os {
    source: Source,
    info: Table,
    version: Table,
    support_end: Table,
}

/// The files, and what the one that was read last says.
struct Source {
    files: [KeptFile; 2],
    content: Vec<u8>,
    shown: Option<Shown>,
}

struct Shown {
    info: [String; INFO_LABELS.len()],
    version_labels: [String; VERSION_LABELS.len()],
    version: Option<f64>,
    support_end: Option<f64>,
}

impl Os {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let (registry, root) = (&setup.registry, &setup.roots.rootfs);
        let file = |folder: &str| KeptFile::new(root.join(folder).join("os-release"));
        let files = [file("etc"), file("usr/lib")];
        Ok(Box::new(Os {
            source: Source { files, content: Vec::new(), shown: None },
            info: Table::register(registry, &INFO_LABELS, &INFO)?,
            version: Table::register(registry, &VERSION_LABELS, &VERSION)?,
            support_end: Table::register(registry, &[], &SUPPORT_END)?,
        }))
    }
}

impl Collector for Os {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut info, mut versions) = (self.info.sweep(), self.version.sweep());
        let mut support_ends = self.support_end.sweep();
        let shown = self.source.read(files)?;
        info.row(&shown.info).set(0, Some(1.0));
        versions.row(&shown.version_labels).set(0, shown.version);
        support_ends.only_row().set(0, shown.support_end);
        Ok(())
    }
}

impl Source {
    /// Reads the first file that is there, and takes apart what is not as it was.
    fn read(&mut self, files: &mut Files) -> Result<&Shown, CollectError> {
        let [first, second] = &mut self.files;
        let content = match files.read(first) {
            Err(error) if error.is_no_data() => files.read(second)?,
            content => content?,
        };
        if self.content != content {
            self.shown = None;
            content.clone_into(&mut self.content);
        }
        match &mut self.shown {
            Some(shown) => Ok(shown),
            shown @ None => Ok(shown.insert(Shown::parse(&self.content)?)),
        }
    }
}

impl Shown {
    fn parse(content: &[u8]) -> Result<Shown, CollectError> {
        let release = Release::parse(content)?;
        Ok(Shown {
            info: INFO_LABELS.map(|label| release.text(&label.to_ascii_uppercase())),
            version_labels: VERSION_LABELS.map(|label| release.text(&label.to_ascii_uppercase())),
            version: release.version(),
            support_end: release.support_end()?,
        })
    }
}
