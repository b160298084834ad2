//! `netstat`: what the protocols counted. Sources: `net/netstat`, `net/snmp` and `net/snmp6` of
//! proc_net(5).
//!
//! Each counter that a flag chooses is a family of its own: `InSegs` of `Tcp` is
//! `node_netstat_Tcp_InSegs`.

use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::flags::{Filter, Flag};
use super::fs::{Files, KeptFile, is_kernel_view};
use super::lines::{Line, Lines};
use super::places::Places;
use super::remembered::Remembered;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;
use std::sync::Arc;

const FIELDS: &str = "collector.netstat.fields";

pub(super) const FLAGS: &[Flag] = &[Flag::pattern(
    FIELDS,
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)\
     |TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)\
     |Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)\
     |Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
    "Counters to show, each named PROTOCOL_COUNTER.",
)];

/// The files that have a line of names and a line of numbers for each protocol.
const TABLES: [&str; 2] = ["netstat", "snmp"];
/// The file that has a line for each counter.
const LIST: &str = "snmp6";

pub(super) struct NetStat {
    tables: [KeptFile; TABLES.len()],
    list: KeptFile,
    choice: Choice,
    fields: Fields,
}

impl NetStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.proc.join("net");
        Ok(Box::new(NetStat {
            tables: TABLES.map(|name| KeptFile::new(folder.join(name))),
            list: KeptFile::new(folder.join(LIST)),
            choice: Choice::new(
                Filter::of(setup.flags.pattern(FIELDS)),
                is_kernel_view(&setup.roots.proc),
            ),
            fields: Fields::new(&setup.registry),
        }))
    }
}

impl Collector for NetStat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let NetStat { tables, list, choice, fields } = self;
        let mut shown = Shown::begin(choice, fields);
        for (name, file) in TABLES.into_iter().zip(tables) {
            let mut lines = Lines::new(name, files.read(file)?);
            while let Some(names) = lines.next() {
                let numbers = lines.next().ok_or_else(|| lines.missing("a line of numbers"))?;
                shown.set_protocol(names, numbers)?;
            }
        }
        match files.read(list) {
            Ok(content) => shown.set_list(content),
            // There is no such file where IPv6 is switched off.
            Err(error) if error.is_no_data() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Which counters are shown, asked once while they are there.
struct Choice {
    filter: Filter,
    /// By a whole line of names.
    tables: Remembered<Columns>,
    /// By the name that a line begins with.
    list: Remembered<Option<Arc<Counter>>>,
    /// Of the list, the lines that are shown and the last one, which has moved if one in front of it is
    /// new.
    places: Places<Option<Arc<Counter>>>,
}

impl Choice {
    /// Counters of the kernel's own files, if it `is_view`, or of copies.
    fn new(filter: Filter, is_view: bool) -> Choice {
        let (tables, list) = (Remembered::new(), Remembered::new());
        Choice { filter, tables, list, places: Places::new(LIST, is_view) }
    }
}

/// What is shown of a line of numbers.
struct Columns {
    /// How many numbers are passed over first, and the counter behind them.
    shown: Box<[(usize, Counter)]>,
    /// How many numbers follow.
    rest: usize,
}

impl Columns {
    fn choose(filter: &Filter, protocol: &[u8], mut names: Line<'_>) -> Columns {
        let (mut shown, mut passed) = (Vec::new(), 0);
        while let Some(name) = names.word() {
            match Counter::choose(filter, protocol, name) {
                Some(counter) => shown.push((std::mem::take(&mut passed), counter)),
                None => passed += 1,
            }
        }
        Columns { shown: shown.into(), rest: passed }
    }
}

/// A counter that is shown.
struct Counter {
    /// Its protocol and its name with an underscore between them.
    key: Box<str>,
    protocol_len: usize,
}

impl Counter {
    /// `None` of one that is not shown.
    fn choose(filter: &Filter, protocol: &[u8], name: &[u8]) -> Option<Counter> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let (protocol, name) = (text(protocol)?, text(name)?);
        let key = format!("{protocol}_{name}").into_boxed_str();
        filter.lets(key.as_bytes()).then_some(Counter { key, protocol_len: protocol.len() })
    }

    fn describe(&self) -> Described {
        let Counter { key, protocol_len } = self;
        let (protocol, name) = (&key[..*protocol_len], &key[*protocol_len + 1..]);
        Described {
            name: format!("node_netstat_{key}"),
            help: format!("Counter {name} of {protocol}."),
            kind: Kind::Unknown,
            label_names: &[],
        }
    }

    fn set(&self, fields: &mut FieldSweep<'_>, value: f64) -> Result<(), CollectError> {
        fields.set(self.key.as_bytes(), value, || self.describe())
    }
}

