//! The files of bcachefs, whose sizes are written for people: `1.50M`.

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines, parse_number};
use crate::collector::text::to_text;
use std::borrow::Cow;

/// Table: letter behind a number, in small => the power of 1,024 that it stands for, less one.
const UNITS: &[u8] = b"kmgtpe";

/// A number such as `12` or `1.5M`, without what is less than one.
fn parse_human(content: &[u8]) -> Option<f64> {
    let last = content.last()?.to_ascii_lowercase();
    let (number, power) = match UNITS.iter().position(|unit| *unit == last) {
        Some(unit) => (&content[..content.len() - 1], unit + 1),
        None => (content, 0),
    };
    let number: f64 = parse_number(number.trim_ascii()).filter(|number| *number >= 0.0)?;
    Some((number * 1024_f64.powi(i32::try_from(power).ok()?)).trunc())
}

/// The size that is all that `file` contains; zero where it is empty.
pub(super) fn parse_size(file: &'static str, content: &[u8]) -> Result<f64, CollectError> {
    let size = content.trim_ascii();
    if size.is_empty() {
        return Ok(0.0);
    }
    parse_human(size).ok_or_else(|| CollectError::malformed(file, 1, "a size", Some(size)))
}

fn human(line: &mut Line<'_>) -> Result<f64, CollectError> {
    let word = line.word();
    word.and_then(parse_human).ok_or_else(|| line.malformed("a size", word))
}

fn text(word: &[u8]) -> Cow<'_, str> {
    to_text(word)
}

/// Calls `each` with the name and the first two numbers of each line of `file` but the first, which
/// has the headings.
pub(super) fn parse_pairs(
    file: &'static str,
    content: &[u8],
    mut each: impl FnMut(&str, [f64; 2]),
) -> Result<(), CollectError> {
    for mut line in Lines::new(file, content).skip(1) {
        if line.word_count() < 3 {
            continue;
        }
        let name = line.word().unwrap_or_default();
        let numbers = [human(&mut line)?, human(&mut line)?];
        each(&text(name.strip_suffix(b":").unwrap_or(name)), numbers);
    }
    Ok(())
}

/// Calls `each` with the name and the number of each line of `errors`.
pub(super) fn parse_errors(
    content: &[u8],
    mut each: impl FnMut(&str, f64),
) -> Result<(), CollectError> {
    for mut line in Lines::new("errors", content) {
        let Some(name) = line.word() else { continue };
        if let Some(count) = line.number_if_any::<u64>("a number of errors")? {
            each(&text(name), count as f64);
        }
    }
    Ok(())
}

/// What a counter counted since the file system was made; zero where it says only what it counted
/// since it was mounted.
pub(super) fn parse_counter(content: &[u8]) -> Result<f64, CollectError> {
    let mut count = None;
    let mut lines = Lines::new("counters", content);
    for mut line in &mut lines {
        match line.until(b':') {
            Some(b"since filesystem creation") => count = Some(human(&mut line)?),
            Some(b"since mount") => count = count.or(Some(0.0)),
            _ => {}
        }
    }
    count.ok_or_else(|| lines.missing("a count since mount or creation"))
}

/// Calls `each` with the operation, the type of data and the number of bytes of each line of
/// `io_done` that is below a heading.
pub(super) fn parse_done(
    content: &[u8],
    mut each: impl FnMut(&str, &str, f64),
) -> Result<(), CollectError> {
    let mut operation = "";
    for line in Lines::new("io_done", content) {
        match line.rest().trim_ascii() {
            b"read:" => operation = "read",
            b"write:" => operation = "write",
            _ if operation.is_empty() => {}
            _ => {
                if let Some((kind, bytes)) = parse_entry(line)? {
                    each(operation, &kind, bytes);
                }
            }
        }
    }
    Ok(())
}

/// Calls `each` with the type and the number of errors of each line of `io_errors` that is of the
/// time since the file system was made.
pub(super) fn parse_failed(
    content: &[u8],
    mut each: impl FnMut(&str, f64),
) -> Result<(), CollectError> {
    let mut is_since_creation = false;
    for line in Lines::new("io_errors", content) {
        if line.rest().starts_with(b"IO errors since ") {
            is_since_creation = line.rest().starts_with(b"IO errors since filesystem creation");
        } else if is_since_creation && let Some((kind, count)) = parse_entry(line)? {
            each(&kind, count);
        }
    }
    Ok(())
}

/// A line `name : number`; `None` where there is no colon.
fn parse_entry(mut line: Line<'_>) -> Result<Option<(Cow<'_, str>, f64)>, CollectError> {
    let Some(name) = line.until(b':') else { return Ok(None) };
    let number: u64 = line.number("a number")?;
    Ok(Some((text(name.trim_ascii()), number as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_for_people() {
        const CASES: &[(&str, Option<f64>)] = &[
            ("0", Some(0.0)),
            ("1305", Some(1305.0)),
            ("1.50M", Some(1572864.0)),
            ("0.3k", Some(307.0)),
            ("2 g", Some(2147483648.0)),
            ("", None),
            ("M", None),
            ("-1k", None),
            ("3X", None),
        ];
        for (size, expected) in CASES {
            assert_eq!(parse_human(size.as_bytes()), *expected, "{size:?}");
        }
        assert_eq!(parse_size("f", b"\n").unwrap(), 0.0);
        let error = parse_size("f", b"x\n").unwrap_err();
        assert_eq!(error.to_string(), "f:1: expected a size, found x");
    }

    #[test]
    fn lines_are_what_their_headings_say() {
        let mut found = Vec::new();
        let content = "type  compressed uncompressed average\nzstd: 1.5k 3k 64k\nlz4 0 0\nnone\n";
        parse_pairs("f", content.as_bytes(), |name, [a, b]| found.push(format!("{name} {a} {b}")))
            .unwrap();
        parse_errors(b"x 3 17\n\ny\n", |name, count| found.push(format!("{name} {count}")))
            .unwrap();
        let content = b"a : 9\nread:\nsb : 1\nbtree  :    2\nwrite:\nsb : 3\n";
        parse_done(content, |op, kind, bytes| found.push(format!("{op} {kind} {bytes}"))).unwrap();
        let content = b"IO errors since filesystem creation\n  read:    1\n  write: 2\n\
            IO errors since 8 y ago\n  read: 7\n";
        parse_failed(content, |kind, count| found.push(format!("{kind} {count}"))).unwrap();
        let expected = [
            "zstd 1536 3072",
            "lz4 0 0",
            "x 3",
            "read sb 1",
            "read btree 2",
            "write sb 3",
            "read 1",
            "write 2",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn counters_count_since_the_file_system_was_made() {
        let content = b"since mount:             12\nsince filesystem creation:   1.5k\n";
        assert_eq!(parse_counter(content).unwrap(), 1536.0);
        assert_eq!(parse_counter(b"since mount: 12\n").unwrap(), 0.0);
        let error = parse_counter(b"").unwrap_err().to_string();
        assert_eq!(
            error,
            "counters:1: expected a count since mount or creation, found end of file"
        );
        let error = parse_counter(b"since filesystem creation: x\n").unwrap_err().to_string();
        assert_eq!(error, "counters:1: expected a size, found x");
    }
}
