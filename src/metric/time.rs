//! Points in time as expositions have them: whole milliseconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, from 1 to `i64::MAX`: readers take 0 for no time, and some refuse what
/// is negative. A time before 1970 becomes 1; scrapers find either too old to store.
pub(super) fn unix_ms(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_millis().clamp(1, i64::MAX as u128) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_within_what_readers_take() {
        assert_eq!(
            unix_ms(UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_999)),
            1_700_000_000_123
        );
        assert_eq!(unix_ms(UNIX_EPOCH), 1);
        assert_eq!(unix_ms(UNIX_EPOCH - Duration::from_secs(5)), 1);
        let far = UNIX_EPOCH + Duration::from_secs(i64::MAX as u64 - 1);
        assert_eq!(unix_ms(far), i64::MAX as u64);
    }
}
