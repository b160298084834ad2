//! The exporter: answers the requests of an HTTP server from a registry.
//!
//! ```text
//! telemetry path   one scrape: negotiate, collect, render, write; by a body that waits for
//!                  what collectors leave to other threads, until the scraper's time is over
//! /                a page for people
//! /-/healthy       200 while the server answers
//! /-/ready         200 while the server answers
//! ```

#![forbid(unsafe_code)]

mod instruments;
mod landing;
mod scraper;

pub use instruments::{RequestCounters, ScrapePhases, register_build_info, register_scrape_up};
pub use scraper::ScrapeBody;

use crate::encoding::negotiate;
use crate::http::{Body, Excerpt, Handler, Method, Refusal, Request, Response, Status, Written};
use crate::log;
use crate::metric::lock;
use crate::registry::{Registry, Scrape, Selection};
use scraper::Scraper;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Where the metrics are unless something else is said.
pub const TELEMETRY_PATH: &str = "/metrics";

/// What a scrape is chosen by.
const VARY: &str = "Accept, Accept-Encoding";

/// The request field by which Prometheus says how long it waits.
const TIMEOUT_FIELD: &str = "X-Prometheus-Scrape-Timeout-Seconds";

/// Whatever a request says, no answer is waited for any longer.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// The server retries many times a second; one line a minute says as much.
const ACCEPT_WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Turns the query of a scrape into what it selects, or into the text of a 400.
pub type Selector = Box<dyn Fn(&Request<'_>) -> Result<Selection, String> + Send>;

/// Serves the families of a registry.
///
/// ```
/// use promlet::{Exporter, Registry, http::{Limits, Server}};
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// registry.counter("jobs_total", "Jobs done.")?.inc();
/// let server = Server::bind(&["127.0.0.1:0".parse()?], Limits::default())?;
/// let server = server.spawn(Exporter::new(registry))?;
/// println!("metrics at http://{}/metrics", server.local_addresses()[0]);
/// server.stop(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Exporter {
    /// One share per scrape whose answer is not written yet, and this one.
    scraper: Arc<Mutex<Scraper>>,
    telemetry_path: String,
    landing_page: Option<Vec<u8>>,
    selector: Selector,
    requests: RequestCounters,
    phases: Option<ScrapePhases>,
    scrapes_max: Option<NonZeroUsize>,
    /// When it was last said that connections cannot be accepted.
    accept_warned: Option<Instant>,
}

impl Exporter {
    /// An exporter of `registry` at `/metrics`.
    pub fn new(registry: Registry) -> Exporter {
        let exporter = Exporter {
            scraper: Arc::new(Mutex::new(Scraper::new(registry))),
            telemetry_path: String::new(),
            landing_page: None,
            selector: Box::new(|_| Ok(Selection::ALL)),
            requests: RequestCounters::default(),
            phases: None,
            scrapes_max: None,
            accept_warned: None,
        };
        exporter.telemetry_path(TELEMETRY_PATH)
    }

    /// Serves the metrics at `path`, which begins with a slash. At `/` they stand in place of the
    /// page for people.
    #[must_use]
    pub fn telemetry_path(mut self, path: &str) -> Exporter {
        self.landing_page = (path != "/").then(|| landing::page(path));
        self.telemetry_path = path.to_owned();
        self
    }

    /// Lets `selector` say what a scrape's query selects.
    #[must_use]
    pub fn selector(mut self, selector: Selector) -> Exporter {
        self.selector = selector;
        self
    }

    /// Counts scrapes and requests.
    #[must_use]
    pub fn request_counters(mut self, requests: RequestCounters) -> Exporter {
        self.requests = requests;
        self
    }

    /// Measures the phases of scrapes.
    #[must_use]
    pub fn scrape_phases(mut self, phases: ScrapePhases) -> Exporter {
        lock(&self.scraper).measure_collecting(phases.collect.clone());
        self.phases = Some(phases);
        self
    }

    /// Answers 503 to scrapes beyond this many at once; `None` is no limit.
    #[must_use]
    pub fn scrapes_max(mut self, scrapes_max: Option<NonZeroUsize>) -> Exporter {
        self.scrapes_max = scrapes_max;
        self
    }

