//! One function per kind of value of an application: words in, value out, or what is wrong.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::super::suggest;
use super::super::super::value::{self, Expected};
use super::super::error::Fault;
use super::super::words::Word;
use crate::supervisor::{HealthAction, Output, Probe, RestartLimit, RestartWhen, Signal, TIME_MAX};

/// The numbers of signals (signal(7)).
const SIGNALS: RangeInclusive<i32> = 1..=64;

/// Words that a shell would act upon; without one they would silently become arguments.
const OPERATORS: [&str; 12] = ["|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "2>", "2>&1", "&>"];

/// A variable of a shell, `$HOME` or `${HOME}`: nobody would put its value there.
fn is_variable(word: &Word) -> bool {
    let begins_a_name = |byte: u8| byte.is_ascii_alphabetic() || b"_{".contains(&byte);
    let mut behind_dollars = word.text.split('$').skip(1);
    !word.is_quoted && behind_dollars.any(|text| text.bytes().next().is_some_and(begins_a_name))
}

/// Restarts beyond this are no limit, and each is remembered.
const RESTARTS_MAX: usize = 1_000;

/// The one word that a value is.
pub(in super::super) fn text_of(words: &[Word]) -> Result<String, Fault> {
    match words {
        [word] => Ok(word.text.clone()),
        _ => Err(Fault::new("one word, with quotes around blanks", &joined(words))),
    }
}

/// The one word that a value is, as `parse` reads it. What several are said to lack is what `parse`
/// wants, or else quotes.
pub(in super::super) fn one<T>(
    words: &[Word],
    parse: impl FnOnce(&OsStr) -> Result<T, Expected>,
) -> Result<T, Fault> {
    let text = joined(words);
    let parsed = parse(OsStr::new(&text)).map_err(|expected| Fault::new(expected, &text))?;
    text_of(words).map(|_| parsed)
}

/// The words as they may be shown in an error.
fn joined(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

pub(super) fn command(words: &[Word]) -> Result<Vec<String>, Fault> {
    let is_operator = |word: &&Word| !word.is_quoted && OPERATORS.contains(&&*word.text);
    if let Some(operator) = words.iter().find(is_operator) {
        let expected = "no operator of a shell, or sh -c 'SCRIPT', or quotes around it";
        return Err(Fault::new(expected, &operator.text));
    }
    if let Some(variable) = words.iter().find(|word| is_variable(word)) {
        let expected = "no variable of a shell, or sh -c 'SCRIPT', or quotes around it";
        return Err(Fault::new(expected, &variable.text));
    }
    if words[0].text.is_empty() {
        return Err(Fault::new("a program", ""));
    }
    Ok(words.iter().map(|word| word.text.clone()).collect())
}

pub(in super::super) fn absolute(words: &[Word]) -> Result<PathBuf, Fault> {
    let text = text_of(words)?;
    let is_absolute = Path::new(&text).is_absolute();
    if is_absolute { Ok(text.into()) } else { Err(Fault::new("a path from / on", &text)) }
}

pub(super) fn time(words: &[Word]) -> Result<Duration, Fault> {
    one(words, |word| value::duration(word, TIME_MAX))
}

pub(super) fn positive(words: &[Word]) -> Result<Duration, Fault> {
    let time = time(words)?;
    if time.is_zero() { Err(Fault::new("a time longer than 0s", &words[0].text)) } else { Ok(time) }
}

pub(super) fn size(words: &[Word]) -> Result<u64, Fault> {
    one(words, value::size)
}

pub(super) fn count(words: &[Word], min: usize) -> Result<u32, Fault> {
    one(words, |word| value::count(word, min..=i32::MAX as usize)).map(|count| count as u32)
}

pub(super) fn one_of<T: Copy>(words: &[Word], choices: &[(&str, T)]) -> Result<T, Fault> {
    let nearest = || suggest::nearest(&joined(words), choices.iter().map(|(name, _)| *name));
    one(words, |word| value::one_of(word, choices)).map_err(|fault| fault.or_rather(nearest()))
}

pub(super) fn names(words: &[Word]) -> Result<Vec<String>, Fault> {
    let name = |word: &Word| match word.text.trim_end_matches(',') {
        "" => Err(Fault::new("names of applications", &word.text)),
        name => Ok(name.to_owned()),
    };
    words.iter().map(name).collect()
}

pub(super) fn restart(words: &[Word]) -> Result<RestartWhen, Fault> {
    use RestartWhen::{Always, Never, OnFailure};
    one_of(words, &[("always", Always), ("on-failure", OnFailure), ("never", Never)])
}

pub(super) fn health_action(words: &[Word]) -> Result<HealthAction, Fault> {
    one_of(words, &[("report", HealthAction::Report), ("restart", HealthAction::Restart)])
}

pub(super) fn restart_limit(words: &[Word]) -> Result<RestartLimit, Fault> {
    let [restarts, within, window] = words else {
        return Err(Fault::new("N in TIME, such as 5 in 1m", &joined(words)));
    };
    if within.text != "in" {
        return Err(Fault::new("the word in", &within.text));
    }
    let restarts =
        one(std::slice::from_ref(restarts), |word| value::count(word, 1..=RESTARTS_MAX))?;
    let window = positive(std::slice::from_ref(window))?;
    Ok(RestartLimit { restarts: restarts as u32, window })
}

pub(super) fn signal(words: &[Word]) -> Result<Signal, Fault> {
    one(words, |word| {
        let name = word.to_string_lossy().to_ascii_uppercase();
        let signal = Signal::from_name(name.strip_prefix("SIG").unwrap_or(&name));
        let number = || word.to_str()?.parse().ok().filter(|number| SIGNALS.contains(number));
        let signal = signal.or_else(|| number().map(Signal::from_number));
        signal.ok_or_else(|| "a signal such as TERM, or its number".to_owned())
    })
}

pub(super) fn output(words: &[Word]) -> Result<Output, Fault> {
    match words[0].text.as_str() {
        "inherit" => text_of(words).map(|_| Output::Inherit),
        "prefixed" => text_of(words).map(|_| Output::Prefixed),
        "file" if words.len() > 1 => absolute(&words[1..]).map(Output::File),
        _ => Err(Fault::new("inherit, file PATH or prefixed", &joined(words))),
    }
}

pub(super) fn probe(words: &[Word]) -> Result<Probe, Fault> {
    match (words[0].text.as_str(), &words[1..]) {
        ("tcp", [address]) => address_of(address).map(Probe::Tcp),
        ("http", [address, path]) => {
            let path = one(std::slice::from_ref(path), value::request_target)?;
            Ok(Probe::Http { address: address_of(address)?, path })
        }
        ("command", [_, ..]) => command(&words[1..])
            .map(|c| c.into_iter().map(Into::into).collect())
            .map(Probe::Command),
        _ => Err(Fault::new("tcp PORT, http PORT /PATH or command WORD...", &joined(words))),
    }
}

/// A port on loopback, or an address there.
fn address_of(word: &Word) -> Result<SocketAddr, Fault> {
    let port = word.text.parse().ok().map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
    let address: Option<SocketAddr> = port.or_else(|| word.text.parse().ok());
    address
        .filter(|address| address.ip().is_loopback() && address.port() != 0)
        .ok_or_else(|| Fault::new("a port, or 127.0.0.1:PORT or [::1]:PORT", &word.text))
}
