//! The grammar of one line, LF excluded. Reasons say what was expected.
//!
//! ```text
//! line    = "" | comment | "#" B "HELP" B name [B text] | "#" B "TYPE" B name blank kind | sample
//! sample  = name b [ "{" b [label *("," b label) ["," b]] "}" b ] value [B timestamp]
//! label   = lname b "=" b <"> *char <"> b
//! b       = *blank,  B = 1*blank,  blank = SP | TAB
//! ```
//!
//! Between a name and a value there is at least one blank; nothing follows the last token.
//!
//! In version 1.0.0 names may stand in quotes with the escapes of a label value, that of a metric
//! as the first element within the braces.

use super::{Kind, Version};

pub(super) enum Line {
    Empty,
    Comment,
    Help { name: String, help: String },
    Type { name: String, kind: Kind },
    Sample { name: String, labels: Vec<(String, String)>, value: f64, timestamp_ms: Option<i64> },
}

pub(super) fn parse(text: &str, version: Version) -> Result<Line, String> {
    match text.chars().next() {
        None => Ok(Line::Empty),
        Some('#') => comment(&text[1..], version),
        Some(_) => sample(text, version),
    }
}

fn comment(text: &str, version: Version) -> Result<Line, String> {
    let words = skip_blanks(text);
    let keyword = &words[..words.find(BLANKS).unwrap_or(words.len())];
    if !matches!(keyword.trim_end_matches('\r'), "HELP" | "TYPE") {
        return Ok(Line::Comment);
    }
    if words.len() == text.len() {
        return Err(format!("no blank between # and {keyword}: parsers differ on it"));
    }
    let (name, rest) = match quoted_name(skip_blanks(&words[keyword.len()..]), version) {
        Some(quoted) => quoted?,
        None => metric_name(skip_blanks(&words[keyword.len()..]))?,
    };
    if !rest.is_empty() && !rest.starts_with(BLANKS) {
        return Err(format!("expected a blank after {name:?}, found {rest:?}"));
    }
    if keyword == "HELP" {
        return Ok(Line::Help { name, help: unescape_help(skip_blanks(rest))? });
    }
    // One blank and nothing behind: servers refuse a second blank on either side of the type.
    let word = rest.get(1..).unwrap_or_default();
    match Kind::parse(word) {
        Some(kind) => Ok(Line::Type { name, kind }),
        None => Err(format!("expected one of the five types after one blank, found {word:?}")),
    }
}

fn sample(text: &str, version: Version) -> Result<Line, String> {
    let mut labels = Vec::new();
    let braced_name = text.strip_prefix('{').and_then(|t| quoted_name(skip_blanks(t), version));
    let is_braced = braced_name.is_some();
    let (name, after_name) = braced_name.unwrap_or_else(|| metric_name(text))?;
    let mut rest = skip_blanks(after_name);
    if is_braced {
        let after_comma = rest.strip_prefix(',').unwrap_or(rest);
        let is_end = rest.starts_with('}');
        if !is_end && after_comma.len() == rest.len() {
            return Err(format!("expected a comma or a closing brace, found {rest:?}"));
        }
        rest = skip_blanks(label_set(after_comma, &mut labels, version)?);
    } else if let Some(braced) = rest.strip_prefix('{') {
        rest = skip_blanks(label_set(braced, &mut labels, version)?);
    } else if rest.len() == after_name.len() {
        return Err(format!("expected a blank or a brace after {name:?}, found {rest:?}"));
    }
    let (value, timestamp) = match rest.split_once(BLANKS) {
        Some((value, timestamp)) => (value, Some(skip_blanks(timestamp))),
        None => (rest, None),
    };
    let timestamp_ms = timestamp.map(parse_timestamp).transpose()?;
    Ok(Line::Sample { name, labels, value: parse_number(value)?, timestamp_ms })
}

