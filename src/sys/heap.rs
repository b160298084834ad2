//! How the allocator of the C library keeps memory: mallopt(3). That of musl has nothing to set.

/// Blocks of this size and more go back to the kernel when they are freed. glibc raises its own
/// limit with each one that is, so that what was needed once would stay.
#[cfg(target_env = "gnu")]
const RETURNED_BYTES_MIN: libc::c_int = 64 * 1024;

/// Gives all free memory back to the kernel, between what is in use too.
pub fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call takes no pointers, and locks what it changes.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Makes the heap of this process as small as what is in use, for one that allocates little once it
/// has started: all threads share one arena, and what is free at its end goes back.
///
/// To be called before there are threads; what cannot be set stays as it is.
pub fn keep_small() {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, RETURNED_BYTES_MIN),
        (libc::M_TRIM_THRESHOLD, RETURNED_BYTES_MIN),
    ] {
        // SAFETY: the call takes no pointers and sets a number, under a lock of the allocator's own.
        unsafe { libc::mallopt(parameter, value) };
    }
}
