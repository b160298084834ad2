//! What the kernel says of the host: uname(2).

use std::borrow::Cow;
use std::ffi::{CStr, c_char};
use std::io;
use std::mem::MaybeUninit;

/// The names of the kernel and of the host.
pub struct Host(libc::utsname);

impl Host {
    /// Asks the kernel, by uname(2).
    ///
    /// # Errors
    /// What the system call fails with; there is no known reason for it to.
    pub fn read() -> io::Result<Host> {
        let mut names = MaybeUninit::<libc::utsname>::zeroed();
        // SAFETY: the pointer is good for writes of one utsname.
        if unsafe { libc::uname(names.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the structure is all character arrays, zeroed and then filled in by uname.
        Ok(Host(unsafe { names.assume_init() }))
    }

    /// The operating system: `Linux`.
    pub fn sysname(&self) -> Cow<'_, str> {
        text(&self.0.sysname)
    }

    /// The host name.
    pub fn nodename(&self) -> Cow<'_, str> {
        text(&self.0.nodename)
    }

    /// The release of the kernel.
    pub fn release(&self) -> Cow<'_, str> {
        text(&self.0.release)
    }

    /// The build of the kernel.
    pub fn version(&self) -> Cow<'_, str> {
        text(&self.0.version)
    }

    /// The architecture.
    pub fn machine(&self) -> Cow<'_, str> {
        text(&self.0.machine)
    }

    /// The NIS domain, mostly `(none)`.
    pub fn domainname(&self) -> Cow<'_, str> {
        text(&self.0.domainname)
    }
}

/// The characters of `field` in front of its terminator.
fn text(field: &[c_char]) -> Cow<'_, str> {
    // SAFETY: c_char and u8 have the same size and no invalid values.
    let bytes = unsafe { std::slice::from_raw_parts(field.as_ptr().cast::<u8>(), field.len()) };
    CStr::from_bytes_until_nul(bytes).unwrap_or_default().to_string_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_kernel_s_own_files() {
        let host = Host::read().unwrap();
        let file = |name| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap();
        assert_eq!(host.sysname(), file("ostype").trim_end());
        assert_eq!(host.release(), file("osrelease").trim_end());
        assert_eq!(host.version(), file("version").trim_end());
        assert_eq!(host.nodename(), file("hostname").trim_end());
        assert_eq!(host.domainname(), file("domainname").trim_end());
        assert!(!host.machine().is_empty());
    }

    #[test]
    fn a_field_without_a_terminator_is_no_text() {
        assert_eq!(text(&[b'a' as c_char; 3]), "");
        assert_eq!(text(&[b'a' as c_char, 0, b'b' as c_char]), "a");
    }
}
