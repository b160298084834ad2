//! `netstat`: what the protocols counted. Sources: `net/netstat`, `net/snmp` and `net/snmp6` of
//! proc_net(5).
//!
//! Each counter that a flag chooses is a family of its own: `InSegs` of `Tcp` is
//! `node_netstat_Tcp_InSegs`.

use super::error::CollectError;
use super::fields::{Described, FieldSweep, Fields};
use super::flags::{Filter, Flag, VerdictPass, Verdicts};
use super::fs::{Files, KeptFile};
use super::lines::{Line, Lines, parse_number};
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
    /// Where each line has a name and a number.
    list: KeptFile,
    verdicts: Verdicts,
    fields: Fields,
    key: String,
}

impl NetStat {
    pub(super) fn create(setup: &mut Setup<'_>) -> Result<Box<dyn Collector>, RegisterError> {
        let folder = setup.roots.proc.join("net");
        Ok(Box::new(NetStat {
            tables: TABLES.map(|name| KeptFile::new(folder.join(name))),
            list: KeptFile::new(folder.join("snmp6")),
            verdicts: Verdicts::new(Filter::of(setup.flags.pattern(FIELDS))),
            fields: Fields::new(&setup.registry),
            key: String::new(),
        }))
    }
}

impl Collector for NetStat {
    fn collect(&mut self, files: &mut Files) -> Result<(), CollectError> {
        let NetStat { tables, list, verdicts, fields, key } = self;
        let mut shown = Shown { verdicts: verdicts.pass(), fields: fields.sweep(), key };
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

/// The counters that are shown.
struct Shown<'s> {
    verdicts: VerdictPass<'s>,
    fields: FieldSweep<'s>,
    key: &'s mut String,
}

impl Shown<'_> {
    /// Sets the counters of two lines, `PROTOCOL: NAME...` and `PROTOCOL: NUMBER...`.
    fn set_protocol(
        &mut self,
        mut names: Line<'_>,
        mut numbers: Line<'_>,
    ) -> Result<(), CollectError> {
        let whole = names.clone().word();
        let protocol = names.until(b':').and_then(|protocol| std::str::from_utf8(protocol).ok());
        let protocol = protocol.ok_or_else(|| names.malformed("a protocol and a colon", whole))?;
        let again = numbers.until(b':');
        if again != Some(protocol.as_bytes()) {
            return Err(numbers.malformed("the protocol of the line before", again));
        }
        while let Some(name) = names.word() {
            let number = numbers.word();
            if number.is_none() {
                return Err(numbers.malformed("a number for each name", None));
            }
            self.set_counter(protocol, name, number, &numbers)?;
        }
        match numbers.word() {
            None => Ok(()),
            more => Err(numbers.malformed("a number for each name", more)),
        }
    }

    /// Sets the counter of a line such as `Ip6InOctets 12`. What is not of IPv6 is left out, and so
    /// is what has no number.
    fn set(&mut self, mut line: Line<'_>) -> Result<(), CollectError> {
        let (Some(name), number @ Some(_)) = (line.word(), line.word()) else { return Ok(()) };
        let Some(six) = name.iter().position(|byte| *byte == b'6') else { return Ok(()) };
        let (protocol, name) = name.split_at(six + 1);
        let Ok(protocol) = std::str::from_utf8(protocol) else { return Ok(()) };
        self.set_counter(protocol, name, number, &line)
    }

    fn set_counter(
        &mut self,
        protocol: &str,
        name: &[u8],
        number: Option<&[u8]>,
        line: &Line<'_>,
    ) -> Result<(), CollectError> {
        let name = std::str::from_utf8(name);
        let name = name.map_err(|_| line.malformed("a counter's name", number))?;
        self.key.clear();
        self.key.extend([protocol, "_", name]);
        if !self.verdicts.lets(self.key) {
            return Ok(());
        }
        let value = number.and_then(parse_number::<f64>);
        let value = value.ok_or_else(|| line.malformed("a number", number))?;
        self.fields.set(self.key.as_bytes(), value, || Described {
            name: format!("node_netstat_{}", self.key),
            help: format!("Counter {name} of {protocol}."),
            kind: Kind::Unknown,
            label_names: &[],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::regex::Regex;
    use crate::registry::Registry;

    fn show(table: &str, list: &str) -> Result<Vec<String>, CollectError> {
        let registry = Registry::new();
        let (mut fields, mut key) = (Fields::new(&registry), String::new());
        let mut verdicts = Verdicts::new(Filter::of(Some(Regex::new("_[AB]").unwrap())));
        let mut shown = Shown { verdicts: verdicts.pass(), fields: fields.sweep(), key: &mut key };
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
