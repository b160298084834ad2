//! `netstat`: what the protocols counted. Sources: `net/netstat`, `net/snmp` and `net/snmp6` of
//! proc_net(5).
//!
//! Each counter that a flag chooses is a family of its own: `InSegs` of `Tcp` is
//! `node_netstat_Tcp_InSegs`.

use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::flags::{Filter, Flag};
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines};
use super::remembered::Remembered;
use super::{Collector, Setup};
use crate::model::Kind;
use crate::registry::RegisterError;

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
            list: KeptFile::new(folder.join("snmp6")),
            choice: Choice::new(Filter::of(setup.flags.pattern(FIELDS))),
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
            Ok(content) => Lines::new("snmp6", content).try_for_each(|line| shown.set(line)),
            // There is no such file where IPv6 is switched off.
            Err(error) if error.is_no_data() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Which counters are shown, asked once while they are there.
struct Choice {
    filter: Filter,
    /// By a whole line of names, those of its counters.
    tables: Remembered<Box<[Option<Counter>]>>,
    /// By the name that a line begins with.
    list: Remembered<Option<Counter>>,
}

impl Choice {
    fn new(filter: Filter) -> Choice {
        Choice { filter, tables: Remembered::new(), list: Remembered::new() }
    }
}

/// A counter that is shown.
struct Counter {
    protocol: String,
    name: String,
    /// The two with an underscore between them.
    key: String,
}

impl Counter {
    /// `None` of one that is not shown.
    fn choose(filter: &Filter, protocol: &[u8], name: &[u8]) -> Option<Counter> {
        let text = |bytes| std::str::from_utf8(bytes).ok().map(str::to_owned);
        let (protocol, name) = (text(protocol)?, text(name)?);
        let key = format!("{protocol}_{name}");
        filter.lets(key.as_bytes()).then_some(Counter { protocol, name, key })
    }

    fn describe(&self) -> Described {
        let Counter { protocol, name, key } = self;
        Described {
            name: format!("node_netstat_{key}"),
            help: format!("Counter {name} of {protocol}."),
            kind: Kind::Unknown,
            label_names: &[],
        }
    }
}

struct Shown<'s> {
    choice: &'s mut Choice,
    fields: FieldSweep<'s>,
}

impl<'s> Shown<'s> {
    fn begin(choice: &'s mut Choice, fields: &'s mut Fields) -> Shown<'s> {
        choice.tables.begin_pass();
        choice.list.begin_pass();
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
        let choose = |name| Counter::choose(filter, protocol, name);
        let counters =
            tables.get(key, || std::iter::from_fn(|| names.word()).map(choose).collect());
        for counter in counters {
            let is_there = match counter {
                Some(counter) => set_counter(&mut self.fields, counter, &mut numbers)?,
                None => numbers.skip_word(),
            };
            if !is_there {
                return Err(numbers.malformed("a number for each name", None));
            }
        }
        match numbers.word() {
            None => Ok(()),
            more => Err(numbers.malformed("a number for each name", more)),
        }
    }

    fn set(&mut self, mut line: Line<'_>) -> Result<(), CollectError> {
        let Choice { filter, list, .. } = &mut *self.choice;
        let counter = list.word(&mut line, |name| {
            let six = name.iter().position(|byte| *byte == b'6')?;
            let (protocol, name) = name.split_at(six + 1);
            Counter::choose(filter, protocol, name)
        });
        match counter {
            Some(Some(counter)) => {
                set_counter(&mut self.fields, counter, &mut line).map(|_is_there| ())
            }
            _ => Ok(()),
        }
    }
}

/// Sets a counter to the next number of `line`, and says whether there was one.
fn set_counter(
    fields: &mut FieldSweep<'_>,
    counter: &Counter,
    line: &mut Line<'_>,
) -> Result<bool, CollectError> {
    let Some(value) = line.number_if_any("a number")? else { return Ok(false) };
    fields.set(counter.key.as_bytes(), value, || counter.describe())?;
    Ok(true)
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
        let mut choice = Choice::new(Filter::of(Some(Regex::new("_[AB]").unwrap())));
        let mut shown = Shown::begin(&mut choice, &mut fields);
        let mut lines = Lines::new("snmp", table.as_bytes());
        while let Some(names) = lines.next() {
            let numbers = lines.next().ok_or_else(|| lines.missing("a line of numbers"))?;
            shown.set_protocol(names, numbers)?;
        }
        Lines::new("snmp6", list.as_bytes()).try_for_each(|line| shown.set(line))?;
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
