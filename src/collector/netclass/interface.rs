//! One network interface: what is known of it, and how often it is asked for.

use super::super::devices::Attributes;
use super::super::fs::Files;
use super::super::rtnetlink::{HardwareAddress, Link};
use Number::*;
use Reading::*;
use Text::*;
use std::fmt::Write as _;
use std::path::Path;

/// A property that is a number.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Number {
    AddressAssignType,
    Carrier,
    CarrierChanges,
    CarrierDownCount,
    CarrierUpCount,
    DeviceId,
    Dormant,
    Flags,
    Index,
    LowerIndex,
    LinkMode,
    Mtu,
    NameAssignType,
    Group,
    Kind,
    Speed,
    QueueLength,
}

/// How many of [`Number`] there are.
pub(super) const NUMBERS: usize = QueueLength as usize + 1;

/// A property that is a text.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Text {
    Address,
    Broadcast,
    Duplex,
    Alias,
    Operstate,
}

/// How many of [`Text`] there are.
pub(super) const TEXTS: usize = Operstate as usize + 1;

/// When a file is to be read.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    /// At each scrape.
    Always,
    /// The same, but that the kernel refuses to tell of an interface that is switched off.
    WhileOn,
    /// When the count of the carrier's changes is another.
    WithCarrier,
    /// When it is the interface's turn.
    InTurn,
    /// When the device is new.
    Once,
}

/// Whether it is an interface's turn, in this scrape, to have its settings read.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Turn {
    /// It is, as in each scrape: there are few interfaces.
    Always,
    Now,
    Later,
}

#[derive(Clone, Copy)]
enum Property {
    Number(Number),
    Text(Text),
}

/// A file of an interface: what it holds, when to read it, and whether the links tell the same.
struct Source {
    file: &'static str,
    holds: Property,
    reading: Reading,
    is_in_links: bool,
}

const FILES: usize = NUMBERS + TEXTS;

const fn number(file: &'static str, number: Number, reading: Reading) -> Source {
    Source { file, holds: Property::Number(number), reading, is_in_links: true }
}

const fn text(file: &'static str, text: Text, reading: Reading) -> Source {
    Source { file, holds: Property::Text(text), reading, is_in_links: true }
}

const fn not_in_links(source: Source) -> Source {
    Source { is_in_links: false, ..source }
}

/// Where the number of the interface stands, which tells one device of a name from the next.
const INDEX_FILE: usize = 0;

const SOURCES: [Source; FILES] = [
    number("ifindex", Index, Always),
    number("carrier", Carrier, Always),
    number("carrier_changes", CarrierChanges, Always),
    number("carrier_down_count", CarrierDownCount, WithCarrier),
    number("carrier_up_count", CarrierUpCount, WithCarrier),
    number("dormant", Dormant, Always),
    not_in_links(text("duplex", Duplex, WhileOn)),
    number("flags", Flags, Always),
    text("operstate", Operstate, Always),
    not_in_links(number("speed", Speed, WhileOn)),
    not_in_links(number("addr_assign_type", AddressAssignType, InTurn)),
    text("address", Address, InTurn),
    text("broadcast", Broadcast, InTurn),
    text("ifalias", Alias, InTurn),
    number("iflink", LowerIndex, InTurn),
    number("link_mode", LinkMode, InTurn),
    number("mtu", Mtu, InTurn),
    number("netdev_group", Group, InTurn),
    number("tx_queue_len", QueueLength, InTurn),
    not_in_links(number("dev_id", DeviceId, Once)),
    not_in_links(number("name_assign_type", NameAssignType, Once)),
    number("type", Kind, Once),
];

const IFF_UP: i64 = 1;

/// Table: megabits per second => bytes per second, as a fraction.
pub(super) const BITS_PER_MEGABIT: i64 = 1_000_000;
pub(super) const BITS_PER_BYTE: i64 = 8;