    fn scrape(&mut self, request: &Request<'_>) -> Response<ScrapeBody> {
        let selection = match (self.selector)(request) {
            Ok(selection) => selection,
            Err(reason) => return Response::text(Status::BadRequest, reason + "\n"),
        };
        let scraper = Arc::clone(&self.scraper);
        if self.scrapes_max.is_some_and(|max| Arc::strong_count(&scraper) - 1 > max.get()) {
            let text = "too many scrapes at once; --web.max-requests bounds them\n";
            return Response::text(Status::ServiceUnavailable, text);
        }
        self.requests.count_scrape();
        let scrape = match request.field(TIMEOUT_FIELD).and_then(parse_timeout) {
            Some(timeout) => Scrape::within(selection, timeout),
            None => Scrape::new(selection),
        };
        let choice = negotiate(request.field("Accept"), request.field("Accept-Encoding"));
        let mut response = Response::new(Status::Ok, Body::Empty);
        response.content_type = Some(choice.content_type());
        response.content_coding = choice.content_coding();
        response.vary = Some(VARY);
        response.body = Body::Stream(ScrapeBody::begin(scraper, &scrape, choice));
        response
    }

    /// The answer to a request that is no scrape.
    fn page(&self, path: &[u8]) -> Response<ScrapeBody> {
        match (path, &self.landing_page) {
            (b"/", Some(page)) => Response {
                content_type: Some("text/html; charset=utf-8"),
                ..Response::new(Status::Ok, Body::Bytes(page.clone().into()))
            },
            (b"/-/healthy", _) => Response::text(Status::Ok, "promlet is healthy\n"),
            (b"/-/ready", _) => Response::text(Status::Ok, "promlet is ready\n"),
            _ => {
                let text = format!("not found; the metrics are at {}\n", self.telemetry_path);
                Response::text(Status::NotFound, text)
            }
        }
    }
}

impl Handler for Exporter {
    type Body = ScrapeBody;

    fn begin(&mut self, waker: Waker) {
        lock(&self.scraper).set_waker(waker);
    }

    fn stopping(&mut self) {
        lock(&self.scraper).stop_waiting();
    }

    fn turn(&mut self, _now: Instant) {
        lock(&self.scraper).begin_turn();
    }

    fn handle(&mut self, request: &Request<'_>) -> Response<ScrapeBody> {
        let path = request.path();
        let is_scrape = *path == *self.telemetry_path.as_bytes();
        if !matches!(request.method(), Method::Get | Method::Head) {
            self.requests.count_request(request.method());
            let text = "method not allowed; use GET or HEAD\n";
            let response = Response::text(Status::MethodNotAllowed, text);
            return Response { allow: Some("GET, HEAD"), ..response };
        }
        if is_scrape {
            return self.scrape(request);
        }
        self.requests.count_request(request.method());
        self.page(&path)
    }

    fn written(&mut self, answer: Written<ScrapeBody>) {
        if let (Some(body), Some(phases)) = (answer.body, &self.phases) {
            let rendering = body.rendering();
            phases.render.observe_duration(rendering);
            phases.write.observe_duration(answer.took.saturating_sub(rendering));
        }
    }

    fn refused(&mut self, refusal: Refusal, bytes: &[u8]) {
        log::debug(
            "request refused",
            &[("reason", &refusal.reason()), ("request", &Excerpt(bytes))],
        );
    }

    fn accept_failed(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.accept_warned.is_none_or(|last| now - last > ACCEPT_WARNING_INTERVAL) {
            log::warn("cannot accept connections", &[("error", error)]);
            self.accept_warned = Some(now);
        }
    }
}

/// The seconds of [`TIMEOUT_FIELD`]; `None` for what is no time that one can wait.
fn parse_timeout(field: &[u8]) -> Option<Duration> {
    let seconds = std::str::from_utf8(field).ok()?.trim().parse().ok()?;
    let timeout = Duration::try_from_secs_f64(seconds).ok()?;
    (!timeout.is_zero()).then(|| timeout.min(TIMEOUT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_seconds_and_bad_ones_are_none() {
        const CASES: &[(&str, Option<Duration>)] = &[
            ("10", Some(Duration::from_secs(10))),
            (" 0.25 ", Some(Duration::from_millis(250))),
            ("1e1", Some(Duration::from_secs(10))),
            ("121", Some(TIMEOUT_MAX)),
            ("1e18", Some(TIMEOUT_MAX)),
            ("1e300", None),
            ("inf", None),
            ("NaN", None),
            ("-1", None),
            ("0", None),
            ("-0", None),
            ("1e-300", None),
            ("", None),
            ("10s", None),
            ("10, 10", None),
            ("\u{661}", None),
        ];
        for (field, expected) in CASES {
            assert_eq!(parse_timeout(field.as_bytes()), *expected, "{field:?}");
        }
        assert_eq!(parse_timeout(b"\xff"), None);
    }
}
