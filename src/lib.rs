//! promlet: a Prometheus exporter and exposition library without run-time dependencies.

pub mod collector;
pub mod config;
pub mod encoding;
pub mod http;
pub mod log;
pub mod metric;
pub mod supervisor;
pub mod sys;
