//! A procfs: its processes listed, their files read.

use super::member::{Scope, Units};
use super::parse::parse_status;
use crate::collector::fs::{FIRST_READ_BYTES, Records, can_stay_open, read_once, read_whole};
use crate::collector::lines::parse_number;
use crate::sys::directory::{Entry, for_each_entry, for_each_name};
use crate::sys::file::{Medium, open_place};
use std::ffi::OsString;
use std::fmt::{self, Write};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Processes that are looked at; the rest is left out. Sixteen times what a host of ordinary size
/// runs, and 3 MB of memory where none is watched.
pub(super) const PROCESSES_MAX: usize = 65_536;

/// A process in the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) pid: u32,
    /// Of its folder. Another process of the same id has another one, so a process whose inode is
    /// as before is as well known as one whose stat file was read.
    pub(super) inode: u64,
}

/// Whether a file of a process stays open once it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Open,
    Closed,
}

/// Where the files of processes are.
pub(crate) struct Proc {
    root: PathBuf,
    scope: Scope,
    units: Units,
    folder: Option<File>,
    /// Whether it is the kernel's, whose open files stay those of their process. Fixtures are not.
    is_view: bool,
    /// The paths of one file after the other.
    path: OsString,
    below: String,
    buffer: Vec<u8>,
    /// Room for the threads of one process after the other.
    tasks: Vec<u32>,
}

impl Proc {
    pub(super) fn new(root: PathBuf, scope: Scope) -> Proc {
        Proc {
            root,
            scope,
            units: Units::default(),
            folder: None,
            is_view: false,
            path: OsString::new(),
            below: String::new(),
            buffer: Vec::new(),
            tasks: Vec::new(),
        }
    }

