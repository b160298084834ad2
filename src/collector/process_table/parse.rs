//! The files of a process: proc_pid_stat(5), proc_pid_status(5), proc_pid_statm(5), proc_pid_io(5),
//! proc_pid_limits(5), proc_pid_smaps(5), and `schedstat` (Documentation/scheduler/sched-stats.rst).

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines, parse_number};

/// What collectors use of a process' stat file. Times are in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessStat<'a> {
    /// The name, at most 15 bytes, which the process can change.
    pub(crate) name: &'a [u8],
    pub(crate) state: u8,
    pub(crate) parent: u32,
    pub(crate) process_group: i32,
    pub(crate) session: i32,
    pub(crate) own: Faults,
    /// Of the children that it has waited for, and of those that they had.
    pub(crate) waited: Faults,
    pub(crate) threads: u64,
    /// Since the host booted.
    pub(crate) start_ticks: u64,
    pub(crate) virtual_bytes: u64,
    pub(crate) resident_pages: u64,
}

/// What a stat file has of a process itself and of its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) user_ticks: u64,
    pub(crate) system_ticks: u64,
    pub(crate) minor_faults: u64,
    pub(crate) major_faults: u64,
}

/// Reads the stat file of a process. Its second field, the name in brackets, can contain anything,
/// so the fields are counted from its last closing bracket.
pub(crate) fn parse_stat(content: &[u8]) -> Result<ProcessStat<'_>, CollectError> {
    // The name can contain line ends too, so lines are counted from behind it.
    let start = content.iter().position(|byte| *byte == b'(');
    let end = content.iter().rposition(|byte| *byte == b')');
    let (Some(start), Some(end)) = (start, end) else {
        return Err(CollectError::malformed("stat", 1, "a name in brackets", Some(b"end of file")));
    };
    let mut lines = Lines::new("stat", &content[end + 1..]);
    let mut line = lines.next().ok_or_else(|| lines.missing("the fields of a process"))?;
    let state = line.word().ok_or_else(|| line.malformed("a state", None))?[0];
    let (parent, process_group, session) =
        (line.number("a parent")?, line.number("a process group")?, line.number("a session")?);
    skip(&mut line, 3)?;
    let mut number = |expected| line.number::<u64>(expected);
    let (minor, waited_minor) = (number("faults")?, number("faults")?);
    let (major, waited_major) = (number("faults")?, number("faults")?);
    let (user, system) = (number("ticks")?, number("ticks")?);
    let (waited_user, waited_system) = (number("ticks")?, number("ticks")?);
    skip(&mut line, 2)?;
    let threads = line.number("a number of threads")?;
    skip(&mut line, 1)?;
    let faults = |user_ticks, system_ticks, minor_faults, major_faults| Faults {
        user_ticks,
        system_ticks,
        minor_faults,
        major_faults,
    };
    Ok(ProcessStat {
        name: content.get(start + 1..end).unwrap_or_default(),
        state,
        parent,
        process_group,
        session,
        own: faults(user, system, minor, major),
        waited: faults(waited_user, waited_system, waited_minor, waited_major),
        threads,
        start_ticks: line.number("ticks")?,
        virtual_bytes: line.number("bytes")?,
        resident_pages: line.number("pages")?,
    })
}

fn skip(line: &mut Line<'_>, fields: usize) -> Result<(), CollectError> {
    (0..fields).try_for_each(|_| {
        line.word().map(|_| ()).ok_or_else(|| line.malformed("another field", None))
    })
}

/// How far the first thread of a process has come. While this stays the same, it has not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) run_nanos: u64,
    /// How often it was given a CPU; 0 where the kernel does not count.
    pub(crate) slices: u64,
}

/// Reads a schedstat file.
pub(crate) fn parse_schedstat(content: &[u8]) -> Result<Schedule, CollectError> {
    let mut lines = Lines::new("schedstat", content);
    let mut line = lines.next().ok_or_else(|| lines.missing("three numbers"))?;
    let run_nanos = line.number("nanoseconds")?;
    skip(&mut line, 1)?;
    Ok(Schedule { run_nanos, slices: line.number("a number of slices")? })
}

/// The resident pages in a statm file.
pub(crate) fn parse_resident_pages(content: &[u8]) -> Result<u64, CollectError> {
    let mut lines = Lines::new("statm", content);
    let mut line = lines.next().ok_or_else(|| lines.missing("pages"))?;
    skip(&mut line, 1)?;
    line.number("pages")
}

