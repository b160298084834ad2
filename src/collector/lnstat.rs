//! `lnstat`: what the caches of the network counted, by CPU. Source: the files in `net/stat` of
//! proc_net(5), each a line of names and a line of hexadecimal numbers for each CPU.

use super::devices::Devices;
use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::fs::{Files, KeptFile};
use super::lines::Lines;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;
use std::fmt::Write as _;

pub(super) struct LnStat {
    caches: Devices<KeptFile>,
    fields: Fields,
    cpu: String,
}

impl LnStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        Ok(Box::new(LnStat {
            caches: Devices::new(setup.roots.proc.join("net/stat")),
            fields: Fields::new(&setup.registry),
            cpu: String::new(),
        }))
    }
}

impl Collector for LnStat {
    /// A kernel without such files has nothing to show, which is no failure.
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let LnStat { caches, fields, cpu } = self;
        let mut fields = fields.sweep();
        match caches.refresh(|_, file| Some(KeptFile::of_many_records(file))) {
            Err(error) if error.is_no_data() => return Ok(()),
            listed => listed?,
        }
        let mut outcome = Ok(());
        for (cache, file) in caches.iter_mut() {
            let content = files.read(file);
            let shown = content.and_then(|content| set_cache(cache, content, &mut fields, cpu));
            outcome = outcome.and(shown);
        }
        outcome
    }
}

fn set_cache(
    cache: &str,
    content: &[u8],
    fields: &mut FieldSweep<'_>,
    cpu: &mut String,
) -> Result<(), CollectError> {
    let mut lines = Lines::new("stat", content);
    let names = lines.next().ok_or_else(|| lines.missing("a line of names"))?;
    for (number, mut line) in lines.enumerate() {
        cpu.clear();
        write!(cpu, "{number}").expect("a string takes all");
        let mut names = names.clone();
        while !line.is_at_end() {
            let count = line.hexadecimal("a hexadecimal count")?;
            let name = names.word().ok_or_else(|| line.malformed("no more counts", None))?;
            let row = fields.row(name, &[&**cpu, cache], || Described {
                name: format!("node_lnstat_{}_total", name.escape_ascii()),
                help: format!("Counter {} of a cache of the network.", name.escape_ascii()),
                kind: Kind::Counter,
                label_names: &["cpu", "subsystem"],
            });
            row?.set(0, Some(count as f64));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Registry;

    fn show(content: &str) -> Result<Vec<String>, CollectError> {
        let registry = Registry::new();
        let (mut fields, mut cpu) = (Fields::new(&registry), String::new());
        let mut sweep = fields.sweep();
        set_cache("arp_cache", content.as_bytes(), &mut sweep, &mut cpu)?;
        drop(sweep);
        Ok(samples(&registry))
    }

    #[test]
    fn shows_each_count_of_each_cpu() {
        assert_eq!(
            show("entries hits\n00000001 0000000a\n00000001\n").unwrap(),
            [
                "node_lnstat_entries_total{cpu=0,subsystem=arp_cache} 1",
                "node_lnstat_entries_total{cpu=1,subsystem=arp_cache} 1",
                "node_lnstat_hits_total{cpu=0,subsystem=arp_cache} 10",
            ]
        );
        assert!(show("entries\n").unwrap().is_empty());
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("", "stat:1: expected a line of names, found end of file"),
            ("a b\n1 2 3\n", "stat:2: expected no more counts, found end of line"),
            ("a b\n1 x\n", "stat:2: expected a hexadecimal count, found x"),
        ];
        for (content, expected) in CASES {
            assert_eq!(show(content).unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
