//! The modes of links, numbered by `enum ethtool_link_mode_bit_indices` of linux/ethtool.h. Settings
//! have the first 32 of them, and node_exporter shows no more either.

/// The link can negotiate its settings.
pub(super) const AUTONEGOTIATION: u32 = 6;
/// It knows pause frames.
pub(super) const PAUSE: u32 = 13;
/// It can pause one direction alone.
pub(super) const PAUSE_ASYMMETRIC: u32 = 14;

/// Table: bit => kind of port.
pub(super) const PORTS: [(u32, &str); 6] =
    [(7, "TP"), (8, "AUI"), (9, "MII"), (10, "FIBRE"), (11, "BNC"), (16, "Backplane")];

/// A speed that a link can have.
#[derive(Clone, Copy)]
pub(super) struct Speed {
    pub(super) bit: u32,
    pub(super) bytes_per_second: f64,
    pub(super) duplex: &'static str,
    pub(super) mode: &'static str,
}

const BYTES_PER_MEGABIT: f64 = 125_000.0;

const fn full(bit: u32, megabits: u32, mode: &'static str) -> Speed {
    Speed { bit, bytes_per_second: megabits as f64 * BYTES_PER_MEGABIT, duplex: "full", mode }
}

const fn half(bit: u32, megabits: u32, mode: &'static str) -> Speed {
    Speed { duplex: "half", ..full(bit, megabits, mode) }
}

/// Speeds by their bits.
pub(super) const SPEEDS: [Speed; 22] = [
    half(0, 10, "10baseT"),
    full(1, 10, "10baseT"),
    half(2, 100, "100baseT"),
    full(3, 100, "100baseT"),
    half(4, 1_000, "1000baseT"),
    full(5, 1_000, "1000baseT"),
    full(12, 10_000, "10000baseT"),
    full(17, 1_000, "1000baseKX"),
    full(18, 10_000, "10000baseKX4"),
    full(19, 10_000, "10000baseKR"),
    full(20, 10_000, "10000baseR_FEC"),
    full(21, 20_000, "20000baseMLD2"),
    full(22, 20_000, "20000baseKR2"),
    full(23, 40_000, "40000baseKR4"),
    full(24, 40_000, "40000baseCR4"),
    full(25, 40_000, "40000baseSR4"),
    full(26, 40_000, "40000baseLR4"),
    full(27, 56_000, "56000baseKR4"),
    full(28, 56_000, "56000baseCR4"),
    full(29, 56_000, "56000baseSR4"),
    full(30, 56_000, "56000baseLR4"),
    full(31, 25_000, "25000baseCR"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_there_once_and_modes_say_their_speeds() {
        let others = [AUTONEGOTIATION, PAUSE, PAUSE_ASYMMETRIC].into_iter();
        let bits = SPEEDS.map(|speed| speed.bit).into_iter();
        let mut bits: Vec<u32> = bits.chain(PORTS.map(|(bit, _)| bit)).chain(others).collect();
        bits.sort_unstable();
        // The one that is missing is 2500baseX, which node_exporter does not know.
        assert_eq!(bits, (0..32).filter(|bit| *bit != 15).collect::<Vec<_>>());
        for Speed { bytes_per_second, mode, .. } in SPEEDS {
            let megabits: f64 = mode.split_once("base").unwrap().0.parse().unwrap();
            assert_eq!(bytes_per_second, megabits * BYTES_PER_MEGABIT, "{mode}");
        }
    }
}
