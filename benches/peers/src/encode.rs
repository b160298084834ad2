//! What a series costs to expose, and how many bytes it takes.

use crate::heap;
use crate::http::gzip;
use crate::libraries::LIBRARIES;
use crate::peer::Peer;
use crate::script::Script;
use crate::series::{self, Exposed};
use crate::turns::{Effort, Table, figure, nanos_per};
use std::hint::black_box;

/// Levels of a gzip layer: zlib's default, and the fastest.
const LEVELS: [u32; 2] = [6, 1];

/// All libraries with the same series and values.
///
/// # Panics
/// If one of them exposes something else than promlet does.
fn contestants(lines: usize) -> (Vec<Box<dyn Peer>>, Script, usize) {
    let mut peers = Vec::new();
    let mut script = Script::new(lines);
    let mut ours: Option<Exposed> = None;
    for library in &LIBRARIES {
        let (mut peer, begun) = library.begin(lines);
        let exposed = series::read(peer.encode());
        let theirs = exposed.unwrap_or_else(|error| panic!("{}: {error}", library.name));
        let ours = ours.get_or_insert_with(|| theirs.clone());
        if let Some(difference) = series::difference(ours, &theirs) {
            panic!("{}: {difference}", library.name);
        }
        peers.push(peer);
        script = begun;
    }
    let count = ours.map_or(0, |ours| ours.len());
    (peers, script, count)
}

/// Changes a tenth of the values of all libraries alike.
fn advance(peers: &mut [Box<dyn Peer>], script: &mut Script) {
    script.advance(|update| peers.iter_mut().for_each(|peer| peer.apply(update)));
}

/// Copies `body` line by line, as if the values were formatted already: what is left if
/// everything but the copying is free.
fn copy_prefixes(body: &[u8], lines: &[usize], out: &mut Vec<u8>) {
    out.clear();
    let mut start = 0;
    for end in lines {
        out.extend_from_slice(&body[start..*end]);
        start = *end;
    }
}

pub fn identity(effort: Effort, sizes: &[usize]) {
    let mut columns: Vec<Vec<String>> = Vec::new();
    for &lines in sizes {
        let (mut peers, mut script, count) = contestants(lines);
        let body = peers[0].encode().to_vec();
        let ends: Vec<usize> =
            (0..body.len()).filter(|&at| body[at] == b'\n').map(|at| at + 1).collect();
        let mut copy = Vec::with_capacity(body.len());
        let floors = LIBRARIES.len();
        let samples = effort.take_turns(floors + 2, |index| {
            if index == 0 {
                advance(&mut peers, &mut script);
            }
            nanos_per(count, || match index {
                _ if index == floors => copy_prefixes(&body, &ends, black_box(&mut copy)),
                _ if index > floors => {
                    copy.clear();
                    copy.extend_from_slice(black_box(&body));
                    black_box(&copy);
                }
                _ => drop(black_box(peers[index].encode())),
            })
        });
        columns.push(samples.iter().map(|samples| samples.cell()).collect());
    }
    let heads: Vec<String> = sizes.iter().map(|lines| format!("{lines} lines")).collect();
    let mut table = Table::new("Encode: ns a series, a tenth of the values changed", &heads);
    let names = LIBRARIES.iter().map(|library| library.name);
    for (index, name) in names.chain(["floor: copy line by line", "floor: memcpy"]).enumerate() {
        let cells: Vec<String> = columns.iter().map(|column| column[index].clone()).collect();
        table.row(name, &cells);
    }
    table.print();
}

pub fn compressed(effort: Effort, sizes: &[usize]) {
    for &lines in sizes {
        let (mut peers, mut script, count) = contestants(lines);
        let plain_bytes = peers[0].encode().len();
        let heads = ["ns a series".to_owned(), "times smaller".to_owned()];
        let title = format!("Encode and gzip, {lines} lines");
        let mut table = Table::new(&title, &heads);
        // The library's own gzip, then a layer upon its text.
        let mut ways: Vec<(usize, Option<u32>)> = Vec::new();
        for (index, peer) in peers.iter_mut().enumerate() {
            if peer.encode_gzip().is_some() {
                ways.push((index, None));
            }
            ways.extend(LEVELS.map(|level| (index, Some(level))));
        }
        let mut sizes = vec![0; ways.len()];
        let samples = effort.take_turns(ways.len(), |turn| {
            if turn == 0 {
                advance(&mut peers, &mut script);
            }
            let (index, level) = ways[turn];
            let peer = &mut peers[index];
            nanos_per(count, || {
                sizes[turn] = match level {
                    None => peer.encode_gzip().expect("it did so before").len(),
                    Some(level) => gzip(peer.encode(), level).len(),
                }
            })
        });
        for ((&(index, level), samples), size) in ways.iter().zip(&samples).zip(&sizes) {
            let name = LIBRARIES[index].name;
            let name =
                level.map_or(format!("{name}, its own"), |level| format!("{name}, gzip -{level}"));
            table.row(&name, &[samples.cell(), figure(plain_bytes as f64 / *size as f64)]);
        }
        table.print();
    }
}

/// Heap in use after one scrape, with the handles and everything kept for the next one.
pub fn memory(lines: usize) {
    let heads = ["text".to_owned(), "text and own gzip".to_owned()];
    let mut table = Table::new(&format!("Heap: bytes a series, {lines} lines"), &heads);
    for library in &LIBRARIES {
        let (text_bytes, mut peer) = heap::kept_by(|| {
            let (mut peer, _) = library.begin(lines);
            drop(peer.scrape());
            peer
        });
        let (more_bytes, has_gzip) = heap::kept_by(|| peer.scrape_gzip());
        let count = series::read(&peer.scrape()).expect("it was read before").len();
        let cell = |bytes: isize| figure(bytes as f64 / count as f64);
        let both = if has_gzip { cell(text_bytes + more_bytes) } else { "-".to_owned() };
        table.row(library.name, &[cell(text_bytes), both]);
    }
    table.print();
}
