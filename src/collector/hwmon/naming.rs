//! How the files of a chip become families: `temp1_max` is the property `max` of the sensor
//! `temp1`, of the kind `temp`, and is shown as `node_hwmon_temp_max_celsius{sensor="temp1"}`.

use crate::model::Kind;

/// Kinds of sensors. Files of others are not looked at.
const KINDS: [&str; 14] = [
    "beep_enable",
    "cpu",
    "curr",
    "energy",
    "fan",
    "freq",
    "humidity",
    "in",
    "intrusion",
    "power",
    "pwm",
    "temp",
    "update_interval",
    "vrm",
];

/// The parts of a file's name.
#[derive(Debug, PartialEq)]
pub(super) struct SensorFile<'n> {
    pub(super) kind: &'static str,
    pub(super) number: u64,
    /// Empty for the file of the sensor itself.
    pub(super) property: &'n str,
}

impl SensorFile<'_> {
    /// `None` for the name of a file that belongs to no sensor.
    pub(super) fn parse(name: &str) -> Option<SensorFile<'_>> {
        let digits_at = name.find(|letter: char| letter.is_ascii_digit()).unwrap_or(name.len());
        let (word, rest) = name.split_at(digits_at);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = rest.split_at(digits);
        let property = rest.strip_prefix('_').filter(|property| !property.is_empty());
        let (word, digits, property) = match property {
            Some(property) => (word, digits, property),
            None if rest.is_empty() => (word, digits, ""),
            // Digits that are not the sensor's number belong to a property.
            None => {
                let (word, _) = word.rsplit_once('_')?;
                (word, "", &name[word.len() + 1..])
            }
        };
        let kind = *KINDS.iter().find(|kind| **kind == word)?;
        let number = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        Some(SensorFile { kind, number, property })
    }
}

/// What a chip's number becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    One,
    /// The chip counts in thousandths.
    Thousandths,
    /// The chip counts in millionths.
    Millionths,
    /// 1 is yes, all else is no.
    Yes,
}

impl Scale {
    pub(super) fn apply(self, number: f64) -> f64 {
        match self {
            Scale::One => number,
            // Not divided by 1,000: the last digit is to be node_exporter's.
            Scale::Thousandths => number * 0.001,
            Scale::Millionths => number / 1_000_000.0,
            Scale::Yes if number == 1.0 => 1.0,
            Scale::Yes => 0.0,
        }
    }
}

/// The family of a property.
#[derive(Debug, PartialEq)]
pub(super) struct SensorFamily {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) scale: Scale,
    /// Whether the sensor goes by its label, without which it is not shown.
    pub(super) is_by_label: bool,
    is_counter: bool,
}

impl SensorFamily {
    /// The family of `property` of sensors of this kind. `has_own` is whether the sensor has a file
    /// of its own, which is its value in place of `input`. `None` for what is not shown.
    pub(super) fn of(kind: &str, property: &str, has_own: bool) -> Option<SensorFamily> {
        let base = match property {
            "" => kind.to_owned(),
            "input" if !has_own => kind.to_owned(),
            _ => format!("{kind}_{}", clean(property)),
        };
        let unit = Unit::of(kind, property)?;
        let (suffix, scale) = unit.suffix_and_scale();
        let name = match kind {
            "beep_enable" => "node_hwmon_beep_enabled".to_owned(),
            "vrm" => "node_hwmon_voltage_regulator_version".to_owned(),
            _ => format!("node_hwmon_{base}{suffix}"),
        };
        let of = if property.is_empty() { "value" } else { property };
        let help = format!("Sensors of the kind {kind}: {of}.");
        let (is_by_label, is_counter) = (unit == Unit::Frequency, unit == Unit::Energy);
        Some(SensorFamily { name, help, scale, is_by_label, is_counter })
    }

    pub(super) fn kind(&self) -> Kind {
        if self.is_counter { Kind::Counter } else { Kind::Gauge }
    }
}

/// What a property is measured in.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    None,
    Flag,
    Enabled,
    Volts,
    Celsius,
    Amperes,
    Energy,
    Ratio,
    Seconds,
    Watts,
    Revolutions,
    Frequency,
}

impl Unit {
    fn of(kind: &str, property: &str) -> Option<Unit> {
        Some(match (kind, property) {
            ("beep_enable", "") => Unit::Flag,
            ("vrm", "") => Unit::None,
            ("update_interval", "") => Unit::Seconds,
            ("beep_enable" | "vrm" | "update_interval", _) => return None,
            (_, "fault" | "alarm") => Unit::None,
            (_, "beep") => Unit::Enabled,
            ("in" | "cpu", _) => Unit::Volts,
            ("temp", "type") => Unit::None,
            ("temp", _) => Unit::Celsius,
            ("curr", _) => Unit::Amperes,
            ("energy", _) => Unit::Energy,
            ("power", "accuracy") | ("humidity", _) => Unit::Ratio,
            ("power", "average_interval" | "average_interval_min" | "average_interval_max") => {
                Unit::Seconds
            }
            ("power", _) => Unit::Watts,
            ("fan", "input" | "min" | "max" | "target") => Unit::Revolutions,
            ("freq", "input") => Unit::Frequency,
            _ => Unit::None,
        })
    }

