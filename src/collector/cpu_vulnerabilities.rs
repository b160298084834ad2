//! `cpu_vulnerabilities`: faults of the CPU and what is done about them. Source: sysfs'
//! `devices/system/cpu/vulnerabilities` (Documentation/ABI/testing/sysfs-devices-system-cpu).

use super::devices::Devices;
use super::error::CollectError;
use super::fs::{Files, KeptFile};
use super::table::{Metric, Table};
use super::{Collector, Setup};
use crate::registry::RegisterError;

const METRICS: [Metric; 1] = [Metric::gauge(
    "node_cpu_vulnerabilities_info",
    "Faults of the CPU and what is done about them; always 1.",
)];

/// Table: what a file begins with => label.
const STATES: [(&str, &str); 3] =
    [("Not affected", "not affected"), ("Vulnerable", "vulnerable"), ("Mitigation", "mitigation")];

pub(super) struct CpuVulnerabilities {
    files: Devices<KeptFile>,
    table: Table,
}

impl CpuVulnerabilities {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.sys.join("devices/system/cpu/vulnerabilities");
        let labels = ["codename", "mitigation", "state"];
        let table = Table::register(&setup.registry, &labels, &METRICS)?;
        Ok(Box::new(CpuVulnerabilities { files: Devices::new(folder), table }))
    }
}

impl Collector for CpuVulnerabilities {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.files.refresh(files, |_, path| Some(KeptFile::new(path)))?;
        let mut outcome = Ok(());
        for (name, file) in self.files.iter_mut() {
            match files.read(file).and_then(parse_state) {
                Ok((state, mitigation)) => {
                    sweep.row(&[name, mitigation, state]).set(0, Some(1.0));
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }
}

/// A state, and what is said of it.
fn parse_state(content: &[u8]) -> Result<(&str, &str), CollectError> {
    let content = content.trim_ascii();
    let text = std::str::from_utf8(content).unwrap_or_default();
    let state = STATES.iter().find_map(|(start, label)| Some((*label, text.strip_prefix(start)?)));
    let malformed = || CollectError::malformed("vulnerabilities", 1, "a state", Some(content));
    let (state, rest) = state.ok_or_else(malformed)?;
    Ok((state, rest.strip_prefix(": ").unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_state_and_what_is_said_of_it() {
        const CASES: &[(&str, (&str, &str))] = &[
            ("Not affected\n", ("not affected", "")),
            ("Vulnerable\n", ("vulnerable", "")),
            ("Vulnerable: No microcode\n", ("vulnerable", "No microcode")),
            ("Mitigation: PTE Inversion; VMX: x\n", ("mitigation", "PTE Inversion; VMX: x")),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse_state(content.as_bytes()).unwrap(), *expected, "{content:?}");
        }
        let error = parse_state(b"Unheard of\n").unwrap_err();
        assert_eq!(error.to_string(), "vulnerabilities:1: expected a state, found Unheard of");
    }
}
