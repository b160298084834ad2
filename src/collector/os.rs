//! `os`: which distribution the host runs. Source: os-release(5), which is looked for in `/etc` and
//! then in `/usr/lib` of the root file system.

mod release;

use super::devices::Stamp;
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use release::Release;
use std::path::Path;

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

/// Where the file may be, and what it says while it is the one of this stamp.
struct Source {
    files: [KeptFile; 2],
    stamp: Option<Stamp>,
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
        Ok(Box::new(Os {
            source: Source::new(["etc", "usr/lib"].map(|folder| root.join(folder))),
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
    fn new(folders: [impl AsRef<Path>; 2]) -> Source {
        let files = folders.map(|folder| KeptFile::new(folder.as_ref().join("os-release")));
        Source { files, stamp: None, shown: None }
    }

    /// Reads the first file that is there, if it is not as it was.
    fn read(&mut self, files: &mut Files) -> Result<&Shown, CollectError> {
        let stamp = self.files.iter().find_map(|file| Stamp::of(file.path()));
        if Stamp::has_changed(self.stamp, stamp) {
            self.shown = None;
        }
        self.stamp = stamp;
        let [first, second] = &mut self.files;
        match &mut self.shown {
            Some(shown) => Ok(shown),
            shown @ None => {
                let content = match files.read(first) {
                    Err(error) if error.is_no_data() => files.read(second)?,
                    content => content?,
                };
                let read = Shown::parse(content)?;
                self.files.iter_mut().for_each(KeptFile::close);
                Ok(shown.insert(read))
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    #[test]
    fn a_file_that_is_replaced_at_once_is_read_again() {
        let scratch = Scratch::new("os-replaced");
        let mut source = Source::new(["etc", "usr"].map(|folder| scratch.path(folder)));
        let mut files = Files::default();
        let mut id = |files: &mut Files| {
            source
                .read(files)
                .map(|shown| shown.info[1].clone())
                .map_err(|error| error.is_no_data())
        };
        assert_eq!(id(&mut files), Err(true));
        for number in 0..200 {
            // In place and anew, of one length and within one step of the clock.
            let (name, written) = (format!("id-{:03}", number), format!("ID=id-{:03}\n", number));
            match number % 2 {
                0 => scratch.write("etc/os-release", written.as_bytes()),
                _ => {
                    scratch.write("next", written.as_bytes());
                    std::fs::rename(scratch.path("next"), scratch.path("etc/os-release")).unwrap();
                }
            }
            assert_eq!(id(&mut files), Ok(name));
        }
        scratch.write("usr/os-release", b"ID=second\n");
        scratch.remove("etc/os-release");
        assert_eq!(id(&mut files), Ok("second".to_owned()));
        scratch.write("usr/os-release", b"none\n");
        assert_eq!(id(&mut files), Err(false));
        scratch.remove("usr/os-release");
        assert_eq!(id(&mut files), Err(true));
    }

    #[test]
    fn a_file_that_stands_is_not_read_again() {
        // The source of this test has been there for longer than it took to build it.
        let (file, other) = (Path::new("src/collector/os.rs"), Path::new("src/lib.rs"));
        let shown = Shown {
            info: Default::default(),
            version_labels: Default::default(),
            version: None,
            support_end: Some(1.0),
        };
        let files = [file, Path::new("none")].map(KeptFile::new);
        let mut source = Source { files, stamp: Stamp::of(file), shown: Some(shown) };
        assert_eq!(source.read(&mut Files::default()).unwrap().support_end, Some(1.0));
        source.stamp = Stamp::of(other);
        assert!(source.read(&mut Files::default()).is_err());
    }
}
