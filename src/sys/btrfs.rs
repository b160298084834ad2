//! The devices of mounted Btrfs file systems: ioctls of linux/btrfs.h.
//!
//! All arguments are structures of fixed size, in words of eight bytes:
//!
//! ```text
//! FS_INFO        0 largest id of a device | 1 devices | 2-3 id of the file system | ... 128
//! DEV_INFO       0 id | 1-2 uuid | 3 bytes used | 4 bytes | ... | 384-511 path
//! GET_DEV_STATS  0 id | 1 counters that there is room for | 2 flags | 3-7 counters | ... 129
//! ```

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

const FS_INFO: u32 = 0x8400_941f;
const FS_INFO_WORDS: usize = 128;

const DEV_INFO: u32 = 0xd000_941e;
const DEV_INFO_WORDS: usize = 512;
const PATH_WORD: usize = 384;

const GET_DEV_STATS: u32 = 0xc408_9434;
const GET_DEV_STATS_WORDS: usize = 129;
const COUNTERS_WORD: usize = 3;

/// Errors that are counted of a device: in writing, in reading, in flushing, of checksums and of
/// generations.
pub const COUNTERS: usize = 5;

/// A file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// No device has a larger id.
    pub device_id_max: u64,
    /// How many devices there are.
    pub devices: u64,
    /// What tells it from others.
    pub id: [u8; 16],
}

/// A device of a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What tells it from others.
    pub uuid: [u8; 16],
    /// Bytes that are allocated.
    pub bytes_used: u64,
    /// All bytes that the file system may use.
    pub bytes: u64,
    /// Where it is; empty while it is missing.
    pub path: Vec<u8>,
    /// Errors, since they were last set back.
    pub errors: [u64; COUNTERS],
}

/// The file system that an open folder is on.
///
/// # Errors
/// `ENOTTY` where it is none of Btrfs.
pub fn info(folder: &File) -> io::Result<Info> {
    let mut words = [0; FS_INFO_WORDS];
    ask(folder, FS_INFO, &mut words)?;
    Ok(read_info(&words))
}

/// The device of this id; `None` where there is none.
///
/// # Errors
/// `ENOTTY` where the folder is on no file system of Btrfs, `EPERM` where the caller may not ask.
pub fn device(folder: &File, id: u64) -> io::Result<Option<Device>> {
    let (mut told, mut counted) = ([0; DEV_INFO_WORDS], [0; GET_DEV_STATS_WORDS]);
    told[0] = id;
    match ask(folder, DEV_INFO, &mut told) {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return Ok(None),
        asked => asked?,
    }
    counted[..2].copy_from_slice(&[id, COUNTERS as u64]);
    ask(folder, GET_DEV_STATS, &mut counted)?;
    Ok(Some(read_device(&told, &counted)))
}

/// Makes a request whose number has the size of its argument in bits 16 to 29.
fn ask<const WORDS: usize>(
    folder: &File,
    request: u32,
    words: &mut [u64; WORDS],
) -> io::Result<()> {
    debug_assert_eq!((request >> 16 & 0x3fff) as usize, size_of_val(words));
    // SAFETY: the kernel reads and writes as many bytes as the number of the request says, which
    // are those of `words`.
    match unsafe { libc::ioctl(folder.as_raw_fd(), request as _, words.as_mut_ptr()) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn read_info(words: &[u64; FS_INFO_WORDS]) -> Info {
    Info { device_id_max: words[0], devices: words[1], id: bytes([words[2], words[3]]) }
}

fn read_device(told: &[u64; DEV_INFO_WORDS], counted: &[u64; GET_DEV_STATS_WORDS]) -> Device {
    let path = told[PATH_WORD..].iter().flat_map(|word| word.to_ne_bytes());
    let mut errors = [0; COUNTERS];
    errors.copy_from_slice(&counted[COUNTERS_WORD..][..COUNTERS]);
    Device {
        uuid: bytes([told[1], told[2]]),
        bytes_used: told[3],
        bytes: told[4],
        path: path.take_while(|byte| *byte != 0).collect(),
        errors,
    }
}

fn bytes(words: [u64; 2]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(words.map(u64::to_ne_bytes).as_flattened());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_where_the_kernel_writes() {
        let mut info = [0; FS_INFO_WORDS];
        info[..4].copy_from_slice(&[7, 2, u64::from_ne_bytes(*b"abcdefgh"), 0]);
        let expected = Info { device_id_max: 7, devices: 2, id: *b"abcdefgh\0\0\0\0\0\0\0\0" };
        assert_eq!(read_info(&info), expected);

        let (mut told, mut counted) = ([0; DEV_INFO_WORDS], [0; GET_DEV_STATS_WORDS]);
        told[..5].copy_from_slice(&[7, 0, u64::from_ne_bytes(*b"ijklmnop"), 30, 40]);
        told[PATH_WORD] = u64::from_ne_bytes(*b"/dev/sda");
        told[PATH_WORD + 1] = u64::from_ne_bytes(*b"1\0garbag");
        counted[..8].copy_from_slice(&[7, 5, 0, 1, 2, 3, 4, 5]);
        let device = read_device(&told, &counted);
        assert_eq!(device.uuid, *b"\0\0\0\0\0\0\0\0ijklmnop");
        assert_eq!((device.bytes_used, device.bytes), (30, 40));
        assert_eq!((&*device.path, device.errors), (&b"/dev/sda1"[..], [1, 2, 3, 4, 5]));
    }

    #[test]
    fn another_file_system_refuses() {
        let folder = File::open("/proc").unwrap();
        assert_eq!(info(&folder).unwrap_err().raw_os_error(), Some(libc::ENOTTY));
        assert!(device(&folder, 1).is_err());
    }
}
