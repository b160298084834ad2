//! The file that says what is mounted, read when it has changed.

use super::mounts::{Mount, parse_mounts};
use crate::collector::error::CollectError;
use crate::collector::fs::{Files, KeptFile};
use std::path::Path;

/// Scrapes for which poll(2) is believed that the file is as it was. What it does not tell of, such
/// as a new name of a folder above a mount point, shows after so many at the latest.
const BELIEVED_SCRAPES: u32 = 20;

pub(super) struct MountInfo {
    /// That of process 1, and that of this one for where the former is hidden.
    files: [KeptFile; 2],
    /// Which of them was read last.
    current: usize,
    /// What it contained then.
    known: Vec<u8>,
    /// Scrapes for which it need not be read as long as it can be polled without an event.
    believed: u32,
}

impl MountInfo {
    pub(super) fn new(proc: &Path) -> MountInfo {
        let file = |process| KeptFile::of_many_records(proc.join(process).join("mountinfo"));
        MountInfo { files: ["1", "self"].map(file), current: 0, known: Vec::new(), believed: 0 }
    }

    /// Reads the file the next time, whatever poll(2) says.
    pub(super) fn doubt(&mut self) {
        self.believed = 0;
    }

    /// The mounts, if they may be others than those that it gave last.
    pub(super) fn read_changed(
        &mut self,
        files: &mut Files,
        rootfs: &[u8],
    ) -> Result<Option<Vec<Mount>>, CollectError> {
        let is_believed = self.believed > 0 && !self.files[self.current].may_have_changed();
        if is_believed {
            self.believed -= 1;
            return Ok(None);
        }
        self.believed = 0;
        let content = match self.files[0].read(&mut files.buffer) {
            Err(error) if error.is_hidden() => {
                self.current = 1;
                self.files[1].read(&mut files.buffer)?
            }
            content => {
                self.current = 0;
                content?
            }
        };
        if content != self.known {
            let mounts = parse_mounts(content, rootfs)?;
            self.known.clear();
            self.known.extend_from_slice(content);
            self.believed = BELIEVED_SCRAPES;
            return Ok(Some(mounts));
        }
        self.believed = BELIEVED_SCRAPES;
        Ok(None)
    }
}
