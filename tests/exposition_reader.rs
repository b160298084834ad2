//! The judge judged: what the model of the text format in `support/exposition.rs` must take and
//! must refuse. Rows marked in their names come from what real parsers do; promtool, where it is
//! installed, must take every good document here.

mod support;

use support::exposition::{self, Kind};
use support::{prometheus, skip};

const GOOD: &[(&str, &str)] = &[
    ("empty body", ""),
    ("only empty lines", "\n\n"),
    ("bare sample", "m 1\n"),
    ("sample with timestamp", "m 1 1700000000123\n"),
    ("colon and digits in a name", ":a_b:c9 1\n"),
    ("help and type", "# HELP m A help.\n# TYPE m gauge\nm 1\n"),
    ("type before help", "# TYPE m gauge\n# HELP m A help.\nm 1\n"),
    ("help without text", "# HELP m\nm 1\n"),
    ("declared without samples", "# HELP m A help.\n# TYPE m counter\n"),
    ("other comments", "# anything\n#\n#x\n# EOF\n# HELPER of none\nm 1\n"),
    ("comment within a family", "# TYPE m gauge\nm{a=\"1\"} 1\n# note\nm{a=\"2\"} 1\n"),
    ("blanks before the keyword and the name", "#  TYPE\t m gauge\nm 1\n"),
    ("blanks before the value", "m   \t 1\nn{a=\"b\"}      1\n"),
    ("no blank after the brace", "m{a=\"b\"}1\n"),
    ("empty braces", "m{} 1\n"),
    ("blanks within braces and a trailing comma", "m { a = \"b\" , c=\"d\", } 1\n"),
    ("escapes in a label value", "m{a=\"\\\\ \\\" \\n\"} 1\n"),
    ("raw tab, CR, NUL and quotes' neighbours in a label value", "m{a=\"\t\r\0{}#,=\"} 1\n"),
    ("non-ASCII label value and help", "# HELP m Größe.\nm{a=\"名\"} 1\n"),
    ("empty label value", "m{a=\"\"} 1\n"),
    ("escapes in help", "# HELP m a\\\\b\\nc \"quoted\"\nm 1\n"),
    ("special numbers", "a NaN\nb +Inf\nc -Inf\nd -0\n"),
    ("exponents", "a 1e9\nb 1E+09\nc 1.5e-7\nd 1e-400\n"),
    ("leading and trailing zeros", "a 0007.500\nb -0001e+0003\n"),
    ("counter at its extremes", "# TYPE m counter\nm{a=\"1\"} 0\nm{a=\"2\"} +Inf\n"),
    ("same label set under two names", "m{a=\"b\"} 1\nn{a=\"b\"} 1\n"),
    ("untyped with a suffix", "x_bucket 1\nx_count{le=\"1\"} 1\n"),
    (
        "histogram",
        "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"1e+06\"} 1\n\
         h_bucket{le=\"+Inf\"} 3\nh_sum 7.5\nh_count 3\n",
    ),
    (
        "two histograms in one family, one with a negative bound and NaN observed",
        "# TYPE h histogram\nh_bucket{a=\"1\",le=\"+Inf\"} 0\nh_sum{a=\"1\"} 0\nh_count{a=\"1\"} 0\n\
         h_bucket{le=\"-1\",a=\"2\"} 1\nh_bucket{le=\"+Inf\",a=\"2\"} 2\nh_sum{a=\"2\"} NaN\nh_count{a=\"2\"} 2\n",
    ),
    ("histogram without series", "# TYPE h histogram\n"),
    (
        "summary",
        "# TYPE s summary\ns{quantile=\"0.5\"} NaN\ns{quantile=\"1\"} 2\ns_sum 3\ns_count 2\n",
    ),
    ("summary without quantiles", "# TYPE s summary\ns_sum 3\ns_count 2\n"),
];

