//! The log of the binary: one line an event, as logfmt or JSON, to standard error.
//!
//! ```text
//! time=2026-01-02T03:04:05.678Z level=info msg="listening" address=[::]:6061
//! {"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"listening","address":"[::]:6061"}
//! ```
//!
//! A line is built in memory and leaves in one write, so lines of several threads do not mix. Nobody
//! waits for who reads them: in the binary, lines that find no room are dropped and counted, and the
//! next one that finds some says how many.
//! Values may come from outside (requests, files, commands): control characters are escaped and
//! long values cut. Nothing is logged on the way of a scrape that succeeds. Errors of the command
//! line are no events; the binary prints those itself.

#![forbid(unsafe_code)]

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sys::output::Output;

/// The longest value that is written whole. What is cut ends in `…`. With the few fields that an
/// event has, a line stays below PIPE_BUF (4,096 bytes), up to which a pipe does not split it.
const VALUE_BYTES_MAX: usize = 512;

/// How much an event matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// What a developer wants to see.
    Debug,
    /// The life of the process: started, listening, stopped.
    #[default]
    Info,
    /// Something is wrong and was worked around.
    Warn,
    /// Something that was asked for could not be done.
    Error,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `key=value` pairs, quoted where needed.
    #[default]
    Logfmt,
    /// One JSON object.
    Json,
}

/// The keys and values of an event, in the order of the line.
pub type Fields<'a> = &'a [(&'static str, &'a dyn Display)];

/// What is written and how.
#[derive(Debug, Clone, Copy)]
struct Settings {
    level: Level,
    format: Format,
}

/// Set once by the binary; until then, and in programs that only link the library, the defaults.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

const DEFAULTS: Settings = Settings { level: Level::Info, format: Format::Logfmt };

impl Level {
    /// Its name in the line and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Where lines go without waiting; until [`init`], and in programs that only link the library,
/// standard error as it is.
static OUTPUT: OnceLock<Output> = OnceLock::new();

/// How many lines were dropped since one was written.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Chooses level and format for the rest of the process's life, and that nothing waits for the log;
/// only the first call has an effect.
pub fn init(level: Level, format: Format) {
    SETTINGS.get_or_init(|| Settings { level, format });
    if let Ok(output) = Output::new(io::stderr()) {
        OUTPUT.get_or_init(|| output);
    }
}

/// Logs an event at [`Level::Debug`].
pub fn debug(message: &'static str, fields: Fields<'_>) {
    event(Level::Debug, message, fields);
}

/// Logs an event at [`Level::Info`].
pub fn info(message: &'static str, fields: Fields<'_>) {
    event(Level::Info, message, fields);
}

/// Logs an event at [`Level::Warn`].
pub fn warn(message: &'static str, fields: Fields<'_>) {
    event(Level::Warn, message, fields);
}

/// Logs an event at [`Level::Error`].
pub fn error(message: &'static str, fields: Fields<'_>) {
    event(Level::Error, message, fields);
}

fn event(level: Level, message: &'static str, fields: Fields<'_>) {
    let settings = SETTINGS.get().unwrap_or(&DEFAULTS);
    if level < settings.level {
        return;
    }
    let mut line = String::with_capacity(256);
    // ORDERING: Relaxed: only the sum of all that was taken from the count matters.
    let dropped = DROPPED.swap(0, Ordering::Relaxed);
    let now = SystemTime::now();
    if dropped > 0 {
        let fields: Fields<'_> = &[("lines", &dropped)];
        write_line(&mut line, settings.format, now, Level::Warn, "log lines dropped", fields);
    }
    write_line(&mut line, settings.format, now, level, message, fields);
    if !write(line.as_bytes()) {
        // ORDERING: Relaxed: as above.
        DROPPED.fetch_add(dropped + 1, Ordering::Relaxed);
    }
}

/// Writes to where lines go; `false` if there is no room.
fn write(mut line: &[u8]) -> bool {
    let Some(output) = OUTPUT.get() else {
        // A log that cannot be written has nowhere to complain to, and is no reason to stop.
        let _ = io::stderr().write_all(line);
        return true;
    };
    let whole = line.len();
    while !line.is_empty() {
        match output.write(line) {
            Ok(count) => line = &line[count..],
            // What of a line has been written makes it one, though a cut one.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return line.len() < whole,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // As above.
            Err(_) => return true,
        }
    }
    true
}

/// Appends one line.
fn write_line(
    line: &mut String,
    format: Format,
    time: SystemTime,
    level: Level,
    message: &str,
    fields: Fields<'_>,
) {
    let head: [(&str, &dyn Display); 3] =
        [("time", &Rfc3339(time)), ("level", &level.name()), ("msg", &message)];
    let pairs = head.iter().chain(fields).map(|(key, value)| (*key, cut(value.to_string())));
    match format {
        Format::Logfmt => write_logfmt(line, pairs),
        Format::Json => write_json(line, pairs),
    }
    line.push('\n');
}

fn write_logfmt<'a>(line: &mut String, pairs: impl Iterator<Item = (&'a str, String)>) {
    for (i, (key, value)) in pairs.enumerate() {
        if i > 0 {
            line.push(' ');
        }
        line.push_str(key);
        line.push('=');
        // The message is always quoted: lines are easier on the eye when it looks the same.
        if key == "msg" || value.is_empty() || value.contains(needs_quotes) {
            write_quoted(line, &value);
        } else {
            line.push_str(&value);
        }
    }
}

