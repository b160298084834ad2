//! The powers of ten by which doubles are scaled, made when the crate is built.

/// The smallest and the largest power of ten that a double needs.
const POWER_MIN: i32 = -292;
const POWER_MAX: i32 = 324;

/// The 128 leading bits of ten to `exponent`, rounded up, as (high, low).
#[inline]
pub fn power_of_ten(exponent: i32) -> (u64, u64) {
    POWERS_OF_TEN[(exponent - POWER_MIN) as usize]
}

/// The 128 leading bits of the powers of ten from [`POWER_MIN`] on.
static POWERS_OF_TEN: [(u64, u64); (POWER_MAX - POWER_MIN + 1) as usize] = powers_of_ten();

/// A number between 1/2 and 1 in 256 bits, the least significant limb first.
type Significand = [u64; 4];

const fn powers_of_ten() -> [(u64, u64); (POWER_MAX - POWER_MIN + 1) as usize] {
    const ONE: Significand = [0, 0, 0, 1 << 63];
    let mut powers = [(0, 0); (POWER_MAX - POWER_MIN + 1) as usize];
    let mut power = ONE;
    let mut exponent = 0;
    while exponent <= POWER_MAX {
        powers[(exponent - POWER_MIN) as usize] = round_up(power);
        power = times_five(power);
        exponent += 1;
    }
    power = ONE;
    exponent = -1;
    while exponent >= POWER_MIN {
        power = fifth(power);
        powers[(exponent - POWER_MIN) as usize] = round_up(power);
        exponent -= 1;
    }
    powers
}

/// The 128 leading bits, rounded up.
const fn round_up(power: Significand) -> (u64, u64) {
    let leading = (power[3] as u128) << 64 | power[2] as u128;
    let rounded = leading + (power[0] | power[1] != 0) as u128;
    ((rounded >> 64) as u64, rounded as u64)
}

/// Five times `power`, shifted back into place (a power of ten has the digits of a power of five).
/// What is lost is under 2^-255 of it, 324 times at most: far below the 128 bits that are kept.
const fn times_five(power: Significand) -> Significand {
    let mut product = [0; 5];
    let mut carry = 0_u128;
    let mut limb = 0;
    while limb < 4 {
        carry += power[limb] as u128 * 5;
        product[limb] = carry as u64;
        carry >>= 64;
        limb += 1;
    }
    product[4] = carry as u64;
    let shift = 64 - product[4].leading_zeros();
    let mut shifted = [0; 4];
    limb = 0;
    while limb < 4 {
        shifted[limb] = product[limb] >> shift | product[limb + 1] << (64 - shift);
        limb += 1;
    }
    shifted
}

/// A fifth of `power`, shifted back into place.
const fn fifth(power: Significand) -> Significand {
    // A further limb below keeps the bits that the shift brings in.
    let mut quotient = [0; 5];
    let mut rest = 0_u128;
    let mut limb = 5;
    while limb > 0 {
        limb -= 1;
        let dividend = rest << 64 | if limb == 0 { 0 } else { power[limb - 1] as u128 };
        quotient[limb] = (dividend / 5) as u64;
        rest = dividend % 5;
    }
    let shift = quotient[4].leading_zeros();
    let mut shifted = [0; 4];
    limb = 0;
    while limb < 4 {
        shifted[limb] = quotient[limb + 1] << shift | quotient[limb] >> (64 - shift);
        limb += 1;
    }
    shifted
}