/// Name, document, line of the error, a part of its reason.
const BAD: &[(&str, &str, usize, &str)] = &[
    // Lines and bytes.
    ("no final LF", "m 1\nn 2", 2, "no LF"),
    ("CR LF", "m 1\r\n", 1, "expected a number"),
    ("CR LF after a type", "# TYPE m gauge\r\nm 1\n", 1, "five types"),
    ("CR alone", "\r\n", 1, "metric name"),
    ("leading blank", " m 1\n", 1, "metric name"),
    ("line of blanks", "m 1\n  \n", 2, "metric name"),
    ("byte order mark", "\u{feff}m 1\n", 1, "metric name"),
    ("NUL starts a line", "m 1\n\0n 1\n", 2, "metric name"),
    // Names.
    ("name starts with a digit", "9m 1\n", 1, "metric name"),
    ("name with a dash", "a-b 1\n", 1, "blank or a brace"),
    ("name with a dot", "a.b 1\n", 1, "blank or a brace"),
    ("non-ASCII name", "größe 1\n", 1, "blank or a brace"),
    ("quoted name", "{\"m\"} 1\n", 1, "metric name"),
    ("label with a colon", "m{a:b=\"c\"} 1\n", 1, "=\""),
    ("label starts with a digit", "m{1=\"c\"} 1\n", 1, "label name"),
    ("label __name__", "m{__name__=\"c\"} 1\n", 1, "__name__"),
    ("quoted label name", "m{\"a\"=\"b\"} 1\n", 1, "label name"),
    ("type of an illegal name", "# TYPE a-b gauge\n", 1, "blank after"),
    ("help of no name", "# HELP\n", 1, "metric name"),
    ("type without type", "# TYPE m\n", 1, "five types"),
    ("unknown type", "# TYPE m unknown\n", 1, "five types"),
    ("type in capitals", "# TYPE m Gauge\n", 1, "five types"),
    ("two blanks before the type", "# TYPE m  gauge\n", 1, "five types"),
    ("blank after the type", "# TYPE m gauge \n", 1, "five types"),
    ("no blank before the keyword", "#TYPE m gauge\n", 1, "no blank"),
    // Labels.
    ("braces not closed", "m{a=\"b\" 1\n", 1, "comma"),
    ("quote not closed", "m{a=\"b} 1\n", 1, "closing quote"),
    ("raw LF in a label value", "m{a=\"b\nc\"} 1\n", 1, "closing quote"),
    ("value not quoted", "m{a=b} 1\n", 1, "=\""),
    ("no equals sign", "m{a} 1\n", 1, "=\""),
    ("only a comma", "m{,} 1\n", 1, "label name"),
    ("two commas", "m{a=\"b\",,} 1\n", 1, "label name"),
    ("no comma", "m{a=\"b\" c=\"d\"} 1\n", 1, "comma"),
    ("undefined escape", "m{a=\"\\t\"} 1\n", 1, "undefined escape"),
    ("escape of nothing", "m{a=\"\\", 1, "no LF"),
    ("undefined escape in help", "# HELP m \\\"a\\\"\n", 1, "undefined escape"),
    ("help ends in a backslash", "# HELP m a\\\n", 1, "undefined escape"),
    ("label twice", "m{a=\"1\",a=\"2\"} 1\n", 1, "twice"),
    // Numbers.
    ("no value", "m\n", 1, "blank or a brace"),
    ("no value after a blank", "m \n", 1, "expected a number"),
    ("no value after braces", "m{}\n", 1, "expected a number"),
    ("blank after the value", "m 1 \n", 1, "timestamp"),
    ("blank after the timestamp", "m 1 1 \n", 1, "timestamp"),
    ("leading plus", "m +1\n", 1, "expected a number"),
    ("no digit before the point", "m .5\n", 1, "expected a number"),
    ("no digit after the point", "m 5.\n", 1, "expected a number"),
    ("hexadecimal", "m 0x1p4\n", 1, "expected a number"),
    ("underscore", "m 1_000\n", 1, "expected a number"),
    ("comma in a number", "m 1,5\n", 1, "expected a number"),
    ("exponent without digits", "m 1e\n", 1, "expected a number"),
    ("overflow", "m 1e400\n", 1, "overflows"),
    ("negative NaN", "m -NaN\n", 1, "expected a number"),
    ("nan as C writes it", "m nan\n", 1, "expected a number"),
    ("inf as Rust writes it", "m inf\n", 1, "expected a number"),
    ("infinity without a sign", "m Inf\n", 1, "expected a number"),
    ("two minuses", "m --1\n", 1, "expected a number"),
    ("negative timestamp", "m 1 -1\n", 1, "timestamp"),
    ("fraction of a millisecond", "m 1 1.5\n", 1, "timestamp"),
    ("timestamp past 64 bits", "m 1 9223372036854775808\n", 1, "timestamp"),
    ("exemplar", "m 1 # {a=\"b\"} 1\n", 1, "timestamp"),
    // Families.
    ("second type", "# TYPE m gauge\n# TYPE m gauge\n", 2, "second TYPE"),
    ("second help", "# HELP m a\n# HELP m a\n", 2, "second HELP"),
    ("type after the samples", "m 1\n# TYPE m gauge\n", 2, "after samples"),
    ("help after the samples", "# TYPE m gauge\nm 1\n# HELP m a\n", 3, "after samples"),
    ("declared again later", "# TYPE m gauge\nm 1\nn 1\n# TYPE m gauge\n", 4, "not together"),
    ("interleaved", "m{a=\"1\"} 1\nn 1\nm{a=\"2\"} 1\n", 3, "not together"),
    ("declared, then samples elsewhere", "# TYPE m gauge\nn 1\nm 1\n", 3, "not together"),
    ("bare sample of a histogram", "# TYPE h histogram\nh 1\n", 2, "not together"),
    (
        "family with the name of a histogram's sample",
        "# TYPE h_count counter\nh_count 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\n",
        3,
        "share names",
    ),
    ("series twice", "m{a=\"1\",b=\"2\"} 1\nm{b=\"2\",a=\"1\"} 1\n", 2, "second time"),
    ("series twice at two times", "m 1 1\nm 1 2\n", 2, "second time"),
    ("series twice but for an empty label", "m{a=\"\"} 1\nm 1\n", 2, "second time"),
    ("negative counter", "# TYPE m counter\nm -1\n", 2, "negative or NaN"),
    ("counter that is NaN", "# TYPE m counter\nm NaN\n", 2, "negative or NaN"),
];

