//! Code points that a program cannot tell apart, under one number: a *symbol*.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::decode::{Neighbour, decode};
use super::program::{Instruction, Program};

/// Where ranges of code points begin that [`Neighbour`] tells apart.
const NEIGHBOUR_STARTS: [char; 10] = ['\n', '\x0b', '0', ':', 'A', '[', '_', '`', 'a', '{'];

/// The symbols of a program.
pub(super) struct Symbols {
    /// Those of ASCII.
    ascii: [u8; 128],
    /// All code points: where each range begins, and its symbol.
    ranges: Vec<(u32, u8)>,
    /// A code point of each symbol.
    examples: Vec<u32>,
}

impl Symbols {
    /// The symbols of a program, if they can be had with so many questions whether an instruction
    /// takes a code point, and a byte can number them.
    pub(super) fn new(program: &Program, questions_max: usize) -> Option<Symbols> {
        let mut seen = HashSet::new();
        let mut takers: Vec<usize> = (0..program.instructions.len()).collect();
        takers.retain(|at| seen.insert(program.instructions[*at]));
        let starts = range_starts(program, &takers);
        if starts.len().saturating_mul(takers.len()) > questions_max {
            return None;
        }
        let mut numbers = HashMap::new();
        let mut symbols = Symbols { ascii: [0; 128], ranges: Vec::new(), examples: Vec::new() };
        for start in starts {
            let taken_by = |at: &&usize| program.takes(**at, start);
            let treatment: Vec<usize> = takers.iter().filter(taken_by).copied().collect();
            let count = numbers.len();
            let number = *numbers.entry((treatment, Neighbour::of(start))).or_insert(count);
            let symbol = u8::try_from(number).ok()?;
            if number == symbols.examples.len() {
                symbols.examples.push(start);
            }
            symbols.ranges.push((start, symbol));
        }
        for code_point in 0..symbols.ascii.len() {
            symbols.ascii[code_point] = symbols.find(code_point as u32);
        }
        Some(symbols)
    }

    pub(super) fn count(&self) -> usize {
        self.examples.len()
    }

    /// A code point of each symbol, in their order.
    pub(super) fn examples(&self) -> &'_ [u32] {
        &self.examples
    }

    /// The symbol that text begins with, and the text behind it.
    #[inline]
    pub(super) fn next<'t>(&self, text: &'t [u8]) -> Option<(usize, &'t [u8])> {
        let (first, rest) = text.split_first()?;
        if let Some(symbol) = self.ascii.get(usize::from(*first)) {
            return Some((usize::from(*symbol), rest));
        }
        let (code_point, len) = decode(text)?;
        Some((usize::from(self.find(code_point)), &text[len..]))
    }

    fn find(&self, code_point: u32) -> u8 {
        let after = self.ranges.partition_point(|(start, _)| *start <= code_point);
        self.ranges[after - 1].1
    }
}

/// Where ranges begin in which no instruction tells code points apart; the first is 0.
fn range_starts(program: &Program, takers: &[usize]) -> BTreeSet<u32> {
    let mut starts = BTreeSet::from([0]);
    for at in takers {
        match program.instructions[*at] {
            Instruction::Char(char) => starts.extend([char, char + 1]),
            Instruction::Class(index) => {
                let ranges = program.classes[index as usize].ranges();
                starts.extend(ranges.iter().flat_map(|(first, last)| [*first, last + 1]));
            }
            Instruction::Assert(_) => starts.extend(NEIGHBOUR_STARTS.map(u32::from)),
            _ => {}
        }
    }
    starts
}