    fn suffix_and_scale(self) -> (&'static str, Scale) {
        match self {
            Unit::None => ("", Scale::One),
            Unit::Flag => ("", Scale::Yes),
            Unit::Enabled => ("_enabled", Scale::One),
            Unit::Volts => ("_volts", Scale::Thousandths),
            Unit::Celsius => ("_celsius", Scale::Thousandths),
            Unit::Amperes => ("_amps", Scale::Thousandths),
            Unit::Energy => ("_joule_total", Scale::Millionths),
            Unit::Ratio => ("", Scale::Millionths),
            Unit::Seconds => ("_seconds", Scale::Thousandths),
            Unit::Watts => ("_watt", Scale::Millionths),
            Unit::Revolutions => ("_rpm", Scale::One),
            Unit::Frequency => ("_freq_mhz", Scale::Millionths),
        }
    }
}

/// A name as part of a metric's: in lower case, with `_` for what cannot stand there, but not at
/// its ends.
pub(super) fn clean(name: &str) -> String {
    let is_fit = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, ':' | '_')
    };
    let lower = name.to_lowercase();
    let cleaned: String =
        lower.chars().map(|letter| if is_fit(letter) { letter } else { '_' }).collect();
    cleaned.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_files_fall_into_parts() {
        type Parts = Option<(&'static str, u64, &'static str)>;
        const CASES: &[(&str, Parts)] = &[
            ("temp1_input", Some(("temp", 1, "input"))),
            ("temp01_max_alarm", Some(("temp", 1, "max_alarm"))),
            ("pwm1", Some(("pwm", 1, ""))),
            ("pwm1_auto_point1_temp", Some(("pwm", 1, "auto_point1_temp"))),
            ("update_interval", Some(("update_interval", 0, ""))),
            ("beep_enable", Some(("beep_enable", 0, ""))),
            ("temp_foo1x", Some(("temp", 0, "foo1x"))),
            ("power", Some(("power", 0, ""))),
            ("fan_label", None),
            ("temp1_", None),
            ("temp1x", None),
            ("1_input", None),
            ("_1_x", None),
            ("uevent", None),
            ("name", None),
            ("in99999999999999999999_input", None),
            ("", None),
        ];
        for (name, expected) in CASES {
            let file = SensorFile::parse(name).map(|file| (file.kind, file.number, file.property));
            assert_eq!(file, *expected, "{name:?}");
        }
    }

    #[test]
    fn families_are_node_exporters() {
        type Shown = Option<(&'static str, Scale)>;
        const CASES: &[(&str, &str, bool, Shown)] = &[
            ("temp", "input", false, Some(("temp_celsius", Scale::Thousandths))),
            ("temp", "crit_alarm", false, Some(("temp_crit_alarm_celsius", Scale::Thousandths))),
            ("temp", "alarm", false, Some(("temp_alarm", Scale::One))),
            ("temp", "type", false, Some(("temp_type", Scale::One))),
            ("in", "input", false, Some(("in_volts", Scale::Thousandths))),
            ("in", "beep", false, Some(("in_beep_enabled", Scale::One))),
            ("fan", "input", false, Some(("fan_rpm", Scale::One))),
            ("fan", "input", true, Some(("fan_input_rpm", Scale::One))),
            ("fan", "", true, Some(("fan", Scale::One))),
            ("fan", "pulses", false, Some(("fan_pulses", Scale::One))),
            ("pwm", "", true, Some(("pwm", Scale::One))),
            ("pwm", "auto_point1_pwm", true, Some(("pwm_auto_point1_pwm", Scale::One))),
            ("curr", "max", false, Some(("curr_max_amps", Scale::Thousandths))),
            ("energy", "input", false, Some(("energy_joule_total", Scale::Millionths))),
            ("power", "average", false, Some(("power_average_watt", Scale::Millionths))),
            ("power", "accuracy", false, Some(("power_accuracy", Scale::Millionths))),
            (
                "power",
                "average_interval",
                false,
                Some(("power_average_interval_seconds", Scale::Thousandths)),
            ),
            ("humidity", "input", false, Some(("humidity", Scale::Millionths))),
            ("intrusion", "alarm", false, Some(("intrusion_alarm", Scale::One))),
            ("freq", "input", false, Some(("freq_freq_mhz", Scale::Millionths))),
            ("freq", "min", false, Some(("freq_min", Scale::One))),
            ("beep_enable", "", true, Some(("beep_enabled", Scale::Yes))),
            ("vrm", "", true, Some(("voltage_regulator_version", Scale::One))),
            ("update_interval", "", true, Some(("update_interval_seconds", Scale::Thousandths))),
            ("vrm", "x", false, None),
        ];
        for (kind, property, has_own, expected) in CASES {
            let family = SensorFamily::of(kind, property, *has_own);
            let found = family.as_ref().map(|f| (&f.name["node_hwmon_".len()..], f.scale));
            assert_eq!(found, *expected, "{kind} {property}");
        }
    }

    #[test]
    fn names_are_cleaned() {
        const CASES: &[(&str, &str)] = &[
            ("coretemp.0", "coretemp_0"),
            ("0000:01:00.0", "0000:01:00_0"),
            ("CPU Temp\n", "cpu_temp"),
            ("__-", ""),
            ("Wärme", "w_rme"),
        ];
        for (name, expected) in CASES {
            assert_eq!(clean(name), *expected);
        }
    }

    proptest! {
        #[test]
        fn no_name_of_a_file_panics(name in "(temp|pwm|in|_|[0-9]|x|ä){0,8}") {
            if let Some(file) = SensorFile::parse(&name) {
                prop_assert!(name.starts_with(file.kind) && name.ends_with(file.property));
            }
        }
    }
}