/// The five lines of a histogram and one change to them, each of which breaks it.
const BROKEN_HISTOGRAMS: &[(&str, [&str; 2], &str)] = &[
    ("no +Inf bucket", ["h_bucket{le=\"+Inf\"} 3\n", ""], "not le=\"+Inf\""),
    (
        "no buckets",
        ["h_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\nh_bucket{le=\"+Inf\"} 3\n", ""],
        "without buckets",
    ),
    ("no sum", ["h_sum 9\n", ""], "no _sum"),
    ("no count", ["h_count 3\n", ""], "no _count"),
    ("count differs", ["h_count 3", "h_count 4"], "differs from _count"),
    ("count with a fraction", ["h_count 3", "h_count 3.5"], "is no count"),
    ("bucket with a fraction", ["} 1", "} 0.5"], "is no count"),
    ("negative bucket", ["} 1", "} -1"], "is no count"),
    ("not cumulative", ["} 1", "} 3"], "not cumulative"),
    ("bounds fall", ["le=\"2\"", "le=\"0.5\""], "does not ascend"),
    ("bound twice in two spellings", ["le=\"2\"", "le=\"1.0\""], "does not ascend"),
    ("bound that is no number", ["le=\"2\"", "le=\"two\""], "le: expected a number"),
    ("bound NaN", ["le=\"2\"", "le=\"NaN\""], "does not ascend"),
    ("bucket without bound", ["h_bucket{le=\"2\"}", "h_bucket"], "iff it is a step"),
    ("sum with a bound", ["h_sum", "h_sum{le=\"1\"}"], "iff it is a step"),
    ("+Inf spelt otherwise", ["+Inf", "Inf"], "le: expected a number"),
];

