//! The libraries, one file each, used as their documentation shows.

mod fastmetrics;
mod measured;
mod metrics;
mod prometheus;
mod prometheus_client;
mod promlet;

use crate::peer::Library;

/// In the order of the tables; promlet comes first.
pub const LIBRARIES: [Library; 6] = [
    Library::new::<promlet::Workload, promlet::Few>("promlet"),
    Library::new::<prometheus::Workload, prometheus::Few>("prometheus"),
    Library::new::<prometheus_client::Workload, prometheus_client::Few>("prometheus-client"),
    Library::new::<metrics::Workload, metrics::Few>("metrics-exporter-prometheus"),
    Library::new::<measured::Workload, measured::Few>("measured"),
    Library::new::<fastmetrics::Workload, fastmetrics::Few>("fastmetrics"),
];
