//! The lines of a configuration file: sections and what stands in them, not what it means.

use super::error::{Errors, Fault};
use super::words::{self, Word};

/// `[KIND NAME]` and the lines below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section<'a> {
    pub(super) line: usize,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) entries: Vec<Entry<'a>>,
    /// The lines that are no entries, which has been said.
    pub(super) garbled: Vec<&'a str>,
}

/// `KEY = WORDS`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) line: usize,
    pub(super) key: &'a str,
    /// The value; `None` if it has no words, which has been said.
    pub(super) words: Option<Vec<Word>>,
}

impl Section<'_> {
    /// The header as it is written.
    pub(super) fn header(&self) -> String {
        format!("[{} {}]", self.kind, self.name)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Where a key stands, or else the header.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.map_or(self.line, |entry| entry.line)
    }
}

/// The sections of `text`; lines that are neither comment, header nor entry go to `errors`.
pub(super) fn parse<'a>(text: &'a str, errors: &mut Errors) -> Vec<Section<'a>> {
    let mut sections: Vec<Section<'a>> = Vec::new();
    // Under a header that cannot be read the entries belong nowhere, and are not wrong for that.
    let mut is_lost = false;
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            let header = parse_header(line);
            is_lost = header.is_err();
            match header {
                Ok((kind, name)) => {
                    let (entries, garbled) = (Vec::new(), Vec::new());
                    sections.push(Section { line: number, kind, name, entries, garbled });
                }
                Err(fault) => errors.push(number, None, fault),
            }
            continue;
        }
        match (parse_entry(number, line, errors), sections.last_mut()) {
            (Err(fault), section) => {
                errors.push(number, None, fault);
                section.into_iter().for_each(|section| section.garbled.push(line));
            }
            (Ok(_), _) if is_lost => {}
            (Ok(entry), Some(section)) => section.entries.push(entry),
            (Ok(entry), None) => {
                errors.push(number, None, Fault::new("[app NAME] before the first key", entry.key));
            }
        }
    }
    sections
}

fn parse_header(line: &str) -> Result<(&str, &str), Fault> {
    let fault = || Fault::new("a section such as [app NAME] or [watch NAME]", line);
    let (inside, behind) = line[1..].split_once(']').ok_or_else(fault)?;
    let is_comment = |text: &str| text.is_empty() || text.starts_with(['#', ';']);
    let mut words = inside.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(kind), Some(name), None) if is_comment(behind.trim_start()) => Ok((kind, name)),
        _ => Err(fault()),
    }
}

fn parse_entry<'a>(number: usize, line: &'a str, errors: &mut Errors) -> Result<Entry<'a>, Fault> {
    let (key, value) =
        line.split_once('=').ok_or_else(|| Fault::new("KEY = VALUE or [app NAME]", line))?;
    let key = key.trim_end();
    if key.is_empty() {
        return Err(Fault::new("a key before the equals sign", line));
    }
    let words = words::split(value).map_err(|fault| errors.push(number, None, fault)).ok();
    Ok(Entry { line: number, key, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = "# a\n; b\n\n[app web] # c\n command = a b\r\nenvironment=X=1\n[ watch  x ]\n";
        let mut errors = Errors::new("f");
        let sections = parse(text, &mut errors);
        errors.unless_any(()).unwrap();
        let heads: Vec<_> = sections.iter().map(|s| (s.line, s.kind, s.name)).collect();
        assert_eq!(heads, [(4, "app", "web"), (7, "watch", "x")]);
        let entries: Vec<_> = sections[0]
            .entries
            .iter()
            .map(|e| {
                (e.line, e.key, e.words.iter().flatten().map(|w| &*w.text).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(entries, [(5, "command", vec!["a", "b"]), (6, "environment", vec!["X=1"])]);
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let text = "x = 1\n[app]\ny = 2\nword\n= 3\n[app a b]\n[app a\n[app a] b\nz = 'a\n";
        let mut errors = Errors::new("f");
        parse(text, &mut errors);
        let errors: Vec<_> =
            errors.unless_any(()).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "f:1: expected [app NAME] before the first key, found \"x\"",
                "f:2: expected a section such as [app NAME] or [watch NAME], found \"[app]\"",
                "f:4: expected KEY = VALUE or [app NAME], found \"word\"",
                "f:5: expected a key before the equals sign, found \"= 3\"",
                "f:6: expected a section such as [app NAME] or [watch NAME], found \"[app a b]\"",
                "f:7: expected a section such as [app NAME] or [watch NAME], found \"[app a\"",
                "f:8: expected a section such as [app NAME] or [watch NAME], found \"[app a] b\"",
                "f:9: expected a closing ', found \"'a\"",
            ]
        );
    }
}
