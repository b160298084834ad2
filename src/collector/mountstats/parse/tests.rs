//! A mount of each kind, and mounts that are not as they should be.

use super::*;
use crate::collector::error::CollectError;

const HEAD: &str = "device server:/a mounted on /mnt with fstype nfs4 statvers=1.1\n";

fn first(content: &str) -> Result<Export<'_>, CollectError> {
    Exports::new(content.as_bytes()).next().expect("there is a mount of NFS")
}

#[test]
fn only_mounts_with_statistics_are_of_nfs() {
    let content = format!(
        "no device mounted on /x with fstype x\ndevice / mounted on / with fstype ext4\n{HEAD}\
         \tage:\t5\n\ndevice proc mounted on /proc with fstype proc\n"
    );
    let exports: Result<Vec<_>, _> = Exports::new(content.as_bytes()).collect();
    let exports = exports.unwrap();
    let [export] = &exports[..] else { panic!("{} mounts", exports.len()) };
    assert_eq!((export.index, &*export.name, &*export.mount_point), (1, "server:/a", "/mnt"));
    assert_eq!(export.values().unwrap()[..2], [Some(5.0), None]);
    assert!(export.transports().next().is_none() && export.operations().next().is_none());
}

#[test]
fn transports_have_the_numbers_of_their_protocol() {
    const CASES: &[(&str, &str, [u64; TRANSPORT_VALUES])] = &[
        ("1.0", "tcp 1 2 3 4 5 6 7 8 9 10", [2, 3, 5, 6, 7, 8, 10, 0, 0, 0]),
        ("1.0", "udp 1 2 3 4 5 6 7", [2, 0, 0, 3, 4, 5, 7, 0, 0, 0]),
        ("1.1", "tcp 1 2 3 4 5 6 7 8 9 10 11 12 13", [2, 3, 5, 6, 7, 8, 10, 11, 12, 13]),
        ("1.1", "udp 1 2 3 4 5 6 7 8 9 10", [2, 0, 0, 3, 4, 5, 7, 8, 9, 10]),
        ("1.1", "rdma 1 2 3 4 5 6 7 8 9 10 11 12", [2, 3, 5, 6, 7, 8, 10, 0, 0, 0]),
        (
            "1.1",
            "tcp 1 2 3 4 18446744073709551615 6 7 8 9 10 11 12 13",
            [2, 3, (1 << 53) - 1, 6, 7, 8, 10, 11, 12, 13],
        ),
    ];
    for (version, line, expected) in CASES {
        let content = format!("{}\txprt:\t{line}\n", HEAD.replace("1.1", version));
        let export = first(&content).unwrap();
        let transport = export.transports().next().unwrap().unwrap();
        assert_eq!(transport.values, expected.map(|number| number as f64), "{version} {line}");
    }
}

#[test]
fn operations_end_at_an_empty_line() {
    let content = format!(
        "{HEAD}\txprt:\tudp 0 0 0 0 0 0 0 0 0 0\n\tper-op statistics\n\t  READ: 1 2 3 4 5 6000 7 8 9\n\
         \t X: 1 1 1 1 1 1 1 1\n\n\tY: 1 1 1 1 1 1 1 1\n"
    );
    let export = first(&content).unwrap();
    let operations: Vec<_> = export.operations().map(Result::unwrap).collect();
    assert_eq!(operations.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["READ", "X"]);
    assert_eq!(operations[0].1, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.007, 0.008]);
}

/// All that there is to be read.
fn all(content: &[u8]) -> Result<usize, CollectError> {
    let mut count = 0;
    for export in Exports::new(content) {
        let export = export?;
        count += export.values()?.into_iter().flatten().count();
        for transport in export.transports() {
            count += transport?.values.len();
        }
        for operation in export.operations() {
            count += operation?.1.len();
        }
    }
    Ok(count)
}

proptest::proptest! {
    /// Whatever stands there gets an answer, and what was cut shows no more than the whole.
    #[test]
    fn any_content_gets_an_answer(
        cut in 0_usize..4_000,
        at in 0_usize..4_000,
        word in proptest::sample::select(&["", "-1", "x", "device", "\n", "\t", "1.5", "\0", "99"][..]),
    ) {
        let whole = include_bytes!("../../../../tests/fixtures/replicas/proc/4242/mountstats");
        let cut = &whole[..cut.min(whole.len())];
        if let Ok(count) = all(cut) {
            proptest::prop_assert!(count <= all(whole).unwrap());
        }
        let (before, after) = whole.split_at(at.min(whole.len()));
        let _is_no_panic = all(&[before, word.as_bytes(), after].concat());
    }
}

#[test]
fn says_what_is_wrong() {
    const CASES: &[(&str, &str)] = &[
        ("age: x", "mountstats:2: expected an age, found x"),
        ("bytes: 1 2 3", "mountstats:2: expected a count, found end of line"),
        ("bytes: 1 2 3 4 5 6 7 8 9", "mountstats:2: expected the end of the line, found 9"),
        ("xprt: local 1 2", "mountstats:2: expected tcp, udp or rdma, found local"),
        ("xprt: tcp 1 2", "mountstats:2: expected a count, found end of line"),
        ("per-op statistics\nREAD: 1", "mountstats:3: expected a count, found end of line"),
    ];
    for (line, expected) in CASES {
        let error = all(format!("{HEAD}{line}\n").as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), *expected);
    }
    let error = first("device a mounted in /b with fstype nfs statvers=1.1\n").err().unwrap();
    assert_eq!(error.to_string(), "mountstats:1: expected on, found in");
}

#[test]
fn the_address_is_an_option_of_the_file_system() {
    const CASES: &[(&str, Option<&str>)] = &[
        ("36 2 0:50 / /mnt rw shared:1 - nfs4 s:/a rw,addr=10.0.0.2,vers=4.2", Some("10.0.0.2")),
        ("36 2 0:50 / /mnt rw - nfs4 s:/a rw,clientaddr=10.0.0.1,addr=fe80::1", Some("fe80::1")),
        ("36 2 8:1 / / rw - ext4 /dev/sda1 rw", None),
        ("36 2 8:1 / / rw,addr=1", None),
    ];
    for (content, expected) in CASES {
        let content = format!("{content}\n");
        let line = Lines::new("mountinfo", content.as_bytes()).next().unwrap();
        assert_eq!(server_address(line).as_deref(), *expected, "{content}");
    }
}
