//! File systems that are mounted, changed and unmounted, in namespaces of the test's own: what is
//! mounted is read only when the kernel says that it has changed.
//!
//! Needs unshare(1), mount(8) and the right to use them; without, the test says so and checks
//! nothing, unless `PROMLET_REQUIRE_NAMESPACE=1`.

mod support;

use promlet::Registry;
use promlet::collector::{Choice, Node, Settings};
use promlet::encoding::Encoder;
use support::exposition;
use support::namespace::{run, run_inside};
use support::temp::TempDir;

/// What the outer test runs in the namespaces.
const INNER: &str = "in_a_namespace";

/// The mounts that process 1 sees are shown, so the test needs to see it.
const NAMESPACES: [&str; 5] = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];

#[test]
fn mounts_come_change_and_go_without_a_restart() {
    run_inside(&NAMESPACES, "mount -t tmpfs tmpfs /mnt", INNER);
}

struct Mounts {
    encoder: Encoder,
    folder: TempDir,
}

impl Mounts {
    /// The mounts below the folder, and whether each is read-only.
    fn shown(&mut self) -> Vec<(String, bool)> {
        let mut body = Vec::new();
        self.encoder.scrape(None, None).write_all(&mut body);
        let read = exposition::read(&body).expect("it is valid");
        let samples = &read.family("node_filesystem_readonly").expect("it is registered").samples;
        let below = |path: &str| {
            let below = path.strip_prefix(self.folder.path().to_str()?)?;
            Some(below.trim_start_matches('/').to_owned())
        };
        let mut shown: Vec<(String, bool)> = samples
            .iter()
            .filter_map(|sample| {
                let label = sample.labels.iter().find(|(name, _)| name == "mountpoint");
                Some((below(&label?.1)?, sample.value == 1.0))
            })
            .collect();
        shown.sort_unstable();
        shown
    }

    /// Runs `command` in the folder and checks what a scrape shows then.
    fn check(&mut self, command: &str, expected: &[(&str, bool)]) {
        run(&format!("cd {} && {command}", self.folder.path().display()));
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, is_read_only)| ((*name).to_owned(), *is_read_only))
            .collect();
        for again in 0..2 {
            assert_eq!(self.shown(), expected, "{command}, {again}");
        }
    }
}

#[test]
#[ignore = "run by the test of this file, in namespaces"]
fn in_a_namespace() {
    let registry = Registry::new();
    let choice = Choice::only(["filesystem"]).expect("it is a collector");
    Node::register(
        &registry,
        &Settings::default(),
        &choice,
        Box::new(|report| panic!("{report:?}")),
    )
    .expect("the names are free");
    let encoder = Encoder::new(registry);
    let mut mounts = Mounts { encoder, folder: TempDir::new("mount-namespace") };

    mounts.check("mkdir a b c", &[]);
    mounts.check("mount -t tmpfs one a", &[("a", false)]);
    mounts.check("mount -t tmpfs two b", &[("a", false), ("b", false)]);
    mounts.check("mount -o remount,ro b", &[("a", false), ("b", true)]);
    mounts.check("mount -o remount,ro,bind a", &[("a", true), ("b", true)]);
    mounts.check("mount -o remount,rw b", &[("a", true), ("b", false)]);
    mounts.check("mount --move b c", &[("a", true), ("c", false)]);
    mounts.check("umount a", &[("c", false)]);
    // Over each other, of which only the upper one can be asked.
    mounts.check("mount -t tmpfs -o ro three c", &[("c", false), ("c", true)]);
    mounts.check("umount c", &[("c", false)]);
    mounts.check("umount c", &[]);
}
