//! The name of a group: `web-${user}`, `java ${1}`.

use super::facts::Facts;
use crate::regex::Regex;
use std::fmt;

/// Characters of a group's name; the rest is cut off. It stands in each series.
const NAME_CHARS_MAX: usize = 256;

/// A text with places for what a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The name in the kernel.
    Comm,
    /// The last part of its path, or the name in the kernel where that may not be read.
    Executable,
    /// The whole path, or that name.
    Path,
    User,
    Cgroup,
    /// What a group of the expression for the command line matched.
    Number(usize),
    Name(String),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// There is a `$` before something else than `{` or `$`.
    LoneDollar,
    /// There is no `}` behind this.
    Unclosed(String),
    /// There is nothing of this name.
    Unknown(String),
    /// No two processes have the same of this, and each would be a group for ever.
    OfOneProcess(String),
    /// These are the braces of process-exporter's templates.
    DoubleBraces,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::LoneDollar => f.write_str("$$ for a dollar sign"),
            TemplateError::Unclosed(name) => write!(f, "a closing }} behind ${{{name}"),
            TemplateError::Unknown(name) => {
                f.write_str("comm, executable, path, user, cgroup or a group of command-line ")?;
                write!(f, "in place of ${{{name}}}")
            }
            TemplateError::OfOneProcess(name) => {
                write!(f, "what several processes have in common in place of ${{{name}}}")
            }
            TemplateError::DoubleBraces => f.write_str(
                "${comm}, ${executable}, ${path}, ${user}, ${cgroup} or ${NAME} in place of {{...}}",
            ),
        }
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// The template that is always `text`.
    #[must_use]
    pub fn fixed(text: &str) -> Template {
        Template { parts: vec![Part::Text(text.to_owned())] }
    }

    /// Reads a template whose captured groups are those of `regex`.
    ///
    /// # Errors
    /// [`TemplateError`] says what was expected.
    pub fn parse(text: &str, regex: Option<&Regex>) -> Result<Template, TemplateError> {
        if text.contains("{{") {
            return Err(TemplateError::DoubleBraces);
        }
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, behind)) = rest.split_once('$') {
            plain.push_str(before);
            if let Some(behind) = behind.strip_prefix('$') {
                plain.push('$');
                rest = behind;
                continue;
            }
            let place = behind.strip_prefix('{').ok_or(TemplateError::LoneDollar)?;
            let unclosed = || TemplateError::Unclosed(place.to_owned());
            let (name, behind) = place.split_once('}').ok_or_else(unclosed)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::parse(name, regex)?);
            rest = behind;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Template { parts })
    }

    /// Whether it is the same text for all.
    pub(super) fn is_fixed(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Whether the names of users are wanted.
    #[must_use]
    pub fn needs_users(&self) -> bool {
        self.parts.contains(&Part::User)
    }

    /// Whether what the expression for the command line captures is wanted.
    pub(super) fn needs_captures(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Number(_) | Part::Name(_)))
    }

    /// The text for a process. What it does not have is nothing.
    pub(super) fn expand(
        &self,
        facts: &mut Facts<'_>,
        captures: Option<&(&Regex, Vec<u8>)>,
        users: &[(u32, String)],
    ) -> String {
        let captures = captures.and_then(|(regex, text)| regex.captures(text));
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Comm => name.push_str(&String::from_utf8_lossy(facts.name())),
                Part::Executable | Part::Path => {
                    let path = facts.executable().unwrap_or_default();
                    let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                    let text = if *part == Part::Path { path } else { base }.to_owned();
                    let text = if text.is_empty() { facts.name() } else { &text };
                    name.push_str(&String::from_utf8_lossy(text));
                }
                Part::Cgroup => name.push_str(&String::from_utf8_lossy(facts.control_group())),
                Part::User => name.push_str(&user_name(facts.user(), users)),
                Part::Number(_) | Part::Name(_) => {
                    let captured = captures.as_ref().and_then(|captures| match part {
                        Part::Number(number) => captures.get(*number),
                        Part::Name(name) => captures.name(name),
                        _ => None,
                    });
                    name.push_str(&String::from_utf8_lossy(captured.unwrap_or_default()));
                }
            }
        }
        if let Some((end, _)) = name.char_indices().nth(NAME_CHARS_MAX) {
            name.truncate(end);
        }
        name
    }
}

impl Part {
    fn parse(name: &str, regex: Option<&Regex>) -> Result<Part, TemplateError> {
        let has = |group: &dyn Fn(usize, Option<&str>) -> bool| {
            regex.is_some_and(|r| r.capture_names().enumerate().any(|(i, name)| group(i, name)))
        };
        match name {
            "comm" => Ok(Part::Comm),
            "executable" => Ok(Part::Executable),
            "path" => Ok(Part::Path),
            "user" => Ok(Part::User),
            "cgroup" => Ok(Part::Cgroup),
            _ if has(&|_, known| known == Some(name)) => Ok(Part::Name(name.to_owned())),
            "pid" | "start-time" => Err(TemplateError::OfOneProcess(name.to_owned())),
            _ => {
                let number = name.parse::<usize>().ok().filter(|wanted| has(&|i, _| i == *wanted));
                number.map(Part::Number).ok_or_else(|| TemplateError::Unknown(name.to_owned()))
            }
        }
    }
}

/// The name of a user, or the number where there is none.
fn user_name(user: Option<u32>, names: &[(u32, String)]) -> String {
    let Some(user) = user else { return String::new() };
    let name = names.iter().find(|(number, _)| *number == user);
    name.map_or_else(|| user.to_string(), |(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_template_is_said() {
        let regex = Regex::new("-jar (?P<jar>[a-z]+) (.*)").unwrap();
        const CASES: &[(&str, Option<&str>)] = &[
            ("", None),
            ("web", None),
            ("$$web$$", None),
            ("${executable}-${user}", None),
            ("${comm} ${path} ${cgroup}", None),
            ("${jar}:${2}${0}", None),
            ("$web", Some("$$ for a dollar sign")),
            ("web$", Some("$$ for a dollar sign")),
            ("a${user", Some("a closing } behind ${user")),
            ("${pid}", Some("what several processes have in common in place of ${pid}")),
            (
                "${start-time}",
                Some("what several processes have in common in place of ${start-time}"),
            ),
            (
                "{{.Comm}}",
                Some(
                    "${comm}, ${executable}, ${path}, ${user}, ${cgroup} or ${NAME} in place of {{...}}",
                ),
            ),
            (
                "${3}",
                Some(
                    "comm, executable, path, user, cgroup or a group of command-line in place of ${3}",
                ),
            ),
            (
                "${}",
                Some(
                    "comm, executable, path, user, cgroup or a group of command-line in place of ${}",
                ),
            ),
        ];
        for (text, expected) in CASES {
            let error = Template::parse(text, Some(&regex)).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), *expected, "{text}");
        }
        assert!(Template::parse("${1}", None).is_err());
    }

    #[test]
    fn users_without_a_name_are_numbers() {
        let names = [(33, "www".to_owned())];
        let name = |user| user_name(user, &names);
        assert_eq!([name(Some(33)), name(Some(34)), name(None)], ["www", "34", ""]);
    }
}
