//! The drawing of the crate, enforced: who may import whom, where `unsafe` and `libc` may stand,
//! what must be justified beside it, how long a file may get.
//!
//! Reads the sources as text, comments and literals blanked ([`source`]); no parser, so the
//! rules are about tokens. Unit tests (from `#[cfg(test)] mod` on, and files `tests.rs`) may reach
//! where their subject may not, and are not counted.

mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use source::{Source, identifier, is_identifier, list_sources, words};

/// Module, the modules it may name. A row with a path is for one file and adds to its module's.
/// Nothing points back up; `lib.rs` and `main.rs` may name everything.
const IMPORTS: &[(&str, &[&str])] = &[
    // Of the binary, as main.rs is.
    (
        "wiring",
        &["collector", "config", "exporter", "http", "log", "registry", "supervisor", "sys"],
    ),
    ("exporter", &["encoding", "http", "log", "metric", "registry"]),
    ("config", &["collector", "log", "regex", "supervisor"]),
    ("collector", &["log", "metric", "model", "regex", "registry", "sys", "textparse"]),
    ("supervisor", &["log", "metric", "regex", "sys"]),
    ("encoding", &["gzip", "metric", "model", "registry"]),
    ("registry", &["metric", "model"]),
    ("metric", &["model"]),
    ("http", &[]),
    ("http/server.rs", &["sys"]),
    ("http/listen.rs", &["sys"]),
    ("http/server/clients.rs", &["sys"]),
    ("http/server/event_loop.rs", &["sys"]),
    ("log", &["sys"]),
    ("textparse", &["model"]),
    ("model", &[]),
    ("regex", &[]),
    ("gzip", &[]),
    ("sys", &[]),
];

/// The modules in which `unsafe` may stand.
const UNSAFE: [&str; 2] = ["metric", "sys"];

/// Past this a file is read in parts and asks to be split; tests do not count.
const LINES_MAX: usize = 600;

#[test]
fn the_crate_keeps_its_drawing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    list_sources(&root, &mut paths);
    let read = |path: &PathBuf| {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let below = path.strip_prefix(&root).expect("it was listed below the root");
        Source::new(below.to_str().expect("names are UTF-8"), &text)
    };
    let sources: Vec<Source> = paths.iter().map(read).collect();
    assert!(sources.iter().any(|source| source.path == "lib.rs"), "no sources below {root:?}");
    let findings = check(&sources);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

fn check(sources: &[Source]) -> Vec<String> {
    let owners = root_names(sources);
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(imports_outside_the_table(source, &owners));
        findings.extend(unsafe_not_forbidden(source));
        findings.extend(libc_outside_sys(source));
        findings.extend(unjustified(source, "SAFETY:", unsafe_uses(&source.code)));
        findings.extend(unjustified(source, "ORDERING:", ordering_uses(&source.code)));
        findings.extend(too_long(source));
    }
    findings
}

/// Names that the crate's root offers, and the module each is from: re-exports of `lib.rs`, and
/// exported macros, which stand at the root wherever they are written.
fn root_names(sources: &[Source]) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for source in sources {
        for offset in words(&source.code, "macro_export") {
            let name =
                source.code[offset..].split_once("macro_rules!").map(|(_, rest)| identifier(rest));
            owners.insert(name.unwrap_or_default().to_owned(), source.module().to_owned());
        }
        if source.path != "lib.rs" {
            continue;
        }
        for offset in words(&source.code, "use") {
            let statement = source.code[offset + 3..].split(';').next().unwrap_or_default();
            let module = identifier(statement.trim_start().trim_start_matches("crate::"));
            for name in statement.split(|char: char| !is_identifier(char)) {
                owners.insert(name.to_owned(), module.to_owned());
            }
        }
    }
    // A module's own name always means the module.
    owners.retain(|name, _| !is_module(name));
    owners
}

fn imports_outside_the_table(source: &Source, owners: &BTreeMap<String, String>) -> Vec<String> {
    if source.is_crate_root() {
        return Vec::new();
    }
    let own = source.module();
    if !is_module(own) {
        return vec![source.finding(0, format!("module {own} is not in the table of imports"))];
    }
    let allowed = |module: &str| {
        let rows = IMPORTS.iter().filter(|(row, _)| *row == own || *row == source.path);
        module == own || rows.flat_map(|(_, allowed)| *allowed).any(|allowed| *allowed == module)
    };
    let mut findings = Vec::new();
    for (offset, name) in crate_paths(source) {
        match owners.get(name).map_or(name, String::as_str) {
            module if allowed(module) => {}
            module if is_module(module) => {
                findings.push(source.finding(offset, format!("{own} must not use {module}")));
            }
            _ => findings.push(source.finding(offset, format!("{name} is of no module"))),
        }
    }
    findings
}

