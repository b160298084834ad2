//! Resource limits of this process: getrlimit(2).

use std::io;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// The soft limit on open descriptors before it was raised.
static OPEN_FILES_BEFORE: OnceLock<libc::rlim_t> = OnceLock::new();

/// The soft limit on open descriptors; `u64::MAX` where there is none.
///
/// # Errors
/// What the system call fails with.
pub fn open_files_max() -> io::Result<u64> {
    soft_limit(libc::RLIMIT_NOFILE)
}

/// The soft limit on the address space; `u64::MAX` where there is none.
///
/// # Errors
/// What the system call fails with.
pub fn address_space_bytes_max() -> io::Result<u64> {
    soft_limit(libc::RLIMIT_AS)
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// Raises the soft limit on open descriptors to the hard one. The soft one is low for the sake of programs that use select(2), so children get it back ([`super::isolation::isolate`]).
///
/// # Errors
/// What the system calls fail with.
pub fn raise_open_files() -> io::Result<()> {
    let limit = limit(libc::RLIMIT_NOFILE)?;
    // Who calls twice has the same limits as before.
    let _ = OPEN_FILES_BEFORE.set(limit.rlim_cur);
    set_open_files(libc::rlimit { rlim_cur: limit.rlim_max, ..limit })
}

/// Gives this process the soft limit again that [`raise_open_files`] found, if that was called.
/// Async-signal-safe, for a child between fork and exec.
pub(super) fn restore_open_files() -> io::Result<()> {
    let Some(before) = OPEN_FILES_BEFORE.get() else { return Ok(()) };
    let limit = limit(libc::RLIMIT_NOFILE)?;
    set_open_files(libc::rlimit { rlim_cur: limit.rlim_max.min(*before), ..limit })
}

fn set_open_files(limit: libc::rlimit) -> io::Result<()> {
    // SAFETY: reads one rlimit through a valid pointer.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[allow(clippy::useless_conversion, reason = "limits are shorter on some targets")]
fn soft_limit(resource: Resource) -> io::Result<u64> {
    let soft = limit(resource)?.rlim_cur;
    Ok(if soft == libc::RLIM_INFINITY { u64::MAX } else { soft.into() })
}

fn limit(resource: Resource) -> io::Result<libc::rlimit> {
    let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
    // SAFETY: the pointer is good for writes of one rlimit.
    if unsafe { libc::getrlimit(resource, limit.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure is two integers, zeroed and then filled in.
    Ok(unsafe { limit.assume_init() })
}

#[cfg(test)]
mod tests {
    #[test]
    fn agree_with_proc() {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let soft = |name: &str| {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            let word = line[name.len()..].split_whitespace().next().unwrap();
            if word == "unlimited" { u64::MAX } else { word.parse().unwrap() }
        };
        assert_eq!(super::open_files_max().unwrap(), soft("Max open files"));
        assert_eq!(super::address_space_bytes_max().unwrap(), soft("Max address space"));
    }
}
