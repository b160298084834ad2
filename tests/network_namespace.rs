//! Network interfaces that come, change and go, in a network namespace of the test's own.
//!
//! Needs unshare(1), ip(8) and the right to use them; without, the test says so and checks nothing,
//! unless `PROMLET_REQUIRE_NAMESPACE=1`.

mod support;

use std::path::Path;

use promlet::Registry;
use promlet::collector::{Choice, Node, Roots, Settings};
use promlet::encoding::Encoder;
use support::exposition::{self, Exposition};
use support::namespace::{run, run_inside};
use support::temp::TempDir;

/// What the outer test runs in the namespace.
const INNER: &str = "in_a_namespace";

#[test]
fn interfaces_come_change_and_go_without_a_restart() {
    run_inside(&["--net", "--mount"], "mount -t sysfs sysfs /sys && ip link", INNER);
}

/// The collectors of network interfaces.
struct Network {
    encoder: Encoder,
}

impl Network {
    fn new(collectors: &[&str], sys: &Path) -> Network {
        Network::with_flags(collectors, sys, &[])
    }

    fn with_flags(collectors: &[&str], sys: &Path, switches: &[&str]) -> Network {
        let registry = Registry::new();
        let mut settings = Settings {
            roots: Roots { sys: sys.into(), ..Roots::default() },
            ..Settings::default()
        };
        for switch in switches {
            settings.flags.set(switch, "true").expect("there is such a flag");
        }
        let choice = Choice::only(collectors.iter().copied()).expect("they are collectors");
        Node::register(&registry, &settings, &choice, Box::new(|report| panic!("{report:?}")))
            .expect("the names are free");
        Network { encoder: Encoder::new(registry) }
    }

    fn scrape(&mut self) -> Exposition {
        let mut body = Vec::new();
        self.encoder.scrape(None, None).write_all(&mut body);
        exposition::read(&body).expect("it is valid")
    }

    /// The devices that a family shows, by name.
    fn devices(&mut self, family: &str) -> Vec<String> {
        let read = self.scrape();
        let samples = &read.family(family).expect("the family is registered").samples;
        let device = |labels: &[(String, String)]| {
            labels.iter().find(|(name, _)| name == "device").map(|(_, value)| value.clone())
        };
        let mut devices: Vec<String> =
            samples.iter().filter_map(|sample| device(&sample.labels)).collect();
        devices.sort_unstable();
        devices
    }
}

/// Families whose value or labels `copied` shows otherwise than `linked`.
fn differences(linked: &Exposition, copied: &Exposition) -> Vec<String> {
    let names = copied.families.iter().map(|family| &*family.name);
    names
        .filter(|name| name.starts_with("node_network_"))
        .filter(|name| {
            let values = |read: &Exposition| {
                let samples = read.family(name).map(|family| &family.samples);
                let mut values: Vec<String> = samples
                    .into_iter()
                    .flatten()
                    .map(|sample| format!("{:?} {}", sample.identity(), sample.value))
                    .collect();
                values.sort_unstable();
                values
            };
            values(linked) != values(copied)
        })
        .map(str::to_owned)
        .collect()
}

#[test]
#[ignore = "run by the test of this file, in a namespace"]
fn in_a_namespace() {
    run("mount -t sysfs sysfs /sys");
    let mut network = Network::new(&["ethtool", "netclass", "netdev"], Path::new("/sys"));
    // Some modules add interfaces to each namespace.
    let own = network.devices("node_network_receive_bytes_total");
    let mut check = |others: &[&str]| {
        let mut expected: Vec<&str> =
            own.iter().map(|name| &**name).chain(others.to_vec()).collect();
        expected.sort_unstable();
        for family in ["node_network_info", "node_network_receive_bytes_total"] {
            assert_eq!(network.devices(family), expected, "{family}");
        }
        if !others.is_empty() {
            let driven = network.devices("node_ethtool_info");
            assert!(others.iter().all(|other| driven.iter().any(|device| device == other)));
        }
        compare_with_files(&mut network);
    };
    check(&[]);

    run("ip link add left type veth peer name right");
    run("ip link set left mtu 1400 alias 'to the right' txqueuelen 7 promisc on up");
    run("ip link set right group 9 address 02:00:00:00:00:99");
    run("ip link set lo up");
    check(&["left", "right"]);
    compare_with_netlink();

    run("ip link set right up && ip link set left promisc off");
    check(&["left", "right"]);

    // The address stays, and how it was assigned does not.
    run("ip link set left address $(cat /sys/class/net/left/address)");
    run("ip link set right down");
    check(&["left", "right"]);

    // Another device of the same name.
    run("ip link del left && ip link add left type veth peer name other");
    check(&["left", "other"]);

    run("ip link del left");
    check(&[]);
}

/// Checks that the links tell what the files of sysfs do.
fn compare_with_files(network: &mut Network) {
    let copy = TempDir::new("network-namespace");
    let folder = copy.path().join("class/net");
    run(&format!(
        "for device in /sys/class/net/*; do to={}/$(basename $device); mkdir -p $to; \
         for file in $device/*; do [ ! -f $file ] || cat $file > $to/$(basename $file) 2> /dev/null \
         || rm $to/$(basename $file); done; done",
        folder.display()
    ));
    let copied = Network::new(&["netclass"], copy.path()).scrape();
    let linked = network.scrape();
    assert_eq!(differences(&linked, &copied), [""; 0]);
}

/// Checks what netlink tells in its own way of `left`, which is up while its peer is not.
fn compare_with_netlink() {
    run("ip link property add dev left altname wan altname to-the-right");
    let mut network = Network::with_flags(
        &["netclass"],
        Path::new("/sys"),
        &["collector.netclass.netlink", "collector.netclass_rtnl.with-stats"],
    );
    assert_eq!(network.devices("node_network_altnames_info"), ["left", "left"]);
    let read = network.scrape();
    let labels = |name| {
        let samples = &read.family(name).expect("the family is registered").samples;
        let labels = samples.iter().map(|sample| sample.identity());
        labels.filter(|labels| labels.contains(&("device", "left"))).collect::<Vec<_>>()
    };
    let names: Vec<&str> = labels("node_network_altnames_info")
        .iter()
        .flatten()
        .filter(|(label, _)| *label == "altname")
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(names, ["wan", "to-the-right"]);
    let [info] = &labels("node_network_info")[..] else { panic!("one interface has one") };
    for label in [("duplex", "Full"), ("ifalias", "to the right"), ("operstate", "lowerlayerdown")]
    {
        assert!(info.contains(&label), "{info:?}");
    }
    assert!(info.iter().all(|(label, _)| *label != "adminstate"));
    assert_eq!(labels("node_network_receive_over_errors_total").len(), 1);
}
