//! What was typed, or stands in the table as the default; one field an option, nothing decided.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{AppMesh, Paths};
use crate::collector::Flags;
use crate::log;

#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) once: bool,
    pub(super) listen_addresses: Vec<String>,
    pub(super) systemd_socket: bool,
    pub(super) web_config_file: Option<PathBuf>,
    pub(super) telemetry_path: String,
    pub(super) max_requests: usize,
    pub(super) max_connections: usize,
    pub(super) disable_exporter_metrics: bool,
    pub(super) log_level: log::Level,
    pub(super) log_format: log::Format,
    pub(super) config_file: Option<PathBuf>,
    pub(super) config_check: bool,
    pub(super) namedprocess: bool,
    pub(super) threads: bool,
    pub(super) smaps: bool,
    pub(super) app_name: Option<String>,
    pub(super) app_stop_timeout: Duration,
    pub(super) app_stay: bool,
    pub(super) appmesh: AppMesh,
    pub(super) disable_default_collectors: bool,
    /// The collectors that were named, and whether to be turned on.
    pub(super) collectors: Vec<(&'static str, bool)>,
    pub(super) collector_flags: Flags,
    pub(super) paths: Paths,
    /// What stands after `--`; empty if there is none.
    pub(super) command: Vec<OsString>,
}
