//! Numbers in decimal: integers, and the shortest digits of doubles.
//!
//! Integers are turned into eight digits at a time, held in the bytes of a `u64`. Doubles follow
//! R. Giulietti, “The Schubfach way to render doubles” (2020): of the decimals that read back as
//! the same double the shortest, and of those the closest. Billionths up to a million need none of
//! that.
//!
//! ```text
//! value   integers (also integral doubles up to 2^53)   all digits: 1000000
//!         else the shortest digits d.ddd x 10^e         e < -4 or e >= 6: 1.5e-05, 2.5e+06
//!                                                       otherwise:       0.0001, 123456.5
//!         NaN, +Inf, -Inf; never +1, -0, -NaN
//! ```

mod powers;

use powers::power_of_ten;

/// No number is longer: a sign, 17 digits, a point and an exponent of five characters.
pub const LEN_MAX: usize = 24;

/// Room for one number.
pub type Room = [u8; LEN_MAX];

/// Writes `value` to the start of `room` and returns its length.
#[inline]
pub fn put_u64(room: &mut Room, value: u64) -> usize {
    if value < 100_000_000 {
        return put_short(room, value as u32);
    }
    put_long(room, value)
}

/// Writes `value` to the start of `room` and returns its length.
#[inline]
pub fn put_i64(room: &mut Room, value: i64) -> usize {
    if value >= 0 {
        return put_u64(room, value.cast_unsigned());
    }
    let mut digits = [0; LEN_MAX];
    let len = put_u64(&mut digits, value.unsigned_abs());
    room[0] = b'-';
    // 2^63 has 19 digits.
    room[1..].copy_from_slice(&digits[..LEN_MAX - 1]);
    len + 1
}

/// Writes `value` as samples show it to the start of `room` and returns its length: integers up to
/// 2^53 in full, otherwise as [`put_shortest`].
#[inline]
pub fn put_f64(room: &mut Room, value: f64) -> usize {
    /// From here on not every integer is a double.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let integer = value as i64;
    if integer as f64 == value && value.abs() <= EXACT_MAX {
        put_i64(room, integer)
    } else {
        put_shortest(room, value)
    }
}

/// Writes `value` as Go's `%g` does to the start of `room` and returns its length. Labels such as
/// `le` need this spelling, because they are compared as text.
pub fn put_shortest(room: &mut Room, value: f64) -> usize {
    let special: &[u8] = match value {
        _ if value.is_nan() => b"NaN",
        f64::INFINITY => b"+Inf",
        f64::NEG_INFINITY => b"-Inf",
        0.0 => b"0",
        _ => return put_finite(room, value),
    };
    room[..special.len()].copy_from_slice(special);
    special.len()
}