/// What is used of a status file. What a kernel does not have there, or does not have of a zombie,
/// is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) effective_user: Option<u32>,
    pub(crate) swapped_kib: Option<u64>,
    pub(crate) voluntary_switches: Option<u64>,
    pub(crate) involuntary_switches: Option<u64>,
}

/// Reads a status file.
pub(crate) fn parse_status(content: &[u8]) -> Result<Status, CollectError> {
    let mut status = Status::default();
    for mut line in Lines::new("status", content) {
        match line.word() {
            Some(b"Uid:") => {
                skip(&mut line, 1)?;
                status.effective_user = Some(line.number("a user")?);
            }
            Some(b"VmSwap:") => status.swapped_kib = Some(line.number("kB")?),
            Some(b"voluntary_ctxt_switches:") => {
                status.voluntary_switches = Some(line.number("switches")?);
            }
            Some(b"nonvoluntary_ctxt_switches:") => {
                status.involuntary_switches = Some(line.number("switches")?);
            }
            _ => {}
        }
    }
    Ok(status)
}

/// The bytes read from storage and written to it in an io file.
pub(crate) fn parse_io(content: &[u8]) -> Result<(u64, u64), CollectError> {
    let (mut read, mut written) = (None, None);
    let mut lines = Lines::new("io", content);
    for mut line in lines.by_ref() {
        match line.word() {
            Some(b"read_bytes:") => read = Some(line.number("bytes")?),
            Some(b"write_bytes:") => written = Some(line.number("bytes")?),
            _ => {}
        }
    }
    read.zip(written).ok_or_else(|| lines.missing("read_bytes and write_bytes"))
}

/// A process' part of the memory that it shares with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proportional {
    pub(crate) resident_bytes: u64,
    pub(crate) swapped_bytes: u64,
}

/// Reads a smaps_rollup file; `None` for what has no memory.
pub(crate) fn parse_smaps(content: &[u8]) -> Result<Option<Proportional>, CollectError> {
    let (mut resident, mut swapped) = (None, 0_u64);
    for mut line in Lines::new("smaps_rollup", content) {
        match line.word() {
            Some(b"Pss:") => resident = Some(line.number::<u64>("kB")?),
            Some(b"SwapPss:") => swapped = line.number("kB")?,
            _ => {}
        }
    }
    let bytes = |kib: u64| kib.saturating_mul(1024);
    Ok(resident.map(|resident| Proportional {
        resident_bytes: bytes(resident),
        swapped_bytes: bytes(swapped),
    }))
}

