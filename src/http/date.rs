//! The field Date, which an origin server with a clock must send (RFC 9110 §6.6.1).

const DAY_NAMES: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTH_NAMES: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const SECONDS_PER_DAY: u64 = 86_400;
/// Days from 0000-03-01, where the years of the calendar below begin, to 1970-01-01.
const DAYS_TO_EPOCH: u64 = 719_468;
const DAYS_PER_400_YEARS: u64 = 146_097;
/// 9999-12-31 23:59:59; the format has four digits for the year.
const SECONDS_MAX: u64 = 253_402_300_799;

/// A moment in the format of RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HttpDate {
    seconds: u64,
    text: [u8; 29],
}

impl HttpDate {
    /// That of `seconds` after 1970-01-01 00:00:00 UTC.
    pub(super) fn at(seconds: u64) -> HttpDate {
        let seconds = seconds.min(SECONDS_MAX);
        let (days, time) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
        let (year, month, day) = civil(days);
        let mut text = *b"Thu, 00 Jan 0000 00:00:00 GMT";
        text[..3].copy_from_slice(DAY_NAMES[(days % 7) as usize]);
        text[8..11].copy_from_slice(MONTH_NAMES[month]);
        let pairs = [
            (5, day),
            (12, year / 100),
            (14, year % 100),
            (17, time / 3_600),
            (20, time / 60 % 60),
            (23, time % 60),
        ];
        for (at, number) in pairs {
            text[at] = b'0' + (number / 10) as u8;
            text[at + 1] = b'0' + (number % 10) as u8;
        }
        HttpDate { seconds, text }
    }

    /// Moves on to `seconds`; costs a comparison within one second.
    pub(super) fn advance(&mut self, seconds: u64) {
        if seconds != self.seconds {
            *self = HttpDate::at(seconds);
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

/// Year, month from 0 and day from 1, of the day that is `days` after 1970-01-01.
///
/// Years are counted from March, so that the day that leap years add is their last, and the months'
/// lengths follow one line: the month `m` from March begins on day `(153 m + 2) / 5`.
fn civil(days: u64) -> (u64, usize, u64) {
    let days = days + DAYS_TO_EPOCH;
    let (era, day_of_era) = (days / DAYS_PER_400_YEARS, days % DAYS_PER_400_YEARS);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        const CASES: &[(&str, u64, &str)] = &[
            ("epoch", 0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("the RFC's own", 784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("leap day of a century", 951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            ("day after it", 951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            ("last second of a year", 1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            ("no leap day in 2100", 4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            ("last of all", SECONDS_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
            ("past it", u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (name, seconds, text) in CASES {
            let date = HttpDate::at(*seconds);
            assert_eq!(String::from_utf8_lossy(date.as_bytes()), *text, "{name}");
        }
    }

    #[test]
    fn advancing_is_building_anew() {
        let mut date = HttpDate::at(59);
        date.advance(59);
        assert_eq!(date, HttpDate::at(59));
        date.advance(60);
        assert_eq!(date, HttpDate::at(60));
    }
}
