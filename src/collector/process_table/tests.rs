//! What becomes of counts, against a model of what the kernel does; and a procfs made of files.

use super::*;
use crate::collector::application::Status;
use crate::collector::scratch::Scratch;
use crate::collector::watch::{Cgroup, Selectors, Template, Watch};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;

fn watch(name: &str, executable: &str, children: bool) -> Watch {
    Watch {
        name: name.to_owned(),
        selectors: Selectors { executables: vec![executable.to_owned()], ..Selectors::default() },
        children,
        group: Template::fixed(name),
        groups_max: 10,
        users: [].into(),
    }
}

/// A process as the kernel has it.
#[derive(Clone, Copy, Debug)]
struct Model {
    parent: u32,
    group: usize,
    own: u64,
    waited: u64,
}

/// What happens to the process that is the n-th of those that there are.
#[derive(Clone, Copy, Debug)]
enum Step {
    Fork {
        group: usize,
    },
    Use {
        micros: u64,
    },
    /// Its parent waits for it.
    End,
    /// Its parent ignores that.
    Vanish,
    /// Children begin or cease to count.
    Turn,
    Scrape,
}

struct World {
    processes: BTreeMap<u32, Model>,
    next_pid: u32,
    /// All that was ever used.
    truth: u64,
    /// What those had used that init waited for.
    lost: u64,
    known: Vec<Process>,
    groups: Groups,
    ids: Vec<GroupId>,
}

const ROOT: u32 = 10;

impl World {
    fn new(children: bool) -> World {
        let mut groups = Groups::default();
        let ids = ["a", "b"].map(|name| groups.of_watch(&watch(name, name, children), name));
        let root = Model { parent: 1, group: 0, own: 0, waited: 0 };
        World {
            processes: [(ROOT, root)].into(),
            next_pid: ROOT + 1,
            truth: 0,
            lost: 0,
            known: Vec::new(),
            groups,
            ids: ids.to_vec(),
        }
    }

    fn step(&mut self, which: usize, step: Step) {
        let pid = *self.processes.keys().nth(which % self.processes.len()).unwrap();
        match step {
            Step::Fork { group } => {
                let model = Model { parent: pid, group, own: 0, waited: 0 };
                self.processes.insert(self.next_pid, model);
                self.next_pid += 1;
            }
            Step::Use { micros } => {
                self.processes.get_mut(&pid).unwrap().own += micros;
                self.truth += micros;
            }
            Step::Turn => self.turn(),
            Step::End | Step::Vanish if pid != ROOT => self.end(pid, matches!(step, Step::End)),
            _ => {}
        }
    }

    fn turn(&mut self) {
        let children = !self.groups.get(self.ids[0]).unwrap().has_children();
        self.groups.begin();
        self.groups.follow(&["a", "b"].map(|name| watch(name, name, children)));
        for process in &mut self.known {
            process.member.as_mut().unwrap().turn(children);
        }
    }

    fn end(&mut self, pid: u32, is_waited_for: bool) {
        let dead = self.processes.remove(&pid).unwrap();
        if let (Some(parent), true) = (self.processes.get_mut(&dead.parent), is_waited_for) {
            parent.waited += dead.own + dead.waited;
        }
        if dead.parent == 1 {
            self.lost += dead.own + dead.waited;
        }
        for child in self.processes.values_mut().filter(|child| child.parent == pid) {
            child.parent = 1;
        }
    }

    /// What each group has used by now.
    fn scrape(&mut self) -> Vec<u64> {
        self.groups.begin();
        let mut gone = Vec::new();
        for process in std::mem::take(&mut self.known) {
            if self.processes.contains_key(&process.listed.pid) {
                self.known.push(process);
            } else {
                gone.extend(process.into_gone());
            }
        }
        for (pid, model) in &self.processes {
            let place = position(&self.known, *pid).unwrap_or_else(|| {
                let listed = Listed { pid: *pid, inode: 0 };
                let member = Some(Box::new(Member::new(self.ids[model.group])));
                self.known.push(Process { member, ..Process::new(listed) });
                self.known.len() - 1
            });
            let process = &mut self.known[place];
            process.parent = model.parent;
            let member = process.member.as_mut().unwrap();
            let with_children = self.groups.get(member.group).unwrap().has_children();
            member.begin_reading(with_children);
            member.reading.own.user_micros = model.own;
            member.reading.waited.user_micros = model.waited;
        }
        ledger::settle(&gone, &mut self.known, &mut self.groups);
        for process in &mut self.known {
            process.is_new = false;
            let member = process.member.as_mut().unwrap();
            self.groups.get_mut(member.group).unwrap().add(member);
        }
        self.groups.finish(Instant::now());
        self.groups.iter().map(|group| group.used().user_micros).collect()
    }
}