/// Reads labels up to the closing brace; returns what follows it.
fn label_set<'a>(
    text: &'a str,
    labels: &mut Vec<(String, String)>,
    version: Version,
) -> Result<&'a str, String> {
    let mut rest = skip_blanks(text);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let (name, after_name) = match quoted_name(rest, version) {
            Some(quoted) => quoted?,
            None => label_name(rest)?,
        };
        let equals = skip_blanks(after_name);
        let quoted = equals.strip_prefix('=').map(skip_blanks);
        let quoted = quoted.and_then(|text| text.strip_prefix('"'));
        let quoted =
            quoted.ok_or_else(|| format!("expected =\" after {name:?}, found {equals:?}"))?;
        let (value, after_value) = label_value(quoted)?;
        if labels.iter().any(|(present, _)| *present == name) {
            return Err(format!("label {name:?} twice"));
        }
        labels.push((name, value));
        let after = skip_blanks(after_value);
        rest = match after.strip_prefix(',') {
            Some(next) => skip_blanks(next),
            None if after.starts_with('}') => after,
            None => return Err(format!("expected a comma or a closing brace, found {after:?}")),
        };
    }
}

/// Reads up to the closing quote; returns the value and what follows the quote.
fn label_value(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return Ok((value, chars.as_str())),
            '\\' => match chars.next() {
                Some('\\') => value.push('\\'),
                Some('"') => value.push('"'),
                Some('n') => value.push('\n'),
                other => return Err(format!("undefined escape {other:?} in a label value")),
            },
            char => value.push(char),
        }
    }
    Err("label value without a closing quote".to_owned())
}

fn unescape_help(text: &str) -> Result<String, String> {
    let mut help = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('\\') => help.push('\\'),
                Some('n') => help.push('\n'),
                other => return Err(format!("undefined escape {other:?} in HELP")),
            },
            char => help.push(char),
        }
    }
    Ok(help)
}

/// A name in quotes and what follows it, if there is one here and may be.
fn quoted_name(text: &str, version: Version) -> Option<Result<(String, &str), String>> {
    let quoted = text.strip_prefix('"').filter(|_| version == Version::V100)?;
    Some(match label_value(quoted) {
        Ok((name, _)) if name.is_empty() => Err("an empty name".to_owned()),
        split => split,
    })
}

fn metric_name(text: &str) -> Result<(String, &str), String> {
    name(text, |char| char.is_ascii_alphanumeric() || char == '_' || char == ':')
        .ok_or_else(|| format!("expected a metric name, found {text:?}"))
}

fn label_name(text: &str) -> Result<(String, &str), String> {
    match name(text, |char| char.is_ascii_alphanumeric() || char == '_') {
        Some((name, _)) if name == "__name__" => Err("__name__ is the metric's own".to_owned()),
        Some(split) => Ok(split),
        None => Err(format!("expected a label name, found {text:?}")),
    }
}

fn name(text: &str, legal: impl Fn(char) -> bool) -> Option<(String, &str)> {
    let (name, rest) = text.split_at(text.find(|char| !legal(char)).unwrap_or(text.len()));
    let legal = !name.is_empty() && !name.starts_with(|char: char| char.is_ascii_digit());
    legal.then(|| (name.to_owned(), rest))
}

/// Reads a number in the syntax that every parser takes and in which it stays finite:
/// `NaN`, `+Inf`, `-Inf` or `[-] 1*DIGIT ["." 1*DIGIT] [("e" | "E") ["+" | "-"] 1*DIGIT]`.
pub(super) fn parse_number(text: &str) -> Result<f64, String> {
    match text {
        "NaN" => return Ok(f64::NAN),
        "+Inf" => return Ok(f64::INFINITY),
        "-Inf" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        }
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    if ![whole, fraction, exponent].into_iter().all(is_digits) {
        return Err(format!("expected a number, found {text:?}"));
    }
    let number: f64 = text.parse().map_err(|error| format!("number {text:?}: {error}"))?;
    if number.is_infinite() {
        return Err(format!("number {text:?} overflows a double"));
    }
    Ok(number)
}

fn parse_timestamp(text: &str) -> Result<i64, String> {
    if !is_digits(text) {
        return Err(format!("expected a timestamp in plain digits, found {text:?}"));
    }
    text.parse().map_err(|error| format!("timestamp {text:?}: {error}"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const BLANKS: [char; 2] = [' ', '\t'];

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(BLANKS)
}
