//! The arrays that `/proc/mdstat` lists.

use crate::collector::error::CollectError;
use crate::collector::lines::{Line, Lines, parse_number};

/// What an array does that puts its disks in order, in place of its state.
pub(super) const RECOVERING: &[u8] = b"recovering";
pub(super) const RESYNCING: &[u8] = b"resyncing";
pub(super) const CHECKING: &[u8] = b"checking";
const RESHAPING: &[u8] = b"reshaping";

/// Table: what the third line says => what the array does. The first that is found counts.
const ACTIONS: [(&[u8], &[u8]); 4] = [
    (b"recovery", RECOVERING),
    (b"reshape", RESHAPING),
    (b"check", CHECKING),
    (b"resync", RESYNCING),
];

/// An array, as `mdstat` describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Array<'a> {
    pub(super) name: &'a [u8],
    pub(super) state: &'a [u8],
    pub(super) blocks: u64,
    /// All, unless it is putting its disks in order.
    pub(super) synced: u64,
    pub(super) active: u64,
    pub(super) failed: u64,
    pub(super) spare: u64,
    pub(super) required: u64,
}

/// Calls `found` with each array, up to the first that is malformed.
pub(super) fn parse_arrays<'a>(
    content: &'a [u8],
    mut found: impl FnMut(Array<'a>),
) -> Result<(), CollectError> {
    let mut lines = Lines::new("mdstat", content);
    while let Some(line) = lines.next() {
        let text = line.rest();
        let is_other = [&b"Personalities"[..], b"unused"].iter().any(|word| text.starts_with(word));
        let is_continued = text.first().is_none_or(u8::is_ascii_whitespace);
        if !is_other && !is_continued {
            found(parse_array(line, lines.clone())?);
        }
    }
    Ok(())
}

fn parse_array<'a>(line: Line<'a>, mut behind: Lines<'a>) -> Result<Array<'a>, CollectError> {
    let text = line.rest();
    let mut words = line.clone();
    let (name, _colon, state) = (words.word(), words.word(), words.word());
    let (Some(name), Some(state)) = (name, state) else {
        return Err(line.malformed("a name, a colon and a state", name));
    };
    let status = behind.next().ok_or_else(|| behind.missing("the status of an array"))?;
    let blocks = status.clone().number("a number of blocks")?;
    let (required, active) = parse_disks(text, status)?;
    let mut progress = behind.next();
    if progress.as_ref().is_some_and(|line| contains(line.rest(), b"bitmap")) {
        progress = behind.next();
    }
    let (state, synced) = match progress.map(parse_progress).transpose()?.flatten() {
        Some(progress) => progress,
        None => (state, blocks),
    };
    let (failed, spare) = (count(text, b"(F)"), count(text, b"(S)"));
    Ok(Array { name, state, blocks, synced, active, failed, spare, required })
}

/// The disks that are required and those that are active. Levels without redundancy do not say, and
/// need all.
fn parse_disks(device: &[u8], status: Line<'_>) -> Result<(u64, u64), CollectError> {
    if contains(device, b"raid0") || contains(device, b"linear") {
        let disks = count(device, b"[");
        return Ok((disks, disks));
    }
    if contains(device, b"inactive") {
        return Ok((0, 0));
    }
    let (mut words, mut before, mut disks) = (status.clone(), None, None);
    while let Some(word) = words.word() {
        if is_map(word) {
            disks = before.and_then(|word| parse_pair(word, [b'[', b']'])).or(disks);
        }
        before = Some(word);
    }
    disks.ok_or_else(|| status.malformed("[disks/active disks] [U_]", Some(status.rest())))
}

/// Whether `word` says of each disk whether it is up: `[UU_]`.
fn is_map(word: &[u8]) -> bool {
    let inner = word.strip_prefix(b"[").and_then(|word| word.strip_suffix(b"]"));
    inner.is_some_and(|inner| !inner.is_empty() && inner.iter().all(|b| matches!(b, b'U' | b'_')))
}

/// What the array does, and how many blocks of it are done: none of what waits or is done elsewhere.
fn parse_progress<'a>(line: Line<'a>) -> Result<Option<(&'a [u8], u64)>, CollectError> {
    let text = line.rest();
    let Some((_, action)) = ACTIONS.iter().find(|(word, _)| contains(text, word)) else {
        return Ok(None);
    };
    if [&b"PENDING"[..], b"DELAYED", b"REMOTE"].iter().any(|word| contains(text, word)) {
        return Ok(Some((action, 0)));
    }
    let mut words = line.clone();
    let done = std::iter::from_fn(|| words.word()).find_map(|word| parse_pair(word, [b'(', b')']));
    let (done, _all) = done.ok_or_else(|| line.malformed("(blocks done/blocks)", Some(text)))?;
    Ok(Some((action, done)))
}

