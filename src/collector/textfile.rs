//! `textfile`: what others wrote into files, in the text format (see
//! [`textparse`](crate::textparse)). Sources: `*.prom` in the folders of a flag.
//!
//! ```text
//! glob    folders that a pattern names
//! file    a file is read when inode, size or time changed, else what it said still stands
//! merge   the families of all files, and what does not go together
//! shown   those families in the registry
//! ```
//!
//! A file that cannot be read or parsed costs its own series, a family that clashes with another
//! (of an earlier file, or of this exporter) costs that family. Both are logged once and make
//! `node_textfile_scrape_error` 1; the collector has success 1 all the same, as in node_exporter.

mod file;
mod glob;
mod merge;
mod shown;

use super::devices::Devices;
use super::error::CollectError;
use super::flags::Flag;
use super::fs::Files;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::log;
use crate::registry::{RegisterError, Registry};
use crate::sys::error::plain;
use crate::textparse::ParseError;
use file::{Content, TextFile};
use merge::{LABEL_NAMES_MAX, LABELS_MAX};
use shown::Shown;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::PathBuf;

const DIRECTORY: &str = "collector.textfile.directory";

pub(super) const FLAGS: &[Flag] = &[Flag::texts(
    DIRECTORY,
    "Directory of *.prom files with metrics, or a pattern of directories. Repeatable.",
)];

/// Bytes of all files together past which the next ones are refused. What is shown of a file takes
/// 20 times its size where lines are long, 60 times where they are short, and 300 times where each is
/// of another family.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

const ERRORS: [Metric; 1] =
    [Metric::gauge("node_textfile_scrape_error", "Whether something is wrong with a textfile.")];
const TIMES: [Metric; 1] =
    [Metric::gauge("node_textfile_mtime_seconds", "When a textfile that is shown was written.")];

pub(super) struct Textfile {
    patterns: Vec<String>,
    folders: Vec<Folder>,
    shown: Shown,
    /// Whether all that was to be shown could be registered.
    is_registered: bool,
    errors: Table,
    times: Table,
}

/// A folder with files.
struct Folder {
    path: PathBuf,
    files: Devices<TextFile>,
    error: Option<CollectError>,
    notice: Notice,
}

/// What is wrong with a file.
#[derive(Debug)]
enum Fault {
    Io(io::Error),
    /// It is a folder, a device or a pipe.
    NoFile,
    TooLarge,
    Parse(ParseError),
    /// When a sample was taken is the scrape's to say.
    Timestamp {
        line: usize,
    },
    OtherKind {
        family: String,
    },
    OtherHelp {
        family: String,
    },
    SeriesTwice {
        family: String,
        line: usize,
    },
    TooManyLabels {
        family: String,
    },
    TooManyLabelNames {
        family: String,
    },
    Register(RegisterError),
}

impl Textfile {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(Textfile::new(&setup.registry, setup.flags.texts(DIRECTORY))?))
    }

    /// Without patterns it has nothing to show but that nothing is wrong.
    fn new(registry: &Registry, patterns: Vec<String>) -> Result<Textfile, RegisterError> {
        Ok(Textfile {
            patterns,
            folders: Vec::new(),
            shown: Shown::new(registry.clone()),
            is_registered: true,
            errors: Table::register(registry, &[], &ERRORS)?,
            times: Table::register(registry, &["file"], &TIMES)?,
        })
    }

    /// Finds the folders that there are now, and says whether one of those before is gone.
    fn find_folders(&mut self) -> bool {
        let named = self.patterns.iter().filter(|pattern| !pattern.is_empty());
        let mut seen = HashSet::new();
        let paths = named.flat_map(|pattern| glob::folders(pattern));
        let paths: Vec<PathBuf> = paths.filter(|path| seen.insert(path.clone())).collect();
        if self.folders.iter().map(|folder| &folder.path).eq(&paths) {
            return false;
        }
        let before = self.folders.drain(..).map(|folder| (folder.path.clone(), folder));
        let mut before: HashMap<PathBuf, Folder> = before.collect();
        let folder = |path| before.remove(&path).unwrap_or_else(|| Folder::new(path));
        self.folders = paths.into_iter().map(folder).collect();
        !before.is_empty()
    }

    /// The files of all folders, in the order in which they count.
    fn files(&mut self) -> Vec<&mut TextFile> {
        let of_folder = |folder| Folder::files(folder);
        self.folders.iter_mut().flat_map(of_folder).collect()
    }

    /// Shows what the files say, and keeps what is wrong with them beside each other.
    fn show(&mut self) {
        let files = self.files();
        let (merged, mut faults) = merge::merge(&files);
        let unregistered = self.shown.update(merged);
        self.is_registered = unregistered.is_empty();
        faults.extend(unregistered);
        let mut files = self.files();
        files.iter_mut().for_each(|file| file.clash = None);
        for (file, fault) in faults {
            files[file].clash.get_or_insert(fault);
        }
    }

    fn set_times(&mut self) {
        let files = self.folders.iter_mut().flat_map(Folder::files);
        let time = |file: &mut TextFile| {
            let &Content { mtime_seconds, .. } = file.content()?;
            Some((file.path().to_owned(), mtime_seconds))
        };
        let mut times: Vec<(String, i64)> = files.filter_map(time).collect();
        times.sort_unstable();
        let mut sweep = self.times.sweep();
        for (path, seconds) in &times {
            sweep.row(&[path]).set(0, Some(*seconds as f64));
        }
    }

    /// Logs what is wrong if that is news, and says whether something is.
    fn note_faults(&mut self) -> bool {
        let mut is_wrong = false;
        for folder in &mut self.folders {
            let Folder { path, error, notice, .. } = folder;
            is_wrong |= notice.note("folder", &path.display(), error.as_ref());
            for file in folder.files() {
                is_wrong |= file.note_fault();
            }
        }
        is_wrong
    }
}

