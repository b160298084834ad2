//! One file: read when it changed, and what was read until then.

use super::{Fault, Notice};
use crate::textparse::{Family, parse};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How old a file has to be for its time to tell it from the next that is written in its place: file
/// systems count time in steps, some of them of two seconds.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// A file and what it says.
pub(super) struct TextFile {
    path: PathBuf,
    stamp: Option<Stamp>,
    content: Result<Content, Fault>,
    is_new: bool,
    /// What is wrong with it beside other files.
    pub(super) clash: Option<Fault>,
    notice: Notice,
}

/// What a file says.
#[derive(PartialEq)]
pub(super) struct Content {
    pub(super) families: Vec<Family>,
    /// When it was written, in whole seconds since 1970.
    pub(super) mtime_seconds: i64,
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    mtime: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl TextFile {
    /// A file that is not read yet.
    pub(super) fn new(path: PathBuf) -> TextFile {
        let content = Err(Fault::Io(io::ErrorKind::NotFound.into()));
        TextFile {
            path,
            stamp: None,
            content,
            is_new: true,
            clash: None,
            notice: Notice::default(),
        }
    }

    pub(super) fn path(&self) -> &str {
        // The names of the folder's entries are text, and so are those of flags.
        self.path.to_str().unwrap_or_default()
    }

    pub(super) fn content(&self) -> Option<&Content> {
        self.content.as_ref().ok()
    }

    /// Logs what is wrong with it if that is news, and says whether something is.
    pub(super) fn note_fault(&mut self) -> bool {
        let TextFile { path, content, clash, notice, .. } = self;
        let fault = content.as_ref().err().or(clash.as_ref());
        notice.note("file", &path.display(), fault)
    }

    /// Reads the file if it is not the one that was read last, and says whether it says otherwise;
    /// a new one always does. Its size is taken from `bytes_left`, which all files share.
    pub(super) fn refresh(&mut self, bytes_left: &mut u64) -> bool {
        // A device or a pipe would never end.
        let metadata = self.path.metadata().map_err(Fault::Io);
        let metadata = metadata.and_then(|found| match found.is_file() {
            true => Ok(found),
            false => Err(Fault::NoFile),
        });
        let is_known = |found: &Metadata| self.stamp == Some(Stamp::of(found));
        let (content, stamp) = match metadata {
            Ok(found) if is_known(&found) && found.size() <= *bytes_left => {
                *bytes_left -= found.size();
                return false;
            }
            Ok(found) if found.size() > *bytes_left => (Err(Fault::TooLarge), None),
            Ok(_) => self.read(bytes_left),
            Err(fault) => (Err(fault), None),
        };
        let is_other = match (&content, &self.content) {
            (Ok(content), Ok(before)) => content != before,
            (Err(_), Err(_)) => false,
            _ => true,
        };
        (self.content, self.stamp) = (content, stamp);
        std::mem::take(&mut self.is_new) || is_other
    }

    #[cfg(test)]
    pub(super) fn problem(&self) -> Option<String> {
        self.notice.0.clone()
    }

    /// Reads the file, and says by what it can be known again.
    fn read(&self, bytes_left: &mut u64) -> (Result<Content, Fault>, Option<Stamp>) {
        let mut text = Vec::new();
        match self.read_text(bytes_left, &mut text) {
            Ok(metadata) => {
                let age = metadata.modified().ok();
                let age = age.and_then(|time| SystemTime::now().duration_since(time).ok());
                let is_settled = age.is_some_and(|age| age >= SETTLED_AFTER);
                (Content::parse(&text, &metadata), is_settled.then(|| Stamp::of(&metadata)))
            }
            Err(fault) => (Err(fault), None),
        }
    }

    fn read_text(&self, bytes_left: &mut u64, text: &mut Vec<u8>) -> Result<Metadata, Fault> {
        let file = File::open(&self.path).map_err(Fault::Io)?;
        // From before it is read: what is written meanwhile is read the next time.
        let metadata = file.metadata().map_err(Fault::Io)?;
        let read = file.take(*bytes_left + 1).read_to_end(text).map_err(Fault::Io)?;
        *bytes_left = bytes_left.checked_sub(read as u64).ok_or(Fault::TooLarge)?;
        Ok(metadata)
    }
}

impl Content {
    fn parse(text: &[u8], metadata: &Metadata) -> Result<Content, Fault> {
        let families = parse(text).map_err(Fault::Parse)?;
        let mut metrics = families.iter().flat_map(|family| &family.metrics);
        match metrics.find(|metric| metric.timestamp_ms.is_some()) {
            Some(metric) => Err(Fault::Timestamp { line: metric.line }),
            None => Ok(Content { families, mtime_seconds: metadata.mtime() }),
        }
    }
}
