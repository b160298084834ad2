//! The whole table, and what is typed.

use std::collections::HashSet;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;

use super::super::lacking;
use super::super::{CollectorRow, options};
use super::*;

const COLLECTORS: [CollectorRow; 2] = [
    CollectorRow { name: "cpu", on_by_default: true, help: "time per processor", flags: &[] },
    CollectorRow { name: "slow", on_by_default: false, help: "what takes long", flags: &[] },
];

fn parse_words(words: &[&str]) -> Result<Parsed, UsageError> {
    let mut rows = options(&COLLECTORS);
    rows.extend(lacking::options());
    parse(words.iter().map(OsString::from), &rows)
}

fn typed(words: &[&str]) -> Typed {
    match parse_words(words) {
        Ok(Parsed::Typed(typed)) => *typed,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn error(words: &[&str]) -> String {
    match parse_words(words) {
        Err(error) => error.to_string(),
        Ok(parsed) => panic!("{words:?}: {parsed:?}"),
    }
}

#[test]
fn names_are_legal_and_unique_with_their_negations() {
    let rows = options(&COLLECTORS);
    let mut names = HashSet::new();
    for row in &rows {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        assert!(row.name.bytes().all(legal) && !row.name.starts_with("no-"), "{}", row.name);
        assert!(names.insert(row.name.to_string()), "{} twice", row.name);
        assert!(names.insert(format!("no-{}", row.name)), "{} is a negation", row.name);
    }
    let shorts: Vec<_> = rows.iter().filter_map(|row| row.short).collect();
    assert_eq!(shorts.len(), shorts.iter().collect::<HashSet<_>>().len());
}

#[test]
fn every_option_has_a_help_that_is_a_sentence() {
    for row in options(&COLLECTORS) {
        let help = row.help();
        assert!(help.starts_with(|c: char| c.is_uppercase()), "{}: {help}", row.name);
        assert!(help.ends_with(['.', ')']), "{}: {help}", row.name);
        if let Effect::Value { name, .. } = row.effect {
            assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()), "{name}");
        }
    }
}

/// Each default goes through its row when nothing is typed, and would panic if it were refused.
#[test]
fn every_option_accepts_its_default_typed_out() {
    let defaults = format!("{:?}", typed(&[]));
    for row in options(&COLLECTORS) {
        let word = match (row.effect, row.default().as_deref()) {
            (Effect::Value { .. }, Some(default)) => format!("--{}={default}", row.name),
            (Effect::Toggle { .. }, Some("on")) => format!("--{}", row.name),
            (Effect::Toggle { .. }, Some("off")) => format!("--no-{}", row.name),
            _ => continue,
        };
        assert_eq!(format!("{:?}", typed(&[&word])), defaults, "{word}");
    }
}

/// No row is forgotten or does what another does: each changes the outcome, each in its own way.
#[test]
fn every_option_has_an_effect_of_its_own() {
    let mut outcomes = HashSet::from([format!("{:?}", typed(&[]))]);
    for row in options(&COLLECTORS) {
        let other_value = match row.default().as_deref() {
            Some("info") => "warn",
            Some("logfmt") => "json",
            Some("30s") => "1s",
            Some(default) if default.parse::<usize>().is_ok() => "7",
            _ => "/other",
        };
        let word = match row.effect {
            Effect::Help | Effect::Version | Effect::OfCollector(_) => continue,
            Effect::Lacking(_) | Effect::OfLacking(_) => continue,
            // What node_exporter needs and promlet does not.
            Effect::Value { .. } if row.name == "runtime.gomaxprocs" => continue,
            Effect::Toggle { default: false, .. } => format!("--{}", row.name),
            Effect::Switch(_) => format!("--{}", row.name),
            Effect::Toggle { .. } | Effect::Collector { .. } => format!("--no-{}", row.name),
            Effect::Value { .. } => format!("--{}={other_value}", row.name),
        };
        assert!(outcomes.insert(format!("{:?}", typed(&[&word]))), "{word}");
    }
}

#[test]
fn both_ways_to_give_a_value() {
    for words in [&["--log.level=debug"][..], &["--log.level", "debug"]] {
        assert_eq!(typed(words).log_level, crate::log::Level::Debug);
    }
    // Only the first equals sign separates.
    assert_eq!(typed(&["--app.name=a=b"]).app_name.as_deref(), Some("a=b"));
    assert_eq!(typed(&["--app.name", "-"]).app_name.as_deref(), Some("-"));
    assert_eq!(typed(&["--app.name=--x"]).app_name.as_deref(), Some("--x"));
}

#[test]
fn repeatable_values_add_up_and_replace_the_default() {
    assert_eq!(typed(&[]).listen_addresses, [":6061"]);
    let words = ["--web.listen-address=:1", "--web.listen-address", "unix:/run/p"];
    assert_eq!(typed(&words).listen_addresses, [":1", "unix:/run/p"]);
}

#[test]
fn help_and_version_come_before_what_follows() {
    assert!(matches!(parse_words(&["-h", "--nonsense"]), Ok(Parsed::Help)));
    for word in ["--help", "--help-long"] {
        assert!(matches!(parse_words(&[word]), Ok(Parsed::Help)), "{word}");
    }
    assert!(matches!(parse_words(&["--version", "--", "x"]), Ok(Parsed::Version)));
}

