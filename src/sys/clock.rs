//! How the kernel disciplines the system clock: adjtimex(2).

use std::io;
use std::mem::MaybeUninit;

/// The state of the clock and of its discipline.
pub struct ClockState {
    timex: libc::timex,
    state: i32,
}

/// One of the numbers in a [`ClockState`], under its name in adjtimex(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual page describes them")]
pub enum ClockNumber {
    Offset,
    Frequency,
    MaxError,
    EstError,
    Status,
    Constant,
    Tick,
    PpsFrequency,
    Jitter,
    Shift,
    Stability,
    JitterCount,
    CalibrationCount,
    ErrorCount,
    StabilityCount,
    Tai,
}

impl ClockState {
    /// Asks the kernel, and changes nothing.
    ///
    /// # Errors
    /// What adjtimex(2) fails with: EPERM where a sandbox forbids it.
    pub fn read() -> io::Result<ClockState> {
        let mut timex = MaybeUninit::<libc::timex>::zeroed();
        // SAFETY: the pointer is good for reads and writes of one timex; all zero is one that asks
        // for no change.
        let state = unsafe { libc::adjtimex(timex.as_mut_ptr()) };
        if state < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the structure is all integers, zeroed and then filled in by adjtimex.
        let timex = unsafe { timex.assume_init() };
        Ok(ClockState { timex, state })
    }

    /// Whether a reliable source disciplines the clock.
    pub fn is_synchronized(&self) -> bool {
        self.state != libc::TIME_ERROR
    }

    /// Whether the offset and the jitter are in nanoseconds; else they are in microseconds.
    pub fn is_in_nanoseconds(&self) -> bool {
        self.timex.status & libc::STA_NANO != 0
    }

    /// A number, in the kernel's own unit.
    #[allow(clippy::unnecessary_cast, reason = "the types differ by target")]
    pub fn number(&self, number: ClockNumber) -> i64 {
        let timex = &self.timex;
        match number {
            ClockNumber::Offset => timex.offset as i64,
            ClockNumber::Frequency => timex.freq as i64,
            ClockNumber::MaxError => timex.maxerror as i64,
            ClockNumber::EstError => timex.esterror as i64,
            ClockNumber::Status => i64::from(timex.status),
            ClockNumber::Constant => timex.constant as i64,
            ClockNumber::Tick => timex.tick as i64,
            ClockNumber::PpsFrequency => timex.ppsfreq as i64,
            ClockNumber::Jitter => timex.jitter as i64,
            ClockNumber::Shift => i64::from(timex.shift),
            ClockNumber::Stability => timex.stabil as i64,
            ClockNumber::JitterCount => timex.jitcnt as i64,
            ClockNumber::CalibrationCount => timex.calcnt as i64,
            ClockNumber::ErrorCount => timex.errcnt as i64,
            ClockNumber::StabilityCount => timex.stbcnt as i64,
            ClockNumber::Tai => i64::from(timex.tai),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_has_a_clock() {
        let state = match ClockState::read() {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return,
            state => state.unwrap(),
        };
        // A tick is a hundredth of a second, which can be adjusted by a tenth (adjtimex(8)).
        assert!((9_000..=11_000).contains(&state.number(ClockNumber::Tick)));
    }
}
