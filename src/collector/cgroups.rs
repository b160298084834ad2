//! `cgroups`: how many control groups each controller has. Source: /proc/cgroups (cgroups(7)).

use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 2] = [
    Metric::gauge("node_cgroups_cgroups", "Control groups that use a controller."),
    Metric::gauge("node_cgroups_enabled", "Whether a controller can be used."),
];

pub(super) struct Cgroups {
    file: KeptFile,
    table: Table,
}

impl Cgroups {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let file = KeptFile::new(setup.roots.proc.join("cgroups"));
        let table = Table::register(&setup.registry, &["subsys_name"], &METRICS)?;
        Ok(Box::new(Cgroups { file, table }))
    }
}

impl Collector for Cgroups {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        for line in Lines::new("cgroups", files.read(&mut self.file)?) {
            if let Some((controller, values)) = parse_controller(line)? {
                sweep.row(&[controller]).set_all(&values.map(Some));
            }
        }
        Ok(())
    }
}

/// The name of a controller, the number of its groups, and whether it can be used. `None` for the
/// headings.
fn parse_controller(mut line: Line<'_>) -> Result<Option<(&str, [f64; 2])>, CollectError> {
    let word = line.word();
    if word.is_some_and(|word| word.starts_with(b"#")) {
        return Ok(None);
    }
    let name = word.and_then(|word| std::str::from_utf8(word).ok());
    let name = name.ok_or_else(|| line.malformed("the name of a controller", word))?;
    line.number::<u64>("a hierarchy")?;
    let (groups, enabled): (u64, u64) = (line.number("a count")?, line.number("0 or 1")?);
    Ok(Some((name, [groups as f64, enabled as f64])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_and_says_what_is_wrong_with_it() {
        type Case = (&'static str, Result<Option<(&'static str, [f64; 2])>, &'static str>);
        const CASES: &[Case] = &[
            ("#subsys_name\thierarchy\tnum_cgroups\tenabled", Ok(None)),
            ("cpu\t3\t47\t1", Ok(Some(("cpu", [47.0, 1.0])))),
            ("cpu 3 47", Err("cgroups:1: expected 0 or 1, found end of line")),
            ("cpu 3 x 1", Err("cgroups:1: expected a count, found x")),
            ("", Err("cgroups:1: expected the name of a controller, found end of line")),
        ];
        for (content, expected) in CASES {
            let content = format!("{content}\n");
            let line = Lines::new("cgroups", content.as_bytes()).next().unwrap();
            let parsed = parse_controller(line).map_err(|error| error.to_string());
            assert_eq!(parsed, expected.map_err(str::to_owned), "{content:?}");
        }
    }
}
