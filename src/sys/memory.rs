//! Bytes found in memory, by the means that the C library has for the processor: memchr(3).

/// Where the first byte is that equals `byte`.
pub fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    // SAFETY: the pointer is good for reads of as many bytes as the slice has.
    let found = unsafe { libc::memchr(bytes.as_ptr().cast(), byte.into(), bytes.len()) };
    (!found.is_null()).then(|| found.addr() - bytes.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn finds_what_a_loop_finds() {
        let bytes: Vec<u8> = (0..=255).chain(0..=255).collect();
        for start in 0..80 {
            for end in start..bytes.len() {
                let part = &bytes[start..end];
                let expected = part.iter().position(|byte| *byte == 100);
                assert_eq!(position(part, 100), expected, "{start}..{end}");
            }
        }
    }
}
