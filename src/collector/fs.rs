//! Where sources lie, and how they are read: on descriptors that stay open, into one buffer.
//!
//! Each read of a kernel view from its start makes the content up anew, so a descriptor that is
//! kept open saves the look-up of the path and the setting up of the file: on the machine of the
//! benchmarks 1.6 ms become 0.4 ms for the 156 files of a scrape.

use super::absent::Absence;
use super::error::CollectError;
use super::rtnetlink::Links;
use crate::sys::error::is_refusal;
use crate::sys::file::{Medium, has_event};
use crate::sys::limits::open_files_max;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// Bytes that the first read of a file asks for. Fewer would cost most files a second read.
pub(super) const FIRST_READ_BYTES: usize = 4 * 1024;

/// The fewest bytes that a read asks for.
const ASK_BYTES_MIN: usize = 64;

/// Bytes of a file past which it is refused. The largest that collectors read, /proc/stat on hosts
/// with thousands of interrupts, has some 100 kB.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// The smallest page of any kernel. A file of many records is made up in a buffer of a page or more,
/// which takes whole records (seq_file): a read ends before a record only where that does not fit.
const PAGE_BYTES_MIN: usize = 4096;

/// Where the file systems of the host are mounted. Values, so that a container can see its host's
/// and tests can see a fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// procfs, by default `/proc`.
    pub proc: PathBuf,
    /// sysfs, by default `/sys`.
    pub sys: PathBuf,
    /// The root file system, by default `/`.
    pub rootfs: PathBuf,
    /// What udev knows of devices, by default `/run/udev/data`.
    pub udev: PathBuf,
}

impl Default for Roots {
    fn default() -> Roots {
        let udev = "/run/udev/data".into();
        Roots { proc: "/proc".into(), sys: "/sys".into(), rootfs: "/".into(), udev }
    }
}

/// Whether `path` lies in a file system that the kernel makes up, rather than in a copy or fixture.
pub(crate) fn is_kernel_view(path: &Path) -> bool {
    let medium = File::open(path).and_then(|file| Medium::of(&file));
    medium.is_ok_and(|medium| medium == Medium::KernelView)
}

/// How the kernel hands a file's content out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    /// At once: a read that returns less than was asked for has returned all.
    One,
    /// At most a page at a time: the end is where a read returns nothing.
    Many,
    /// The same, of records that have at most so many bytes: the end is also where a read leaves
    /// room for another. That is of what the kernel writes at once, which may be several lines.
    Short { bytes_max: usize },
}

/// A file that is read at every scrape.
///
/// Its descriptor stays open where the file is a view of the kernel. Any other file (a fixture, a
/// copy mounted over the real one) is opened anew each time, because it may have been replaced,
/// unless who reads it knows that its folder is as it was. A view is opened anew after any error
/// but a refusal of the driver, because the device or namespace behind it may be gone for good.
#[derive(Debug)]
pub(crate) struct KeptFile {
    path: Arc<Path>,
    records: Records,
    file: Option<File>,
    medium: Medium,
    absence: Absence,
    /// What to ask for, by what the file contained last.
    ask_bytes: usize,
}

impl KeptFile {
    /// A file of one record, which is opened by the first read.
    pub(crate) fn new(path: impl Into<PathBuf>) -> KeptFile {
        let path = Arc::from(path.into());
        let (records, medium) = (Records::One, Medium::Other);
        let ask_bytes = FIRST_READ_BYTES;
        KeptFile { path, records, file: None, medium, absence: Absence::default(), ask_bytes }
    }

    /// A file of many records, which is opened by the first read.
    pub(crate) fn of_many_records(path: impl Into<PathBuf>) -> KeptFile {
        KeptFile { records: Records::Many, ..KeptFile::new(path) }
    }

