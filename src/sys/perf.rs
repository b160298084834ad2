//! Counters of events in the kernel and the CPU: `perf_event_open(2)`.

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};

/// Who defines what an event is: `enum perf_type_id` of linux/perf_event.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The CPU, by names that all CPUs share.
    Hardware = 0,
    /// The kernel.
    Software = 1,
    /// A tracepoint of the kernel.
    Tracepoint = 2,
    /// The caches of the CPU.
    Cache = 3,
}

/// The first version of `struct perf_event_attr`, which every kernel takes.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    bytes: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint_type: u32,
    breakpoint_address: u64,
}

/// Bits of `flags`: children of what is counted are counted too, and the hypervisor is not.
const INHERIT: u64 = 1 << 1;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;

/// `PERF_FLAG_FD_CLOEXEC`.
const CLOSE_ON_EXEC: libc::c_ulong = 1 << 3;

/// A counter that runs from its opening on.
pub struct Event {
    file: File,
}

impl Event {
    /// Counts the event `config` of `source` on a CPU, whoever runs there.
    ///
    /// # Errors
    /// `ENOENT` and `EOPNOTSUPP` where there is no such event, `ENODEV` where the CPU is not there,
    /// `EACCES` and `EPERM` where the caller lacks `CAP_PERFMON` and `perf_event_paranoid` asks for
    /// it.
    pub fn open(source: Source, config: u64, cpu: u32) -> io::Result<Event> {
        // Tracepoints of all processes cannot be inherited by some of them.
        let inherit = if source == Source::Tracepoint { 0 } else { INHERIT };
        let attributes = Attributes {
            kind: source as u32,
            bytes: size_of::<Attributes>() as u32,
            config,
            flags: EXCLUDE_HYPERVISOR | inherit,
            ..Attributes::default()
        };
        let (everyone, no_group) = (-1 as libc::pid_t, -1 as libc::c_int);
        // SAFETY: `attributes` is a perf_event_attr of the length that it says, which the kernel
        // reads; the other arguments are numbers.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                everyone,
                cpu as libc::c_int,
                no_group,
                CLOSE_ON_EXEC,
            )
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a descriptor that the kernel just made for us; nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) };
        Ok(Event { file: fd.into() })
    }

    /// How often it happened since it was opened. Where there are more events than the CPU has
    /// counters they take turns, and nothing is made up for the time that others had.
    ///
    /// # Errors
    /// Those of `read(2)`; the end of the file where the counter could not run.
    pub fn count(&self) -> io::Result<u64> {
        let mut count = [0; 8];
        (&self.file).read_exact(&mut count)?;
        Ok(u64::from_ne_bytes(count))
    }
}

/// How many CPUs this thread may run on.
///
/// # Errors
/// Those of `sched_getaffinity(2)`: there are more CPUs than the C library has bits for, 1,024.
pub fn cpus_allowed() -> io::Result<u32> {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: the pointer is good for writes of the length that is said.
    let failed =
        unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the structure is integers, zeroed and then filled in.
    let set = unsafe { set.assume_init() };
    // SAFETY: the call only reads the bits of a set that is whole.
    Ok(unsafe { libc::CPU_COUNT(&set) } as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PERF_COUNT_SW_CONTEXT_SWITCHES`.
    const CONTEXT_SWITCHES: u64 = 3;

    #[test]
    fn a_count_never_goes_back() {
        let event = match Event::open(Source::Software, CONTEXT_SWITCHES, 0) {
            Ok(event) => event,
            Err(error) => {
                let kind = error.kind();
                assert!(matches!(kind, io::ErrorKind::PermissionDenied), "{error}");
                return;
            }
        };
        let first = event.count().unwrap();
        for _ in 0..100 {
            std::thread::yield_now();
        }
        assert!(event.count().unwrap() >= first);
    }

    #[test]
    fn what_is_no_event_or_no_cpu_is_an_error() {
        assert!(Event::open(Source::Software, u64::MAX, 0).is_err());
        assert!(Event::open(Source::Software, CONTEXT_SWITCHES, 1 << 20).is_err());
    }

    #[test]
    fn some_cpu_runs_this() {
        assert!(cpus_allowed().unwrap() >= 1);
    }
}
