//! What does a scrape cost that accounts for hundreds of processes, and for those that run?
//!
//! Real processes of this host that sleep, 300 and 2,000 of them, in one watched group: beside what
//! others pay at least, which is to open, read and close their stat files.

use criterion::{BenchmarkId, Criterion};
use promlet::collector::application::{self, Families, Sources};
use promlet::collector::watch::{Selectors, Template, Watch, WatchList};
use promlet::registry::Selection;
use promlet::{Registry, Scrape};
use std::hint::black_box;
use std::process::{Child, Command, Stdio};

/// What the sleeping ones are told apart by from all others: the name of their executable.
const EXECUTABLE: &str = "sleep";

/// Processes that sleep until this value ends.
struct Sleepers(Vec<Child>);

impl Sleepers {
    fn start(count: usize) -> Sleepers {
        let start = |_| {
            let mut command = Command::new(EXECUTABLE);
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

fn registry(executable: &str, families: Families) -> Registry {
    let (registry, watches) = (Registry::new(), WatchList::default());
    let executables = vec![executable.to_owned()];
    watches.set(vec![Watch {
        name: "watched".to_owned(),
        selectors: Selectors { executables, ..Selectors::default() },
        children: true,
        group: Template::fixed("watched"),
        groups_max: 1,
        users: [].into(),
    }]);
    let sources = Sources {
        visit: Box::new(|_| ()),
        find_owner: Box::new(|_| None),
        watches,
        procfs: "/proc".into(),
        sysfs: "/sys".into(),
    };
    application::register(&registry, &registry, sources, families)
        .expect("a new registry has no such names");
    registry
}

fn scrape(criterion: &mut Criterion) {
    let all = Families { namedprocess: true, ..Families::default() };
    let mut group = criterion.benchmark_group("watch/scrape");
    for count in [300, 2_000] {
        let sleepers = Sleepers::start(count);
        for (name, executable, families) in [
            ("asleep", EXECUTABLE, Families::default()),
            ("asleep-and-namedprocess", EXECUTABLE, all),
            ("none", "of-no-process", Families::default()),
        ] {
            let registry = registry(executable, families);
            // The first scrape opens what stays open.
            registry.collect(&Scrape::new(Selection::ALL));
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| registry.collect(&Scrape::new(Selection::ALL)));
            });
        }
        group.bench_function(BenchmarkId::new("first", count), |bencher| {
            bencher.iter_with_large_drop(|| {
                let registry = registry(EXECUTABLE, Families::default());
                registry.collect(&Scrape::new(Selection::ALL));
                registry
            });
        });
        let paths: Vec<String> =
            sleepers.0.iter().map(|child| format!("/proc/{}/stat", child.id())).collect();
        group.bench_function(BenchmarkId::new("open-read-close", count), |bencher| {
            bencher.iter(|| paths.iter().for_each(|path| drop(black_box(std::fs::read(path)))));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    scrape(&mut criterion);
    criterion.final_summary();
}
