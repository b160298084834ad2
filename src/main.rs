//! The `promlet` binary: reads the command line, builds the exporter, serves until it is stopped
//! and gives one exit code.

#![forbid(unsafe_code)]

mod wiring;

use promlet::config::{self, Config, Invocation, UsageError};
use promlet::exporter::{Exporter, ScrapePhases};
use promlet::http::{Limits, Server};
use promlet::supervisor::{self, AppStatus, Signals};
use promlet::sys::error::plain;
use promlet::{Encoder, Registry, log};
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long answers under way may take once promlet is to stop.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// The exit code for a command line that cannot be understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let outcome = match config::parse(std::env::args_os().skip(1), &wiring::collector_rows()) {
        Ok(Invocation::Print(text)) => print(text.as_bytes()).map(|()| 0),
        Ok(Invocation::Run(config)) => run(*config),
        Err(error) => Err(error.into()),
    };
    let code = outcome.unwrap_or_else(|error| {
        // Where that cannot be said, the exit code still says it.
        let _ = writeln!(io::stderr(), "promlet: {error}");
        exit_code(&*error)
    });
    ExitCode::from(code)
}

/// What the kind of an error makes promlet exit with.
fn exit_code(error: &(dyn Error + 'static)) -> u8 {
    match error.downcast_ref::<supervisor::RunError>() {
        Some(error) => error.exit_code(),
        None if error.is::<UsageError>() => USAGE,
        None => 1,
    }
}

fn run(config: Config) -> Result<u8, Box<dyn Error>> {
    log::init(config.log_level, config.log_format);
    let addresses = wiring::listen_addresses(&config)?;
    let status = Arc::new(AppStatus::default());
    let registry = Registry::new();
    let requests = wiring::register(&registry, &config, &status)?;
    if config.once {
        let mut body = Vec::new();
        requests.count_scrape();
        Encoder::new(registry).scrape(None, None).write_all(&mut body);
        print(&body)?;
        return Ok(0);
    }

    // Before there is a second thread, which would take the signals.
    let signals = Signals::block()?;
    let limits = Limits { connections_max: config.max_connections, ..Limits::default() };
    let server = Server::with_listeners(wiring::listeners(&config, &addresses)?, limits)?;
    let choice = wiring::choice(&config)?;
    let mut exporter = Exporter::new(registry.clone())
        .telemetry_path(&config.telemetry_path)
        .request_counters(requests)
        .scrapes_max(config.max_requests)
        .selector(Box::new(move |request| {
            choice.selection(request.query_pairs()).map_err(|error| error.to_string())
        }));
    if config.exporter_metrics {
        exporter = exporter.scrape_phases(ScrapePhases::register(&registry)?);
    }
    let server = server.spawn(exporter)?;
    for address in server.local_addresses() {
        log::info("listening", &[("address", address), ("path", &config.telemetry_path)]);
    }
    let outcome = supervisor::run(&signals, config.application.as_ref(), &status)?;
    log::info("stopping", &[]);
    server.stop(STOP_GRACE)?;
    Ok(outcome.exit_code())
}

fn print(text: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result
            .map_err(|error| format!("cannot write to standard output: {}", plain(&error)).into()),
    }
}
