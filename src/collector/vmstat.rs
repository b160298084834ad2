//! `vmstat`: what the virtual memory did. Source: /proc/vmstat (proc_vmstat(5)).
//!
//! Every field that the flag lets through is a family of its own, under the field's name. The file
//! does not say which of them are counters, so their kind is unknown.
//!
//! A kernel has some 190 fields and the flag lets few through. Which they are and in what order they
//! stand is fixed when the kernel is built, so of its own file only those lines are looked at that
//! were shown before, about where they were before.

use super::error::CollectError;
use super::fields::{Described, Fields};
use super::flags::Flag;
use super::fs::{Files, KeptFile, is_kernel_view};
use super::lines::{Line, Lines};
use super::remembered::Remembered;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::regex::Regex;
use crate::registry::RegisterError;

const FIELDS: &str = "collector.vmstat.fields";

pub(super) const FLAGS: &[Flag] = &[Flag::pattern(
    FIELDS,
    "^(oom_kill|pgpg|pswp|pg.*fault).*",
    "Show the fields of /proc/vmstat whose names match this.",
)];

pub(super) struct VmStat {
    file: KeptFile,
    /// Whether the file is the kernel's, rather than a copy or fixture.
    is_view: bool,
    pattern: Option<Regex>,
    /// Whether a field is shown.
    shown: Remembered<bool>,
    places: Places,
    fields: Fields,
}

impl VmStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(VmStat {
            file: KeptFile::of_many_records(setup.roots.proc.join("vmstat")),
            is_view: is_kernel_view(&setup.roots.proc),
            pattern: setup.flags.pattern(FIELDS),
            shown: Remembered::new(),
            places: Places::default(),
            fields: Fields::new(&setup.registry),
        }))
    }
}

impl Collector for VmStat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut fields = self.fields.sweep();
        let mut set = |name: &[u8], value: f64| fields.set(name, value, || describe(name));
        let content = files.read(&mut self.file)?;
        if self.is_view && self.places.visit(content, &mut set)? {
            return Ok(());
        }
        self.places.clear();
        self.shown.begin_pass();
        let is_shown = |name: &[u8]| {
            let matches = || self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
            *self.shown.get(name, matches)
        };
        let read = read_all(content, is_shown, |start, name, value| {
            self.places.add(start, name);
            set(name, value)
        });
        if read.is_err() {
            // What follows the error has no place.
            self.places.clear();
        }
        read
    }
}

/// Calls `visit` with place, name and number of each line that is to be shown.
fn read_all(
    content: &[u8],
    mut is_shown: impl FnMut(&[u8]) -> bool,
    mut visit: impl FnMut(usize, &[u8], f64) -> Result<(), CollectError>,
) -> Result<(), CollectError> {
    let mut start = 0;
    for mut line in Lines::new("vmstat", content) {
        let length = line.rest().len();
        let name = line.word().ok_or_else(|| line.malformed("a field's name", None))?;
        if is_shown(name) {
            visit(start, name, line.number("a number")?)?;
        }
        start += length + 1;
    }
    Ok(())
}

/// Where lines were found, in the order of the file.
#[derive(Default)]
struct Places {
    /// Where each began, and how long its name is.
    lines: Vec<(usize, usize)>,
    /// Their names, end to end.
    names: Vec<u8>,
}

/// How far a line may have moved against the one before it: some bytes, when numbers between them
/// have got more digits or fewer.
const MOVE_MAX: usize = 16;

impl Places {
    fn clear(&mut self) {
        self.lines.clear();
        self.names.clear();
    }

    fn add(&mut self, start: usize, name: &[u8]) {
        self.lines.push((start, name.len()));
        self.names.extend_from_slice(name);
    }

