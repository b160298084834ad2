//! Escaping schemes: how a name of any UTF-8 looks where only legacy names can be read
//! (“Escaping schemes”, prometheus.io/docs; where the document and the scrapers' own code differ,
//! as the code does it).
//!
//! ```text
//!              _     .       legal    other    a.b_c/ü
//! underscores  _     _       itself   _        a_b_c__
//! dots         __    _dot_   itself   __       a_dot_b__c____
//! values       __    _2e_    itself   _hex_    U__a_2e_b__c_2f__fc_
//! ```
//!
//! A legacy name is never changed. A digit is legal except in front.

use super::{is_legacy_label_name, is_legacy_metric_name};
use std::borrow::Cow;
use std::fmt::Write;

/// How names that are not legacy names are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// As they are, in quotes where the format has names outside of strings.
    AllowUtf8,
    /// With an underscore for every character that is not legal. Several names can become one.
    Underscores,
    /// With `_dot_` for dots, and two underscores for one and for what else is not legal.
    Dots,
    /// With `U__` in front and the hexadecimal code points of what is not legal: can be undone.
    Values,
}

impl Escaping {
    /// All schemes, each at its own index.
    pub const ALL: [Escaping; 4] =
        [Escaping::AllowUtf8, Escaping::Underscores, Escaping::Dots, Escaping::Values];

    /// The value of the parameter `escaping` in media types.
    pub fn parameter(self) -> &'static str {
        match self {
            Escaping::AllowUtf8 => "allow-utf-8",
            Escaping::Underscores => "underscores",
            Escaping::Dots => "dots",
            Escaping::Values => "values",
        }
    }

    /// `name` as the name of a family.
    pub fn metric_name(self, name: &str) -> Cow<'_, str> {
        match is_legacy_metric_name(name) {
            true => Cow::Borrowed(name),
            false => self.escape(name, |c| c == ':'),
        }
    }

    /// `name` as the name of a label, in which colons are not legal.
    pub fn label_name(self, name: &str) -> Cow<'_, str> {
        match is_legacy_label_name(name) {
            true => Cow::Borrowed(name),
            false => self.escape(name, |_| false),
        }
    }

    fn escape(self, name: &str, also: impl Fn(char) -> bool) -> Cow<'_, str> {
        let mut out = match self {
            Escaping::AllowUtf8 => return Cow::Borrowed(name),
            Escaping::Underscores | Escaping::Dots => String::with_capacity(2 * name.len()),
            Escaping::Values => String::from("U__"),
        };
        for (index, c) in name.char_indices() {
            match (self, c) {
                _ if c.is_ascii_alphabetic() || also(c) => out.push(c),
                _ if c.is_ascii_digit() && index > 0 => out.push(c),
                (Escaping::Underscores, _) => out.push('_'),
                (Escaping::Dots, '.') => out.push_str("_dot_"),
                (Escaping::Values, c) if c != '_' => {
                    write!(out, "_{:x}_", u32::from(c)).expect("a string takes all text");
                }
                _ => out.push_str("__"),
            }
        }
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_escaped_as_scrapers_do_it() {
        let cases = [
            ("legacy:name_1", ["legacy:name_1"; 4]),
            ("a.b_c/ü", ["a.b_c/ü", "a_b_c__", "a_dot_b__c____", "U__a_2e_b__c_2f__fc_"]),
            ("1a1", ["1a1", "_a1", "__a1", "U___31_a1"]),
            ("a:b c", ["a:b c", "a:b_c", "a:b__c", "U__a:b_20_c"]),
            ("😀", ["😀", "_", "__", "U___1f600_"]),
        ];
        for (name, expected) in cases {
            assert_eq!(Escaping::ALL.map(|escaping| escaping.metric_name(name)), expected);
        }
        let labels = Escaping::ALL.map(|escaping| escaping.label_name("a:b"));
        assert_eq!(labels, ["a:b", "a_b", "a__b", "U__a_3a_b"]);
        for (index, escaping) in Escaping::ALL.into_iter().enumerate() {
            assert_eq!(escaping as usize, index);
        }
    }

    /// What `values` made of a name, undone.
    fn values_undone(escaped: &str) -> Option<String> {
        let mut name = String::new();
        let mut rest = escaped.strip_prefix("U__")?;
        while let Some((text, code)) = rest.split_once('_') {
            name.push_str(text);
            let (code, after) = code.split_once('_')?;
            name.push(match code {
                "" => '_',
                _ => char::from_u32(u32::from_str_radix(code, 16).ok()?)?,
            });
            rest = after;
        }
        Some(name + rest)
    }

    proptest! {
        #[test]
        fn escaped_names_are_legacy_names(name in "\\PC{1,12}|[a-z0-9._:/]{1,12}") {
            for escaping in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                prop_assert!(is_legacy_metric_name(&escaping.metric_name(&name)));
                prop_assert!(is_legacy_label_name(&escaping.label_name(&name)));
            }
            prop_assert_eq!(Escaping::AllowUtf8.metric_name(&name), name.as_str());
        }

        #[test]
        fn values_can_be_undone(name in ".{1,12}|[a-z0-9._:/]{1,12}") {
            if !is_legacy_metric_name(&name) {
                let escaped = Escaping::Values.metric_name(&name);
                prop_assert_eq!(values_undone(&escaped), Some(name.clone()));
            }
            if !is_legacy_label_name(&name) {
                let escaped = Escaping::Values.label_name(&name);
                prop_assert_eq!(values_undone(&escaped), Some(name));
            }
        }
    }
}
