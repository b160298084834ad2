//! Descriptors 0 to 2 that are closed on entry, in a root without `/dev/null`.
//!
//! Rust's runtime opens `/dev/null` in the place of each before `main`, so that no file that the
//! program opens later passes for a standard output; where it cannot, it aborts. A scratch image
//! may have no `/dev/null`, so this comes before it: as a constructor of the program.

use std::ffi::CStr;

/// The constructors that the C library calls before `main` (System V ABI, `.init_array`).
///
/// It is safe to be one: it uses nothing that is set up later, only system calls.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = fill_gaps;

/// Opens something harmless in the place of each standard descriptor that is closed.
extern "C" fn fill_gaps() {
    for fd in libc::STDIN_FILENO..=libc::STDERR_FILENO {
        // SAFETY: takes two numbers; on a descriptor that is not open it fails with EBADF.
        let is_open = unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
        // The root folder can be neither read nor written, which is what a closed descriptor is.
        let has_opened =
            || open(c"/dev/null", libc::O_RDWR) || open(c"/", libc::O_RDONLY | libc::O_DIRECTORY);
        if !is_open && !has_opened() {
            return;
        }
    }
}

/// Opens `path` as the lowest descriptor that is free; whether that was possible.
fn open(path: &CStr, flags: libc::c_int) -> bool {
    // SAFETY: the path is terminated.
    unsafe { libc::open(path.as_ptr(), flags) >= 0 }
}
