//! `mountstats`: what clients of NFS count of each mount. Source: /proc/self/mountstats; and
//! /proc/self/mountinfo (proc_pid_mountinfo(5)), whose lines have the same order, for the address
//! of the server.
//!
//! ```text
//! device SERVER:/EXPORT mounted on /MOUNT/POINT with fstype nfs4 statvers=1.1
//!         age:    20731
//!         bytes:  8 numbers
//!         events: 27 numbers
//!         xprt:   tcp 13 numbers                      one for each connection
//!         per-op statistics
//!                 READ: 8 numbers, and perhaps more   until an empty line
//! ```

mod parse;

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::ordinals::Ordinals;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;
use parse::{Exports, server_address};

const INFO: [Metric; 1] =
    [Metric::gauge("node_mountstats_nfs_mountpoint_info", "Where it is mounted; always 1.")];

/// The age, then bytes and events in the order of the file.
const METRICS: [Metric; parse::VALUES] = [
    Metric::counter("node_mountstats_nfs_age_seconds_total", "Time since it was mounted."),
    Metric::counter("node_mountstats_nfs_read_bytes_total", "Bytes read by read(2)."),
    Metric::counter("node_mountstats_nfs_write_bytes_total", "Bytes written by write(2)."),
    Metric::counter(
        "node_mountstats_nfs_direct_read_bytes_total",
        "Bytes read by read(2) past the cache (O_DIRECT).",
    ),
    Metric::counter(
        "node_mountstats_nfs_direct_write_bytes_total",
        "Bytes written by write(2) past the cache (O_DIRECT).",
    ),
    Metric::counter(
        "node_mountstats_nfs_total_read_bytes_total",
        "Bytes read from the server, for whatever reason.",
    ),
    Metric::counter(
        "node_mountstats_nfs_total_write_bytes_total",
        "Bytes written to the server, for whatever reason.",
    ),
    Metric::counter(
        "node_mountstats_nfs_read_pages_total",
        "Pages read into files that are mapped.",
    ),
    Metric::counter(
        "node_mountstats_nfs_write_pages_total",
        "Pages written from files that are mapped.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_inode_revalidate_total",
        "Times that cached attributes of files were checked with the server.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_dnode_revalidate_total",
        "Times that cached names of files were checked with the server.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_data_invalidate_total",
        "Times that cached contents of a file were given up.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_attribute_invalidate_total",
        "Times that cached attributes of a file were given up.",
    ),
    Metric::counter("node_mountstats_nfs_event_vfs_open_total", "Files and folders opened."),
    Metric::counter("node_mountstats_nfs_event_vfs_lookup_total", "Names looked up in folders."),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_access_total",
        "Times that permissions were checked.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_update_page_total",
        "Pages updated, which may mean that they are written.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_read_page_total",
        "Times that a single page was read.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_read_pages_total",
        "Times that a group of pages was read.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_write_page_total",
        "Times that a single page was written.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_write_pages_total",
        "Times that a group of pages was written.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_getdents_total",
        "Times that entries of a folder were read.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_setattr_total",
        "Times that attributes of a file were set.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_flush_total",
        "Times that pending writes were sent to the server, as at a close.",
    ),
    Metric::counter("node_mountstats_nfs_event_vfs_fsync_total", "Times that fsync(2) was called."),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_lock_total",
        "Times that a lock on a file was asked for.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_vfs_file_release_total",
        "Files closed and released.",
    ),
    Metric::counter("node_mountstats_nfs_event_truncation_total", "Files made shorter."),
    Metric::counter(
        "node_mountstats_nfs_event_write_extension_total",
        "Files made longer by a write behind their end.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_silly_rename_total",
        "Files removed while they were open, which are renamed until they are closed.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_short_read_total",
        "Reads that the server answered with less than was asked for.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_short_write_total",
        "Writes of which the server took less than it was sent.",
    ),
    Metric::counter(
        "node_mountstats_nfs_event_jukebox_delay_total",
        "Times that the server asked for patience, as while it fetches a tape.",
    ),
    Metric::counter("node_mountstats_nfs_event_pnfs_read_total", "Reads over pNFS."),
    Metric::counter("node_mountstats_nfs_event_pnfs_write_total", "Writes over pNFS."),
];

