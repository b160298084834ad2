//! The grammar by examples, and what garbage does.

use super::*;
use proptest::prelude::*;

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The families as lines that are easy to compare.
fn read(text: &str) -> Result<Vec<String>, String> {
    let families = parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for Family { name, help, kind, metrics } in families {
        lines.push(format!("{name} {kind:?} {help:?}"));
        for Metric { labels, sample, timestamp_ms, line } in metrics {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let time = timestamp_ms.map(|time| format!(" @{time}")).unwrap_or_default();
            let sample = match sample {
                Sample::Number(number) => number.to_string(),
                sample => format!("{sample:?}"),
            };
            lines.push(format!("{line} {{{}}} {sample}{time}", labels.join(",")));
        }
    }
    Ok(lines)
}

#[test]
fn a_metric_has_all_its_parts() {
    let text = "# HELP a_total What a \\\\ \\\"counts\\n here.\n# TYPE a_total counter\n\
        a_total{b=\"x\\\"y\\\\z\\n\",c=\"\"} 1.5 1700000000000\n";
    let metric = Metric {
        labels: labels(&[("b", "x\"y\\z\n"), ("c", "")]),
        sample: Sample::Number(1.5),
        timestamp_ms: Some(1_700_000_000_000),
        line: 3,
    };
    let family = Family {
        name: "a_total".to_owned(),
        help: Some("What a \\ \"counts\n here.".to_owned()),
        kind: Kind::Counter,
        metrics: vec![metric],
    };
    assert_eq!(parse(text.as_bytes()), Ok(vec![family]));
}

#[test]
fn what_expfmt_takes_is_taken() {
    const CASES: &[(&str, &[&str])] = &[
        ("", &[]),
        ("\n\n  \t\n", &[]),
        ("a 1\n  ", &["a Unknown None", "1 {} 1"]),
        ("#\n# \n#x y\n# EOF\n# HELP\n# TYPE\n# HELP a\n# TYPE a\n", &[]),
        ("# HELP a \n# TYPE a \na 1\n", &["a Unknown None", "3 {} 1"]),
        ("#HELP a b\n#\tTYPE\ta\tGauge\na 1\n", &["a Gauge Some(\"b\")", "3 {} 1"]),
        ("# HELP a \t b  \na 1\n", &["a Unknown Some(\"b  \")", "2 {} 1"]),
        ("# TYPE a gauge\n# TYPE b counter\nb 1\n", &["b Counter None", "3 {} 1"]),
        ("a 1\n# HELP a b\na 2\n", &["a Unknown Some(\"b\")", "1 {} 1", "3 {} 2"]),
        ("b 1\na 1\nb 2\n", &["b Unknown None", "1 {} 1", "3 {} 2", "a Unknown None", "2 {} 1"]),
        (" \ta{}\t1\n", &["a Unknown None", "1 {} 1"]),
        ("a { x = \"1\" , y\t=\t\"2\" , } 1\n", &["a Unknown None", "1 {x=1,y=2} 1"]),
        ("a{x=\"1\"}2\n", &["a Unknown None", "1 {x=1} 2"]),
        ("a+1\n", &["a Unknown None", "1 {} 1"]),
        ("a:b_9{_x0=\"{,}=#\"} 1\n", &["a:b_9 Unknown None", "1 {_x0={,}=#} 1"]),
        ("a NaN\nb +Inf -5\n", &["a Unknown None", "1 {} NaN", "b Unknown None", "2 {} inf @-5"]),
        ("{\"a\"} 1\n", &["a Unknown None", "1 {} 1"]),
        ("# TYPE \"a.b\" gauge\n{\"a.b\" , \"c d\"=\"e\"} 1\n", &["a.b Gauge None", "2 {c d=e} 1"]),
        ("a{x=\"\u{e4}\"} 1\n#\u{e4}\n", &["a Unknown None", "1 {x=\u{e4}} 1"]),
    ];
    for (text, expected) in CASES {
        let expected = expected.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(read(text), Ok(expected), "{text:?}");
    }
}