    /// Calls `visit` with the name and number of each line. Returns whether all were found, which
    /// they are not where there are none, and leaves what is wrong with one to those who read all.
    fn visit(
        &mut self,
        content: &[u8],
        mut visit: impl FnMut(&[u8], f64) -> Result<(), CollectError>,
    ) -> Result<bool, CollectError> {
        let mut names = &*self.names;
        let mut moved = 0;
        for (start, length) in &mut self.lines {
            let (name, rest) = names.split_at(*length);
            names = rest;
            let expected = start.wrapping_add(moved);
            let Some((found, mut line)) = find(content, expected, name) else { return Ok(false) };
            let Ok(value) = line.number("a number") else { return Ok(false) };
            visit(name, value)?;
            moved = found.wrapping_sub(*start);
            *start = found;
        }
        Ok(!self.lines.is_empty())
    }
}

/// Where the line `name` begins, which is at `expected` or near, and what stands behind the name.
fn find<'a>(content: &'a [u8], expected: usize, name: &[u8]) -> Option<(usize, Line<'a>)> {
    let line_at = |start: usize| {
        let is_start = start == 0 || content.get(start - 1) == Some(&b'\n');
        let mut line = Lines::new("vmstat", content.get(start..).filter(|_| is_start)?).next()?;
        (line.word() == Some(name)).then_some((start, line))
    };
    let near = expected.saturating_sub(MOVE_MAX)..expected.saturating_add(MOVE_MAX);
    line_at(expected).or_else(|| near.into_iter().find_map(line_at))
}

fn describe(name: &[u8]) -> Described {
    let name = name.escape_ascii();
    Described {
        help: format!("Field {name} of /proc/vmstat."),
        name: format!("node_vmstat_{name}"),
        kind: Kind::Unknown,
        label_names: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of these names in `content`, as they are found from where they are in `before`.
    fn visit(before: &str, names: &[&str], content: &str) -> Option<Vec<(String, f64)>> {
        let mut places = Places::default();
        let is_shown = |name: &[u8]| names.iter().any(|shown| shown.as_bytes() == name);
        let add = |start, name: &[u8], _| {
            places.add(start, name);
            Ok(())
        };
        read_all(before.as_bytes(), is_shown, add).unwrap();
        let mut found = Vec::new();
        let mut add = |name: &[u8], value| {
            found.push((String::from_utf8(name.to_vec()).unwrap(), value));
            Ok(())
        };
        let all = places.visit(content.as_bytes(), &mut add).unwrap();
        let again = places.visit(content.as_bytes(), |_, _| Ok(())).unwrap();
        assert_eq!(all, again, "{content:?}");
        all.then_some(found)
    }

    #[test]
    fn lines_are_found_where_they_were_and_near() {
        const BEFORE: &str = "free 100\npgpgin 9\npgpgin_all 1\ndirty 99\npgfault 7\nlast 1\n";
        const CASES: &[(&str, Option<[f64; 3]>)] = &[
            (BEFORE, Some([100.0, 9.0, 7.0])),
            (
                "free 7\npgpgin 10\npgpgin_all 1\ndirty 1000000\npgfault 18446744073709551615\n",
                Some([7.0, 10.0, u64::MAX as f64]),
            ),
            ("free 1\npgpgin 2\npgpgin_all 1\ndirty 0\npgfault 3", Some([1.0, 2.0, 3.0])),
            ("free 100\npgpgin 9\npgpgin_all 1\ndirty 99\npgfaults 7\n", None),
            ("free 100\npgpgin 9\npgpgin_all 1\ndirty 99\nxpgfault 7\n", None),
            ("free 100\npgpgin 9\npgpgin_all 1\ndirty 99\npgfault x\n", None),
            ("free 100\npgpgin 9\npgpgin_all 1\ndirty 99\npgfault\n", None),
            ("free 100\npgpgin 9\n", None),
            ("", None),
        ];
        for (content, expected) in CASES {
            let names = ["free", "pgpgin", "pgfault"];
            let expected = expected.map(|values| {
                names.iter().map(|name| (*name).to_owned()).zip(values).collect::<Vec<_>>()
            });
            assert_eq!(visit(BEFORE, &names, content), expected, "{content:?}");
        }
    }

    #[test]
    fn where_no_line_is_known_all_are_to_be_read() {
        assert_eq!(visit("", &[], "free 100\n"), None);
    }
}
