//! Folders of devices, such as /sys/class/net: which there are, and what a collector keeps of each.
//!
//! ```text
//! Devices<D>     the entries of a folder, by name, each with what the collector keeps for it (D)
//! Attributes<N>  N files of one folder, of which each holds one value
//! ```
//!
//! A folder is listed once a scrape; what is new is asked about once, what is gone is dropped.

use super::absent::Absence;
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::parse_number;
use super::text::{push_text, to_text};
use crate::sys::directory::for_each_entry_on;
use crate::sys::file::Medium;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Entries of a folder that are looked at; the rest is left out. Hosts with a thousand interfaces
/// have 4,000.
const ENTRIES_MAX: usize = 65_536;

/// The entries of a folder that is listed at each scrape.
pub(crate) struct Devices<D> {
    folder: Folder,
    /// By name. Those that `admit` did not want are remembered too.
    known: Vec<Device<D>>,
}

struct Folder {
    path: Arc<Path>,
    /// Open while it is a view of the kernel.
    kept: Option<File>,
    /// How often it may be found empty until it is opened anew.
    empty_listings_left: u8,
    absence: Absence,
}

/// Listings after which a folder that is empty all the time is opened anew: the kernel lists one that
/// was removed, such as that of a module's class, as empty, and another may have its path.
const EMPTY_LISTINGS_MAX: u8 = 16;

struct Device<D> {
    name: Box<str>,
    /// Apart, so that a new device moves little of those behind it.
    state: Option<Box<D>>,
    is_there: bool,
}

impl<D> Devices<D> {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Devices<D> {
        let path = Arc::from(folder.into());
        Devices { folder: Folder::new(path), known: Vec::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Lists the folder. `admit` is asked about each entry that was not there at the last listing
    /// and says what is kept for it, if it is one for the collector. Names that are not UTF-8 are
    /// read as far as they can be.
    ///
    /// # Errors
    /// [`CollectError::NoData`] where there is no such folder; no device is left then.
    pub(crate) fn refresh(
        &mut self,
        mut admit: impl FnMut(&str, &Path) -> Option<D>,
    ) -> Result<(), CollectError> {
        let Devices { folder, known } = self;
        let path = Arc::clone(&folder.path);
        known.iter_mut().for_each(|device| device.is_there = false);
        let listed = folder.list(&mut |name| {
            let name = to_text(name);
            match known.binary_search_by(|device| (*device.name).cmp(&name)) {
                Ok(index) => known[index].is_there = true,
                Err(_) if known.len() >= ENTRIES_MAX => {}
                Err(index) => {
                    let state = admit(&name, &path.join(&*name)).map(Box::new);
                    known.insert(index, Device { name: Box::from(&*name), state, is_there: true });
                }
            }
        });
        known.retain(|device| device.is_there);
        listed.map_err(|error| {
            *known = Vec::new();
            CollectError::from_io(&path, &error)
        })
    }

    /// The same where the folder need not be there.
    pub(crate) fn refresh_if_there(
        &mut self,
        admit: impl FnMut(&str, &Path) -> Option<D>,
    ) -> Result<(), CollectError> {
        match self.refresh(admit) {
            Err(error) if error.is_no_data() => Ok(()),
            refreshed => refreshed,
        }
    }

    /// The devices that were there at the last listing, by name.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut D)> {
        let devices = self.known.iter_mut();
        devices.filter_map(|device| Some((&*device.name, device.state.as_deref_mut()?)))
    }

    /// The device of this name, if it was there at the last listing.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut D> {
        let index = self.known.binary_search_by(|device| (*device.name).cmp(name)).ok()?;
        self.known[index].state.as_deref_mut()
    }

    /// Calls `visit` with each device, by name. The error of one does not keep others from their
    /// turn.
    ///
    /// # Errors
    /// The first of theirs.
    pub(crate) fn visit(
        &mut self,
        mut visit: impl FnMut(&str, &mut D) -> Result<(), CollectError>,
    ) -> Result<(), CollectError> {
        let outcomes = self.iter_mut().map(|(name, device)| visit(name, device));
        outcomes.fold(Ok(()), Result::and)
    }

