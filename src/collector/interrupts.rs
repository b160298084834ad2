//! `interrupts`: interrupts by CPU and source. Source: /proc/interrupts (proc_interrupts(5)).
//!
//! A CPU goes by its column, as in node_exporter: where CPUs are offline that is not its number.
//! Lines with fewer columns than there are CPUs, which count for all of them (`ERR`, `MIS`), are
//! passed over.

use super::error::CollectError;
use super::flags::{Filter, Flag};
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::ordinals::Ordinals;
use super::remembered::Remembered;
use super::table::{Metric, Table};
use super::text::push_text;
use super::{Collector, Setup};
use crate::registry::RegisterError;

const INCLUDE: &str = "collector.interrupts.name-include";
const EXCLUDE: &str = "collector.interrupts.name-exclude";
const ZEROS: &str = "collector.interrupts.include-zeros";

pub(super) const FLAGS: &[Flag] = &[
    Flag::pattern(
        INCLUDE,
        "",
        "Show only the interrupts whose names match this. A name is TYPE;INFO;DEVICES.",
    ),
    Flag::pattern(
        EXCLUDE,
        "",
        "Leave out the interrupts whose names match this. A name is TYPE;INFO;DEVICES.",
    ),
    Flag::switch(ZEROS, true, "Show interrupts that never came to a CPU."),
];

const METRICS: [Metric; 1] =
    [Metric::counter("node_interrupts_total", "Interrupts serviced, by CPU and source.")];
const LABELS: [&str; 4] = ["cpu", "devices", "info", "type"];

pub(super) struct Interrupts {
    file: KeptFile,
    filter: Filter,
    shows_zeros: bool,
    shown: Remembered<bool>,
    cpus: Ordinals,
    table: Table,
    name: Name,
}

/// What an interrupt is, and where it comes from.
#[derive(Debug, Default, PartialEq)]
struct Name {
    kind: String,
    info: String,
    devices: String,
    /// All three, as the filters see them.
    whole: String,
}

impl Interrupts {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(Interrupts {
            file: KeptFile::of_many_records(setup.roots.proc.join("interrupts")),
            filter: setup.flags.filter(INCLUDE, EXCLUDE),
            shows_zeros: setup.flags.switch(ZEROS),
            shown: Remembered::new(),
            cpus: Ordinals::default(),
            table: Table::register(&setup.registry, &LABELS, &METRICS)?,
            name: Name::default(),
        }))
    }
}

impl Collector for Interrupts {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.shown.begin_pass();
        let mut lines = Lines::new("interrupts", files.read(&mut self.file)?);
        let cpus = lines.next().ok_or_else(|| lines.missing("the headings"))?.word_count();
        for line in lines {
            let Some(mut counts) = self.name.read(line, cpus) else { continue };
            let lets = || self.filter.lets(self.name.whole.as_bytes());
            if !*self.shown.get(self.name.whole.as_bytes(), lets) {
                continue;
            }
            let Name { kind, info, devices, .. } = &self.name;
            for cpu in 0..cpus {
                let count: u64 = counts.number("a count")?;
                if self.shows_zeros || count != 0 {
                    let row = &[self.cpus.text(cpu), devices, info, kind];
                    sweep.row(row).set(0, Some(count as f64));
                }
            }
        }
        Ok(())
    }
}

impl Name {
    /// Reads what stands around the counts of a line, and leaves the line at them. `None` where it
    /// is none of an interrupt.
    fn read<'a>(&mut self, mut line: Line<'a>, cpus: usize) -> Option<Line<'a>> {
        let Name { kind, info, devices, whole } = self;
        [&mut *kind, info, devices, whole].into_iter().for_each(String::clear);
        push_text(kind, line.until(b':')?.trim_ascii_start());
        let counts = line.clone();
        for _ in 0..cpus {
            line.word()?;
        }
        push_text(info, line.word()?);
        // What has a name and no number is of the CPU's own making and has no device.
        let rest = if kind.parse::<u32>().is_ok() { &mut *devices } else { &mut *info };
        while let Some(word) = line.word() {
            if !rest.is_empty() {
                rest.push(' ');
            }
            push_text(rest, word);
        }
        for part in [&*kind, ";", info, ";", devices] {
            whole.push_str(part);
        }
        Some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_around_the_counts() {
        const CASES: &[(&str, Option<&str>)] = &[
            ("  0:  18  0  IO-APIC   2-edge      timer", Some("0;IO-APIC;2-edge timer")),
            (
                " 24:  1 2  PCI-MSI-0000:00:1f.2  0-edge  ahci[0000]  x",
                Some("24;PCI-MSI-0000:00:1f.2;0-edge ahci[0000] x"),
            ),
            ("NMI:  47  5031   Non-maskable interrupts", Some("NMI;Non-maskable interrupts;")),
            ("IPI0:1 2       Rescheduling interrupts", Some("IPI0;Rescheduling interrupts;")),
            (" 7: 1 2 x", Some("7;x;")),
            ("ERR:  0", None),
            ("MIS:  0 1", None),
            ("no colon 1 2 3", None),
            ("", None),
        ];
        for (content, expected) in CASES {
            let content = format!("{content}\n");
            let line = Lines::new("interrupts", content.as_bytes()).next().unwrap();
            let mut name = Name::default();
            let found = name.read(line, 2).is_some().then_some(&*name.whole);
            assert_eq!(found, *expected, "{content:?}");
        }
    }
}
