//! The file `commit_stats` of a Btrfs file system: a name and a number in each line.

use crate::collector::error::CollectError;
use crate::collector::lines::Lines;

const MILLISECONDS_PER_SECOND: f64 = 1000.0;

/// The number of commits, and the time in seconds that the last, the longest and all of them took.
/// What is not there is zero.
pub(super) fn parse_commits(content: &[u8]) -> Result<[f64; 4], CollectError> {
    let mut commits = [0.0; 4];
    for mut line in Lines::new("commit_stats", content) {
        let (index, per_unit) = match line.word() {
            Some(b"commits") => (0, 1.0),
            Some(b"last_commit_ms") => (1, MILLISECONDS_PER_SECOND),
            Some(b"max_commit_ms") => (2, MILLISECONDS_PER_SECOND),
            Some(b"total_commit_ms") => (3, MILLISECONDS_PER_SECOND),
            _ => continue,
        };
        commits[index] = line.number::<u64>("a number")? as f64 / per_unit;
    }
    Ok(commits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_counted_and_timed() {
        let content = b"commits 3\nlast_commit_ms 1\nmax_commit_ms 2500\ntotal_commit_ms 2507\n";
        assert_eq!(parse_commits(content).unwrap(), [3.0, 0.001, 2.5, 2.507]);
        assert_eq!(parse_commits(b"later 1\n").unwrap(), [0.0; 4]);
        let error = parse_commits(b"commits 1\nmax_commit_ms -\n").unwrap_err();
        assert_eq!(error.to_string(), "commit_stats:2: expected a number, found -");
    }
}