/// What is known of an interface.
pub(super) struct Interface {
    files: Attributes<FILES>,
    is_new: bool,
    /// Where the link was in the last dump.
    link_hint: usize,
    /// Those that `texts` shows, where they are from links.
    addresses: [HardwareAddress; 2],
    numbers: [Option<i64>; NUMBERS],
    texts: [String; TEXTS],
}

impl Interface {
    pub(super) fn new(folder: &Path) -> Interface {
        Interface {
            files: Attributes::new(folder, SOURCES.each_ref().map(|source| source.file)),
            is_new: true,
            link_hint: usize::MAX,
            addresses: Default::default(),
            numbers: [None; NUMBERS],
            texts: Default::default(),
        }
    }

    /// Whether the interface is the link of its name in the last dump.
    pub(super) fn is_a_link(&mut self, name: &str, files: &mut Files) -> bool {
        let Some(link) = files.links.find(name, &mut self.link_hint) else { return false };
        let index = Some(i64::from(link.index));
        if self.is_new || self.numbers[Index as usize] != index {
            self.read_index(files);
        }
        self.numbers[Index as usize] == index
    }

    /// Finds out which device the name belongs to.
    fn read_index(&mut self, files: &mut Files) {
        let index = self.read_number(INDEX_FILE, files);
        self.is_new |= index != self.numbers[Index as usize];
        self.numbers[Index as usize] = index;
    }

    /// Takes what the link of the last dump tells, and reads the rest.
    pub(super) fn read_link(&mut self, name: &str, turn: Turn, files: &mut Files) {
        let Some(link) = files.links.find(name, &mut self.link_hint) else { return };
        let has_new_address = self.take(link);
        let is_on = self.is_switched_on() == Some(true);
        for (index, source) in SOURCES.iter().enumerate().filter(|(_, of)| !of.is_in_links) {
            let is_due = match source.reading {
                Always => true,
                WhileOn => is_on,
                InTurn => turn != Turn::Later || has_new_address,
                WithCarrier | Once => false,
            };
            if is_due || self.is_new {
                self.read(index, files);
            } else if source.reading == WhileOn {
                self.forget(index);
            }
            // Descriptors are for what is read at each scrape.
            let stays = match source.reading {
                Always | WhileOn => true,
                InTurn => turn == Turn::Always,
                WithCarrier | Once => false,
            };
            if !stays {
                self.files.close(index);
            }
        }
        self.is_new = false;
    }

    /// Takes what a link tells, and says whether it has another address than before.
    fn take(&mut self, link: &Link) -> bool {
        let numbers = [
            (Carrier, link.carrier()),
            (CarrierChanges, link.carrier_changes),
            (CarrierDownCount, link.carrier_down_count),
            (CarrierUpCount, link.carrier_up_count),
            (Dormant, link.dormant()),
            (Flags, Some(link.flags())),
            (LowerIndex, Some(link.lower_index())),
            (LinkMode, link.link_mode),
            (Mtu, link.mtu),
            (Group, link.group),
            (Kind, Some(link.kind.into())),
            (QueueLength, link.queue_length),
        ];
        for (number, value) in numbers {
            self.numbers[number as usize] = value.map(i64::from);
        }
        for (text, value) in [(Alias, &*link.alias), (Operstate, link.operstate().unwrap_or(""))] {
            self.texts[text as usize].clear();
            self.texts[text as usize].push_str(value.trim_ascii());
        }
        let addresses = [link.address, link.broadcast];
        let is_another = self.addresses != addresses;
        if is_another || self.is_new {
            self.addresses = addresses;
            for (text, address) in [Address, Broadcast].into_iter().zip(addresses) {
                let text = &mut self.texts[text as usize];
                text.clear();
                write!(text, "{address}").expect("a string takes all");
            }
        }
        is_another
    }

