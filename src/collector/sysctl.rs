//! `sysctl`: those settings of the kernel that flags name. Source: proc_sys(5).
//!
//! ```text
//! NAME            a setting of one number; of several, each with its place as the label `index`
//! NAME:KEY,KEY    a setting of as many numbers, each a family of its own
//! ```
//!
//! Settings that are shown as they are written make series of one family, the text as a label.

use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::flags::Flag;
use super::fs::{Files, KeptFile};
use super::lines::parse_number;
use super::ordinals::Ordinals;
use super::table::{Metric, Table};
use super::text::to_text;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;

const INCLUDE: &str = "collector.sysctl.include";
const INCLUDE_INFO: &str = "collector.sysctl.include-info";

pub(super) const FLAGS: &[Flag] = &[
    Flag::texts(INCLUDE, "Show the numbers of this setting: NAME, or NAME:KEY,KEY. Repeatable."),
    Flag::texts(INCLUDE_INFO, "Show the words of this setting as labels. Repeatable."),
];

const INFO: [Metric; 1] =
    [Metric::gauge("node_sysctl_info", "The words of settings of the kernel; always 1.")];

/// What messages call the file.
const FILE: &str = "sysctl";

pub(super) struct Sysctl {
    numbers: Vec<Setting>,
    texts: Vec<Setting>,
    indices: Ordinals,
    fields: Fields,
    info: Table,
}

/// A setting that a flag names.
struct Setting {
    name: String,
    /// As in the name of a metric.
    metric: String,
    /// The families of its numbers, by place.
    keyed: Vec<String>,
    file: KeptFile,
}

impl Sysctl {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.proc.join("sys");
        let settings = |flag| {
            let given = setup.flags.texts(flag);
            given.iter().map(|given| Setting::parse(given, &folder)).collect()
        };
        Ok(Box::new(Sysctl {
            numbers: settings(INCLUDE),
            texts: settings(INCLUDE_INFO),
            indices: Ordinals::default(),
            fields: Fields::new(&setup.registry),
            info: Table::register(&setup.registry, &["index", "name", "value"], &INFO)?,
        }))
    }
}

impl Setting {
    fn parse(given: &str, folder: &std::path::Path) -> Setting {
        let (name, keys) = given.split_once(':').map_or((given, None), |(n, k)| (n, Some(k)));
        let letters = name.chars().map(|l| if l.is_ascii_alphanumeric() { l } else { '_' });
        let metric = format!("node_sysctl_{}", letters.collect::<String>());
        let keyed = keys.into_iter().flat_map(|keys| keys.split(','));
        Setting {
            keyed: keyed.map(|key| format!("{metric}_{key}")).collect(),
            name: name.to_owned(),
            metric,
            file: KeptFile::new(folder.join(name.replace('.', "/"))),
        }
    }

    /// Shows the numbers in `content`.
    fn show(
        &self,
        content: &[u8],
        indices: &mut Ordinals,
        fields: &mut FieldSweep<'_>,
    ) -> Result<(), CollectError> {
        let count = words(content).count();
        let is_keyed = !self.keyed.is_empty();
        if count == 0 || (is_keyed && count != self.keyed.len()) {
            let expected = if is_keyed { "a number for each key" } else { "a number" };
            return Err(CollectError::malformed(FILE, 1, expected, Some(content.trim_ascii())));
        }
        for (index, word) in words(content).enumerate() {
            let malformed = || CollectError::malformed(FILE, 1, "a number", Some(word));
            let number = parse_number::<i64>(word).ok_or_else(malformed)? as f64;
            let name = self.keyed.get(index).unwrap_or(&self.metric);
            if is_keyed || count == 1 {
                fields.set(name.as_bytes(), number, || self.describe(name, &[]))?;
            } else {
                let labels = &[indices.text(index)];
                let row = fields.row(name.as_bytes(), labels, || self.describe(name, &["index"]));
                row?.set(0, Some(number));
            }
        }
        Ok(())
    }

    fn describe(&self, name: &str, label_names: &'static [&'static str]) -> Described {
        let help = format!("The setting {} of the kernel.", self.name);
        Described { name: name.to_owned(), help, kind: Kind::Unknown, label_names }
    }
}

impl Collector for Sysctl {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let (mut fields, mut info) = (self.fields.sweep(), self.info.sweep());
        let mut outcome = Ok(());
        for setting in &mut self.numbers {
            let content = setting.file.read(&mut files.buffer);
            let shown =
                content.and_then(|content| setting.show(content, &mut self.indices, &mut fields));
            outcome = outcome.and(shown);
        }
        for Setting { name, keyed, file, .. } in &mut self.texts {
            match files.read(file) {
                Ok(_) if !keyed.is_empty() => {
                    let expected = "a setting without keys";
                    let error = CollectError::malformed(FILE, 1, expected, Some(name.as_bytes()));
                    outcome = outcome.and(Err(error));
                }
                Ok(content) => {
                    for (index, word) in words(content).enumerate() {
                        let word = to_text(word);
                        let labels = &[self.indices.text(index), name, &word];
                        info.row(labels).set(0, Some(1.0));
                    }
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }
}

fn words(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Registry;

    fn show(given: &str, content: &str) -> Result<Vec<String>, String> {
        let registry = Registry::new();
        let mut fields = Fields::new(&registry);
        let setting = Setting::parse(given, std::path::Path::new("/"));
        let mut sweep = fields.sweep();
        let shown = setting.show(content.as_bytes(), &mut Ordinals::default(), &mut sweep);
        drop(sweep);
        shown.map(|()| samples(&registry)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_setting_is_shown_as_its_flag_says() {
        const CASES: &[(&str, &str, &[&str])] = &[
            ("kernel.threads-max", "7801\n", &["node_sysctl_kernel_threads_max 7801"]),
            ("a.b", "-1 5\n", &["node_sysctl_a_b{index=0} -1", "node_sysctl_a_b{index=1} 5"]),
            ("a.b:x,y", "1\t5\n", &["node_sysctl_a_b_x 1", "node_sysctl_a_b_y 5"]),
        ];
        for (given, content, expected) in CASES {
            assert_eq!(show(given, content).unwrap(), *expected, "{given}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str, &str)] = &[
            ("a", "\n", "sysctl:1: expected a number, found "),
            ("a", "x\n", "sysctl:1: expected a number, found x"),
            ("a:x", "1 2\n", "sysctl:1: expected a number for each key, found 1 2"),
        ];
        for (given, content, expected) in CASES {
            assert_eq!(show(given, content).unwrap_err(), *expected, "{given}");
        }
    }
}
