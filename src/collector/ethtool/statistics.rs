//! The statistics of one device: which families they are, by the names that the driver gives them.

use super::answer::text;
use crate::collector::fields::metric_name_part;
use crate::regex::Regex;
use crate::sys::ethtool::{NAME_BYTES, STATISTIC_BYTES};
use std::collections::BTreeMap;

/// Statistics whose families say that they are totals; the rest are of unknown kind and do not.
const TOTALS: [&str; 7] =
    ["rx_bytes", "rx_dropped", "rx_errors", "rx_packets", "tx_bytes", "tx_errors", "tx_packets"];

/// What a device has, with the values of the last scrape.
#[derive(Default)]
pub(super) struct Statistics {
    /// As the driver gave them last; the families are worked out anew when they change.
    names: Vec<u8>,
    shown: Vec<Shown>,
}

struct Shown {
    /// Where the statistic stands in the list of the driver.
    index: usize,
    family: String,
    value: Option<f64>,
}

impl Statistics {
    /// Takes the names of all statistics, of which those that `included` matches are shown.
    pub(super) fn set_names(&mut self, names: &[u8], included: Option<&Regex>) {
        if self.names != names {
            self.names = names.to_vec();
            let shown = families(names, included).into_iter();
            self.shown =
                shown.map(|(index, family)| Shown { index, family, value: None }).collect();
        }
    }

    /// Takes the values of all statistics, in the order of their names.
    pub(super) fn set_values(&mut self, values: &[u8]) {
        let (values, _) = values.as_chunks::<STATISTIC_BYTES>();
        for shown in &mut self.shown {
            shown.value = values.get(shown.index).map(|bytes| u64::from_ne_bytes(*bytes) as f64);
        }
    }

    /// The families and their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.shown.iter().filter_map(|shown| Some((&*shown.family, shown.value?)))
    }
}

/// The statistics that are shown, by their places, and their families. Of two that would be the
/// same family neither is; of two with the same name the later one counts.
fn families(names: &[u8], included: Option<&Regex>) -> Vec<(usize, String)> {
    let names = names.chunks_exact(NAME_BYTES).enumerate();
    let last: BTreeMap<_, usize> = names.map(|(index, name)| (text(name), index)).collect();
    let mut by_family: BTreeMap<String, Option<(usize, bool)>> = BTreeMap::new();
    for (name, index) in last.iter().filter(|(name, _)| !name.is_empty()) {
        let name = metric_name_part(name);
        if included.is_none_or(|included| included.is_match(name.as_bytes())) {
            let statistic = Some((*index, TOTALS.contains(&&*name)));
            by_family.entry(family(&name)).and_modify(|other| *other = None).or_insert(statistic);
        }
    }
    let unique = by_family.into_iter().filter_map(|(family, statistic)| {
        let (index, is_total) = statistic?;
        Some((index, if is_total { family + "_total" } else { family }))
    });
    unique.collect()
}

/// The family of a statistic: in small letters, with received for `rx` and transmitted for `tx`.
fn family(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let mut family = String::from("node_ethtool");
    let mut replaced = None;
    for word in name.trim_start_matches('_').split('_') {
        let long = match word {
            "rx" => Some("received"),
            "tx" => Some("transmitted"),
            _ => None,
        };
        // Of two in a row node_exporter replaces the first.
        replaced = long.filter(|long| replaced != Some(*long));
        family.push('_');
        family.push_str(replaced.unwrap_or(word));
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_family_is_named_as_node_exporter_names_it() {
        const CASES: &[(&str, &str)] = &[
            ("port.rx_errors", "port_received_errors"),
            ("rx_errors", "received_errors"),
            ("Queue[0] AllocFails", "queue_0_allocfails"),
            ("Tx LPI entry count", "transmitted_lpi_entry_count"),
            ("[3]: tx_bytes", "3_transmitted_bytes"),
            ("     err", "err"),
            ("rx", "received"),
            ("prx_tx_rxq", "prx_transmitted_rxq"),
            ("rx_rx_rx_tx", "received_rx_received_transmitted"),
            ("__tx", "transmitted"),
        ];
        for (name, expected) in CASES {
            let family = family(&metric_name_part(name));
            assert_eq!(family, format!("node_ethtool_{expected}"), "{name:?}");
        }
    }

    fn names(names: &[&str]) -> Vec<u8> {
        let pad = |name: &&str| {
            let mut padded = name.as_bytes().to_vec();
            padded.resize(NAME_BYTES, 0);
            padded
        };
        names.iter().flat_map(pad).collect()
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_shown() {
        let names = names(&["rx_bytes", "a b", "", "a_b", "a-b", "x", "rx_bytes", "tx_dropped"]);
        let expected = [
            (6, "node_ethtool_received_bytes_total".to_owned()),
            (7, "node_ethtool_transmitted_dropped".to_owned()),
            (5, "node_ethtool_x".to_owned()),
        ];
        assert_eq!(families(&names, None), expected);
        let included = Regex::new("^rx_|^a_b$").unwrap();
        assert_eq!(families(&names, Some(&included)), expected[..1]);
    }

    #[test]
    fn a_name_that_moves_keeps_its_value() {
        let mut statistics = Statistics::default();
        let mut read = |list: &[&str], values: &[u64]| {
            statistics.set_names(&names(list), None);
            let values: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
            statistics.set_values(&values);
            statistics.iter().map(|(family, value)| format!("{family} {value}")).collect::<Vec<_>>()
        };
        assert_eq!(read(&["a", "b"], &[1, 2]), ["node_ethtool_a 1", "node_ethtool_b 2"]);
        assert_eq!(read(&["b", "a"], &[3, 4]), ["node_ethtool_a 4", "node_ethtool_b 3"]);
        assert_eq!(read(&["b", "a"], &[5]), ["node_ethtool_b 5"]);
    }

    proptest! {
        /// Whatever drivers say, each family is there once and its statistic is one of theirs.
        #[test]
        fn no_names_panic_or_repeat(names in prop::collection::vec(any::<u8>(), 0..400)) {
            let families = families(&names, None);
            let count = names.len() / NAME_BYTES;
            prop_assert!(families.iter().all(|(index, _)| *index < count));
            let mut unique: Vec<&String> = families.iter().map(|(_, family)| family).collect();
            unique.sort_unstable();
            unique.dedup();
            prop_assert_eq!(unique.len(), families.len());
        }
    }
}
