//! Whole expressions: what is legal, what matches, what the groups of a match are.

use super::*;

mod model;

#[track_caller]
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|e| panic!("{e}"))
}

/// The answer of all machines.
#[track_caller]
fn is_match(pattern: &str, text: &[u8]) -> bool {
    let regex = regex(pattern);
    let is_match = regex.is_match(text);
    assert_eq!(regex.captures(text).is_some(), is_match, "groups of {pattern} in {text:?}");
    let table = Automaton::new(&regex.compiled.program);
    let agrees = table.is_none_or(|table| table.is_match(text) == is_match);
    assert!(agrees, "{pattern} by its table in {text:?}");
    is_match
}

#[test]
fn an_expression_that_is_asked_often_gets_a_table() {
    let regex = regex("^a+$");
    for _ in 0..RUNS_BEFORE_AUTOMATON {
        assert!(regex.is_match(b"aaa"));
    }
    assert!(regex.compiled.automaton.get().is_none());
    assert!(regex.clone().is_match(b"aaa") && !regex.is_match(b"ab"));
    assert!(matches!(regex.compiled.automaton.get(), Some(Some(_))));
}

#[test]
fn expressions_of_node_exporter() {
    const CASES: &[(&str, &[&str], &[&str])] = &[
        (
            r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
            &["ram0", "zram12", "loop7", "fd0", "sda1", "hdz10", "xvdb2", "nvme0n1p1"],
            &["sda", "nvme0n1", "dm-0", "sda1x", "xsda1", "md127", "", "sdaa1"],
        ),
        (
            r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
            &["/dev", "/dev/shm", "/proc", "/sys/fs", "/var/lib/docker/x", "/run/credentials/a/b"],
            &["/", "/devices", "/var/lib/docker", "/var/lib/docker/", "/run", "x/dev"],
        ),
        (
            r"^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
            &[
                "Udp_InErrors",
                "Icmp6_InErrs",
                "Ip6_InOctets",
                "IpExt_OutOctets",
                "TcpExt_ListenDrops",
            ],
            &["Ip_InOctets", "Tcp_InSegsX", "Ip_Forwarding2", "", "TcpExt_TW"],
        ),
        (r"^(oom_kill|pgpg|pswp|pg.*fault).*", &["oom_kill", "pgpgin", "pgmajfault"], &["pgfree"]),
        (r"^$", &[""], &["a", "\n"]),
        ("", &["", "a"], &[]),
    ];
    for (pattern, matching, others) in CASES {
        assert!(
            Automaton::new(&regex(pattern).compiled.program).is_some(),
            "{pattern} has no table"
        );
        for text in *matching {
            assert!(is_match(pattern, text.as_bytes()), "{pattern} should match {text:?}");
        }
        for text in *others {
            assert!(!is_match(pattern, text.as_bytes()), "{pattern} should not match {text:?}");
        }
    }
}