struct Shown<'s> {
    choice: &'s mut Choice,
    fields: FieldSweep<'s>,
}

impl<'s> Shown<'s> {
    fn begin(choice: &'s mut Choice, fields: &'s mut Fields) -> Shown<'s> {
        choice.tables.begin_pass();
        Shown { choice, fields: fields.sweep() }
    }

    fn set_protocol(
        &mut self,
        mut names: Line<'_>,
        mut numbers: Line<'_>,
    ) -> Result<(), CollectError> {
        let mut whole = names.clone();
        let key = whole.rest();
        let protocol = names
            .until(b':')
            .ok_or_else(|| names.malformed("a protocol and a colon", whole.word()))?;
        let again = numbers.until(b':');
        if again != Some(protocol) {
            return Err(numbers.malformed("the protocol of the line before", again));
        }
        let Choice { filter, tables, .. } = &mut *self.choice;
        let columns = tables.get(key, || Columns::choose(filter, protocol, names));
        for (passed, counter) in &columns.shown {
            pass_over(&mut numbers, *passed)?;
            let value = numbers.number_if_any("a number")?;
            counter.set(&mut self.fields, value.ok_or_else(|| missing(&numbers))?)?;
        }
        pass_over(&mut numbers, columns.rest)?;
        match numbers.word() {
            None => Ok(()),
            more => Err(numbers.malformed("a number for each name", more)),
        }
    }

    fn set_list(&mut self, content: &[u8]) -> Result<(), CollectError> {
        let Shown { choice: Choice { filter, list, places, .. }, fields } = self;
        let set = |_: &[u8], counter: &Option<Arc<Counter>>, value| match counter {
            Some(counter) => counter.set(fields, value),
            None => Ok(()),
        };
        if places.visit(content, set)? {
            return Ok(());
        }
        list.begin_pass();
        places.begin();
        let (mut start, mut last) = (0, None);
        for mut line in Lines::new(LIST, content) {
            let (at, whole) = (start, line.rest());
            start += whole.len() + 1;
            let counter = list.word(&mut line, |name| {
                let six = name.iter().position(|byte| *byte == b'6')?;
                let (protocol, name) = name.split_at(six + 1);
                Counter::choose(filter, protocol, name).map(Arc::new)
            });
            let name = &whole[..whole.len() - line.rest().len()];
            let Some(Some(counter)) = counter else {
                last = Some((at, name));
                continue;
            };
            last = None;
            places.add(at, name, Some(Arc::clone(counter)));
            if let Some(value) = line.number_if_any("a number")? {
                counter.set(fields, value)?;
            }
        }
        if let Some((start, name)) = last {
            places.add(start, name, None);
        }
        places.end();
        Ok(())
    }
}

/// Passes over so many of the numbers of a line.
fn pass_over(numbers: &mut Line<'_>, count: usize) -> Result<(), CollectError> {
    match (0..count).all(|_| numbers.skip_word()) {
        true => Ok(()),
        false => Err(missing(numbers)),
    }
}