    /// Whether the collector has no device.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.iter().all(|device| device.state.is_none())
    }
}

impl Folder {
    fn new(path: Arc<Path>) -> Folder {
        Folder { path, kept: None, empty_listings_left: 0, absence: Absence::default() }
    }

    /// Calls `visit` with the name of each entry. After an error the folder is opened anew.
    fn list(&mut self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let kept = self.kept.take().filter(|_| self.empty_listings_left > 0);
        let (folder, medium) = match kept {
            Some(folder) => (folder, Medium::KernelView),
            None => {
                let folder = self.absence.open(&self.path)?;
                let medium = Medium::of(&folder)?;
                self.empty_listings_left = EMPTY_LISTINGS_MAX;
                (folder, medium)
            }
        };
        let mut is_empty = true;
        for_each_entry_on(medium, &folder, |entry| {
            if !matches!(entry.name, b"." | b"..") {
                visit(entry.name);
                is_empty = false;
            }
        })?;
        // What had entries may be gone if it has none.
        self.empty_listings_left = if is_empty { self.empty_listings_left - 1 } else { 1 };
        self.kept = (medium == Medium::KernelView).then_some(folder);
        Ok(())
    }
}

/// Files of one folder, of which each holds one value.
///
/// In a view of the kernel their descriptors are kept. Elsewhere (a fixture) they are kept while
/// the folder is as it was, which costs one system call for all of them.
pub(crate) struct Attributes<const N: usize> {
    folder: Arc<Path>,
    files: [KeptFile; N],
    stamp: Option<Stamp>,
}

/// What changes when a file is written or replaced; of a folder, when a file of it is replaced, or
/// the folder is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    /// Unlike the time before, none that a program can set.
    changed: (i64, i64),
    is_settled: bool,
}

/// What was changed later than this ago may be changed again without a new time: file systems count
/// time in steps, some of them of two seconds.
const STAMP_SETTLES_AFTER_SECONDS: u64 = 2;

impl Stamp {
    /// The stamp of a file or folder; `None` where there is none.
    pub(crate) fn of(path: &Path) -> Option<Stamp> {
        let found = std::fs::metadata(path).ok()?;
        let latest = u64::try_from(found.mtime().max(found.ctime())).unwrap_or(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let age_seconds = now.and_then(|now| now.as_secs().checked_sub(latest));
        Some(Stamp {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            is_settled: age_seconds.is_some_and(|age| age > STAMP_SETTLES_AFTER_SECONDS),
        })
    }

    /// Whether what had the stamp `before` may be another `now`.
    pub(crate) fn has_changed(before: Option<Stamp>, now: Option<Stamp>) -> bool {
        before != now || now.is_some_and(|now| !now.is_settled)
    }
}

impl<const N: usize> Attributes<N> {
    /// The files `names` of `folder`, none of which is opened yet.
    pub(crate) fn new(folder: &Path, names: [&str; N]) -> Attributes<N> {
        let files = names.map(|name| KeptFile::new(folder.join(name)));
        Attributes { folder: Arc::from(folder), files, stamp: None }
    }

    /// Finds out whether the files of the last scrape are still the ones of these names. To be
    /// called once a scrape, before the first is read.
    pub(crate) fn begin_scrape(&mut self) {
        if self.files.iter().any(KeptFile::is_doubtful) {
            let stamp = Stamp::of(&self.folder);
            if stamp.is_none() || Stamp::has_changed(self.stamp, stamp) {
                self.files.iter_mut().for_each(KeptFile::doubt);
            }
            self.stamp = stamp;
        }
    }

    /// Lets go of the descriptor of a file that is seldom read.
    pub(crate) fn close(&mut self, index: usize) {
        self.files[index].close();
    }

