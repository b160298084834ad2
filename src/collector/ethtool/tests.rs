//! Drivers that are made up.

use super::*;
use crate::collector::flags::Flags;
use crate::collector::samples::samples;
use crate::collector::scratch::Scratch;
use crate::collector::{Choice, Roots};
use crate::registry::Registry;
use crate::sys::ethtool::{DRIVER_BYTES, NAME_BYTES, SETTINGS_BYTES};

/// `left` tells everything, `right` has a driver without statistics, and of the rest nobody knows.
#[derive(Default)]
struct Fake {
    answer: Vec<u8>,
}

impl Fake {
    fn give(&mut self, bytes: usize, parts: &[(usize, &[u8])]) -> io::Result<&[u8]> {
        self.answer = vec![0; bytes];
        for (at, part) in parts {
            self.answer[*at..][..part.len()].copy_from_slice(part);
        }
        Ok(&self.answer)
    }
}

const STATISTICS: [(&str, u64); 4] =
    [("rx_bytes", 4_000), ("Tx Timeouts", 3), ("tx_timeouts", 4), ("rx_0.drops", 5)];

fn refusal<T>() -> io::Result<T> {
    Err(io::Error::from_raw_os_error(95))
}

impl Drivers for Fake {
    fn settings(&mut self, device: &str) -> io::Result<&[u8]> {
        // 10baseT/Full, 1000baseT/Full, autonegotiation, TP and pause, of which not all is offered.
        let [supported, advertised] = [0x20e2_u32, 0x0020].map(u32::to_ne_bytes);
        match device {
            "left" => self
                .give(SETTINGS_BYTES, &[(4, &supported[..]), (8, &advertised[..]), (18, &[1][..])]),
            _ => refusal(),
        }
    }

    fn driver(&mut self, device: &str) -> io::Result<&[u8]> {
        let count = (STATISTICS.len() as u32).to_ne_bytes();
        match device {
            "left" => self.give(DRIVER_BYTES, &[(4, b"fake"), (36, b"1.2"), (180, &count)]),
            "right" => self.give(DRIVER_BYTES, &[(4, b"fake"), (100, b"0000:01:00.0")]),
            _ => refusal(),
        }
    }

    fn statistic_names(&mut self, _: &str, count: u32) -> io::Result<&[u8]> {
        let at = |(index, (name, _)): (usize, &(&'static str, u64))| (index * 32, name.as_bytes());
        let names: Vec<(usize, &[u8])> = STATISTICS.iter().enumerate().map(at).collect();
        self.give(count as usize * NAME_BYTES, &names)
    }

    fn statistics(&mut self, _: &str, _: u32) -> io::Result<&[u8]> {
        self.answer = STATISTICS.iter().flat_map(|(_, value)| value.to_ne_bytes()).collect();
        Ok(&self.answer)
    }
}

/// What is shown of the folder `class/net` that has these devices, with these flags.
fn shown(test: &str, flags: &[(&str, &str)]) -> (Result<(), CollectError>, Vec<String>) {
    let scratch = Scratch::new(test);
    for device in ["left", "right", "silent"] {
        scratch.write(&format!("class/net/{device}/mtu"), b"1500\n");
    }
    scratch.write("class/net/bonding_masters", b"left\n");
    show(&Roots { sys: scratch.path("."), ..Roots::default() }, flags, || Ok(Fake::default()))
}

fn show(
    roots: &Roots,
    given: &[(&str, &str)],
    open: fn() -> io::Result<Fake>,
) -> (Result<(), CollectError>, Vec<String>) {
    let (mut flags, mut files, registry) = (Flags::default(), Files::default(), Registry::new());
    for (name, value) in given {
        flags.set(name, value).unwrap();
    }
    let setup = Setup {
        registry: registry.clone(),
        roots,
        flags: &flags,
        choice: &Choice::default(),
        files: &mut Files::default(),
    };
    let mut collector = EthTool::new(&setup, open).unwrap();
    let first = collector.collect(&mut files);
    let series = samples(&registry);
    let again = collector.collect(&mut files);
    assert_eq!((first.is_ok(), &series), (again.is_ok(), &samples(&registry)));
    (first, series)
}

#[test]
fn each_device_shows_what_its_driver_tells() {
    let (outcome, series) = shown("ethtool-all", &[]);
    outcome.unwrap();
    assert_eq!(
        series,
        [
            "node_ethtool_info{bus_info=,device=left,driver=fake,expansion_rom_version=,\
             firmware_version=,version=1.2} 1",
            "node_ethtool_info{bus_info=0000:01:00.0,device=right,driver=fake,\
             expansion_rom_version=,firmware_version=,version=} 1",
            "node_ethtool_received_0_drops{device=left} 5",
            "node_ethtool_received_bytes_total{device=left} 4000",
            "node_network_advertised_speed_bytes{device=left,duplex=full,mode=1000baseT} 125000000",
            "node_network_asymmetricpause_advertised{device=left} 0",
            "node_network_asymmetricpause_supported{device=left} 0",
            "node_network_autonegotiate{device=left} 1",
            "node_network_autonegotiate_advertised{device=left} 0",
            "node_network_autonegotiate_supported{device=left} 1",
            "node_network_pause_advertised{device=left} 0",
            "node_network_pause_supported{device=left} 1",
            "node_network_supported_port_info{device=left,type=TP} 1",
            "node_network_supported_speed_bytes{device=left,duplex=full,mode=10baseT} 1250000",
            "node_network_supported_speed_bytes{device=left,duplex=full,mode=1000baseT} 125000000",
        ]
    );
}

#[test]
fn flags_choose_devices_and_statistics() {
    let (_, series) = shown("ethtool-include", &[(DEVICE_INCLUDE, "right")]);
    assert!(series.len() == 1 && series[0].contains("device=right"), "{series:?}");
    let (_, series) = shown("ethtool-exclude", &[(DEVICE_EXCLUDE, "^left$")]);
    assert!(series.len() == 1 && series[0].contains("device=right"), "{series:?}");
    let (_, series) = shown("ethtool-metrics", &[(METRICS_INCLUDE, "_drops$")]);
    let statistics = series.iter().filter(|series| series.starts_with("node_ethtool_received"));
    assert_eq!(statistics.count(), 1, "{series:?}");
}

#[test]
fn without_devices_or_a_socket_there_is_no_success() {
    let scratch = Scratch::new("ethtool-none");
    let roots = Roots { sys: scratch.path("none"), ..Roots::default() };
    let (outcome, series) = show(&roots, &[], || Ok(Fake::default()));
    assert!(outcome.unwrap_err().is_no_data() && series.is_empty());

    scratch.write("class/net/left/mtu", b"1500\n");
    let roots = Roots { sys: scratch.path("."), ..Roots::default() };
    let (outcome, series) = show(&roots, &[], || Err(io::Error::from_raw_os_error(24)));
    assert!(!outcome.unwrap_err().is_no_data() && series.is_empty());
}
