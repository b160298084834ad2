//! Variables, as the key `environment` and the lines of an environment file give them.

use super::error::Fault;
use super::words::{self, Word};

/// A name and its value.
pub(super) type Variable = (String, String);

/// The variables of an environment file: a `NAME=VALUE` on each line, quoted as a value of the
/// configuration file is; or the lines that are none.
pub(super) fn parse(text: &str) -> Result<Vec<Variable>, Vec<(usize, Fault)>> {
    let (mut variables, mut faults) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let words = words::split(line).and_then(|words| match &words[..] {
            [] => Ok(None),
            [word] => variable(word).map(Some),
            _ => Err(Fault::new("one NAME=VALUE, with quotes around blanks", line)),
        });
        match words {
            Ok(variable) => variables.extend(variable),
            Err(fault) => faults.push((index + 1, fault)),
        }
    }
    if faults.is_empty() { Ok(variables) } else { Err(faults) }
}

/// One `NAME=VALUE`.
pub(super) fn variable(word: &Word) -> Result<Variable, Fault> {
    let fault = || Fault::new("NAME=VALUE", &word.text);
    let (name, value) = word.text.split_once('=').ok_or_else(fault)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(fault());
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        let text = "# a\nA=1\n\n  B='x y' # c\nC=\nD=a=b\n";
        let found = parse(text).unwrap();
        let found: Vec<_> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, [("A", "1"), ("B", "x y"), ("C", ""), ("D", "a=b")]);
    }

    #[test]
    fn what_is_none_is_named() {
        const CASES: &[(&str, usize, &str)] = &[
            ("A", 1, "expected NAME=VALUE, found \"A\""),
            ("\n=1", 2, "expected NAME=VALUE, found \"=1\""),
            ("A B=1", 1, "expected one NAME=VALUE, with quotes around blanks, found \"A B=1\""),
            ("\"A B=1\"", 1, "expected NAME=VALUE, found \"A B=1\""),
            ("A='", 1, "expected a closing ', found \"A='\""),
        ];
        for (text, line, expected) in CASES {
            let faults = parse(text).unwrap_err();
            let [(at, fault)] = &faults[..] else { panic!("{faults:?}") };
            assert_eq!((*at, fault.to_string().as_str()), (*line, *expected));
        }
        let lines: Vec<usize> =
            parse("A\nB=1\n=C").unwrap_err().into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 3]);
    }
}