fn step(groups: usize, vanish: bool) -> impl Strategy<Value = (usize, Step)> {
    let end = if vanish { Step::Vanish } else { Step::End };
    let step = prop_oneof![
        2 => (0..groups).prop_map(|group| Step::Fork { group }),
        3 => (1..1000_u64).prop_map(|micros| Step::Use { micros }),
        2 => prop_oneof![Just(Step::End), Just(end)],
        u32::from(vanish) => Just(Step::Turn),
        2 => Just(Step::Scrape),
    ];
    (0..100_usize, step)
}

proptest! {
    /// Of a group all of whose dead are waited for, not a microsecond is lost or counted twice.
    #[test]
    fn a_tree_that_waits_is_counted_exactly(
        steps in prop::collection::vec(step(1, false), 0..60)
    ) {
        let mut world = World::new(true);
        for (which, step) in steps {
            let Step::Scrape = step else {
                world.step(which, step);
                continue;
            };
            let used = world.scrape()[0];
            prop_assert!(used <= world.truth);
            prop_assert!(used + world.lost >= world.truth);
        }
    }

    /// Whatever happens in whatever order, in one group or two, with or without children: no sum
    /// falls, and all together are not more than was used.
    #[test]
    fn sums_never_fall_nor_exceed_the_truth(
        children in any::<bool>(),
        steps in prop::collection::vec(step(2, true), 0..80),
    ) {
        let mut world = World::new(children);
        let mut before = vec![0; 2];
        for (which, step) in steps {
            let Step::Scrape = step else {
                world.step(which, step);
                continue;
            };
            let used = world.scrape();
            prop_assert!(used.iter().zip(&before).all(|(used, before)| used >= before));
            prop_assert!(used.iter().sum::<u64>() <= world.truth, "{used:?} of {}", world.truth);
            before = used;
        }
    }
}

#[test]
fn a_dead_child_is_counted_once_whoever_has_it() {
    use Step::{End, Fork, Use, Vanish};
    // The child is the second process; each case ends with a scrape.
    type Case = (&'static str, &'static [(usize, Step)], [u64; 2]);
    const CASES: &[Case] = &[
        ("alive", &[(0, Fork { group: 0 }), (1, Use { micros: 5 })], [5, 0]),
        ("waited for, unseen", &[(0, Fork { group: 0 }), (1, Use { micros: 5 }), (1, End)], [5, 0]),
        (
            "waited for, seen",
            &[(0, Fork { group: 0 }), (1, Use { micros: 5 }), (0, Step::Scrape), (1, End)],
            [5, 0],
        ),
        (
            "not waited for, seen",
            &[(0, Fork { group: 0 }), (1, Use { micros: 5 }), (0, Step::Scrape), (1, Vanish)],
            [5, 0],
        ),
        (
            "of another group, seen",
            &[(0, Fork { group: 1 }), (1, Use { micros: 5 }), (0, Step::Scrape), (1, End)],
            [0, 5],
        ),
        (
            "of another group, below one of the same",
            &[
                (0, Fork { group: 1 }),
                (1, Fork { group: 0 }),
                (2, Use { micros: 5 }),
                (0, Step::Scrape),
                (2, End),
                (0, Step::Scrape),
                (1, End),
            ],
            [5, 0],
        ),
    ];
    for (name, steps, expected) in CASES {
        let mut world = World::new(true);
        world.scrape();
        for (which, step) in *steps {
            if let Step::Scrape = step {
                world.scrape();
            } else {
                world.step(*which, *step);
            }
        }
        for _ in 0..2 {
            assert_eq!(world.scrape(), expected, "{name}");
        }
    }
}

/// A procfs of files.
struct Fixture {
    scratch: Scratch,
    processes: Processes,
    groups: Groups,
}

impl Fixture {
    fn new(name: &str) -> Fixture {
        let scratch = Scratch::new(name);
        let processes = Processes::new(scratch.path(""), Scope::default());
        Fixture { scratch, processes, groups: Groups::default() }
    }

