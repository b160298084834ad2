//! The errors of the system in the style of our own messages.

use std::io;

/// What `error` says, in lower case and without its number: `address already in use` for
/// `Address already in use (os error 98)`. A name in capitals stays as it is.
///
/// ```
/// let error = std::io::Error::from_raw_os_error(2);
/// assert_eq!(promlet::sys::error::plain(&error), "no such file or directory");
/// ```
pub fn plain(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.find(" (os error ") {
        text.truncate(end);
    }
    let is_word = text.as_bytes().get(1).is_some_and(|second| !second.is_ascii_uppercase());
    if let (true, Some(first)) = (is_word, text.get_mut(..1)) {
        first.make_ascii_lowercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_read_like_ours() {
        const CASES: &[(&str, &str)] = &[
            ("Permission denied (os error 13)", "permission denied"),
            ("it does not listen", "it does not listen"),
            ("LISTEN_PID is not a number", "LISTEN_PID is not a number"),
            ("Ärger", "Ärger"),
            ("", ""),
        ];
        for (text, expected) in CASES {
            assert_eq!(plain(&io::Error::other(*text)), *expected);
        }
    }
}
