//! What std's files do not tell or do: the file system they are on, by statfs(2), and descriptors
//! that stand for a place, by open(2) with O_PATH.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens what is at `path` only to ask for its metadata, which takes no permission to read it.
///
/// # Errors
/// What open(2) fails with.
pub fn open_place(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path)
}

/// Looks for the path `name` from `folder` on, by faccessat(2).
///
/// # Errors
/// ENOENT where there is nothing, and what else it fails with.
pub fn exists_below(folder: &File, name: &CStr) -> io::Result<()> {
    // SAFETY: `name` ends with a NUL and outlives the call.
    match unsafe { libc::faccessat(folder.as_raw_fd(), name.as_ptr(), libc::F_OK, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether poll(2) says of `file` that it may have changed since it was opened or this was last
/// asked. For the files of which proc(5) says that they can be polled, such as those of mounts.
pub fn has_event(file: &File) -> bool {
    let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLPRI, revents: 0 };
    // SAFETY: the pointer is good for one pollfd.
    let ready = unsafe { libc::poll(&raw mut poll, 1, 0) };
    // Also where it could not be asked.
    ready != 0
}

/// What an open file is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A view of the kernel (procfs, sysfs and their kin), whose content is made up anew by each
    /// read from its start.
    KernelView,
    /// A file on this host: who reads it again reads what was written to it meanwhile.
    Local,
    /// Any other, such as an overlay, whose file may be another one after it was written to.
    Other,
}

impl Medium {
    /// The medium of `file`.
    ///
    /// # Errors
    /// What fstatfs(2) fails with.
    pub fn of(file: &File) -> io::Result<Medium> {
        Ok(match file_system_magic(file)? {
            PROC | SYSFS | DEBUGFS | TRACEFS | SECURITYFS | SELINUX => Medium::KernelView,
            EXT4 | TMPFS | XFS | BTRFS => Medium::Local,
            _ => Medium::Other,
        })
    }
}

/// Whether `folder` is on selinuxfs. One that cannot be asked is not.
pub fn is_selinuxfs(folder: &File) -> bool {
    file_system_magic(folder).is_ok_and(|magic| magic == SELINUX)
}

// From linux/magic.h, each below 2^32.
const PROC: u32 = 0x9fa0;
const SYSFS: u32 = 0x6265_6572;
const DEBUGFS: u32 = 0x6462_6720;
const TRACEFS: u32 = 0x7472_6163;
const SECURITYFS: u32 = 0x7363_6673;
const SELINUX: u32 = 0xf97c_ff8c;
const EXT4: u32 = 0xef53;
const TMPFS: u32 = 0x0102_1994;
const XFS: u32 = 0x5846_5342;
const BTRFS: u32 = 0x9123_683e;

#[allow(clippy::unnecessary_cast, reason = "the types differ by target")]
fn file_system_magic(file: &File) -> io::Result<u32> {
    let mut stats = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the pointer is good for writes of one statfs.
    if unsafe { libc::fstatfs(file.as_raw_fd(), stats.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure is integers, zeroed and then filled in.
    let stats = unsafe { stats.assume_init() };
    Ok(stats.f_type as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_metadata_and_cannot_be_read() {
        let place = open_place(Path::new("Cargo.toml")).unwrap();
        let length = std::fs::metadata("Cargo.toml").unwrap().len();
        assert_eq!(place.metadata().unwrap().len(), length);
        assert!(io::Read::read(&mut &place, &mut [0]).is_err());
    }

    #[test]
    fn tells_kernel_views_from_files() {
        let medium = |path| Medium::of(&File::open(path).unwrap()).unwrap();
        assert_eq!(medium("/proc/self/stat"), Medium::KernelView);
        assert_eq!(medium("/sys/kernel"), Medium::KernelView);
        assert_ne!(medium("Cargo.toml"), Medium::KernelView);
    }
}
