//! What CPUs are: `--collector.cpu.info`. Source: /proc/cpuinfo, whose fields differ by
//! architecture.

use super::super::error::CollectError;
use super::super::flags::{Flag, Flags};
use super::super::fs::{Files, KeptFile};
use super::super::lines::parse_number;
use super::super::table::{Metric, Table};
use super::Setup;
use crate::regex::Regex;
use crate::registry::{RegisterError, Registry};

const INFO_FLAG: &str = "collector.cpu.info";
const FLAGS_FLAG: &str = "collector.cpu.info.flags-include";
const BUGS_FLAG: &str = "collector.cpu.info.bugs-include";

pub(super) const FLAGS: [Flag; 3] = [
    Flag::switch(INFO_FLAG, false, "Show what /proc/cpuinfo says of each CPU."),
    Flag::pattern(
        FLAGS_FLAG,
        "",
        "Show those flags of the first CPU that match this. Turns --collector.cpu.info on.",
    ),
    Flag::pattern(
        BUGS_FLAG,
        "",
        "Show those bugs of the first CPU that match this. Turns --collector.cpu.info on.",
    ),
];

const INFO: [Metric; 1] = [Metric::gauge("node_cpu_info", "What a CPU is; always 1.")];
const INFO_LABELS: [&str; 10] = [
    "cachesize",
    "core",
    "cpu",
    "family",
    "microcode",
    "model",
    "model_name",
    "package",
    "stepping",
    "vendor",
];
const CORE: usize = 1;
const CPU: usize = 2;
const PACKAGE: usize = 7;

/// Table: field of /proc/cpuinfo => place of its label.
const FIELDS: [(&[u8], usize); 15] = [
    (b"cache size", 0),
    (b"core id", CORE),
    (b"hart", CORE),
    (b"processor", CPU),
    (b"cpu family", 3),
    (b"microcode", 4),
    (b"model", 5),
    (b"model name", 6),
    (b"isa", 6),
    (b"cpu model", 6),
    (b"physical id", PACKAGE),
    (b"stepping", 8),
    (b"vendor_id", 9),
    (b"vendor", 9),
    (b"cpu", 9),
];

const FREQUENCY: [Metric; 1] =
    [Metric::gauge("node_cpu_frequency_hertz", "Frequency of a CPU, as /proc/cpuinfo says.")];
const HERTZ_PER_MEGAHERTZ: f64 = 1e6;

const FLAG: [Metric; 1] = [Metric::gauge("node_cpu_flag_info", "What the first CPU can do.")];
const BUG: [Metric; 1] = [Metric::gauge("node_cpu_bug_info", "Bugs that the first CPU has.")];

/// Whether the flags ask for it.
pub(in super::super) fn shows_info(flags: &Flags) -> bool {
    let has_pattern = |name| !flags.text(name).is_empty();
    flags.switch(INFO_FLAG) || has_pattern(FLAGS_FLAG) || has_pattern(BUGS_FLAG)
}

pub(super) struct Info {
    file: KeptFile,
    cpus: Table,
    /// As in node_exporter, only where the collector `cpufreq` runs too, which leaves them to this.
    frequencies: Option<Table>,
    flags: Option<Words>,
    bugs: Option<Words>,
}

/// Those words of a field that match a pattern.
struct Words {
    pattern: Regex,
    table: Table,
}

impl Info {
    /// `None` where the flags do not ask for it.
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Option<Info>, RegisterError> {
        if !shows_info(setup.flags) {
            return Ok(None);
        }
        let registry = &setup.registry;
        let frequencies = setup
            .choice
            .has("cpufreq")
            .then(|| Table::register(registry, &["core", "cpu", "package"], &FREQUENCY));
        Ok(Some(Info {
            file: KeptFile::of_many_records(setup.roots.proc.join("cpuinfo")),
            cpus: Table::register(registry, &INFO_LABELS, &INFO)?,
            frequencies: frequencies.transpose()?,
            flags: Words::create(registry, setup.flags.pattern(FLAGS_FLAG), "flag", &FLAG)?,
            bugs: Words::create(registry, setup.flags.pattern(BUGS_FLAG), "bug", &BUG)?,
        }))
    }

    pub(super) fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let mut infos = self.cpus.sweep();
        let mut frequencies = self.frequencies.as_mut().map(Table::sweep);
        let cpus = files.read(&mut self.file).map(parse_cpu_info);
        let first = cpus.as_ref().ok().and_then(|cpus| cpus.first());
        let (flags, bugs) = first.map(|first| (first.flags, first.bugs)).unwrap_or_default();
        for (words, list) in [(&mut self.flags, flags), (&mut self.bugs, bugs)] {
            if let Some(words) = words {
                words.show(list);
            }
        }
        for CpuInfo { labels, megahertz, .. } in cpus? {
            infos.row(&labels).set(0, Some(1.0));
            if let Some(frequencies) = &mut frequencies {
                // Kernels for ARM say none, which node_exporter shows as zero.
                let hertz = megahertz.unwrap_or_default() * HERTZ_PER_MEGAHERTZ;
                frequencies.row(&[labels[CORE], labels[CPU], labels[PACKAGE]]).set(0, Some(hertz));
            }
        }
        Ok(())
    }
}

