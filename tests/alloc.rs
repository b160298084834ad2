//! A scrape of the node that finds what the one before found allocates nothing, nor does matching
//! a name that such a scrape finds.

use promlet::collector::application::{self, Families, Sources, Status, Visit};
use promlet::collector::watch::{Selectors, Template, Watch, WatchList};
use promlet::collector::{Choice, Node, Roots, Settings, process};
use promlet::regex::Regex;
use promlet::registry::Selection;
use promlet::{Registry, Scrape};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the allocations of all threads: collectors that may keep a reader waiting run on helpers.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

fn count() {
    // ORDERING: Relaxed, as nothing else is read by it; whoever compares two counts has waited for
    // the threads between them.
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
}

fn allocations() -> u64 {
    // ORDERING: as in `count`.
    ALLOCATIONS.load(Ordering::Relaxed)
}

// SAFETY: everything is the system's allocator; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is this one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System`, with this layout, as the caller vouches for.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for `dealloc`; the caller vouches for the size.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations_of_a_steady_scrape(roots: Roots) -> u64 {
    let settings = Settings { roots, ..Settings::default() };
    let registry = Registry::new();
    let report = |report: promlet::collector::Report<'_>| drop(format!("{report:?}"));
    Node::register(&registry, &settings, &Choice::default(), Box::new(report)).unwrap();
    process::register(&registry).unwrap();
    let registered = allocations();
    for _ in 0..3 {
        registry.collect(&Scrape::new(Selection::ALL));
    }
    let before = allocations();
    assert!(before > registered, "the first scrape makes series");
    for _ in 0..10 {
        registry.collect(&Scrape::new(Selection::ALL));
    }
    allocations() - before
}

/// Fixtures of collectors that are on by default.
const TREES: [&str; 8] =
    ["cpus", "disks", "kernel", "mounts", "sensors", "thermal", "three-cpus", "watchdog"];

/// One test, since others beside it, and the harness between them, would be counted.
#[test]
fn what_is_steady_allocates_nothing() {
    assert_eq!(allocations_of_a_steady_scrape(Roots::default()), 0, "on the host");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    // What this host may lack: sensors, disks, mounts.
    for tree in TREES {
        let folder = fixtures.join(tree);
        let roots = Roots {
            proc: folder.join("proc"),
            sys: folder.join("sys"),
            udev: folder.join("udev/data"),
            rootfs: folder,
        };
        assert_eq!(allocations_of_a_steady_scrape(roots), 0, "of {tree}");
    }
    let folder = fixtures.join("three-cpus");
    let missing = Roots { proc: folder.join("none"), sys: folder.join("sys"), ..Roots::default() };
    assert_eq!(allocations_of_a_steady_scrape(missing), 0, "where a source is missing");
    assert_eq!(allocations_of_a_match(), 0, "of a regular expression");
    watching_allocates_nothing();
}

/// Of an expression that is asked often.
fn allocations_of_a_match() -> u64 {
    let disks = r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$";
    let regex = Regex::new(disks).expect("the expression is legal");
    for _ in 0..2_000 {
        assert!(regex.is_match(b"loop0"));
    }
    let before = allocations();
    assert!(regex.is_match(b"nvme0n1p2") && !regex.is_match("disque-é".as_bytes()));
    allocations() - before
}

/// Also of all processes of this host, or with the threads of this one.
fn watching_allocates_nothing() {
    let named = Families { namedprocess: true, ..Families::default() };
    let of_all = |visit: &mut dyn FnMut(&str, Status)| {
        visit("shop", Status { pid: Some(1), ..Status::default() });
    };
    assert_quiet(Box::new(of_all), named);
    assert_quiet(Box::new(|_| ()), Families { threads: true, smaps: true, ..named });
}

/// Processes that come meanwhile need room, so it is one quiet scrape of many that is looked for.
fn assert_quiet(visit: Visit, families: Families) {
    let (registry, watches) = (Registry::new(), WatchList::default());
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    let executables = vec![name.trim_end().to_owned()];
    watches.set(vec![Watch {
        name: "test".to_owned(),
        selectors: Selectors { executables, ..Selectors::default() },
        children: true,
        group: Template::fixed("test"),
        groups_max: 1,
        users: [].into(),
    }]);
    let sources = Sources {
        visit,
        find_owner: Box::new(|_| None),
        watches,
        procfs: "/proc".into(),
        sysfs: "/sys".into(),
    };
    application::register(&registry, &registry, sources, families).unwrap();
    let of_a_scrape = |_| {
        let before = allocations();
        registry.collect(&Scrape::new(Selection::ALL));
        allocations() - before
    };
    let counts: Vec<u64> = (0..20).map(of_a_scrape).collect();
    assert!(counts[0] > 0, "the first scrape makes series");
    assert!(counts.contains(&0), "{counts:?}");
}
