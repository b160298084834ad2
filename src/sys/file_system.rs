//! Room on file systems: `statfs(2)`, as statvfs(3) hands it out, with the flags of the mount.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;

/// What a file system says of its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The unit of the next three.
    pub block_bytes: u64,
    /// All blocks.
    pub blocks: u64,
    /// Those that are free.
    pub blocks_free: u64,
    /// Those that are free for users without privileges.
    pub blocks_available: u64,
    /// All inodes; 0 where they are made as needed.
    pub files: u64,
    /// Those that are free.
    pub files_free: u64,
    /// Whether it is mounted read-only, or is read-only as a whole.
    pub is_read_only: bool,
}

/// The room on the file system that `path` is on. On one that does not answer, such as NFS without
/// its server, this hangs for as long as that is so, and no signal ends it.
///
/// # Errors
/// Those of `statfs(2)`.
#[allow(clippy::unnecessary_cast, reason = "the types differ by target")]
pub fn room(path: &CStr) -> io::Result<Room> {
    let mut stats = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: `path` ends with a NUL and outlives the call; the other pointer is good for writes of
    // one statvfs.
    if unsafe { libc::statvfs(path.as_ptr(), stats.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure is integers, zeroed and then filled in.
    let stats = unsafe { stats.assume_init() };
    Ok(Room {
        block_bytes: stats.f_bsize as u64,
        blocks: stats.f_blocks as u64,
        blocks_free: stats.f_bfree as u64,
        blocks_available: stats.f_bavail as u64,
        files: stats.f_files as u64,
        files_free: stats.f_ffree as u64,
        is_read_only: stats.f_flag as u64 & libc::ST_RDONLY as u64 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_has_room_and_no_path_has_none() {
        let room = super::room(c"/").unwrap();
        assert!(room.block_bytes > 0 && room.blocks_free <= room.blocks, "{room:?}");
        let error = super::room(c"/none/such").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