    /// Reads the files that are due.
    pub(super) fn read_files(&mut self, turn: Turn, files: &mut Files) {
        self.files.begin_scrape();
        let is_turn = turn != Turn::Later;
        self.read_index(files);
        let changes = self.numbers[CarrierChanges as usize];
        for (index, source) in SOURCES.iter().enumerate().filter(|(at, _)| *at != INDEX_FILE) {
            let has_changed = changes != self.numbers[CarrierChanges as usize];
            let is_due = match source.reading {
                Always | WhileOn => true,
                WithCarrier => has_changed || is_turn,
                InTurn => is_turn,
                Once => false,
            };
            if is_due || self.is_new {
                self.read(index, files);
            }
            // The others are too many to stay open.
            if !matches!(source.reading, Always | WhileOn) {
                self.files.close(index);
            }
        }
        self.is_new = false;
    }

    fn read(&mut self, index: usize, files: &mut Files) {
        match SOURCES[index].holds {
            Property::Number(number) => {
                self.numbers[number as usize] = self.read_number(index, files);
            }
            Property::Text(text) => {
                self.files.copy_text(index, files, &mut self.texts[text as usize]);
            }
        }
    }

    fn forget(&mut self, index: usize) {
        match SOURCES[index].holds {
            Property::Number(number) => self.numbers[number as usize] = None,
            Property::Text(text) => self.texts[text as usize].clear(),
        }
    }

    fn read_number(&mut self, index: usize, files: &mut Files) -> Option<i64> {
        parse_integer(self.files.read(index, files).ok()?)
    }

    /// The numbers, in the units of their families.
    pub(super) fn values(&self, ignores_invalid_speed: bool) -> [Option<f64>; NUMBERS] {
        let mut numbers = self.numbers;
        let speed = &mut numbers[Speed as usize];
        *speed = speed
            .filter(|speed| *speed >= 0 || !ignores_invalid_speed)
            .map(|speed| speed.wrapping_mul(BITS_PER_MEGABIT) / BITS_PER_BYTE);
        numbers.map(|number| number.map(|number| number as f64))
    }

    /// Address, broadcast address, duplex, alias and state.
    pub(super) fn texts(&self) -> [&str; TEXTS] {
        self.texts.each_ref().map(String::as_str)
    }

    pub(super) fn is_up(&self) -> bool {
        self.texts[Operstate as usize] == "up"
    }

    /// Whether it was switched on, as far as it is known.
    fn is_switched_on(&self) -> Option<bool> {
        self.numbers[Flags as usize].map(|flags| flags & IFF_UP != 0)
    }

    pub(super) fn admin_state(&self) -> &'static str {
        match self.is_switched_on() {
            None => "unknown",
            Some(true) => "up",
            Some(false) => "down",
        }
    }
}

/// A number as sysfs spells it: decimal, or hexadecimal behind `0x`.
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with(['+', '-']) => i64::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        const CASES: &[(&str, Option<i64>)] = &[
            ("1500", Some(1500)),
            ("-1", Some(-1)),
            ("0x1003", Some(0x1003)),
            ("0X1", None),
            ("0x", None),
            ("0x-1", None),
            ("", None),
            ("full", None),
            ("9223372036854775808", None),
        ];
        for (text, expected) in CASES {
            assert_eq!(parse_integer(text.as_bytes()), *expected, "{text:?}");
        }
    }

    #[test]
    fn each_property_has_one_file() {
        let (mut numbers, mut texts) = ([0; NUMBERS], [0; TEXTS]);
        for source in &SOURCES {
            match source.holds {
                Property::Number(number) => numbers[number as usize] += 1,
                Property::Text(text) => texts[text as usize] += 1,
            }
        }
        assert_eq!((numbers, texts), ([1; NUMBERS], [1; TEXTS]));
        assert_eq!(SOURCES[INDEX_FILE].file, "ifindex");
    }

    #[test]
    fn a_speed_is_in_bytes_and_may_be_invalid() {
        let mut interface = Interface::new(Path::new("none"));
        for (megabits, expected) in [(10_000, 1.25e9), (-1, -125_000.0), (0, 0.0)] {
            interface.numbers[Speed as usize] = Some(megabits);
            assert_eq!(interface.values(false)[Speed as usize], Some(expected));
            let valid = Some(expected).filter(|speed| *speed >= 0.0);
            assert_eq!(interface.values(true)[Speed as usize], valid);
        }
    }
}
