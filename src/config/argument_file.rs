//! `@FILE` on a command line: words out of a file, one a line, as kingpin takes them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::{UsageError, shown};

/// Files that a command line may name, those that they name among them. It ends what would be
/// read for good: a file that names itself.
const FILES_MAX: usize = 16;

/// The words of `args`, with those of its files in their places: each line of a file is a word,
/// but for lines that begin with `#`. What stands behind `--` is the command's and left as it is.
///
/// `read` gives the text of a file or the reason why there is none.
///
/// # Errors
/// When a file cannot be read, or there are too many.
pub fn expand(
    args: impl IntoIterator<Item = OsString>,
    read: &dyn Fn(&Path) -> Result<String, String>,
) -> Result<Vec<OsString>, UsageError> {
    let mut ahead: Vec<OsString> = args.into_iter().collect();
    ahead.reverse();
    let mut words = Vec::new();
    let mut files = 0;
    while let Some(word) = ahead.pop() {
        if word == "--" {
            words.push(word);
            words.extend(ahead.into_iter().rev());
            break;
        }
        let Some(name) = word.as_bytes().strip_prefix(b"@") else {
            words.push(word);
            continue;
        };
        files += 1;
        if files > FILES_MAX {
            let reason = format!("more than {FILES_MAX} files");
            return Err(UsageError::ArgumentFile { word: shown(&word), reason });
        }
        let text = read(Path::new(OsStr::from_bytes(name)))
            .map_err(|reason| UsageError::ArgumentFile { word: shown(&word), reason })?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        ahead.extend(lines.rev().map(OsString::from));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Result<String, String> {
        match path.to_str() {
            Some("flags") => Ok("# two\n--a=b c\n--d\n".to_owned()),
            Some("nested") => Ok("--x\n@flags\n--y".to_owned()),
            Some("endless") => Ok("@endless\n".to_owned()),
            Some("command") => Ok("--\n@flags\n".to_owned()),
            _ => Err("no such file or directory".to_owned()),
        }
    }

    fn expanded(words: &[&str]) -> Result<Vec<String>, String> {
        let words = expand(words.iter().map(OsString::from), &read);
        let text = |word: OsString| word.into_string().expect("the test is UTF-8");
        words.map(|words| words.into_iter().map(text).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_take_the_place_of_their_file() {
        const CASES: &[(&[&str], &[&str])] = &[
            (&[], &[]),
            (&["--a", "b"], &["--a", "b"]),
            (&["--z", "@flags", "e"], &["--z", "--a=b c", "--d", "e"]),
            (&["@nested", "-"], &["--x", "--a=b c", "--d", "--y", "-"]),
            (&["--", "@flags"], &["--", "@flags"]),
            (&["@command", "f"], &["--", "@flags", "f"]),
            (&["--a=@flags"], &["--a=@flags"]),
        ];
        for (words, expected) in CASES {
            assert_eq!(expanded(words).unwrap(), *expected, "{words:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let expected = "cannot read arguments from @none: no such file or directory";
        assert_eq!(expanded(&["@none"]).unwrap_err(), expected);
        let expected = "cannot read arguments from @endless: more than 16 files";
        assert_eq!(expanded(&["@endless"]).unwrap_err(), expected);
    }
}
