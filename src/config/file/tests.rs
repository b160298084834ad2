//! The table of keys, whole files, and what is said of wrong ones.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::supervisor::{HealthAction, Output, Probe, RestartLimit, RestartWhen, Signal};

fn read_none(path: &Path) -> Result<String, String> {
    match path.to_str() {
        Some("/etc/passwd") => Ok("www:x:33:34::/:/bin/false\n".to_owned()),
        Some("/env") => Ok("A=file\nB=file\n".to_owned()),
        Some("/bad-env") => Ok("A=1\nB\n".to_owned()),
        _ => Err("no such file or directory".to_owned()),
    }
}

fn applications(text: &str) -> Vec<Application> {
    contents(text).applications
}

fn contents(text: &str) -> Contents {
    parse("f", text, &read_none).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn errors(text: &str) -> Vec<String> {
    parse("f", text, &read_none).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn names_are_legal_and_unique_and_helps_are_sentences() {
    let mut names = HashSet::new();
    for key in keys() {
        let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        assert!(key.name.bytes().all(is_legal), "{}", key.name);
        assert!(names.insert((key.section, key.name)), "{} twice", key.name);
        assert!(
            key.help.starts_with(char::is_uppercase) && key.help.ends_with('.'),
            "{}",
            key.help
        );
        assert!(!key.value.is_empty(), "{}", key.name);
    }
}

/// A value for each key that is not its default: no row is forgotten or does what another does.
#[test]
fn every_key_has_an_effect_of_its_own() {
    let mut outcomes = HashSet::from([format!("{:?}", applications("[app a]\ncommand = x\n"))]);
    for key in keys().iter().filter(|key| key.section == "app" && key.name != "command") {
        let value = match key.name {
            "directory" => "/",
            "environment" => "A=1",
            "environment-file" => "/env",
            "user" | "group" => "33",
            "output" => "prefixed",
            "enabled" => "no",
            "after" => "b",
            "restart" => "never",
            "restart-limit" => "2 in 1m",
            "stop-signal" => "SIGINT",
            "health-check" => "tcp 80",
            "health-action" => "restart",
            name if name.starts_with("health-") && key.value == "TIME" => "3s",
            _ if key.value == "TIME" => "7s",
            _ if key.value == "SIZE" => "7KiB",
            _ => "7",
        };
        let check = if key.name == "health-check" { "" } else { "health-check = tcp 81\n" };
        let text =
            format!("[app a]\ncommand = x\n{check}{} = {value}\n[app b]\ncommand=y", key.name);
        assert!(outcomes.insert(format!("{:?}", applications(&text))), "{text}");
    }
}

#[test]
fn a_section_says_it_all() {
    let text = r#"
# The shop.
[app shop]
command = /usr/bin/shop --title "Our shop" ''   # its arguments
environment = B=2 "C=x y"
environment-file = /env
user = www
output = file /var/log/shop.log
restart = on-failure
backoff-initial = 250ms
restart-limit = 5 in 1m30s
stop-signal = SIGQUIT
after = db, cache
health-check = http [::1]:80 /healthz?x=1
health-action = restart
limit-memory = 64MiB
[app db]
command = db
[app cache]
command = cache
enabled = no
"#;
    let found = applications(text);
    let shop = &found[0];
    assert_eq!((shop.name.as_str(), shop.enabled, shop.launch.args.len()), ("shop", true, 3));
    assert_eq!(shop.launch.args, ["--title", "Our shop", ""]);
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let [a, b] = [variable("A", "file"), variable("B", "file")];
    assert_eq!(shop.launch.environment, [a, b, variable("B", "2"), variable("C", "x y")]);
    assert_eq!(shop.launch.identity.as_ref().unwrap().uid, Some(33));
    assert_eq!(shop.launch.output, Output::File("/var/log/shop.log".into()));
    assert_eq!(shop.launch.limits.address_space_bytes, Some(64 << 20));
    assert_eq!(shop.restart.when, RestartWhen::OnFailure);
    assert_eq!(shop.restart.backoff.initial, Duration::from_millis(250));
    let limit = RestartLimit { restarts: 5, window: Duration::from_secs(90) };
    assert_eq!(shop.restart.limit, Some(limit));
    assert_eq!((shop.stop.signal, shop.stop.timeout), (Signal::QUIT, Duration::from_secs(30)));
    assert_eq!(shop.after, ["db", "cache"]);
    let health = shop.health.as_ref().unwrap();
    let address = "[::1]:80".parse().unwrap();
    assert_eq!(health.probe, Probe::Http { address, path: "/healthz?x=1".to_owned() });
    assert_eq!((health.action, health.threshold), (HealthAction::Restart, 3));
    assert!(!found[2].enabled && found[1].enabled);
}

/// A value for each key of watching that is not its default.
#[test]
fn every_key_of_watching_has_an_effect_of_its_own() {
    let mut outcomes = HashSet::from([format!("{:?}", contents("[watch a]\nuser = 0\n"))]);
    for key in keys().iter().filter(|key| key.section == "watch") {
        let value = match key.name {
            "pid-file" | "cgroup" => "/x",
            "children" => "no",
            "group" => "${user}",
            "user" => "www 7",
            _ => "7",
        };
        let rest = if key.name == "user" { "" } else { "user = 0\n" };
        let text = format!("[watch a]\n{rest}{} = {value}\n", key.name);
        assert!(outcomes.insert(format!("{:?}", contents(&text))), "{text}");
    }
}

#[test]
fn a_section_of_watching_says_it_all() {
    use crate::collector::watch::{Cgroup, Selectors, Template};
    let text = "[watch java]\npid-file = /x.pid\nexecutable = java, /usr/bin/java\n\
                command-line = '-jar (?P<jar>\\S+)'\nuser = www, 8\ncgroup = /a\n\
                unit = b c.scope\nchildren = no\ngroup = ${jar}-${user}\ngroups-max = 7\n";
    let regex = crate::regex::Regex::new("-jar (?P<jar>\\S+)").unwrap();
    let expected = Watch {
        name: "java".to_owned(),
        group: Template::parse("${jar}-${user}", Some(&regex)).unwrap(),
        selectors: Selectors {
            pid_file: Some("/x.pid".into()),
            executables: vec!["java".to_owned(), "/usr/bin/java".to_owned()],
            command_line: Some(regex),
            users: vec![33, 8],
            cgroups: vec![
                Cgroup::Path("/a".to_owned()),
                Cgroup::Unit("b.service".to_owned()),
                Cgroup::Unit("c.scope".to_owned()),
            ],
        },
        children: false,
        groups_max: 7,
        users: [(33, "www".to_owned())].into(),
    };
    assert_eq!(contents(text).watches, [expected]);
}

/// Each line behind a command, and what is said of it.
#[rustfmt::skip]
const WRONG_LINES: &[(&str, &str)] = &[
    ("comand = x", "f:3: expected a key of [app NAME], found \"comand\", did you mean command?"),
    ("listen = :80", "f:3: expected a key of [app NAME], found \"listen\""),
    ("command = y", "f:3: expected command once, as on line 2, found \"command\""),
    ("restart = sometimes", "f:3: restart: expected one of always, on-failure, never, found \"sometimes\""),
    ("RESTART = never", "f:3: expected a key of [app NAME], found \"RESTART\", did you mean restart?"),
    ("Stop_Timeout = 1s", "f:3: expected a key of [app NAME], found \"Stop_Timeout\", did you mean stop-timeout?"),
    ("cwd = /", "f:3: expected a key of [app NAME], found \"cwd\", did you mean directory?"),
    ("pid-file = /x", "f:3: expected a key of [app NAME] and not of [watch NAME], found \"pid-file\""),
    ("stop-timeout = 5 s", "f:3: stop-timeout: expected a time such as 30s or 1m30s, at most 24h, found \"5 s\""),
    ("backoff-initial = 2m", "f:3: backoff-initial: expected backoff-initial to be at most backoff-max, 60s, found \"120s\""),
    ("backoff-max = 1ms", "f:3: backoff-max: expected backoff-initial to be at most backoff-max, 1ms, found \"1s\""),
    ("health-interval = 3s", "f:3: expected the key health-check beside it, found \"health-interval\""),
    ("user = a b", "f:3: user: expected one word, with quotes around blanks, found \"a b\""),
    ("health-check = command x $PORT", "f:3: health-check: expected no variable of a shell, or sh -c 'SCRIPT', or quotes around it, found \"$PORT\""),
    ("[app b]\ncommand: x", "f:4: expected KEY = VALUE or [app NAME], found \"command: x\""),
    ("[app b]\ncmd = x", "f:4: expected a key of [app NAME], found \"cmd\", did you mean command?"),
    ("[watch w]\nuser = 7\n[app b]\ncommand = y\nafter = w", "f:7: after: expected the name of a section [app NAME], found \"w\""),
    ("restart = on failure", "f:3: restart: expected one of always, on-failure, never, found \"on failure\", did you mean on-failure?"),
    ("restart =", "f:3: restart: expected always, on-failure or never, found \"\""),
    ("stop-timeout = 30", "f:3: stop-timeout: expected a time such as 30s or 1m30s, at most 24h, found \"30\""),
    ("stop-signal = TREM", "f:3: stop-signal: expected a signal such as TERM, or its number, found \"TREM\""),
    ("limit-memory = 64M", "f:3: limit-memory: expected a size such as 512B, 64KiB, 16MiB or 2GiB, found \"64M\""),
    ("restart-limit = 5", "f:3: restart-limit: expected N in TIME, such as 5 in 1m, found \"5\""),
    ("restart-limit = 5 per 1m", "f:3: restart-limit: expected the word in, found \"per\""),
    ("restart-limit = 5 in 0s", "f:3: restart-limit: expected a time longer than 0s, found \"0s\""),
    ("backoff-factor = 0", "f:3: backoff-factor: expected a whole number from 1 to 2147483647, found \"0\""),
    ("directory = srv", "f:3: directory: expected a path from / on, found \"srv\""),
    ("output = file", "f:3: output: expected inherit, file PATH or prefixed, found \"file\""),
    ("output = file x", "f:3: output: expected a path from / on, found \"x\""),
    ("environment = A=1 B", "f:3: environment: expected NAME=VALUE, found \"B\""),
    ("environment-file = /none", "f:3: environment-file: expected a file that can be read (no such file or directory), found \"/none\""),
    ("environment-file = /bad-env", "/bad-env:2: expected NAME=VALUE, found \"B\""),
    ("user = nobody", "f:3: user: expected a number or a name in /etc/passwd, found \"nobody\""),
    ("group = wheel", "f:3: group: expected a number or a name in /etc/group, found \"wheel\""),
    ("after = b", "f:3: after: expected the name of a section [app NAME], found \"b\""),
    ("after = a", "f:3: after: expected an order without a circle, found \"a after a\""),
    ("health-check = tcp", "f:3: health-check: expected tcp PORT, http PORT /PATH or command WORD..., found \"tcp\""),
    ("health-check = tcp 10.0.0.1:80", "f:3: health-check: expected a port, or 127.0.0.1:PORT or [::1]:PORT, found \"10.0.0.1:80\""),
    ("health-check = http 80 healthz", "f:3: health-check: expected a path such as /healthz, found \"healthz\""),
    ("health-check = command a | b", "f:3: health-check: expected no operator of a shell, or sh -c 'SCRIPT', or quotes around it, found \"|\""),
    ("health-check = tcp 80\nhealth-interval = 0s", "f:4: health-interval: expected a time longer than 0s, found \"0s\""),
    ("enabled = true", "f:3: enabled: expected one of yes, no, found \"true\""),
    ("enabled", "f:3: expected KEY = VALUE or [app NAME], found \"enabled\""),
    ("[app a]", "f:3: expected another name than that of line 1, found \"a\""),
    ("[ap b]", "f:3: expected [app NAME] or [watch NAME], found \"[ap b]\", did you mean app?"),
    ("[app b]", "f:3: expected a section with a command, found \"[app b]\""),
    ("[app ä]\ncommand = x", "f:3: expected a name of letters, digits and ._-, at most 64, found \"ä\""),
];

/// The same for watching, where a command line is given.
#[rustfmt::skip]
const WRONG_WATCHES: &[(&str, &str)] = &[
    ("command = x", "f:3: expected a key of [watch NAME] and not of [app NAME], found \"command\""),
    ("executables = x", "f:3: expected a key of [watch NAME], found \"executables\", did you mean executable?"),
    ("pid-file = x.pid", "f:3: pid-file: expected a path from / on, found \"x.pid\""),
    ("executable = ,", "f:3: executable: expected names or paths, found \",\""),
    ("user = www, x", "f:3: user: expected a number or a name in /etc/passwd, found \"x\""),
    ("cgroup = shop", "f:3: cgroup: expected a path from / on, found \"shop\""),
    ("children = maybe", "f:3: children: expected one of yes, no, found \"maybe\""),
    ("group = ${2}", "f:3: group: expected comm, executable, path, user, cgroup or a group of command-line in place of ${2}, found \"${2}\""),
    ("group = $user", "f:3: group: expected $$ for a dollar sign, found \"$user\""),
    ("groups-max = 0", "f:3: groups-max: expected a whole number from 1 to 10000, found \"0\""),
    ("[watch b]", "f:3: expected a section with one of pid-file, executable, command-line, user, cgroup, unit, found \"[watch b]\""),
    ("[app a]\ncommand = x", "f:3: expected another name than that of line 1, found \"a\""),
    ("[watch b]\ncommand-line = (", "f:4: command-line: expected a regular expression (missing closing ): \"(\" at character 1), found \"(\""),
];

#[test]
fn wrong_lines_are_named() {
    for (line, expected) in WRONG_LINES {
        assert_eq!(errors(&format!("[app a]\ncommand = x\n{line}\n")), [*expected], "{line}");
    }
    for (line, expected) in WRONG_WATCHES {
        let text = format!("[watch a]\ncommand-line = (.*)\n{line}\n");
        assert_eq!(errors(&text), [*expected], "{line}");
    }
}

#[test]
fn all_errors_are_said_in_the_order_of_the_lines() {
    let text = "x = 1\n[app a]\ncommand = 'a\nrestart = x\nafter = b\n[app b]\ncommand = a && b\n";
    assert_eq!(
        errors(text),
        [
            "f:1: expected [app NAME] before the first key, found \"x\"",
            "f:3: expected a closing ', found \"'a\"",
            "f:4: restart: expected one of always, on-failure, never, found \"x\"",
            "f:7: command: expected no operator of a shell, or sh -c 'SCRIPT', or quotes around it, found \"&&\"",
        ]
    );
}

#[test]
fn circles_are_shown() {
    let text = "[app x]\ncommand=x\n[app a]\ncommand=x\nafter=x b\n[app b]\ncommand=x\nafter=c\n\
                [app c]\ncommand=x\nafter=b\n";
    assert_eq!(
        errors(text),
        ["f:8: after: expected an order without a circle, found \"b after c after b\""]
    );
    // Who comes twice after the same waits for it once.
    assert_eq!(
        contents("[app a]\ncommand=x\n[app b]\ncommand=x\nafter=a a\n").applications.len(),
        2
    );
}

#[test]
fn nothing_is_a_file_too() {
    assert_eq!(contents(""), Contents::default());
    assert_eq!(contents("\u{feff}[app a]\r\n\tcommand = x\r\n").applications.len(), 1);
}

#[test]
fn what_is_no_text_is_shown() {
    const CASES: &[(&[u8], &str)] = &[
        (b"a\nb\0c\nd", "f:2: expected text in UTF-8, found \"b\\0c\""),
        (b"\xe9", "f:1: expected text in UTF-8, found \"\u{fffd}\""),
        (b"a\n# caf\xe9\n\0", "f:2: expected text in UTF-8, found \"# caf\u{fffd}\""),
        (b"a\n\0# caf\xe9", "f:2: expected text in UTF-8, found \"\\0# caf\u{fffd}\""),
    ];
    for (bytes, expected) in CASES {
        let errors = parse("f", bytes, &read_none).unwrap_err();
        assert_eq!(errors[0].to_string(), *expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn sections_are_limited() {
    let text: String =
        (0..SECTIONS_MAX + 9).map(|i| format!("[app a{i}]\ncommand = x\n")).collect();
    assert_eq!(errors(&text), ["f:2001: expected at most 1000 sections, found \"[app a1000]\""]);
}

proptest! {
    /// Whatever a file says gets an answer, and each error is one line that begins with its place.
    #[test]
    fn any_text_gets_an_answer(lines in prop::collection::vec(line(), 0..12)) {
        if let Err(errors) = parse("f", lines.join("\n"), &read_none) {
            for error in errors {
                let line = error.to_string();
                prop_assert!(!line.contains(char::is_control), "{line:?}");
                prop_assert!(line.starts_with("f:") || line.starts_with("/bad-env:"), "{line:?}");
            }
        }
    }
}

/// Lines that are near to right ones, and any others.
fn line() -> impl Strategy<Value = String> {
    let key = (prop::sample::select(keys()), "[ a-c0-9='\"\\\\#/:]{0,8}")
        .prop_map(|(key, value)| format!("{} = {value}", key.name));
    let header = "\\[(app|watch) [a-c]\\]";
    prop_oneof![
        key,
        header,
        prop::sample::select(WRONG_LINES).prop_map(|(line, _)| line.to_string()),
        ".{0,20}"
    ]
}
