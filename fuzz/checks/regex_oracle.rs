//! An expression has the match and the groups that the crate `regex` finds.
//!
//! The two differ in syntax, so an expression is made up and spelled for each. Left out is where
//! they differ in meaning as well:
//!
//! - the classes of Perl and `\b` are ASCII here, as in RE2, and are spelled out for the crate;
//! - a group repeated `{0}` times is still a group here, as in Go;
//! - bytes that are no UTF-8 match `.` here, as in Go: the texts are UTF-8;
//! - `a**`, `[a&&b]`, `[a[b]]`, `(?x)` and `\p{Greek}` are the crate's alone; `\Q`, octal escapes,
//!   `{` as a literal and half surrogates are RE2's.

use promlet::regex::Regex;

/// Groups within groups, at most.
const DEPTH_MAX: usize = 6;

/// Table: a leaf here => for the crate.
const LEAVES: &[(&str, &str)] = &[
    ("a", "a"),
    ("b", "b"),
    ("k", "k"),
    ("S", "S"),
    ("é", "é"),
    ("1", "1"),
    ("_", "_"),
    ("\\n", "\\n"),
    (".", "."),
    ("[a-c]", "[a-c]"),
    ("[^a-c]", "[^a-c]"),
    ("[]a-]", r"[\]a\-]"),
    ("[^é\\W]", "[^é[^0-9A-Za-z_]]"),
    ("[[:alpha:]1]", "[[:alpha:]1]"),
    ("[[:^lower:]]", "[[:^lower:]]"),
    ("\\d", "[0-9]"),
    ("\\D", "[^0-9]"),
    ("\\w", "[0-9A-Za-z_]"),
    ("\\W", "[^0-9A-Za-z_]"),
    ("\\s", "[\\t\\n\\f\\r ]"),
    ("\\S", "[^\\t\\n\\f\\r ]"),
    ("\\pN", "\\pN"),
    ("\\P{N}", "\\P{N}"),
    ("\\Qa.\\E", "a\\."),
    ("\\141", "a"),
    ("\\x{e9}", "\\x{e9}"),
    ("{", "\\{"),
    ("\\A", "\\A"),
    ("\\z", "\\z"),
    ("^", "^"),
    ("$", "$"),
    ("\\b", "(?-u:\\b)"),
    ("\\B", "(?-u:\\B)"),
    ("(?:)", "(?:)"),
];

const REPEATS: &[&str] =
    &["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}?", "{2,}", "{0,}?"];

const GROUPS: &[&str] =
    &["(", "(?:", "(?i:", "(?-i:", "(?s:", "(?m:", "(?U:", "(?mi-s:", "(?ms-U:"];

/// What texts are made of.
const CHARS: &[char] = &[
    'a', 'b', 'A', 'k', 'K', '\u{212a}', 's', 'ſ', 'é', 'É', '1', '½', '_', '-', '.', '{', '\n',
    ' ',
];

/// Checks the property on `data`, of which each byte decides something.
pub fn check(data: &[u8]) {
    let mut choices = data.iter().map(|byte| usize::from(*byte));
    let text_len = choices.next().unwrap_or_default() % 16;
    let text: String = choices.by_ref().take(text_len).map(|i| CHARS[i % CHARS.len()]).collect();
    let (mut ours, mut theirs) = (String::new(), String::new());
    write_choice(&mut choices, DEPTH_MAX, &mut ours, &mut theirs);

    let regex = Regex::new(&ours).unwrap_or_else(|e| panic!("{ours}: {e}"));
    let Ok(oracle) = regex::Regex::new(&theirs) else {
        // Its limit on memory is a lower one.
        return;
    };
    assert_eq!(regex.is_match(text.as_bytes()), oracle.is_match(&text), "{ours} in {text:?}");
    let found = regex.captures(text.as_bytes()).map(|captures| -> Vec<_> {
        (0..regex.capture_names().len())
            .map(|group| captures.get(group).map(<[u8]>::as_ptr_range))
            .collect()
    });
    let expected = oracle.captures(&text).map(|captures| -> Vec<_> {
        let range = |group: regex::Match<'_>| group.as_str().as_bytes().as_ptr_range();
        captures.iter().map(|group| group.map(range)).collect()
    });
    assert_eq!(found, expected, "{ours} in {text:?}");
}

type Choices<'a> = dyn Iterator<Item = usize> + 'a;

fn pick<'t, T>(choices: &mut Choices<'_>, table: &'t [T]) -> &'t T {
    &table[choices.next().unwrap_or_default() % table.len()]
}

fn write_choice(choices: &mut Choices<'_>, depth: usize, ours: &mut String, theirs: &mut String) {
    write_sequence(choices, depth, ours, theirs);
    for _ in 0..*pick(choices, &[0, 0, 0, 1, 2]) {
        ours.push('|');
        theirs.push('|');
        write_sequence(choices, depth, ours, theirs);
    }
}

fn write_sequence(choices: &mut Choices<'_>, depth: usize, ours: &mut String, theirs: &mut String) {
    for _ in 0..*pick(choices, &[1, 2, 3, 0]) {
        write_item(choices, depth, ours, theirs);
    }
}

fn write_item(choices: &mut Choices<'_>, depth: usize, ours: &mut String, theirs: &mut String) {
    if depth > 0 && *pick(choices, &[true, false]) {
        let group = pick(choices, GROUPS);
        *ours += group;
        *theirs += group;
        write_choice(choices, depth - 1, ours, theirs);
        ours.push(')');
        theirs.push(')');
    } else {
        let (here, there) = pick(choices, LEAVES);
        *ours += here;
        *theirs += there;
    }
    if *pick(choices, &[false, true]) {
        let repeat = pick(choices, REPEATS);
        *ours += repeat;
        *theirs += repeat;
    }
}
