//! The `promlet` binary: reads the command line, builds the exporter, serves until it is stopped
//! and gives one exit code.

#![forbid(unsafe_code)]

mod wiring;

use promlet::collector::watch::WatchList;
use promlet::config::{self, Config, Invocation, UsageError};
use promlet::http::{Limits, Server};
use promlet::supervisor::{self, Plan, Roster, Signals, Supervisor, Work};
use promlet::sys::error::plain;
use promlet::sys::{heap, limits};
use promlet::{Encoder, Registry, log};
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use wiring::FileError;

/// How long answers under way may take once promlet is to stop.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// The exit code for a command line or a configuration file that cannot be understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    heap::keep_small();
    let words = config::expand(std::env::args_os().skip(1), &wiring::read_text);
    let parse = |words| config::parse(words, &wiring::collector_rows());
    let outcome = match words.and_then(parse) {
        Ok(Invocation::Print(text)) => print(text.as_bytes()).map(|()| 0),
        Ok(Invocation::Check(path)) => check(&path),
        Ok(Invocation::Run(config)) => run(*config),
        Err(error) => Err(error.into()),
    };
    let code = outcome.unwrap_or_else(|error| {
        // Where that cannot be said, the exit code still says it.
        for line in error.to_string().lines() {
            let _ = writeln!(io::stderr(), "promlet: {line}");
        }
        exit_code(&*error)
    });
    ExitCode::from(code)
}

/// What the kind of an error makes promlet exit with.
fn exit_code(error: &(dyn Error + 'static)) -> u8 {
    match error.downcast_ref::<supervisor::RunError>() {
        Some(error) => error.exit_code(),
        None if error.is::<UsageError>() => USAGE,
        None if matches!(error.downcast_ref(), Some(FileError::Wrong(_))) => USAGE,
        None => 1,
    }
}

/// Says that a configuration file can be used, or fails with all that is wrong with it.
fn check(path: &Path) -> Result<u8, Box<dyn Error>> {
    let contents = wiring::read_file(path)?;
    let (applications, watched) = (contents.applications.len(), contents.watches.len());
    let path = path.display();
    print(format!("{path}: ok, applications: {applications}, watched: {watched}\n").as_bytes())?;
    Ok(0)
}

fn run(config: Config) -> Result<u8, Box<dyn Error>> {
    log::init(config.log_level, config.log_format);
    // Collectors keep files open; with fewer descriptors they open them anew.
    if let Err(error) = limits::raise_open_files() {
        log::debug("cannot raise the limit on descriptors", &[("error", &plain(&error))]);
    }
    let addresses = wiring::listen_addresses(&config)?;
    wiring::check_web_config(&config)?;
    let file = config.config_file.as_deref();
    let contents = file.map(wiring::read_file).transpose()?.unwrap_or_default();
    config::check_applications(&config, &contents.applications)?;
    let (roster, watches) = (Roster::default(), WatchList::default());
    let registry = Registry::new();
    let requests = wiring::register(&registry, &config, &roster, &watches)?;
    let is_watching = !contents.watches.is_empty();
    watches.set(contents.watches);
    if config.once {
        let mut body = Vec::new();
        requests.count_scrape();
        Encoder::new(registry).scrape(None, None).write_all(&mut body);
        print(&body)?;
        return Ok(0);
    }

    // Before there is a second thread, which would take the signals.
    let signals = Signals::block().map_err(because("cannot take over the signals"))?;
    let mut reload = || wiring::reload(file?, &watches, config.stay);
    let work = match (config.application.clone(), file) {
        (Some(application), _) => Work::Command(Box::new(application)),
        (None, Some(_)) => Work::File {
            plan: Plan { applications: contents.applications, stays: config.stay || is_watching },
            reload: &mut reload,
        },
        (None, None) => Work::Nothing,
    };
    let supervisor = Supervisor::new(&signals, work, &roster)?;
    let limits = Limits { connections_max: config.max_connections, ..Limits::default() };
    let server = Server::with_listeners(wiring::listeners(&config, &addresses)?, limits)?;
    wiring::keep_heap_small(&registry);
    let exporter = wiring::exporter(&registry, &config, requests)?;
    let server = server.spawn(exporter).map_err(because("cannot serve"))?;
    for address in server.local_addresses() {
        log::info("listening", &[("address", address), ("path", &config.telemetry_path)]);
    }
    let outcome = supervisor.run()?;
    log::info("stopping", &[]);
    server.stop(STOP_GRACE).map_err(because("cannot serve"))?;
    Ok(outcome.exit_code())
}

/// What could not be done, in front of the system's reason.
fn because(what: &'static str) -> impl Fn(io::Error) -> Box<dyn Error> {
    move |error| format!("{what}: {}", plain(&error)).into()
}

fn print(text: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(because("cannot write to standard output")),
    }
}
