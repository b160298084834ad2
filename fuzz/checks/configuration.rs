//! Whatever bytes there are have one verdict as a configuration file, each error names one of its lines, and a line
//! of comment in front of it changes the lines and nothing else.

use promlet::config::file::{FileError, parse};
use std::path::Path;

fn read(path: &Path) -> Result<String, String> {
    match path.to_str() {
        Some("/etc/passwd") => Ok("www:x:33:33::/:\n".to_owned()),
        Some("/env") => Ok("A=1\n".to_owned()),
        _ => Err("there is none".to_owned()),
    }
}

/// Checks the property on `data`.
pub fn check(data: &[u8]) {
    // A byte order mark is one at the beginning only.
    let data = data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data);
    let plain = parse("f", data, &read);
    let shifted = parse("f", [b"# comment\n", data].concat(), &read);
    match (plain, shifted) {
        (Ok(plain), Ok(shifted)) => assert_eq!(plain, shifted),
        (Err(plain), Err(shifted)) => {
            let lines = data.split(|byte| *byte == b'\n').count();
            let place = |error: &FileError| (error.file.clone(), error.line);
            assert!(!plain.is_empty() && plain.len() == shifted.len());
            for (plain, shifted) in plain.iter().zip(&shifted) {
                let (file, line) = place(plain);
                assert!((1..=lines).contains(&line), "{plain}");
                assert_eq!(place(shifted), (file, line + 1), "{plain}");
                assert!(!plain.to_string().contains(char::is_control), "{plain:?}");
            }
        }
        (plain, shifted) => panic!("{plain:?} and {shifted:?}"),
    }
}
