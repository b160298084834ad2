//! `nfsd`: calls of the server of NFS. Source: procfs' `net/rpc/nfsd`.

use super::rpc::{Numbers, Procedures, Rpc, Source, VERSION_2, VERSION_3, without_null};
use super::table::Metric;
use super::{Collector, Setup};
use crate::registry::RegisterError;

const PACKETS: Metric =
    Metric::counter("node_nfsd_packets_total", "Packets of the server, by protocol below it.");
const ERRORS: Metric =
    Metric::counter("node_nfsd_rpc_errors_total", "Calls that the server refused, by reason.");

const SOURCE: Source = Source {
    name: "nfsd",
    metrics: &[
        Metric::counter("node_nfsd_reply_cache_hits_total", "Calls that were repeated."),
        Metric::counter("node_nfsd_reply_cache_misses_total", "Calls that change something."),
        Metric::counter("node_nfsd_reply_cache_nocache_total", "Calls that can be repeated."),
        Metric::counter("node_nfsd_file_handles_stale_total", "Calls for files that are gone."),
        Metric::counter("node_nfsd_disk_bytes_read_total", "Bytes that the server read."),
        Metric::counter("node_nfsd_disk_bytes_written_total", "Bytes that the server wrote."),
        Metric::gauge("node_nfsd_server_threads", "Threads of the server."),
        Metric::gauge("node_nfsd_read_ahead_cache_size_blocks", "Size of the read-ahead cache."),
        Metric::counter("node_nfsd_read_ahead_cache_not_found_total", "Misses of that cache."),
        PACKETS.with_label("proto", "udp"),
        PACKETS.with_label("proto", "tcp"),
        Metric::counter("node_nfsd_connections_total", "Connections to the server over TCP."),
        Metric::counter("node_nfsd_server_rpcs_total", "Calls of the server."),
        ERRORS.with_label("error", "fmt"),
        ERRORS.with_label("error", "auth"),
        ERRORS.with_label("error", "cInt"),
    ],
    lines: &[
        Numbers { line: b"rc", columns: &[Some(0), Some(1), Some(2)] },
        Numbers { line: b"fh", columns: &[Some(3)] },
        Numbers { line: b"io", columns: &[Some(4), Some(5)] },
        Numbers { line: b"th", columns: &[Some(6)] },
        Numbers { line: b"ra", columns: &READ_AHEAD },
        Numbers { line: b"net", columns: &[None, Some(9), Some(10), Some(11)] },
        Numbers { line: b"rpc", columns: &[Some(12), None, Some(13), Some(14), Some(15)] },
    ],
    requests: Metric::counter("node_nfsd_requests_total", "Calls of the server, by procedure."),
    procedures: &[
        Procedures {
            line: b"proc2",
            proto: "2",
            names: &without_null(VERSION_2),
            count_min: Some(VERSION_2.len()),
        },
        Procedures {
            line: b"proc3",
            proto: "3",
            names: &without_null(VERSION_3),
            count_min: Some(VERSION_3.len()),
        },
        Procedures {
            line: b"proc4ops",
            proto: "4",
            names: &OPERATIONS_4,
            count_min: Some(OPERATIONS_4.len() - 1),
        },
        Procedures {
            line: b"wdeleg_getattr",
            proto: "4",
            names: &["WdelegGetattr"],
            count_min: None,
        },
    ],
};

/// The size, a histogram of ten, and the misses.
const READ_AHEAD: [Option<usize>; 12] =
    [Some(7), None, None, None, None, None, None, None, None, None, None, Some(8)];

/// The operations of version 4, by number. Older kernels lack the last.
const OPERATIONS_4: [&str; 40] = [
    "",
    "",
    "",
    "Access",
    "Close",
    "Commit",
    "Create",
    "DelegPurge",
    "DelegReturn",
    "GetAttr",
    "GetFH",
    "Link",
    "Lock",
    "Lockt",
    "Locku",
    "Lookup",
    "LookupRoot",
    "Nverify",
    "Open",
    "OpenAttr",
    "OpenConfirm",
    "OpenDgrd",
    "PutFH",
    "",
    "",
    "Read",
    "ReadDir",
    "ReadLink",
    "Remove",
    "Rename",
    "Renew",
    "RestoreFH",
    "SaveFH",
    "SecInfo",
    "SetAttr",
    "SetClientID",
    "SetClientIDConfirm",
    "Verify",
    "Write",
    "RelLockOwner",
];

/// The collector.
pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
    Rpc::create(&SOURCE, setup.roots.proc.join("net/rpc"), &setup.registry)
}
