//! What the release binary weighs, held at what it is.
//!
//! The design promises 2 MB for the file, which held until it had all collectors. A program that only
//! says "hello" has 1.1 MB, which are glibc's and the standard library's; with musl 0.7 MB less.
//! Of the memory, 1.9 MB are pages of the file: `.cargo/seldom.ld` puts the others apart.
//!
//! Ignored by default because the numbers are those of the release build: CI names it by
//! `PROMLET_TEST_BINARY` and runs these with `--ignored`.

mod support;

use support::process::{Promlet, binary};

const SIZE_BYTES_MAX: u64 = 3_050_000;
/// 4 MB. The kernel maps pages of the file around those that are used, and how many of them it has at
/// hand differs by 80 KiB from run to run.
const RESIDENT_KIB_MAX: u64 = 4_000_000 / 1_024;
const SCRAPES: usize = 1_000;

#[test]
#[ignore = "measures the release build"]
fn the_binary_is_not_larger_than_expected() {
    let size = std::fs::metadata(binary()).expect("the binary is there").len();
    eprintln!("size: {size} bytes");
    assert!(size < SIZE_BYTES_MAX, "{size} bytes");
}

#[test]
#[ignore = "measures the release build"]
fn its_memory_stays_after_1000_scrapes() {
    let promlet = Promlet::start(&[]);
    let mut client = promlet.client();
    for _ in 0..SCRAPES {
        let fields = [("Accept-Encoding", "gzip"), ("Accept", "text/plain;version=0.0.4")];
        let response = client.request("GET", "/metrics", &fields).expect("it answers");
        assert_eq!(response.status, 200);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", promlet.process.pid()));
    let status = status.expect("it runs");
    let resident =
        |line: &str| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok();
    let resident_kib: u64 =
        status.lines().find_map(resident).expect("proc_pid_status(5) has VmRSS");
    eprintln!("resident after {SCRAPES} scrapes: {resident_kib} KiB");
    assert!(resident_kib < RESIDENT_KIB_MAX, "{resident_kib} KiB");
}
