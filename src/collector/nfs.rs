//! `nfs`: calls of the client of NFS. Source: procfs' `net/rpc/nfs`.

use super::rpc::{Numbers, Procedures, Rpc, Source, VERSION_2, VERSION_3};
use super::table::Metric;
use super::{Collector, Setup};
use crate::registry::RegisterError;

const PACKETS: Metric =
    Metric::counter("node_nfs_packets_total", "Packets of NFS, by protocol below it.");

const SOURCE: Source = Source {
    name: "nfs",
    metrics: &[
        PACKETS.with_label("protocol", "udp"),
        PACKETS.with_label("protocol", "tcp"),
        Metric::counter("node_nfs_connections_total", "Connections of NFS over TCP."),
        Metric::counter("node_nfs_rpcs_total", "Remote procedures that were called."),
        Metric::counter("node_nfs_rpc_retransmissions_total", "Calls that were sent again."),
        Metric::counter(
            "node_nfs_rpc_authentication_refreshes_total",
            "Times that a call had to authenticate anew.",
        ),
    ],
    lines: &[
        Numbers { line: b"net", columns: &[None, Some(0), Some(1), Some(2)] },
        Numbers { line: b"rpc", columns: &[Some(3), Some(4), Some(5)] },
    ],
    requests: Metric::counter("node_nfs_requests_total", "Calls of NFS, by procedure."),
    procedures: &[
        Procedures {
            line: b"proc2",
            proto: "2",
            names: &VERSION_2,
            count_min: Some(VERSION_2.len()),
        },
        Procedures {
            line: b"proc3",
            proto: "3",
            names: &VERSION_3,
            count_min: Some(VERSION_3.len()),
        },
        Procedures { line: b"proc4", proto: "4", names: &VERSION_4, count_min: Some(0) },
    ],
};

/// The operations of version 4 that the client counts; older kernels have fewer.
const VERSION_4: [&str; 59] = [
    "Null",
    "Read",
    "Write",
    "Commit",
    "Open",
    "OpenConfirm",
    "OpenNoattr",
    "OpenDowngrade",
    "Close",
    "Setattr",
    "FsInfo",
    "Renew",
    "SetClientID",
    "SetClientIDConfirm",
    "Lock",
    "Lockt",
    "Locku",
    "Access",
    "Getattr",
    "Lookup",
    "LookupRoot",
    "Remove",
    "Rename",
    "Link",
    "Symlink",
    "Create",
    "Pathconf",
    "StatFs",
    "ReadLink",
    "ReadDir",
    "ServerCaps",
    "DelegReturn",
    "GetACL",
    "SetACL",
    "FsLocations",
    "ReleaseLockowner",
    "Secinfo",
    "FsidPresent",
    "ExchangeID",
    "CreateSession",
    "DestroySession",
    "Sequence",
    "GetLeaseTime",
    "ReclaimComplete",
    "GetDeviceInfo",
    "LayoutGet",
    "LayoutCommit",
    "LayoutReturn",
    "SecinfoNoName",
    "TestStateID",
    "FreeStateID",
    "GetDeviceList",
    "BindConnToSession",
    "DestroyClientID",
    "Seek",
    "Allocate",
    "DeAllocate",
    "LayoutStats",
    "Clone",
];

/// The collector.
pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
    Rpc::create(&SOURCE, setup.roots.proc.join("net/rpc"), &setup.registry)
}
