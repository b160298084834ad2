//! The local time zone: localtime_r(3), tzset(3).

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// Room for the abbreviation of a zone: RFC 8536 and POSIX know of none longer than six.
const NAME_BYTES_MAX: usize = 32;

/// How local time differs from UTC at some moment.
pub struct ZoneOffset {
    /// Seconds east of UTC.
    pub seconds: i64,
    name: [u8; NAME_BYTES_MAX],
    name_bytes: usize,
}

impl ZoneOffset {
    /// The offset that is in force `unix_seconds` after 1970 began; `None` for a moment in a year
    /// that is no `int`.
    ///
    /// The zone is that of `TZ` or of `/etc/localtime` when this was first called.
    pub fn at(unix_seconds: i64) -> Option<ZoneOffset> {
        let time = unix_seconds as libc::time_t;
        let mut broken_down = MaybeUninit::<libc::tm>::zeroed();
        // SAFETY: both pointers are good for one value of their type, the second for writes.
        let filled = unsafe { libc::localtime_r(&time, broken_down.as_mut_ptr()) };
        if filled.is_null() {
            return None;
        }
        // SAFETY: zero is a valid value of each field, and localtime_r filled them in.
        let broken_down = unsafe { broken_down.assume_init() };
        let mut offset =
            ZoneOffset { seconds: broken_down.tm_gmtoff, name: [0; NAME_BYTES_MAX], name_bytes: 0 };
        if !broken_down.tm_zone.is_null() {
            // SAFETY: tm_zone is a terminated string that the C library keeps for as long as no
            // other zone is set, which nothing in this process does.
            let name = unsafe { CStr::from_ptr(broken_down.tm_zone) }.to_bytes();
            offset.name_bytes = name.len().min(NAME_BYTES_MAX);
            offset.name[..offset.name_bytes].copy_from_slice(&name[..offset.name_bytes]);
        }
        Some(offset)
    }

    /// The abbreviation of the zone: `UTC`, `CEST`, `+03`. Empty if a zone file has one that is no
    /// UTF-8, against RFC 8536.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name[..self.name_bytes]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_less_than_a_day_and_has_a_name() {
        let offset = ZoneOffset::at(1_700_000_000).unwrap();
        assert!(offset.seconds.abs() < 24 * 60 * 60);
        assert!(!offset.name().is_empty());
    }

    #[test]
    fn a_year_beyond_all_calendars_has_no_offset() {
        assert!(ZoneOffset::at(i64::MAX).is_none());
    }
}
