//! The folders that a pattern names, as Go's `filepath.Glob` finds them.
//!
//! ```text
//! *      any characters of one name       [a-z]   one of these     [^a-z]  one but these
//! ?      one character                    \c      c itself
//! ```
//!
//! A pattern that is none, or that nothing matches, is taken for the folder itself.

use std::path::{Path, PathBuf};

/// Folders that one pattern may lead to at each of its parts; the rest is left out.
const MATCHES_MAX: usize = 4096;

/// One place of a pattern.
#[derive(Debug, PartialEq)]
enum Token {
    Star,
    Any,
    One(char),
    Class { is_negated: bool, ranges: Vec<(char, char)> },
}

/// The folders that `pattern` names, by name.
pub(super) fn folders(pattern: &str) -> Vec<PathBuf> {
    let found = has_meta(pattern).then(|| expand(pattern)).flatten();
    found.filter(|found| !found.is_empty()).unwrap_or_else(|| vec![clean(Path::new(pattern))])
}

fn has_meta(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

/// `None` where a part of `pattern` is no pattern.
fn expand(pattern: &str) -> Option<Vec<PathBuf>> {
    let mut found = vec![PathBuf::from(if pattern.starts_with('/') { "/" } else { "" })];
    for part in pattern.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if has_meta(part) {
            let tokens = parse(part)?;
            found = found.iter().flat_map(|folder| entries(folder, &tokens)).collect();
        } else {
            found.iter_mut().for_each(|folder| folder.push(part));
            found.retain(|folder| folder.symlink_metadata().is_ok());
        }
        found.truncate(MATCHES_MAX);
    }
    Some(found.iter().map(|folder| clean(folder)).collect())
}

/// The entries of `folder` that match. One that cannot be listed has none.
fn entries(folder: &Path, tokens: &[Token]) -> Vec<PathBuf> {
    let listed = if folder == Path::new("") { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(listed).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_match(tokens, name)).collect();
    names.sort_unstable();
    names.iter().map(|name| folder.join(name)).collect()
}

/// The same path without parts that lead nowhere, as Go's `filepath.Clean` makes it.
pub(super) fn clean(path: &Path) -> PathBuf {
    use std::path::Component::{CurDir, Normal, ParentDir, RootDir};
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match (part, cleaned.components().next_back()) {
            (CurDir, _) | (ParentDir, Some(RootDir)) => {}
            (ParentDir, Some(Normal(_))) => {
                cleaned.pop();
            }
            (part, _) => cleaned.push(part),
        }
    }
    if cleaned.as_os_str().is_empty() { PathBuf::from(".") } else { cleaned }
}

fn parse(part: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = part.chars().peekable();
    while let Some(char) = chars.next() {
        tokens.push(match char {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => {
                let is_negated = chars.next_if_eq(&'^').is_some();
                Token::Class { is_negated, ranges: parse_ranges(&mut chars)? }
            }
            '\\' => Token::One(chars.next()?),
            char => Token::One(char),
        });
    }
    Some(tokens)
}

/// What stands between brackets, and the one that closes.
fn parse_ranges(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Vec<(char, char)>> {
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Some(ranges);
        }
        let mut end = || match chars.next()? {
            '\\' => chars.next(),
            '-' | ']' => None,
            char => Some(char),
        };
        let low = end()?;
        let high = match chars.next_if_eq(&'-') {
            Some(_) => match chars.next()? {
                '\\' => chars.next()?,
                '-' | ']' => return None,
                char => char,
            },
            None => low,
        };
        ranges.push((low, high));
    }
}

/// Whether `tokens` match all of `name`. A star that took too little takes one character more; the
/// stars before it need not be tried again, so it takes no more steps than the product of both
/// lengths.
fn is_match(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut token, mut at) = (0, 0);
    // Behind the last star, and the first character that it did not take.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let is_taken = match (tokens.get(token), name.get(at)) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                token += 1;
                retry = Some((token, at));
                continue;
            }
            (Some(token), Some(char)) => token.takes(*char),
            _ => false,
        };
        if is_taken {
            (token, at) = (token + 1, at + 1);
            continue;
        }
        match retry {
            Some((behind, next)) if next < name.len() => {
                retry = Some((behind, next + 1));
                (token, at) = (behind, next + 1);
            }
            _ => return false,
        }
    }
}

impl Token {
    fn takes(&self, char: char) -> bool {
        match self {
            Token::Star | Token::Any => true,
            Token::One(one) => *one == char,
            Token::Class { is_negated, ranges } => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&&char)) != *is_negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::scratch::Scratch;

    #[test]
    fn patterns_match_whole_names() {
        const CASES: &[(&str, &[&str], &[&str])] = &[
            ("abc", &["abc"], &["ab", "abcd", ""]),
            ("*", &["", "a", ".hidden", "ab"], &[]),
            ("a*b*c", &["abc", "axbxc", "abcbc"], &["ab", "acb", "abcd"]),
            ("?", &["a", "\u{e4}"], &["", "ab"]),
            ("[a-cx]1", &["a1", "c1", "x1"], &["d1", "-1", "a"]),
            ("[^a-c]", &["d", "-"], &["a", ""]),
            ("[\\]a]", &["]", "a"], &["\\"]),
            ("\\*", &["*"], &["a", "\\*"]),
            ("*a*a*a*a*a*a*a*a*b", &["aaaaaaaaab"], &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
        ];
        for (pattern, matching, others) in CASES {
            let tokens = parse(pattern).unwrap();
            for name in *matching {
                assert!(is_match(&tokens, name), "{pattern} {name:?}");
            }
            for name in *others {
                assert!(!is_match(&tokens, name), "{pattern} {name:?}");
            }
        }
        for pattern in ["[", "[]", "[a", "[a-", "[a-]", "[-a]", "[^]", "\\"] {
            assert_eq!(parse(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn paths_are_cleaned_as_go_does() {
        const CASES: &[(&str, &str)] = &[
            ("a/b/", "a/b"),
            ("./a//b/./c", "a/b/c"),
            ("/a/../b", "/b"),
            ("../a", "../a"),
            ("a/../..", ".."),
            ("/..", "/"),
            ("", "."),
        ];
        for (path, expected) in CASES {
            assert_eq!(clean(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn a_pattern_leads_to_what_is_there() {
        let scratch = Scratch::new("textfile-glob");
        for file in ["b1/in/x.prom", "a1/in/x.prom", "a2/out/x.prom"] {
            scratch.write(file, b"");
        }
        let root = scratch.path("");
        let folders = |pattern: &str| {
            let found = folders(root.join(pattern).to_str().unwrap());
            let strip = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_owned();
            found.iter().map(strip).collect::<Vec<_>>()
        };
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(folders("*/in"), paths(&["a1/in", "b1/in"]));
        assert_eq!(folders("./[ab]1//i?"), paths(&["a1/in", "b1/in"]));
        assert_eq!(folders("a*/*"), paths(&["a1/in", "a2/out"]));
        assert_eq!(folders("c*/in"), paths(&["c*/in"]));
        assert_eq!(folders("[/in"), paths(&["[/in"]));
        assert_eq!(folders("a1"), paths(&["a1"]));
    }
}