/// Whether a character ends or confuses a bare value of logfmt.
fn needs_quotes(c: char) -> bool {
    matches!(c, ' ' | '=' | '"' | '\\') || c.is_control()
}

fn write_json<'a>(line: &mut String, pairs: impl Iterator<Item = (&'a str, String)>) {
    for (i, (key, value)) in pairs.enumerate() {
        line.push(if i == 0 { '{' } else { ',' });
        write_quoted(line, key);
        line.push(':');
        write_quoted(line, &value);
    }
    line.push('}');
}

/// Appends a string as JSON writes it (RFC 8259 §7); logfmt's readers accept the same.
///
/// The controls of C1 (U+0080 to U+009F) are escaped too: some of them drive terminals.
fn write_quoted(line: &mut String, value: &str) {
    line.push('"');
    for c in value.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // Writing to a String cannot fail.
            c if c.is_control() => drop(write!(line, "\\u{:04x}", u32::from(c))),
            c => line.push(c),
        }
    }
    line.push('"');
}

/// The value, or as much of its start as may be shown.
fn cut(mut value: String) -> String {
    if value.len() > VALUE_BYTES_MAX {
        let end = (0..=VALUE_BYTES_MAX).rev().find(|&i| value.is_char_boundary(i)).unwrap_or(0);
        value.truncate(end);
        value.push('…');
    }
    value
}

/// A time in UTC as RFC 3339 writes it, with milliseconds.
struct Rfc3339(SystemTime);

impl Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A clock before 1970 has never been set; which of those moments it is tells nobody more.
        let since_epoch = self.0.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let seconds = since_epoch.as_secs();
        let (year, month, day) = civil_from_days(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        let millis = since_epoch.subsec_millis();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of a number of days since 1970-01-01 (Gregorian).
///
/// Counted in years that begin on 1 March, so that a leap day comes last in its year, and from
/// 0000-03-01, where a cycle of 400 years (146,097 days) begins.
fn civil_from_days(days_since_epoch: u64) -> (u64, u64, u64) {
    const DAYS_TO_EPOCH: u64 = 719_468;
    const CYCLE_DAYS: u64 = 146_097;
    let days = days_since_epoch + DAYS_TO_EPOCH;
    let (cycle, day_of_cycle) = (days / CYCLE_DAYS, days % CYCLE_DAYS);
    // Take out the leap days before this one: one each 4 years, none each 100, one each 400.
    let leap_days = day_of_cycle / 1_460 + day_of_cycle / 146_096 - day_of_cycle / 36_524;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // From March, each five months have 153 days.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (400 * cycle + year_of_cycle + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: Format, message: &str, fields: Fields<'_>) -> String {
        let mut line = String::new();
        let time = UNIX_EPOCH + Duration::from_millis(1_767_323_045_678);
        write_line(&mut line, format, time, Level::Info, message, fields);
        line
    }

    #[test]
    fn the_two_formats() {
        let fields: Fields<'_> = &[("address", &"[::]:6061"), ("empty", &""), ("n", &7)];
        assert_eq!(
            line(Format::Logfmt, "listening", fields),
            "time=2026-01-02T03:04:05.678Z level=info msg=\"listening\" \
             address=[::]:6061 empty=\"\" n=7\n"
        );
        assert_eq!(
            line(Format::Json, "listening", fields),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"msg\":\"listening\",\
             \"address\":\"[::]:6061\",\"empty\":\"\",\"n\":\"7\"}\n"
        );
    }

    #[test]
    fn values_cannot_break_the_line() {
        for hostile in ["a\nlevel=error", "a b", "a=\"", "\x1b[2J", "\u{9b}2J", "\0", "\\"] {
            for format in [Format::Logfmt, Format::Json] {
                let line = line(format, "refused", &[("word", &hostile)]);
                let body = line.strip_suffix('\n').unwrap();
                assert!(!body.contains(char::is_control), "{body:?}");
                assert!(body.trim_end_matches('}').ends_with('"'), "{body:?}");
            }
        }
        assert!(line(Format::Json, "m", &[("k", &"\x1b\"\t")]).contains(r#""k":"\u001b\"\t""#));
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        // One byte, then characters of two: the limit falls inside one.
        let long = format!("x{}", "é".repeat(VALUE_BYTES_MAX));
        let line = line(Format::Logfmt, "m", &[("k", &long)]);
        assert!(line.ends_with("éé…\n"));
        assert!(line.len() < VALUE_BYTES_MAX + 100);
    }

    #[test]
    fn dates() {
        const CASES: &[(u64, (u64, u64, u64))] = &[
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (789, (1972, 2, 29)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_454, (2026, 1, 1)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ];
        for &(days, expected) in CASES {
            assert_eq!(civil_from_days(days), expected, "day {days}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let leap =
            |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..146_097 {
            assert_eq!(civil_from_days(days), (year, month, day), "day {days}");
            let last = match month {
                2 => 28 + u64::from(leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, d) if d == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }

    #[test]
    fn levels_are_ordered() {
        assert!(Level::Debug < Level::Info && Level::Info < Level::Warn);
        assert!(Level::Warn < Level::Error);
    }
}