    /// A file of many records that have at most `bytes_max` bytes each on any kernel.
    pub(crate) fn of_short_records(path: impl Into<PathBuf>, bytes_max: usize) -> KeptFile {
        KeptFile { records: Records::Short { bytes_max }, ..KeptFile::new(path) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a view of the kernel that is open.
    pub(crate) fn is_view(&self) -> bool {
        self.file.is_some() && self.medium == Medium::KernelView
    }

    /// Whether another file may have taken the place of the one that is open.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.file.is_some() && self.medium != Medium::KernelView
    }

    /// Lets go of a file that is no view of the kernel, since another may have taken its place.
    pub(crate) fn doubt(&mut self) {
        self.file.take_if(|_| self.medium != Medium::KernelView);
    }

    /// Whether its content may be another than at the last read, for a view of the kernel that can
    /// be polled. Any other may be.
    pub(crate) fn may_have_changed(&self) -> bool {
        let view = self.file.as_ref().filter(|_| self.medium == Medium::KernelView);
        view.is_none_or(has_event)
    }

    /// Lets go of the descriptor.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Reads the file from its start into `buffer`, and gives what it contains.
    ///
    /// # Errors
    /// [`CollectError::NoData`] where there is no such file, [`CollectError::Io`] for the rest.
    pub(crate) fn read<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], CollectError> {
        self.doubt();
        self.read_undoubted(buffer)
    }

    /// The same for one whose folder is known to be as it was at the last read.
    pub(crate) fn read_undoubted<'b>(
        &mut self,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], CollectError> {
        let read = match self.read_kept(buffer) {
            Some(read) => read,
            None => self.read_opened(buffer),
        };
        let bytes = read.map_err(|error| CollectError::from_io(&self.path, &error))?;
        if self.records == Records::One {
            self.ask_bytes = bytes_to_ask(bytes);
        }
        Ok(&buffer[..bytes])
    }

    /// `None` where a fresh descriptor may do better.
    fn read_kept(&mut self, buffer: &mut Vec<u8>) -> Option<io::Result<usize>> {
        let file = self.file.as_ref()?;
        match read_whole(file, self.records, &mut self.ask_bytes, buffer) {
            Err(error) if !is_refusal(&error) => {
                self.file = None;
                None
            }
            read => Some(read),
        }
    }

    fn read_opened(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let file = self.absence.open(&self.path)?;
        let read = read_whole(&file, self.records, &mut self.ask_bytes, buffer);
        if read.as_ref().err().is_none_or(is_refusal) {
            self.medium = Medium::of(&file)?;
            let can_stay = self.medium != Medium::Other && can_stay_open(&file);
            self.file = can_stay.then_some(file);
        }
        read
    }
}

/// What to ask of a file of one record that had so many bytes: more, so that it may grow, and little
/// more, since files of /proc/sys allocate and clear what they are asked for.
fn bytes_to_ask(bytes: usize) -> usize {
    (bytes + bytes / 4 + 1).next_power_of_two().clamp(ASK_BYTES_MIN, FILE_BYTES_MAX)
}

/// Whether there are descriptors enough that this one can stay open: the kernel gives the lowest
/// number that is free, and the upper half is for connections and what is not kept.
pub(super) fn can_stay_open(file: &File) -> bool {
    static DESCRIPTORS_MAX: LazyLock<u64> = LazyLock::new(|| open_files_max().unwrap_or(0) / 2);
    u64::try_from(file.as_raw_fd()).is_ok_and(|number| number < *DESCRIPTORS_MAX)
}

/// Reads a file that is not kept, such as one of a process.
pub(crate) fn read_once<'b>(
    path: &Path,
    records: Records,
    buffer: &'b mut Vec<u8>,
) -> io::Result<&'b [u8]> {
    let mut ask_bytes = FIRST_READ_BYTES;
    let bytes = read_whole(&File::open(path)?, records, &mut ask_bytes, buffer)?;
    Ok(&buffer[..bytes])
}

/// Reads all of `file` to the start of `buffer`, which grows as needed, and says how much it was.
/// `ask_bytes` is what the first read asks for, and what it should ask for next time.
pub(super) fn read_whole(
    file: &File,
    records: Records,
    ask_bytes: &mut usize,
    buffer: &mut Vec<u8>,
) -> io::Result<usize> {
    let mut start = 0;
    loop {
        if buffer.len() < *ask_bytes {
            buffer.resize(*ask_bytes, 0);
        }
        let bytes = read_at(file, &mut buffer[start..*ask_bytes], start)?;
        let end = start + bytes;
        let is_full = end == *ask_bytes;
        let is_at_end = match records {
            Records::One => !is_full,
            Records::Many => bytes == 0,
            Records::Short { bytes_max } => {
                bytes == 0 || !is_full && bytes + bytes_max < PAGE_BYTES_MIN
            }
        };
        if is_at_end {
            return Ok(end);
        }
        // The kernel would make up a new state of a record to return the rest of, so the next read
        // starts over.
        start = if records == Records::One { 0 } else { end };
        if is_full {
            if *ask_bytes >= FILE_BYTES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            *ask_bytes *= 2;
        }
    }
}

