//! The constants of RFC 1951: what length and distance symbols mean.

/// Matches are at most this long.
pub(super) const MATCH_LEN_MAX: usize = 258;
/// Matches reach back at most this far.
pub(super) const DISTANCE_MAX: usize = 32_768;

/// Symbols of the literal and length code, the two that may not occur left out.
pub(super) const LITLEN_SYMBOLS: usize = 286;
/// Symbols of the distance code.
pub(super) const DISTANCE_SYMBOLS: usize = 30;
/// The symbol that ends a block.
pub(super) const END_OF_BLOCK: usize = 256;
/// The symbol of the shortest length.
const FIRST_LENGTH: u16 = 257;

/// Table: length symbol - 257 => (base length, extra bits). RFC 1951 §3.2.5.
const LENGTHS: [(u16, u8); 29] = {
    let mut table = [(0, 0); 29];
    let mut symbol = 0;
    let mut base = 3;
    while symbol < 28 {
        let extra = if symbol < 8 { 0 } else { (symbol / 4 - 1) as u8 };
        table[symbol] = (base, extra);
        base += 1 << extra;
        symbol += 1;
    }
    // The longest has a symbol of its own.
    table[28] = (MATCH_LEN_MAX as u16, 0);
    table
};

/// A match length as its symbol and extra bits.
#[derive(Clone, Copy)]
pub(super) struct Length {
    pub(super) symbol: u16,
    pub(super) extra: u8,
    pub(super) extra_bits: u8,
}

/// Table: match length => symbol and extra bits; the lengths below 3 do not exist.
pub(super) static LENGTH_OF: [Length; MATCH_LEN_MAX + 1] = {
    let mut table = [Length { symbol: 0, extra: 0, extra_bits: 0 }; MATCH_LEN_MAX + 1];
    let mut index = 0;
    while index < LENGTHS.len() {
        let (base, extra_bits) = LENGTHS[index];
        let mut extra = 0;
        while extra < 1 << extra_bits {
            let length = base as usize + extra;
            if length <= MATCH_LEN_MAX {
                let symbol = FIRST_LENGTH + index as u16;
                table[length] = Length { symbol, extra: extra as u8, extra_bits };
            }
            extra += 1;
        }
        index += 1;
    }
    table
};

/// The symbol of a distance of at least 1, and how many extra bits follow it: the distance less 1,
/// without its two leading bits.
#[inline]
pub(super) fn distance_symbol(distance: u32) -> (usize, u32) {
    let rest = distance - 1;
    if rest < 4 {
        return (rest as usize, 0);
    }
    let bits = rest.ilog2();
    ((2 * bits + (rest >> (bits - 1) & 1)) as usize, bits - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_the_edges_of_their_symbols() {
        let cases = [
            (3, 257, 0, 0),
            (10, 264, 0, 0),
            (11, 265, 0, 1),
            (12, 265, 1, 1),
            (130, 280, 15, 4),
            (131, 281, 0, 5),
            (257, 284, 30, 5),
            (258, 285, 0, 0),
        ];
        for (length, symbol, extra, extra_bits) in cases {
            let found = LENGTH_OF[length];
            assert_eq!((found.symbol, found.extra, found.extra_bits), (symbol, extra, extra_bits));
        }
    }

    #[test]
    fn distances_at_the_edges_of_their_symbols() {
        let cases = [
            (1, 0, 0),
            (4, 3, 0),
            (5, 4, 1),
            (6, 4, 1),
            (7, 5, 1),
            (9, 6, 2),
            (13, 7, 2),
            (24_577, 29, 13),
            (32_768, 29, 13),
        ];
        for (distance, symbol, extra_bits) in cases {
            assert_eq!(distance_symbol(distance), (symbol, extra_bits), "{distance}");
        }
    }
}
