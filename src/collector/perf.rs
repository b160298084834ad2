//! `perf`: events that CPUs and the kernel count, by CPU. Source: `perf_event_open(2)`, and tracefs
//! for the numbers of tracepoints.
//!
//! The counters are opened when the collector is made, and count from then on. What a CPU or the
//! kernel does not count, or not for us, is absent, also all of it: that is no failure, as in
//! node_exporter. A list of CPUs and a tracepoint that a flag names are another matter.

mod events;

use super::cpu_list::CPUS_MAX;
use super::error::CollectError;
use super::fields::Described;
use super::flags::{Flag, Flags};
use super::fs::{Files, Records, read_once};
use super::lines::parse_number;
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;
use crate::sys::perf::{Event, Source, cpus_allowed};
use events::{CACHE, Choosable, HARDWARE, SOFTWARE};
use std::io;
use std::path::Path;
use std::sync::Arc;

const CPUS: &str = "collector.perf.cpus";
const TRACEPOINT: &str = "collector.perf.tracepoint";
const NO_HARDWARE: &str = "collector.perf.disable-hardware-profilers";
const NO_SOFTWARE: &str = "collector.perf.disable-software-profilers";
const NO_CACHE: &str = "collector.perf.disable-cache-profilers";
const HARDWARE_EVENTS: &str = "collector.perf.hardware-profilers";
const SOFTWARE_EVENTS: &str = "collector.perf.software-profilers";
const CACHE_EVENTS: &str = "collector.perf.cache-profilers";

pub(super) const FLAGS: &[Flag] = &[
    Flag::texts(CACHE_EVENTS, "Count this event of caches, such as LLReadMiss. Repeatable."),
    Flag::text(CPUS, "", "CPUs to count on, such as 0,2-5 or 0-8:4; all if it is empty."),
    Flag::switch(NO_CACHE, false, "Count no events of caches."),
    Flag::switch(NO_HARDWARE, false, "Count no events of CPUs."),
    Flag::switch(NO_SOFTWARE, false, "Count no events of the kernel."),
    Flag::texts(HARDWARE_EVENTS, "Count this event of CPUs, such as CpuCycles. Repeatable."),
    Flag::texts(SOFTWARE_EVENTS, "Count this event of the kernel, such as PageFault. Repeatable."),
    Flag::texts(TRACEPOINT, "Count this tracepoint: SUBSYSTEM:EVENT. Repeatable."),
];

/// Where the tracepoints may be below the root of sysfs.
const TRACEPOINTS: [&str; 2] = ["kernel/debug/tracing/events", "kernel/tracing/events"];

/// What messages call the call.
const CALL: &str = "perf_event_open";

pub(super) struct Perf {
    groups: Vec<Group>,
    /// What is wrong with what flags name.
    named: Result<(), CollectError>,
}

/// Events that are shown in one table.
struct Group {
    table: Table,
    /// By CPU.
    counters: Vec<Counters>,
}

/// The counters of a CPU, in the order of the columns.
struct Counters {
    cpu: String,
    events: Vec<Option<Event>>,
}

