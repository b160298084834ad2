//! A program as a table: which threads there are is one state, and a code point leads from a state
//! to the next. Whether a text matches then takes one look into the table a character, and no
//! memory.
//!
//! The table is made whole once an expression is asked often, so that matching needs no lock. Where
//! it would be too large (that of `(a|b)*a(a|b){20}` has a million states) there is none, and the
//! program is run instead.
//!
//! An assertion asks what stands behind a position, so a state keeps threads in front of one that
//! depends on it, and settles them when the next code point is known.

use std::collections::HashMap;

use super::decode::{Neighbour, Surroundings};
use super::program::{Instruction, Program};
use super::symbols::Symbols;

/// Entries of a table, of two bytes each. node_exporter's longest default takes a third.
const ENTRIES_MAX: usize = 1 << 15;
/// Instructions that are looked at while a table is made, which takes some milliseconds;
/// node_exporter's longest default takes a sixth. A program that needs more has many threads in each
/// of many states.
const WORK_MAX: usize = 1 << 18;
/// There is no thread left, nor will there be one.
const DEAD: u16 = 0;
/// The expression has matched, whatever follows.
const MATCHED: u16 = 1;

/// The table of a program.
pub(super) struct Automaton {
    symbols: Symbols,
    /// A row for each state: the state that each symbol leads to, and what the end of the text does.
    table: Vec<u16>,
    start: u16,
}

impl Automaton {
    /// The table of a program, if it is small enough.
    pub(super) fn new(program: &Program) -> Option<Automaton> {
        let symbols = Symbols::new(program, WORK_MAX)?;
        let (table, start) = Builder::new(program, &symbols).build()?;
        Some(Automaton { symbols, table, start })
    }

    /// Whether the text has a match.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        let columns = self.symbols.count() + 1;
        let (mut state, mut rest) = (self.start, text);
        while state > MATCHED {
            let row = usize::from(state) * columns;
            let Some((symbol, behind)) = self.symbols.next(rest) else {
                return self.table[row + columns - 1] == MATCHED;
            };
            state = self.table[row + symbol];
            rest = behind;
        }
        state == MATCHED
    }
}

/// The threads at a position.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    /// Instructions that take a code point, or ask for what stands behind; ascending.
    threads: Vec<usize>,
    /// What stands before the position, as far as a thread may ask for it.
    before: Neighbour,
}

/// A table under way.
struct Builder<'a> {
    program: &'a Program,
    symbols: &'a Symbols,
    /// The number of each state.
    numbers: HashMap<State, u16>,
    /// What threads lead to that have just taken a code point: a few such sets recur everywhere.
    steps: HashMap<State, u16>,
    /// In the order of their numbers; those of the first two stand for no threads.
    states: Vec<State>,
    /// Whether a match can start elsewhere than at the start of the text.
    restarts: bool,
    /// For each instruction, the turn in which it was last reached.
    reached: Vec<usize>,
    turn: usize,
    work: usize,
}

