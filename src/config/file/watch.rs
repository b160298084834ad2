//! `[watch NAME]`: processes that are accounted for and were started by others.

use std::ffi::OsStr;
use std::sync::Arc;

use super::super::value;
use super::accounts::Accounts;
use super::app::values::{absolute, one, text_of};
use super::error::{Errors, Fault};
use super::key::{self, Key};
use super::syntax::Section;
use super::words::Word;
use crate::collector::watch::{Cgroup, Selectors, Template, Watch};
use crate::regex::Regex;

/// What its header begins with.
pub(super) const KIND: &str = "watch";

/// The keys of which a section has at least one.
const SELECTORS: [&str; 6] = ["pid-file", "executable", "command-line", "user", "cgroup", "unit"];

/// More groups than this cannot be looked at by anybody, and each has some twenty series.
const GROUPS_MAX: usize = 10_000;

/// The values of a section, one field a key, nothing decided.
#[derive(Debug, Default)]
pub(super) struct Draft {
    selectors: Selectors,
    users: Vec<String>,
    has_children: bool,
    group: Option<String>,
    groups_max: usize,
}

type DraftKey = Key<Draft>;

/// The keys, in the order of the documentation. A new one is a row here and a field of [`Draft`].
pub(super) const KEYS: &[DraftKey] = &[
    DraftKey::new(
        "pid-file",
        "PATH",
        |draft, words| absolute(words).map(|x| draft.selectors.pid_file = Some(x)),
        "The process whose id is in this file.",
    ),
    DraftKey::new(
        "executable",
        "NAME or PATH...",
        |draft, words| texts(words, "names or paths").map(|x| draft.selectors.executables = x),
        "Processes that execute one of these: a name as `ps -C` has it, of which 15 bytes count, or a path from / on.",
    ),
    DraftKey::new(
        "command-line",
        "REGEX",
        |draft, words| regex(words).map(|x| draft.selectors.command_line = Some(x)),
        "Processes in whose arguments, with blanks between them, this expression matches somewhere. The syntax is RE2's.",
    ),
    DraftKey::new(
        "user",
        "USER...",
        |draft, words| texts(words, "users").map(|x| draft.users = x),
        "Processes of one of these effective users: numbers, or names in `/etc/passwd`.",
    ),
    DraftKey::new(
        "cgroup",
        "PATH...",
        |draft, words| {
            let paths = texts(words, "paths of control groups")?;
            if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
                return Err(Fault::new("a path from / on", path));
            }
            draft.selectors.cgroups.extend(paths.into_iter().map(Cgroup::Path));
            Ok(())
        },
        "Processes in one of these control groups, of version 1 or 2, or below.",
    ),
    DraftKey::new(
        "unit",
        "UNIT...",
        |draft, words| {
            let units = texts(words, "systemd units")?;
            draft.selectors.cgroups.extend(units.into_iter().map(unit).map(Cgroup::Unit));
            Ok(())
        },
        "Processes of one of these units of systemd; `.service` need not be written.",
    ),
    DraftKey::new(
        "children",
        "yes or no",
        |draft, words| {
            let choices = [("yes", true), ("no", false)];
            one(words, |word| value::one_of(word, &choices)).map(|x| draft.has_children = x)
        },
        "Whether what these start belongs to them, unless a section selects it itself.",
    )
    .or("yes"),
    DraftKey::new(
        "group",
        "TEMPLATE",
        |draft, words| text_of(words).map(|x| draft.group = Some(x)),
        "What each process is counted under, in place of the name of the section: text with `${comm}` (its name in the kernel), `${executable}`, `${path}`, `${user}`, `${cgroup}`, and `${1}` or `${name}` for groups of `command-line`.",
    ),
    DraftKey::new(
        "groups-max",
        "N",
        |draft, words| {
            one(words, |word| value::count(word, 1..=GROUPS_MAX)).map(|x| draft.groups_max = x)
        },
        "Most groups of a template. Past it, processes are counted under `__overflow__`.",
    )
    .or("100"),
];

/// Reads a section.
pub(super) fn read(
    section: &Section<'_>,
    accounts: &Accounts,
    errors: &mut Errors,
) -> Option<Watch> {
    let Draft { mut selectors, users, has_children, group, groups_max } =
        key::read(section, KEYS, errors);
    for user in &users {
        match accounts.uid(user) {
            Ok(uid) => selectors.users.push(uid),
            Err(fault) => errors.push(section.line_of("user"), Some("user"), fault),
        }
    }
    if !SELECTORS.iter().any(|key| section.has(key)) {
        let expected = format!("a section with one of {}", SELECTORS.join(", "));
        errors.push(section.line, None, Fault::new(expected, &section.header()));
    }
    let group = match &group {
        None => Template::fixed(section.name),
        Some(text) => match Template::parse(text, selectors.command_line.as_ref()) {
            Ok(template) => template,
            Err(error) => {
                let fault = Fault::new(error.to_string(), text);
                errors.push(section.line_of("group"), Some("group"), fault);
                return None;
            }
        },
    };
    let users = if group.needs_users() { accounts.user_names() } else { Arc::default() };
    let name = section.name.to_owned();
    Some(Watch { name, selectors, children: has_children, group, groups_max, users })
}

fn texts(words: &[Word], expected: &str) -> Result<Vec<String>, Fault> {
    let text = |word: &Word| match word.text.trim_end_matches(',') {
        "" => Err(Fault::new(expected, &word.text)),
        text => Ok(text.to_owned()),
    };
    words.iter().map(text).collect()
}

fn regex(words: &[Word]) -> Result<Regex, Fault> {
    one(words, |word: &OsStr| {
        let text = word.to_str().unwrap_or_default();
        Regex::new(text).map_err(|error| format!("a regular expression ({error})"))
    })
}

/// The name of a unit with its kind.
fn unit(name: String) -> String {
    if name.contains('.') { name } else { name + ".service" }
}
