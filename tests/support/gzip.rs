//! A plain inflater and gzip reader, written from RFC 1951 and RFC 1952: bit by bit, every rule
//! checked.

use std::collections::HashMap;

/// The text of a gzip file that has exactly one member and nothing behind it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let header = bytes.get(..10).ok_or("no header")?;
    if header[..3] != [0x1f, 0x8b, 8] || header[3] != 0 {
        return Err(format!("header {header:02x?} is not that of deflate without options"));
    }
    let (text, len) = inflate(&bytes[10..])?;
    let trailer: &[u8; 8] =
        bytes[10 + len..].try_into().map_err(|_| "not eight bytes at the end")?;
    let word = |at: usize| u32::from_le_bytes(trailer[at..at + 4].try_into().expect("four bytes"));
    if word(0) != crc32(&text) {
        return Err(format!("CRC {:08x} is not that of the text", word(0)));
    }
    if word(4) != text.len() as u32 {
        return Err(format!("length {} is not that of the text, {}", word(4), text.len()));
    }
    Ok(text)
}

/// RFC 1952 §8, by its definition.
fn crc32(text: &[u8]) -> u32 {
    !text.iter().fold(u32::MAX, |state, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state, _| {
            if state & 1 == 1 { state >> 1 ^ 0xedb8_8320 } else { state >> 1 }
        })
    })
}

/// The text of a deflate stream, and how many bytes the stream took.
fn inflate(bytes: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let mut bits = Bits { bytes, at: 0 };
    let mut text = Vec::new();
    loop {
        let is_final = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut text)?,
            1 => {
                let literal = |symbol| match symbol {
                    0..=143 => 8,
                    144..=255 => 9,
                    256..=279 => 7,
                    _ => 8,
                };
                let literals = Code::new((0..288).map(literal).collect(), true)?;
                let distances = Code::new(vec![5; 30], false)?;
                compressed(&mut bits, &mut text, &literals, &distances)?;
            }
            2 => {
                let (literals, distances) = dynamic(&mut bits)?;
                compressed(&mut bits, &mut text, &literals, &distances)?;
            }
            _ => return Err("a block of type 3".into()),
        }
        if is_final {
            return Ok((text, bits.at.div_ceil(8)));
        }
    }
}

struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    /// `count` bits, the first one lowest.
    fn take(&mut self, count: u32) -> Result<u32, String> {
        let mut value = 0;
        for index in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or("the stream is cut off")?;
            value |= u32::from(byte >> (self.at % 8) & 1) << index;
            self.at += 1;
        }
        Ok(value)
    }
}

/// A Huffman code (RFC 1951 §3.2.2): symbols by the length and the bits of their codes.
struct Code {
    symbols: HashMap<(u32, u32), usize>,
}

impl Code {
    fn new(lengths: Vec<u32>, must_be_complete: bool) -> Result<Code, String> {
        let mut symbols = HashMap::new();
        let mut code = 0;
        for len in 1..=15 {
            code <<= 1;
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == len) {
                symbols.insert((len, code), symbol);
                code += 1;
            }
            if code > 1 << len {
                return Err("a code with more symbols than bits".into());
            }
        }
        if must_be_complete && code != 1 << 15 {
            return Err("a code that is not complete".into());
        }
        Ok(Code { symbols })
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, String> {
        let mut code = 0;
        for len in 1..=15 {
            code = code << 1 | bits.take(1)?;
            if let Some(symbol) = self.symbols.get(&(len, code)) {
                return Ok(*symbol);
            }
        }
        Err("bits that are no code".into())
    }
}

fn stored(bits: &mut Bits<'_>, text: &mut Vec<u8>) -> Result<(), String> {
    bits.at = bits.at.div_ceil(8) * 8;
    let (len, complement) = (bits.take(16)?, bits.take(16)?);
    if len != !complement & 0xffff {
        return Err("a stored length that its complement denies".into());
    }
    for _ in 0..len {
        text.push(bits.take(8)? as u8);
    }
    Ok(())
}

fn dynamic(bits: &mut Bits<'_>) -> Result<(Code, Code), String> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let literal_count = bits.take(5)? as usize + 257;
    let distance_count = bits.take(5)? as usize + 1;
    let length_count = bits.take(4)? as usize + 4;
    if literal_count > 286 || distance_count > 30 {
        return Err("more symbols than there are".into());
    }
    let mut lengths = vec![0; 19];
    for symbol in &ORDER[..length_count] {
        lengths[*symbol] = bits.take(3)?;
    }
    let length_code = Code::new(lengths, true)?;
    let mut lengths: Vec<u32> = Vec::new();
    while lengths.len() < literal_count + distance_count {
        match length_code.symbol(bits)? {
            16 => {
                let last = *lengths.last().ok_or("nothing to repeat")?;
                let count = bits.take(2)? + 3;
                lengths.extend((0..count).map(|_| last));
            }
            17 => lengths.resize(lengths.len() + bits.take(3)? as usize + 3, 0),
            18 => lengths.resize(lengths.len() + bits.take(7)? as usize + 11, 0),
            len => lengths.push(len as u32),
        }
    }
    if lengths.len() != literal_count + distance_count {
        return Err("a run of lengths past the end".into());
    }
    let distances = lengths.split_off(literal_count);
    if lengths[256] == 0 {
        return Err("no code for the end of the block".into());
    }
    Ok((Code::new(lengths, true)?, Code::new(distances, true)?))
}

fn compressed(
    bits: &mut Bits<'_>,
    text: &mut Vec<u8>,
    literals: &Code,
    distances: &Code,
) -> Result<(), String> {
    const BASES: [u32; 29] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
        131, 163, 195, 227, 258,
    ];
    const EXTRAS: [u32; 29] =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    const DISTANCES: [u32; 30] = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
        2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ];
    loop {
        let symbol = literals.symbol(bits)?;
        match symbol {
            0..=255 => text.push(symbol as u8),
            256 => return Ok(()),
            257..=285 => {
                let len = BASES[symbol - 257] + bits.take(EXTRAS[symbol - 257])?;
                let symbol = distances.symbol(bits)?;
                let extra = (symbol as u32 / 2).saturating_sub(1);
                let distance = (DISTANCES[symbol] + bits.take(extra)?) as usize;
                let start =
                    text.len().checked_sub(distance).ok_or("a distance to before the text")?;
                (0..len as usize).for_each(|index| text.push(text[start + index]));
            }
            _ => return Err(format!("length symbol {symbol}")),
        }
    }
}