#[test]
fn syntax() {
    /// Expression, texts that match it whole, texts that do not.
    const CASES: &[(&str, &[&str], &[&str])] = &[
        ("a.c", &["abc", "aéc", "a\u{10ffff}c"], &["a\nc", "ac", "abbc"]),
        ("(?s)a.c", &["a\nc"], &["ac"]),
        ("(?s:a.)b.", &["a\nbc"], &["a\nb\n"]),
        ("[a-c]", &["a", "b", "c"], &["d", "-", ""]),
        ("[^a-c]", &["d", "\n", "é"], &["a", ""]),
        ("[]a]", &["]", "a"], &["[", "b"]),
        ("[^]a]", &["b"], &["]", "a"]),
        ("[a-]", &["a", "-"], &["b"]),
        ("[-a]", &["a", "-"], &["b"]),
        ("[a-c-e]", &["b", "-", "e"], &["d"]),
        (r"[\]\-\\^]", &["]", "-", "\\", "^"], &["a"]),
        (r"[\d\-x]", &["7", "-", "x"], &["y"]),
        (r"[^\D5]", &["4"], &["5", "a"]),
        (r"[\x41-\x{43}\101]", &["A", "B", "C"], &["D"]),
        ("[[:alpha:]_]", &["a", "Z", "_"], &["1", "é", ":"]),
        ("[[:^alpha:]]", &["1", "é"], &["a"]),
        ("[^[:space:]]", &["a"], &["\u{b}", " "]),
        ("[[:alpha]", &["[", ":", "a"], &["b"]),
        (r"\d\w\s", &["1_\t", "0a "], &["aa ", "11\u{b}", "1é "]),
        (r"\D\W\S", &["a-b", "éé\u{b}"], &["1-b", "aab", "a- "]),
        (r"\pN\p{N}\PN\P{N}", &["1½ab"], &["ab12"]),
        (r"\p{^N}\P{^N}[\pN]", &["a1½"], &["1aa"]),
        (r"\t\n\r\f\v\a", &["\t\n\r\u{c}\u{b}\u{7}"], &["tnrfva"]),
        (r"\x41\x{e9}\x{10FFFF}\101\0\012", &["Aé\u{10ffff}A\0\n"], &[]),
        (r"\08", &["\u{0}8"], &["8"]),
        (r"\.\*\_\-\ \/", &[".*_- /"], &["a*_- /"]),
        (r"\Qa.b*\E+", &["a.b*", "a.b**"], &["aab", "a.b"]),
        (r"\Q(\", &[r"(\"], &[]),
        (r"\Q\E", &[""], &[]),
        ("x*", &["", "x", "xxx"], &["y"]),
        ("x+?", &["x", "xx"], &[""]),
        ("x??", &["", "x"], &["xx"]),
        ("x{2}", &["xx"], &["x", "xxx"]),
        ("x{2,}", &["xx", "xxxxx"], &["x"]),
        ("x{2,3}?", &["xx", "xxx"], &["x", "xxxx"]),
        ("x{0}y{0,0}z{1}", &["z"], &["xz", "yz"]),
        ("x{0,}y{1,}", &["y", "xxyy"], &["x"]),
        ("(?:ab){0,2}", &["", "ab", "abab"], &["ababab"]),
        ("x{,2}", &["x{,2}"], &["xx"]),
        ("x{01}", &["x{01}"], &["x"]),
        ("x{2", &["x{2"], &["xx"]),
        ("{a}", &["{a}"], &[]),
        ("x{a,b}", &["x{a,b}"], &[]),
        ("a]}", &["a]}"], &[]),
        ("a|b|", &["a", "b", ""], &["ab"]),
        ("a(b|c)d", &["abd", "acd"], &["ad", "abcd"]),
        ("()", &[""], &["a"]),
        ("(|a)*", &["", "aaa"], &["b"]),
        ("(?i)straSSe", &["STRASSE", "strasſe"], &["straße"]),
        ("(?i)k", &["k", "K", "\u{212a}"], &["c"]),
        ("(?i)[k]", &["K", "\u{212a}"], &["c"]),
        ("(?i)[^k]", &["a"], &["K", "\u{212a}"]),
        ("(?i)σ", &["Σ", "ς"], &["s"]),
        ("(?i)ı", &["ı"], &["I", "i"]),
        (r"(?i)\w", &["ſ"], &["é"]),
        (r"(?i)\x61\Qb\E", &["AB"], &["A"]),
        ("a(?i)b|c", &["aB", "C"], &["Ab"]),
        ("(a(?i)b)c", &["aBc"], &["aBC", "ABc"]),
        ("(?i:a)b", &["Ab"], &["AB"]),
        ("(?i)a(?-i)b(?i:c)", &["AbC"], &["ABC"]),
        ("(?i-s:A.)", &["ab"], &["a\n"]),
        ("(?is)A.", &["a\n"], &[]),
        ("(?)a", &["a"], &[]),
        ("^a$", &["a"], &["a\n"]),
        ("(?m)^a$\n^b$", &["a\nb"], &["ab"]),
        ("(?m)(^a$|\n)+", &["a\na", "\n\na"], &["aa"]),
        (r"\Aa\z", &["a"], &["b"]),
        (r"(?m)a\n\Ab", &[], &["a\nb"]),
        (r"a\b-\Bb?", &["a-"], &["a-b"]),
        (r".\b.*", &[" a", "a b"], &["aa", "  ", "éé"]),
        (r"\B", &[""], &[]),
        (r"\b", &[], &[""]),
        (r"^*a", &["a"], &["^a"]),
        (r"(?:^)*a", &["a"], &[]),
        (r"\x{D800}|a", &["a"], &["\u{fffd}"]),
        (r"[^\x00-\x{10FFFF}]|a", &["a"], &["b"]),
        ("é+", &["éé"], &["e"]),
    ];
    for (pattern, matching, others) in CASES {
        // Without a group around it, the pattern could swallow a `)` with an open `\Q`.
        let whole = |text: &str| {
            let regex = regex(pattern);
            let quote = if pattern.ends_with(r"(\") { r"\E" } else { "" };
            is_match(&format!(r"\A(?:{regex}{quote})\z"), text.as_bytes())
        };
        for text in *matching {
            assert!(whole(text), "{pattern} should match {text:?}");
        }
        for text in *others {
            assert!(!whole(text), "{pattern} should not match {text:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_read_as_replacement_characters() {
    assert!(is_match("^.$", b"\xff"));
    assert!(is_match("^\u{fffd}$", b"\xff"));
    assert!(is_match(r"^\x{fffd}{3}$", b"\xe2\x82\xc3"), "each byte is one");
    assert!(is_match("^[^a]a$", b"\x80a"));
    assert!(!is_match("^a$", b"\xc0\x61"));
    assert!(is_match("^..$", b"\xed\xff") && !is_match("^.$", b"\xed\xa0\x80"));
    assert!(is_match(r"\bb", b"\xc3b"));
}

#[test]
fn refusals() {
    const CASES: &[(&str, &str)] = &[
        ("(a", "missing closing ): \"(a\" at character 1"),
        ("é(a(b)", "missing closing ): \"(a(b)\" at character 2"),
        ("(?i", "missing closing ): \"(?i\" at character 1"),
        ("a)b", "unexpected ): \")\" at character 2"),
        ("x[a-z", "missing closing ]: \"[a-z\" at character 2"),
        ("[]", "missing closing ]: \"[]\" at character 1"),
        ("[[:alpha:]", "missing closing ]: \"[[:alpha:]\" at character 1"),
        ("[a-", "missing closing ]: \"[a-\" at character 1"),
        ("[z-a]", "invalid range in a class: \"z-a\" at character 2"),
        (r"[a-\d]", "invalid escape: \"\\\\d\" at character 4"),
        ("[[:foo:]]", "unknown class: \"[:foo:]\" at character 2"),
        (r"\p{Greek}", "unsupported Unicode class: \"\\\\p{Greek}\" at character 1"),
        (r"a\pL", "unsupported Unicode class: \"\\\\pL\" at character 2"),
        (r"\p{N", "unknown class: \"\\\\p{N\" at character 1"),
        (r"\p", "unsupported Unicode class: \"\\\\p\" at character 1"),
        ("*a", "nothing to repeat: \"*\" at character 1"),
        ("a|+?", "nothing to repeat: \"+?\" at character 3"),
        ("(?i)*", "nothing to repeat: \"*\" at character 5"),
        ("({2})", "nothing to repeat: \"{2}\" at character 2"),
        ("a**", "repeated repetition: \"**\" at character 2"),
        ("a+?+", "repeated repetition: \"+?+\" at character 2"),
        ("a{2}{3}", "repeated repetition: \"{2}{3}\" at character 2"),
        ("a++", "repeated repetition: \"++\" at character 2"),
        (
            "a{1001}",
            "invalid repeat count, more than 1000 or in the wrong order: \"{1001}\" at character 2",
        ),
        (
            "a{3,2}",
            "invalid repeat count, more than 1000 or in the wrong order: \"{3,2}\" at character 2",
        ),
        (
            "(a{100}){100}",
            "invalid repeat count, more than 1000 or in the wrong order: \"{100}\" at character 9",
        ),
        (
            "a{99999999999}",
            "invalid repeat count, more than 1000 or in the wrong order: \"{99999999999}\" at \
             character 2",
        ),
        (r"\y", "invalid escape: \"\\\\y\" at character 1"),
        (r"\C", "invalid escape: \"\\\\C\" at character 1"),
        (r"\Z", "invalid escape: \"\\\\Z\" at character 1"),
        (r"a\E", "invalid escape: \"\\\\E\" at character 2"),
        (r"\é", "invalid escape: \"\\\\é\" at character 1"),
        (r"\x4", "invalid escape: \"\\\\x4\" at character 1"),
        (r"\x{}", "invalid escape: \"\\\\x{}\" at character 1"),
        (r"\x{110000}", "invalid escape: \"\\\\x{110000}\" at character 1"),
        (r"\x{41", "invalid escape: \"\\\\x{41\" at character 1"),
        (r"\x+1", "invalid escape: \"\\\\x+1\" at character 1"),
        (r"(a)\1", "unsupported backreference: \"\\\\1\" at character 4"),
        (r"\8", "unsupported backreference: \"\\\\8\" at character 1"),
        ("a\\", "backslash at the end: \"\\\\\" at character 2"),
        ("[\\", "backslash at the end: \"\\\\\" at character 2"),
        ("a(?=b)", "invalid or unsupported group: \"(?=\" at character 2"),
        ("(?!b)", "invalid or unsupported group: \"(?!\" at character 1"),
        ("(?<=b)", "invalid or unsupported group: \"(?<=\" at character 1"),
        ("(?<!b)", "invalid or unsupported group: \"(?<!\" at character 1"),
        ("(?P=n)", "invalid or unsupported group: \"(?P\" at character 1"),
        ("(?#c)", "invalid or unsupported group: \"(?#\" at character 1"),
        ("(?i-)", "invalid or unsupported group: \"(?i-)\" at character 1"),
        ("(?--i)", "invalid or unsupported group: \"(?--\" at character 1"),
        ("(?x)", "invalid or unsupported group: \"(?x\" at character 1"),
        ("(?P<>a)", "invalid group name: \"(?P<>\" at character 1"),
        ("(?P<n-1>a)", "invalid group name: \"(?P<n-1>\" at character 1"),
        ("(?<n", "invalid group name: \"(?<n\" at character 1"),
        ("(?<n>a)(?P<n>b)", "duplicate group name: \"(?P<n>\" at character 8"),
    ];
    for (pattern, expected) in CASES {
        match Regex::new(pattern) {
            Ok(_) => panic!("{pattern} should be refused"),
            Err(e) => assert_eq!(e.to_string(), *expected, "{pattern}"),
        }
    }
}

#[test]
fn an_error_shows_one_line_and_not_all_of_a_long_one() {
    let error = Regex::new(&format!("\n({}", "a".repeat(1_000))).expect_err("it is not closed");
    assert_eq!((error.fault(), error.offset()), (Fault::UnclosedGroup, 1));
    let shown = error.to_string();
    assert!(shown.len() < 150 && shown.contains("a…\""), "{shown}");
    assert!(!Regex::new("\n[").expect_err("it is not closed").to_string().contains('\n'));
}

#[test]
fn groups_of_the_leftmost_match() {
    /// Expression, text, and what each group matches.
    const CASES: &[(&str, &str, &[Option<&str>])] = &[
        ("a|ab", "xab", &[Some("a")]),
        ("ab|a", "xab", &[Some("ab")]),
        ("(a|ab)(c|bcd)(d*)", "abcd", &[Some("abcd"), Some("a"), Some("bcd"), Some("")]),
        ("a+", "baaa", &[Some("aaa")]),
        ("a+?", "baaa", &[Some("a")]),
        ("(?U)a+(a+?)", "aaa", &[Some("aaa"), Some("aa")]),
        ("(a)|(b)", "b", &[Some("b"), None, Some("b")]),
        ("(a|b)*", "abab", &[Some("abab"), Some("b")]),
        ("(a*)*", "b", &[Some(""), Some("")]),
        ("(a*)+", "b", &[Some(""), Some("")]),
        ("(|a)*", "aa", &[Some(""), Some("")]),
        ("(|a)+", "aa", &[Some(""), Some("")]),
        ("(a|b){2,3}", "abab", &[Some("aba"), Some("a")]),
        ("(a){0}b", "ab", &[Some("b"), None]),
        ("(?:(a)|b)*", "ab", &[Some("ab"), Some("a")]),
        ("x(é)?y", "xéy", &[Some("xéy"), Some("é")]),
        ("b*", "abb", &[Some("")]),
        (".*(/[^/]*)$", "/usr/bin/cat", &[Some("/usr/bin/cat"), Some("/cat")]),
        ("", "abc", &[Some("")]),
    ];
    for (pattern, text, expected) in CASES {
        let regex = regex(pattern);
        let captures = regex.captures(text.as_bytes()).expect("they match");
        let groups: Vec<_> = (0..regex.capture_names().len()).map(|i| captures.get(i)).collect();
        let expected: Vec<_> = expected.iter().map(|group| group.map(str::as_bytes)).collect();
        assert_eq!(groups, expected, "{pattern}");
        assert_eq!(captures.get(groups.len()), None, "{pattern}");
    }
    assert!(regex("b").captures(b"a").is_none());
}

#[test]
fn groups_by_name() {
    let regex = regex(r"(?P<first>\w+) (\w+)(?: (?<last_1>\w+))?");
    let names: Vec<_> = regex.capture_names().collect();
    assert_eq!(names, [None, Some("first"), None, Some("last_1")]);
    let captures = regex.captures(b"one two").expect("they match");
    assert_eq!(captures.name("first"), Some(b"one".as_slice()));
    assert_eq!(captures.name("last_1"), None, "it took no part");
    assert_eq!(captures.name("other"), None);
}

#[test]
fn hostile_expressions_are_bounded() {
    for pattern in [
        "((a{100}){100}){100}".to_owned(),
        "(".repeat(1_000) + &")".repeat(1_000),
        "(?:".repeat(100_000),
        "((((a{10}){10}){10}b){10}c)".to_owned(),
        "(?:a{1000}){2}".to_owned(),
        "(?:(?:a{0}){1000}){1000}".to_owned(),
        "[a-z]{1000}".repeat(100),
        "a".repeat(70_000),
        (0..1_000).map(|c| format!(r"[\pN\x{{{:x}}}]", 0x1_0000 + 2 * c)).collect(),
    ] {
        assert!(Regex::new(&pattern).is_err(), "{} characters", pattern.len());
    }
    for pattern in [
        "(".repeat(999) + "a" + &")".repeat(999),
        "(?:a{10}){100}".to_owned(),
        "(?:(?:a{1000}){0}){1000}".to_owned(),
        "(a|b)*a(a|b){20}".to_owned(),
        "(x|y{500}){1,2}".to_owned(),
        "a{1000}".repeat(20),
    ] {
        let regex = regex(&pattern);
        regex.is_match(b"a");
    }
}

#[test]
fn a_small_stack_is_enough() {
    let pattern = "((?:".repeat(499) + "a" + &")*?)+".repeat(499);
    let work = move || Regex::new(&pattern).map(|regex| regex.is_match(b"aaab"));
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(work);
    assert_eq!(thread.expect("a thread starts").join().expect("it does not panic"), Ok(true));
}

#[test]
fn expressions_without_a_table_match_as_well() {
    let pattern = "^(a|b)*a(a|b){20}$";
    assert!(Automaton::new(&regex(pattern).compiled.program).is_none());
    assert!(is_match(pattern, &b"ba".repeat(20)));
    assert!(!is_match(pattern, &b"b".repeat(40)));
}

#[test]
fn a_regex_goes_to_other_threads() {
    fn is_shared<T: Send + Sync + Clone>() {}
    is_shared::<Regex>();
}
