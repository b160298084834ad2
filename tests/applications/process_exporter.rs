//! Debian's process-exporter as a judge: of the same processes both show the same, but for its
//! known faults. It counts what it has seen, so counters are compared by how much they grow.
//!
//! Needs the package `prometheus-process-exporter`; without it the tests say so and check nothing,
//! unless `PROMLET_REQUIRE_PROCESS_EXPORTER=1`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::support::client::Client;
use crate::support::exposition::{self, Exposition, Family, Kind};
use crate::support::process::{Process, binary};
use crate::support::temp::TempDir;
use crate::support::{poll, skip};

const REQUIRED_BY: &str = "PROMLET_REQUIRE_PROCESS_EXPORTER";
const PROGRAM: &str = "prometheus-process-exporter";
const PREFIX: &str = "namedprocess_";

/// What process-exporter shows otherwise, and why.
const CHANGED: &[(&str, &str)] = &[
    ("namedprocess_namegroup_oldest_start_time_seconds", "it cuts off the fraction"),
    ("namedprocess_scrape_partial_errors", "each counts what it reads of all that it looks at"),
    (
        "namedprocess_namegroup_threads_wchan",
        "a thread that others look at may have none just then",
    ),
];

/// A shell that does what it is told, and then says so.
struct Shell(Child);

impl Shell {
    fn start(mark: &str) -> Shell {
        const LOOP: &str = "while read line; do eval \"$line\"; echo done; done";
        let mut command = Command::new("sh");
        command.args(["-c", LOOP, mark]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = Shell(command.spawn().expect("there is a shell"));
        shell.run(":");
        shell
    }

    fn run(&mut self, line: &str) {
        writeln!(self.0.stdin.as_mut().expect("it is piped"), "{line}").expect("it reads");
        let mut answer = String::new();
        let output = self.0.stdout.as_mut().expect("it is piped");
        // Nothing is read ahead: it prints nothing but this.
        BufReader::with_capacity(5, output).read_line(&mut answer).expect("it answers");
        assert_eq!(answer, "done\n", "{line}");
        let stat = format!("/proc/{}/stat", self.0.id());
        poll("a shell that waits for the next line", || {
            std::fs::read_to_string(&stat).expect("it lives").contains(") S ").then_some(())
        });
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // One that is ended already is as good.
        let _ = self.0.wait();
    }
}

struct Exporter {
    client: Client,
    _process: Process,
}

impl Exporter {
    fn start(command: &mut Command) -> Exporter {
        let mut process = Process::spawn(command);
        let client = Client::connect(process.wait_for_address()).expect("it says that it listens");
        Exporter { client, _process: process }
    }

