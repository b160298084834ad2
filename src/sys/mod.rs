//! The only `libc` calls of the crate: safe, small wrappers that return [`std::io::Result`].
//!
//! One file per subject. Nothing here knows what the rest of the crate does with it.

pub mod activation;
pub mod affinity;
mod batch;
pub mod btrfs;
pub mod clock;
pub mod constants;
pub mod directory;
pub mod epoll;
pub mod error;
pub mod ethtool;
pub mod eventfd;
pub mod file;
pub mod file_system;
pub mod heap;
pub mod host;
pub mod isolation;
pub mod limits;
pub mod memory;
pub mod netlink;
pub mod output;
pub mod perf;
pub mod process;
pub mod signal;
pub mod signalfd;
pub mod socket;
mod standard_descriptors;
pub mod time_zone;
