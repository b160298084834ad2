//! Applications and watched groups with real processes of this machine.

use super::*;
use crate::collector::process_table::parse::parse_stat;
use crate::collector::samples::samples;
use crate::collector::scratch::Scratch;
use crate::collector::watch::{Selectors, Template};
use crate::regex::Regex;
use crate::registry::Selection;
use crate::sys::constants::clock_ticks_per_second;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

/// A shell that does what it is told, and then says so.
struct Shell(Child);

impl Shell {
    /// `mark` tells it apart from all other shells.
    fn start(mark: &str) -> Shell {
        const LOOP: &str = "while read line; do eval \"$line\"; echo done; done";
        let mut command = Command::new("sh");
        command.args(["-c", LOOP, mark]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = Shell(command.spawn().unwrap());
        // It executes what it is to execute by the time that it answers.
        shell.run(":");
        shell
    }

    /// Runs a line to its end.
    fn run(&mut self, line: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        // Nothing is read ahead: it prints nothing but this.
        BufReader::with_capacity(5, self.0.stdout.as_mut().unwrap())
            .read_line(&mut answer)
            .unwrap();
        assert_eq!(answer, "done\n", "{line}");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // One that is ended already is as good.
        let _ = self.0.wait();
    }
}

/// Takes some 100 ms of CPU time.
const BURN: &str = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";

/// What is watched here, and the page that shows it.
struct Page {
    registry: Registry,
    watches: WatchList,
    applications: Arc<Mutex<Vec<(&'static str, Status)>>>,
}

impl Page {
    fn new(families: Families) -> Page {
        let (registry, watches) = (Registry::new(), WatchList::default());
        let applications: Arc<Mutex<Vec<(&'static str, Status)>>> = Arc::default();
        let visited = Arc::clone(&applications);
        let sources = Sources {
            visit: Box::new(move |visit| {
                for (name, status) in &*visited.lock().unwrap() {
                    visit(name, *status);
                }
            }),
            find_owner: Box::new(|_| None),
            watches: watches.clone(),
            procfs: "/proc".into(),
            sysfs: "/sys".into(),
        };
        register(&registry, &registry, sources, families).unwrap();
        Page { registry, watches, applications }
    }

    fn of(watches: Vec<Watch>) -> Page {
        let page = Page::new(Families { namedprocess: true, ..Families::default() });
        page.watches.set(watches);
        page
    }

    fn scrape(&self) -> Vec<String> {
        self.registry.collect(&Scrape::new(Selection::ALL));
        samples(&self.registry)
    }

    /// The value of a series at a fresh scrape.
    fn value(&self, series: &str) -> Option<f64> {
        value(&self.scrape(), series)
    }
}

fn value(lines: &[String], series: &str) -> Option<f64> {
    let value = lines.iter().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

/// A section for what has `mark` in its arguments.
fn marked(mark: &str) -> Watch {
    let selectors =
        Selectors { command_line: Some(Regex::new(mark).unwrap()), ..Selectors::default() };
    let (name, group) = ("marked".to_owned(), Template::fixed("marked"));
    Watch { name, selectors, children: true, group, groups_max: 10, users: [].into() }
}

fn total(lines: &[String], family: &str) -> f64 {
    let of_family = lines.iter().filter(|line| line.starts_with(family));
    of_family.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[test]
fn memory_is_zero_while_an_application_does_not_run() {
    let families = Families { application: false, ..Families::default() };
    let page = Page::new(families);
    let status = Status::default();
    *page.applications.lock().unwrap() = vec![("appweb", status), ("timer", status)];
    let expected = [
        "appmesh_prom_process_memory_gauge{application=appweb} 0",
        "appmesh_prom_process_memory_gauge{application=timer} 0",
        "appmesh_prom_process_start_count{application=appweb} 0",
        "appmesh_prom_process_start_count{application=timer} 0",
    ];
    assert_eq!(page.scrape(), expected);
    let running = Status { pid: Some(std::process::id()), starts: 1, ..status };
    page.applications.lock().unwrap()[0].1 = running;
    let lines = page.scrape();
    assert_ne!(lines[0], expected[0]);
    assert_eq!(lines[1], expected[1]);
    assert_eq!(lines[2], "appmesh_prom_process_start_count{application=appweb} 1");
    page.applications.lock().unwrap().clear();
    assert_eq!(page.scrape(), [""; 0]);
}

#[test]
fn a_family_that_is_off_is_not_there() {
    let families = Families {
        start_count: true,
        memory_gauge: false,
        application: false,
        ..Families::default()
    };
    let page = Page::new(families);
    page.applications.lock().unwrap().push(("a", Status::default()));
    assert_eq!(page.scrape(), ["appmesh_prom_process_start_count{application=a} 0"]);
}

#[test]
fn an_application_is_shown_with_its_tree_at_the_first_scrape() {
    let mut shell = Shell::start("promlet-test-application");
    shell.run("sleep 60 </dev/null >/dev/null & child=$!");
    let page = Page::new(Families::default());
    let status = Status {
        pid: Some(shell.0.id()),
        starts: 3,
        restarts: 2,
        is_enabled: true,
        is_healthy: Some(false),
        last_exit: Some(137),
        dropped_lines: Some(7),
        exits: ["a", "b", "c", "d", "e", "f"].map(|reason| (reason, 1)),
        reaped: Usage { user_micros: 5_000_000, ..Usage::default() },
        ..Status::default()
    };
    page.applications.lock().unwrap().push(("shop", status));
    let lines = page.scrape();
    let value = |name: &str| value(&lines, &format!("appmesh_application_{name}"));
    let shop = |name: &str| value(&format!("{name}{{application=shop}}"));
    assert_eq!(shop("process_threads"), Some(2.0));
    assert_eq!(shop("process_id"), Some(f64::from(shell.0.id())));
    assert_eq!(shop("running"), Some(1.0));
    assert_eq!(shop("healthy"), Some(0.0));
    assert_eq!(shop("last_exit_code"), Some(137.0));
    assert_eq!(shop("restarts_total"), Some(2.0));
    assert_eq!(shop("output_dropped_lines_total"), Some(7.0));
    assert_eq!(shop("process_starts_total"), Some(3.0));
    assert_eq!(value("exits_total{application=shop,reason=f}"), Some(1.0));
    assert!(shop("process_open_fds").unwrap() >= 6.0);
    assert!(value("process_cpu_seconds_total{application=shop,mode=user}").unwrap() >= 5.0);
    assert_eq!(shop("process_cpu_usage_cores"), None);
    assert_eq!(shop("metrics_collection_errors_total"), Some(0.0));
    shell.run("kill $child; wait $child");
    assert_eq!(page.value("appmesh_application_process_threads{application=shop}"), Some(1.0));
}

#[test]
fn children_that_live_between_two_scrapes_are_counted() {
    let mut shell = Shell::start("promlet-test-short-lived");
    let page = Page::of(vec![marked("promlet-test-short-lived")]);
    let cpu = |lines: &[String]| total(lines, "appmesh_application_process_cpu_seconds_total");
    let before = cpu(&page.scrape());
    shell.run(&format!("({BURN})"));
    let lines = page.scrape();
    assert!(cpu(&lines) >= before + 0.03, "{before} {}", cpu(&lines));
    assert!(value(&lines, "namedprocess_namegroup_num_procs{groupname=marked}") == Some(1.0));
}

#[test]
fn counters_stay_when_a_process_dies() {
    let mut shell = Shell::start("promlet-test-counters");
    let page = Page::of(vec![marked("promlet-test-counters")]);
    shell.run(&format!("({BURN}; exec sleep 60 </dev/null >/dev/null) & child=$!; {BURN}"));
    let counters = |lines: Vec<String>| -> Vec<(String, f64)> {
        let is_counter = |line: &&String| line.contains("_total");
        let parse = |line: &String| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        };
        lines.iter().filter(is_counter).map(parse).collect()
    };
    let mut before = counters(page.scrape());
    assert!(before.len() > 10);
    for line in ["kill $child; wait $child", ":", "sleep 60 & kill $!", "wait", ":"] {
        shell.run(line);
        let after = counters(page.scrape());
        for (series, value) in &before {
            let now = after.iter().find(|(other, _)| other == series).unwrap().1;
            assert!(now >= *value, "{line}: {series} fell from {value} to {now}");
        }
        before = after;
    }
    drop(shell);
    let after = page.scrape();
    for (series, value) in &before {
        assert!(self::value(&after, series) >= Some(*value), "{series}");
    }
    assert_eq!(value(&after, "appmesh_application_running{application=marked}"), Some(0.0));
    assert_eq!(value(&after, "appmesh_application_process_open_fds{application=marked}"), None);
}

#[test]
fn what_sleeps_is_found_to_have_run_again() {
    let mut shell = Shell::start("promlet-test-sleeps");
    let page = Page::of(vec![marked("promlet-test-sleeps")]);
    let fds = "namedprocess_namegroup_open_filedesc{groupname=marked}";
    let before = page.value(fds).unwrap();
    assert_eq!((page.value(fds), page.value(fds)), (Some(before), Some(before)));
    for extra in 1..=3 {
        shell.run(&format!("exec {}</dev/null", extra + 3));
        assert_eq!(page.value(fds), Some(before + f64::from(extra)));
    }
}

#[test]
fn a_pid_file_may_come_late_and_change() {
    let scratch = Scratch::new("application-pid-file");
    let shells = [Shell::start("promlet-test-pid-a"), Shell::start("promlet-test-pid-b")];
    let pid_file = Some(scratch.path("pid"));
    let selectors = Selectors { pid_file, ..Selectors::default() };
    let page = Page::of(vec![Watch { selectors, ..marked("x") }]);
    let series = "appmesh_application_process_id{application=marked}";
    assert_eq!(page.value(series), None);
    for shell in &shells {
        scratch.write("pid", format!("{}\n", shell.0.id()).as_bytes());
        assert_eq!(page.value(series), Some(f64::from(shell.0.id())));
    }
    let starts = page.value("appmesh_application_process_starts_total{application=marked}");
    assert_eq!(starts, Some(2.0));
    scratch.write("pid", b"soon\n");
    assert!(page.value(series).is_some(), "it goes on");
}

#[test]
fn templates_make_groups_and_are_limited() {
    let _shells = ["a", "b", "c"].map(|name| Shell::start(&format!("promlet-test-group-{name}")));
    let mut watch = marked("promlet-test-group-([a-z])");
    let template = "${comm}:${path}:${cgroup}:${executable}-${1}";
    watch.group = Template::parse(template, watch.selectors.command_line.as_ref()).unwrap();
    watch.groups_max = 2;
    let page = Page::of(vec![watch]);
    let lines = page.scrape();
    let is_one = |line: &&String| line.starts_with("namedprocess_namegroup_num_procs");
    let groups: Vec<&str> = lines.iter().filter(is_one).map(|line| &line[32..]).collect();
    assert_eq!(groups.len(), 3, "{groups:?}");
    assert!(groups.contains(&"{groupname=__overflow__} 1"), "{groups:?}");
    assert!(groups.iter().any(|group| group.ends_with("sh-a} 1")), "{groups:?}");
    assert!(groups.iter().any(|group| group.starts_with("{groupname=sh:/")), "{groups:?}");
    assert_eq!(value(&lines, "promlet_watch_overflows_total"), Some(1.0));
}

#[test]
fn users_and_cgroups_select() {
    let mut shell = Shell::start("promlet-test-user");
    let page = Page::of(Vec::new());
    let pid = shell.0.id();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    let user: u32 = user.split_whitespace().nth(1).unwrap().parse().unwrap();
    let running = "appmesh_application_running{application=marked}";
    let own = marked("promlet-test-user");
    for (users, expected) in [(vec![user], Some(1.0)), (vec![user + 1], None)] {
        let selectors = Selectors { users, ..own.selectors.clone() };
        page.watches.set(vec![Watch { selectors, ..own.clone() }]);
        assert_eq!(page.value(running), expected);
        page.watches.set(Vec::new());
        assert_eq!(page.value(running), None);
    }
    shell.run(":");
}

/// A section for this very process.
fn own(scratch: &Scratch) -> Watch {
    scratch.write("pid", format!("{}\n", std::process::id()).as_bytes());
    let selectors = Selectors { pid_file: Some(scratch.path("pid")), ..Selectors::default() };
    Watch { selectors, children: false, ..marked("x") }
}

#[test]
fn threads_are_told_apart_by_name_and_keep_what_they_had() {
    const NAME: &str = "wt-burner";
    const THREADS: usize = 3;
    const TICKS: u64 = 2;
    let ticks_of_this_thread = || {
        let stat = std::fs::read("/proc/thread-self/stat").unwrap();
        let own = parse_stat(&stat).unwrap().own;
        own.user_ticks + own.system_ticks
    };
    let scratch = Scratch::new("application-threads");
    let families = Families { namedprocess: true, threads: true, ..Families::default() };
    let page = Page::new(families);
    page.watches.set(vec![own(&scratch)]);
    let of_threads = |lines: &[String], family: &str| {
        let is_it = |line: &&String| line.starts_with(family) && line.contains(NAME);
        let value = |line: &String| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        let values: Vec<f64> = lines.iter().filter(is_it).map(value).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>())
    };
    let (used, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    let lines = std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let named = std::thread::Builder::new().name(NAME.to_owned());
            let run = || {
                while ticks_of_this_thread() < TICKS {}
                used.wait();
                end.wait();
            };
            named.spawn_scoped(scope, run).unwrap();
        }
        used.wait();
        let lines = page.scrape();
        end.wait();
        lines
    });
    const CPU: &str = "namedprocess_namegroup_thread_cpu_seconds_total";
    const COUNT: &str = "namedprocess_namegroup_thread_count";
    const SWITCHES: &str = "namedprocess_namegroup_thread_context_switches_total";
    assert_eq!(of_threads(&lines, COUNT), Some(THREADS as f64));
    let seconds = (THREADS as u64 * TICKS) as f64 / clock_ticks_per_second() as f64;
    assert!(of_threads(&lines, CPU).unwrap() >= seconds, "{:?}", of_threads(&lines, CPU));
    assert!(total(&lines, "namedprocess_namegroup_states") > THREADS as f64);
    // A thread may be there for a moment after it has been waited for, and be seen once more.
    let begun = Instant::now();
    let mut after = page.scrape();
    while of_threads(&after, COUNT) != Some(0.0) {
        assert!(begun.elapsed() < Duration::from_secs(20), "threads that have ended are counted");
        after = page.scrape();
    }
    for family in [CPU, SWITCHES] {
        assert!(of_threads(&after, family) >= of_threads(&lines, family), "{family}");
    }
    let later = page.scrape();
    for family in [CPU, SWITCHES] {
        assert_eq!(of_threads(&later, family), of_threads(&after, family), "{family}");
    }
    let of_process = total(&after, "namedprocess_namegroup_context_switches_total");
    assert!(of_process >= total(&after, SWITCHES), "{of_process}");
}

#[test]
fn nothing_is_shown_of_threads_and_shared_memory_unless_asked() {
    let scratch = Scratch::new("application-shared");
    let shown = |families: Families| {
        let page = Page::new(Families { namedprocess: true, ..families });
        page.watches.set(vec![own(&scratch)]);
        let lines = page.scrape();
        ["_thread_", "_threads_wchan", "proportionalResident", "proportionalSwapped"]
            .map(|part| lines.iter().any(|line| line.contains(part)))
    };
    assert_eq!(shown(Families::default()), [false; 4]);
    let families = Families { smaps: true, ..Families::default() };
    assert_eq!(shown(families), [false, false, true, true]);
}
