//! Runs a program over a text, all its threads side by side (Pike's machine): the time is at most
//! the program's length times the text's, whatever the expression.

use super::decode::decode;
use super::program::{Assertion, Instruction, Program};

/// Positions that groups begin and end at.
pub(super) type Slots = Vec<Option<usize>>;

/// Threads at one position, by priority.
struct Threads {
    /// Each at an instruction that takes a code point, or at the match.
    at: Vec<usize>,
    /// The slots of each, end to end.
    slots: Vec<Option<usize>>,
    /// Instructions that have been reached at this position.
    reached: Vec<bool>,
}

enum Task {
    Visit(usize),
    Restore(usize, Option<usize>),
}

/// One run.
struct Machine<'a> {
    program: &'a Program,
    text: &'a [u8],
    /// Slots that are kept; 0 where only the answer matters.
    slot_count: usize,
    tasks: Vec<Task>,
}

/// The slots of the leftmost match, of which the first `slot_count` are kept.
pub(super) fn search(program: &Program, text: &[u8], slot_count: usize) -> Option<Slots> {
    Machine { program, text, slot_count, tasks: Vec::new() }.run()
}

impl Threads {
    fn new(program: &Program) -> Threads {
        let reached = vec![false; program.instructions.len()];
        Threads { at: Vec::new(), slots: Vec::new(), reached }
    }

    fn clear(&mut self) {
        self.at.clear();
        self.slots.clear();
        self.reached.fill(false);
    }
}

impl Machine<'_> {
    fn run(&mut self) -> Option<Slots> {
        let (mut threads, mut next) = (Threads::new(self.program), Threads::new(self.program));
        let mut found = None;
        let mut position = 0;
        loop {
            if found.is_none() {
                self.add(&mut threads, 0, vec![None; self.slot_count], position);
            }
            let taken = decode(&self.text[position..]);
            let behind = position + taken.map_or(0, |(_, len)| len);
            next.clear();
            for (index, &at) in threads.at.iter().enumerate() {
                let slots = &threads.slots[index * self.slot_count..][..self.slot_count];
                if self.program.instructions[at] == Instruction::Match {
                    if self.slot_count == 0 {
                        return Some(Vec::new());
                    }
                    found = Some(slots.to_vec());
                    // Those behind it have less priority.
                    break;
                }
                if taken.is_some_and(|(code_point, _)| self.program.takes(at, code_point)) {
                    self.add(&mut next, at + 1, slots.to_vec(), behind);
                }
            }
            std::mem::swap(&mut threads, &mut next);
            if taken.is_none() || threads.at.is_empty() && found.is_some() {
                return found;
            }
            position = behind;
        }
    }

    /// Adds the threads that `start` leads to without taking a code point.
    fn add(&mut self, threads: &mut Threads, start: usize, mut slots: Slots, position: usize) {
        self.tasks.push(Task::Visit(start));
        while let Some(task) = self.tasks.pop() {
            let at = match task {
                Task::Visit(at) => at,
                Task::Restore(slot, value) => {
                    slots[slot] = value;
                    continue;
                }
            };
            if std::mem::replace(&mut threads.reached[at], true) {
                continue;
            }
            match self.program.instructions[at] {
                Instruction::Split(first, second) => {
                    self.tasks.push(Task::Visit(at.wrapping_add_signed(second as isize)));
                    self.tasks.push(Task::Visit(at.wrapping_add_signed(first as isize)));
                }
                Instruction::Jump(offset) => {
                    self.tasks.push(Task::Visit(at.wrapping_add_signed(offset as isize)));
                }
                Instruction::Save(slot) => {
                    if let Some(value) = slots.get_mut(slot as usize) {
                        let before = value.replace(position);
                        self.tasks.push(Task::Restore(slot as usize, before));
                    }
                    self.tasks.push(Task::Visit(at + 1));
                }
                Instruction::Assert(assertion) => {
                    if holds(assertion, self.text, position) {
                        self.tasks.push(Task::Visit(at + 1));
                    }
                }
                Instruction::Char(_) | Instruction::Class(_) | Instruction::Match => {
                    threads.at.push(at);
                    threads.slots.extend_from_slice(&slots);
                }
            }
        }
    }
}

impl Program {
    /// Whether the instruction takes the code point.
    fn takes(&self, at: usize, code_point: u32) -> bool {
        match self.instructions[at] {
            Instruction::Char(char) => char == code_point,
            Instruction::Class(index) => self.classes[index as usize].contains(code_point),
            _ => false,
        }
    }
}

fn holds(assertion: Assertion, text: &[u8], position: usize) -> bool {
    let before = position.checked_sub(1).map(|at| text[at]);
    let behind = text.get(position).copied();
    // A byte of a longer code point is no ASCII, so bytes say enough.
    let is_word = |byte: Option<u8>| byte.is_some_and(|b| b == b'_' || b.is_ascii_alphanumeric());
    match assertion {
        Assertion::TextStart => before.is_none(),
        Assertion::TextEnd => behind.is_none(),
        Assertion::LineStart => before.is_none_or(|byte| byte == b'\n'),
        Assertion::LineEnd => behind.is_none_or(|byte| byte == b'\n'),
        Assertion::WordBoundary => is_word(before) != is_word(behind),
        Assertion::NoWordBoundary => is_word(before) == is_word(behind),
    }
}