#[test]
fn all_behind_the_dashes_is_the_command() {
    let words = ["--once", "--", "sh", "-c", "--", "--help", ""];
    assert_eq!(typed(&words).command, ["sh", "-c", "--", "--help", ""]);
    let raw = OsString::from_vec(vec![0xff, b'\n', 0xc3]);
    let args = [OsString::from("--"), OsString::from("echo"), raw.clone()];
    match parse(args, &options(&COLLECTORS)) {
        Ok(Parsed::Typed(typed)) => assert_eq!(typed.command[1], raw),
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_name_flag_and_word() {
    #[rustfmt::skip]
    const CASES: &[(&[&str], &str)] = &[
        (&["--web.listen-adress=:1"], "unknown flag: --web.listen-adress, did you mean --web.listen-address?"),
        (&["-web.max-requests", "1"], "unknown flag: -web.max-requests, did you mean --web.max-requests?"),
        (&["--no-collector.cpi"], "unknown flag: --no-collector.cpi, did you mean --no-collector.cpu?"),
        (&["--no-once"], "unknown flag: --no-once, see --help"),
        (&["--xyzzy"], "unknown flag: --xyzzy, see --help"),
        (&["-x"], "unknown flag: -x, see --help"),
        (&["--"], "missing command: nothing follows --"),
        (&["sleep", "10"], "unexpected argument: \"sleep\" is no flag; to run a command, write it after --"),
        (&["--collector.cpu", "false"], "unexpected argument: \"false\" is no flag; to run a command, write it after --"),
        (&["--collector.cpu=false"], "unexpected value: --collector.cpu takes none, found \"false\""),
        (&["--no-appmesh.scrape-up="], "unexpected value: --no-appmesh.scrape-up takes none, found \"\""),
        (&["--help=x"], "unexpected value: --help takes none, found \"x\""),
        (&["--log.level"], "missing value: expected --log.level=LEVEL"),
        (&["--log.level", "--once"], "missing value: expected --log.level=LEVEL"),
        (&["--log.level", "--", "sh"], "missing value: expected --log.level=LEVEL"),
        (&["--log.level", "loud"], "invalid value: --log.level: expected one of debug, info, warn, error, found \"loud\""),
        (&["--web.max-connections=0"], "invalid value: --web.max-connections: expected a whole number from 1 to 65536, found \"0\""),
        (&["--web.listen-address="], "invalid value: --web.listen-address: expected text in UTF-8, not empty, found \"\""),
        (&["--log.format=json", "--log.format=json"], "repeated flag: --log.format may be given once"),
        (&["--collector.cpu", "--no-collector.cpu"], "repeated flag: --no-collector.cpu may be given once"),
        (&["--app.stop-timeout=9"], "invalid value: --app.stop-timeout: expected a time such as 30s or 1m30s, at most 24h, found \"9\""),
    ];
    for (words, expected) in CASES {
        assert_eq!(error(words), *expected, "{words:?}");
    }
}

/// What is off anyway can be turned off, and set up in vain; what is lacking cannot be turned on.
#[test]
fn collectors_that_are_lacking_can_only_be_off() {
    let defaults = format!("{:?}", typed(&[]));
    #[rustfmt::skip]
    const CASES: &[&[&str]] = &[
        &["--no-collector.systemd"],
        &["--collector.systemd.unit-include=(ssh|cron).service", "--no-collector.logind"],
        &["--collector.systemd.unit-exclude", ".+"],
        &["--no-collector.systemd.enable-task-metrics", "--collector.systemd.private"],
        &["--collector.ntp.server=127.0.0.1", "--collector.ntp.server-port=123"],
    ];
    for words in CASES {
        assert_eq!(format!("{:?}", typed(words)), defaults, "{words:?}");
    }
    let expected = "unsupported: --collector.systemd: promlet does not have units of systemd, asked over D-Bus";
    assert_eq!(error(&["--collector.systemd"]), expected);
    let expected = "missing value: expected --collector.ntp.server=TEXT";
    assert_eq!(error(&["--collector.ntp.server"]), expected);
}

#[test]
fn hostile_words_make_one_short_line() {
    let long = "x".repeat(100_000);
    let words = [format!("--a\nb{long}"), "a\x1b[2J".to_owned(), format!("--log.level={long}")];
    for word in words {
        let line = error(&[&word]);
        assert!(!line.contains(char::is_control) && line.len() < 300, "{line:?}");
    }
    let raw = OsString::from_vec(b"--web.\xff=\xfe".to_vec());
    let error = parse([raw], &options(&COLLECTORS)).unwrap_err().to_string();
    assert!(error.starts_with("unknown flag: --web.\u{fffd}"), "{error}");
}

proptest! {
    /// Whatever is typed gets an answer, and an error is one line.
    #[test]
    fn any_words_get_an_answer(words in prop::collection::vec(word(), 0..6)) {
        let args = words.iter().cloned().map(OsString::from_vec);
        if let Err(error) = parse(args, &options(&COLLECTORS)) {
            let line = error.to_string();
            prop_assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}

/// Known flags, whole and broken, and arbitrary bytes.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(options(&COLLECTORS)).prop_map(|row| row.spelling());
    let known = (known, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(name, at, byte)| {
        let mut bytes = name.replace("[no-]", "").into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = if byte < 0x80 { bytes[at] } else { byte };
        bytes
    });
    prop_oneof![known, prop::collection::vec(any::<u8>(), 0..20)]
}
