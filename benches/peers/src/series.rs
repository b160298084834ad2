//! Reads what a library exposes, so that all can be held to say the same.
//!
//! It takes what their formats have in common, and what of it the workload makes use of: no
//! timestamps, no escapes. Spelling and order are theirs; series and values are not.

use std::collections::BTreeMap;

/// Name and labels of each series, with its value.
pub type Exposed = BTreeMap<String, f64>;

/// What `body` says.
///
/// # Errors
/// The line that does not read as a series, or that says one twice.
pub fn read(body: &[u8]) -> Result<Exposed, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let mut exposed = Exposed::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, value) = line
            .rsplit_once(' ')
            .and_then(|(s, v)| Some((identity(s)?, v.parse().ok()?)))
            .ok_or_else(|| format!("not a series: {line}"))?;
        if exposed.insert(series, value).is_some() {
            return Err(format!("said twice: {line}"));
        }
    }
    Ok(exposed)
}

/// `name{label="value",...}` with its labels in order and its bound as a number.
fn identity(series: &str) -> Option<String> {
    let (name, labels) = series.strip_suffix("\"}")?.split_once('{')?;
    let mut labels = labels
        .split("\",")
        .map(|label| {
            let (name, value) = label.split_once("=\"")?;
            let value = match name {
                "le" => value.parse::<f64>().ok()?.to_string(),
                _ => value.to_owned(),
            };
            Some(format!("{name}={value}"))
        })
        .collect::<Option<Vec<_>>>()?;
    labels.sort_unstable();
    Some(format!("{name} {}", labels.join(",")))
}

/// Where `theirs` says something else than `ours`.
pub fn difference(ours: &Exposed, theirs: &Exposed) -> Option<String> {
    let ours_differ = ours.iter().find(|(series, value)| {
        !theirs.get(*series).is_some_and(|theirs| is_close(**value, *theirs))
    });
    if let Some((series, value)) = ours_differ {
        return Some(format!("{series} is {value} and not {:?}", theirs.get(series)));
    }
    let too_many = theirs.keys().find(|series| !ours.contains_key(*series));
    too_many.map(|series| format!("{series} is too many"))
}

/// Sums of floats depend on the order of the additions, in their last digits.
fn is_close(left: f64, right: f64) -> bool {
    (left - right).abs() <= left.abs() * 1e-12
}