    fn scrape(&mut self) -> Exposition {
        let body = self.client.get("/metrics").expect("it answers").body;
        exposition::read(&body).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Both with groups by the second word of what is marked so, and of themselves.
fn start(folder: &TempDir, mark: &str) -> Option<[Exporter; 2]> {
    if Command::new(PROGRAM).arg("-version").output().is_err() {
        return None;
    }
    let (theirs, ours) = (folder.path().join("theirs.yml"), folder.path().join("ours"));
    let text = format!(
        "process_names:\n- name: '{{{{.Matches.Word}}}}'\n  cmdline: ['{mark}-(?P<Word>[a-z]+)$']\n\
         - name: peer\n  exe: [{PROGRAM}]\n"
    );
    std::fs::write(&theirs, text).expect("it is the test's own");
    let text = format!(
        "[watch marked]\ncommand-line = '{mark}-(?P<Word>[a-z]+)$'\ngroup = ${{Word}}\n\
         [watch peer]\ncommand-line = 'theirs.yml'\ngroup = peer\n"
    );
    std::fs::write(&ours, text).expect("it is the test's own");
    let address = "127.0.0.1:0";
    let mut peer = Command::new(PROGRAM);
    peer.arg("-config.path").arg(theirs).args(["-threads", "-gather-smaps"]);
    peer.args(["-web.listen-address", address]);
    let mut promlet = Command::new(binary());
    promlet.arg(format!("--config.file={}", ours.display()));
    promlet.args(["--watch.threads", "--watch.smaps", "--collector.disable-defaults"]);
    promlet.arg(format!("--web.listen-address={address}"));
    Some([Exporter::start(&mut peer), Exporter::start(&mut promlet)])
}

type Series = (String, Vec<(String, String)>);

/// The samples of what is watched but themselves.
fn samples(exposition: &Exposition) -> BTreeMap<Series, (Kind, f64)> {
    let families = exposition.families.iter().filter(|family| family.name.starts_with(PREFIX));
    let samples = families.flat_map(|f| f.samples.iter().map(|sample| (f.kind, sample)));
    let samples = samples.filter(|(_, sample)| group(&sample.labels) != Some("peer"));
    let is_same = |name: &str| CHANGED.iter().all(|(changed, _)| name != *changed);
    let samples = samples.filter(|(_, sample)| is_same(&sample.name));
    samples
        .map(|(kind, sample)| {
            let mut labels = sample.labels.clone();
            labels.sort_unstable();
            ((sample.name.clone(), labels), (kind, sample.value))
        })
        .collect()
}

fn group(labels: &[(String, String)]) -> Option<&str> {
    labels.iter().find(|(name, _)| name == "groupname").map(|(_, value)| &**value)
}

/// Whether a value is of memory that is resident: pages that come to be shared with others change
/// the parts of it meanwhile, and the sum is another one in stat, which process-exporter reads and
/// where Linux has been inexact since 6.2, than in statm.
fn is_vague((_, labels): &Series) -> bool {
    const TYPES: [&str; 3] = ["resident", "proportionalResident", "proportionalSwapped"];
    labels.iter().any(|(name, value)| name == "memtype" && TYPES.contains(&&**value))
}

/// What `ours` has otherwise than `theirs`, each before and after something happened.
fn differences(theirs: [&Exposition; 2], ours: [&Exposition; 2]) -> Vec<String> {
    let [theirs_before, theirs_after] = theirs.map(samples);
    let [ours_before, ours_after] = ours.map(samples);
    let mut found = Vec::new();
    for (series, (kind, value)) in &theirs_after {
        let Some((our_kind, our_value)) = ours_after.get(series) else {
            found.push(format!("{series:?}: missing"));
            continue;
        };
        let growth = |after: f64, before: &BTreeMap<Series, (Kind, f64)>| match kind {
            Kind::Counter => after - before.get(series).map_or(0.0, |(_, value)| *value),
            _ => after,
        };
        let (expected, is) = (growth(*value, &theirs_before), growth(*our_value, &ours_before));
        let room = if is_vague(series) { expected / 2.0 } else { 1e-6 };
        if our_kind != kind || (expected - is).abs() > room {
            found.push(format!("{series:?}: {our_kind:?} {is}, should be {kind:?} {expected}"));
        }
    }
    let more = ours_after.keys().filter(|series| !theirs_after.contains_key(*series));
    found.extend(more.map(|series| format!("{series:?}: should not be there")));
    found
}

#[test]
fn quiet_processes_are_shown_alike() {
    let folder = TempDir::new("process-exporter");
    let mark = format!("alike-{}", std::process::id());
    let mut shells = ["one", "two", "two"].map(|word| Shell::start(&format!("{mark}-{word}")));
    let Some([mut theirs, mut ours]) = start(&folder, &mark) else {
        return skip("process-exporter is not installed", REQUIRED_BY);
    };
    let before = [theirs.scrape(), ours.scrape()];
    for shell in &mut shells {
        shell.run("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec 5</dev/null");
    }
    let file = folder.path().join("written");
    shells[0].run(&format!("printf %9999d 1 >{}", file.display()));
    let after = [theirs.scrape(), ours.scrape()];
    let found = differences([&before[0], &after[0]], [&before[1], &after[1]]);
    assert!(found.is_empty(), "{found:#?}");
    let used = after[1].family("namedprocess_namegroup_cpu_seconds_total").expect("it is there");
    assert!(used.samples.iter().any(|sample| sample.value > 0.0));
}

/// The sum of a family for the group of process-exporter itself.
fn of_peer(exposition: &Exposition, name: &str) -> f64 {
    let samples = &exposition.family(name).unwrap_or_else(|| panic!("no {name}")).samples;
    samples.iter().filter(|it| group(&it.labels) == Some("peer")).map(|it| it.value).sum()
}

#[test]
fn threads_are_shown_as_there_but_once() {
    let folder = TempDir::new("process-exporter-threads");
    let Some([mut theirs, mut ours]) = start(&folder, "nobody") else {
        return skip("process-exporter is not installed", REQUIRED_BY);
    };
    let (theirs, ours) = (
        theirs.scrape(),
        poll("as many threads as states", || {
            let scrape = ours.scrape();
            let threads = of_peer(&scrape, "namedprocess_namegroup_num_threads");
            let same = ["namedprocess_namegroup_states", "namedprocess_namegroup_thread_count"];
            let is_same = same.iter().all(|name| of_peer(&scrape, name) == threads);
            let waiting = of_peer(&scrape, "namedprocess_namegroup_threads_wchan");
            (is_same && threads > 1.0 && waiting <= threads).then_some(scrape)
        }),
    );
    let names = |family: &Family| {
        let labels = family.samples.iter().flat_map(|sample| &sample.labels);
        let mut labels: Vec<String> = labels.map(|(name, _)| name.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    };
    let shape = |exposition: &Exposition| -> BTreeMap<String, (String, Vec<String>)> {
        let families = exposition.families.iter().filter(|family| family.name.starts_with(PREFIX));
        families.map(|f| (f.name.clone(), (format!("{:?}", f.kind), names(f)))).collect()
    };
    assert_eq!(shape(&ours), shape(&theirs));
}
