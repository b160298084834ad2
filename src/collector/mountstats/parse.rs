//! What stands in mountstats.

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines};
use crate::collector::text::to_text;
use std::borrow::Cow;

const BYTES: usize = 8;
const EVENTS: usize = 27;

/// The event `congestion_wait`, which never comes and is not shown.
const CONGESTION_WAIT: usize = 18;

/// Numbers of a mount: its age, its bytes and its events but one.
pub(super) const VALUES: usize = 1 + BYTES + EVENTS - 1;

pub(super) const TRANSPORT_VALUES: usize = 10;

pub(super) const OPERATION_VALUES: usize = 8;

/// Numbers of a transport that are the same in all kinds; RDMA has more.
const TRANSPORT_NUMBERS: usize = 13;

/// Which of these numbers are shown. Not the port, the time without connection in jiffies, and the
/// sum of requests under way.
const SHOWN: [usize; TRANSPORT_VALUES] = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12];

/// The one of them that is a time in seconds, and what it is taken modulo: where an unused
/// transport's is below zero, node_exporter shows this.
const IDLE_TIME: usize = 4;
const TIME_MODULUS: u64 = 1 << 53;

/// The first time in the line of an operation, all of which are in ms.
const OPERATION_TIMES: usize = 5;

/// The mounts of NFS in a file.
pub(super) struct Exports<'a> {
    lines: Lines<'a>,
    devices: usize,
}

impl<'a> Exports<'a> {
    pub(super) fn new(content: &'a [u8]) -> Exports<'a> {
        Exports { lines: Lines::new("mountstats", content), devices: 0 }
    }
}

impl<'a> Iterator for Exports<'a> {
    type Item = Result<Export<'a>, CollectError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = self.lines.next()?;
            if line.word() != Some(b"device") {
                continue;
            }
            self.devices += 1;
            let index = self.devices - 1;
            match Export::new(line, index, self.lines.clone()) {
                Ok(None) => {}
                Ok(Some(export)) => return Some(Ok(export)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// A mount of NFS.
pub(super) struct Export<'a> {
    /// Its place among the mounts that have devices.
    pub(super) index: usize,
    pub(super) name: Cow<'a, str>,
    pub(super) mount_point: Cow<'a, str>,
    version: &'a [u8],
    /// Those behind its first.
    lines: Lines<'a>,
}

impl<'a> Export<'a> {
    /// From what stands behind `device`. `None` where nothing is counted.
    fn new(
        mut line: Line<'a>,
        index: usize,
        lines: Lines<'a>,
    ) -> Result<Option<Export<'a>>, CollectError> {
        let mut field = |expected, word: Option<&[u8]>| match (line.word(), word) {
            (Some(found), None) => Ok(found),
            (Some(found), Some(word)) if found == word => Ok(found),
            (found, _) => Err(line.malformed(expected, found)),
        };
        let name = field("a device", None)?;
        field("mounted", Some(b"mounted"))?;
        field("on", Some(b"on"))?;
        let mount_point = field("a mount point", None)?;
        field("with", Some(b"with"))?;
        field("fstype", Some(b"fstype"))?;
        field("a type", None)?;
        let Some(version) = line.word() else { return Ok(None) };
        Ok(Some(Export {
            index,
            name: to_text(name),
            mount_point: to_text(mount_point),
            version: version.strip_prefix(b"statvers=").unwrap_or(version),
            lines,
        }))
    }

    /// Its lines, by their first words.
    fn lines(&self) -> impl Iterator<Item = (&'a [u8], Line<'a>)> + use<'a> {
        self.lines.clone().map_while(|mut line| Some((line.word()?, line)))
    }

    /// Those in front of its operations.
    fn totals(&self) -> impl Iterator<Item = (&'a [u8], Line<'a>)> + use<'a> {
        self.lines().take_while(|(word, _)| *word != b"per-op")
    }

    /// Its age, bytes and events.
    pub(super) fn values(&self) -> Result<[Option<f64>; VALUES], CollectError> {
        let mut values = [None; VALUES];
        for (word, mut line) in self.totals() {
            match word {
                b"age:" => values[0] = Some(line.number::<u64>("an age")? as f64),
                b"bytes:" => {
                    let bytes = numbers::<BYTES>(line)?;
                    values[1..=BYTES].copy_from_slice(&bytes.map(|bytes| Some(bytes as f64)));
                }
                b"events:" => {
                    let events = numbers::<EVENTS>(line)?.into_iter().enumerate();
                    let events = events.filter(|(index, _)| *index != CONGESTION_WAIT);
                    for (value, (_, count)) in values[1 + BYTES..].iter_mut().zip(events) {
                        *value = Some(count as f64);
                    }
                }
                _ => {}
            }
        }
        Ok(values)
    }

