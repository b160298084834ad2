//! Runs a program over a text, all its threads side by side (Pike's machine): the time is at most
//! the program's length times the text's, whatever the expression.

use super::decode::{Surroundings, decode};
use super::program::{Instruction, Program};

/// Positions that groups begin and end at.
pub(super) type Slots = Vec<Option<usize>>;

/// The slots of the leftmost match, of which the first `slot_count` are kept.
pub(super) fn search(program: &Program, text: &[u8], slot_count: usize) -> Option<Slots> {
    Machine::new(program, text, slot_count).run()
}

/// Threads at one position, by priority.
struct Threads {
    /// Each at an instruction that takes a code point, or at the match.
    at: Vec<usize>,
    /// The slots of each, end to end.
    slots: Slots,
    /// For each instruction the position that it was last reached at, plus one.
    reached: Vec<usize>,
}

/// What is left to do to follow a thread up to where it takes a code point.
enum Task {
    Visit(usize),
    /// What follows a save has been visited: the slot has its old value again.
    Restore(usize, Option<usize>),
}

/// One run.
struct Machine<'a> {
    program: &'a Program,
    text: &'a [u8],
    /// Slots that are kept; 0 where only the answer matters.
    slot_count: usize,
    /// Those of the thread that is followed.
    slots: Slots,
    tasks: Vec<Task>,
    /// Instructions visited, for the tests that bound them.
    #[cfg(test)]
    steps: usize,
}

impl Threads {
    fn new(program: &Program) -> Threads {
        let reached = vec![0; program.instructions.len()];
        Threads { at: Vec::new(), slots: Vec::new(), reached }
    }

    fn clear(&mut self) {
        self.at.clear();
        self.slots.clear();
    }
}

impl<'a> Machine<'a> {
    fn new(program: &'a Program, text: &'a [u8], slot_count: usize) -> Machine<'a> {
        Machine {
            program,
            text,
            slot_count,
            slots: vec![None; slot_count],
            tasks: Vec::new(),
            #[cfg(test)]
            steps: 0,
        }
    }

    fn run(&mut self) -> Option<Slots> {
        let (mut threads, mut next) = (Threads::new(self.program), Threads::new(self.program));
        let mut found = None;
        let mut position = 0;
        loop {
            if found.is_none() {
                // A match that starts here has less priority than all that are under way.
                self.slots.fill(None);
                self.follow(&mut threads, 0, position);
            }
            let taken = decode(&self.text[position..]);
            let behind = position + taken.map_or(0, |(_, len)| len);
            next.clear();
            for (index, &at) in threads.at.iter().enumerate() {
                let slots = &threads.slots[index * self.slot_count..][..self.slot_count];
                if self.program.instructions[at] == Instruction::Match {
                    found = Some(slots.to_vec());
                    // The threads behind it have less priority.
                    break;
                }
                if taken.is_some_and(|(code_point, _)| self.program.takes(at, code_point)) {
                    self.slots.copy_from_slice(slots);
                    self.follow(&mut next, at + 1, behind);
                }
            }
            if taken.is_none() || found.is_some() && (next.at.is_empty() || self.slot_count == 0) {
                return found;
            }
            std::mem::swap(&mut threads, &mut next);
            position = behind;
        }
    }

    /// Adds the threads that `start` leads to without taking a code point.
    fn follow(&mut self, threads: &mut Threads, start: usize, position: usize) {
        let surroundings = Surroundings::at(self.text, position);
        self.tasks.push(Task::Visit(start));
        while let Some(task) = self.tasks.pop() {
            let at = match task {
                Task::Visit(at) => at,
                Task::Restore(slot, value) => {
                    self.slots[slot] = value;
                    continue;
                }
            };
            #[cfg(test)]
            {
                self.steps += 1;
            }
            if std::mem::replace(&mut threads.reached[at], position + 1) == position + 1 {
                continue;
            }
            match self.program.instructions[at] {
                Instruction::Split(first, second) => {
                    self.tasks.push(Task::Visit(at.wrapping_add_signed(second)));
                    self.tasks.push(Task::Visit(at.wrapping_add_signed(first)));
                }
                Instruction::Jump(offset) => {
                    self.tasks.push(Task::Visit(at.wrapping_add_signed(offset)));
                }
                Instruction::Save(slot) => {
                    if let Some(value) = self.slots.get_mut(slot as usize) {
                        self.tasks.push(Task::Restore(slot as usize, value.replace(position)));
                    }
                    self.tasks.push(Task::Visit(at + 1));
                }
                Instruction::Assert(assertion) => {
                    if surroundings.satisfy(assertion) {
                        self.tasks.push(Task::Visit(at + 1));
                    }
                }
                Instruction::Char(_) | Instruction::Class(_) | Instruction::Match => {
                    threads.at.push(at);
                    threads.slots.extend_from_slice(&self.slots);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parser::compile;
    use super::*;

    #[test]
    fn steps_are_linear_in_the_text() {
        let nested = "(".repeat(12) + "a" + &"*)".repeat(12) + "$";
        let optional = "a?".repeat(60) + &"a".repeat(60);
        for pattern in
            ["(a*)*$", "(a|a)*b", "(.*)(.*)(.*)(.*)=", "(?:a?){50}a{50}$", &nested, &optional]
        {
            let program = compile(pattern).expect("the expression is legal");
            let text = "a".repeat(2_000);
            let steps_max = 3 * program.instructions.len() * (text.len() + 1);
            for slot_count in [0, 2 * program.names.len()] {
                let mut machine = Machine::new(&program, text.as_bytes(), slot_count);
                machine.run();
                assert!(machine.steps <= steps_max, "{pattern}: {} steps", machine.steps);
            }
        }
    }
}
