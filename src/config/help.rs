//! The text of `--help`, out of the options' rows.

use super::option::{Group, OptionRow};

/// A terminal has at least this many columns.
const WIDTH: usize = 80;

/// Where the texts begin. An option whose name reaches it has its text on the next line.
const HELP_COLUMN: usize = 36;

const INTRODUCTION: &str = "\
usage: promlet [flags] [-- COMMAND ARGS...]

A Prometheus exporter for this node and, if COMMAND is given, for the
application that it starts: signals are forwarded to it, its orphans reaped,
and its exit status becomes that of promlet. A file has several applications.

A flag written --[no-]flag is on unless its text says otherwise.
";

/// Table: group => heading, in the order of the help.
const HEADINGS: [(Group, &str); 7] = [
    (Group::General, "General"),
    (Group::Web, "Web"),
    (Group::Log, "Log"),
    (Group::Application, "Applications"),
    (Group::AppMesh, "App Mesh metrics"),
    (Group::Paths, "Paths"),
    (Group::Collectors, "Collectors"),
];

/// The text of `--help` for these options.
#[must_use]
pub fn help(rows: &[OptionRow]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for (group, heading) in HEADINGS {
        text.push_str(&format!("\n{heading}:\n"));
        rows.iter().filter(|row| row.group == group).for_each(|row| write_row(&mut text, row));
    }
    text
}

fn write_row(text: &mut String, row: &OptionRow) {
    let short = row.short.map_or("    ".to_owned(), |letter| format!("-{letter}, "));
    let mut left = format!("  {short}{}", row.spelling());
    if left.len() + 2 > HELP_COLUMN {
        text.push_str(&left);
        text.push('\n');
        left.clear();
    }
    // The default counts as one word, so that it is not broken.
    let default = row.default().filter(|default| default != "on");
    let default = default.map(|default| format!("(default: {default})"));
    let words = row.help().split_ascii_whitespace().chain(default.as_deref());
    for line in wrap(words, WIDTH - HELP_COLUMN) {
        text.push_str(&format!("{left:HELP_COLUMN$}{line}\n"));
        left.clear();
    }
}

/// Lines of at most `width` columns; a longer word has its own.
fn wrap<'a>(words: impl Iterator<Item = &'a str>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut().filter(|line| line.len() + 1 + word.len() <= width) {
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::{CollectorRow, options};
    use super::*;

    const COLLECTORS: [CollectorRow; 2] = [
        CollectorRow { name: "cpu", on_by_default: true, help: "time per processor", flags: &[] },
        CollectorRow { name: "slow", on_by_default: false, help: "what takes long", flags: &[] },
    ];

    #[test]
    fn every_option_is_there_once_under_its_heading() {
        let rows = options(&COLLECTORS);
        let text = help(&rows);
        for row in &rows {
            let spelling = row.spelling();
            let is_this = |word: &&str| *word == spelling;
            assert_eq!(text.split_ascii_whitespace().filter(is_this).count(), 1, "{spelling}");
        }
        assert!(text.contains("time per processor.\n"), "{text}");
        assert!(text.contains("what takes long. (default: off)"), "{text}");
        assert!(text.contains("  -h, --help "), "{text}");
    }

    #[test]
    fn lines_fit_a_terminal_and_texts_stand_in_their_column() {
        let text = help(&options(&COLLECTORS));
        for line in text.lines() {
            assert!(line.len() <= WIDTH && line.trim_end() == line, "{line:?}");
        }
        for line in text.lines().filter(|line| line.starts_with("  ")) {
            let is_name_alone = !line.trim_start().contains(' ');
            assert!(is_name_alone || line[..HELP_COLUMN].ends_with("  "), "{line:?}");
        }
    }

    #[test]
    fn wrapping() {
        let wrapped = |text: &'static str| wrap(text.split(' '), 5);
        assert_eq!(wrapped("ab cd e"), ["ab cd", "e"]);
        assert_eq!(wrapped("abcdefgh i"), ["abcdefgh", "i"]);
        assert_eq!(wrap([].into_iter(), 5), [""; 0]);
    }
}
