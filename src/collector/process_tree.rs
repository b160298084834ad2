//! The resident memory of a process and all its descendants. Source: proc_pid_stat(5), and
//! `children` in proc_pid_task(5) on kernels that have it (CONFIG_PROC_CHILDREN).
//!
//! With `children` files the walk goes down from the root and costs what the tree is large; without,
//! one pass over all processes finds who is whose parent. Processes come and go meanwhile: what is
//! gone when it is looked at is left out.

use super::fs::{Records, read_once};
use super::lines::parse_number;
use super::process::{ProcessStat, parse_process};
use crate::sys::constants::page_size_bytes;
use crate::sys::directory::Listing;
use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Processes that are looked at in one scrape; the rest is left out. Sixteen times what a host of
/// ordinary size runs, and 1.5 MB of memory.
const PROCESSES_MAX: usize = 65_536;

pub(super) struct ProcessTree {
    proc: PathBuf,
    has_children_files: bool,
    page_bytes: u64,
    /// The paths of one process after the other.
    path: String,
    buffer: Vec<u8>,
    listing: Listing,
    /// The processes of the tree, of which those in front have been visited.
    queue: Vec<u32>,
    tasks: Vec<u32>,
    /// All processes by parent, from the last pass.
    processes: Vec<Process>,
}

#[derive(Clone, Copy)]
struct Process {
    parent: u32,
    pid: u32,
    resident_pages: u64,
}

impl ProcessTree {
    /// `proc` is a procfs that shows the processes that are asked for.
    pub(super) fn new(proc: PathBuf) -> ProcessTree {
        ProcessTree {
            has_children_files: proc.join("thread-self/children").exists(),
            proc,
            page_bytes: page_size_bytes(),
            path: String::new(),
            buffer: Vec::new(),
            listing: Listing::default(),
            queue: Vec::new(),
            tasks: Vec::new(),
            processes: Vec::new(),
        }
    }

    /// Looks at the processes that there are, for the calls of `resident_bytes` that follow.
    pub(super) fn refresh(&mut self) {
        if self.has_children_files {
            return;
        }
        let mut tasks = std::mem::take(&mut self.tasks);
        list_numbers(&self.proc, &mut self.listing, &mut tasks);
        self.processes.clear();
        for pid in &tasks {
            if let Some(ProcessStat { parent, resident_pages, .. }) = self.read_stat(*pid) {
                self.processes.push(Process { parent, pid: *pid, resident_pages });
            }
        }
        self.processes.sort_unstable_by_key(|process| process.parent);
        self.tasks = tasks;
    }

    /// The resident memory of `root` and its descendants; zero when they are gone.
    pub(super) fn resident_bytes(&mut self, root: u32) -> u64 {
        self.queue.clear();
        self.queue.push(root);
        let pages = if self.has_children_files { self.walk_down() } else { self.walk_pass(root) };
        pages.saturating_mul(self.page_bytes)
    }

    /// The pages of the processes in the queue and of all below them.
    fn walk_down(&mut self) -> u64 {
        let mut pages: u64 = 0;
        let mut visited = 0;
        while let Some(pid) = self.queue.get(visited).copied() {
            visited += 1;
            if let Some(stat) = self.read_stat(pid) {
                pages = pages.saturating_add(stat.resident_pages);
                self.queue_children(pid, stat.threads);
                self.queue.truncate(PROCESSES_MAX);
            }
        }
        pages
    }

    /// The same from what the last pass found, where `root` is all that the queue has.
    fn walk_pass(&mut self, root: u32) -> u64 {
        let own = self.processes.iter().find(|process| process.pid == root);
        let mut pages = own.map_or(0, |process| process.resident_pages);
        let mut visited = 0;
        // A pid that was used again during the pass can close a circle, which ends here.
        while visited < self.processes.len() {
            let Some(pid) = self.queue.get(visited).copied() else { break };
            visited += 1;
            let first = self.processes.partition_point(|process| process.parent < pid);
            let is_child = |process: &&Process| process.parent == pid;
            let children = self.processes[first..].iter().take_while(is_child);
            pages = children.clone().fold(pages, |sum, c| sum.saturating_add(c.resident_pages));
            self.queue.extend(children.map(|process| process.pid));
        }
        pages
    }

