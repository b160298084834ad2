//! Replays the corpora of the fuzz targets, so that what a fuzzer once found stays found.

use std::fs;
use std::path::Path;

#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../fuzz/checks/configuration.rs"]
mod configuration;
#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../fuzz/checks/escape.rs"]
mod escape;
#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../fuzz/checks/negotiate.rs"]
mod negotiate;
#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../fuzz/checks/number.rs"]
mod number;
#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../fuzz/checks/regex.rs"]
mod regex;
#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../fuzz/checks/request.rs"]
mod request;
#[allow(unreachable_pub, reason = "the fuzz target is another crate")]
#[path = "../fuzz/checks/textparse.rs"]
mod textparse;

type Check = fn(&[u8]);

/// One row a target: the folder under `fuzz/corpus`, and the check.
const TARGETS: &[(&str, Check)] = &[
    ("configuration", configuration::check),
    ("escape", escape::check),
    ("negotiate", negotiate::check),
    ("number", number::check),
    ("regex", regex::check),
    ("request", request::check),
    ("textparse", textparse::check),
];

#[test]
fn every_corpus_passes_its_check() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (target, check) in TARGETS {
        let mut replayed = 0;
        for entry in fs::read_dir(corpora.join(target)).expect("each target has a corpus") {
            let path = entry.expect("the corpus can be listed").path();
            // Shown if the check fails.
            println!("{}", path.display());
            check(&fs::read(&path).expect("a corpus file can be read"));
            replayed += 1;
        }
        assert_ne!(replayed, 0, "the corpus of {target} is empty");
    }
}

#[test]
fn every_corpus_has_a_target() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for entry in fs::read_dir(corpora).expect("there are corpora") {
        let name = entry.expect("the corpora can be listed").file_name();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "{name:?} has no row");
    }
}