#[test]
fn good_documents_are_read() {
    for (name, document) in GOOD {
        if let Err(error) = exposition::read(document.as_bytes()) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn bad_documents_are_refused_where_they_break() {
    for (name, document, line, reason) in BAD {
        let error = exposition::read(document.as_bytes()).expect_err(name);
        assert_eq!(error.line, *line, "{name}: {error}");
        assert!(error.reason.contains(reason), "{name}: {error}");
    }
}

#[test]
fn broken_histograms_are_refused() {
    const WHOLE: &str = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\n\
                         h_bucket{le=\"+Inf\"} 3\nh_sum 9\nh_count 3\n";
    exposition::read(WHOLE.as_bytes()).expect("the whole histogram is right");
    for (name, [from, to], reason) in BROKEN_HISTOGRAMS {
        let broken = WHOLE.replacen(from, to, 1);
        assert_ne!(broken, WHOLE, "{name} changes nothing");
        let error = exposition::read(broken.as_bytes()).expect_err(name);
        assert!(error.reason.contains(reason), "{name}: {error}");
    }
}

#[test]
fn broken_summaries_are_refused() {
    for (steps, reason) in [
        ("s{quantile=\"0.9\"} 1\ns{quantile=\"0.5\"} 1\n", "does not ascend"),
        ("s{quantile=\"1.5\"} 1\n", "not within 0 and 1"),
        ("s 1\n", "iff it is a step"),
    ] {
        let document = format!("# TYPE s summary\n{steps}s_sum 1\ns_count 1\n");
        let error = exposition::read(document.as_bytes()).expect_err(steps);
        assert!(error.reason.contains(reason), "{steps:?}: {error}");
    }
}

#[test]
fn invalid_utf8_is_refused_with_its_line() {
    let error = exposition::read(b"m 1\nn{a=\"\xff\"} 1\n").expect_err("not UTF-8");
    assert_eq!((error.line, error.reason.as_str()), (2, "not UTF-8"));
}

#[test]
fn everything_written_is_returned() {
    let document =
        "# HELP m  a\\\\b\\nc\n# TYPE m counter\nm{b=\"\\\"\\\\\\n\",a=\"x\"} 1.5 7\nn -0\n";
    let exposition = exposition::read(document.as_bytes()).expect("it is right");
    let family = exposition.family("m").expect("m is there");
    assert_eq!((family.kind, family.help.as_deref()), (Kind::Counter, Some("a\\b\nc")));
    let [sample] = family.samples.as_slice() else { panic!("one sample: {family:?}") };
    assert_eq!(sample.label("b"), Some("\"\\\n"));
    assert_eq!((sample.value, sample.timestamp_ms, sample.line), (1.5, Some(7), 3));
    assert_eq!(exposition.value("m", &[("a", "x"), ("b", "\"\\\n")]), Some(1.5));
    assert_eq!(exposition.value("m", &[("a", "x")]), None);
    assert_eq!(exposition.family("n").map(|family| family.kind), Some(Kind::Untyped));
    assert_eq!(exposition.samples().count(), 2);
}

#[test]
fn promtool_takes_every_good_document() {
    for (name, document) in GOOD {
        match prometheus::check_metrics(document.as_bytes()) {
            None => return skip("promtool is not installed", "PROMLET_REQUIRE_PROMETHEUS"),
            Some(verdict) => assert_eq!(verdict, Ok(()), "{name}"),
        }
    }
}

/// Documents a few bytes away from a right one: whatever promtool refuses of them, the model must.
#[test]
fn promtool_refuses_nothing_that_the_model_takes() {
    const DOCUMENTS: usize = 100;
    for seed in 1..=DOCUMENTS as u64 {
        let document = mutated(SEED.as_bytes(), seed);
        match (exposition::read(&document), prometheus::check_metrics(&document)) {
            (_, None) => return skip("promtool is not installed", "PROMLET_REQUIRE_PROMETHEUS"),
            (Ok(_), Some(Err(complaint))) => panic!("{}\n{complaint}", document.escape_ascii()),
            _ => {}
        }
    }
}

/// Has each kind of line.
const SEED: &str = "# HELP c A \\\\ help.\n# TYPE c counter\nc{a=\"x\\\"y\",b=\"\\n\"} 1.5 170\n\
                    c{a=\"z\"} 2e+06\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n\
                    h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n\
                    # TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_sum 1\ns_count 1\nu -0.5\n";

/// One or two bytes taken out, put in or replaced, or a piece repeated elsewhere.
fn mutated(document: &[u8], seed: u64) -> Vec<u8> {
    const BYTES: &[u8] = b" \t\n\r\\\"{}=,#+-.e019aI_:\0N";
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // The xorshift of Marsaglia (2003) with 13, 7, 17: plenty for choosing places.
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let mut bytes = document.to_vec();
    for _ in 0..1 + below(2) {
        let at = below(bytes.len());
        let byte = BYTES[below(BYTES.len())];
        match below(4) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, byte),
            2 => bytes[at] = byte,
            _ => {
                let end = bytes.len().min(at + 1 + below(40));
                let piece = bytes[at..end].to_vec();
                let place = below(bytes.len());
                bytes.splice(place..place, piece);
            }
        }
    }
    bytes
}
