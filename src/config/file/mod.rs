//! The configuration file: applications to run and processes to watch, each in a section of its
//! own.
//!
//! ```text
//! # A comment, also behind a value.
//! [app shop]
//! command = /usr/bin/shop --title "Our shop"
//! restart = on-failure
//! ```
//!
//! ```text
//! text ── syntax (lines, words) ──> Section ── key (a table a kind, one row a key) ──> Draft
//!                                                  app, watch: KEYS                     │
//!                      Contents <── order (names, cycles) <── accounts, environment ────┘
//! ```
//!
//! Everything that is wrong is found in one go and said with its line. The files that a section
//! names are read by a function of the caller's, so parsing is pure.

mod accounts;
mod app;
mod environment;
mod error;
mod key;
mod order;
mod syntax;
mod watch;
mod words;

pub use error::FileError;
pub use key::KeyRow;

use std::collections::HashMap;
use std::path::Path;

use super::suggest;
use crate::collector::watch::Watch;
use crate::supervisor::Application;
use accounts::Accounts;
use app::Draft;
use error::{Errors, Fault};
use syntax::Section;

/// The longest file that is read, and the most sections: far beyond what anybody writes, and a
/// bound on memory and on the label `application`.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
const SECTIONS_MAX: usize = 1_000;

/// The longest name of a section: it stands in each line of the log and in each series.
const NAME_CHARS_MAX: usize = 64;

/// The kinds of sections.
const KINDS: [&str; 2] = [app::KIND, watch::KIND];

/// Gives the content of a file that a section needs (`/etc/passwd`, `/etc/group`, an environment
/// file), or says why there is none.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

/// Every key of every kind of section, in the order of the documentation.
#[must_use]
pub fn keys() -> Vec<KeyRow> {
    let of_apps = app::KEYS.iter().map(|key| key.row(app::KIND));
    of_apps.chain(watch::KEYS.iter().map(|key| key.row(watch::KIND))).collect()
}

/// What a configuration file says, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Its sections `[app NAME]`.
    pub applications: Vec<Application>,
    /// Its sections `[watch NAME]`.
    pub watches: Vec<Watch>,
}

/// Reads `bytes`, a configuration file that is called `file` in errors.
///
/// # Errors
///
/// All that is wrong with it, in the order of its lines.
pub fn parse(
    file: &str,
    bytes: impl AsRef<[u8]>,
    read: ReadFile<'_>,
) -> Result<Contents, Vec<FileError>> {
    let mut errors = Errors::new(file);
    let text = match text_of(bytes.as_ref()) {
        Ok(text) => text,
        Err((line, fault)) => {
            errors.push(line, None, fault);
            return errors.unless_any(Contents::default());
        }
    };
    let sections = syntax::parse(text, &mut errors);
    let sections = known_sections(&sections, &mut errors);
    // Where there is no such file, numbers still work.
    let accounts = Accounts {
        passwd: read(Path::new("/etc/passwd")).unwrap_or_default(),
        group: read(Path::new("/etc/group")).unwrap_or_default(),
    };
    let (apps, watches): (Vec<_>, Vec<_>) =
        sections.into_iter().partition(|section| section.kind == app::KIND);
    let mut contents = Contents::default();
    for section in &apps {
        let mut draft = key::read(section, app::KEYS, &mut errors);
        resolve_environment(section, &mut draft, read, &mut errors);
        contents.applications.extend(application(section, draft, &accounts, &mut errors));
    }
    order::check(&apps, &contents.applications, &mut errors);
    let watch = |section: &&Section<'_>| watch::read(section, &accounts, &mut errors);
    contents.watches = watches.iter().filter_map(watch).collect();
    errors.unless_any(contents)
}

/// What a file says that is text; or the first line of it that is none.
fn text_of(bytes: &[u8]) -> Result<&str, (usize, Fault)> {
    let text = str::from_utf8(bytes);
    let valid = text.map_or_else(|error| error.valid_up_to(), str::len);
    let end = bytes[..valid].iter().position(|byte| *byte == 0).unwrap_or(valid);
    if end < bytes.len() {
        let (before, behind) = bytes.split_at(end);
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let length = behind.iter().position(|byte| *byte == b'\n').unwrap_or(behind.len());
        let line = String::from_utf8_lossy(&bytes[start..end + length]);
        let number = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        return Err((number, Fault::new("text in UTF-8", &line)));
    }
    let text = text.unwrap_or_default();
    // Some editors put a byte order mark in front.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The sections of a kind that there is, with a name of their own.
fn known_sections<'a>(sections: &'a [Section<'a>], errors: &mut Errors) -> Vec<&'a Section<'a>> {
    let mut known = Vec::new();
    let mut lines: HashMap<&str, usize> = HashMap::new();
    for section in sections {
        if !KINDS.contains(&section.kind) {
            let nearest = suggest::nearest(section.kind, KINDS.into_iter());
            let fault =
                Fault::new("[app NAME] or [watch NAME]", &section.header()).or_rather(nearest);
            errors.push(section.line, None, fault);
        } else if !is_name(section.name) {
            let expected = format!("a name of letters, digits and ._-, at most {NAME_CHARS_MAX}");
            errors.push(section.line, None, Fault::new(expected, section.name));
        } else if let Some(first) = lines.get(section.name) {
            let expected = format!("another name than that of line {first}");
            errors.push(section.line, None, Fault::new(expected, section.name));
        } else if known.len() == SECTIONS_MAX {
            let expected = format!("at most {SECTIONS_MAX} sections");
            errors.push(section.line, None, Fault::new(expected, &section.header()));
            break;
        } else {
            lines.insert(section.name, section.line);
            known.push(section);
        }
    }
    known
}

fn is_name(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.len() <= NAME_CHARS_MAX && name.bytes().all(is_legal)
}

/// Puts the variables of the environment file in front of those of the section.
fn resolve_environment(
    section: &Section<'_>,
    draft: &mut Draft,
    read: ReadFile<'_>,
    errors: &mut Errors,
) {
    let Some(path) = draft.environment_file.take() else { return };
    let shown = path.display().to_string();
    match read(&path).map(|text| environment::parse(&text)) {
        Ok(Ok(mut variables)) => {
            variables.append(&mut draft.environment);
            draft.environment = variables;
        }
        Ok(Err(faults)) => {
            faults.into_iter().for_each(|(line, fault)| errors.push_of(&shown, line, fault));
        }
        Err(reason) => {
            let expected = format!("a file that can be read ({reason})");
            let line = section.line_of("environment-file");
            errors.push(line, Some("environment-file"), Fault::new(expected, &shown));
        }
    }
}

fn application(
    section: &Section<'_>,
    draft: Draft,
    accounts: &Accounts,
    errors: &mut Errors,
) -> Option<Application> {
    let identity = accounts.identity(draft.user.as_deref(), draft.group.as_deref());
    let identity = identity.unwrap_or_else(|faults| {
        for (key, fault) in faults {
            errors.push(section.line_of(key), Some(key), fault);
        }
        None
    });
    let (initial, max) = (draft.backoff_initial, draft.backoff_max);
    // 0s is no wait at all, or what is there in place of a time that was refused.
    if initial > max && !max.is_zero() {
        let key = if section.has("backoff-initial") { "backoff-initial" } else { "backoff-max" };
        let expected = format!("backoff-initial to be at most backoff-max, {max:?}");
        errors.push(section.line_of(key), Some(key), Fault::new(expected, &format!("{initial:?}")));
    }
    draft.application(section.name, identity)
}

#[cfg(test)]
mod tests;
