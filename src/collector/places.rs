//! Where lines stand in a list of the kernel's: many lines, a name and a number each, of which few are
//! shown.
//!
//! Which lines there are is fixed when the kernel is built, or changes seldom. So of the kernel's own
//! file only those lines are looked at that were shown before, about where they were before. A
//! copy may be any file, and is read as a whole.

use super::error::CollectError;
use super::lines::{Line, Lines};

/// Where lines were found, in the order of the file.
pub(crate) struct Places<T> {
    file: &'static str,
    /// Whether it is the kernel's own, rather than a copy or fixture.
    is_view: bool,
    /// Whether all of it was read.
    are_all: bool,
    lines: Vec<Place<T>>,
    /// Their names, end to end.
    names: Vec<u8>,
}

struct Place<T> {
    start: usize,
    name_len: usize,
    kept: T,
}

/// How far a line may have moved against the one before it: some bytes, when numbers between them
/// have got more digits or fewer. A line more or less between them moves it further.
const MOVE_MAX: usize = 16;

impl<T> Places<T> {
    /// None in what the kernel calls `file`. Of one that is no view of the kernel none is found.
    pub(crate) fn new(file: &'static str, is_view: bool) -> Places<T> {
        Places { file, is_view, are_all: false, lines: Vec::new(), names: Vec::new() }
    }

    /// Begins to read the whole file, which [`Places::end`] ends.
    pub(crate) fn begin(&mut self) {
        self.are_all = false;
        self.lines.clear();
        self.names.clear();
    }

    /// The file was read to its end: from here on its lines are known.
    pub(crate) fn end(&mut self) {
        self.are_all = true;
    }

    /// Adds a line that was found behind the others, and what is kept with it.
    pub(crate) fn add(&mut self, start: usize, name: &[u8], kept: T) {
        self.lines.push(Place { start, name_len: name.len(), kept });
        self.names.extend_from_slice(name);
    }

    /// Calls `visit` with the name of each line, what is kept with it, and its number. Returns
    /// whether all were found, which they are not where there are none, and leaves what is wrong with
    /// one to those who read all.
    pub(crate) fn visit(
        &mut self,
        content: &[u8],
        mut visit: impl FnMut(&[u8], &T, f64) -> Result<(), CollectError>,
    ) -> Result<bool, CollectError> {
        if !self.is_view || !self.are_all {
            return Ok(false);
        }
        let mut names = &*self.names;
        let mut moved = 0;
        for Place { start, name_len, kept } in &mut self.lines {
            let (name, rest) = names.split_at(*name_len);
            names = rest;
            let expected = start.wrapping_add(moved);
            let Some((found, mut line)) = find(self.file, content, expected, name) else {
                return Ok(false);
            };
            let Ok(value) = line.number("a number") else { return Ok(false) };
            visit(name, kept, value)?;
            moved = found.wrapping_sub(*start);
            *start = found;
        }
        Ok(!self.lines.is_empty())
    }
}

/// Where the line `name` begins, which is at `expected` or near, and what stands behind the name.
fn find<'a>(
    file: &'static str,
    content: &'a [u8],
    expected: usize,
    name: &[u8],
) -> Option<(usize, Line<'a>)> {
    let line_at = |start: usize| {
        let is_start = start == 0 || content.get(start - 1) == Some(&b'\n');
        let mut line = Lines::new(file, content.get(start..).filter(|_| is_start)?).next()?;
        (line.word() == Some(name)).then_some((start, line))
    };
    let near = expected.saturating_sub(MOVE_MAX)..expected.saturating_add(MOVE_MAX);
    line_at(expected).or_else(|| near.into_iter().find_map(line_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of these names in `content`, as they are found from where they are in `before`.
    fn visit(before: &str, names: &[&str], content: &str) -> Option<Vec<(String, f64)>> {
        let mut places = Places::new("list", true);
        let mut start = 0;
        for line in before.split_inclusive('\n') {
            let name = line.split(' ').next().unwrap();
            if names.contains(&name) {
                places.add(start, name.as_bytes(), name.len());
            }
            start += line.len();
        }
        places.end();
        let mut found = Vec::new();
        let mut add = |name: &[u8], kept: &usize, value| {
            assert_eq!(*kept, name.len());
            found.push((String::from_utf8(name.to_vec()).unwrap(), value));
            Ok(())
        };
        let all = places.visit(content.as_bytes(), &mut add).unwrap();
        let again = places.visit(content.as_bytes(), |_, _, _| Ok(())).unwrap();
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

    #[test]
    fn a_copy_is_read_whole_and_so_is_what_was_read_in_part() {
        for (is_view, is_ended) in [(true, true), (true, false), (false, true)] {
            let mut places = Places::new("list", is_view);
            places.begin();
            places.add(0, b"free", ());
            if is_ended {
                places.end();
            }
            let found = places.visit(b"free 100\n", |_, (), _| Ok(())).unwrap();
            assert_eq!(found, is_view && is_ended);
        }
    }
}
