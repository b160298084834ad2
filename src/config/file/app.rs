//! `[app NAME]`: an application to run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::value;
use super::error::Fault;
use super::key::Key;
use super::words::Word;
use super::{environment, one, text_of};
use crate::supervisor::{
    HealthAction, Launch, Limits, Output, Probe, RestartLimit, RestartWhen, Signal, TIME_MAX,
};

/// What its header begins with.
pub(super) const KIND: &str = "app";

/// Words that a shell would act upon; without one they would silently become arguments.
const OPERATORS: [&str; 12] = ["|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "2>", "2>&1", "&>"];

/// Restarts beyond this are no limit, and each is remembered.
const RESTARTS_MAX: usize = 1_000;

/// The values of a section, one field a key, nothing decided.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) command: Vec<String>,
    pub(super) directory: Option<PathBuf>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) environment_file: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) limits: Limits,
    pub(super) output: Option<Output>,
    pub(super) enabled: bool,
    pub(super) after: Vec<String>,
    pub(super) restart: Option<RestartWhen>,
    pub(super) backoff_initial: Duration,
    pub(super) backoff_max: Duration,
    pub(super) backoff_factor: u32,
    pub(super) restart_limit: Option<RestartLimit>,
    pub(super) stop_signal: Option<Signal>,
    pub(super) stop_timeout: Duration,
    pub(super) probe: Option<Probe>,
    pub(super) health_interval: Duration,
    pub(super) health_timeout: Duration,
    pub(super) health_threshold: u32,
    pub(super) health_start_period: Duration,
    pub(super) health_action: Option<HealthAction>,
}

type Set = fn(&mut Draft, &[Word]) -> Result<(), Fault>;

const fn key(name: &'static str, value: &'static str, set: Set, help: &'static str) -> Key<Draft> {
    Key { name, value, default: None, is_repeatable: false, help, set }
}

impl Key<Draft> {
    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }
}

