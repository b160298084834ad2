//! What drivers of network interfaces tell: the request `SIOCETHTOOL` of netdevice(7), whose
//! commands and answers are in linux/ethtool.h.
//!
//! ```text
//! settings    command u32 | supported u32 | advertised u32 | ... | autonegotiation u8 at 18 | ...
//! driver      command u32 | five texts of 32 bytes | 12 bytes | flags u32 | statistics u32 | ...
//! names       command u32 | set u32 | count u32 | count texts of 32 bytes
//! statistics  command u32 | count u32 | count numbers u64
//! ```
//!
//! What the bytes mean is the caller's matter.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

/// `SIOCETHTOOL` of linux/sockios.h.
const REQUEST: libc::c_ulong = 0x8946;

/// Commands of linux/ethtool.h.
const GET_SETTINGS: u32 = 0x01;
const GET_DRIVER: u32 = 0x03;
const GET_STRINGS: u32 = 0x1b;
const GET_STATISTICS: u32 = 0x1d;

/// The set of strings that name the statistics: `ETH_SS_STATS`.
const STATISTICS_SET: u32 = 1;

/// Bytes of `struct ethtool_cmd`.
pub const SETTINGS_BYTES: usize = 44;
/// Bytes of `struct ethtool_drvinfo`.
pub const DRIVER_BYTES: usize = 196;
/// Bytes of the name of a statistic: `ETH_GSTRING_LEN`.
pub const NAME_BYTES: usize = 32;
/// Bytes of a statistic.
pub const STATISTIC_BYTES: usize = 8;

/// Statistics of a device up to which they can be asked for. Drivers with one for each of hundreds
/// of queues have some 10,000.
const STATISTICS_MAX: usize = 32_768;

const NAMES_HEADER_BYTES: usize = 12;
const STATISTICS_HEADER_BYTES: usize = 8;

/// A socket to ask by.
pub struct Ethtool {
    socket: OwnedFd,
    answer: Answer,
}

