//! What the exporter counts and measures of itself.

use crate::http::Method;
use crate::metric::{Buckets, Counter, Dynamic, Family, Histogram};
use crate::registry::{RegisterError, Registry};

/// The methods that App Mesh's exporter shows, in its order. Others make no series: a method is
/// whatever a client sends.
const METHODS: [(Method, &str); 4] = [
    (Method::Post, "POST"),
    (Method::Delete, "DELETE"),
    (Method::Put, "PUT"),
    (Method::Get, "GET"),
];

/// Counts of scrapes and of other requests, under App Mesh's names. By default none.
#[derive(Clone, Default)]
pub struct RequestCounters {
    scrapes: Option<Counter>,
    /// In the order of [`METHODS`].
    requests: Option<[Counter; METHODS.len()]>,
}

impl RequestCounters {
    /// Counts scrapes, the present one included, as `appmesh_prom_scrape_count`.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn with_scrape_count(mut self, registry: &Registry) -> Result<Self, RegisterError> {
        self.scrapes =
            Some(registry.counter("appmesh_prom_scrape_count", "prometheus scrape count")?);
        Ok(self)
    }

    /// Counts the other requests by method as `appmesh_http_request_count`, from 0 on for each of
    /// the four methods.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn with_request_count(mut self, registry: &Registry) -> Result<Self, RegisterError> {
        let family: Family<Dynamic, Counter> = registry
            .family_builder("appmesh_http_request_count", "app mesh http request count")
            .register_dynamic(&["method"], ())?;
        self.requests = Some(METHODS.map(|(_, name)| family.get_or_create(&[name])));
        Ok(self)
    }

    /// Counts a scrape. An exporter does so by itself.
    pub fn count_scrape(&self) {
        if let Some(scrapes) = &self.scrapes {
            scrapes.inc();
        }
    }

    pub(super) fn count_request(&self, method: Method) {
        let row = METHODS.iter().position(|(known, _)| *known == method);
        if let (Some(requests), Some(row)) = (&self.requests, row) {
            requests[row].inc();
        }
    }
}

/// Registers `appmesh_prom_scrape_up`, which is 1 wherever it can be read.
///
/// # Errors
/// When the name is taken.
pub fn register_scrape_up(registry: &Registry) -> Result<(), RegisterError> {
    registry.gauge("appmesh_prom_scrape_up", "prometheus scrape alive")?.set(1.0);
    Ok(())
}

/// Registers `promlet_build_info`, whose labels say what runs.
///
/// # Errors
/// When the name is taken.
pub fn register_build_info(
    registry: &Registry,
    version: &str,
    revision: &str,
) -> Result<(), RegisterError> {
    registry.info(
        "promlet_build_info",
        "Always 1; the labels say which build this is.",
        [("arch", std::env::consts::ARCH), ("revision", revision), ("version", version)],
    )
}

/// Histograms of how long each phase of a scrape takes. What the present scrape took is seen by the
/// next one.
#[derive(Clone)]
pub struct ScrapePhases {
    /// Reading what collectors read.
    pub(super) collect: Histogram,
    /// Formatting numbers and copying lines.
    pub(super) render: Histogram,
    /// From the first write to the last, rendering apart: also the network and the peer.
    pub(super) write: Histogram,
}

impl ScrapePhases {
    /// Registers `promlet_scrape_phase_duration_seconds`.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn register(registry: &Registry) -> Result<ScrapePhases, RegisterError> {
        // Ten microseconds to one second: a render of a few pages, and a scrape about to time out.
        let buckets = Buckets::new([1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0])
            .expect("the bounds ascend");
        let family: Family<Dynamic, Histogram> = registry
            .family_builder(
                "promlet_scrape_phase_duration_seconds",
                "Time that scrapes took to collect, render and write.",
            )
            .register_dynamic(&["phase"], buckets)?;
        let phase = |name| family.get_or_create(&[name]);
        Ok(ScrapePhases {
            collect: phase("collect"),
            render: phase("render"),
            write: phase("write"),
        })
    }
}
