//! A number reads back as what it was, in as few digits as the standard library needs, and in one
//! of the spellings that every parser takes.

use promlet::encoding::number::{self, LEN_MAX};

/// Checks the property on each eight bytes of `data`.
pub fn check(data: &[u8]) {
    for chunk in data.chunks(8) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_le_bytes(bytes);
        assert_eq!(text(|room| number::put_u64(room, bits)), bits.to_string());
        assert_eq!(text(|room| number::put_i64(room, bits as i64)), (bits as i64).to_string());
        check_double(f64::from_bits(bits));
    }
}

fn check_double(value: f64) {
    let shortest = text(|room| number::put_shortest(room, value));
    let sample = text(|room| number::put_f64(room, value));
    if !value.is_finite() {
        let expected = match value {
            f64::INFINITY => "+Inf",
            f64::NEG_INFINITY => "-Inf",
            _ => "NaN",
        };
        assert_eq!((shortest.as_str(), sample.as_str()), (expected, expected));
        return;
    }
    for spelled in [&shortest, &sample] {
        assert_eq!(spelled.parse::<f64>(), Ok(value), "{spelled}");
        assert!(!spelled.starts_with('+') && *spelled != "-0", "{spelled}");
    }
    assert_eq!(digits(&shortest), digits(&format!("{value:e}")), "{shortest}");
}

/// The digits of the mantissa, without zeros at either end.
fn digits(text: &str) -> String {
    let mantissa = text.split('e').next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

fn text(put: impl Fn(&mut [u8; LEN_MAX]) -> usize) -> String {
    let mut room = [b'#'; LEN_MAX];
    let len = put(&mut room);
    String::from_utf8(room[..len].to_vec()).expect("a number is ASCII")
}