    /// Its connections to the server.
    pub(super) fn transports(&self) -> impl Iterator<Item = Result<Transport<'a>, CollectError>> {
        let version = self.version;
        let lines = self.totals().filter(|(word, _)| *word == b"xprt:");
        lines.map(move |(_, line)| Transport::new(line, version))
    }

    /// Its operations, by name.
    pub(super) fn operations(
        &self,
    ) -> impl Iterator<Item = Result<(Cow<'a, str>, [f64; OPERATION_VALUES]), CollectError>> {
        let lines = self.lines().skip_while(|(word, _)| *word != b"per-op").skip(1);
        lines.map(|(word, mut line)| {
            let mut values = [0.0; OPERATION_VALUES];
            for (index, value) in values.iter_mut().enumerate() {
                let number: u64 = line.number("a count")?;
                let is_time = index >= OPERATION_TIMES;
                *value =
                    if is_time { (number % TIME_MODULUS) as f64 / 1000.0 } else { number as f64 };
            }
            Ok((to_text(word.strip_suffix(b":").unwrap_or(word)), values))
        })
    }
}

/// A connection to a server.
pub(super) struct Transport<'a> {
    pub(super) protocol: &'a str,
    pub(super) values: [f64; TRANSPORT_VALUES],
}

impl<'a> Transport<'a> {
    /// ```text
    /// tcp  port binds connects idle-jiffies idle-seconds and what udp has from the third on
    /// udp  port binds sends receives bad-ids requests backlog   from 1.1 on: slots sending pending
    /// rdma as tcp without the last three, and what only RDMA has
    /// ```
    ///
    /// What a version or a protocol does not have is 0, as in node_exporter.
    fn new(mut line: Line<'a>, version: &[u8]) -> Result<Transport<'a>, CollectError> {
        /// Numbers of a connection that UDP does not have, and where they would stand.
        const OF_CONNECTIONS: std::ops::Range<usize> = 2..5;
        let word = line.word();
        let (protocol, count) = match (version, word) {
            (b"1.0", Some(b"tcp")) => ("tcp", 10),
            (b"1.0", Some(b"udp")) => ("udp", 7),
            (b"1.1", Some(b"tcp")) => ("tcp", TRANSPORT_NUMBERS),
            (b"1.1", Some(b"udp")) => ("udp", 10),
            (b"1.1", Some(b"rdma")) => ("rdma", 10),
            _ => return Err(line.malformed("tcp, udp or rdma", word)),
        };
        let mut numbers = [0_u64; TRANSPORT_NUMBERS];
        for number in &mut numbers[..count] {
            *number = line.number("a count")?;
        }
        if protocol != "rdma" {
            expect_end(line)?;
        }
        if protocol == "udp" {
            numbers.copy_within(OF_CONNECTIONS.start..count, OF_CONNECTIONS.end);
            numbers[OF_CONNECTIONS].fill(0);
        }
        numbers[IDLE_TIME] %= TIME_MODULUS;
        Ok(Transport { protocol, values: SHOWN.map(|index| numbers[index] as f64) })
    }
}

/// As many numbers as the rest of the line must have.
fn numbers<const N: usize>(mut line: Line<'_>) -> Result<[u64; N], CollectError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = line.number("a count")?;
    }
    expect_end(line)?;
    Ok(numbers)
}

fn expect_end(mut line: Line<'_>) -> Result<(), CollectError> {
    match line.word() {
        None => Ok(()),
        word => Err(line.malformed("the end of the line", word)),
    }
}

/// The option `addr` of the file system that a line of mountinfo shows.
pub(super) fn server_address<'a>(mut line: Line<'a>) -> Option<Cow<'a, str>> {
    while line.word()? != b"-" {}
    let (_fs_type, _device, options) = (line.word()?, line.word()?, line.word()?);
    let mut options = options.split(|byte| *byte == b',');
    let address = options.find_map(|option| option.strip_prefix(b"addr="));
    address.map(to_text)
}

#[cfg(test)]
mod tests;
