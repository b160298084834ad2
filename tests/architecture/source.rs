//! Rust sources as text: which are there, and what of them is code.

use std::path::{Path, PathBuf};

/// One file of the crate.
pub(crate) struct Source {
    /// Its path below `src`, with `/`.
    pub(crate) path: String,
    /// Its lines without unit tests.
    pub(crate) text: String,
    /// The same lines, comments and literals blanked.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let text = without_tests(text);
        Source { path: path.to_owned(), text: text.to_owned(), code: code_only(text) }
    }

    /// The top-level module it belongs to; `lib` or `main` for the crate roots.
    pub(crate) fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether it is the file that stands for its top-level module.
    pub(crate) fn is_module_root(&self) -> bool {
        self.path == format!("{}.rs", self.module())
            || self.path == format!("{}/mod.rs", self.module())
    }

    pub(crate) fn is_crate_root(&self) -> bool {
        matches!(self.path.as_str(), "lib.rs" | "main.rs")
    }

    pub(crate) fn finding(&self, offset: usize, what: impl std::fmt::Display) -> String {
        let line = 1 + self.code[..offset].matches('\n').count();
        format!("src/{}:{line}: {what}", self.path)
    }
}

pub(crate) fn list_sources(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            list_sources(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            paths.push(path);
        }
    }
    paths.sort();
}

pub(crate) fn is_identifier(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The identifier that a text begins with, blanks skipped; empty where it begins with none.
pub(crate) fn identifier(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|char| !is_identifier(char)).unwrap_or(text.len())]
}

/// Where a word stands that is not a part of a longer one.
pub(crate) fn words(code: &str, word: &str) -> Vec<usize> {
    let ends_in_identifier = word.ends_with(is_identifier);
    let whole = |&offset: &usize| {
        let follows = code[offset + word.len()..].starts_with(is_identifier);
        let continues = code[..offset].ends_with(is_identifier);
        !continues && (!follows || !ends_in_identifier)
    };
    code.match_indices(word).map(|(offset, _)| offset).filter(whole).collect()
}

fn without_tests(text: &str) -> &str {
    let marks = text.match_indices("#[cfg(test)]\n");
    let module = |(offset, mark): &(usize, &str)| text[offset + mark.len()..].starts_with("mod ");
    marks.into_iter().find(module).map_or(text, |(offset, _)| &text[..offset])
}

/// The text with all that is not code turned to blanks, byte for byte, lines kept.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let length = literal_or_comment(rest, code.chars().next_back());
        let (taken, after) = rest.split_at(length.unwrap_or(char.len_utf8()));
        if length.is_none() {
            code.push_str(taken);
        } else {
            code.extend(taken.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// How long the comment or literal is that a text begins with, where it begins with one.
fn literal_or_comment(text: &str, before: Option<char>) -> Option<usize> {
    let to = |end: Option<usize>| Some(end.unwrap_or(text.len()));
    if text.starts_with("//") {
        return to(text.find('\n'));
    }
    if text.starts_with("/*") {
        return Some(block_comment_length(text));
    }
    if let Some(quoted) = text.strip_prefix('"') {
        return Some(1 + quoted_length(quoted, '"'));
    }
    let raw = text
        .strip_prefix('r')
        .filter(|_| !before.is_some_and(|char| is_identifier(char) && char != 'b'));
    if let Some(raw) = raw {
        let hashes = &raw[..raw.len() - raw.trim_start_matches('#').len()];
        if raw[hashes.len()..].starts_with('"') {
            let close = format!("\"{hashes}");
            let start = 1 + hashes.len() + 1;
            return to(text[start..].find(&close).map(|end| start + end + close.len()));
        }
    }
    let quoted = text.strip_prefix('\'')?;
    // 'x' and '\x..' are characters, anything else after a quote is a lifetime.
    let first = quoted.chars().next()?;
    let is_char = first == '\\' || quoted[first.len_utf8()..].starts_with('\'');
    is_char.then(|| 1 + quoted_length(quoted, '\''))
}

/// How far a literal goes from behind its opening quote up to and with its closing one.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.find(|char| {
        let closes = char == quote && !escaped;
        escaped = char == '\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |end| end + 1)
}

fn block_comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let (step, change) = match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            break;
        }
    }
    at
}