    pub(super) fn units(&self) -> Units {
        self.units
    }

    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    /// Replaces `processes` by those that there are, by id.
    pub(super) fn list(&mut self, processes: &mut Vec<Listed>) -> io::Result<()> {
        processes.clear();
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => {
                let folder = File::open(&self.root)?;
                self.is_view = Medium::of(&folder)? == Medium::KernelView;
                folder
            }
        };
        for_each_entry(&folder, |Entry { inode, name, .. }| {
            if processes.len() < PROCESSES_MAX {
                processes.extend(parse_number(name).map(|pid| Listed { pid, inode }));
            }
        })?;
        self.folder = Some(folder);
        // The kernel lists them so; what imitates it need not.
        if !processes.is_sorted() {
            processes.sort_unstable();
        }
        Ok(())
    }

    /// Reads a file of a process, on the descriptor in `kept` if there is one: then it is that of
    /// the same process, and an error of one that is gone otherwise ([`is_gone`](crate::sys::error::is_gone)).
    pub(super) fn read(
        &mut self,
        pid: u32,
        name: &str,
        kept: &mut Option<File>,
        keep: Keep,
    ) -> io::Result<&[u8]> {
        self.read_below(format_args!("{pid}/{name}"), kept, keep)
    }

    /// The same for a file of a thread, which stays open if there is a place for it in `kept`.
    pub(super) fn read_task(
        &mut self,
        pid: u32,
        task: u32,
        name: &str,
        kept: Option<&mut Option<File>>,
    ) -> io::Result<&[u8]> {
        let place = format_args!("{pid}/task/{task}/{name}");
        match kept {
            Some(kept) => self.read_below(place, kept, Keep::Open),
            None => self.read_below(place, &mut None, Keep::Closed),
        }
    }

    fn read_below(
        &mut self,
        place: fmt::Arguments<'_>,
        kept: &mut Option<File>,
        keep: Keep,
    ) -> io::Result<&[u8]> {
        let mut ask_bytes = FIRST_READ_BYTES;
        let bytes = match kept {
            Some(file) => read_whole(file, Records::One, &mut ask_bytes, &mut self.buffer)?,
            None => {
                let file = File::open(self.set_place(place))?;
                let bytes = read_whole(&file, Records::One, &mut ask_bytes, &mut self.buffer)?;
                *kept = self.keep(file, keep);
                bytes
            }
        };
        Ok(&self.buffer[..bytes])
    }

    /// The whole of a file that is read once; nothing where it cannot be read.
    pub(crate) fn whole(&mut self, pid: u32, name: &str) -> Vec<u8> {
        let path = self.set_path(pid, name).to_owned();
        let read = read_once(&path, Records::Many, &mut self.buffer);
        read.map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// The path of what a process executes, if it may be known.
    pub(crate) fn executable(&mut self, pid: u32) -> Option<Vec<u8>> {
        const DELETED: &[u8] = b" (deleted)";
        let mut path =
            std::fs::read_link(self.set_path(pid, "exe")).ok()?.into_os_string().into_vec();
        if path.ends_with(DELETED) {
            path.truncate(path.len() - DELETED.len());
        }
        Some(path)
    }

    /// The effective user of a process, if it lives.
    pub(crate) fn effective_user(&mut self, pid: u32) -> Option<u32> {
        let content = self.read(pid, "status", &mut None, Keep::Closed).ok()?;
        parse_status(content).ok()?.effective_user
    }

    /// The open descriptors of a process. `kept` is as for [`Proc::read`].
    pub(super) fn count_descriptors(
        &mut self,
        pid: u32,
        kept: &mut Option<File>,
        keep: Keep,
    ) -> io::Result<u64> {
        let length = match kept {
            Some(place) => place.metadata()?.len(),
            None => {
                let place = open_place(self.set_path(pid, "fd"))?;
                let length = place.metadata()?.len();
                *kept = self.keep(place, keep);
                length
            }
        };
        // Since Linux 6.2 the size of the folder is their number; before, it is zero.
        if length > 0 && self.is_view { Ok(length) } else { self.list_descriptors(pid) }
    }

    /// The threads of a process, to be [given back](Proc::give_back).
    pub(super) fn list_tasks(&mut self, pid: u32) -> io::Result<Vec<u32>> {
        let folder = File::open(self.set_path(pid, "task"))?;
        let mut tasks = std::mem::take(&mut self.tasks);
        tasks.clear();
        let listed = for_each_name(&folder, |name| {
            if tasks.len() < PROCESSES_MAX {
                tasks.extend(parse_number::<u32>(name));
            }
        });
        match listed {
            Ok(()) => Ok(tasks),
            Err(error) => {
                self.give_back(tasks);
                Err(error)
            }
        }
    }

    /// Takes a list back, so that the next one needs no memory.
    pub(super) fn give_back(&mut self, tasks: Vec<u32>) {
        self.tasks = tasks;
    }

    #[cold]
    fn list_descriptors(&mut self, pid: u32) -> io::Result<u64> {
        let folder = File::open(self.set_path(pid, "fd"))?;
        let mut count = 0;
        for_each_name(&folder, |name| {
            count += u64::from(name.iter().all(u8::is_ascii_digit));
        })?;
        Ok(count)
    }

    fn keep(&self, file: File, keep: Keep) -> Option<File> {
        let stays = keep == Keep::Open && self.is_view && can_stay_open(&file);
        stays.then_some(file)
    }

    fn set_path(&mut self, pid: u32, name: &str) -> &Path {
        self.set_place(format_args!("{pid}/{name}"))
    }

    fn set_place(&mut self, place: fmt::Arguments<'_>) -> &Path {
        self.below.clear();
        write!(self.below, "/{place}").expect("a string takes any text");
        self.path.clear();
        self.path.push(&self.root);
        self.path.push(&self.below);
        Path::new(&self.path)
    }
}

/// Replaces `numbers` by the names in `folder` that are numbers; none when it is gone.
pub(crate) fn list_numbers(folder: &Path, numbers: &mut Vec<u32>) {
    numbers.clear();
    let Ok(folder) = File::open(folder) else { return };
    // What was listed before the folder went is looked at all the same.
    let _ = for_each_name(&folder, |name| {
        if numbers.len() < PROCESSES_MAX {
            numbers.extend(parse_number::<u32>(name));
        }
    });
}
