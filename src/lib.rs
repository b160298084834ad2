//! promlet: a Prometheus exporter and exposition library without run-time dependencies.

pub mod collector;
pub mod config;
pub mod encoding;
pub mod exporter;
pub mod gzip;
pub mod http;
pub mod log;
pub mod metric;
pub mod model;
pub mod registry;
pub mod supervisor;
pub mod sys;

pub use encoding::{Encoder, Exposition, Format};
pub use exporter::Exporter;
pub use metric::{
    BoundsError, Buckets, Counter, Dynamic, Family, FloatCounter, Gauge, Histogram, Info,
    Instrument, IntGauge, LabelSchema, LabelValue, Labels, SeriesLimit, ShardedCounter, StateSet,
    States, StatesError, Timer,
};
pub use registry::{Collect, RegisterError, Registry, Scrape};
