//! Names in a folder that is kept open: getdents64(2).
//!
//! `std::fs::read_dir` opens the folder and allocates for each name at each listing.

use super::batch::with_batch;
use super::file::Medium;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsRawFd;

/// Bytes in front of the name in a `linux_dirent64`:
///
/// ```text
/// d_ino u64 | d_off i64 | d_reclen u16 | d_type u8 | d_name, terminated, padded to d_reclen
/// ```
const HEADER_BYTES: usize = 19;
/// Where `d_off` stands, and the length of the entry.
const NEXT_AT: usize = 8;
const LENGTH_AT: usize = 16;

/// Where a folder of sysfs ends: the kernel keeps this number from being the position of an entry
/// (`kernfs_name_hash`). Positions in other views count entries or processes, and stay below it.
const END_OF_VIEW: i64 = i32::MAX as i64;

/// A thing in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its inode: that of another thing of the same name differs.
    pub inode: u64,
    /// Its name.
    pub name: &'a [u8],
    /// Where in the folder the next one is looked for.
    next: i64,
}

/// Calls `visit` with each name in `folder`, `.` and `..` among them, in the order of the file
/// system.
///
/// # Errors
/// What lseek(2) or getdents64(2) fails with: ENOTDIR, or ENOENT for a folder that is gone.
pub fn for_each_name(folder: &File, mut visit: impl FnMut(&[u8])) -> io::Result<()> {
    for_each_entry(folder, |entry| visit(entry.name))
}

/// The same with what else the folder says of each.
///
/// # Errors
/// As [`for_each_name`].
pub fn for_each_entry(folder: &File, visit: impl FnMut(Entry<'_>)) -> io::Result<()> {
    for_each_entry_on(Medium::Other, folder, visit)
}

/// The same of a folder that is on `medium`. A view of the kernel may say with its last entry that
/// it is the last, which saves the call that would find nothing.
///
/// # Errors
/// As [`for_each_name`].
pub fn for_each_entry_on(
    medium: Medium,
    mut folder: &File,
    mut visit: impl FnMut(Entry<'_>),
) -> io::Result<()> {
    folder.seek(SeekFrom::Start(0))?;
    with_batch(|batch| {
        loop {
            let names = next_batch(folder, batch)?;
            let mut next = None;
            for entry in entries(names) {
                next = Some(entry.next);
                visit(entry);
            }
            if names.is_empty() || medium == Medium::KernelView && next == Some(END_OF_VIEW) {
                return Ok(());
            }
        }
    })
}

fn next_batch<'a>(folder: &File, batch: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let folder = folder.as_raw_fd();
    // SAFETY: the pointer and the length are those of a buffer that may be written to.
    let read =
        unsafe { libc::syscall(libc::SYS_getdents64, folder, batch.as_mut_ptr(), batch.len()) };
    let bytes = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    Ok(&batch[..bytes])
}

/// The entries that stand end to end in `batch`.
fn entries(mut batch: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let length = batch.get(LENGTH_AT..LENGTH_AT + 2)?;
        let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
        let name = batch.get(HEADER_BYTES..length)?.split(|byte| *byte == 0).next()?;
        let inode = u64::from_ne_bytes(*batch.first_chunk()?);
        let next = i64::from_ne_bytes(*batch[NEXT_AT..].first_chunk()?);
        batch = &batch[length..];
        Some(Entry { inode, name, next })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn lists_what_std_lists_and_lists_it_again() {
        let folder = File::open("src").unwrap();
        let expected: BTreeSet<String> = std::fs::read_dir("src")
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .chain([".".to_owned(), "..".to_owned()])
            .collect();
        for _ in 0..2 {
            let mut seen = BTreeSet::new();
            for_each_name(&folder, |name| {
                seen.insert(String::from_utf8(name.to_vec()).unwrap());
            })
            .unwrap();
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn entries_have_the_inodes_of_their_files() {
        use std::os::unix::fs::MetadataExt;
        let mut found = None;
        let visit = |entry: Entry<'_>| {
            if entry.name == b"lib.rs" {
                found = Some(entry.inode);
            }
        };
        for_each_entry(&File::open("src").unwrap(), visit).unwrap();
        assert_eq!(found, Some(std::fs::metadata("src/lib.rs").unwrap().ino()));
    }

    #[test]
    fn a_view_is_listed_to_its_end() {
        for path in ["/proc/sys", "/sys", "/sys/class", "/sys/devices/system/cpu", "/sys/module"] {
            let Ok(folder) = File::open(path) else { continue };
            let list = |medium| {
                let mut inodes = Vec::new();
                for_each_entry_on(medium, &folder, |entry| inodes.push(entry.inode)).unwrap();
                inodes
            };
            assert_eq!(list(Medium::KernelView), list(Medium::Other), "{path}");
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = File::open("Cargo.toml").unwrap();
        let error = for_each_name(&file, |_| ()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTDIR));
    }

    #[test]
    fn a_cut_entry_ends_the_list() {
        for cut in [0, 1, LENGTH_AT, LENGTH_AT + 1, HEADER_BYTES, HEADER_BYTES + 3] {
            let mut entry = vec![0; cut];
            if let Some(length) = entry.get_mut(LENGTH_AT..LENGTH_AT + 2) {
                length.copy_from_slice(&24_u16.to_ne_bytes());
            }
            assert_eq!(entries(&entry).count(), 0, "{cut} bytes");
        }
    }
}
