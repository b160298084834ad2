//! Resource limits of this process: getrlimit(2).

use std::io;
use std::mem::MaybeUninit;

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

#[allow(clippy::useless_conversion, reason = "limits are shorter on some targets")]
fn soft_limit(resource: Resource) -> io::Result<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
    // SAFETY: the pointer is good for writes of one rlimit.
    if unsafe { libc::getrlimit(resource, limit.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure is two integers, zeroed and then filled in.
    let soft = unsafe { limit.assume_init() }.rlim_cur;
    Ok(if soft == libc::RLIM_INFINITY { u64::MAX } else { soft.into() })
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
