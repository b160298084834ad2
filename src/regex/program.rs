//! Instructions, and putting them together while an expression is read.
//!
//! There is no tree: a piece of an expression is compiled when it has been read. Targets are
//! relative and a piece is left at its end, so that pieces can be put one behind the other, moved,
//! and copied for a counted repetition.
//!
//! ```text
//! ab      a b               a|b     split 1 3, a, jump 2, b
//! a?      split 1 2, a      a+      a, split -1 1          a*      split 1 3, a, jump -2
//! (a)     save 2, a, save 3
//! ```

use std::collections::HashMap;

use super::class::Class;

/// Longer expressions than this are refused, and those of more instructions and ranges of classes: it
/// bounds the memory of an expression (24 bytes each) and the time per character. Go's limit is some
/// 50 times higher.
pub(super) const SIZE_MAX: usize = 1 << 16;
/// The most times that something can be repeated by counts, nested ones multiplied, as in RE2.
pub(super) const REPEAT_MAX: u32 = 1_000;

/// A step of a program. Targets are relative to the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Instruction {
    /// Takes this code point.
    Char(u32),
    /// Takes a code point of the class with this index.
    Class(u32),
    /// Goes on at both, at the first by preference.
    Split(isize, isize),
    /// Goes on elsewhere.
    Jump(isize),
    /// Writes the position into a slot: of group n, 2n is where it begins and 2n + 1 where it ends.
    Save(u32),
    /// Goes on where this holds.
    Assert(Assertion),
    /// The expression has matched.
    Match,
}

/// What can be asked of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) classes: Vec<Class>,
    /// One for each group, of which the first is the whole match.
    pub(super) names: Vec<Option<String>>,
}

/// How often an item is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    pub(super) min: u32,
    /// `None` is any number.
    pub(super) max: Option<u32>,
    pub(super) greedy: bool,
}

/// A part of an expression, compiled.
#[derive(Clone, Debug)]
struct Piece {
    code: Vec<Instruction>,
    matches_empty: bool,
    /// The most times that counts in it repeat something.
    repeats: u32,
}

impl Program {
    /// Whether the instruction takes the code point.
    pub(super) fn takes(&self, at: usize, code_point: u32) -> bool {
        match self.instructions[at] {
            Instruction::Char(char) => char == code_point,
            Instruction::Class(index) => self.classes[index as usize].contains(code_point),
            _ => false,
        }
    }
}

impl Piece {
    fn empty() -> Piece {
        Piece { code: Vec::new(), matches_empty: true, repeats: 1 }
    }

    fn append(&mut self, mut next: Piece) {
        self.code.append(&mut next.code);
        self.matches_empty &= next.matches_empty;
        self.repeats = self.repeats.max(next.repeats);
    }

    /// The first of the alternatives that matches.
    fn first_of(mut alternatives: Vec<Piece>) -> Piece {
        let matches_empty = alternatives.iter().any(|piece| piece.matches_empty);
        let last = alternatives.pop().unwrap_or_else(Piece::empty);
        // Lengths with the split in front and the jump behind.
        let lens = alternatives.iter().map(|piece| piece.code.len() + 2);
        let mut left = lens.sum::<usize>() + last.code.len();
        let mut joined = Piece { code: Vec::with_capacity(left), ..Piece::empty() };
        for piece in alternatives {
            let len = piece.code.len() + 2;
            left -= len;
            joined.code.push(Instruction::Split(1, len as isize));
            joined.append(piece);
            joined.code.push(Instruction::Jump(left as isize + 1));
        }
        joined.append(last);
        Piece { matches_empty, ..joined }
    }

    fn optional(mut self, greedy: bool) -> Piece {
        let len = self.code.len() as isize;
        self.code.insert(0, split(greedy, 1, len + 1));
        self.matches_empty = true;
        self
    }

    fn at_least_once(mut self, greedy: bool) -> Piece {
        let len = self.code.len() as isize;
        self.code.push(split(greedy, -len, 1));
        self
    }

    fn any_number(mut self, greedy: bool) -> Piece {
        if self.matches_empty {
            // Else a turn that takes nothing would end the loop before its groups are set.
            return self.at_least_once(greedy).optional(greedy);
        }
        let len = self.code.len() as isize;
        self.code.insert(0, split(greedy, 1, len + 2));
        self.code.push(Instruction::Jump(-len - 1));
        self.matches_empty = true;
        self
    }

    /// `times` copies, of which each may be the last.
    fn up_to(self, times: u32, greedy: bool) -> Piece {
        let turn = self.code.len() + 1;
        let mut code = Vec::with_capacity(turn * times as usize);
        for left in (1..=times as usize).rev() {
            code.push(split(greedy, 1, (turn * left) as isize));
            code.extend_from_slice(&self.code);
        }
        Piece { code, matches_empty: true, repeats: self.repeats }
    }

    fn exactly(&self, times: u32) -> Piece {
        let matches_empty = self.matches_empty || times == 0;
        Piece { code: self.code.repeat(times as usize), matches_empty, repeats: self.repeats }
    }

    fn repeated(self, Repeat { min, max, greedy }: Repeat) -> Piece {
        let mut piece = self.exactly(min.saturating_sub(u32::from(max.is_none())));
        match (min, max) {
            (0, None) => return self.any_number(greedy),
            (_, None) => piece.append(self.at_least_once(greedy)),
            (min, Some(max)) => piece.append(self.up_to(max - min, greedy)),
        }
        piece
    }
}