/// The first name of each path from the crate's root: `crate::a`, `promlet::a`, each of
/// `crate::{a, b::c}`, and `super::a` where `super` is the root.
fn crate_paths(source: &Source) -> Vec<(usize, &str)> {
    let depth = source.path.split('/').filter(|part| *part != "mod.rs").count();
    let from_root = "super::".repeat(depth);
    let mut found = Vec::new();
    for root in ["crate::", "promlet::", from_root.as_str()] {
        for offset in words(&source.code, root) {
            let nested = source.code[..offset].ends_with("super::");
            let rest = &source.code[offset + root.len()..];
            let names = match rest.trim_start().strip_prefix('{') {
                Some(group) => group_names(group),
                None => vec![identifier(rest)],
            };
            let relevant = |name: &&str| !root.starts_with("super") || (!nested && is_module(name));
            found.extend(names.into_iter().filter(relevant).map(|name| (offset, name)));
        }
    }
    found
}

/// The first name of each item of a `use` group, its opening brace taken off.
fn group_names(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                let item = identifier(&group[start..at]);
                names.extend(Some(item).filter(|item| !item.is_empty()));
                start = at + 1;
                if char == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

fn unsafe_not_forbidden(source: &Source) -> Option<String> {
    // `lib.rs` would forbid it to all modules.
    let free = source.path == "lib.rs" || UNSAFE.contains(&source.module());
    let forbids = source.code.contains("#![forbid(unsafe_code)]");
    (source.is_module_root() && !free && !forbids)
        .then(|| source.finding(0, "no #![forbid(unsafe_code)]"))
}

fn libc_outside_sys(source: &Source) -> Vec<String> {
    let uses = if source.module() == "sys" { vec![] } else { words(&source.code, "libc") };
    uses.into_iter().map(|offset| source.finding(offset, "libc outside sys")).collect()
}

fn unsafe_uses(code: &str) -> Vec<usize> {
    let mut uses = words(code, "unsafe");
    uses.retain(|offset| {
        let next = code[offset + "unsafe".len()..].trim_start();
        next.starts_with('{') || next.starts_with("impl")
    });
    uses
}

fn ordering_uses(code: &str) -> Vec<usize> {
    const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
    let mut uses: Vec<usize> = ORDERINGS.iter().flat_map(|word| words(code, word)).collect();
    uses.retain(|offset| code[..*offset].ends_with("Ordering::"));
    uses.sort_unstable();
    uses
}

/// The uses without a comment that begins with `mark` on their line or above their statement.
fn unjustified(source: &Source, mark: &str, uses: Vec<usize>) -> Vec<String> {
    let text: Vec<&str> = source.text.lines().collect();
    let code: Vec<&str> = source.code.lines().collect();
    let comment = format!("// {mark}");
    let mut findings = Vec::new();
    for offset in uses {
        let line = source.code[..offset].matches('\n').count();
        let above = (0..line).rev().take_while(|&above| {
            let ends_statement = code[above].trim_end().ends_with([';', '}']);
            !text[above].trim().is_empty() && !ends_statement
        });
        let justified =
            std::iter::once(line).chain(above).any(|line| text[line].contains(&comment));
        if !justified {
            findings.push(source.finding(offset, format!("no {comment}")));
        }
    }
    findings
}

fn too_long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (lines > LINES_MAX).then(|| source.finding(0, format!("{lines} lines without tests")))
}

fn is_module(name: &str) -> bool {
    IMPORTS.iter().any(|(module, _)| *module == name)
}

/// The findings for one file beside a `lib.rs` that re-exports `Counter` from `metric`.
fn findings(path: &str, text: &str) -> Vec<String> {
    let lib =
        Source::new("lib.rs", "pub mod metric;\npub use metric::{Counter, Gauge as Level};\n");
    let forbid = "#![forbid(unsafe_code)]\n";
    let source = Source::new(path, &format!("{forbid}{text}"));
    check(&[lib, source])
}