impl Collector for Textfile {
    fn collect(&mut self, _: &mut Files) -> Result<(), CollectError> {
        let mut is_changed = self.find_folders() || !self.is_registered;
        let mut bytes_left = BYTES_MAX;
        for folder in &mut self.folders {
            is_changed |= folder.refresh(&mut bytes_left);
        }
        if is_changed {
            self.show();
            self.set_times();
        }
        let is_wrong = self.note_faults();
        self.errors.set(&[Some(f64::from(u8::from(is_wrong)))]);
        Ok(())
    }
}

impl Folder {
    fn new(path: PathBuf) -> Folder {
        let files = Devices::new(&*path);
        Folder { path, files, error: None, notice: Notice::default() }
    }

    fn files(&mut self) -> impl Iterator<Item = &mut TextFile> {
        self.files.iter_mut().map(|(_, file)| file)
    }

    /// Reads what changed, and says whether something did.
    fn refresh(&mut self, bytes_left: &mut u64) -> bool {
        let before = self.files().count();
        let listed = self
            .files
            .refresh(|name, path| name.ends_with(".prom").then(|| TextFile::new(path.to_owned())));
        self.error = listed.err();
        let (mut is_changed, mut count) = (false, 0);
        for file in self.files() {
            is_changed |= file.refresh(bytes_left);
            count += 1;
        }
        is_changed || count != before
    }
}

/// What was logged last of a file or folder.
#[derive(Default)]
struct Notice(Option<String>);

impl Notice {
    /// Logs `problem` of what is at `path`, a `kind`, if it is not the last one. Says whether there
    /// is one.
    fn note(
        &mut self,
        kind: &'static str,
        path: &dyn fmt::Display,
        problem: Option<&impl ToString>,
    ) -> bool {
        let problem = problem.map(ToString::to_string);
        if self.0 != problem {
            match &problem {
                Some(error) => log::warn("textfile failed", &[(kind, path), ("error", error)]),
                None => log::info("textfile works again", &[(kind, path)]),
            }
            self.0 = problem;
        }
        self.0.is_some()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Io(error) => f.write_str(&plain(error)),
            Fault::NoFile => f.write_str("not a file"),
            Fault::TooLarge => write!(f, "more than {BYTES_MAX} bytes with the files before it"),
            Fault::Parse(error) => error.fmt(f),
            Fault::Timestamp { line } => write!(f, "line {line}: a sample has a time of its own"),
            Fault::OtherKind { family } => write!(f, "{family}: an earlier file has another type"),
            Fault::OtherHelp { family } => write!(f, "{family}: an earlier file has another HELP"),
            Fault::SeriesTwice { family, line } => {
                write!(f, "line {line}: {family} has a series with these labels already")
            }
            Fault::TooManyLabels { family } => {
                write!(f, "{family}: more than {LABELS_MAX} labels with those before it")
            }
            Fault::TooManyLabelNames { family } => {
                write!(f, "{family}: more than {LABEL_NAMES_MAX} names of labels")
            }
            Fault::Register(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