/// The error that a line of numbers has fewer of them than its names are.
fn missing(numbers: &Line<'_>) -> CollectError {
    numbers.malformed("a number for each name", None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::regex::Regex;
    use crate::registry::Registry;

    fn show(table: &str, list: &str) -> Result<Vec<String>, CollectError> {
        let registry = Registry::new();
        let mut fields = Fields::new(&registry);
        let mut choice = Choice::new(Filter::of(Some(Regex::new("_[AB]").unwrap())), false);
        let mut shown = Shown::begin(&mut choice, &mut fields);
        let mut lines = Lines::new("snmp", table.as_bytes());
        while let Some(names) = lines.next() {
            let numbers = lines.next().ok_or_else(|| lines.missing("a line of numbers"))?;
            shown.set_protocol(names, numbers)?;
        }
        shown.set_list(list.as_bytes())?;
        drop(shown);
        Ok(samples(&registry))
    }

    #[test]
    fn shows_the_counters_that_are_chosen() {
        let table = "Tcp: A B C\nTcp: 1 -1 x\nUdpLite: A\nUdpLite: 18446744073709551615\n";
        let list = "Ip6A   \t7\nIcmp6OutType135  3\nUdpB 9\nIp6B\n";
        let mut shown = show(table, list).unwrap();
        shown.sort();
        assert_eq!(
            shown,
            [
                "node_netstat_Ip6_A 7",
                "node_netstat_Tcp_A 1",
                "node_netstat_Tcp_B -1",
                "node_netstat_UdpLite_A 18446744073709552000",
            ]
        );
    }

    #[test]
    fn what_is_known_of_a_list_is_what_it_shows() {
        const LISTS: &[(&str, &[&str])] = &[
            ("Ip6X    0\nIp6A    1\nIp6B    2\nUdp6Y    0\n", &["Ip6_A 1", "Ip6_B 2"]),
            ("Ip6X    10000\nIp6A    10\nIp6B    3\nUdp6Y    7\n", &["Ip6_A 10", "Ip6_B 3"]),
            // One more in the middle, one that is not shown, one at the end.
            (
                "Ip6X    0\nIp6A    1\nIp6B    2\nIcmp6InMsgs    0\nIcmp6B    8\nUdp6Y    0\n",
                &["Ip6_A 1", "Ip6_B 2", "Icmp6_B 8"],
            ),
            ("Ip6X    0\nIp6A    1\nIp6B    2\nUdp6Y    0\n", &["Ip6_A 1", "Ip6_B 2"]),
            ("Ip6A 5\n", &["Ip6_A 5"]),
            ("", &[]),
        ];
        let registry = Registry::new();
        let mut fields = Fields::new(&registry);
        let mut choice = Choice::new(Filter::of(Some(Regex::new("_[AB]").unwrap())), true);
        for (list, expected) in LISTS {
            for _ in 0..2 {
                Shown::begin(&mut choice, &mut fields).set_list(list.as_bytes()).unwrap();
                let mut expected: Vec<String> =
                    expected.iter().map(|shown| format!("node_netstat_{shown}")).collect();
                expected.sort();
                assert_eq!(samples_sorted(&registry), expected, "{list:?}");
            }
        }
        let error = Shown::begin(&mut choice, &mut fields).set_list(b"Ip6A 1\nIp6B x\n");
        assert_eq!(error.unwrap_err().to_string(), "snmp6:2: expected a number, found x");
    }

    fn samples_sorted(registry: &Registry) -> Vec<String> {
        let mut samples = samples(registry);
        samples.sort();
        samples
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("Tcp: A\n", "snmp:2: expected a line of numbers, found end of file"),
            ("Tcp A\nTcp 1\n", "snmp:1: expected a protocol and a colon, found Tcp"),
            ("Tcp: A\nUdp: 1\n", "snmp:2: expected the protocol of the line before, found Udp"),
            ("Tcp: A B\nTcp: 1\n", "snmp:2: expected a number for each name, found end of line"),
            ("Tcp: A\nTcp: 1 2\n", "snmp:2: expected a number for each name, found 2"),
            ("Tcp: C A\nTcp: x y\n", "snmp:2: expected a number, found y"),
        ];
        for (content, expected) in CASES {
            assert_eq!(show(content, "").unwrap_err().to_string(), *expected, "{content:?}");
        }
    }
}