/// The numbers of a word such as `[2/1]`.
fn parse_pair(word: &[u8], [open, close]: [u8; 2]) -> Option<(u64, u64)> {
    let inner = word.strip_prefix(&[open])?.strip_suffix(&[close])?;
    let slash = inner.iter().position(|byte| *byte == b'/')?;
    Some((parse_number(&inner[..slash])?, parse_number(&inner[slash + 1..])?))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    count(text, part) > 0
}

fn count(text: &[u8], part: &[u8]) -> u64 {
    text.windows(part.len()).filter(|window| *window == part).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Name, state, blocks, synced, active, failed, spare, required.
    type Row = (String, String, [u64; 6]);

    fn parse(content: &str) -> (Vec<Row>, Result<(), String>) {
        let mut rows = Vec::new();
        let parsed = parse_arrays(content.as_bytes(), |array| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let Array { name, state, blocks, synced, active, failed, spare, required } = array;
            let counts = [blocks, synced, active, failed, spare, required];
            rows.push((text(name), text(state), counts));
        });
        (rows, parsed.map_err(|error| error.to_string()))
    }

    #[test]
    fn an_array_is_what_its_lines_say() {
        const CASES: &[(&str, &str, &str, [u64; 6])] = &[
            (
                "md0 : active raid1 sdb1[1] sda1[0]\n 512 blocks super 1.2 [2/2] [UU]\n\n",
                "md0",
                "active",
                [512, 512, 2, 0, 0, 2],
            ),
            (
                "md1 : active (auto-read-only) raid5 a[3](S) b[2](F) c[1] d[0]\n\
                 \x20 900 blocks level 5, 64k chunk, algorithm 2 [3/2] [UU_]\n",
                "md1",
                "active",
                [900, 900, 2, 1, 1, 3],
            ),
            (
                "md2 : active raid0 b[1] a[0]\n      40 blocks 64k chunks\n",
                "md2",
                "active",
                [40, 40, 2, 0, 0, 2],
            ),
            (
                "md3 : inactive sda[1](S) sdb[0](S)\n  30 blocks super external:imsm\n",
                "md3",
                "inactive",
                [30, 30, 0, 0, 2, 0],
            ),
            (
                "md4 : active raid6 a[0]\n 8 blocks [4/3] [UUU_]\n bitmap: 0/1 pages\n \
                 [>....]  recovery =  5.0% (3/8) finish=1min speed=1K/sec\n",
                "md4",
                "recovering",
                [8, 3, 3, 0, 0, 4],
            ),
            (
                "md5 : active raid1 a[0]\n 8 blocks [1/1] [U]\n \tresync=REMOTE\n",
                "md5",
                "resyncing",
                [8, 0, 1, 0, 0, 1],
            ),
            (
                "md6 : active raid1 a[0]\n 8 blocks [1/1] [U]\n [=>] check = 9% (4/8) finish=1min\n",
                "md6",
                "checking",
                [8, 4, 1, 0, 0, 1],
            ),
            (
                "md7 : active raid5 a[0]\n 8 blocks [1/1] [U]\n [=>] reshape = 9% (2/8) finish=1\n",
                "md7",
                "reshaping",
                [8, 2, 1, 0, 0, 1],
            ),
        ];
        for (content, name, state, counts) in CASES {
            let content = format!("Personalities : [raid1]\n{content}unused devices: <none>\n");
            let expected = ((*name).to_owned(), (*state).to_owned(), *counts);
            assert_eq!(parse(&content), (vec![expected], Ok(())), "{content}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        const CASES: &[(&str, &str)] = &[
            ("md0 :\n", "mdstat:1: expected a name, a colon and a state, found md0"),
            ("md0 : active\n", "mdstat:2: expected the status of an array, found end of file"),
            ("md0 : active\n x blocks\n", "mdstat:2: expected a number of blocks, found x"),
            ("md0 : active\n 8 blocks [2] [U]\n", {
                "mdstat:2: expected [disks/active disks] [U_], found  8 blocks [2] [U]"
            }),
            ("md0 : inactive\n 8 blocks\n resync = 1%\n", {
                "mdstat:3: expected (blocks done/blocks), found  resync = 1%"
            }),
        ];
        for (content, expected) in CASES {
            assert_eq!(parse(content), (vec![], Err((*expected).to_owned())), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn no_content_panics(pieces in prop::collection::vec(prop::sample::select(&[
            "md0 : ", "active ", "inactive ", "raid1 ", "sda[0]", "(F)", "\n", "\n ", "8 blocks ",
            "[2/1] ", "[U_] ", "bitmap", "resync", "(1/2)", "(/)", "[]", "\u{e4}", "\tresync=PENDING",
        ][..]), 0..30)) {
            let (arrays, _) = parse(&pieces.concat());
            prop_assert!(arrays.len() <= pieces.len());
        }
    }
}