impl<'a> Builder<'a> {
    fn new(program: &'a Program, symbols: &'a Symbols) -> Builder<'a> {
        let none = State { threads: Vec::new(), before: Neighbour::Other };
        let mut builder = Builder {
            program,
            symbols,
            numbers: HashMap::new(),
            steps: HashMap::new(),
            states: vec![none; usize::from(MATCHED) + 1],
            restarts: false,
            reached: vec![0; program.instructions.len()],
            turn: 0,
            work: 0,
        };
        let inside = Neighbour::ALL.into_iter().filter(|before| *before != Neighbour::Nothing);
        for before in inside {
            builder.restarts |= !builder.reach(vec![0], before, None).is_empty();
        }
        builder
    }

    /// The table, and the number of the state that a text begins in.
    fn build(mut self) -> Option<(Vec<u16>, u16)> {
        let columns = self.symbols.count() + 1;
        let start = self.step(Vec::new(), Neighbour::Nothing);
        let mut table = vec![DEAD; columns];
        table.resize(2 * columns, MATCHED);
        let mut number = usize::from(MATCHED) + 1;
        while let Some(state) = self.states.get(number).cloned() {
            self.add_row(&state, &mut table);
            if self.states.len() * columns > ENTRIES_MAX || self.work > WORK_MAX {
                return None;
            }
            number += 1;
        }
        table.shrink_to_fit();
        Some((table, start))
    }

    fn add_row(&mut self, state: &State, table: &mut Vec<u16>) {
        // In the order of the neighbours' numbers.
        let settled = Neighbour::ALL
            .map(|behind| self.reach(state.threads.clone(), state.before, Some(behind)));
        let symbols = self.symbols;
        for code_point in symbols.examples() {
            let neighbour = Neighbour::of(*code_point);
            table.push(self.entry(&settled[neighbour as usize], *code_point, neighbour));
        }
        let has_match = self.has_match(&settled[Neighbour::Nothing as usize]);
        table.push(if has_match { MATCHED } else { DEAD });
    }

    fn entry(&mut self, threads: &[usize], code_point: u32, neighbour: Neighbour) -> u16 {
        if self.has_match(threads) {
            return MATCHED;
        }
        self.work += threads.len();
        let takes = |at: &&usize| self.program.takes(**at, code_point);
        let next = threads.iter().filter(takes).map(|at| at + 1).collect();
        self.step(next, neighbour)
    }

    /// The number of the state of these threads, which have just taken a code point, and of one
    /// that starts here.
    fn step(&mut self, threads: Vec<usize>, before: Neighbour) -> u16 {
        let step = State { threads, before };
        if let Some(number) = self.steps.get(&step) {
            return *number;
        }
        let mut threads = step.threads.clone();
        threads.push(0);
        let threads = self.reach(threads, before, None);
        let number = self.number(threads, before);
        self.steps.insert(step, number);
        number
    }

    fn number(&mut self, threads: Vec<usize>, before: Neighbour) -> u16 {
        if self.has_match(&threads) {
            return MATCHED;
        }
        if threads.is_empty() && !self.restarts {
            return DEAD;
        }
        let asks = |at: &usize| matches!(self.program.instructions[*at], Instruction::Assert(_));
        let before = if threads.iter().any(asks) { before } else { Neighbour::Other };
        let state = State { threads, before };
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        // A row that passes the most entries is the last one, so no such number is ever used.
        let number = self.states.len().min(ENTRIES_MAX) as u16;
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    fn has_match(&self, threads: &[usize]) -> bool {
        threads.iter().any(|at| self.program.instructions[*at] == Instruction::Match)
    }

    /// Where threads stand once they have gone as far as they can without taking a code point;
    /// ascending. While it is not known what stands behind, those that depend on it stay.
    fn reach(
        &mut self,
        mut visits: Vec<usize>,
        before: Neighbour,
        behind: Option<Neighbour>,
    ) -> Vec<usize> {
        self.turn += 1;
        let mut threads = Vec::new();
        while let Some(at) = visits.pop() {
            self.work += 1;
            if std::mem::replace(&mut self.reached[at], self.turn) == self.turn {
                continue;
            }
            match self.program.instructions[at] {
                Instruction::Split(first, second) => {
                    visits.push(at.wrapping_add_signed(first));
                    visits.push(at.wrapping_add_signed(second));
                }
                Instruction::Jump(offset) => visits.push(at.wrapping_add_signed(offset)),
                Instruction::Save(_) => visits.push(at + 1),
                Instruction::Assert(assertion) => {
                    let possible =
                        behind.as_ref().map_or(&Neighbour::ALL[..], std::slice::from_ref);
                    let holds = |behind: &Neighbour| {
                        Surroundings { before, behind: *behind }.satisfy(assertion)
                    };
                    if possible.iter().all(holds) {
                        visits.push(at + 1);
                    } else if possible.iter().any(holds) {
                        threads.push(at);
                    }
                }
                Instruction::Char(_) | Instruction::Class(_) | Instruction::Match => {
                    threads.push(at)
                }
            }
        }
        threads.sort_unstable();
        threads
    }
}
