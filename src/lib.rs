//! A Prometheus exporter and exposition library without run-time dependencies but `libc`, for
//! Linux.
//!
//! Counters, gauges and histograms live in the application's own memory and are updated by an
//! atomic operation or two, without locks. A scrape copies text that was laid out once and writes
//! the values into it.
//!
//! # Metrics of an application
//!
//! A [`Registry`] holds families. Registering checks names and returns the handle to update:
//!
//! ```
//! use promlet::{Buckets, Counter, Family, Registry};
//!
//! promlet::labels! {
//!     struct Request<'a> { method: &'a str, code: u16 }
//! }
//!
//! let registry = Registry::new();
//! let running = registry.int_gauge("jobs_running", "Jobs under way.")?;
//! let buckets = Buckets::exponential(0.001, 4.0, 6)?;
//! let seconds = registry.histogram("job_duration_seconds", "How long jobs took.", buckets)?;
//! let requests: Family<Request<'static>, Counter> =
//!     registry.family("http_requests_total", "Requests served.")?;
//!
//! running.inc();
//! seconds.observe(0.03);
//! requests.get_or_create(&Request { method: "GET", code: 200 }).inc();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values that somebody else keeps are read at the scrape: [`Registry::gauge_fn`] for one, a
//! [`Collect`] for more, and a [`TimedGauge`] says when its value was. A [`SeriesLimit`] bounds a family whose label values come from outside.
//!
//! # Serving them
//!
//! An [`Exporter`] answers requests from a registry, a [`Server`] runs it on one thread:
//!
//! ```
//! use promlet::{Exporter, Limits, Registry, Server};
//!
//! let registry = Registry::new();
//! let jobs = registry.counter("jobs_total", "Jobs done.")?;
//! let server = Server::bind(&["127.0.0.1:0".parse()?], Limits::default())?;
//! let server = server.spawn(Exporter::new(registry))?;
//! jobs.inc();
//! # server.stop(std::time::Duration::ZERO)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Who has an HTTP server already renders one scrape at a time with an [`Encoder`]: the request's
//! `Accept` and `Accept-Encoding` go in, the fields and the body of the answer come out, in one
//! piece or in several:
//!
//! ```
//! use promlet::{Encoder, Registry};
//!
//! let registry = Registry::new();
//! registry.counter("jobs_total", "Jobs done.")?.inc();
//! let mut encoder = Encoder::new(registry);
//!
//! let mut exposition = encoder.scrape(Some(b"text/plain;version=0.0.4"), Some(b"gzip"));
//! let mut head = format!("Content-Type: {}\r\n", exposition.content_type());
//! if let Some(coding) = exposition.content_coding() {
//!     head += &format!("Content-Encoding: {coding}\r\n");
//! }
//! let mut body = Vec::new();
//! exposition.write_all(&mut body);
//! # assert!(!body.is_empty());
//! # Ok::<(), promlet::RegisterError>(())
//! ```
//!
//! # The map
//!
//! ```text
//! application code ── inc/set/observe ──> metric: cells (atomics, in families of series)
//! collector (/proc, /sys, children) ────> the same cells, written at the scrape
//!                                            │  registry: which families there are
//! exporter: negotiate ─ collect ─ render ────┘  encoding, gzip: pages laid out once
//!                                  └──────────> http: one thread, non-blocking sockets
//! ```
//!
//! [`metric`] has the instruments, and says what a scrape may see of an update in flight.
//! [`model`] has the rules for names and labels, [`registry`] the families in their order, and
//! [`encoding`] turns both into bytes, with [`gzip`] for what is sent compressed. [`http`] is a
//! server that knows nothing of metrics. [`exporter`] puts these together.
//!
//! [`textparse`] reads what the text format wrote.
//!
//! The rest is there for the binary, and may be used as well: [`collector`] reads the node under
//! node_exporter's names, [`supervisor`] runs applications as PID 1 should, [`config`] reads the
//! command line and the configuration file, [`regex`] matches the expressions in it, [`log`] writes events, and [`sys`] has all
//! system calls.

pub mod collector;
pub mod config;
pub mod encoding;
pub mod exporter;
pub mod gzip;
pub mod http;
pub mod log;
pub mod metric;
pub mod model;
pub mod regex;
pub mod registry;
pub mod supervisor;
pub mod sys;
pub mod textparse;

pub use encoding::{Encoder, Exposition, Format};
pub use exporter::Exporter;
pub use http::{Limits, ListenAddress, Server, ServerHandle};
pub use metric::{
    BoundsError, Buckets, Counter, Dynamic, Exemplar, ExemplarError, Family, FloatCounter, Gauge,
    Histogram, Info, Instrument, IntGauge, LabelSchema, LabelValue, Labels, NativeBuckets,
    SeriesLimit, ShardedCounter, StateSet, States, StatesError, TimedCounter, TimedGauge, Timer,
};
pub use model::Kind;
pub use registry::{Collect, FamilyBuilder, Group, RegisterError, Registry, Scrape, Selection};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
