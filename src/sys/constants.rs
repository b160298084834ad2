//! Numbers that hold for as long as the system runs: sysconf(3).

/// The length of a page of memory.
pub fn page_size_bytes() -> u64 {
    // SAFETY: takes a number and returns one.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).expect("POSIX requires a page size")
}

/// The unit in which /proc gives CPU time: ticks a second (`USER_HZ`), 100 on every architecture
/// but Alpha.
pub fn clock_ticks_per_second() -> u64 {
    // SAFETY: takes a number and returns one.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks).expect("POSIX requires clock ticks")
}

#[cfg(test)]
mod tests {
    #[test]
    fn are_what_linux_can_have() {
        assert!(super::page_size_bytes().is_power_of_two());
        assert!([100, 1024].contains(&super::clock_ticks_per_second()));
    }
}
