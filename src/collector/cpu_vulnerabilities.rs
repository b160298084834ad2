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

/// What a file may begin with, in letters of any case. Some go on.
const STATES: [&str; 4] = [NOT_AFFECTED, "vulnerable", "mitigation", UNKNOWN];

const NOT_AFFECTED: &str = "not affected";

/// Of what begins otherwise, too.
const UNKNOWN: &str = "unknown";

pub(super) struct CpuVulnerabilities {
    files: Devices<KeptFile>,
    table: Table,
    mitigation: String,
}

impl CpuVulnerabilities {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.sys.join("devices/system/cpu/vulnerabilities");
        let labels = ["codename", "mitigation", "state"];
        let table = Table::register(&setup.registry, &labels, &METRICS)?;
        let (files, mitigation) = (Devices::new(folder), String::new());
        Ok(Box::new(CpuVulnerabilities { files, table, mitigation }))
    }
}

impl Collector for CpuVulnerabilities {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut sweep = self.table.sweep();
        self.files.refresh_if_there(|_, path| Some(KeptFile::new(path)))?;
        let mut outcome = Ok(());
        for (name, file) in self.files.iter_mut() {
            match files.read(file) {
                Ok(content) => {
                    let state = parse_state(content, &mut self.mitigation);
                    sweep.row(&[name, &self.mitigation, state]).set(0, Some(1.0));
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }
}

/// The state that `content` tells. What is said of it, with single blanks, goes into `mitigation`;
/// where the state is not told, that is all of the content.
fn parse_state(content: &[u8], mitigation: &mut String) -> &'static str {
    mitigation.clear();
    let text = std::str::from_utf8(content).unwrap_or_default().trim_ascii();
    let starts = |state: &&&str| {
        text.get(..state.len()).is_some_and(|start| start.eq_ignore_ascii_case(state))
    };
    let Some(state) = STATES.iter().find(starts) else {
        mitigation.push_str(text);
        return UNKNOWN;
    };
    let said = if *state == NOT_AFFECTED { "" } else { text };
    for word in said.split_ascii_whitespace().skip(1) {
        let blank = if mitigation.is_empty() { "" } else { " " };
        mitigation.extend([blank, word]);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_state_and_what_is_said_of_it() {
        const CASES: &[(&str, (&str, &str))] = &[
            ("Not affected\n", ("not affected", "")),
            ("Not affected; so far\n", ("not affected", "")),
            ("Vulnerable\n", ("vulnerable", "")),
            ("vulnerable:  No\tmicrocode\n", ("vulnerable", "No microcode")),
            ("Mitigation: PTE Inversion; VMX: x\n", ("mitigation", "PTE Inversion; VMX: x")),
            ("Unknown: No mitigations\n", ("unknown", "No mitigations")),
            ("KVM: Mitigation: VMX  off\n", ("unknown", "KVM: Mitigation: VMX  off")),
            ("\n", ("unknown", "")),
        ];
        let mut mitigation = String::new();
        for (content, expected) in CASES {
            let state = parse_state(content.as_bytes(), &mut mitigation);
            assert_eq!((state, &*mitigation), *expected, "{content:?}");
        }
    }
}