/// The digits of a number below 10^8, most significant in the lowest byte, without `b'0'` added.
#[inline]
fn eight_digits(value: u32) -> u64 {
    debug_assert!(value < 100_000_000);
    // Two lanes of four digits, four lanes of two, eight of one. The quotients are exact in these
    // ranges: n * 10486 >> 20 = n / 100 for n < 10^4, n * 103 >> 10 = n / 10 for n < 100.
    let fours = u64::from(value / 10_000) | u64::from(value % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x0f_000f_000f_000f;
    tens | (twos - tens * 10) << 8
}

/// `b'0'` in each byte.
const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;

/// A number below 10^8 without leading zeros, and its length.
#[inline]
fn short_text(value: u32) -> ([u8; 8], usize) {
    let digits = eight_digits(value);
    // The last digit stays, also of zero.
    let leading_zeros = (digits | 1 << 56).trailing_zeros() / 8;
    let text = (digits + ASCII_ZEROS) >> (leading_zeros * 8);
    (text.to_le_bytes(), 8 - leading_zeros as usize)
}

/// Writes a number below 10^8 without leading zeros.
#[inline]
fn put_short(room: &mut Room, value: u32) -> usize {
    let (text, len) = short_text(value);
    room[..8].copy_from_slice(&text);
    len
}

/// Writes a number from 10^8 on.
fn put_long(room: &mut Room, value: u64) -> usize {
    let (high, low) = (value / 100_000_000, (value % 100_000_000) as u32);
    let len = match high < 100_000_000 {
        true => put_short(room, high as u32),
        false => {
            // At most 1844 here, since 2^64 < 1845 * 10^16.
            let len = put_short(room, (high / 100_000_000) as u32);
            put_eight(room, len, (high % 100_000_000) as u32);
            len + 8
        }
    };
    put_eight(room, len, low);
    len + 8
}

/// Writes a number below 10^8 with leading zeros at `at`.
#[inline]
fn put_eight(room: &mut Room, at: usize, value: u32) {
    room[at..at + 8].copy_from_slice(&(eight_digits(value) + ASCII_ZEROS).to_le_bytes());
}

/// A decimal `0.DIGITS * 10^point`, the first digit not zero.
#[derive(Clone, Copy)]
struct Decimal {
    /// The first 16 digits.
    leading: u64,
    /// The 17th.
    last: u64,
    point: i32,
}

/// Writes a double that is neither zero, infinite nor NaN.
fn put_finite(room: &mut Room, value: f64) -> usize {
    room[0] = b'-';
    let at = usize::from(value.is_sign_negative());
    match billionths(value.abs()) {
        Some(billionths) => put_billionths(room, at, billionths),
        None => put_decimal(room, at, shortest(value)),
    }
}

/// The integer that makes `value`, in billionths, its shortest decimal; only where that decimal has
/// at most nine digits behind the point and is written without an exponent.
///
/// Seconds are like that, and this takes half of the time that [`shortest`] does. The integer and
/// 10^9 are doubles and division rounds correctly, so what is equal to `value` here reads back as
/// it. The integer has at most 15 digits. No two decimals of so few digits read as the same double,
/// hence none that is shorter reads as this one, and none as short.
#[inline]
fn billionths(value: f64) -> Option<u64> {
    /// From here to its double, doubles are the integers: adding it rounds to one.
    const ROUNDING: f64 = 4_503_599_627_370_496.0;
    if !(0.0001..1e6).contains(&value) {
        return None;
    }
    let rounded = value * 1e9 + ROUNDING;
    let is_exact = (rounded - ROUNDING) / 1e9 == value;
    is_exact.then(|| rounded.to_bits() - ROUNDING.to_bits())
}

/// `WHOLE.FRACTION` without trailing zeros.
#[inline]
fn put_billionths(room: &mut Room, at: usize, billionths: u64) -> usize {
    // Below 10^6 and 10^9.
    let (whole, fraction) = ((billionths / 1_000_000_000) as u32, billionths % 1_000_000_000);
    let (front, last) = ((fraction / 10) as u32, fraction % 10);
    let (whole, len) = short_text(whole);
    room[at..at + 8].copy_from_slice(&whole);
    let at = at + len;
    let front = eight_digits(front);
    room[at] = b'.';
    room[at + 1..at + 9].copy_from_slice(&(front + ASCII_ZEROS).to_le_bytes());
    room[at + 9] = b'0' + last as u8;
    let significant = if last == 0 { 8 - front.leading_zeros() as usize / 8 } else { 9 };
    at + significant + usize::from(significant > 0)
}

/// Writes a decimal without its trailing zeros.
fn put_decimal(room: &mut Room, at: usize, decimal: Decimal) -> usize {
    let digits = Digits::of(&decimal);
    // Go writes an exponent where the value is under 10^-4 or from 10^6 on.
    match decimal.point {
        point @ -3..=0 => put_fraction(room, at, &digits, point.unsigned_abs() as usize),
        point @ 1..=6 => put_fixed(room, at, &digits, point as usize),
        point => put_scientific(room, at, &digits, point - 1),
    }
}

/// The digits of a [`Decimal`] as text. The forms below copy all of them, because copies of a fixed
/// size are cheaper than exact ones, and return how much of that counts.
struct Digits {
    /// Eight each, the first one in the lowest byte.
    words: [u64; 2],
    last: u8,
    /// The digits up to the last that is not zero.
    significant: usize,
}

impl Digits {
    #[inline]
    fn of(decimal: &Decimal) -> Digits {
        let high = eight_digits((decimal.leading / 100_000_000) as u32);
        let low = eight_digits((decimal.leading % 100_000_000) as u32);
        let trailing_zeros = (u128::from(low) << 64 | u128::from(high)).leading_zeros() / 8;
        let significant = if decimal.last == 0 { 16 - trailing_zeros as usize } else { 17 };
        let words = [high + ASCII_ZEROS, low + ASCII_ZEROS];
        Digits { words, last: b'0' + decimal.last as u8, significant }
    }

    /// Writes those behind the first `skipped` to `at`, and up to as many bytes of anything.
    #[inline]
    fn put(&self, room: &mut Room, at: usize, skipped: usize) {
        let [high, low] = self.words;
        // Two shifts, because one by 64 bits is none.
        let front = high >> (skipped * 8) | low << (63 - skipped * 8) << 1;
        room[at..at + 8].copy_from_slice(&front.to_le_bytes());
        room[at + 8..at + 16].copy_from_slice(&(low >> (skipped * 8)).to_le_bytes());
        room[at + 16 - skipped] = self.last;
    }
}

/// `0.000DIGITS` with `zeros` zeros after the point.
#[inline]
fn put_fraction(room: &mut Room, at: usize, digits: &Digits, zeros: usize) -> usize {
    room[at..at + 5].copy_from_slice(b"0.000");
    digits.put(room, at + 2 + zeros, 0);
    at + 2 + zeros + digits.significant
}

/// `DIG.ITS` with `whole` digits in front of the point, padded with zeros to it.
#[inline]
fn put_fixed(room: &mut Room, at: usize, digits: &Digits, whole: usize) -> usize {
    room[at..at + 8].copy_from_slice(&digits.words[0].to_le_bytes());
    room[at + whole] = b'.';
    digits.put(room, at + whole + 1, whole);
    at + if digits.significant > whole { digits.significant + 1 } else { whole }
}

/// `D.IGITSe+XX` with at least two digits in the exponent.
fn put_scientific(room: &mut Room, at: usize, digits: &Digits, exponent: i32) -> usize {
    let mut at = put_fixed(room, at, digits, 1);
    room[at] = b'e';
    room[at + 1] = if exponent < 0 { b'-' } else { b'+' };
    at += 2;
    // At most 324, the exponent of the smallest double.
    let magnitude = exponent.unsigned_abs();
    if magnitude >= 100 {
        room[at] = b'0' + (magnitude / 100) as u8;
        at += 1;
    }
    room[at] = b'0' + (magnitude / 10 % 10) as u8;
    room[at + 1] = b'0' + (magnitude % 10) as u8;
    at + 2
}

/// Bits of a double's significand that are stored.
const SIGNIFICAND_BITS: u32 = f64::MANTISSA_DIGITS - 1;
/// A double of biased exponent `b` and significand `c` (with the hidden bit) is `c * 2^(b - 1075)`.
const EXPONENT_BIAS: i32 = 1075;

/// The shortest decimal that reads back as `value`, of those the closest to it.
///
/// With `value = c * 2^q`, the decimals that read back lie between `(c - 1/2) * 2^q` and
/// `(c + 1/2) * 2^q` (the lower bound is nearer at a power of two), the bounds included if `c` is
/// even. They are scaled by `10^-k`, chosen so that the interval has at least one and at most ten
/// integers or so, with two more bits that keep what is needed to round: `v = 4 * c * 2^q * 10^-k`.
/// If a multiple of ten lies inside, it is the answer, else the integer next to `v`.
fn shortest(value: f64) -> Decimal {
    let bits = value.to_bits();
    let fraction = bits & ((1 << SIGNIFICAND_BITS) - 1);
    let biased = (bits >> SIGNIFICAND_BITS & 0x7ff) as i32;
    let (c, q) = match biased {
        0 => (fraction, 1 - EXPONENT_BIAS),
        _ => (fraction | 1 << SIGNIFICAND_BITS, biased - EXPONENT_BIAS),
    };
    let lower_is_nearer = fraction == 0 && biased > 1;

    // floor(log10(2^q)), or of 3/4 * 2^q where the lower bound is nearer.
    let k = (q * 1_262_611 - if lower_is_nearer { 524_031 } else { 0 }) >> 22;
    // Brings the power's 128-bit significand to the scale; floor(log2(10^-k)) is the product.
    let h = q + ((-k * 1_741_647) >> 19) + 1;
    let power = power_of_ten(-k);
    let scale = |quarters: u64| multiply_to_odd(power, quarters << h);
    let v = scale(4 * c);
    // Bounds that do not belong to the interval are taken one step inside.
    let is_odd = c & 1;
    let lower = scale(4 * c - 2 + u64::from(lower_is_nearer)) + is_odd;
    let upper = scale(4 * c + 2) - is_odd;

    let s = v / 4;
    let tens = s / 10;
    let tens_below = lower <= 40 * tens;
    let tens_above = 40 * tens + 40 <= upper;
    if tens_below != tens_above && s >= 10 {
        return align(tens + u64::from(tens_above), 0, k);
    }
    let below = lower <= 4 * s;
    let above = 4 * s + 4 <= upper;
    let up = if below == above {
        // Of two that are equally close the upper, as the standard library has it.
        v >= 4 * s + 2
    } else {
        above
    };
    // No carry but under ten, where there is no multiple of ten to take: the next one lies outside.
    align(tens, s - 10 * tens + u64::from(up), k)
}

/// The decimal `(10 * leading + last) * 10^exponent`, its digits moved to the front.
#[inline]
fn align(mut leading: u64, mut last: u64, exponent: i32) -> Decimal {
    /// The smallest number of 16 digits.
    const ALIGNED_MIN: u64 = 1_000_000_000_000_000;
    let mut point = exponent + 17;
    // Once at most, but for doubles below the normal ones.
    while leading < ALIGNED_MIN {
        leading = leading * 10 + last;
        last = 0;
        point -= 1;
    }
    Decimal { leading, last, point }
}

/// The upper 64 bits of the 192-bit product, with the lowest bit set if bits were lost: enough to
/// compare with a bound and to round.
#[inline]
fn multiply_to_odd((high, low): (u64, u64), factor: u64) -> u64 {
    let low = u128::from(low) * u128::from(factor);
    let product = u128::from(high) * u128::from(factor) + (low >> 64);
    (product >> 64) as u64 | u64::from(product as u64 > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(put: impl Fn(&mut Room) -> usize) -> String {
        let mut room = [0xff; LEN_MAX];
        let len = put(&mut room);
        String::from_utf8(room[..len].to_vec()).expect("numbers are ASCII")
    }

    fn value_text(value: f64) -> String {
        text(|room| put_f64(room, value))
    }

    fn shortest_text(value: f64) -> String {
        text(|room| put_shortest(room, value))
    }

    /// Go's `%g`, made from the standard library's shortest digits.
    fn model(value: f64) -> String {
        if value == 0.0 {
            return "0".into();
        }
        let scientific = format!("{value:e}");
        let (digits, exponent) = scientific.split_once('e').expect("`{:e}` has an exponent");
        let exponent: i32 = exponent.parse().expect("the exponent is a number");
        if (-4..6).contains(&exponent) {
            return format!("{value}");
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }

    #[test]
    fn floats_are_spelt_as_go_spells_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.3, "0.3"),
            (100_000.0, "100000"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456.5, "123456.5"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (1e-5, "1e-05"),
            (5e-324, "5e-324"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (-1.797_693_134_862_315_7e308, "-1.7976931348623157e+308"),
            (2e100, "2e+100"),
            (f64::NAN, "NaN"),
            (-f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(shortest_text(value), expected);
        }
    }

    #[test]
    fn integral_values_are_written_in_full_up_to_2_53() {
        let cases = [
            (1e6, "1000000"),
            (-0.0, "0"),
            (-3_268_759.0, "-3268759"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (-9_007_199_254_740_992.0, "-9007199254740992"),
            (9_007_199_254_740_994.0, "9.007199254740994e+15"),
            (1e22, "1e+22"),
            (2_500_000.5, "2.5000005e+06"),
        ];
        for (value, expected) in cases {
            assert_eq!(value_text(value), expected);
        }
    }

    /// Every power of two and of ten, with its neighbours: where the interval of a double is
    /// lopsided, where the number of digits changes, and the ends of the range.
    #[test]
    fn hard_doubles_have_the_shortest_digits() {
        let powers_of_two = (0..2047_u64).map(|exponent| f64::from_bits(exponent << 52));
        let powers_of_ten = (-323..=308).map(|exponent| {
            format!("1e{exponent}").parse::<f64>().expect("a power of ten is a number")
        });
        let subnormals = (0..1000).map(f64::from_bits);
        for value in powers_of_two.chain(powers_of_ten).chain(subnormals) {
            for bits in value.to_bits().saturating_sub(2)..=value.to_bits() + 2 {
                let value = f64::from_bits(bits);
                if value.is_finite() {
                    assert_eq!(shortest_text(value), model(value), "{bits:#x}");
                }
            }
        }
    }

    #[test]
    fn integers_around_every_power_of_ten() {
        for exponent in 0..20 {
            let power = 10_u64.pow(exponent);
            for value in [power - 1, power, power + 1, power.wrapping_mul(9)] {
                assert_eq!(text(|room| put_u64(room, value)), value.to_string());
            }
        }
        for value in [u64::MAX, u64::MAX - 1] {
            assert_eq!(text(|room| put_u64(room, value)), value.to_string());
        }
        for value in [i64::MIN, i64::MAX, -1, 0, -10, -99_999_999, -100_000_000] {
            assert_eq!(text(|room| put_i64(room, value)), value.to_string());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_double_has_the_shortest_digits(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(shortest_text(value), model(value));
                prop_assert_eq!(value_text(value).parse::<f64>(), Ok(value));
            }
        }

        #[test]
        fn decimals_with_few_digits_come_back(
            digits in 0..100_000_000_000_000_000_u64,
            fewer in 0..17_u32,
            scale in 0..12_i32,
            neighbour in 0..3_u64,
        ) {
            let value = (digits / 10_u64.pow(fewer)) as f64 / 10_f64.powi(scale);
            let value = f64::from_bits(value.to_bits() + neighbour);
            prop_assert_eq!(shortest_text(value), model(value));
            prop_assert_eq!(value_text(value).parse::<f64>(), Ok(value));
        }

        #[test]
        fn every_integer_comes_back(value: u64, shift in 0..64) {
            let value = value >> shift;
            prop_assert_eq!(text(|room| put_u64(room, value)), value.to_string());
            let signed = value.cast_signed();
            prop_assert_eq!(text(|room| put_i64(room, signed)), signed.to_string());
        }
    }
}