    /// A child belongs to the thread that made it.
    fn queue_children(&mut self, pid: u32, threads: u64) {
        let mut tasks = std::mem::take(&mut self.tasks);
        tasks.clear();
        if threads == 1 {
            tasks.push(pid);
        } else {
            self.set_path(format_args!("{pid}/task"));
            list_numbers(Path::new(&self.path), &mut self.listing, &mut tasks);
        }
        for task in &tasks {
            self.set_path(format_args!("{pid}/task/{task}/children"));
            let path = Path::new(&self.path);
            if let Ok(content) = read_once(path, Records::Many, &mut self.buffer) {
                let children =
                    content.split(u8::is_ascii_whitespace).filter_map(parse_number::<u32>);
                self.queue.extend(children);
            }
        }
        self.tasks = tasks;
    }

    /// `None` for a process that is gone.
    fn read_stat(&mut self, pid: u32) -> Option<ProcessStat> {
        self.set_path(format_args!("{pid}/stat"));
        let content = read_once(Path::new(&self.path), Records::One, &mut self.buffer).ok()?;
        parse_process(content).ok()
    }

    fn set_path(&mut self, below: std::fmt::Arguments<'_>) {
        self.path.clear();
        write!(self.path, "{}/{below}", self.proc.display()).expect("a string takes any text");
    }
}

/// Replaces `numbers` by the names in `folder` that are numbers; none when it is gone.
pub(super) fn list_numbers(folder: &Path, listing: &mut Listing, numbers: &mut Vec<u32>) {
    numbers.clear();
    let Ok(folder) = File::open(folder) else { return };
    // What was listed before the folder went is looked at all the same.
    let _ = listing.for_each_name(&folder, |name| {
        if numbers.len() < PROCESSES_MAX {
            numbers.extend(parse_number::<u32>(name));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    fn write_process(scratch: &Scratch, pid: u32, parent: u32, pages: u64) {
        let stat =
            format!("{pid} (x) S {parent} 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 4096 {pages}\n");
        scratch.write(&format!("{pid}/stat"), stat.as_bytes());
    }

    #[test]
    fn sums_up_a_tree_however_it_is_found() {
        let scratch = Scratch::new("process-tree");
        for (pid, parent, pages) in
            [(1, 0, 1), (10, 1, 10), (11, 10, 100), (12, 11, 1000), (13, 1, 5)]
        {
            write_process(&scratch, pid, parent, pages);
        }
        for (pid, children) in [(1, "10 13 "), (10, "11 "), (11, "12 99 "), (12, ""), (13, "")] {
            scratch.write(&format!("{pid}/task/{pid}/children"), children.as_bytes());
        }
        scratch.write("meminfo", b"");
        for has_children_files in [false, true] {
            let mut tree = ProcessTree::new(scratch.path(""));
            tree.has_children_files = has_children_files;
            tree.refresh();
            let mut pages = |root| tree.resident_bytes(root) / page_size_bytes();
            assert_eq!([pages(1), pages(10), pages(12), pages(99)], [1116, 1110, 1000, 0]);
        }
    }

    #[test]
    fn parents_in_a_circle_end() {
        let scratch = Scratch::new("process-circle");
        write_process(&scratch, 5, 6, 1);
        write_process(&scratch, 6, 5, 1);
        let mut tree = ProcessTree::new(scratch.path(""));
        tree.refresh();
        assert!(tree.resident_bytes(5) >= 2);
    }

    #[test]
    fn finds_a_real_child() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        for has_children_files in [false, Path::new("/proc/thread-self/children").exists()] {
            let mut tree = ProcessTree::new("/proc".into());
            tree.has_children_files = has_children_files;
            tree.refresh();
            let whole = tree.resident_bytes(std::process::id());
            assert!(tree.queue.contains(&child.id()), "children: {has_children_files}");
            assert!(whole > 0);
        }
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
