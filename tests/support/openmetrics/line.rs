//! The grammar of one line, LF excluded (“ABNF” in the specification), names in quotes added.
//!
//! ```text
//! line     = "# TYPE " name SP kind | "# UNIT " name SP unit | "# HELP " name SP string | sample
//! sample   = name [labels] SP number [SP real] [" # " labels SP number [SP real]]
//! labels   = "{" [label *("," label)] "}"            label = lname "=" <"> string <">
//! sample   =/ "{" <"> string <"> *("," label) "}" ...
//! string   = *(any but LF, <">, "\" | "\n" | "\" <"> | "\\")
//! ```

use super::{Exemplar, Kind, Sample};

pub(super) enum Line {
    Type { name: String, kind: Kind },
    Unit { name: String, unit: String },
    Help { name: String, help: String },
    Sample(Sample),
}

pub(super) fn parse(text: &str) -> Result<Line, String> {
    if let Some(rest) = text.strip_prefix("# TYPE ") {
        let (name, word) = declared_name(rest)?;
        let kind = Kind::parse(word).ok_or_else(|| format!("no type: {word:?}"))?;
        return Ok(Line::Type { name, kind });
    }
    if let Some(rest) = text.strip_prefix("# UNIT ") {
        let (name, unit) = declared_name(rest)?;
        return Ok(Line::Unit { name, unit: unit.to_owned() });
    }
    if let Some(rest) = text.strip_prefix("# HELP ") {
        let (name, help) = declared_name(rest)?;
        let (help, after) = string(help)?;
        return match after {
            "" => Ok(Line::Help { name, help }),
            _ => Err("a quote that is not escaped".to_owned()),
        };
    }
    Ok(Line::Sample(sample(text)?))
}

/// The name of a family, and what follows the blank behind it.
fn declared_name(text: &str) -> Result<(String, &str), String> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted)?,
        None => plain_name(text, ":")?,
    };
    Ok((name, rest.strip_prefix(' ').ok_or("no blank behind the name")?))
}

fn sample(text: &str) -> Result<Sample, String> {
    let (plain, rest) = match text.starts_with('{') {
        true => (None, text),
        false => plain_name(text, ":").map(|(name, rest)| (Some(name), rest))?,
    };
    let mut labels = Vec::new();
    let mut quoted = None;
    let rest = match rest.strip_prefix('{') {
        Some(braced) => label_set(braced, &mut labels, &mut quoted)?,
        None => rest,
    };
    let name = match (plain, quoted) {
        (Some(name), None) | (None, Some(name)) => name,
        _ => return Err("not exactly one name".to_owned()),
    };
    let (point, exemplar) = match rest.split_once(" # ") {
        Some((point, exemplar)) => (point, Some(parse_exemplar(exemplar)?)),
        None => (rest, None),
    };
    let (value, timestamp) = value_and_timestamp(point)?;
    Ok(Sample { name, labels, value, timestamp, exemplar })
}

fn parse_exemplar(text: &str) -> Result<Exemplar, String> {
    let mut labels = Vec::new();
    let braced = text.strip_prefix('{').ok_or("an exemplar without labels")?;
    let rest = label_set(braced, &mut labels, &mut None)?;
    let (value, timestamp) = value_and_timestamp(rest)?;
    Ok(Exemplar { labels, value, timestamp })
}

fn value_and_timestamp(text: &str) -> Result<(f64, Option<f64>), String> {
    let text = text.strip_prefix(' ').ok_or("no blank before the value")?;
    match text.split_once(' ') {
        Some((value, timestamp)) => match number(timestamp)? {
            timestamp if timestamp.is_finite() => Ok((number(value)?, Some(timestamp))),
            _ => Err("a timestamp that is no time".to_owned()),
        },
        None => Ok((number(text)?, None)),
    }
}

/// Reads labels up to the closing brace, and the metric's name if it is the first; returns what
/// follows.
fn label_set<'a>(
    text: &'a str,
    labels: &mut Vec<(String, String)>,
    metric: &mut Option<String>,
) -> Result<&'a str, String> {
    if let Some(after) = text.strip_prefix('}') {
        return Ok(after);
    }
    let mut rest = text;
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => plain_name(rest, "")?,
        };
        let is_first = labels.is_empty() && metric.is_none() && rest.starts_with('"');
        let after = if is_first && after.starts_with([',', '}']) {
            *metric = Some(name);
            after
        } else {
            let value = after.strip_prefix("=\"").ok_or("no =\" behind a label's name")?;
            let (value, after) = quoted_string(value)?;
            if labels.iter().any(|(present, _)| *present == name) {
                return Err(format!("label {name:?} twice"));
            }
            labels.push((name, value));
            after
        };
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.strip_prefix('}').ok_or("no closing brace".to_owned()),
        }
    }
}

/// A name that needs no quotes, and what follows it.
fn plain_name<'a>(text: &'a str, also: &str) -> Result<(String, &'a str), String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(c);
    let end = text.find(|c| !is_legal(c)).unwrap_or(text.len());
    match text[..end].starts_with(|c: char| c.is_ascii_digit()) || end == 0 {
        true => Err(format!("no name: {text:?}")),
        false => Ok((text[..end].to_owned(), &text[end..])),
    }
}

/// What stands before the closing quote, unescaped, and what follows that.
fn quoted_string(text: &str) -> Result<(String, &str), String> {
    let (value, rest) = string(text)?;
    Ok((value, rest.strip_prefix('"').ok_or("no closing quote")?))
}

/// Reads up to a quote or the end.
fn string(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        let rest = chars.as_str();
        match chars.next() {
            None | Some('"') => return Ok((value, rest)),
            Some('\\') => value.push(match chars.next() {
                Some('n') => '\n',
                Some(c @ ('\\' | '"')) => c,
                other => return Err(format!("undefined escape {other:?}")),
            }),
            Some(c) => value.push(c),
        }
    }
}

/// A number as the grammar has it, of the infinities and NaN the customary spelling only.
pub(super) fn number(text: &str) -> Result<f64, String> {
    match text {
        "NaN" => return Ok(f64::NAN),
        "+Inf" => return Ok(f64::INFINITY),
        "-Inf" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let is_legal = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    match text.parse::<f64>() {
        Ok(value) if is_legal && value.is_finite() => Ok(value),
        _ => Err(format!("no number: {text:?}")),
    }
}
