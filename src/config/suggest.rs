//! The known name that is nearest to one that is not known.

/// The longest word that is compared. The work grows with the square of it, and no flag is near
/// anything longer.
const WORD_CHARS_MAX: usize = 64;

/// How many characters of a word there must be for each one that is wrong. With fewer right ones
/// the suggestion is a guess that sends the user astray.
const CHARS_PER_FAULT: usize = 3;

/// The best of `names` for `word`, both without dashes, if any is close enough.
///
/// A name that ends in the word (`listen-address` for `web.listen-address`) is near enough too, and
/// capitals are as good as small letters.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = word.chars().map(|letter| letter.to_ascii_lowercase());
    let word: Vec<char> = letters.take(WORD_CHARS_MAX + 1).collect();
    if word.is_empty() || word.len() > WORD_CHARS_MAX {
        return None;
    }
    // One letter in place of another is no likeness.
    let faults_max = (word.len() / CHARS_PER_FAULT).max(1).min(word.len() - 1);
    let suffix: String = ['.'].iter().chain(&word).collect();
    names
        .map(|name| if name.ends_with(&suffix) { (1, name) } else { (distance(&word, name), name) })
        .filter(|(faults, _)| *faults <= faults_max)
        .min_by_key(|(faults, _)| *faults)
        .map(|(_, name)| name)
}

/// How many characters must be inserted, removed or replaced to make one of the other
/// (Levenshtein), row by row of the usual table: `row[j]` is the distance to the first `j` of `word`.
fn distance(word: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (i, a) in name.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in word.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[word.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        const CASES: &[(&str, &str, usize)] = &[
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
            ("web.listen_address", "web.listen-address", 1),
        ];
        for (a, b, expected) in CASES {
            assert_eq!(distance(&a.chars().collect::<Vec<_>>(), b), *expected, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_is_near_or_none() {
        let nearest = |word| nearest(word, ["help", "log.level", "web.listen-address"].into_iter());
        assert_eq!(nearest("web.listen-adress"), Some("web.listen-address"));
        assert_eq!(nearest("listen-address"), Some("web.listen-address"));
        assert_eq!(nearest("loglevel"), Some("log.level"));
        assert_eq!(nearest("hlp"), Some("help"));
        assert_eq!(nearest("HELP"), Some("help"));
        assert_eq!(nearest("xyz"), None);
        assert_eq!(nearest(""), None);
        assert_eq!(super::nearest("b", ["a"].into_iter()), None);
        assert_eq!(nearest(&"x".repeat(1_000_000)), None);
    }
}
