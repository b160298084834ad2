//! Any label value and HELP text read back from a body, in text and in OpenMetrics, and stay on
//! their line.

use promlet::{Counter, Dynamic, Encoder, Family, Registry};

/// Checks the property on `data`: where it is no UTF-8, on what is nearest to it.
pub fn check(data: &[u8]) {
    let value = String::from_utf8_lossy(data);
    let registry = Registry::new();
    let builder = registry.family_builder("m", value.to_string());
    let family: Family<Dynamic, Counter> =
        builder.register_dynamic(&["l"], ()).expect("the names are legal");
    family.get_or_create(&[&*value]);
    let mut encoder = Encoder::new(registry);
    for (accept, escapes_quotes) in [("", false), ("application/openmetrics-text", true)] {
        let mut body = Vec::new();
        encoder.scrape(Some(accept.as_bytes()), None).write_all(&mut body);
        let body = String::from_utf8(body).expect("a body is UTF-8");
        check_body(&body, &value, escapes_quotes);
    }
}

fn check_body(body: &str, value: &str, escapes_quotes: bool) {
    let lines: Vec<&str> = body.split('\n').collect();
    let lines_expected = 3 + usize::from(!value.is_empty()) + usize::from(escapes_quotes);
    assert_eq!(lines.len(), lines_expected, "{body}");
    let help = lines.iter().find_map(|line| line.strip_prefix("# HELP m "));
    let help = unescaped(help.unwrap_or_default(), escapes_quotes);
    assert_eq!(help.as_deref(), Some(value), "{body}");
    let sample = lines.iter().find_map(|line| line.strip_prefix("m{l=\""));
    let label = sample.and_then(|rest| rest.strip_suffix("\"} 0")).expect("there is a sample");
    assert_eq!(unescaped(label, true).as_deref(), Some(value), "{body}");
}

/// The text that was escaped; `None` where an escape is unknown, or a quote has none.
fn unescaped(text: &str, escapes_quotes: bool) -> Option<String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        plain.push(match char {
            '\\' => match chars.next()? {
                'n' => '\n',
                '\\' => '\\',
                '"' if escapes_quotes => '"',
                _ => return None,
            },
            '"' if escapes_quotes => return None,
            char => char,
        });
    }
    Some(plain)
}