/// The keys, in the order of the documentation. A new one is a row here and a field of [`Draft`].
pub(super) const KEYS: &[Key<Draft>] = &[
    key(
        "command",
        "WORD...",
        |draft, words| command(words).map(|x| draft.command = x),
        "The program, as a path or a name in `PATH`, and its arguments. Quotes and backslashes work as in a shell, but there is none.",
    ),
    key(
        "directory",
        "PATH",
        |draft, words| absolute(words).map(|x| draft.directory = Some(x)),
        "Its working directory.",
    ),
    key(
        "environment",
        "NAME=VALUE...",
        |draft, words| {
            let variables = words.iter().map(environment::variable);
            variables.collect::<Result<Vec<_>, _>>().map(|x| draft.environment.extend(x))
        },
        "Variables on top of promlet's environment. Repeatable.",
    )
    .repeatable(),
    key(
        "environment-file",
        "PATH",
        |draft, words| absolute(words).map(|x| draft.environment_file = Some(x)),
        "A file of more of them, one a line; those of `environment` win.",
    ),
    key(
        "user",
        "USER",
        |draft, words| text_of(words).map(|x| draft.user = Some(x)),
        "Whom it runs as: a number, or a name in `/etc/passwd`; with the groups of that user.",
    ),
    key(
        "group",
        "GROUP",
        |draft, words| text_of(words).map(|x| draft.group = Some(x)),
        "Its group in place of the user's own: a number, or a name in `/etc/group`.",
    ),
    key(
        "limit-processes",
        "N",
        |draft, words| count(words, 1).map(|x| draft.limits.processes = Some(x.into())),
        "Most processes and threads of its user (`RLIMIT_NPROC`; root has no such limit).",
    ),
    key(
        "limit-open-files",
        "N",
        |draft, words| count(words, 1).map(|x| draft.limits.open_files = Some(x.into())),
        "Most open descriptors of a process (`RLIMIT_NOFILE`).",
    ),
    key(
        "limit-memory",
        "SIZE",
        |draft, words| size(words).map(|x| draft.limits.address_space_bytes = Some(x)),
        "Most address space of a process (`RLIMIT_AS`).",
    ),
    key(
        "limit-core",
        "SIZE",
        |draft, words| size(words).map(|x| draft.limits.core_bytes = Some(x)),
        "The largest core file (`RLIMIT_CORE`).",
    ),
    key(
        "output",
        "inherit, file PATH or prefixed",
        |draft, words| output(words).map(|x| draft.output = Some(x)),
        "Where standard output and error go: where promlet's go, to the end of a file, or where promlet's go with `NAME: ` in front of each line.",
    )
    .or("inherit"),
    key(
        "enabled",
        "yes or no",
        |draft, words| one_of(words, &[("yes", true), ("no", false)]).map(|x| draft.enabled = x),
        "Whether it is to run at all.",
    )
    .or("yes"),
    key(
        "after",
        "NAME...",
        |draft, words| names(words).map(|x| draft.after = x),
        "Applications that are up before it is started: running, and healthy if they have a check. One that is never restarted and has no check is a job, which must have ended with 0. It is stopped before they are.",
    ),
    key(
        "restart",
        "always, on-failure or never",
        |draft, words| restart(words).map(|x| draft.restart = Some(x)),
        "After which ends it is started again. `on-failure`: any but status 0.",
    )
    .or("always"),
    key(
        "backoff-initial",
        "TIME",
        |draft, words| time(words).map(|x| draft.backoff_initial = x),
        "How long until it is started again.",
    )
    .or("1s"),
    key(
        "backoff-max",
        "TIME",
        |draft, words| time(words).map(|x| draft.backoff_max = x),
        "The longest such time. Who has run for so long begins with `backoff-initial` again.",
    )
    .or("1m"),
    key(
        "backoff-factor",
        "N",
        |draft, words| count(words, 1).map(|x| draft.backoff_factor = x),
        "By how much the time grows with each restart.",
    )
    .or("2"),
    key(
        "restart-limit",
        "N in TIME",
        |draft, words| restart_limit(words).map(|x| draft.restart_limit = Some(x)),
        "So many restarts within that time, and it has failed for good at its next end. Without it, it is never given up.",
    ),
    key(
        "stop-signal",
        "SIGNAL",
        |draft, words| signal(words).map(|x| draft.stop_signal = Some(x)),
        "What its first process is sent to stop it.",
    )
    .or("TERM"),
    key(
        "stop-timeout",
        "TIME",
        |draft, words| time(words).map(|x| draft.stop_timeout = x),
        "How long it may take to stop until its whole tree is killed.",
    )
    .or("30s"),
    key(
        "health-check",
        "tcp [IP:]PORT, http [IP:]PORT /PATH or command WORD...",
        |draft, words| probe(words).map(|x| draft.probe = Some(x)),
        "How it is found out whether it works: a connection to loopback that is accepted, a GET answered with status 200 to 399, or a command that ends with 0.",
    ),
    key(
        "health-interval",
        "TIME",
        |draft, words| positive(words).map(|x| draft.health_interval = x),
        "How long from one check to the next.",
    )
    .or("10s"),
    key(
        "health-timeout",
        "TIME",
        |draft, words| positive(words).map(|x| draft.health_timeout = x),
        "How long a check may take; then it has failed.",
    )
    .or("5s"),
    key(
        "health-threshold",
        "N",
        |draft, words| count(words, 1).map(|x| draft.health_threshold = x),
        "How many failures in a row make it unhealthy. One success makes it healthy.",
    )
    .or("3"),
    key(
        "health-start-period",
        "TIME",
        |draft, words| time(words).map(|x| draft.health_start_period = x),
        "For how long after a start failures do not count, and a check comes each second, unless one has passed.",
    )
    .or("30s"),
    key(
        "health-action",
        "report or restart",
        |draft, words| health_action(words).map(|x| draft.health_action = Some(x)),
        "What follows when it is unhealthy: nothing but log and metrics, or a stop that counts as a failure.",
    )
    .or("report"),
];

impl Draft {
    /// What the processes start with, but for the user.
    pub(super) fn take_launch(&mut self) -> Option<Launch> {
        let mut words = std::mem::take(&mut self.command).into_iter();
        Some(Launch {
            program: words.next()?.into(),
            args: words.map(Into::into).collect(),
            directory: self.directory.take(),
            environment: std::mem::take(&mut self.environment),
            identity: None,
            limits: self.limits,
            output: self.output.take().unwrap_or(Output::Inherit),
        })
    }
}

fn command(words: &[Word]) -> Result<Vec<String>, Fault> {
    let is_operator = |word: &&Word| !word.is_quoted && OPERATORS.contains(&&*word.text);
    if let Some(operator) = words.iter().find(is_operator) {
        let expected = "no operator of a shell, or sh -c 'SCRIPT', or quotes around it";
        return Err(Fault::new(expected, &operator.text));
    }
    if words[0].text.is_empty() {
        return Err(Fault::new("a program", ""));
    }
    Ok(words.iter().map(|word| word.text.clone()).collect())
}

