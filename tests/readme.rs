//! README.md against the code: every flag, collector, metric and limit is in its table, and nothing
//! else is. A table stands below the line `<!-- table: NAME -->`.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use promlet::collector::{self, COLLECTORS};
use promlet::config::file::KeyRow;
use promlet::config::{self, CollectorRow};
use promlet::encoding::negotiate;
use promlet::{Format, Limits};
use support::exposition::{self, Family, Kind};
use support::poll;
use support::process::{Promlet, binary};
use support::temp::TempDir;

const README: &str = include_str!("../README.md");

/// The cells of the rows of a table, its head apart.
fn table(name: &str) -> Vec<Vec<&'static str>> {
    let marker = format!("<!-- table: {name} -->\n");
    let (_, rest) = README.split_once(&marker).unwrap_or_else(|| panic!("no {marker}"));
    let lines = rest.lines().skip_while(|line| line.is_empty());
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(cells).collect()
}

/// The cells of a row. A bar behind a backslash is one of the text.
fn cells(row: &'static str) -> Vec<&'static str> {
    let bars = row.match_indices('|').map(|(at, _)| at);
    let bars: Vec<usize> = bars.filter(|at| !row[..*at].ends_with('\\')).collect();
    bars.windows(2).map(|ends| row[ends[0] + 1..ends[1]].trim()).collect()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// What stands between the backticks of a cell, word by word.
fn words(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Compares a table with the rows that it should have, or writes them where the environment says
/// `PROMLET_REWRITE_GOLDEN=1`.
#[track_caller]
fn compare(name: &str, expected: &[Vec<String>]) {
    if std::env::var_os("PROMLET_REWRITE_GOLDEN").is_some_and(|value| value == "1") {
        return rewrite(name, expected);
    }
    let text = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let text: String = expected.iter().map(text).collect();
    assert!(table(name) == expected, "the rows of {name} should be\n{text}");
}

fn rewrite(name: &str, rows: &[Vec<String>]) {
    static FILE: Mutex<()> = Mutex::new(());
    let _alone = FILE.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, table) = readme.split_once(&format!("<!-- table: {name} -->\n")).unwrap();
    let head: String = table.lines().take(2).flat_map(|line| [line, "\n"]).collect();
    let after = table.split_once("\n\n").map_or("", |(_, after)| after);
    let rows: String = rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    let readme = format!("{before}<!-- table: {name} -->\n{head}{rows}\n{after}");
    std::fs::write(&path, readme).unwrap();
}

#[test]
fn every_flag_is_in_its_table() {
    let collectors: Vec<CollectorRow> = COLLECTORS.iter().map(CollectorRow::from).collect();
    let rows: Vec<_> = config::options(&collectors)
        .iter()
        .map(|row| {
            let default = row.default().map(|default| match &*default {
                "on" | "off" => default.into_owned(),
                value => code(&value.replace('|', "\\|")),
            });
            vec![code(&row.spelling()), default.unwrap_or_default(), row.help().to_owned()]
        })
        .collect();
    compare("flags", &rows);
}

#[test]
fn every_key_is_in_its_table() {
    let row = |row: &KeyRow| {
        let spelling = code(&format!("{} = {}", row.name, row.value));
        vec![spelling, row.default.map(code).unwrap_or_default(), row.help.to_owned()]
    };
    let keys = config::file::keys();
    for section in keys.chunk_by(|a, b| a.section == b.section) {
        let rows: Vec<_> = section.iter().map(row).collect();
        compare(&format!("keys of {}", section[0].section), &rows);
    }
}

/// The examples of the README, where their users, groups and files are there.
#[test]
fn the_configuration_of_the_examples_is_right() {
    let examples = README.split("```ini\n").skip(1);
    let text: String = examples.map(|rest| rest.split("```").next().expect("an end")).collect();
    let text = &text;
    let read = |path: &Path| match path.to_str() {
        Some("/etc/passwd") => Ok("shop:x:1:1::/:\ndatabase:x:2:2::/:\n".to_owned()),
        _ => Ok(String::new()),
    };
    let contents = config::file::parse("promlet.conf", text, &read);
    let contents = contents.unwrap_or_else(|errors| panic!("{errors:?}"));
    let names: Vec<&str> = contents.applications.iter().map(|app| app.name.as_str()).collect();
    assert_eq!(names, ["database", "migrate", "shop"]);
    let names: Vec<&str> = contents.watches.iter().map(|watch| watch.name.as_str()).collect();
    assert_eq!(names, ["web", "cron", "java", "others"]);
}

#[test]
fn every_collector_is_in_its_table() {
    let state = |row: &collector::Row| if row.on_by_default { "on" } else { "off" };
    let row = |row: &collector::Row| vec![code(row.name), state(row).into(), row.help.into()];
    compare("collectors", &COLLECTORS.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn every_collector_that_is_lacking_is_in_its_table() {
    let row = |row: &config::LackingRow| vec![code(row.name), row.about.to_owned()];
    compare("lacking", &config::LACKING.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn every_limit_is_in_its_table() {
    let time = |time: Duration| format!("{} s", time.as_secs());
    let size = |bytes: usize| format!("{} KiB", bytes / 1024);
    // Whole, so that a new limit does not compile before it is here.
    let Limits {
        request_line_bytes_max,
        fields_bytes_max,
        fields_max,
        body_bytes_max,
        request_time_max,
        idle_time_max,
        stall_time_max,
        linger_time_max,
        linger_bytes_max,
        connections_max,
        output_buffer_bytes,
    } = Limits::default();
    let expected = [
        ("request_line_bytes_max", size(request_line_bytes_max)),
        ("fields_bytes_max", size(fields_bytes_max)),
        ("fields_max", fields_max.to_string()),
        ("body_bytes_max", size(body_bytes_max)),
        ("request_time_max", time(request_time_max)),
        ("idle_time_max", time(idle_time_max)),
        ("stall_time_max", time(stall_time_max)),
        ("linger_time_max", time(linger_time_max)),
        ("linger_bytes_max", size(linger_bytes_max)),
        ("connections_max", connections_max.to_string()),
        ("output_buffer_bytes", size(output_buffer_bytes)),
    ];
    let found: Vec<_> = table("limits").iter().map(|row| (row[0], row[1].to_owned())).collect();
    let found: Vec<_> = found.iter().map(|(name, value)| (name.trim_matches('`'), value)).collect();
    assert_eq!(found, expected.each_ref().map(|(name, value)| (*name, value)));
}

#[test]
fn every_format_is_in_its_table() {
    let rows = table("formats");
    for row in &rows {
        let accept = row[0].split('`').nth(1).expect("a value in backticks");
        let content_type = negotiate(Some(accept.as_bytes()), None).content_type();
        assert_eq!(row[1], code(content_type), "{accept}");
    }
    let chosen: BTreeSet<&str> = rows.iter().map(|row| row[1]).collect();
    let known = Format::Protobuf as usize + 1;
    assert_eq!((chosen.len(), rows.len()), (known, known), "each format once");
}

/// A row of the table of metrics.
struct Metric {
    /// With at most one `*`, for the field names of a file.
    pattern: &'static str,
    kind: &'static str,
    labels: BTreeSet<&'static str>,
}

impl Metric {
    fn shows(&self, family: &Family) -> bool {
        match self.pattern.split_once('*') {
            None => family.name == self.pattern,
            Some((start, end)) => {
                let rest = family.name.strip_prefix(start);
                rest.is_some_and(|rest| rest.ends_with(end))
            }
        }
    }
}

/// What the binary shows here while it runs a command, and one that runs applications and watches
/// itself.
fn families() -> Vec<Family> {
    let promlet = Promlet::start(&["--", "sleep", "60"]);
    let once = Command::new(binary()).arg("--once").output().expect("it can be started");
    let folder = TempDir::new("readme");
    let file = folder.path().join("promlet.conf");
    let text = "[app shop]\ncommand = sleep 60\noutput = prefixed\n[app job]\ncommand = false\nrestart = never\n\
                [watch web]\nexecutable = promlet\n";
    std::fs::write(&file, text).expect("a file of the test");
    let file = format!("--config.file={}", file.display());
    let several = Promlet::start(&[&file, "--watch.threads", "--watch.smaps"]);
    let watched = poll("an end and two scrapes some time apart", || {
        let body = several.get("/metrics").body;
        let text = String::from_utf8_lossy(&body);
        let has = |name: &str| text.contains(&format!("\nappmesh_application_{name}"));
        (has("last_exit_code") && has("process_cpu_usage_cores")).then(|| body.clone())
    });
    let bodies = [promlet.get("/metrics").body, once.stdout, watched];
    let read = |body: &Vec<u8>| exposition::read(body).unwrap_or_else(|error| panic!("{error}"));
    let mut families: Vec<Family> = bodies.iter().flat_map(|body| read(body).families).collect();
    // Names of the node are node_exporter's; `tests/collectors.rs` looks at them.
    let is_of_node = |name: &str| name.starts_with("node_") && !name.starts_with("node_scrape_");
    families.retain(|family| !family.samples.is_empty() && !is_of_node(&family.name));
    families
}

#[test]
fn every_metric_is_in_its_table() {
    let row = |row: Vec<&'static str>| Metric {
        pattern: row[0].split('`').nth(1).expect("a name in backticks"),
        kind: row[1],
        labels: words(row[2]),
    };
    let metrics: Vec<Metric> = table("metrics").into_iter().map(row).collect();
    let families = families();
    for family in &families {
        let rows: Vec<&Metric> = metrics.iter().filter(|row| row.shows(family)).collect();
        let &[row] = &rows[..] else { panic!("{}: {} rows", family.name, rows.len()) };
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::Untyped => "unknown",
        };
        assert_eq!(row.kind, kind, "{}", family.name);
        let labels = family.samples.iter().flat_map(|sample| &sample.labels);
        let labels: BTreeSet<&str> = labels.map(|(name, _)| &**name).collect();
        let labels: BTreeSet<&str> = labels.into_iter().filter(|name| *name != "le").collect();
        assert_eq!(row.labels, labels, "{}", family.name);
    }
    for row in &metrics {
        assert!(families.iter().any(|family| row.shows(family)), "nobody shows {}", row.pattern);
    }
}