    fn write(&self, pid: u32, name: &str, parent: u32, ticks: u64) {
        // Children start after their parents, whatever their ids.
        let start = 100 + parent;
        let stat = format!(
            "{pid} ({name}) S {parent} {pid} 1 0 -1 0 1 0 2 0 {ticks} 0 0 0 20 0 1 0 {start} 4096 9\n"
        );
        self.scratch.write(&format!("{pid}/stat"), stat.as_bytes());
        self.scratch.write(&format!("{pid}/statm"), b"1 9 1 1 0 1 0\n");
        self.scratch.write(&format!("{pid}/cmdline"), format!("/bin/{name}\0-x\0").as_bytes());
    }

    fn remove(&self, pid: u32) {
        std::fs::remove_dir_all(self.scratch.path(&pid.to_string())).unwrap();
    }

    fn refresh(&mut self, watches: &[Watch]) -> Vec<(String, u64, u64)> {
        self.refresh_as(watches, &[], false)
    }

    fn refresh_as(
        &mut self,
        watches: &[Watch],
        roots: &[Root],
        have_changed: bool,
    ) -> Vec<(String, u64, u64)> {
        let listed = vec![None; watches.len()];
        let rules = Rules { roots, owner: None, watches, listed: &listed, have_changed };
        self.processes.refresh(&mut self.groups, &rules).unwrap();
        self.groups.finish(Instant::now());
        let ticks = |group: &Group| group.used().user_micros / 10_000;
        let row = |group: &Group| (group.name.clone(), group.live.processes, ticks(group));
        let rows = self.groups.iter().map(row).collect();
        self.groups.begin();
        rows
    }
}

fn row(name: &str, processes: u64, ticks: u64) -> (String, u64, u64) {
    (name.to_owned(), processes, ticks)
}

#[test]
fn the_first_section_wins_and_children_follow() {
    let mut fixture = Fixture::new("processes-sections");
    fixture.write(1, "init", 0, 1000);
    fixture.write(10, "web", 1, 1);
    // Its id is lower than that of its parent, as where ids began anew.
    fixture.write(5, "helper", 10, 2);
    fixture.write(12, "db", 10, 4);
    fixture.write(13, "helper", 12, 8);
    let watches = [watch("w", "web", true), watch("d", "/bin/db", false), watch("x", "db", true)];
    // The helper of the database has its nearest ancestor with children in the web server.
    let expected = [row("w", 3, 11), row("d", 1, 4)];
    assert_eq!(fixture.refresh(&watches), expected);
    fixture.remove(12);
    // What it had is kept, and its child stays where it was.
    assert_eq!(fixture.refresh(&watches), [row("w", 3, 11), row("d", 0, 4)]);
    fixture.remove(10);
    fixture.write(10, "other", 1, 64);
    std::fs::rename(fixture.scratch.path("10"), fixture.scratch.path("14")).unwrap();
    assert_eq!(fixture.refresh(&watches)[0], row("w", 2, 11));
}

#[test]
fn who_executes_something_else_moves() {
    let mut fixture = Fixture::new("processes-exec");
    fixture.write(10, "sh", 1, 5);
    let watches = [watch("shells", "sh", true), watch("w", "web", true)];
    assert_eq!(fixture.refresh(&watches), [row("shells", 1, 5)]);
    fixture.write(10, "web", 1, 7);
    fixture.refresh(&watches);
    fixture.write(10, "web", 1, 9);
    assert_eq!(fixture.refresh(&watches), [row("shells", 0, 7), row("w", 1, 2)]);
}

#[test]
fn who_is_nobodys_is_looked_at_again() {
    let mut fixture = Fixture::new("processes-recheck");
    let watches = [watch("w", "web", true)];
    fixture.write(10, "fork", 1, 5);
    fixture.write(11, "child", 10, 1);
    assert_eq!(fixture.refresh(&watches), []);
    fixture.write(10, "web", 1, 5);
    assert_eq!(fixture.refresh(&watches), [row("w", 2, 6)]);
}

#[test]
fn new_sections_are_applied_to_all() {
    let mut fixture = Fixture::new("processes-reload");
    fixture.write(10, "web", 1, 5);
    assert_eq!(fixture.refresh(&[watch("a", "web", true)]), [row("a", 1, 5)]);
    let watches = [watch("b", "web", true)];
    assert_eq!(fixture.refresh_as(&watches, &[], true), [row("a", 0, 5), row("b", 1, 0)]);
    fixture.groups.follow(&watches);
    assert_eq!(fixture.refresh(&watches), [row("b", 1, 0)]);
    fixture.groups.follow(&[]);
    assert_eq!(fixture.refresh_as(&[], &[], true), []);
}