impl Ethtool {
    /// Opens a socket in the network namespace of this thread.
    ///
    /// # Errors
    /// Those of `socket(2)` and `mmap(2)`.
    pub fn open() -> io::Result<Ethtool> {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        // SAFETY: the call takes no pointers and hands out a new descriptor or an error.
        let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Ethtool { socket, answer: Answer::new()? })
    }

    /// The settings of a link, in [`SETTINGS_BYTES`].
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the driver has none, `ENODEV` where there is no such device.
    pub fn settings(&mut self, device: &str) -> io::Result<&[u8]> {
        self.ask(device, &[GET_SETTINGS])?;
        Ok(&self.answer.bytes()[..SETTINGS_BYTES])
    }

    /// The driver of a device, in [`DRIVER_BYTES`].
    ///
    /// # Errors
    /// As [`Ethtool::settings`].
    pub fn driver(&mut self, device: &str) -> io::Result<&[u8]> {
        self.ask(device, &[GET_DRIVER])?;
        Ok(&self.answer.bytes()[..DRIVER_BYTES])
    }

    /// The names of the `count` statistics that a driver says it has, of [`NAME_BYTES`] each. There
    /// may be more or fewer by now.
    ///
    /// # Errors
    /// As [`Ethtool::settings`], and `EFAULT` where there are more than can be held.
    pub fn statistic_names(&mut self, device: &str, count: u32) -> io::Result<&[u8]> {
        self.ask(device, &[GET_STRINGS, STATISTICS_SET, count])?;
        self.answer.list(NAMES_HEADER_BYTES, NAME_BYTES)
    }

    /// The statistics in the order of their names, of [`STATISTIC_BYTES`] each.
    ///
    /// # Errors
    /// As [`Ethtool::statistic_names`].
    pub fn statistics(&mut self, device: &str, count: u32) -> io::Result<&[u8]> {
        self.ask(device, &[GET_STATISTICS, count])?;
        self.answer.list(STATISTICS_HEADER_BYTES, STATISTIC_BYTES)
    }

    /// Asks for what the `words` of a command say.
    fn ask(&mut self, device: &str, words: &[u32]) -> io::Result<()> {
        // SAFETY: the structure is integers, arrays of them and pointers, which may all be zero.
        let mut request = unsafe { std::mem::zeroed::<libc::ifreq>() };
        // A name is followed by a zero, so one that fills the field is none.
        if device.len() >= request.ifr_name.len() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(device.bytes()) {
            *to = from as libc::c_char;
        }
        let room = self.answer.bytes_mut();
        room[..DRIVER_BYTES].fill(0);
        for (to, word) in room.chunks_exact_mut(size_of::<u32>()).zip(words) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        request.ifr_ifru.ifru_data = room.as_mut_ptr().cast();
        let fd = self.socket.as_raw_fd();
        // SAFETY: the kernel reads `request` and writes its answer from the start of `room` on,
        // upwards and without gaps; behind the room is memory that it cannot write, which ends the
        // call with EFAULT, however long the answer is.
        match unsafe { libc::ioctl(fd, REQUEST as _, &raw mut request) } {
            0.. => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Memory for one answer, with a page behind it that nobody can touch: the kernel writes as many
/// statistics as the driver has when it is asked, and does not look how many there is room for.
struct Answer {
    start: NonNull<u8>,
    bytes: usize,
    guard_bytes: usize,
}

// SAFETY: the memory belongs to this value alone, and no thread is tied to it.
unsafe impl Send for Answer {}

impl Answer {
    fn new() -> io::Result<Answer> {
        let guard_bytes = super::constants::page_size_bytes() as usize;
        let bytes =
            (NAMES_HEADER_BYTES + STATISTICS_MAX * NAME_BYTES).next_multiple_of(guard_bytes);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let (anywhere, whole) = (std::ptr::null_mut(), bytes + guard_bytes);
        // SAFETY: new memory is asked for, wherever the kernel finds room for it.
        let start = unsafe { libc::mmap(anywhere, whole, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).expect("the kernel maps nothing at zero unasked");
        let answer = Answer { start, bytes, guard_bytes };
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the range is the front of what was mapped above, and whole pages.
        match unsafe { libc::mprotect(answer.start.as_ptr().cast(), bytes, access) } {
            0 => Ok(answer),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `bytes` bytes from `start` on are mapped, zeroed by the kernel, and borrowed with
        // this value.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and this value is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    /// The items behind a header that ends with how many they are.
    fn list(&self, header_bytes: usize, item_bytes: usize) -> io::Result<&[u8]> {
        let (header, items) = self.bytes().split_at(header_bytes);
        let count = header.last_chunk().map_or(0, |count| u32::from_ne_bytes(*count));
        let items = (count as usize).checked_mul(item_bytes).and_then(|bytes| items.get(..bytes));
        items.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let whole = self.bytes + self.guard_bytes;
        // SAFETY: this is what `new` mapped, and nothing borrows it any more. It fails only for
        // addresses that are not those of a page.
        unsafe { libc::munmap(self.start.as_ptr().cast(), whole) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_device_is_an_error() {
        let mut ethtool = Ethtool::open().unwrap();
        for device in ["none-such", "", "a-name-of-sixteen", "sixteen-letters-"] {
            let error = ethtool.driver(device).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{device:?}");
        }
    }

    #[test]
    fn a_driver_that_tells_tells_the_same_again() {
        let mut ethtool = Ethtool::open().unwrap();
        let first = ethtool.driver("lo").map(<[u8]>::to_vec);
        let again = ethtool.driver("lo").map(<[u8]>::to_vec);
        match (first, again) {
            (Ok(first), Ok(again)) => assert_eq!(first, again),
            (Err(first), Err(again)) => assert_eq!(first.raw_os_error(), again.raw_os_error()),
            answers => panic!("{answers:?}"),
        }
    }

    #[test]
    fn a_list_is_as_long_as_its_header_says() {
        let mut answer = Answer::new().unwrap();
        let mut list = |count: u32| {
            answer.bytes_mut()[4..8].copy_from_slice(&count.to_ne_bytes());
            answer.list(STATISTICS_HEADER_BYTES, STATISTIC_BYTES).map(<[u8]>::len).ok()
        };
        assert_eq!([0, 3].map(&mut list), [Some(0), Some(24)]);
        assert_eq!([u32::MAX, 1 << 20].map(&mut list), [None, None]);
    }

    #[test]
    fn the_kernel_cannot_write_behind_the_room() {
        let mut answer = Answer::new().unwrap();
        let (mut ends, bytes) = ([0; 2], answer.bytes);
        // SAFETY: the pointer is good for writes of two descriptors.
        assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
        // SAFETY: the kernel just made these, and nobody else owns them.
        let [from, to] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        // SAFETY: the pointer is good for reads of two bytes.
        assert_eq!(unsafe { libc::write(to.as_raw_fd(), b"ab".as_ptr().cast(), 2) }, 2);
        let end = answer.bytes_mut().as_mut_ptr_range().end;
        // SAFETY: two bytes from the end on are the guard's, where the kernel can write nothing.
        let read = unsafe { libc::read(from.as_raw_fd(), end.cast(), 2) };
        assert_eq!((read, answer.bytes().len()), (-1, bytes));
    }
}
