use super::*;
use proptest::prelude::*;

const PROTO: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                     encoding=delimited";

/// What the abbreviations of `ROWS` stand for, the longest first.
const ABBREVIATIONS: [(&str, &str); 8] = [
    ("O1", "application/openmetrics-text;version=1.0.0"),
    ("O0", "application/openmetrics-text;version=0.0.1"),
    ("OM", "application/openmetrics-text"),
    ("T1", "text/plain;version=1.0.0"),
    ("T0", "text/plain;version=0.0.4"),
    ("+U", ";escaping=allow-utf-8"),
    ("+E", ";escaping="),
    ("PB", PROTO),
];

use Escaping::{AllowUtf8, Dots, Underscores, Values};
use Format::{OpenMetrics001, OpenMetrics100, Protobuf, Text004, Text100};

/// Who asks, what it says, and what it must get.
const ROWS: &[(&str, &str, Format, Escaping)] = &[
    ("nobody in particular", "", Text004, Underscores),
    ("curl", "*/*", Text004, Underscores),
    (
        "a browser",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        Text004,
        Underscores,
    ),
    ("any text", "text/*", Text004, Underscores),
    ("something else", "application/json", Text004, Underscores),
    ("2.2 to 2.4", "T0;q=1,*/*;q=0.1", Text004, Underscores),
    ("VictoriaMetrics", "T0;q=1,*/*;q=0.1", Text004, Underscores),
    (
        "2.5 to 2.33",
        "application/openmetrics-text; version=0.0.1,T0;q=0.5,*/*;q=0.1",
        OpenMetrics001,
        Underscores,
    ),
    ("2.40.0", "O1;q=0.75,OM;q=0.6,T0;q=0.5,*/*;q=0.1", OpenMetrics100, Underscores),
    (
        "2.40.0, proto",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
         encoding=delimited,O1;q=0.75,OM;q=0.6,T0;q=0.5,*/*;q=0.1",
        Protobuf,
        Underscores,
    ),
    ("2.34 to 2.48", "O1,O0;q=0.75,T0;q=0.5,*/*;q=0.1", OpenMetrics100, Underscores),
    ("2.40.1 to 2.48, proto", "PB,O1;q=0.8,O0;q=0.75,T0;q=0.5,*/*;q=0.1", Protobuf, Underscores),
    ("2.49.0", "O1;q=0.5,O0;q=0.4,T0;q=0.3,*/*;q=2", OpenMetrics100, Underscores),
    ("2.49.0, proto", "PB;q=0.5,O1;q=0.4,O0;q=0.3,T0;q=0.2,*/*;q=1", Protobuf, Underscores),
    ("2.49.1 to 2.55", "O1;q=0.5,O0;q=0.4,T0;q=0.3,*/*;q=0.2", OpenMetrics100, Underscores),
    (
        "2.49.1 to 2.55, proto",
        "PB;q=0.5,O1;q=0.4,O0;q=0.3,T0;q=0.2,*/*;q=0.1",
        Protobuf,
        Underscores,
    ),
    ("2.55, utf8-names", "O1+U;q=0.5,O0+U;q=0.4,T0+U;q=0.3,*/*;q=0.2", OpenMetrics100, AllowUtf8),
    (
        "2.55, utf8-names, proto",
        "PB+U;q=0.5,O1+U;q=0.4,O0+U;q=0.3,T0+U;q=0.2,*/*;q=0.1",
        Protobuf,
        AllowUtf8,
    ),
    (
        "3.0.0 to 3.2.0",
        "O1+U;q=0.6,O0+U;q=0.5,T1+U+U;q=0.4,T0+U;q=0.3,*/*;q=0.2",
        OpenMetrics100,
        AllowUtf8,
    ),
    (
        "3.0.0 to 3.2.0, legacy",
        "O1;q=0.6,O0;q=0.5,T1+U;q=0.4,T0;q=0.3,*/*;q=0.2",
        OpenMetrics100,
        Underscores,
    ),
    (
        "3.0 to 3.3, proto",
        "PB+U;q=0.6,O1+U;q=0.5,O0+U;q=0.4,T1+U;q=0.3,T0+U;q=0.2,*/*;q=0.1",
        Protobuf,
        AllowUtf8,
    ),
    (
        "3.2.1 to 3.3",
        "O1+U;q=0.6,O0+U;q=0.5,T1+U;q=0.4,T0+U;q=0.3,*/*;q=0.2",
        OpenMetrics100,
        AllowUtf8,
    ),
    (
        "3.2.1 to 3.3, legacy",
        "O1;q=0.6,O0;q=0.5,T1;q=0.4,T0;q=0.3,*/*;q=0.2",
        OpenMetrics100,
        Underscores,
    ),
    ("3.4 to 3.14", "O1+U;q=0.6,O0;q=0.5,T1+U;q=0.4,T0;q=0.3,*/*;q=0.2", OpenMetrics100, AllowUtf8),
    (
        "3.4 to 3.14, underscores",
        "O1+Eunderscores;q=0.6,O0;q=0.5,T1+Eunderscores;q=0.4,T0;q=0.3,*/*;q=0.2",
        OpenMetrics100,
        Underscores,
    ),
    (
        "3.4 to 3.14, dots",
        "O1+Edots;q=0.6,O0;q=0.5,T1+Edots;q=0.4,T0;q=0.3,*/*;q=0.2",
        OpenMetrics100,
        Dots,
    ),
    (
        "3.4 to 3.14, values",
        "O1+Evalues;q=0.6,O0;q=0.5,T1+Evalues;q=0.4,T0;q=0.3,*/*;q=0.2",
        OpenMetrics100,
        Values,
    ),
    (
        "3.4 to 3.14, proto",
        "PB;q=0.6,O1+U;q=0.5,O0;q=0.4,T1+U;q=0.3,T0;q=0.2,*/*;q=0.1",
        Protobuf,
        Underscores,
    ),
    ("only text 0.0.4", "T0;q=0.6,*/*;q=0.5", Text004, Underscores),
    ("only text 1.0.0", "T1+U;q=0.6,*/*;q=0.5", Text100, AllowUtf8),
    ("only OpenMetrics 0.0.1", "O0;q=0.5,*/*;q=0.4", OpenMetrics001, Underscores),
    ("only protobuf", "PB;q=0.6,*/*;q=0.5", Protobuf, Underscores),
    ("old formats have no UTF-8 names", "T0+U", Text004, Underscores),
    ("nor has this one", "O0+U", OpenMetrics001, Underscores),
    ("but other escapings", "T0+Edots", Text004, Dots),
    ("text 1.0.0 without escaping", "T1", Text100, Underscores),
    ("text without version", "text/plain", Text004, Underscores),
    ("OpenMetrics without version", "OM", OpenMetrics001, Underscores),
    ("a later OpenMetrics", "application/openmetrics-text;version=2.0.0", Text004, Underscores),
    (
        "a later text, and one there is",
        "text/plain;version=2,O1;q=0.1",
        OpenMetrics100,
        Underscores,
    ),
    ("protobuf of another type", "application/vnd.google.protobuf", Text004, Underscores),
    (
        "protobuf as text",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        Text004,
        Underscores,
    ),
    ("upper case", "APPLICATION/OpenMetrics-Text;VERSION=1.0.0", OpenMetrics100, Underscores),
    ("quotes", "application/openmetrics-text;version=\"1.0.0\"", OpenMetrics100, Underscores),
    ("quotes around escapes", "T1;escaping=\"al\\low-utf-8\"", Text100, AllowUtf8),
    ("an unknown escaping", "O1+Erot13", OpenMetrics100, Underscores),
    ("an unknown escaping and a known one", "O1+Erot13+Evalues", OpenMetrics100, Values),
    ("not wanted", "O1;q=0", Text004, Underscores),
    ("not wanted, but others", "O1;q=0.0,T1;q=0.1", Text100, Underscores),
    ("nothing wanted", "T0;q=0,*/*;q=0", Text004, Underscores),
    ("a weight that is none", "O1;q=high,T1;q=0.1", Text100, Underscores),
    ("a weight above all", "T1;q=0.9,O1;q=7", OpenMetrics100, Underscores),
    ("equal weights", "T1;q=0.5,O1;q=0.5", Text100, Underscores),
    ("a weight before the version", "OM;q=0.5;version=1.0.0", OpenMetrics100, Underscores),
    ("a wildcard before all", "*/*,O1;q=0.1", OpenMetrics100, Underscores),
    ("blanks everywhere", " \tO1 ; q=0.5 , \t", OpenMetrics100, Underscores),
    ("commas only", ",,;,", Text004, Underscores),
    ("a quote that is not closed", "T0;x=\",O1", Text004, Underscores),
];

fn written_out(abbreviated: &str) -> String {
    ABBREVIATIONS
        .iter()
        .fold(abbreviated.to_owned(), |text, (short, long)| text.replace(short, long))
}

#[test]
fn every_scraper_gets_what_it_reads_best() {
    for (who, accept, format, escaping) in ROWS {
        let accept = written_out(accept);
        let choice = negotiate(Some(accept.as_bytes()), None);
        assert_eq!((choice.format, choice.escaping), (*format, *escaping), "{who}: {accept}");
    }
    assert_eq!(negotiate(None, None), Choice::TEXT);
}

#[test]
fn content_types_are_those_that_scrapers_know() {
    let content_type =
        |accept: &str| negotiate(Some(written_out(accept).as_bytes()), None).content_type();
    let cases = [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("T0+Evalues", "text/plain; version=0.0.4; charset=utf-8; escaping=values"),
        ("T1", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
        ("T1+U", "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        ("O0", "application/openmetrics-text; version=0.0.1; charset=utf-8"),
        ("O1+Edots", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots"),
        (
            "PB",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
             encoding=delimited; escaping=underscores",
        ),
    ];
    for (accept, expected) in cases {
        assert_eq!(content_type(accept), expected);
    }
}

#[test]
fn gzip_is_for_those_who_name_it() {
    let cases = [
        ("", false),
        ("gzip", true),
        ("GZIP", true),
        ("x-gzip", true),
        ("identity", false),
        ("deflate, gzip;q=1.0, *;q=0.5", true),
        ("gzip, deflate, br, zstd", true),
        ("br", false),
        ("*", false),
        ("gzip;q=0", false),
        ("gzip;q=0, *", false),
        ("gzip;q=0.0", false),
        ("gzip;q=x", false),
        ("*;q=0, gzip", true),
        ("identity;q=0", false),
        ("identity;q=0, *", true),
        ("identity;q=0, *;q=0", false),
        ("identity;q=0, gzip;q=0", false),
        ("identity, gzip;q=0.5", false),
        ("identity;q=0.5, gzip;q=0.5", true),
        ("gzip;q=0.001", true),
        ("gzip2", false),
    ];
    for (accept_encoding, expected) in cases {
        assert_eq!(prefers_gzip(accept_encoding.as_bytes()), expected, "{accept_encoding:?}");
    }
}

proptest! {
    /// What decides are the clauses and their order: no blanks, no case, no clause that is unknown.
    #[test]
    fn blanks_case_and_strangers_change_nothing(
        row in 0..ROWS.len(),
        stranger in "[a-z]{1,8}/[a-z]{1,8}(;[a-z]{1,5}=\"[,;=a-z]{0,5}\")?",
    ) {
        let accept = written_out(ROWS[row].1);
        let spaced = accept.replace(';', " ; ").replace(',', "\t, ").to_uppercase();
        let among = format!("{stranger},{spaced},{stranger}");
        let expected = negotiate(Some(accept.as_bytes()), None);
        if !accept.contains("x=\"") {
            prop_assert_eq!(negotiate(Some(among.as_bytes()), None), expected);
        }
    }

    #[test]
    fn no_bytes_panic(accept in any::<Vec<u8>>(), accept_encoding in "[gzip;q=0.\", \\\\*]{0,30}") {
        let choice = negotiate(Some(&accept), Some(accept_encoding.as_bytes()));
        prop_assert!(!choice.content_type().is_empty());
        prefers_gzip(accept_encoding.as_bytes());
        prefers_gzip(&accept);
    }
}