/// The soft limit of descriptors in a limits file; `None` where there is no limit.
pub(crate) fn parse_descriptors_max(content: &[u8]) -> Result<Option<u64>, CollectError> {
    let mut lines = Lines::new("limits", content);
    let mut row = lines.by_ref().filter(|line| line.clone().word() == Some(b"Max"));
    let row = row.find_map(|mut line| {
        let is_it = line.nth_word(1) == Some(b"open") && line.word() == Some(b"files");
        is_it.then_some(line)
    });
    let mut row = row.ok_or_else(|| lines.missing("Max open files"))?;
    match row.word() {
        Some(b"unlimited") => Ok(None),
        word => word.and_then(parse_number).map(Some).ok_or_else(|| row.malformed("a limit", word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAT: &str =
        "1 (a) b)\n(c) S 7 8 9 0 -1 4194560 1 2 3 4 50 25 6 7 20 0 3 0 1234 4096 9 1\n";

    #[test]
    fn reads_behind_a_name_that_imitates_the_fields() {
        let faults = |user_ticks, system_ticks, minor_faults, major_faults| Faults {
            user_ticks,
            system_ticks,
            minor_faults,
            major_faults,
        };
        let expected = ProcessStat {
            name: b"a) b)\n(c",
            state: b'S',
            parent: 7,
            process_group: 8,
            session: 9,
            own: faults(50, 25, 1, 3),
            waited: faults(6, 7, 2, 4),
            threads: 3,
            start_ticks: 1234,
            virtual_bytes: 4096,
            resident_pages: 9,
        };
        assert_eq!(parse_stat(STAT.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_file_that_lacks_a_field_is_an_error_wherever_it_is_cut() {
        let last = STAT.rfind("9 1\n").unwrap();
        for length in 0..last {
            let error = parse_stat(&STAT.as_bytes()[..length]).unwrap_err().to_string();
            assert!(error.starts_with("stat:"), "{length}: {error}");
        }
    }

    #[test]
    fn the_small_files() {
        let schedule = Schedule { run_nanos: 827941, slices: 3 };
        assert_eq!(parse_schedstat(b"827941 2301978 3\n").unwrap(), schedule);
        assert_eq!(parse_resident_pages(b"765 383 361 5 0 123 0\n").unwrap(), 383);
        let io = b"rchar: 8\nwchar: 9\nsyscr: 1\nsyscw: 2\nread_bytes: 4096\nwrite_bytes: 8192\n\
                   cancelled_write_bytes: 0\n";
        assert_eq!(parse_io(io).unwrap(), (4096, 8192));
        let status = b"Name:\tcat\nUid:\t0\t33\t0\t0\nVmSwap:\t       4 kB\n\
                       voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t6\n";
        let expected = Status {
            effective_user: Some(33),
            swapped_kib: Some(4),
            voluntary_switches: Some(5),
            involuntary_switches: Some(6),
        };
        assert_eq!(parse_status(status).unwrap(), expected);
        assert_eq!(parse_status(b"Name:\tx\n").unwrap(), Status::default());
        let smaps = b"5581-7ffd ---p 00000000 00:00 0   [rollup]\nRss:   3456 kB\nPss:   9 kB\n\
                      Pss_Anon:   8 kB\nSwap:   7 kB\nSwapPss:   6 kB\n";
        let expected = Proportional { resident_bytes: 9 * 1024, swapped_bytes: 6 * 1024 };
        assert_eq!(parse_smaps(smaps).unwrap(), Some(expected));
        assert_eq!(parse_smaps(b"").unwrap(), None);
    }

    #[test]
    fn the_limit_of_descriptors() {
        const HEAD: &str = "Limit                     Soft Limit           Hard Limit           Units\n\
                            Max processes             24091                24091                processes\n";
        let limits = |row: &str| parse_descriptors_max(format!("{HEAD}{row}").as_bytes());
        assert_eq!(limits("Max open files  1024  4096  files\n").unwrap(), Some(1024));
        assert_eq!(limits("Max open files  unlimited  unlimited  files\n").unwrap(), None);
        let error = |row| limits(row).unwrap_err().to_string();
        assert_eq!(error("Max open files  x\n"), "limits:3: expected a limit, found x");
        assert_eq!(error(""), "limits:3: expected Max open files, found end of file");
    }

    #[test]
    fn says_what_is_wrong() {
        type Case = (fn(&[u8]) -> Option<CollectError>, &'static str, &'static str);
        const CASES: &[Case] = &[
            (
                |c| parse_schedstat(c).err(),
                "",
                "schedstat:1: expected three numbers, found end of file",
            ),
            (
                |c| parse_schedstat(c).err(),
                "1 2 x\n",
                "schedstat:1: expected a number of slices, found x",
            ),
            (
                |c| parse_resident_pages(c).err(),
                "1\n",
                "statm:1: expected pages, found end of line",
            ),
            (
                |c| parse_io(c).err(),
                "read_bytes: 1\n",
                "io:2: expected read_bytes and write_bytes, found end of file",
            ),
            (|c| parse_io(c).err(), "read_bytes: -\n", "io:1: expected bytes, found -"),
            (
                |c| parse_status(c).err(),
                "Uid:\t0\n",
                "status:1: expected a user, found end of line",
            ),
        ];
        for (parse, content, expected) in CASES {
            assert_eq!(parse(content.as_bytes()).unwrap().to_string(), *expected, "{content:?}");
        }
    }

    proptest! {
        /// Whatever a name contains, the fields are found behind it.
        #[test]
        fn any_name_is_skipped(name in prop::collection::vec(any::<u8>(), 0..16)) {
            let mut content = b"12 (".to_vec();
            content.extend_from_slice(&name);
            content.extend_from_slice(b") R 7 8 9 0 -1 0 1 2 3 4 5 6 7 8 20 0 3 0 1234 4096 9\n");
            let stat = parse_stat(&content).unwrap();
            prop_assert_eq!((stat.name, stat.state, stat.parent), (&name[..], b'R', 7));
        }

        /// No content panics.
        #[test]
        fn any_content_gets_an_answer(content in "[ -~\n\t]{0,80}") {
            let content = content.as_bytes();
            let _ = (parse_stat(content).is_ok(), parse_status(content).is_ok());
            let _ = (parse_io(content).is_ok(), parse_schedstat(content).is_ok());
            let _ = (parse_resident_pages(content).is_ok(), parse_descriptors_max(content).is_ok());
            let _ = parse_smaps(content).is_ok();
        }
    }
}