    /// What the file `index` contains, without white space at its ends.
    ///
    /// # Errors
    /// [`CollectError::NoData`] where there is no such file, [`CollectError::Io`] for the rest,
    /// refusals of the driver among them.
    pub(crate) fn read<'f>(
        &mut self,
        index: usize,
        files: &'f mut Files,
    ) -> Result<&'f [u8], CollectError> {
        self.files[index].read_undoubted(&mut files.buffer).map(<[u8]>::trim_ascii)
    }

    /// The same as text; `None` where it cannot be read or is not UTF-8.
    pub(crate) fn text<'f>(&mut self, index: usize, files: &'f mut Files) -> Option<&'f str> {
        std::str::from_utf8(self.read(index, files).ok()?).ok()
    }

    /// Copies the same into `text`, which is empty where it cannot be read. Runs of bytes that
    /// are not UTF-8 become U+FFFD. Returns whether it was read.
    pub(crate) fn copy_text(&mut self, index: usize, files: &mut Files, text: &mut String) -> bool {
        text.clear();
        let content = self.read(index, files);
        if let Ok(content) = &content {
            push_text(text, content);
        }
        content.is_ok()
    }

    /// Copies the texts of the first files into `texts`, as [`Attributes::copy_text`] does.
    pub(crate) fn copy_texts(&mut self, files: &mut Files, texts: &mut [String]) {
        for (index, text) in texts.iter_mut().enumerate() {
            self.copy_text(index, files, text);
        }
    }

    /// The same as a number; `None` where it cannot be read or is none.
    pub(crate) fn number(&mut self, index: usize, files: &mut Files) -> Option<f64> {
        parse_number(self.read(index, files).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it may be found empty after one more listing.
    fn empty_listings_left(folder: &mut Folder) -> u8 {
        folder.list(&mut |_| ()).unwrap();
        folder.empty_listings_left
    }

    #[test]
    fn a_view_stays_open_and_another_folder_does_not() {
        for (path, is_view) in [("/sys/class", true), ("src", false)] {
            let mut folder = Folder::new(Path::new(path).into());
            for _ in 0..3 {
                assert_eq!(empty_listings_left(&mut folder), 1);
                assert_eq!(folder.kept.is_some(), is_view, "{path}");
            }
        }
    }

    #[test]
    fn an_empty_folder_is_opened_anew_at_times() {
        let classes = std::fs::read_dir("/sys/class").unwrap().map(|class| class.unwrap().path());
        let is_empty = |class: &PathBuf| std::fs::read_dir(class).unwrap().count() == 0;
        let Some(empty) = classes.into_iter().find(is_empty) else { return };
        let mut folder = Folder::new(empty.into());
        for expected in (0..EMPTY_LISTINGS_MAX).rev().cycle().take(40) {
            assert_eq!(empty_listings_left(&mut folder), expected);
        }
        // As if it had had entries the last time.
        folder.empty_listings_left = 1;
        assert_eq!(empty_listings_left(&mut folder), 0);
        assert_eq!(empty_listings_left(&mut folder), EMPTY_LISTINGS_MAX - 1);
    }

    #[test]
    fn an_entry_that_a_view_gains_is_listed() {
        let mut tasks = Devices::new("/proc/self/task");
        let mut count = || {
            tasks.refresh(|_, _| Some(())).unwrap();
            (
                tasks.folder.kept.is_some(),
                tasks.iter_mut().map(|(name, _)| name.to_owned()).collect(),
            )
        };
        let (_, before): (bool, Vec<String>) = count();
        let (to_end, end) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let link = std::fs::read_link("/proc/thread-self").unwrap();
            tell.send(link.file_name().unwrap().to_str().unwrap().to_owned()).unwrap();
            end.recv().unwrap_err();
        });
        let name = told.recv().unwrap();
        let (is_kept, now) = count();
        assert!(is_kept && now.contains(&name) && !before.contains(&name), "{name} {now:?}");
        drop(to_end);
        thread.join().unwrap();
    }
}