impl Perf {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(Perf::open(setup)?))
    }

    fn open(setup: &mut Setup<'_>) -> Result<Perf, RegisterError> {
        let (cpus, mut named) = match cpus(setup.flags) {
            Ok(cpus) => (cpus, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        let mut groups = open_sets(setup, &cpus)?;
        for name in setup.flags.texts(TRACEPOINT) {
            match tracepoint(&name, &setup.roots.sys, setup.files) {
                Ok((described, config)) => {
                    let table = Table::register_described(&setup.registry, described)?;
                    let events = [(Source::Tracepoint, config)];
                    let (group, refusal) = Group::open(table, &cpus, &events);
                    groups.push(group);
                    let refusal = refusal.map(|error| CollectError::from_call(CALL, &error));
                    named = named.and(refusal.map_or(Ok(()), Err));
                }
                Err(error) => named = named.and(Err(error)),
            }
        }
        Ok(Perf { groups, named })
    }
}

/// Opens those events that have names of their own and are not turned off.
fn open_sets(setup: &Setup<'_>, cpus: &[u32]) -> Result<Vec<Group>, RegisterError> {
    let sets = [
        (NO_HARDWARE, HARDWARE_EVENTS, &HARDWARE[..]),
        (NO_SOFTWARE, SOFTWARE_EVENTS, &SOFTWARE[..]),
        (NO_CACHE, CACHE_EVENTS, &CACHE[..]),
    ];
    let sets = sets.into_iter().filter(|(off, ..)| !setup.flags.switch(off));
    let groups = sets.map(|(_, flag, all)| {
        let chosen = choose(all, &setup.flags.texts(flag));
        let metrics: Vec<Metric> = chosen.iter().map(|event| event.metric).collect();
        let table = Table::register(&setup.registry, &["cpu"], &metrics)?;
        let events: Vec<(Source, u64)> =
            chosen.iter().map(|event| (event.source, event.config)).collect();
        Ok(Group::open(table, cpus, &events).0)
    });
    groups.collect()
}

impl Group {
    /// Opens the counters of `events` on each CPU. The second value is what the kernel said of the
    /// last one that it refused.
    fn open(table: Table, cpus: &[u32], events: &[(Source, u64)]) -> (Group, Option<io::Error>) {
        let mut refusal = None;
        let mut open = |cpu: &u32| {
            let events = events.iter().map(|(source, config)| {
                Event::open(*source, *config, *cpu).map_err(|error| refusal = Some(error)).ok()
            });
            Counters { cpu: cpu.to_string(), events: events.collect() }
        };
        let counters = cpus.iter().map(&mut open).collect();
        (Group { table, counters }, refusal)
    }
}

impl Collector for Perf {
    fn collect(&mut self, _: &mut Files) -> Result<(), CollectError> {
        for Group { table, counters } in &mut self.groups {
            let mut sweep = table.sweep();
            for Counters { cpu, events } in counters {
                let mut row = sweep.row(&[&**cpu]);
                for (column, event) in events.iter().enumerate() {
                    // Of a CPU that went offline there is nothing to read.
                    let count = event.as_ref().and_then(|event| event.count().ok());
                    row.set(column, count.map(|count| count as f64));
                }
            }
        }
        self.named.clone()
    }
}

/// The events of `all` whose names are given; all of them where none is.
fn choose<'a>(all: &'a [Choosable], given: &[String]) -> Vec<&'a Choosable> {
    let is_given = |event: &&Choosable| given.iter().any(|name| name == event.name);
    let chosen: Vec<&Choosable> = all.iter().filter(is_given).collect();
    if chosen.is_empty() { all.iter().collect() } else { chosen }
}

/// The CPUs to count on.
fn cpus(flags: &Flags) -> Result<Vec<u32>, CollectError> {
    match flags.text(CPUS) {
        "" => {
            let allowed = cpus_allowed();
            let allowed =
                allowed.map_err(|error| CollectError::from_call("sched_getaffinity", &error))?;
            Ok((0..allowed).collect())
        }
        list => parse_cpus(list),
    }
}

