//! What a process is, asked for when a section wants to know.

use super::memberships;
use crate::collector::process_table::Proc;

/// What sections can tell processes apart by. Each file is read at most once.
pub(crate) struct Facts<'p> {
    proc: &'p mut Proc,
    pid: u32,
    name: &'p [u8],
    executable: Option<Vec<u8>>,
    command_line: Option<Vec<u8>>,
    user: Option<Option<u32>>,
    cgroups: Option<Vec<u8>>,
}

impl<'p> Facts<'p> {
    /// Of the process `pid`, which the kernel calls `name`.
    pub(crate) fn new(proc: &'p mut Proc, pid: u32, name: &'p [u8]) -> Facts<'p> {
        Facts { proc, pid, name, executable: None, command_line: None, user: None, cgroups: None }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name in the kernel, cut to 15 bytes.
    pub(super) fn name(&self) -> &[u8] {
        self.name
    }

    /// The path of its executable: that of its first argument where the link may not be read.
    pub(super) fn executable(&mut self) -> Option<&[u8]> {
        if self.executable.is_none() {
            let link = self.proc.executable(self.pid);
            let path = link.or_else(|| {
                let command_line = self.raw_command_line();
                command_line.split(|byte| *byte == 0).next().map(<[u8]>::to_owned)
            });
            self.executable = Some(path.unwrap_or_default());
        }
        self.executable.as_deref().filter(|path| !path.is_empty())
    }

    /// Its arguments with blanks between them; nothing for a thread of the kernel.
    pub(super) fn command_line(&mut self) -> &[u8] {
        if self.command_line.is_none() {
            let mut text = self.raw_command_line();
            let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            text.truncate(end);
            text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
            self.command_line = Some(text);
        }
        self.command_line.as_deref().unwrap_or_default()
    }

    /// Its effective user.
    pub(super) fn user(&mut self) -> Option<u32> {
        *self.user.get_or_insert_with(|| self.proc.effective_user(self.pid))
    }

    /// Its cgroup file.
    pub(super) fn cgroups(&mut self) -> &[u8] {
        self.cgroups.get_or_insert_with(|| self.proc.whole(self.pid, "cgroup"))
    }

    /// The path of its control group: of version 2, or else the first one that is not the root.
    pub(super) fn control_group(&mut self) -> &[u8] {
        let is_root = |path: &[u8]| path == b"/";
        let mut found: &[u8] = b"/";
        for (controllers, path) in memberships(self.cgroups()) {
            if !is_root(path) && (is_root(found) || controllers.is_empty()) {
                found = path;
            }
        }
        found
    }

    fn raw_command_line(&mut self) -> Vec<u8> {
        self.proc.whole(self.pid, "cmdline")
    }
}
