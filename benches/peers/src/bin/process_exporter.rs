//! What does a scrape cost that accounts for hundreds of processes, beside Debian's process-exporter?
//!
//! `cargo run --release --bin process_exporter` builds promlet, starts processes that sleep and the
//! exporters, each with one group of all of them under process-exporter's names, and scrapes in
//! turns with gzip. Each runs once with threads by name and smaps, as process-exporter is unless told
//! otherwise, and once without, as promlet is. `-- --quick` is over in a few seconds. Needs the package
//! `prometheus-process-exporter`, and `strace` for the system calls.

#[path = "../exporter.rs"]
#[allow(dead_code, reason = "not every bench needs all of it")]
mod exporter;
#[path = "../../../loopback/mod.rs"]
#[allow(dead_code, reason = "not every bench needs all of it")]
mod loopback;
#[path = "../turns.rs"]
#[allow(dead_code, reason = "not every bench needs all of it")]
mod turns;

use exporter::{Exporter, built_promlet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use turns::{Effort, Samples, Table, figure};

/// How many processes sleep; of the first number process-exporter's users complain already.
const COUNTS: [usize; 3] = [27, 300, 2_000];

const PEER: &str = "prometheus-process-exporter";

fn main() -> ExitCode {
    let effort = match std::env::args().skip(1).collect::<Vec<_>>() {
        arguments if arguments.is_empty() => Effort::FULL,
        arguments if arguments == ["--quick"] => Effort::QUICK,
        _ => {
            eprintln!("process_exporter: the only argument is --quick");
            return ExitCode::from(2);
        }
    };
    let promlet = built_promlet();
    for count in COUNTS {
        let _sleepers = Sleepers::start(count);
        let mut exporters = start(&promlet);
        let latencies = effort.take_turns(exporters.len(), |index| exporters[index].time_scrape());
        let cpu = effort.take_turns(exporters.len(), |index| exporters[index].cpu_per_scrape());
        print_table(count, &mut exporters, &latencies, &cpu);
    }
    ExitCode::SUCCESS
}

fn start(promlet: &str) -> [Exporter; 4] {
    let file = Configuration::write();
    let config = format!("--config.file={}", file.0.display());
    let promlet = || {
        let mut promlet = Command::new(promlet);
        promlet.args([&config, "--watch.namedprocess", "--no-appmesh.application-metrics"]);
        promlet.args(["--collector.disable-defaults", "--web.disable-exporter-metrics"]);
        promlet
    };
    let peer = || {
        let mut peer = Command::new(PEER);
        peer.args(["-procnames", "sleep"]);
        peer
    };
    [
        Exporter::start("promlet", &mut promlet()),
        Exporter::start("with threads", promlet().args(["--watch.threads", "--watch.smaps"])),
        Exporter::start("peer without", peer().args(["-threads=false", "-gather-smaps=false"])),
        Exporter::start("peer as it is", &mut peer()),
    ]
}

type Figure = fn(&mut Exporter) -> f64;

/// What is counted of an exporter once.
const FIGURES: [(&str, Figure); 3] = [
    ("system calls", Exporter::system_calls),
    ("resident, KiB", Exporter::resident_kib),
    ("series", |exporter| exporter.series("namedprocess_namegroup_")),
];

fn print_table(
    count: usize,
    exporters: &mut [Exporter; 4],
    latencies: &[Samples],
    cpu: &[Samples],
) {
    let columns = exporters.each_ref().map(|exporter| exporter.name.to_owned());
    let mut table = Table::new(&format!("A scrape of {count} processes"), &columns);
    let cells = |samples: &[Samples]| samples.iter().map(Samples::cell).collect::<Vec<_>>();
    table.row("latency with gzip, us", &cells(latencies));
    table.row("CPU, us", &cells(cpu));
    for (name, count) in FIGURES {
        table.row(name, &exporters.each_mut().map(count).map(figure));
    }
    table.print();
}

/// Processes that sleep until this value ends.
struct Sleepers(Vec<Child>);

impl Sleepers {
    fn start(count: usize) -> Sleepers {
        let start = |_| {
            let mut command = Command::new("sleep");
            command.arg("100000").stdin(Stdio::null()).spawn().expect("there is a sleep")
        };
        Sleepers((0..count).map(start).collect())
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended already cannot be killed, which is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A configuration file of promlet, which is removed once it was read.
struct Configuration(PathBuf);

impl Configuration {
    fn write() -> Configuration {
        let name = format!("promlet-process-exporter-{}.conf", std::process::id());
        let path = Path::new(&std::env::temp_dir()).join(name);
        std::fs::write(&path, "[watch sleep]\nexecutable = sleep\n").expect("a temporary file");
        Configuration(path)
    }
}

impl Drop for Configuration {
    fn drop(&mut self) {
        // One that stays is small.
        let _ = std::fs::remove_file(&self.0);
    }
}
