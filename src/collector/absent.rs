//! Sources that are absent: most hosts lack most of them, and each is looked for at each scrape.
//!
//! open(2) allocates a file for what is missing all the same, so what was missing is looked for
//! first, which takes two thirds of the time. Half of that again is the walk from the root: in a view
//! of the kernel the look is one by faccessat(2) from the nearest folder that is there, which stays
//! open and is shared by all that is looked for below it.

use super::fs::can_stay_open;
use crate::metric::lock;
use crate::sys::file::{Medium, exists_below, open_place};
use std::ffi::CString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

/// Looks from a folder before it is asked whether it is still the one of its path: that of a module
/// may have been removed, and be there anew.
const LOOKS_MAX: u8 = 16;

/// Folders that stay open. What is above these, such as devices each of which lacks some attributes,
/// is walked through from the root.
const FOLDERS_MAX: usize = 16;

/// Whether a source was missing, and how to look for it then.
#[derive(Debug, Default)]
pub(super) enum Absence {
    #[default]
    Unknown,
    ByPath,
    Below(Missing),
}

#[derive(Debug)]
pub(super) struct Missing {
    above: Arc<Above>,
    /// Its path from there.
    name: CString,
    looks_left: u8,
}

/// A folder of a view, open for looks into it.
#[derive(Debug)]
struct Above {
    path: PathBuf,
    folder: File,
}

impl Absence {
    /// Opens `path`, which is the same at each call.
    ///
    /// # Errors
    /// What open(2) fails with, ENOENT for what is still missing.
    pub(super) fn open(&mut self, path: &Path) -> io::Result<File> {
        let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let looked = match self {
            Absence::Unknown => Ok(()),
            Absence::ByPath => std::fs::metadata(path).map(drop),
            Absence::Below(missing) => missing.look(),
        };
        if let Err(error) = looked
            && is_missing(&error)
        {
            return Err(error);
        }
        let opened = File::open(path);
        *self = match opened.as_ref().is_err_and(is_missing) {
            true => Missing::below_a_view(path).map_or(Absence::ByPath, Absence::Below),
            false => Absence::Unknown,
        };
        opened
    }
}

impl Missing {
    /// `None` where the nearest folder that is there is no view of the kernel.
    fn below_a_view(path: &Path) -> Option<Missing> {
        for ancestor in path.ancestors().skip(1) {
            match Above::shared(ancestor) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                above => {
                    let name = path.strip_prefix(ancestor).ok()?.as_os_str().as_bytes();
                    let (above, name) = (above.ok()??, CString::new(name).ok()?);
                    return Some(Missing { above, name, looks_left: LOOKS_MAX });
                }
            }
        }
        None
    }

    /// Fails with ENOENT if it is missing; otherwise its path is to be opened.
    fn look(&mut self) -> io::Result<()> {
        if self.looks_left == 0 {
            if !self.above.is_current() {
                return Ok(());
            }
            self.looks_left = LOOKS_MAX;
        }
        self.looks_left -= 1;
        exists_below(&self.above.folder, &self.name)
    }
}

impl Above {
    /// The folder `path`, if it is a view of the kernel and one more can stay open.
    fn shared(path: &Path) -> io::Result<Option<Arc<Above>>> {
        static KNOWN: Mutex<Vec<Weak<Above>>> = Mutex::new(Vec::new());
        let mut known = lock(&KNOWN);
        let shared = known.iter().filter_map(Weak::upgrade).find(|above| above.path == path);
        let is_of = |above: &Arc<Above>| shared.as_ref().is_some_and(|it| Arc::ptr_eq(it, above));
        if shared.as_ref().is_some_and(|above| above.is_current()) {
            return Ok(shared);
        }
        known.retain(|above| above.upgrade().is_some_and(|above| !is_of(&above)));
        if known.len() == FOLDERS_MAX {
            return Ok(None);
        }
        let folder = open_place(path)?;
        if Medium::of(&folder)? != Medium::KernelView || !can_stay_open(&folder) {
            return Ok(None);
        }
        let above = Arc::new(Above { path: path.to_owned(), folder });
        known.push(Arc::downgrade(&above));
        Ok(Some(above))
    }

    /// Whether it is still what its path leads to.
    fn is_current(&self) -> bool {
        let identity = |found: io::Result<Metadata>| found.map(|it| (it.dev(), it.ino())).ok();
        let own = identity(self.folder.metadata());
        own.is_some() && own == identity(std::fs::metadata(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    fn above(absence: &Absence) -> Option<&Arc<Above>> {
        match absence {
            Absence::Below(missing) => Some(&missing.above),
            Absence::Unknown | Absence::ByPath => None,
        }
    }

    #[test]
    fn what_is_missing_in_views_is_looked_for_from_one_folder() {
        let paths = ["/proc/none", "/proc/none/such", "/proc/self/none"].map(Path::new);
        let mut absences = paths.map(|_| Absence::default());
        for _ in 0..2 * LOOKS_MAX + 3 {
            for (path, absence) in paths.iter().zip(&mut absences) {
                assert_eq!(absence.open(path).unwrap_err().kind(), io::ErrorKind::NotFound);
            }
            let [proc, below_proc, of_self] = absences.each_ref().map(|a| above(a).unwrap());
            assert!(Arc::ptr_eq(proc, below_proc) && !Arc::ptr_eq(proc, of_self));
        }
    }

    #[test]
    fn what_comes_late_is_found() {
        let thread = |name: &str| format!("/proc/self/task/{name}/comm");
        // No thread has the number 0; the name is another one's from then on.
        let mut absence = Absence::default();
        assert!(absence.open(Path::new(&thread("0"))).is_err());
        let own = std::fs::read_link("/proc/thread-self").unwrap();
        let own = own.file_name().unwrap().to_str().unwrap();
        let Absence::Below(missing) = &mut absence else { panic!("{absence:?}") };
        missing.name = CString::new(format!("{own}/comm")).unwrap();
        assert!(absence.open(Path::new(&thread(own))).is_ok());
        assert!(matches!(absence, Absence::Unknown));
    }

    #[test]
    fn a_folder_that_is_gone_is_given_up() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let mut absence = Absence::default();
        let path = format!("/proc/{}/none", child.id());
        assert!(absence.open(Path::new(&path)).is_err());
        let before = Arc::clone(above(&absence).unwrap());
        drop(child.stdin.take());
        child.wait().unwrap();
        for _ in 0..=LOOKS_MAX {
            assert!(absence.open(Path::new(&path)).is_err());
        }
        assert!(!Arc::ptr_eq(&before, above(&absence).unwrap()), "it is that of /proc now");
    }

    #[test]
    fn other_files_are_looked_for_by_their_path() {
        let scratch = Scratch::new("absent-others");
        let mut absence = Absence::default();
        let path = scratch.path("folder/file");
        for _ in 0..2 {
            assert!(absence.open(&path).is_err());
            assert!(matches!(absence, Absence::ByPath), "{absence:?}");
        }
        scratch.write("folder/file", b"");
        assert!(absence.open(&path).is_ok());
    }
}
