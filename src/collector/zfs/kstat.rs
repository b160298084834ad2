//! The two shapes of files of statistics:
//!
//! ```text
//! 13 1 0x01 96 26112 8589934592 9876543210     7 3 0x00 1 80 8589934592 9876543210
//! name                            type data    nread    nwritten reads    writes   wtime ...
//! hits                            4    8114    1986120  3727027  24       117      7150108 ...
//! dataset_name                    7    pool/a dataset
//! ```

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines};

/// What a statistic is.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    Signed(f64),
    Unsigned(f64),
    /// All of it, since names of datasets can have blanks.
    Other(&'a [u8]),
}

/// Calls `each` with the name and the value of each statistic of a file in the first shape.
pub(super) fn parse_named<'a>(
    file: &'static str,
    content: &'a [u8],
    mut each: impl FnMut(&'a [u8], Value<'a>) -> Result<(), CollectError>,
) -> Result<(), CollectError> {
    let mut lines = Lines::new(file, content);
    if !lines.any(|line| is_header(&line)) {
        return Err(lines.missing("name, type and data"));
    }
    for mut line in lines {
        let (Some(name), Some(kind)) = (line.word(), line.word()) else { continue };
        match kind {
            b"3" => each(name, Value::Signed(line.number("a number")?))?,
            b"4" => each(name, Value::Unsigned(line.number("a number")?))?,
            _ => each(name, Value::Other(line.rest().trim_ascii_start()))?,
        }
    }
    Ok(())
}

fn is_header(line: &Line<'_>) -> bool {
    let mut words = line.clone();
    std::iter::from_fn(|| words.word()).eq([&b"name"[..], b"type", b"data"])
}

/// Calls `each` with the name and the number of each column of a file in the second shape.
pub(super) fn parse_table<'a>(
    file: &'static str,
    content: &'a [u8],
    mut each: impl FnMut(&'a [u8], f64) -> Result<(), CollectError>,
) -> Result<(), CollectError> {
    let mut lines = Lines::new(file, content);
    let has_names = |line: &Line<'_>| line.clone().word() == Some(b"nread");
    let header = lines.find(has_names).ok_or_else(|| lines.missing("names of columns"))?;
    for mut line in lines {
        let mut names = header.clone();
        while let Some(name) = names.word() {
            each(name, line.number("a number")?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(content: &str) -> Result<Vec<(&[u8], Value<'_>)>, String> {
        let mut found = Vec::new();
        let parsed = parse_named("f", content.as_bytes(), |name, value| {
            found.push((name, value));
            Ok(())
        });
        parsed.map(|()| found).map_err(|error| error.to_string())
    }

    fn table(content: &str) -> Result<Vec<(&[u8], f64)>, String> {
        let mut found = Vec::new();
        let parsed = parse_table("f", content.as_bytes(), |name, number| {
            found.push((name, number));
            Ok(())
        });
        parsed.map(|()| found).map_err(|error| error.to_string())
    }

    #[test]
    fn statistics_have_names_and_types() {
        let content = "1 2 0x01\nname type data\na 4 7\nb-c 3 -9\nd 7 x  y\n\ne\n";
        let expected: [(&[u8], Value<'_>); 3] = [
            (b"a", Value::Unsigned(7.0)),
            (b"b-c", Value::Signed(-9.0)),
            (b"d", Value::Other(b"x  y")),
        ];
        assert_eq!(named(content).unwrap(), expected);
    }

    #[test]
    fn columns_have_names() {
        let content = "1 2 0x01\nnread nwritten\n1 2\n";
        let expected: [(&[u8], f64); 2] = [(b"nread", 1.0), (b"nwritten", 2.0)];
        assert_eq!(table(content).unwrap(), expected);
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = |found: Result<Vec<_>, String>| found.unwrap_err();
        assert_eq!(wrong(named("")), "f:1: expected name, type and data, found end of file");
        assert_eq!(wrong(named("name type data\na 4 x\n")), "f:2: expected a number, found x");
        let wrong = |found: Result<Vec<_>, String>| found.unwrap_err();
        assert_eq!(wrong(table("a\n")), "f:2: expected names of columns, found end of file");
        let short = "f:2: expected a number, found end of line";
        assert_eq!(wrong(table("nread reads\n1\n")), short);
    }
}
