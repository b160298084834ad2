//! Sockets handed over by whoever started us: `sd_listen_fds(3)`, known as socket activation.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Once;

/// The first descriptor of the protocol; those before are the three standard ones.
const FIRST_FD: RawFd = 3;

/// More descriptors than this are taken for a mistake in the environment.
const FDS_MAX: RawFd = 1_024;

static TAKEN: Once = Once::new();

/// Takes over the descriptors that `LISTEN_FDS` announces, if `LISTEN_PID` names this process.
///
/// They are marked close-on-exec, so that no child inherits them a second time. Only the first
/// call in a process gets them; later ones get none, since a descriptor has one owner.
///
/// # Errors
/// If the two variables are not numbers, or a descriptor that they announce is not open.
pub fn take_inherited() -> io::Result<Vec<OwnedFd>> {
    let mut fds = Ok(Vec::new());
    TAKEN.call_once(|| fds = announced().and_then(|count| (0..count).map(adopt).collect()));
    fds
}

fn announced() -> io::Result<RawFd> {
    let (Some(pid), Some(count)) = (number("LISTEN_PID")?, number("LISTEN_FDS")?) else {
        return Ok(0);
    };
    if u32::try_from(pid) != Ok(std::process::id()) {
        return Ok(0);
    }
    if (0..=FDS_MAX).contains(&count) { Ok(count) } else { Err(malformed("LISTEN_FDS")) }
}

fn number(variable: &str) -> io::Result<Option<RawFd>> {
    let Some(value) = std::env::var_os(variable) else { return Ok(None) };
    let value = value.to_str().and_then(|value| value.parse().ok());
    value.map(Some).ok_or_else(|| malformed(variable))
}

fn malformed(variable: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{variable} is not a count or a pid"))
}

fn adopt(offset: RawFd) -> io::Result<OwnedFd> {
    let fd = FIRST_FD + offset;
    // SAFETY: the call takes no pointers; on a descriptor that is not open it fails with EBADF.
    let result = unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` is open, the call above proved it. By the protocol it is this process's to own,
    // and `TAKEN` lets only one caller of the process get here.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