/// The CPUs of a list whose parts are numbers, ranges such as `2-5`, and ranges with steps such as
/// `0-8:4`, which is 0, 4 and 8.
fn parse_cpus(list: &str) -> Result<Vec<u32>, CollectError> {
    let mut cpus = Vec::new();
    for part in list.split(',') {
        let range = parse_range(part).filter(|(_, last, step)| *last < CPUS_MAX && *step > 0);
        let (first, last, step) = range.ok_or_else(|| {
            CollectError::malformed(CPUS, 1, "a list of CPUs", Some(part.as_bytes()))
        })?;
        cpus.extend((first..=last).step_by(step as usize));
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// First, last and step.
fn parse_range(part: &str) -> Option<(u32, u32, u32)> {
    let number = |text: &str| parse_number::<u32>(text.as_bytes());
    let Some((first, rest)) = part.split_once('-') else {
        return number(part).map(|cpu| (cpu, cpu, 1));
    };
    let (last, step) = rest.split_once(':').unwrap_or((rest, "1"));
    Some((number(first)?, number(last)?, number(step)?))
}

/// The family of the tracepoint that a flag names, and its number.
fn tracepoint(name: &str, sys: &Path, files: &mut Files) -> Result<(Described, u64), CollectError> {
    let parts = name.split_once(':').filter(|(_, event)| !event.contains(':'));
    let (subsystem, event) = parts.ok_or_else(|| {
        CollectError::malformed(TRACEPOINT, 1, "SUBSYSTEM:EVENT", Some(name.as_bytes()))
    })?;
    let [first, second] = TRACEPOINTS.map(|folder| sys.join(folder).join(subsystem).join(event));
    let path = if first.exists() { first } else { second }.join("id");
    let content = read_once(&path, Records::One, &mut files.buffer);
    let content = content.map_err(|error| CollectError::from_io(&Arc::from(path), &error))?;
    let config = parse_number(content.trim_ascii()).ok_or_else(|| {
        CollectError::malformed("id", 1, "the number of a tracepoint", Some(content))
    })?;
    let described = Described {
        name: format!("node_perf_{subsystem}_{event}"),
        help: format!("Times that the kernel passed the tracepoint {name}."),
        kind: Kind::Counter,
        label_names: &["cpu"],
    };
    Ok((described, config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::collector::scratch::Scratch;
    use crate::collector::{Choice, Roots};
    use crate::registry::Registry;
    use proptest::prelude::*;

    #[test]
    fn cpus_are_numbers_ranges_and_steps() {
        const CASES: &[(&str, &[u32])] = &[
            ("0", &[0]),
            ("3,1", &[1, 3]),
            ("0-2,2", &[0, 1, 2]),
            ("1-10:5", &[1, 6]),
            ("0-8:4,9", &[0, 4, 8, 9]),
            ("5-3", &[]),
        ];
        for (list, expected) in CASES {
            assert_eq!(parse_cpus(list).unwrap(), *expected, "{list:?}");
        }
        for list in ["", "x", "1,", "1-2-3", "1:2", "0-4:0", "0-4:x", "-1", "0-8192"] {
            let error = parse_cpus(list).unwrap_err().to_string();
            assert!(error.contains("expected a list of CPUs, found "), "{list:?}: {error}");
        }
    }

    #[test]
    fn events_are_those_that_are_named_or_all() {
        let names = |given: &[&str]| -> Vec<&str> {
            let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
            choose(&SOFTWARE, &given).iter().map(|event| event.name).collect()
        };
        assert_eq!(names(&["MinorFault", "ContextSwitch"]), ["ContextSwitch", "MinorFault"]);
        assert_eq!(names(&[]).len(), SOFTWARE.len());
        assert_eq!(names(&["None"]).len(), SOFTWARE.len());
    }

    #[test]
    fn a_tracepoint_is_found_in_either_place() {
        let scratch = Scratch::new("perf-tracepoint");
        scratch.write("kernel/debug/tracing/events/sched/sched_switch/id", b"314\n");
        scratch.write("kernel/tracing/events/kmem/kfree/id", b"15\n");
        scratch.write("kernel/tracing/events/kmem/broken/id", b"x\n");
        let find = |name| {
            let found = tracepoint(name, &scratch.path("."), &mut Files::default());
            found.map(|(described, config)| (described.name, config))
        };
        let expected = ("node_perf_sched_sched_switch".to_owned(), 314);
        assert_eq!(find("sched:sched_switch").unwrap(), expected);
        assert_eq!(find("kmem:kfree").unwrap(), ("node_perf_kmem_kfree".to_owned(), 15));
        assert!(find("kmem:none").unwrap_err().is_no_data());
        for name in ["kmem", "a:b:c", "kmem:broken"] {
            assert!(matches!(find(name), Err(CollectError::Malformed { .. })), "{name}");
        }
    }

    /// What is shown with these flags, besides families of which nobody knows whether they can be
    /// counted here.
    fn shown(given: &[(&str, &str)]) -> (Result<(), CollectError>, Vec<String>) {
        let (mut flags, mut files, registry) =
            (Flags::default(), Files::default(), Registry::new());
        for (name, value) in given {
            flags.set(name, value).unwrap();
        }
        let (roots, scratch) = (Roots { sys: "/none".into(), ..Roots::default() }, &mut files);
        let mut setup = Setup {
            registry: registry.clone(),
            roots: &roots,
            flags: &flags,
            choice: &Choice::default(),
            files: scratch,
        };
        let mut perf = Perf::open(&mut setup).unwrap();
        let outcome = perf.collect(&mut files);
        let family = |series: String| series.split(' ').next().map(str::to_owned);
        (outcome, samples(&registry).into_iter().filter_map(family).collect())
    }

    #[test]
    fn what_is_not_counted_is_no_failure_and_what_is_named_wrongly_is_one() {
        let only_switches = [
            (NO_HARDWARE, "true"),
            (NO_CACHE, "true"),
            (SOFTWARE_EVENTS, "ContextSwitch"),
            (CPUS, "0"),
        ];
        let (outcome, series) = shown(&only_switches);
        outcome.unwrap();
        let can = Event::open(Source::Software, 3, 0).is_ok();
        let expected = ["node_perf_context_switches_total{cpu=0}"];
        assert_eq!(series, expected[..usize::from(can)]);

        let (outcome, series) = shown(&[(CPUS, "8191")]);
        assert!(outcome.is_ok() && series.is_empty(), "{series:?}");

        let (outcome, _) = shown(&[(CPUS, "x")]);
        assert!(matches!(outcome, Err(CollectError::Malformed { .. })));
        let (outcome, with_it) = shown(&[&only_switches[..], &[(TRACEPOINT, "a:b")]].concat());
        assert!(outcome.unwrap_err().is_no_data());
        assert_eq!(with_it, expected[..usize::from(can)]);
    }

    proptest! {
        #[test]
        fn any_list_of_cpus_is_short_or_an_error(list in "[-0-9,:x]{0,12}") {
            if let Ok(cpus) = parse_cpus(&list) {
                prop_assert!(cpus.is_sorted() && cpus.len() <= CPUS_MAX as usize);
            }
        }
    }
}
