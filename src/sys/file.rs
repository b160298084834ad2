//! What std's files do not tell: statfs(2).

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

/// Whether `file` is a view of the kernel (procfs or sysfs), whose content is made up anew by each
/// read from its start.
///
/// # Errors
/// What fstatfs(2) fails with.
#[allow(clippy::unnecessary_cast, reason = "the types differ by target")]
pub fn is_kernel_view(file: &File) -> io::Result<bool> {
    let mut stats = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the pointer is good for writes of one statfs.
    if unsafe { libc::fstatfs(file.as_raw_fd(), stats.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure is integers, zeroed and then filled in.
    let stats = unsafe { stats.assume_init() };
    Ok([libc::PROC_SUPER_MAGIC as i64, libc::SYSFS_MAGIC as i64].contains(&(stats.f_type as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_kernel_views_from_files() {
        assert!(is_kernel_view(&File::open("/proc/self/stat").unwrap()).unwrap());
        assert!(is_kernel_view(&File::open("/sys/kernel").unwrap()).unwrap());
        assert!(!is_kernel_view(&File::open("Cargo.toml").unwrap()).unwrap());
    }
}
