//! A scrape of the node that finds what the one before found allocates nothing, nor does matching
//! a name that such a scrape finds.

use promlet::collector::application::{self, Families, Sources, Status};
use promlet::collector::watch::{Selectors, Template, Watch, WatchList};
use promlet::collector::{Choice, Node, Roots, Settings, process};
use promlet::regex::Regex;
use promlet::registry::Selection;
use promlet::{Registry, Scrape};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter, and nobody reads it.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
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
    let registered = ALLOCATIONS.get();
    for _ in 0..3 {
        registry.collect(&Scrape::new(Selection::ALL));
    }
    let before = ALLOCATIONS.get();
    assert!(before > registered, "the first scrape makes series");
    for _ in 0..10 {
        registry.collect(&Scrape::new(Selection::ALL));
    }
    ALLOCATIONS.get() - before
}

#[test]
fn nothing_is_allocated_on_the_host() {
    assert_eq!(allocations_of_a_steady_scrape(Roots::default()), 0);
}

#[test]
fn nothing_is_allocated_where_a_source_is_missing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/three-cpus");
    let roots = Roots { proc: folder.join("none"), sys: folder.join("sys"), ..Roots::default() };
    assert_eq!(allocations_of_a_steady_scrape(roots), 0);
}

#[test]
fn matching_allocates_nothing() {
    let disks = r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$";
    let regex = Regex::new(disks).expect("the expression is legal");
    let before = ALLOCATIONS.get();
    assert!(regex.is_match(b"nvme0n1p2") && !regex.is_match("disque-é".as_bytes()));
    assert_eq!(ALLOCATIONS.get(), before);
}

/// Processes that come meanwhile need room, so it is one quiet scrape of many that is looked for.
#[test]
fn watching_allocates_nothing() {
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
        visit: Box::new(|visit| visit("shop", Status { pid: Some(1), ..Status::default() })),
        find_owner: Box::new(|_| None),
        watches,
        procfs: "/proc".into(),
    };
    let families = Families { namedprocess: true, ..Families::default() };
    application::register(&registry, &registry, sources, families).unwrap();
    let allocations = |_| {
        let before = ALLOCATIONS.get();
        registry.collect(&Scrape::new(Selection::ALL));
        ALLOCATIONS.get() - before
    };
    let allocations: Vec<u64> = (0..20).map(allocations).collect();
    assert!(allocations[0] > 0, "the first scrape makes series");
    assert!(allocations.contains(&0), "{allocations:?}");
}
