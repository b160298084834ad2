//! The engine beside the crate `regex`, without a fuzzer: `cargo test` in this folder.

#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../checks/regex_oracle.rs"]
mod regex_oracle;

use promlet::regex::Regex;

#[test]
fn made_up_expressions_match_alike() {
    // Marsaglia's xorshift64, so that a failure comes again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    for _ in 0..2_000 {
        let data: Vec<u8> = (0..80).map(|_| byte()).collect();
        regex_oracle::check(&data);
    }
}

#[test]
fn letters_have_the_same_cases() {
    // The oracle may be of an older Unicode than the standard library.
    let is_known = regex::Regex::new(r"^\P{Cn}$").expect("the class is legal");
    let has_case = |char: &char| {
        let is_cased = !char.to_lowercase().eq([*char]) || !char.to_uppercase().eq([*char]);
        is_cased
            && !ALIKE_SINCE_UNICODE_15_1.contains(char)
            && is_known.is_match(char.encode_utf8(&mut [0; 4]))
    };
    let letters: Vec<char> = ('\0'..=char::MAX).filter(has_case).collect();
    let all: String = letters.iter().collect();
    for letter in &letters {
        let oracle = regex::Regex::new(&format!("(?i){letter}")).expect("a letter is legal");
        let expected: String = oracle.find_iter(&all).map(|found| found.as_str()).collect();
        let ours = Regex::new(&format!("(?i)^{letter}$")).expect("a letter is legal");
        let takes = |char: &&char| ours.is_match(char.encode_utf8(&mut [0; 4]).as_bytes());
        assert_eq!(letters.iter().filter(takes).collect::<String>(), expected, "{letter}");
    }
}

/// Three pairs that fold to each other though no mapping of the standard library leads from one to
/// the other; Go, of Unicode 15.0, takes them for letters without case.
const ALIKE_SINCE_UNICODE_15_1: [char; 6] =
    ['\u{390}', '\u{1fd3}', '\u{3b0}', '\u{1fe3}', '\u{fb05}', '\u{fb06}'];
