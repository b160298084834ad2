//! Why a collector has nothing to show.

use crate::sys::error::{is_refusal, plain};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Characters of the offending word that an error quotes.
const FOUND_CHARS_MAX: usize = 40;

/// What kept a collector from its values.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CollectError {
    /// The kernel does not offer the source, here or at all.
    NoData {
        /// What is not there.
        path: Arc<Path>,
    },
    /// The source is there and cannot be read.
    Io {
        /// What could not be read; empty for a system call.
        path: Arc<Path>,
        /// How the system call failed.
        kind: io::ErrorKind,
        /// Its error number, where it has one.
        errno: Option<i32>,
    },
    /// The source does not look as the kernel documents it.
    Malformed {
        /// The name of the file.
        file: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// What should have stood there.
        expected: &'static str,
        /// What stood there, shortened.
        found: String,
    },
    /// The source tells of more things than can be shown.
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The source keeps its reader waiting past the scrape's deadline.
    Late,
    /// The source names something that cannot be a series.
    Unregistrable(crate::registry::RegisterError),
}

impl CollectError {
    /// What `error` means for the collector that reads `path`.
    pub(crate) fn from_io(path: &Arc<Path>, error: &io::Error) -> CollectError {
        let path = Arc::clone(path);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => CollectError::NoData { path },
            kind => CollectError::Io { path, kind, errno: error.raw_os_error() },
        }
    }

    /// What the failure of a system call means that reads no file.
    pub(crate) fn from_call(name: &str, error: &io::Error) -> CollectError {
        CollectError::from_io(&Arc::from(PathBuf::from(name)), error)
    }

    /// An error in line `line` of `file`: there stood `found`, or its end where that is `None`.
    #[cold]
    pub(crate) fn malformed(
        file: &'static str,
        line: usize,
        expected: &'static str,
        found: Option<&[u8]>,
    ) -> CollectError {
        let found = found.map_or("end of line".into(), |found| {
            let shown = found.len().min(FOUND_CHARS_MAX);
            let more = if shown < found.len() { "..." } else { "" };
            format!("{}{more}", found[..shown].escape_ascii())
        });
        CollectError::Malformed { file, line, expected, found }
    }

    /// Whether the source is missing rather than broken.
    pub fn is_no_data(&self) -> bool {
        matches!(self, CollectError::NoData { .. })
    }

    /// Whether the source is missing or not for us to see.
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_no_data()
            || matches!(self, CollectError::Io { kind: io::ErrorKind::PermissionDenied, .. })
    }

    /// Whether a driver said that it does not have the value at the moment, or not at all.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            CollectError::Io { errno: Some(errno), .. } => {
                is_refusal(&io::Error::from_raw_os_error(*errno))
            }
            _ => false,
        }
    }

    /// Whether `other` has the same cause in the same place, whatever the value found there.
    pub(crate) fn is_like(&self, other: &CollectError) -> bool {
        use CollectError::*;
        match (self, other) {
            (NoData { path }, NoData { path: other }) => path == other,
            (Io { path, errno, kind }, Io { path: path2, errno: errno2, kind: kind2 }) => {
                (path, errno, kind) == (path2, errno2, kind2)
            }
            (
                Malformed { file, line, expected, .. },
                Malformed { file: file2, line: line2, expected: expected2, .. },
            ) => (file, line, expected) == (file2, line2, expected2),
            (TooMany { what, .. }, TooMany { what: what2, .. }) => what == what2,
            (Late, Late) => true,
            (Unregistrable(error), Unregistrable(other)) => error == other,
            _ => false,
        }
    }
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CollectError::NoData { path } => write!(f, "{}: not there", path.display()),
            CollectError::Io { path, kind, errno } => {
                let error = errno.map_or_else(|| (*kind).into(), io::Error::from_raw_os_error);
                write!(f, "{}: {}", path.display(), plain(&error))
            }
            CollectError::Malformed { file, line, expected, found } => {
                write!(f, "{file}:{line}: expected {expected}, found {found}")
            }
            CollectError::TooMany { what, limit } => write!(f, "more than {limit} {what}"),
            CollectError::Late => f.write_str("no answer before the scrape's deadline"),
            CollectError::Unregistrable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CollectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CollectError::Unregistrable(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_what_was_expected_and_what_came() {
        let path: Arc<Path> = Arc::from(Path::new("/proc/x"));
        let cases = [
            (CollectError::malformed("meminfo", 3, "kB", Some(b"MB")), {
                "meminfo:3: expected kB, found MB"
            }),
            (CollectError::malformed("stat", 1, "a number", None), {
                "stat:1: expected a number, found end of line"
            }),
            (CollectError::malformed("f", 1, "ticks", Some(&[0xff; 50])), {
                concat!(
                    "f:1: expected ticks, found ",
                    r"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    r"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    "..."
                )
            }),
            (CollectError::from_io(&path, &io::Error::from_raw_os_error(2)), "/proc/x: not there"),
            (
                CollectError::from_io(&path, &io::Error::from_raw_os_error(13)),
                "/proc/x: permission denied",
            ),
            (
                CollectError::from_io(&path, &io::ErrorKind::FileTooLarge.into()),
                "/proc/x: file too large",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error.to_string(), expected);
            assert!(error.is_like(&error.clone()), "{expected}");
        }
    }
}