/// Goes on at `inside` by preference if greedy, else at `outside`.
fn split(greedy: bool, inside: isize, outside: isize) -> Instruction {
    if greedy { Instruction::Split(inside, outside) } else { Instruction::Split(outside, inside) }
}

/// A group that is being read.
struct Group {
    /// Its number, if it captures.
    number: Option<u32>,
    alternatives: Vec<Piece>,
    sequence: Piece,
    /// Not in the sequence yet, since a repetition may follow.
    item: Option<Piece>,
}

impl Group {
    fn new(number: Option<u32>) -> Group {
        Group { number, alternatives: Vec::new(), sequence: Piece::empty(), item: None }
    }

    fn push(&mut self, item: Piece) {
        if let Some(before) = self.item.replace(item) {
            self.sequence.append(before);
        }
    }

    fn end_alternative(&mut self) {
        if let Some(item) = self.item.take() {
            self.sequence.append(item);
        }
        self.alternatives.push(std::mem::replace(&mut self.sequence, Piece::empty()));
    }

    fn into_piece(mut self) -> Piece {
        self.end_alternative();
        let mut piece = Piece::first_of(self.alternatives);
        if let Some(number) = self.number {
            piece.code.insert(0, Instruction::Save(2 * number));
            piece.code.push(Instruction::Save(2 * number + 1));
        }
        piece
    }
}

/// A program under way.
pub(super) struct Builder {
    /// Those that are open, the whole expression first.
    groups: Vec<Group>,
    classes: Vec<Class>,
    /// Where each of the classes is.
    class_indexes: HashMap<Class, u32>,
    /// At least the instructions of all pieces and the ranges of all classes.
    size: usize,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder {
            groups: vec![Group::new(Some(0))],
            classes: Vec::new(),
            class_indexes: HashMap::new(),
            size: 3,
        }
    }

    fn group(&mut self) -> &mut Group {
        self.groups.last_mut().expect("the group of the whole expression is never closed")
    }

    /// Whether there is room for so many more; nothing is added where there is none.
    fn grow(&mut self, by: usize) -> bool {
        self.size = self.size.saturating_add(by);
        !self.is_too_large()
    }

    /// Whether something was left out because there was no room for it.
    pub(super) fn is_too_large(&self) -> bool {
        self.size > SIZE_MAX
    }

    fn push(&mut self, instruction: Instruction, matches_empty: bool) {
        if self.grow(1) {
            self.group().push(Piece { code: vec![instruction], matches_empty, repeats: 1 });
        }
    }

    pub(super) fn char(&mut self, code_point: u32) {
        self.push(Instruction::Char(code_point), false);
    }

    pub(super) fn class(&mut self, class: Class) {
        let index = match self.class_indexes.get(&class).copied() {
            Some(index) => index,
            None if !self.grow(class.ranges().len()) => return,
            None => {
                let index = self.classes.len() as u32;
                self.classes.push(class.clone());
                self.class_indexes.insert(class, index);
                index
            }
        };
        self.push(Instruction::Class(index), false);
    }

    pub(super) fn assertion(&mut self, assertion: Assertion) {
        self.push(Instruction::Assert(assertion), true);
    }

    /// Whether there is something that a repetition here would repeat.
    pub(super) fn has_item(&mut self) -> bool {
        self.group().item.is_some()
    }

    /// The most times that counts repeat something in what a repetition here would repeat.
    pub(super) fn item_repeats(&mut self) -> u32 {
        self.group().item.as_ref().map_or(1, |item| item.repeats)
    }

    /// Repeats the last item, if there is one. `repeats` is [`Self::item_repeats`] with this count.
    pub(super) fn repeat(&mut self, repeat: Repeat, repeats: u32) {
        let Some(item) = self.group().item.take() else { return };
        let copies = repeat.max.unwrap_or(repeat.min).max(1) as usize;
        if self.grow((item.code.len() + 2).saturating_mul(copies) - item.code.len()) {
            self.group().item = Some(Piece { repeats, ..item.repeated(repeat) });
        }
    }

    /// Begins another alternative.
    pub(super) fn alternative(&mut self) {
        if self.grow(2) {
            self.group().end_alternative();
        }
    }

    /// Opens a group, which has a number if it captures.
    pub(super) fn open(&mut self, number: Option<u32>) {
        if self.grow(2) {
            self.groups.push(Group::new(number));
        }
    }

    /// How many groups are open.
    pub(super) fn depth(&self) -> usize {
        self.groups.len() - 1
    }

    /// Closes the group that was opened last and stands open.
    pub(super) fn close(&mut self) {
        let piece = self.groups.pop().map(Group::into_piece);
        self.group().push(piece.unwrap_or_else(Piece::empty));
    }

    /// The program, once all groups are closed.
    pub(super) fn finish(mut self, names: Vec<Option<String>>) -> Program {
        let whole = self.groups.pop().expect("the group of the whole expression is open");
        let mut instructions = whole.into_piece().code;
        instructions.push(Instruction::Match);
        instructions.shrink_to_fit();
        Program { instructions, classes: self.classes, names }
    }
}
