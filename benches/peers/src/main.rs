//! How does promlet do beside the other libraries, on the same work, in one run?
//!
//! `cargo run --release` prints the tables as Markdown; `-- --quick` prints them in a few seconds
//! and with figures to match. All libraries expose the same series and values, which is checked
//! first; they take turns; a cell gives the median and, in brackets, where the middle half lies.

mod encode;
mod heap;
mod http;
mod libraries;
#[path = "../../loopback/mod.rs"]
mod loopback;
mod numbers;
mod peer;
mod scrape;
#[path = "../../workload/script.rs"]
mod script;
mod series;
mod turns;
mod update;

use std::fs;
use std::process::{Command, ExitCode};
use turns::Effort;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (effort, sizes): (_, &[usize]) =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => (Effort::FULL, &[1_000, 10_000, 100_000]),
            ["--quick"] => (Effort::QUICK, &[1_000, 10_000]),
            _ => {
                eprintln!("promlet-peers: the only argument is --quick");
                return ExitCode::from(2);
            }
        };
    println!("{}", machine());
    encode::identity(effort, sizes);
    encode::compressed(effort, sizes);
    scrape::tables(effort, sizes);
    update::table(effort);
    encode::memory(sizes[sizes.len() - 1]);
    numbers::table(effort);
    ExitCode::SUCCESS
}

/// What it ran on.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown CPU", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or_else(
        |_| "unknown rustc".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!("{model}, {cores} cores, Linux {}, {rustc}", kernel.trim())
}