fn read_at(file: &File, into: &mut [u8], offset: usize) -> io::Result<usize> {
    loop {
        match file.read_at(into, offset as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The buffer that all files are read into, and what several collectors read.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) buffer: Vec<u8>,
    /// Up to date after [`Files::read_links`].
    pub(crate) links: Links,
    links_read: Option<(u64, Result<(), CollectError>)>,
    shared: Vec<SharedFile>,
    scrape: u64,
}

/// Which of the files that several collectors read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SharedId(usize);

struct SharedFile {
    file: KeptFile,
    /// What it contained in the scrape of this number.
    content: Vec<u8>,
    read: (u64, Result<(), CollectError>),
}

impl Files {
    /// From here on the files have new content.
    pub(crate) fn begin_scrape(&mut self) {
        self.scrape += 1;
    }

    /// Reads `file`, which one collector reads.
    pub(crate) fn read(&mut self, file: &mut KeptFile) -> Result<&[u8], CollectError> {
        file.read(&mut self.buffer)
    }

    /// Reads the network interfaces of this scrape into `links`, once for all who ask.
    pub(crate) fn read_links(&mut self) -> Result<(), CollectError> {
        match &self.links_read {
            Some((scrape, read)) if *scrape == self.scrape => read.clone(),
            _ => {
                let read = self.links.refresh();
                self.links_read = Some((self.scrape, read.clone()));
                read
            }
        }
    }

    /// A file that is read once a scrape for all who share it.
    pub(crate) fn share(&mut self, path: PathBuf) -> SharedId {
        let known = self.shared.iter().position(|shared| *shared.file.path == *path);
        SharedId(known.unwrap_or_else(|| {
            let file = KeptFile::new(path);
            let read = (0, Ok(()));
            self.shared.push(SharedFile { file, content: Vec::new(), read });
            self.shared.len() - 1
        }))
    }

    /// What a shared file contains in this scrape.
    pub(crate) fn read_shared(&mut self, id: SharedId) -> Result<&[u8], CollectError> {
        let shared = &mut self.shared[id.0];
        if shared.read.0 != self.scrape {
            let read = shared.file.read(&mut self.buffer);
            let read = read.map(|content| copy_with_room(content, &mut shared.content));
            shared.read = (self.scrape, read);
        }
        shared.read.1.clone().map(|()| &*shared.content)
    }

    /// The same where it is a view of the kernel; `None` where it is another file, or cannot be read.
    pub(crate) fn read_shared_view(&mut self, id: SharedId) -> Option<&[u8]> {
        self.read_shared(id).ok()?;
        let shared = &self.shared[id.0];
        shared.file.is_view().then_some(&shared.content)
    }
}

/// Replaces `copy` by `content`, with room for numbers that get longer.
fn copy_with_room(content: &[u8], copy: &mut Vec<u8>) {
    copy.clear();
    if copy.capacity() < content.len() {
        copy.reserve_exact(content.len() + content.len() / 4);
    }
    copy.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    #[test]
    fn a_view_of_the_kernel_stays_open_and_is_fresh() {
        let mut file = KeptFile::new("/proc/self/stat");
        let mut buffer = Vec::new();
        let first = file.read(&mut buffer).unwrap().to_vec();
        assert!(file.file.is_some());
        let spent = std::time::Instant::now();
        while file.read(&mut buffer).unwrap() == first {
            assert!(spent.elapsed().as_secs() < 20, "CPU time must show up");
        }
    }

    #[test]
    fn a_file_is_read_whole_whatever_its_length() {
        let scratch = Scratch::new("fs-lengths");
        let mut buffer = Vec::new();
        for records in [Records::One, Records::Many, Records::Short { bytes_max: 100 }] {
            for bytes in [0, 1, 4095, 4096, 4097, 8192, 100_000, FILE_BYTES_MAX - 1] {
                let content: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
                scratch.write("file", &content);
                let mut file = KeptFile { records, ..KeptFile::new(scratch.path("file")) };
                for _ in 0..2 {
                    assert!(file.read(&mut buffer).unwrap() == content, "{bytes} {records:?}");
                }
            }
        }
        assert!(buffer.len() <= FILE_BYTES_MAX);
    }

    #[test]
    fn a_file_that_grows_and_shrinks_is_read_whole() {
        let scratch = Scratch::new("fs-grows");
        let mut buffer = Vec::new();
        for records in [Records::One, Records::Many, Records::Short { bytes_max: 100 }] {
            let mut file = KeptFile { records, ..KeptFile::new(scratch.path("file")) };
            for bytes in [3, 50, 51, 63, 64, 5000, 10, 64, 65, 4096, 0, 1, 200_000, 2] {
                scratch.write("file", &vec![b'x'; bytes]);
                assert_eq!(file.read(&mut buffer).unwrap().len(), bytes, "{records:?}");
                assert!(file.ask_bytes > bytes, "{records:?}");
            }
        }
    }

    #[test]
    fn a_file_past_the_limit_is_refused() {
        let scratch = Scratch::new("fs-large");
        scratch.write("file", &vec![b'x'; FILE_BYTES_MAX]);
        let mut buffer = Vec::new();
        for records in [Records::One, Records::Many, Records::Short { bytes_max: 100 }] {
            let mut file = KeptFile { records, ..KeptFile::new(scratch.path("file")) };
            let error = file.read(&mut buffer).unwrap_err();
            assert!(error.to_string().ends_with("file too large"), "{error}");
        }
    }

    #[test]
    fn a_file_that_comes_late_goes_and_comes_back_is_found() {
        let scratch = Scratch::new("fs-late");
        let mut file = KeptFile::new(scratch.path("file"));
        let mut buffer = Vec::new();
        for content in ["first", "second"] {
            assert!(file.read(&mut buffer).unwrap_err().is_no_data());
            scratch.write("file", content.as_bytes());
            assert_eq!(file.read(&mut buffer).unwrap(), content.as_bytes());
            scratch.remove("file");
        }
        assert!(file.read(&mut buffer).unwrap_err().is_no_data());
    }

    #[test]
    fn a_descriptor_whose_process_is_gone_is_given_up() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let mut file = KeptFile::new(format!("/proc/{}/stat", child.id()));
        let mut buffer = Vec::new();
        assert!(!file.read(&mut buffer).unwrap().is_empty());
        assert!(file.file.is_some());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(file.read(&mut buffer).unwrap_err().is_no_data());
        assert!(file.file.is_none());
    }

    /// The kernel pads the line of a socket to 128 bytes, so that the 31st ends where the page does:
    /// the read before it leaves 128 bytes, and the one before the 62nd does so again.
    #[test]
    fn records_behind_the_end_of_a_page_are_found() {
        let mut file = KeptFile::of_short_records("/proc/self/net/udp", 256);
        let (mut buffer, mut sockets) = (Vec::new(), Vec::new());
        for _ in 0..70 {
            sockets.push(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
            let content = String::from_utf8(file.read(&mut buffer).unwrap().to_vec()).unwrap();
            for socket in &sockets {
                let port = format!(" 0100007F:{:04X} ", socket.local_addr().unwrap().port());
                assert!(content.contains(&port), "{port} of {} sockets", sockets.len());
            }
        }
        assert!(file.is_view());
    }

    #[test]
    fn what_is_said_of_a_view_is_not_said_of_another_file() {
        let scratch = Scratch::new("fs-view");
        scratch.write("file", b"content");
        let mut files = Files::default();
        files.begin_scrape();
        let (view, other, none) = (
            files.share("/proc/self/stat".into()),
            files.share(scratch.path("file")),
            files.share(scratch.path("none")),
        );
        assert!(!files.read_shared_view(view).unwrap().is_empty());
        assert_eq!(files.read_shared_view(other), None);
        assert_eq!(files.read_shared(other).unwrap(), b"content");
        assert_eq!(files.read_shared_view(none), None);
    }

    #[test]
    fn a_shared_file_is_read_once_a_scrape() {
        let scratch = Scratch::new("fs-shared");
        let mut files = Files::default();
        let id = files.share(scratch.path("file"));
        assert_eq!(files.share(scratch.path("file")), id);
        assert_ne!(files.share(scratch.path("other")), id);
        for content in ["one", "two"] {
            files.begin_scrape();
            scratch.write("file", content.as_bytes());
            assert_eq!(files.read_shared(id).unwrap(), content.as_bytes());
            scratch.write("file", b"unseen");
            assert_eq!(files.read_shared(id).unwrap(), content.as_bytes());
        }
        files.begin_scrape();
        scratch.remove("file");
        assert!(files.read_shared(id).unwrap_err().is_no_data());
    }
}
