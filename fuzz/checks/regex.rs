//! Any expression is compiled or refused in one line; compiled, its table and its machine answer
//! alike for any text, its groups lie in their match, and a group around it changes nothing.

use promlet::regex::{Captures, Regex};

/// Checks the property on `data`: an expression, a line feed, and a text.
pub fn check(data: &[u8]) {
    let split = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let pattern = String::from_utf8_lossy(&data[..split]);
    let text = data.get(split + 1..).unwrap_or_default();
    let regex = match Regex::new(&pattern) {
        Ok(regex) => regex,
        Err(e) => {
            assert!(!e.to_string().contains('\n') && e.to_string().len() < 1_000, "{e}");
            assert!(e.offset() <= pattern.chars().count(), "{e}");
            return;
        }
    };
    assert_eq!(regex.as_str(), pattern);
    let captures = regex.captures(text);
    assert_eq!(captures.is_some(), regex.is_match(text), "{pattern}");
    if let Some(captures) = &captures {
        check_groups(&regex, captures, text);
    }
    // A quotation may have no end, and would take the parenthesis.
    if let Some(grouped) = Regex::new(&format!("(?:{pattern})")).ok()
        && !pattern.contains("\\Q")
    {
        let again = grouped.captures(text);
        let groups = |captures: &Captures<'_>| -> Vec<_> {
            (0..regex.capture_names().len())
                .map(|i| captures.get(i).map(<[u8]>::as_ptr_range))
                .collect()
        };
        assert_eq!(again.as_ref().map(groups), captures.as_ref().map(groups), "{pattern}");
    }
}

fn check_groups(regex: &Regex, captures: &Captures<'_>, text: &[u8]) {
    let whole = captures.get(0).expect("a match has a whole").as_ptr_range();
    let text = text.as_ptr_range();
    assert!(text.start <= whole.start && whole.end <= text.end, "{regex}");
    for (group, name) in regex.capture_names().enumerate() {
        let found = captures.get(group);
        if let Some(found) = found.map(<[u8]>::as_ptr_range) {
            assert!(whole.start <= found.start && found.end <= whole.end, "{regex}");
        }
        if let Some(name) = name {
            assert_eq!(captures.name(name), found, "{regex}");
        }
    }
}