#[test]
fn an_application_has_its_tree_before_any_section() {
    let mut fixture = Fixture::new("processes-application");
    fixture.write(10, "shop", 1, 5);
    fixture.write(11, "web", 10, 1);
    let watches = [watch("w", "web", true)];
    let status = Status { pid: Some(10), ..Status::default() };
    let group = fixture.groups.visit_application("shop", status);
    let roots = [Root { pid: 10, group: Some(group) }];
    assert_eq!(fixture.refresh_as(&watches, &roots, false), [row("shop", 2, 6)]);
    // It ends: all that it had comes by being reaped.
    fixture.remove(11);
    fixture.groups.visit_application("shop", status);
    assert_eq!(fixture.refresh_as(&watches, &roots, false), [row("shop", 1, 6)]);
    fixture.remove(10);
    let user_micros = 80_000;
    let reaped = Usage { user_micros, ..Usage::default() };
    fixture.groups.visit_application("shop", Status { pid: None, reaped, ..status });
    assert_eq!(fixture.refresh_as(&watches, &[], false), [row("shop", 0, 8)]);
    fixture.groups.remove_unvisited();
    assert_eq!(fixture.refresh(&watches), []);
}

#[test]
fn parents_in_a_circle_end() {
    let mut fixture = Fixture::new("processes-circle");
    fixture.write(5, "a", 6, 1);
    fixture.write(6, "b", 5, 1);
    assert_eq!(fixture.refresh(&[watch("w", "b", true)]), [row("w", 2, 2)]);
    fixture.remove(5);
    fixture.remove(6);
    assert_eq!(fixture.refresh(&[watch("w", "b", true)]), [row("w", 0, 2)]);
}

#[test]
fn a_procfs_that_cannot_be_listed_is_an_error() {
    let mut fixture = Fixture::new("processes-none");
    std::fs::remove_dir_all(fixture.scratch.path("")).unwrap();
    let rules = Rules { roots: &[], owner: None, watches: &[], listed: &[], have_changed: false };
    assert!(fixture.processes.refresh(&mut fixture.groups, &rules).is_err());
    fixture.write(10, "web", 1, 5);
    assert_eq!(fixture.refresh(&[watch("w", "web", true)]), [row("w", 1, 5)]);
}

#[test]
fn children_may_begin_and_cease_to_belong_to_a_group() {
    let mut fixture = Fixture::new("processes-turned");
    fixture.write(10, "web", 1, 5);
    fixture.write(11, "child", 10, 2);
    let mut turn = |children: bool| {
        let watches = [watch("w", "web", children)];
        fixture.groups.follow(&watches);
        fixture.refresh_as(&watches, &[], true)
    };
    assert_eq!(turn(true), [row("w", 2, 7)]);
    assert_eq!(turn(false), [row("w", 1, 7)]);
    assert_eq!(turn(true), [row("w", 2, 7)], "what it had used before is not the group's");
}

#[test]
fn a_section_of_control_groups_counts_them_as_wholes() {
    let mut fixture = Fixture::new("processes-control");
    fixture.groups = Groups::new(control::Hierarchies::new(&fixture.scratch.path("sys")));
    fixture.write(10, "web", 1, 5);
    fixture.scratch.write("10/cgroup", b"4:memory:/other\n0::/shop.slice/web.service/x\n");
    let stat = b"user_usec 990000\nsystem_usec 0\n";
    fixture.scratch.write("sys/fs/cgroup/shop.slice/web.service/cpu.stat", stat);
    let section = |name: &str, executables: &[&str]| {
        let cgroups = vec![Cgroup::Unit("web.service".to_owned())];
        let executables = executables.iter().map(|&name| name.to_owned()).collect();
        let selectors = Selectors { cgroups, executables, ..Selectors::default() };
        Watch { selectors, ..watch(name, "", true) }
    };
    // Where more is asked for, the group is another one.
    for (name, executables, ticks) in [("all", &[][..], 99), ("some", &["web"], 5)] {
        let watches = [section(name, executables)];
        fixture.groups.follow(&watches);
        assert_eq!(fixture.refresh_as(&watches, &[], true), [row(name, 1, ticks)]);
    }
    let watches = [section("all", &[])];
    fixture.groups.follow(&watches);
    fixture.refresh_as(&watches, &[], true);
    fixture.remove(10);
    assert_eq!(fixture.refresh(&watches), [row("all", 0, 99)]);
}