impl Words {
    fn create(
        registry: &Registry,
        pattern: Option<Regex>,
        label: &'static str,
        metrics: &[Metric],
    ) -> Result<Option<Words>, RegisterError> {
        let Some(pattern) = pattern else { return Ok(None) };
        Ok(Some(Words { pattern, table: Table::register(registry, &[label], metrics)? }))
    }

    fn show(&mut self, list: &str) {
        let mut sweep = self.table.sweep();
        for word in list.split_ascii_whitespace() {
            if self.pattern.is_match(word.as_bytes()) {
                sweep.row(&[word]).set(0, Some(1.0));
            }
        }
    }
}

/// What is said of one CPU. What is not is empty.
#[derive(Debug, Default, PartialEq)]
struct CpuInfo<'a> {
    labels: [&'a str; INFO_LABELS.len()],
    megahertz: Option<f64>,
    flags: &'a str,
    bugs: &'a str,
}

/// Reads lines `FIELD : VALUE`; a line `processor` begins what is said of a CPU. Values that are
/// not UTF-8 are left out.
fn parse_cpu_info(content: &[u8]) -> Vec<CpuInfo<'_>> {
    let mut cpus: Vec<CpuInfo<'_>> = Vec::new();
    for line in content.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (line[..colon].trim_ascii(), &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or_default();
        let Ok(value) = std::str::from_utf8(value) else { continue };
        if name == b"processor" {
            cpus.push(CpuInfo::default());
        }
        let Some(cpu) = cpus.last_mut() else { continue };
        match name {
            b"cpu MHz" | b"clock" => {
                cpu.megahertz = parse_number(value.trim_end_matches("MHz").as_bytes());
            }
            b"flags" | b"Features" => cpu.flags = value,
            b"bugs" => cpu.bugs = value,
            _ => {
                if let Some((_, label)) = FIELDS.iter().find(|(field, _)| *field == name) {
                    cpu.labels[*label] = value;
                }
            }
        }
    }
    cpus
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_is_said_of_each_cpu() {
        let content = "\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 142
model name\t: Intel(R) Core(TM) i7
stepping\t: 10
microcode\t: 0xb4
cpu MHz\t\t: 799.998
cache size\t: 8192 KB
physical id\t: 0
core id\t\t: 3
flags\t\t: fpu vme aes
bugs\t\t:
power management:

processor\t: 12
";
        let first = [
            "8192 KB",
            "3",
            "0",
            "6",
            "0xb4",
            "142",
            "Intel(R) Core(TM) i7",
            "0",
            "10",
            "GenuineIntel",
        ];
        let cpus = parse_cpu_info(content.as_bytes());
        assert_eq!(cpus[0].labels, first);
        assert_eq!((cpus[0].megahertz, cpus[0].flags), (Some(799.998), "fpu vme aes"));
        let labels = ["", "", "12", "", "", "", "", "", "", ""];
        let second = CpuInfo { labels, ..CpuInfo::default() };
        assert_eq!(cpus[1..], [second]);
    }

    #[test]
    fn other_architectures_have_other_fields() {
        let arm = "Processor\t: x\nprocessor\t: 1\nBogoMIPS\t: 38.4\nFeatures\t: fp asimd\n";
        let cpus = parse_cpu_info(arm.as_bytes());
        assert_eq!((cpus.len(), cpus[0].labels[CPU], cpus[0].flags), (1, "1", "fp asimd"));
        let riscv = "processor\t: 0\nhart\t\t: 2\nisa\t\t: rv64imafdc\n";
        let cpus = parse_cpu_info(riscv.as_bytes());
        assert_eq!((cpus[0].labels[CORE], cpus[0].labels[6]), ("2", "rv64imafdc"));
        let power = "processor\t: 0\ncpu\t\t: POWER8E\nclock\t\t: 3425.000000MHz\n";
        let cpus = parse_cpu_info(power.as_bytes());
        assert_eq!((cpus[0].labels[9], cpus[0].megahertz), ("POWER8E", Some(3425.0)));
    }

    proptest! {
        #[test]
        fn no_content_panics(content in "(processor|flags|cpu MHz|\t| |:|\n|[0-9.x]){0,20}") {
            let lines = content.lines().filter(|line| line.contains("processor"));
            prop_assert!(parse_cpu_info(content.as_bytes()).len() <= lines.count());
        }
    }
}