#[test]
fn what_expfmt_refuses_is_refused() {
    const CASES: &[(&str, &str)] = &[
        ("a 1", "line 1: expected a line end, found end of input"),
        ("a 1\n#", "line 2: expected a line end, found end of input"),
        ("a 1\r\n", "line 1: expected a number, found 1\\r"),
        ("\r\n", "line 1: expected the name of a metric, found \\r"),
        ("a\n", "line 1: expected a number, found end of line"),
        ("9a 1\n", "line 1: expected the name of a metric, found 9a 1"),
        ("a-b 1\n", "line 1: expected a number, found -b"),
        ("a 0x10\n", "line 1: expected a number, found 0x10"),
        ("a 1 \n", "line 1: expected a time in milliseconds, found end of line"),
        ("a 1 x\n", "line 1: expected a time in milliseconds, found x"),
        ("a 1 1.5\n", "line 1: expected a time in milliseconds, found 1.5"),
        ("a 1 2 \n", "line 1: expected a line end, found  "),
        ("a 1 2 3\n", "line 1: expected a line end, found  3"),
        ("a{,} 1\n", "line 1: expected the name of a label, found ,} 1"),
        ("a{x} 1\n", "line 1: expected an equals sign behind the name of a label, found } 1"),
        ("a{x=1} 1\n", "line 1: expected the value of a label in quotes, found 1} 1"),
        ("a{x=\"1\n", "line 1: expected a quote, found end of line"),
        ("a{x=\"1\"\n", "line 1: expected a comma or brace behind a label, found end of line"),
        (
            "a{x=\"1\"y=\"2\"} 1\n",
            "line 1: expected a comma or brace behind a label, found y=\\\"2\\\"} 1",
        ),
        ("a{x=\"1\",,} 1\n", "line 1: expected the name of a label, found ,} 1"),
        ("a{x=\"\\t\"} 1\n", "line 1: expected \\, \" or n behind a backslash, found t\\\"} 1"),
        ("a{x=\"1\",x=\"2\"} 1\n", "line 1: expected each label once, found x"),
        ("a{__name__=\"1\"} 1\n", "line 1: expected a label of another name, found __name__"),
        ("a{\"b\"} 1\n", "line 1: expected an equals sign behind the name of a label, found } 1"),
        ("{} 1\n", "line 1: expected the name of a metric, found none"),
        (
            "{\"a\",\"b\"} 1\n",
            "line 1: expected an equals sign behind the name of a label, found } 1",
        ),
        ("\n# HELP a b\n# HELP a b\n", "line 3: expected one HELP line a family, found a"),
        (
            "# TYPE a gauge\n# TYPE a gauge\n",
            "line 2: expected one TYPE line a family, before its samples, found a",
        ),
        (
            "a 1\n# TYPE a gauge\n",
            "line 2: expected one TYPE line a family, before its samples, found a",
        ),
        ("# TYPE a gauge \n", "line 1: expected a type, found gauge "),
        ("# TYPE a gauge_histogram\n", "line 1: expected a type, found gauge_histogram"),
        ("# TYPE 9 gauge\n", "line 1: expected the name of a metric, found 9 gauge"),
        ("# HELP a-b c\n", "line 1: expected the name of a metric, found -b c"),
        ("# HELP a \\x\n", "line 1: expected \\, \" or n behind a backslash, found x"),
        (
            "# TYPE a summary\na{quantile=\"x\"} 1\n",
            "line 2: expected a number in a label, found x",
        ),
        ("# TYPE a summary\na_count -1\n", "line 2: expected a count, found -1"),
        ("# TYPE a histogram\na_bucket{le=\"1\"} NaN\n", "line 2: expected a count, found NaN"),
    ];
    for (text, expected) in CASES {
        assert_eq!(read(text), Err((*expected).to_owned()), "{text:?}");
    }
    for text in [&b"a{x=\"\xff\"} 1\n"[..], b"# HELP a \xc3\n"] {
        assert_eq!(parse(text).unwrap_err().expected, "UTF-8");
    }
    assert!(parse(b"# \xff\n").is_ok(), "a comment is not looked at");
}