#[test]
fn forbidden_imports_are_found() {
    for (path, text, finding) in [
        (
            "gzip/mod.rs",
            "use crate::metric::Counter;\n",
            "src/gzip/mod.rs:2: gzip must not use metric",
        ),
        ("gzip.rs", "fn f() { crate::sys::x(); }\n", "src/gzip.rs:2: gzip must not use sys"),
        (
            "model.rs",
            "use crate::{\n    model::A,\n    gzip::{B, http},\n};\n",
            "src/model.rs:2: model must not use gzip",
        ),
        ("model.rs", "use crate::Counter;\n", "src/model.rs:2: model must not use metric"),
        ("model.rs", "use crate::Level;\n", "src/model.rs:2: model must not use metric"),
        ("model.rs", "\nuse crate::Unknown;\n", "src/model.rs:3: Unknown is of no module"),
        (
            "http/request.rs",
            "use crate::sys::socket;\n",
            "src/http/request.rs:2: http must not use sys",
        ),
        (
            "http/request.rs",
            "use super::super::sys;\n",
            "src/http/request.rs:2: http must not use sys",
        ),
        ("model.rs", "use super::gzip;\n", "src/model.rs:2: model must not use gzip"),
        (
            "model.rs",
            "let a = 'a'; use promlet::gzip;\n",
            "src/model.rs:2: model must not use gzip",
        ),
        ("util.rs", "fn f() {}\n", "src/util.rs:1: module util is not in the table of imports"),
    ] {
        assert_eq!(findings(path, text), [finding], "{text}");
    }
}

#[test]
fn allowed_imports_pass() {
    for (path, text) in [
        ("http/server.rs", "use crate::sys::epoll;\nuse crate::http::request;\n"),
        ("encoding/text.rs", "use crate::{metric::{Counter, cell}, model, gzip::template};\n"),
        ("encoding/text.rs", "use super::{metric, page};\nuse super::gzip;\n"),
        (
            "gzip/mod.rs",
            "//! As [`crate::metric`].\n/* crate::http /* crate::sys */ crate::log */\n",
        ),
        (
            "gzip/mod.rs",
            "const A: &str = \"crate::http \\\" crate::log\";\nconst B: &str = r#\"\"crate::http\"#;\n",
        ),
        ("gzip/mod.rs", "fn f<'a>(x: &'a str) { if x == '\"' {} }\n// crate::http \"\n"),
        (
            "gzip/mod.rs",
            "use my_crate::http;\nfn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::http;\n}\n",
        ),
        (
            "metric/labels.rs",
            "#[macro_export]\nmacro_rules! labels { () => { $crate::labels!(@); $crate::Counter } }\n",
        ),
    ] {
        assert_eq!(findings(path, text), [""; 0], "{text}");
    }
}

#[test]
fn misplaced_or_bare_unsafe_is_found() {
    for (path, text, finding) in [
        ("gzip/bits.rs", "use libc::c_int;\n", Some("src/gzip/bits.rs:2: libc outside sys")),
        (
            "sys/poll.rs",
            "// SAFETY: it owns the descriptor.\nlet a = unsafe { libc::poll() };\n",
            None,
        ),
        (
            "sys/poll.rs",
            "let a = unsafe { libc::poll() };\n",
            Some("src/sys/poll.rs:2: no // SAFETY:"),
        ),
        (
            "sys/poll.rs",
            "// SAFETY: of b.\nb();\nunsafe { c() }\n",
            Some("src/sys/poll.rs:4: no // SAFETY:"),
        ),
        (
            "metric/cell.rs",
            "unsafe impl Send for A {}\n",
            Some("src/metric/cell.rs:2: no // SAFETY:"),
        ),
        ("metric/cell.rs", "// SAFETY: no pointer.\nunsafe impl Send for A {}\n", None),
    ] {
        assert_eq!(findings(path, text), finding.into_iter().collect::<Vec<_>>(), "{text}");
    }
    let bare = Source::new("gzip/mod.rs", "fn f() {}\n");
    assert_eq!(check(&[bare]), ["src/gzip/mod.rs:1: no #![forbid(unsafe_code)]"]);
}

#[test]
fn orderings_without_reason_are_found() {
    for (text, finding) in [
        ("a.load(Ordering::Relaxed); // ORDERING: Relaxed: only the sum.\n", None),
        (
            "// ORDERING: both: alone.\na.compare_exchange(\n    Ordering::AcqRel,\n    Ordering::Acquire,\n);\n",
            None,
        ),
        ("use std::cmp::Ordering::Less;\n", None),
        ("a.load(Ordering::Acquire);\n", Some("src/metric/cell.rs:2: no // ORDERING:")),
        (
            "// ORDERING: of b.\nb(Ordering::Release);\na.load(Ordering::SeqCst);\n",
            Some("src/metric/cell.rs:4: no // ORDERING:"),
        ),
    ] {
        assert_eq!(
            findings("metric/cell.rs", text),
            finding.into_iter().collect::<Vec<_>>(),
            "{text}"
        );
    }
}

#[test]
fn long_files_are_found_by_their_code_alone() {
    let code = "fn f() {}\n".repeat(LINES_MAX - 1);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
    assert_eq!(findings("gzip/mod.rs", &format!("{code}{tests}")), [""; 0]);
    let found = findings("gzip/mod.rs", &format!("{code}fn g() {{}}\n{tests}"));
    assert_eq!(found, ["src/gzip/mod.rs:1: 601 lines without tests"]);
}