fn absolute(words: &[Word]) -> Result<PathBuf, Fault> {
    let text = text_of(words)?;
    let is_absolute = Path::new(&text).is_absolute();
    if is_absolute { Ok(text.into()) } else { Err(Fault::new("a path from / on", &text)) }
}

fn time(words: &[Word]) -> Result<Duration, Fault> {
    one(words, |word| value::duration(word, TIME_MAX))
}

fn positive(words: &[Word]) -> Result<Duration, Fault> {
    let time = time(words)?;
    if time.is_zero() { Err(Fault::new("a time longer than 0s", &words[0].text)) } else { Ok(time) }
}

fn size(words: &[Word]) -> Result<u64, Fault> {
    one(words, value::size)
}

fn count(words: &[Word], min: usize) -> Result<u32, Fault> {
    one(words, |word| value::count(word, min..=i32::MAX as usize)).map(|count| count as u32)
}

fn one_of<T: Copy>(words: &[Word], choices: &[(&str, T)]) -> Result<T, Fault> {
    one(words, |word| value::one_of(word, choices))
}

fn names(words: &[Word]) -> Result<Vec<String>, Fault> {
    let name = |word: &Word| match word.text.trim_end_matches(',') {
        "" => Err(Fault::new("names of applications", &word.text)),
        name => Ok(name.to_owned()),
    };
    words.iter().map(name).collect()
}

fn restart(words: &[Word]) -> Result<RestartWhen, Fault> {
    use RestartWhen::{Always, Never, OnFailure};
    one_of(words, &[("always", Always), ("on-failure", OnFailure), ("never", Never)])
}

fn health_action(words: &[Word]) -> Result<HealthAction, Fault> {
    one_of(words, &[("report", HealthAction::Report), ("restart", HealthAction::Restart)])
}

fn restart_limit(words: &[Word]) -> Result<RestartLimit, Fault> {
    let [restarts, within, window] = words else {
        return Err(Fault::new("N in TIME, such as 5 in 1m", &super::joined(words)));
    };
    if within.text != "in" {
        return Err(Fault::new("the word in", &within.text));
    }
    let restarts =
        one(std::slice::from_ref(restarts), |word| value::count(word, 1..=RESTARTS_MAX))?;
    let window = positive(std::slice::from_ref(window))?;
    Ok(RestartLimit { restarts: restarts as u32, window })
}

fn signal(words: &[Word]) -> Result<Signal, Fault> {
    one(words, |word| {
        let name = word.to_str().map(|name| name.strip_prefix("SIG").unwrap_or(name));
        name.and_then(Signal::from_name).ok_or_else(|| "a signal such as TERM".to_owned())
    })
}

fn output(words: &[Word]) -> Result<Output, Fault> {
    match words[0].text.as_str() {
        "inherit" => text_of(words).map(|_| Output::Inherit),
        "prefixed" => text_of(words).map(|_| Output::Prefixed),
        "file" if words.len() > 1 => absolute(&words[1..]).map(Output::File),
        _ => Err(Fault::new("inherit, file PATH or prefixed", &super::joined(words))),
    }
}

fn probe(words: &[Word]) -> Result<Probe, Fault> {
    match (words[0].text.as_str(), &words[1..]) {
        ("tcp", [address]) => address_of(address).map(Probe::Tcp),
        ("http", [address, path]) => {
            let path = one(std::slice::from_ref(path), value::request_target)?;
            Ok(Probe::Http { address: address_of(address)?, path })
        }
        ("command", [_, ..]) => command(&words[1..])
            .map(|c| c.into_iter().map(Into::into).collect())
            .map(Probe::Command),
        _ => Err(Fault::new("tcp PORT, http PORT /PATH or command WORD...", &super::joined(words))),
    }
}

/// A port on loopback, or an address there.
fn address_of(word: &Word) -> Result<SocketAddr, Fault> {
    let port = word.text.parse().ok().map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
    let address: Option<SocketAddr> = port.or_else(|| word.text.parse().ok());
    address
        .filter(|address| address.ip().is_loopback() && address.port() != 0)
        .ok_or_else(|| Fault::new("a port, or 127.0.0.1:PORT or [::1]:PORT", &word.text))
}
