//! What does a scrape of this host cost beside Debian's node_exporter?
//!
//! `cargo run --release --bin node_exporter` builds promlet, starts both with what is on by
//! default, and scrapes them in turns with gzip, as Prometheus does. `-- --quick` is over in a few
//! seconds. Needs the package `prometheus-node-exporter`, and `strace` for the system calls.

#[path = "../exporter.rs"]
mod exporter;
#[path = "../../../loopback/mod.rs"]
#[allow(dead_code, reason = "not every bench needs all of it")]
mod loopback;
#[path = "../turns.rs"]
#[allow(dead_code, reason = "not every bench needs all of it")]
mod turns;

use exporter::{Exporter, built_promlet};
use std::process::{Command, ExitCode};
use turns::{Effort, Samples, Table, figure};

fn main() -> ExitCode {
    let effort = match std::env::args().skip(1).collect::<Vec<_>>() {
        arguments if arguments.is_empty() => Effort::FULL,
        arguments if arguments == ["--quick"] => Effort::QUICK,
        _ => {
            eprintln!("node_exporter: the only argument is --quick");
            return ExitCode::from(2);
        }
    };
    let mut exporters = [
        Exporter::start("promlet", Command::new(built_promlet()).arg("--log.level=info")),
        Exporter::start("node_exporter", &mut Command::new("prometheus-node-exporter")),
    ];
    let latencies = effort.take_turns(exporters.len(), |index| exporters[index].time_scrape());
    let cpu = effort.take_turns(exporters.len(), |index| exporters[index].cpu_per_scrape());
    print_table(&mut exporters, &latencies, &cpu);
    ExitCode::SUCCESS
}

type Count = fn(&mut Exporter) -> f64;

/// What is counted of an exporter once.
const COUNTS: [(&str, Count); 4] = [
    ("system calls", Exporter::system_calls),
    ("resident, KiB", Exporter::resident_kib),
    ("series of the node", |exporter| exporter.series("node_")),
    ("body with gzip, bytes", Exporter::compressed_bytes),
];

fn print_table(exporters: &mut [Exporter; 2], latencies: &[Samples], cpu: &[Samples]) {
    let columns = exporters.each_ref().map(|exporter| exporter.name.to_owned());
    let mut table =
        Table::new("A scrape of this host", &[&columns[..], &["ratio".to_owned()]].concat());
    let mut row = |name: &str, cells: [String; 2], ratio: f64| {
        table.row(name, &[&cells[..], &[format!("{ratio:.3}")]].concat());
    };
    let cells = |samples: &[Samples]| [samples[0].cell(), samples[1].cell()];
    let ratio = |values: [f64; 2]| values[0] / values[1];
    let medians = |samples: &[Samples]| [samples[0].percentile(50), samples[1].percentile(50)];
    row("latency with gzip, us", cells(latencies), ratio(medians(latencies)));
    row("CPU, us", cells(cpu), ratio(medians(cpu)));
    for (name, count) in COUNTS {
        let values = exporters.each_mut().map(count);
        row(name, values.map(figure), ratio(values));
    }
    table.print();
}
