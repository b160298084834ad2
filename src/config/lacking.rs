//! The collectors of node_exporter that promlet lacks.
//!
//! A command line of node_exporter may name one to turn it off, which it is, or set flags of one
//! that is off, which changes nothing there either. Only turning one on is an error, since what
//! is asked for would be missing from then on.

use std::borrow::Cow;

use super::option::{Effect, Group, OptionRow};
use crate::collector::Takes;

/// A collector of node_exporter that promlet lacks.
#[derive(Debug, Clone, Copy)]
pub struct LackingRow {
    /// Its name, as in `--collector.NAME`.
    pub name: &'static str,
    /// What it shows, and where from.
    pub about: &'static str,
    /// Its own flags, old spellings among them.
    flags: &'static [(&'static str, Takes)],
}

const fn row(
    name: &'static str,
    about: &'static str,
    flags: &'static [(&'static str, Takes)],
) -> LackingRow {
    LackingRow { name, about, flags }
}

/// Off unless it is given.
const SWITCH: Takes = Takes::Switch(false);

/// Any value: nobody looks at it.
const VALUE: Takes = Takes::Text("");

/// The collectors of node_exporter that promlet lacks, by name. All are off by default there.
pub const LACKING: &[LackingRow] = &[
    row("drm", "graphics cards, from /sys/class/drm", &[]),
    row("logind", "sessions of users, from logind over D-Bus", &[]),
    row(
        "ntp",
        "what an NTP server says, asked over UDP",
        &[
            ("collector.ntp.ip-ttl", VALUE),
            ("collector.ntp.local-offset-tolerance", VALUE),
            ("collector.ntp.max-distance", VALUE),
            ("collector.ntp.protocol-version", VALUE),
            ("collector.ntp.server", VALUE),
            ("collector.ntp.server-is-local", SWITCH),
            ("collector.ntp.server-port", VALUE),
        ],
    ),
    row("nvmesubsystem", "paths of NVMe subsystems, from /sys/class/nvme-subsystem", &[]),
    row(
        "runit",
        "services of runit, from their control files",
        &[("collector.runit.servicedir", VALUE)],
    ),
    row(
        "supervisord",
        "services of supervisord, asked over XML-RPC",
        &[("collector.supervisord.url", VALUE)],
    ),
    row(
        "systemd",
        "units of systemd, asked over D-Bus",
        &[
            ("collector.systemd.enable-restarts-metrics", SWITCH),
            ("collector.systemd.enable-start-time-metrics", SWITCH),
            ("collector.systemd.enable-task-metrics", SWITCH),
            ("collector.systemd.private", SWITCH),
            ("collector.systemd.unit-blacklist", VALUE),
            ("collector.systemd.unit-exclude", VALUE),
            ("collector.systemd.unit-include", VALUE),
            ("collector.systemd.unit-whitelist", VALUE),
        ],
    ),
];

/// What a command line may say of them: rows that neither the help nor the README shows.
pub(super) fn options() -> impl Iterator<Item = OptionRow> {
    let option = |name, effect| OptionRow {
        name,
        short: None,
        group: Group::Collectors,
        help: Cow::Borrowed(""),
        effect,
    };
    LACKING.iter().flat_map(move |row| {
        let switch = option(Cow::Owned(format!("collector.{}", row.name)), Effect::Lacking(row));
        let flags = row.flags.iter();
        let flags =
            flags.map(move |(name, takes)| option(Cow::Borrowed(*name), Effect::OfLacking(*takes)));
        std::iter::once(switch).chain(flags)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::COLLECTORS;

    #[test]
    fn none_of_them_is_there() {
        assert!(LACKING.is_sorted_by(|a, b| a.name < b.name));
        for lacking in LACKING {
            assert!(COLLECTORS.iter().all(|row| row.name != lacking.name), "{}", lacking.name);
            let prefix = format!("collector.{}.", lacking.name);
            assert!(lacking.flags.iter().all(|(name, _)| name.starts_with(&prefix)));
            assert!(lacking.flags.is_sorted_by_key(|(name, _)| name));
        }
    }
}
