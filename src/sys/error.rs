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

/// Whether a driver says by `error` that it does not have the value at the moment, or not for this
/// device: EAGAIN, EINVAL, EOPNOTSUPP or ENODATA. Asking by a fresh descriptor would not help.
pub fn is_refusal(error: &io::Error) -> bool {
    let refusals = [libc::EAGAIN, libc::EINVAL, libc::EOPNOTSUPP, libc::ENODATA];
    error.raw_os_error().is_some_and(|errno| refusals.contains(&errno))
}

/// Whether a file in /proc says by `error` that its process is gone: ENOENT where it is opened,
/// ESRCH where it was open.
pub fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_dead_process_says_so() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let path = format!("/proc/{}/stat", child.id());
        let mut file = std::fs::File::open(&path).unwrap();
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(is_gone(&io::Read::read(&mut file, &mut [0]).unwrap_err()));
        assert!(is_gone(&std::fs::File::open(&path).unwrap_err()));
        assert!(!is_gone(&io::Error::from_raw_os_error(libc::EACCES)));
    }

    #[test]
    fn a_refusal_is_no_loss_of_the_device() {
        let is_refusal = |errno| super::is_refusal(&io::Error::from_raw_os_error(errno));
        assert!(is_refusal(libc::EINVAL) && is_refusal(libc::EOPNOTSUPP));
        assert!(!is_refusal(libc::ENODEV) && !is_refusal(libc::ENOENT));
    }

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
