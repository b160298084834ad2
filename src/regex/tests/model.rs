//! Expressions made up as trees, and the plainest meaning of one: all ways to match, tried in their
//! order. It shares nothing with the engine but the spelling of an expression.

use proptest::prelude::*;

use super::*;

/// A text is looked at as characters: of these and few others, so that something matches.
const ALPHABET: [char; 6] = ['a', 'b', 'B', '_', '-', '\n'];

#[derive(Clone, Debug)]
enum Tree {
    Char(char),
    /// Some of the alphabet, or all but these.
    Class(Vec<char>, bool),
    Dot,
    Assertion(&'static str),
    Sequence(Vec<Tree>),
    Choice(Vec<Tree>),
    Group(Box<Tree>),
    /// At least, at most, greedy.
    Repeat(Box<Tree>, usize, Option<usize>, bool),
}

/// Where a way to match has come to: the position, and where the groups closed so far lie.
#[derive(Clone, Debug, PartialEq)]
struct Way {
    position: usize,
    groups: Vec<Option<(usize, usize)>>,
}

impl Tree {
    fn spelled(&self) -> String {
        match self {
            Tree::Char(char) => format!(r"\x{{{:x}}}", u32::from(*char)),
            Tree::Class(chars, negated) => {
                let members: String = chars.iter().map(|c| Tree::Char(*c).spelled()).collect();
                format!("[{}{members}]", if *negated { "^" } else { "" })
            }
            Tree::Dot => ".".to_owned(),
            Tree::Assertion(assertion) => format!("(?:{assertion})"),
            Tree::Sequence(items) => items.iter().map(Tree::spelled).collect(),
            Tree::Choice(items) => {
                let items: Vec<_> = items.iter().map(Tree::spelled).collect();
                format!("(?:{})", items.join("|"))
            }
            Tree::Group(item) => format!("({})", item.spelled()),
            Tree::Repeat(item, min, max, greedy) => {
                let counts = match (min, max) {
                    (0, None) => "*".to_owned(),
                    (1, None) => "+".to_owned(),
                    (0, Some(1)) => "?".to_owned(),
                    (min, None) => format!("{{{min},}}"),
                    (min, Some(max)) => format!("{{{min},{max}}}"),
                };
                format!("(?:{}){counts}{}", item.spelled(), if *greedy { "" } else { "?" })
            }
        }
    }

    fn groups(&self) -> usize {
        match self {
            Tree::Sequence(items) | Tree::Choice(items) => items.iter().map(Tree::groups).sum(),
            Tree::Group(item) => 1 + item.groups(),
            Tree::Repeat(item, ..) => item.groups(),
            _ => 0,
        }
    }

    /// All ways on from `way`, the preferred first. `first` is the number of the first group.
    fn ways(&self, text: &[char], way: Way, first: usize) -> Vec<Way> {
        let taken = |takes: bool| {
            let behind = Way { position: way.position + 1, ..way.clone() };
            if takes { vec![behind] } else { Vec::new() }
        };
        let next = text.get(way.position);
        match self {
            Tree::Char(char) => taken(next == Some(char)),
            Tree::Class(chars, negated) => {
                taken(next.is_some_and(|c| chars.contains(c) != *negated))
            }
            Tree::Dot => taken(next.is_some_and(|char| *char != '\n')),
            Tree::Assertion(assertion) => {
                if holds(assertion, text, way.position) {
                    vec![way]
                } else {
                    Vec::new()
                }
            }
            Tree::Sequence(items) => {
                let mut group = first;
                items.iter().fold(vec![way], |ways, item| {
                    let ways = ways.into_iter().flat_map(|way| item.ways(text, way, group));
                    let ways = unique(ways.collect());
                    group += item.groups();
                    ways
                })
            }
            Tree::Choice(items) => {
                let mut group = first;
                let ways = items.iter().flat_map(|item| {
                    let ways = item.ways(text, way.clone(), group);
                    group += item.groups();
                    ways
                });
                unique(ways.collect())
            }
            Tree::Group(item) => {
                let mut ways = item.ways(text, way.clone(), first + 1);
                for behind in &mut ways {
                    behind.groups[first] = Some((way.position, behind.position));
                }
                ways
            }
            Tree::Repeat(item, min, max, greedy) => {
                item.repeated(text, way, first, (*min, *max, *greedy), false)
            }
        }
    }

