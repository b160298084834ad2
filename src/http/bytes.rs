//! The classes of bytes that RFC 9110 and RFC 3986 name, as one table.

/// `tchar`: what methods and field names are made of (RFC 9110 §5.6.2).
pub(super) const TOKEN: u8 = 1;
/// What a field value is made of: visible bytes, blank, tab, `obs-text` (RFC 9110 §5.5).
pub(super) const VALUE: u8 = 2;
/// `pchar` and `/`: what a path is made of (RFC 3986 §3.3). `%` must begin an escape, besides.
pub(super) const PATH: u8 = 4;
/// What a query is made of: as a path, with `?`, and with the bytes that browsers and `curl -g`
/// do not escape there, though RFC 3986 would have it (`collect[]=cpu`).
pub(super) const QUERY: u8 = 8;
/// `uri-host` (RFC 3986 §3.2.2), other than an address in brackets.
pub(super) const HOST: u8 = 16;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte >= 0x20 && byte != 0x7f || byte == 0x09 {
            table[byte] |= VALUE;
        }
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] |= TOKEN | PATH | QUERY | HOST;
        }
        byte += 1;
    }
    mark(&mut table, b"!#$%&'*+-.^_`|~", TOKEN);
    mark(&mut table, b"-._~%!$&'()*+,;=", PATH | QUERY | HOST);
    mark(&mut table, b"/:@", PATH | QUERY);
    mark(&mut table, b"?[]{}|^`", QUERY);
    table
}

const fn mark(table: &mut [u8; 256], bytes: &[u8], class: u8) {
    let mut index = 0;
    while index < bytes.len() {
        table[bytes[index] as usize] |= class;
        index += 1;
    }
}

/// Whether `byte` is of `class`.
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// Whether all of `bytes` are of `class`; so are none.
pub(super) fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| is(byte, class))
}

/// `bytes` without the blanks and tabs around it.
pub(super) fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