#[test]
fn samples_of_one_summary_come_together() {
    let text = "# TYPE a summary\na{quantile=\"0.5\",x=\"1\"} 3\na_count{x=\"1\"} 7\n\
        a{x=\"2\"} 9\na_sum{x=\"1\"} 8\na{x=\"1\",quantile=\"0.9\"} 4\na_bucket 1\n";
    let families = parse(text.as_bytes()).unwrap();
    let quantiles = vec![(0.5, 3.0), (0.9, 4.0)];
    let whole = Sample::Summary { quantiles, sum: Some(8.0), count: Some(7) };
    let empty = Sample::Summary { quantiles: vec![], sum: None, count: None };
    let metrics: Vec<_> = families[0].metrics.iter().map(|m| (&m.labels, &m.sample)).collect();
    assert_eq!(
        metrics,
        [(&labels(&[("x", "1")]), &whole), (&labels(&[("x", "2")]), &empty)],
        "a value without a quantile says nothing"
    );
    assert_eq!(families[1].name, "a_bucket");
}

#[test]
fn samples_of_one_histogram_come_together() {
    let text = "a_count 1\n# TYPE a histogram\na_bucket{le=\"+Inf\",x=\"\"} 9\na_sum{x=\"\"} 5 3\n\
        a_bucket{x=\"\",le=\"1\"} 2.9\na_count 1\n# TYPE b gauge\nb_sum 1\n# TYPE _sum summary\n_sum_sum 2\n";
    let families = parse(text.as_bytes()).unwrap();
    let names: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["a_count", "a", "b_sum", "_sum"], "a family keeps the name that it has");
    let buckets = vec![(f64::INFINITY, 9), (1.0, 2)];
    let sample = Sample::Histogram { buckets, sum: Some(5.0), count: None };
    let labels = labels(&[("x", "")]);
    let expected = Metric { labels, sample, timestamp_ms: Some(3), line: 3 };
    assert_eq!(families[1].metrics, [expected]);
    assert_eq!(families[0].metrics.len(), 2);
}

#[test]
fn a_hostile_text_takes_no_longer_than_its_length() {
    let names = (0..100_000).map(|n| format!("l{n}=\"\",")).collect::<String>();
    assert!(parse(format!("a{{{names}}} 1\n").as_bytes()).is_ok());
    let families = (0..100_000).map(|n| format!("a{n} 1\n")).collect::<String>();
    assert_eq!(parse(families.as_bytes()).unwrap().len(), 100_000);
    let buckets = (0..100_000).map(|n| format!("a_bucket{{le=\"{n}\"}} 1\n")).collect::<String>();
    let families = parse(format!("# TYPE a histogram\n{buckets}").as_bytes()).unwrap();
    assert_eq!(families[0].metrics.len(), 1);
}

/// What texts are made of.
const PIECES: &[&str] = &[
    "a",
    "a_sum",
    "a_count",
    "a_bucket",
    "{",
    "}",
    "{le=\"1\"}",
    "{quantile=\"0.5\"}",
    "x=\"1\"",
    "\"",
    ",",
    "=",
    "\\",
    "n",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\n",
    "1",
    "-1",
    "NaN",
    "+Inf",
    "1e400",
    "#",
    "# ",
    "# HELP a ",
    "# TYPE a ",
    "histogram\n",
    "summary\n",
    "counter\n",
    "gauge",
    "\r",
    "\u{0}",
    "\u{e4}",
    "a 1\n",
    "a{x=\"1\"} 2 3\n",
];

proptest! {
    /// Whatever the text, there is a verdict; what stands in front of an error does not depend on
    /// what follows; and lines that were taken are taken again.
    #[test]
    fn no_text_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let start = &text[..end];
            match parse(start.as_bytes()) {
                Ok(families) => {
                    let metrics = families.iter().map(|family| family.metrics.len()).sum::<usize>();
                    prop_assert!(metrics <= start.lines().count());
                }
                Err(error) => {
                    prop_assert!((1..=start.lines().count()).contains(&error.line));
                    let taken: String = start.split_inclusive('\n').take(error.line - 1).collect();
                    prop_assert!(parse(taken.as_bytes()).is_ok());
                }
            }
        }
    }
}
