//! Escaping of strings and HELP texts: whole runs are copied between the bytes that need it.

/// Appends a label value or a name in quotes, as the text formats have them.
pub(super) fn write_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped_string(out, text);
    out.push(b'"');
}

/// Appends what stands between quotes, or the HELP text of OpenMetrics: `\\`, `\"` and `\n` are
/// escaped.
pub(super) fn write_escaped_string(out: &mut Vec<u8>, text: &str) {
    write_escaped(out, text.as_bytes(), |byte| matches!(byte, b'\\' | b'"' | b'\n'));
}

/// Appends a HELP text of the text formats: `\\` and `\n` are escaped.
pub(super) fn write_help(out: &mut Vec<u8>, help: &str) {
    write_escaped(out, help.as_bytes(), |byte| matches!(byte, b'\\' | b'\n'));
}

fn write_escaped(out: &mut Vec<u8>, text: &[u8], is_special: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some(index) = rest.iter().position(|byte| is_special(*byte)) {
        let (run, special) = rest.split_at(index);
        out.extend_from_slice(run);
        let letter = if special[0] == b'\n' { b'n' } else { special[0] };
        out.extend_from_slice(&[b'\\', letter]);
        rest = &special[1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_special_bytes_are_escaped() {
        let cases = [
            ("", "", ""),
            ("plain", "plain", "plain"),
            ("a\"b", "a\\\"b", "a\"b"),
            ("\\n", "\\\\n", "\\\\n"),
            ("\n\n", "\\n\\n", "\\n\\n"),
            ("tab\tcr\rü€", "tab\tcr\rü€", "tab\tcr\rü€"),
        ];
        for (text, string, help) in cases {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            write_escaped_string(&mut a, text);
            write_help(&mut b, text);
            assert_eq!((a.as_slice(), b.as_slice()), (string.as_bytes(), help.as_bytes()));
        }
    }
}