/// In the order of the file.
const TRANSPORT: [Metric; parse::TRANSPORT_VALUES] = [
    Metric::counter(
        "node_mountstats_nfs_transport_bind_total",
        "Times that a socket was bound to a port for the mount.",
    ),
    Metric::counter(
        "node_mountstats_nfs_transport_connect_total",
        "Times that a TCP connection to the server was made.",
    ),
    Metric::gauge(
        "node_mountstats_nfs_transport_idle_time_seconds",
        "Time since the transport was last used.",
    ),
    Metric::counter("node_mountstats_nfs_transport_sends_total", "Requests sent."),
    Metric::counter("node_mountstats_nfs_transport_receives_total", "Responses received."),
    Metric::counter(
        "node_mountstats_nfs_transport_bad_transaction_ids_total",
        "Responses to requests that nobody had sent.",
    ),
    Metric::counter(
        "node_mountstats_nfs_transport_backlog_queue_total",
        "Length of the backlog queue, summed up at each request.",
    ),
    Metric::gauge(
        "node_mountstats_nfs_transport_maximum_rpc_slots",
        "Most requests that were ever under way at once.",
    ),
    Metric::counter(
        "node_mountstats_nfs_transport_sending_queue_total",
        "Length of the sending queue, summed up at each request.",
    ),
    Metric::counter(
        "node_mountstats_nfs_transport_pending_queue_total",
        "Length of the pending queue, summed up at each request.",
    ),
];

/// In the order of the file.
const OPERATIONS: [Metric; parse::OPERATION_VALUES] = [
    Metric::counter("node_mountstats_nfs_operations_requests_total", "Requests for an operation."),
    Metric::counter(
        "node_mountstats_nfs_operations_transmissions_total",
        "Times that requests were sent, repetitions among them.",
    ),
    Metric::counter(
        "node_mountstats_nfs_operations_major_timeouts_total",
        "Requests that had a major timeout.",
    ),
    Metric::counter(
        "node_mountstats_nfs_operations_sent_bytes_total",
        "Bytes sent for an operation, heads of RPC included.",
    ),
    Metric::counter(
        "node_mountstats_nfs_operations_received_bytes_total",
        "Bytes received for an operation, heads of RPC included.",
    ),
    Metric::counter(
        "node_mountstats_nfs_operations_queue_time_seconds_total",
        "Time that requests waited to be sent.",
    ),
    Metric::counter(
        "node_mountstats_nfs_operations_response_time_seconds_total",
        "Time from the sending of requests to their responses.",
    ),
    Metric::counter(
        "node_mountstats_nfs_operations_request_time_seconds_total",
        "Time from the making of requests to the end of their handling.",
    ),
];

pub(super) struct MountStats {
    file: KeptFile,
    mounts_file: KeptFile,
    mounts_buffer: Vec<u8>,
    info: Table,
    table: Table,
    transports: Table,
    operations: Table,
    numbers: Ordinals,
}

impl MountStats {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let registry = &setup.registry;
        let own = setup.roots.proc.join("self");
        let table = |last: Option<&'static str>, metrics| {
            let labels = ["export", "protocol", "mountaddr"].into_iter().chain(last);
            Table::register(registry, &labels.collect::<Vec<_>>(), metrics)
        };
        Ok(Box::new(MountStats {
            file: KeptFile::of_many_records(own.join("mountstats")),
            mounts_file: KeptFile::of_many_records(own.join("mountinfo")),
            mounts_buffer: Vec::new(),
            info: table(Some("mountpoint"), &INFO)?,
            table: table(None, &METRICS)?,
            transports: table(Some("transport"), &TRANSPORT)?,
            operations: table(Some("operation"), &OPERATIONS)?,
            numbers: Ordinals::default(),
        }))
    }
}

impl Collector for MountStats {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut info, mut table) = (self.info.sweep(), self.table.sweep());
        let (mut transports, mut operations) = (self.transports.sweep(), self.operations.sweep());
        let mounts = self.mounts_file.read(&mut self.mounts_buffer)?;
        let mut mounts = Lines::new("mountinfo", mounts).enumerate();
        for export in Exports::new(files.read(&mut self.file)?) {
            let export = export?;
            let mount = mounts.find(|(index, _)| *index == export.index);
            let address = mount.and_then(|(_, line)| server_address(line)).unwrap_or_default();
            for transport in export.transports() {
                let labels = [&*export.name, transport?.protocol, &address];
                info.row(&[labels[0], labels[1], labels[2], &export.mount_point]).set(0, Some(1.0));
                // An export that is mounted twice has the same numbers in both places.
                let mut row = table.row(&labels);
                if !row.is_first_visit() {
                    break;
                }
                row.set_all(&export.values()?);
                for (number, transport) in export.transports().enumerate() {
                    let row = &[labels[0], labels[1], labels[2], self.numbers.text(number)];
                    transports.row(row).set_all(&transport?.values.map(Some));
                }
                for operation in export.operations() {
                    let (name, values) = operation?;
                    let row = &[labels[0], labels[1], labels[2], &*name];
                    operations.row(row).set_all(&values.map(Some));
                }
            }
        }
        Ok(())
    }
}
