//! The collector on folders that change.

use super::*;
use crate::collector::scratch::Scratch;
use crate::encoding::Encoder;
use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

/// A registry whose only collector reads a folder of the test.
struct Fixture {
    scratch: Scratch,
    encoder: Encoder,
    textfile: Textfile,
    files: Files,
}

impl Fixture {
    /// A folder called `in`, which is there once a file is written to it.
    fn new(name: &str) -> Fixture {
        Fixture::with_patterns(name, &["in"])
    }

    fn with_patterns(name: &str, patterns: &[&str]) -> Fixture {
        let scratch = Scratch::new(name);
        let registry = Registry::new();
        let below = |pattern: &&str| scratch.path(pattern).to_str().unwrap().to_owned();
        let textfile = Textfile::new(&registry, patterns.iter().map(below).collect()).unwrap();
        Fixture { scratch, encoder: Encoder::new(registry), textfile, files: Files::default() }
    }

    /// Writes a file as if it had been there for long.
    fn write(&self, name: &str, text: &str) {
        self.scratch.write(name, text.as_bytes());
        self.touch(name, 1_000);
    }

    fn touch(&self, name: &str, seconds: u64) {
        let file = File::options().write(true).open(self.scratch.path(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    /// The lines of a scrape, without the path of the folder.
    fn lines(&mut self) -> Vec<String> {
        self.textfile.collect(&mut self.files).unwrap();
        let mut body = Vec::new();
        self.encoder.scrape(None, None).write_all(&mut body);
        let root = format!("{}/", self.scratch.path("").display()).replace("//", "/");
        let text = String::from_utf8(body).unwrap().replace(&root, "");
        text.lines().map(str::to_owned).collect()
    }

    /// The samples of a scrape that files gave, and whether there was an error.
    fn samples(&mut self) -> (Vec<String>, bool) {
        let mut lines = self.lines();
        lines.retain(|line| !line.starts_with("# "));
        let is_error = lines.contains(&"node_textfile_scrape_error 1".to_owned());
        assert!(is_error || lines.contains(&"node_textfile_scrape_error 0".to_owned()));
        lines.retain(|line| !line.starts_with("node_textfile_"));
        (lines, is_error)
    }

    fn mtimes(&mut self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| line.starts_with("node_textfile_mtime_seconds{"));
        lines
    }

    /// What is wrong, in the order of folders and files.
    fn problems(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        for folder in &mut self.textfile.folders {
            problems.extend(folder.notice.0.clone());
            problems.extend(folder.files().filter_map(|file| file.problem()));
        }
        problems
    }
}

#[test]
fn files_appear_change_turn_bad_and_vanish() {
    let mut fixture = Fixture::new("textfile-life");
    fixture.write("in/b.prom", "b 1\n");
    fixture.write("in/not.prom.txt", "c 1\n");
    assert_eq!(fixture.samples(), (vec!["b 1".to_owned()], false));
    fixture.write("in/a.prom", "# TYPE a counter\na{x=\"1\"} 1\na 2\n");
    let all = ["a{x=\"\"} 2", "a{x=\"1\"} 1", "b 1"].map(str::to_owned);
    assert_eq!(fixture.samples(), (all.to_vec(), false));
    let times =
        ["a", "b"].map(|n| format!("node_textfile_mtime_seconds{{file=\"in/{n}.prom\"}} 1000"));
    let mut shown = fixture.mtimes();
    shown.sort();
    assert_eq!(shown, times);

    fixture.write("in/a.prom", "# TYPE a counter\na{x=\"1\"} 170\na 2");
    assert_eq!(fixture.samples(), (all[2..].to_vec(), true));
    assert_eq!(fixture.problems(), ["line 3: expected a line end, found end of input"]);
    assert_eq!(fixture.mtimes(), times[1..]);
    fixture.write("in/a.prom", "# TYPE a counter\na{x=\"1\"} 17\na 31\n");
    let changed = ["a{x=\"\"} 31", "a{x=\"1\"} 17", "b 1"].map(str::to_owned);
    assert_eq!(fixture.samples(), (changed.to_vec(), false));
    fixture.scratch.remove("in/b.prom");
    assert_eq!(fixture.samples(), (changed[..2].to_vec(), false));
    std::fs::remove_dir_all(fixture.scratch.path("in")).unwrap();
    assert_eq!(fixture.samples(), (vec![], true));
    assert!(fixture.problems()[0].ends_with("in: not there"), "{:?}", fixture.problems());
    assert!(fixture.mtimes().is_empty());
    fixture.write("in/c.prom", "c 1\n");
    assert_eq!(fixture.samples(), (vec!["c 1".to_owned()], false));
}

#[test]
fn without_a_folder_nothing_is_wrong() {
    for patterns in [&[][..], &[""]] {
        let registry = Registry::new();
        let patterns = patterns.iter().map(|text: &&str| (*text).to_owned()).collect();
        let mut textfile = Textfile::new(&registry, patterns).unwrap();
        textfile.collect(&mut Files::default()).unwrap();
        assert_eq!(crate::collector::samples::samples(&registry), ["node_textfile_scrape_error 0"]);
    }
}

#[test]
fn what_a_file_said_stands_until_its_stamp_changes() {
    let mut fixture = Fixture::new("textfile-kept");
    let shown = |number: u32| (vec![format!("a {number}")], false);
    fixture.write("in/a.prom", "a 1\n");
    assert_eq!(fixture.samples(), shown(1));
    fixture.write("in/a.prom", "a 2\n");
    assert_eq!(fixture.samples(), shown(1), "it is not read again");
    fixture.touch("in/a.prom", 1_001);
    assert_eq!(fixture.samples(), shown(2));
    fixture.write("in/next", "a 3\n");
    fixture.touch("in/next", 1_001);
    std::fs::rename(fixture.scratch.path("in/next"), fixture.scratch.path("in/a.prom")).unwrap();
    assert_eq!(fixture.samples(), shown(3), "another inode");
    fixture.write("in/a.prom", "a 44\n");
    assert_eq!(fixture.samples(), shown(44), "another size");
    fixture.write("in/a.prom", "a 123 \n");
    let bad = (vec![], true);
    assert_eq!(fixture.samples(), bad);
    fixture.write("in/a.prom", "a 1234\n");
    assert_eq!(fixture.samples(), bad, "nor is what was bad");
}

#[test]
fn a_file_just_written_is_read_at_each_scrape() {
    let mut fixture = Fixture::new("textfile-fresh");
    for number in 1..9 {
        fixture.scratch.write("in/a.prom", format!("a {number}\n").as_bytes());
        assert_eq!(fixture.samples(), (vec![format!("a {number}")], false));
    }
}

#[test]
fn a_clash_costs_what_clashes() {
    type Case =
        (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);
    const CASES: &[Case] = &[
        (
            "one family of two files",
            &["a{x=\"1\"} 1\n", "a{y=\"2\"} 2\n"],
            &["a{x=\"1\"} 1", "a{y=\"2\"} 2"],
            &[],
        ),
        (
            "another type",
            &["a 1\n", "# TYPE a gauge\na{x=\"1\"} 1\nb 2\n"],
            &["a 1", "b 2"],
            &["a: an earlier file has another type"],
        ),
        (
            "another HELP",
            &["# HELP a x\na 1\n", "# HELP a y\na{x=\"1\"} 1\nb 2\n"],
            &["a 1", "b 2"],
            &["a: an earlier file has another HELP"],
        ),
        (
            "the same series",
            &["a{x=\"1\"} 1\n", "a{y=\"\",x=\"1\"} 2\na 3\n"],
            &["a{x=\"\",y=\"\"} 3", "a{x=\"1\"} 1"],
            &["line 1: a has a series with these labels already"],
        ),
        (
            "in one file",
            &["b 1\na 1\na 2\n"],
            &["a 1", "b 1"],
            &["line 3: a has a series with these labels already"],
        ),
        (
            "a family of ours",
            &["node_textfile_scrape_error 5\nb 1\n"],
            &["b 1"],
            &["node_textfile_scrape_error: is registered already"],
        ),
        (
            "the name of a sample",
            &["# TYPE a summary\na_sum 1\n", "a_count 7\n"],
            &["a_sum 1", "a_count 0"],
            &["a_count: would show \"a_count\", which family \"a\" shows already"],
        ),
        (
            "a label that is reserved",
            &["a{__b=\"\"} 1\n", "b 1\n"],
            &["b 1"],
            &["a: label \"__b\" begins with \"__\", which is reserved"],
        ),
        (
            "a time",
            &["a 1\nb 1 1700000000000\n", "b 2\n"],
            &["b 2"],
            &["line 2: a sample has a time of its own"],
        ),
        (
            "times of creation",
            &["# TYPE a histogram\na_sum 2\n# TYPE a_created gauge\na_created 5\n"],
            &["a_bucket{le=\"+Inf\"} 0", "a_sum 2", "a_count 0", "a_created 5"],
            &[],
        ),
    ];
    for (name, files, expected, problems) in CASES {
        let mut fixture = Fixture::new("textfile-clash");
        for (number, text) in files.iter().enumerate() {
            fixture.write(&format!("in/{number}.prom"), text);
        }
        for _ in 0..2 {
            let expected = expected.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(fixture.samples(), (expected, !problems.is_empty()), "{name}");
            assert_eq!(fixture.problems(), *problems, "{name}");
        }
    }
}

#[test]
fn a_clash_ends_with_its_cause() {
    let mut fixture = Fixture::new("textfile-clash-ends");
    fixture.write("in/a.prom", "# TYPE a gauge\na 1\n");
    fixture.write("in/b.prom", "# TYPE a counter\na{x=\"1\"} 2\n");
    assert_eq!(fixture.samples(), (vec!["a 1".to_owned()], true));
    fixture.scratch.remove("in/a.prom");
    assert_eq!(fixture.samples(), (vec!["a{x=\"1\"} 2".to_owned()], false));
    let taken = fixture.encoder.registry().counter("c", "").unwrap();
    taken.inc();
    fixture.write("in/c.prom", "c 5\n");
    assert!(fixture.samples().1);
    fixture.encoder.registry().unregister("c");
    assert_eq!(fixture.samples(), (vec!["a{x=\"1\"} 2".to_owned(), "c 5".to_owned()], false));
}

#[test]
fn help_is_the_first_or_names_the_files() {
    let mut fixture = Fixture::new("textfile-help");
    fixture.write("in/a.prom", "# HELP a \na 1\nb 1\n");
    fixture.write("in/b.prom", "a{x=\"1\"} 1\n# HELP b What b is.\nb{x=\"1\"} 1\n");
    let mut lines = fixture.lines();
    lines.retain(|line| line.starts_with("# HELP a ") || line.starts_with("# HELP b "));
    assert_eq!(lines, ["# HELP a Metric read from in/a.prom, in/b.prom", "# HELP b What b is."]);
    fixture.scratch.remove("in/a.prom");
    assert!(fixture.lines().contains(&"# HELP a Metric read from in/b.prom".to_owned()));
}

#[test]
fn patterns_lead_to_folders_that_come_and_go() {
    let mut fixture = Fixture::with_patterns("textfile-globs", &["x*/in", "x1/./in", "y"]);
    fixture.write("x2/in/a.prom", "a{x=\"2\"} 1\n");
    fixture.write("y/a.prom", "a{x=\"y\"} 1\n");
    let both = ["a{x=\"2\"} 1", "a{x=\"y\"} 1"].map(str::to_owned);
    assert_eq!(fixture.samples(), (both.to_vec(), true));
    fixture.write("x1/in/a.prom", "a{x=\"1\"} 1\n");
    let all = ["a{x=\"1\"} 1".to_owned(), both[0].clone(), both[1].clone()];
    assert_eq!(fixture.samples(), (all.to_vec(), false), "a folder counts once");
    std::fs::remove_dir_all(fixture.scratch.path("x2")).unwrap();
    assert_eq!(fixture.samples(), (vec![all[0].clone(), all[2].clone()], false));
}

#[test]
fn a_thousand_files_come_and_half_of_them_go() {
    let mut fixture = Fixture::new("textfile-many");
    for number in 0..1_000 {
        let text = format!("a{{x=\"{number}\"}} 1\n# TYPE b{number} gauge\nb{number} {number}\n");
        fixture.write(&format!("in/{number}.prom"), &text);
    }
    let (samples, is_error) = fixture.samples();
    assert_eq!((samples.len(), is_error), (2_000, false));
    assert_eq!(fixture.mtimes().len(), 1_000);
    for number in 0..500 {
        fixture.scratch.remove(&format!("in/{number}.prom"));
    }
    assert_eq!(fixture.samples().0.len(), 1_000);
    assert_eq!(fixture.mtimes().len(), 500);
}

#[test]
fn what_cannot_be_read_costs_itself() {
    let mut fixture = Fixture::new("textfile-unreadable");
    fixture.write("in/ok.prom", "a 1\n");
    std::fs::create_dir(fixture.scratch.path("in/folder.prom")).unwrap();
    std::os::unix::fs::symlink("nowhere", fixture.scratch.path("in/link.prom")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", fixture.scratch.path("in/zero.prom")).unwrap();
    let large = File::create(fixture.scratch.path("in/large.prom")).unwrap();
    large.set_len(BYTES_MAX).unwrap();
    assert_eq!(fixture.samples().0, [""; 0], "the large one is first, and takes all the room");
    large.set_len(BYTES_MAX - 4).unwrap();
    assert_eq!(fixture.samples().0, ["a 1"], "now there is room for it");
    large.set_len(BYTES_MAX + 1).unwrap();
    for _ in 0..2 {
        assert_eq!(fixture.samples(), (vec!["a 1".to_owned()], true));
        let problems = [
            "not a file",
            "more than 16777216 bytes with the files before it",
            "no such file or directory",
            "not a file",
        ];
        assert_eq!(fixture.problems(), problems);
    }
}

#[test]
fn labels_that_are_made_up_are_bounded() {
    let mut fixture = Fixture::new("textfile-labels");
    let metrics = |names: u32, series: u32| -> String {
        let metric = |number| format!("a{{l{}=\"{number}\"}} 1\n", number % names);
        (0..series).map(metric).collect()
    };
    for (names, series, problem) in [
        (256, 16_385, "a: more than 4194304 labels with those before it"),
        (257, 257, "a: more than 256 names of labels"),
    ] {
        fixture.write("in/a.prom", &format!("{}b 1\n", metrics(names, series)));
        assert_eq!(fixture.samples(), (vec!["b 1".to_owned()], true));
        assert_eq!(fixture.problems(), [problem]);
    }
    fixture.write("in/a.prom", &metrics(256, 256));
    assert_eq!(fixture.samples().0.len(), 256);
}

#[test]
fn a_file_without_permission_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let mut fixture = Fixture::new("textfile-permission");
    fixture.write("in/a.prom", "a 1\n");
    fixture.write("in/b.prom", "b 1\n");
    let path = fixture.scratch.path("in/a.prom");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        eprintln!("skipped: nothing is forbidden to root");
        return;
    }
    assert_eq!(fixture.samples(), (vec!["b 1".to_owned()], true));
    assert_eq!(fixture.problems(), ["permission denied"]);
}

#[test]
fn levels_are_put_in_order_and_completed() {
    let mut fixture = Fixture::new("textfile-levels");
    let text = "# TYPE h histogram\nh_bucket{le=\"2\",x=\"1\"} 5\nh_bucket{le=\"-1\",x=\"1\"} 3\n\
        h_bucket{le=\"2\",x=\"1\"} 4\nh_count{x=\"1\"} 6\nh_bucket{le=\"+Inf\"} 9\n\
        # TYPE s summary\ns{quantile=\"0.9\"} NaN\ns{quantile=\"0.5\"} 1\ns_sum 8\ns_count 2\n";
    fixture.write("in/a.prom", text);
    let expected = [
        "h_bucket{x=\"\",le=\"+Inf\"} 9",
        "h_sum{x=\"\"} 0",
        "h_count{x=\"\"} 0",
        "h_bucket{x=\"1\",le=\"-1\"} 3",
        "h_bucket{x=\"1\",le=\"2\"} 4",
        "h_bucket{x=\"1\",le=\"+Inf\"} 6",
        "h_sum{x=\"1\"} 0",
        "h_count{x=\"1\"} 6",
        "s{quantile=\"0.5\"} 1",
        "s{quantile=\"0.9\"} NaN",
        "s_sum 8",
        "s_count 2",
    ];
    assert_eq!(fixture.samples(), (expected.map(str::to_owned).to_vec(), false));
    fixture.write("in/a.prom", &text.replace("s_count 2", "s_count 3"));
    fixture.touch("in/a.prom", 2_000);
    assert_eq!(fixture.samples().0.last().unwrap(), "s_count 3");
}