    /// `is_again` says that a turn beyond those that are needed was taken before.
    fn repeated(
        &self,
        text: &[char],
        way: Way,
        first: usize,
        (min, max, greedy): (usize, Option<usize>, bool),
        is_again: bool,
    ) -> Vec<Way> {
        if max == Some(0) {
            return vec![way];
        }
        let turns = (min.saturating_sub(1), max.map(|max| max - 1), greedy);
        let is_open = min <= 1 && max.is_none();
        let mut more = Vec::new();
        for behind in self.ways(text, way.clone(), first) {
            // A turn that takes nothing is the first one and the last one.
            match behind.position == way.position && is_open {
                true if is_again => {}
                true => more.push(behind),
                false => more.extend(self.repeated(text, behind, first, turns, is_open)),
            }
        }
        if min == 0 {
            more.insert(if greedy { more.len() } else { 0 }, way);
        }
        unique(more)
    }
}

/// Of several ways that come to the same position only the first is ever taken.
fn unique(ways: Vec<Way>) -> Vec<Way> {
    let mut seen = Vec::new();
    let mut unique = ways;
    unique.retain(|way| {
        let is_new = !seen.contains(&way.position);
        seen.push(way.position);
        is_new
    });
    unique
}

fn holds(assertion: &str, text: &[char], position: usize) -> bool {
    let before = position.checked_sub(1).map(|at| text[at]);
    let behind = text.get(position).copied();
    let is_word = |char: Option<char>| char.is_some_and(|c| c == '_' || c.is_ascii_alphanumeric());
    match assertion {
        "^" => before.is_none(),
        "$" => behind.is_none(),
        "(?m)^" => before.is_none_or(|char| char == '\n'),
        "(?m)$" => behind.is_none_or(|char| char == '\n'),
        r"\b" => is_word(before) != is_word(behind),
        _ => is_word(before) == is_word(behind),
    }
}

/// Where the groups of the leftmost match lie, the whole match first.
fn leftmost(tree: &Tree, text: &[char]) -> Option<Vec<Option<(usize, usize)>>> {
    let groups = vec![None; 1 + tree.groups()];
    (0..=text.len()).find_map(|start| {
        let way = Way { position: start, groups: groups.clone() };
        let mut found = tree.ways(text, way, 1).into_iter().next()?;
        found.groups[0] = Some((start, found.position));
        Some(found.groups)
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let char = || prop::sample::select(ALPHABET.to_vec());
    let assertions = vec!["^", "$", "(?m)^", "(?m)$", r"\b", r"\B"];
    let leaf = prop_oneof![
        6 => char().prop_map(Tree::Char),
        2 => (prop::collection::vec(char(), 1..3), any::<bool>())
            .prop_map(|(chars, negated)| Tree::Class(chars, negated)),
        1 => Just(Tree::Dot),
        1 => prop::sample::select(assertions).prop_map(Tree::Assertion),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let counts = (0_usize..3, prop::option::of(0_usize..3), any::<bool>());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Sequence),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Tree::Choice),
            inner.clone().prop_map(|item| Tree::Group(Box::new(item))),
            (inner, counts).prop_map(|(item, (min, more, greedy))| {
                Tree::Repeat(Box::new(item), min, more.map(|more| min + more), greedy)
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_engine_agrees_with_the_model(
        tree in tree(),
        text in prop::collection::vec(prop::sample::select(ALPHABET.to_vec()), 0..8),
    ) {
        let pattern = tree.spelled();
        let bytes: String = text.iter().collect();
        let expected = leftmost(&tree, &text);
        prop_assert_eq!(is_match(&pattern, bytes.as_bytes()), expected.is_some(), "{}", pattern);
        let regex = regex(&pattern);
        let found = matcher::search(
            &regex.compiled.program,
            bytes.as_bytes(),
            2 * regex.capture_names().len(),
        );
        // The alphabet is ASCII: characters are bytes.
        let found = found.map(|slots| -> Vec<_> {
            slots.chunks(2).map(|pair| pair[0].zip(pair[1])).collect()
        });
        prop_assert_eq!(found, expected, "{} in {:?}", pattern, bytes);
    }

    #[test]
    fn any_text_is_an_expression_or_an_error(pattern in r"[\PC\n]{0,40}", text: Vec<u8>) {
        match Regex::new(&pattern) {
            Ok(_) => { is_match(&pattern, &text); }
            Err(e) => prop_assert!(!e.to_string().contains('\n')),
        }
    }

    #[test]
    fn pieces_of_syntax_are_an_expression_or_an_error(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12),
        text in r"[ab0-9\n{-]{0,12}",
    ) {
        if Regex::new(&pieces.concat()).is_ok() {
            is_match(&pieces.concat(), text.as_bytes());
        }
    }
}

/// What an expression is written with.
const PIECES: &[&str] = &[
    "a",
    "b",
    "-",
    "é",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?ms:",
    "(?P<n>",
    "(?U",
    "|",
    "*",
    "+",
    "?",
    "{2}",
    "{0,3}",
    "{9,}",
    "{1000}",
    "{",
    "}",
    "[",
    "[^",
    "]",
    "[:digit:]",
    ".",
    "^",
    "$",
    "\\",
    "\\b",
    "\\B",
    "\\d",
    "\\W",
    "\\pN",
    "\\x{",
    "\\x41",
    "\\Q",
    "\\E",
    "\\0",
    "\\7",
    ",",
    "<",
    "=",
    "-z",
];
