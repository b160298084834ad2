//! Sets of code points: what one place of an expression matches.

use std::sync::OnceLock;

use super::decode::CODE_POINT_MAX;

/// Code points, as ranges from the first to the last of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Class {
    /// Ascending and apart from each other, but while ranges are being added.
    ranges: Vec<(u32, u32)>,
}

/// Table: name => ASCII ranges, of `[[:name:]]` (RE2's syntax page, "ASCII character classes").
const POSIX: [(&str, &[(char, char)]); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7f')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1f'), ('\x7f', '\x7f')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

impl Class {
    /// No code point.
    pub(super) fn new() -> Class {
        Class::default()
    }

    /// Every code point.
    pub(super) fn any() -> Class {
        Class { ranges: vec![(0, CODE_POINT_MAX)] }
    }

    /// The class of `[[:name:]]`.
    pub(super) fn posix(name: &str) -> Option<Class> {
        let (_, ranges) = POSIX.iter().find(|(posix, _)| *posix == name)?;
        Some(Class { ranges: ranges.iter().map(|(a, z)| (u32::from(*a), u32::from(*z))).collect() })
    }

    /// The class of `\d`, `\s` and `\w`.
    pub(super) fn perl(letter: char) -> Option<Class> {
        match letter {
            'd' => Class::posix("digit"),
            'w' => Class::posix("word"),
            // Without the vertical tab, unlike [[:space:]].
            's' => Some(Class { ranges: vec![(0x09, 0x0a), (0x0c, 0x0d), (0x20, 0x20)] }),
            _ => None,
        }
    }

    /// The class of `\p{name}`, if the standard library knows exactly its code points.
    pub(super) fn unicode(name: &str) -> Option<Class> {
        match name {
            "Any" => Some(Class::any()),
            "Cc" => Some(Class { ranges: vec![(0x00, 0x1f), (0x7f, 0x9f)] }),
            "N" => Some(numbers().clone()),
            _ => None,
        }
    }

    /// Adds the code points from `first` to `last`.
    pub(super) fn add(&mut self, first: u32, last: u32) {
        match self.ranges.last_mut() {
            Some(range) if range.1 + 1 == first => range.1 = last,
            _ => self.ranges.push((first, last)),
        }
    }

    /// Adds those of another class.
    pub(super) fn add_class(&mut self, class: &Class) {
        self.ranges.extend_from_slice(&class.ranges);
    }

    /// What has been added, in order.
    pub(super) fn normalized(mut self) -> Class {
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|next, range| {
            let touches = next.0 <= range.1.saturating_add(1);
            if touches {
                range.1 = range.1.max(next.1);
            }
            touches
        });
        self
    }

    /// All other code points.
    pub(super) fn negated(self) -> Class {
        let mut others = Class::new();
        let mut next = 0;
        for (first, last) in self.normalized().ranges {
            if next < first {
                others.ranges.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= CODE_POINT_MAX {
            others.ranges.push((next, CODE_POINT_MAX));
        }
        others
    }

    /// With the other cases of each letter.
    pub(super) fn folded(self) -> Class {
        let class = self.normalized();
        let mut folded = class.clone();
        for orbit in folds().chunk_by(|a, b| a.0 == b.0) {
            if orbit.iter().any(|(_, member)| class.contains(*member)) {
                folded.ranges.extend(orbit.iter().map(|(_, member)| (*member, *member)));
            }
        }
        folded.normalized()
    }

    /// One code point and its other cases.
    pub(super) fn folded_char(char: char) -> Class {
        let (key, folds) = (fold_key(char), folds());
        let start = folds.partition_point(|(other, _)| *other < key);
        let orbit = folds[start..].iter().take_while(|(other, _)| *other == key);
        let mut class = Class { ranges: vec![(u32::from(char), u32::from(char))] };
        class.ranges.extend(orbit.map(|(_, member)| (*member, *member)));
        class.normalized()
    }

    /// The ranges, first and last code point of each.
    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Whether the code point is one of the class, which is normalized.
    pub(super) fn contains(&self, code_point: u32) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= code_point);
        after.checked_sub(1).is_some_and(|at| code_point <= self.ranges[at].1)
    }
}

/// Unicode's numbers: digits, letters and others (Nd, Nl and No).
fn numbers() -> &'static Class {
    static NUMBERS: OnceLock<Class> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let mut class = Class::new();
        for char in ('\0'..=char::MAX).filter(|char| char.is_numeric()) {
            class.add(u32::from(char), u32::from(char));
        }
        class
    })
}

/// All letters that have another case: what they share with it, and themselves.
///
/// This is Unicode's simple case folding, had from the mappings of the standard library. Building
/// it takes some milliseconds, once, and only where an expression ignores case.
fn folds() -> &'static [(u32, u32)] {
    static FOLDS: OnceLock<Vec<(u32, u32)>> = OnceLock::new();
    FOLDS.get_or_init(|| {
        let keyed = ('\0'..='\u{1ffff}').map(|char| (fold_key(char), u32::from(char)));
        let mut folds: Vec<_> = keyed
            .filter(|(key, char)| key != char)
            .flat_map(|pair| [pair, (pair.0, pair.0)])
            .collect();
        folds.sort_unstable();
        folds.dedup();
        folds
    })
}

/// The same for all cases of a letter.
fn fold_key(char: char) -> u32 {
    // Its upper case is I, but only Turkish takes them for one letter.
    if char == 'ı' {
        return u32::from(char);
    }
    let upper = only(char.to_uppercase()).unwrap_or(char);
    u32::from(only(upper.to_lowercase()).unwrap_or(upper))
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}
