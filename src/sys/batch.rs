//! The buffer that the kernel fills with many small things at once: names of a folder, messages of
//! a socket. What they mean is read out of it before the call that filled it returns, so that one
//! buffer serves all folders and sockets of a thread.

use std::cell::Cell;

/// Some 1,300 names of /proc, and as much as the kernel puts into one part of a netlink dump.
pub(super) const BATCH_BYTES: usize = 32 * 1024;

/// Calls `work` with the buffer of this thread, or with a new one where `work` itself does so.
pub(super) fn with_batch<R>(work: impl FnOnce(&mut [u8; BATCH_BYTES]) -> R) -> R {
    thread_local! {
        static BATCH: Cell<Option<Box<[u8; BATCH_BYTES]>>> = const { Cell::new(None) };
    }
    let mut batch = BATCH.take().unwrap_or_else(zeroed);
    let result = work(&mut batch);
    BATCH.set(Some(batch));
    result
}

/// A new buffer. Its pages are the kernel's zeros, and take memory as far as they are filled.
fn zeroed() -> Box<[u8; BATCH_BYTES]> {
    let bytes = vec![0; BATCH_BYTES].into_boxed_slice();
    bytes.try_into().expect("it has the length that it was made with")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_call_gets_the_same_buffer_and_an_inner_one_another() {
        let address = |batch: &mut [u8; BATCH_BYTES]| batch.as_ptr() as usize;
        let first = with_batch(address);
        assert_eq!(with_batch(address), first);
        let (outer, inner) = with_batch(|batch| (address(batch), with_batch(address)));
        assert_ne!(outer, inner);
    }
}
