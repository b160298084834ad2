//! `[app NAME]`: an application to run.

pub(super) mod values;

use std::path::PathBuf;
use std::time::Duration;

use super::environment;
use super::key::Key;
use crate::supervisor::{
    Application, Backoff, HealthAction, HealthCheck, Identity, Launch, Limits, Output, Probe,
    Restart, RestartLimit, RestartWhen, Signal, Stop,
};
use values::{
    absolute, command, count, health_action, names, one_of, output, positive, probe, restart,
    restart_limit, signal, size, text_of, time,
};

/// What its header begins with.
pub(super) const KIND: &str = "app";

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

type DraftKey = Key<Draft>;

/// The keys, in the order of the documentation. A new one is a row here and a field of [`Draft`].
pub(super) const KEYS: &[DraftKey] = &[
    DraftKey::new(
        "command",
        "WORD...",
        |draft, words| command(words).map(|x| draft.command = x),
        "The program, as a path or a name in `PATH`, and its arguments. Quotes and backslashes work as in a shell, but there is none.",
    )
    .required()
    .misnamed(&["cmd", "exec", "execstart", "program", "run"]),
    DraftKey::new(
        "directory",
        "PATH",
        |draft, words| absolute(words).map(|x| draft.directory = Some(x)),
        "Its working directory.",
    )
    .misnamed(&["chdir", "cwd", "dir", "workdir", "working-dir", "working-directory"]),
    DraftKey::new(
        "environment",
        "NAME=VALUE...",
        |draft, words| {
            let variables = words.iter().map(environment::variable);
            variables.collect::<Result<Vec<_>, _>>().map(|x| draft.environment.extend(x))
        },
        "Variables on top of promlet's environment. Repeatable.",
    )
    .repeatable()
    .misnamed(&["env", "variables"]),
    DraftKey::new(
        "environment-file",
        "PATH",
        |draft, words| absolute(words).map(|x| draft.environment_file = Some(x)),
        "A file of more of them, one a line; those of `environment` win.",
    )
    .misnamed(&["env-file", "envfile"]),
    DraftKey::new(
        "user",
        "USER",
        |draft, words| text_of(words).map(|x| draft.user = Some(x)),
        "Whom it runs as: a number, or a name in `/etc/passwd`; with the groups of that user.",
    ),
    DraftKey::new(
        "group",
        "GROUP",
        |draft, words| text_of(words).map(|x| draft.group = Some(x)),
        "Its group in place of the user's own: a number, or a name in `/etc/group`.",
    ),
    DraftKey::new(
        "limit-processes",
        "N",
        |draft, words| count(words, 1).map(|x| draft.limits.processes = Some(x.into())),
        "Most processes and threads of its user (`RLIMIT_NPROC`; root has no such limit).",
    )
    .misnamed(&["nproc", "pids-limit", "processes"]),
    DraftKey::new(
        "limit-open-files",
        "N",
        |draft, words| count(words, 1).map(|x| draft.limits.open_files = Some(x.into())),
        "Most open descriptors of a process (`RLIMIT_NOFILE`).",
    )
    .misnamed(&["nofile", "limit-nofile", "open-files"]),
    DraftKey::new(
        "limit-memory",
        "SIZE",
        |draft, words| size(words).map(|x| draft.limits.address_space_bytes = Some(x)),
        "Most address space of a process (`RLIMIT_AS`).",
    )
    .misnamed(&["memory", "memory-limit", "memory-max"]),
    DraftKey::new(
        "limit-core",
        "SIZE",
        |draft, words| size(words).map(|x| draft.limits.core_bytes = Some(x)),
        "The largest core file (`RLIMIT_CORE`).",
    ),
    DraftKey::new(
        "output",
        "inherit, file PATH or prefixed",
        |draft, words| output(words).map(|x| draft.output = Some(x)),
        "Where standard output and error go: where promlet's go, to the end of a file, or where promlet's go with `NAME: ` in front of each line.",
    )
    .or("inherit")
    .misnamed(&["log", "stderr", "stdout"]),
    DraftKey::new(
        "enabled",
        "yes or no",
        |draft, words| one_of(words, &[("yes", true), ("no", false)]).map(|x| draft.enabled = x),
        "Whether it is to run at all.",
    )
    .or("yes"),
    DraftKey::new(
        "after",
        "NAME...",
        |draft, words| names(words).map(|x| draft.after = x),
        "Applications that are up before it is started: running, and healthy if they have a check. One that is never restarted and has no check is a job, which must have ended with 0. It is stopped before they are.",
    )
    .misnamed(&["depends-on", "needs", "requires"]),
    DraftKey::new(
        "restart",
        "always, on-failure or never",
        |draft, words| restart(words).map(|x| draft.restart = Some(x)),
        "After which ends it is started again. `on-failure`: any but status 0.",
    )
    .or("always")
    .misnamed(&["autorestart"]),
    DraftKey::new(
        "backoff-initial",
        "TIME",
        |draft, words| time(words).map(|x| draft.backoff_initial = x),
        "How long until it is started again.",
    )
    .or("1s")
    .misnamed(&["backoff", "restart-delay", "restart-sec"]),
    DraftKey::new(
        "backoff-max",
        "TIME",
        |draft, words| time(words).map(|x| draft.backoff_max = x),
        "The longest such time. Who has run for so long begins with `backoff-initial` again.",
    )
    .or("1m"),
    DraftKey::new(
        "backoff-factor",
        "N",
        |draft, words| count(words, 1).map(|x| draft.backoff_factor = x),
        "By how much the time grows with each restart.",
    )
    .or("2"),
    DraftKey::new(
        "restart-limit",
        "N in TIME",
        |draft, words| restart_limit(words).map(|x| draft.restart_limit = Some(x)),
        "So many restarts within that time, and it has failed for good at its next end. Without it, it is never given up.",
    )
    .misnamed(&["max-restarts", "restart-max", "start-limit"]),
    DraftKey::new(
        "stop-signal",
        "SIGNAL",
        |draft, words| signal(words).map(|x| draft.stop_signal = Some(x)),
        "What its first process is sent to stop it.",
    )
    .or("TERM"),
    DraftKey::new(
        "stop-timeout",
        "TIME",
        |draft, words| time(words).map(|x| draft.stop_timeout = x),
        "How long it may take to stop until its whole tree is killed.",
    )
    .or("30s")
    .misnamed(&["grace", "grace-period", "stop-grace-period", "timeout"]),
    DraftKey::new(
        "health-check",
        "tcp [IP:]PORT, http [IP:]PORT /PATH or command WORD...",
        |draft, words| probe(words).map(|x| draft.probe = Some(x)),
        "How it is found out whether it works: a connection to loopback that is accepted, a GET answered with status 200 to 399, or a command that ends with 0.",
    )
    .misnamed(&["check", "health", "test"]),
    DraftKey::new(
        "health-interval",
        "TIME",
        |draft, words| positive(words).map(|x| draft.health_interval = x),
        "How long from one check to the next.",
    )
    .or("10s")
    .beside("health-check"),
    DraftKey::new(
        "health-timeout",
        "TIME",
        |draft, words| positive(words).map(|x| draft.health_timeout = x),
        "How long a check may take; then it has failed.",
    )
    .or("5s")
    .beside("health-check"),
    DraftKey::new(
        "health-threshold",
        "N",
        |draft, words| count(words, 1).map(|x| draft.health_threshold = x),
        "How many failures in a row make it unhealthy. One success makes it healthy.",
    )
    .or("3")
    .beside("health-check"),
    DraftKey::new(
        "health-start-period",
        "TIME",
        |draft, words| time(words).map(|x| draft.health_start_period = x),
        "For how long after a start failures do not count, and a check comes each second, unless one has passed.",
    )
    .or("30s")
    .beside("health-check"),
    DraftKey::new(
        "health-action",
        "report or restart",
        |draft, words| health_action(words).map(|x| draft.health_action = Some(x)),
        "What follows when it is unhealthy: nothing but log and metrics, or a stop that counts as a failure.",
    )
    .or("report")
    .beside("health-check"),
];

impl Draft {
    /// The application that this describes; `None` where a key that it needs was refused.
    pub(super) fn application(self, name: &str, identity: Option<Identity>) -> Option<Application> {
        let mut words = self.command.into_iter();
        let health = self.probe.zip(self.health_action).map(|(probe, action)| HealthCheck {
            probe,
            interval: self.health_interval,
            timeout: self.health_timeout,
            threshold: self.health_threshold,
            start_period: self.health_start_period,
            action,
        });
        let backoff = Backoff {
            initial: self.backoff_initial,
            max: self.backoff_max,
            factor: self.backoff_factor,
        };
        Some(Application {
            name: name.to_owned(),
            enabled: self.enabled,
            launch: Launch {
                program: words.next()?.into(),
                args: words.map(Into::into).collect(),
                directory: self.directory,
                environment: self.environment,
                identity,
                limits: self.limits,
                output: self.output?,
            },
            after: self.after,
            restart: Restart { when: self.restart?, backoff, limit: self.restart_limit },
            stop: Stop { signal: self.stop_signal?, timeout: self.stop_timeout },
            health,
        })
    }
}
