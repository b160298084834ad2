//! Delimited protobuf: messages of the proto2 type `io.prometheus.client.MetricFamily`, each behind
//! its length (“Exposition formats”, prometheus.io/docs; `metrics.proto` of the client model).
//!
//! ```text
//! length  MetricFamily                                        varint, then the message
//!   0a    name   12 help   18 type   2a unit                  on every page: each is a family
//!   22    Metric
//!     0a    LabelPair     0a name   12 value
//!     12 gauge  1a counter  2a untyped:   09 value            8 bytes
//!       1a    Timestamp     08 seconds                        of counters, where asked for
//!     3a    Histogram
//!       1a    Bucket        08 count        11 upper bound    10 bytes, 8 bytes
//!       11    sample_sum    08 sample_count                   8 bytes, 10 bytes
//!       7a    Timestamp     08 seconds                        where asked for
//! ```
//!
//! All lengths are known when a page is laid out, because values have fixed widths: doubles, and
//! counts that are varints padded to ten bytes, which every reader takes. A scrape copies the page
//! and writes the values over it. They are always written, also where they are 0: a scraper is
//! known to take a missing one for that of the message before (Prometheus 3.3 on).
//!
//! A native histogram also has
//!
//! ```text
//!       28    schema        31 zero_threshold    38 zero_count
//!       4a    BucketSpan    50 delta ...                      of negative buckets, then
//!       62    BucketSpan    68 delta ...                      of positive ones
//!               08 offset   10 length
//! ```
//!
//! and which buckets it has is known only at the scrape. So only the labels of its series are laid
//! out; messages are built at each scrape, of values that take no more room than they need.
//!
//! A family that has several pages comes several times, which readers join.

use super::{Lines, Shown, Syntax, Values};
use crate::metric::{NativeHistogram, PageSource, Part, Series, Shape};
use crate::model::Kind;

pub(super) static SYNTAX: Syntax = Syntax {
    parts: |_, _| &[Part::All],
    write_head,
    repeats_head: true,
    write_series,
    values: Values::Binary,
    trailer: b"",
};

/// Tags: number of the field * 8 + wire type, which is 0 for varints, 1 for doubles and 2 for what
/// has a length.
mod tag {
    pub(super) const FAMILY_NAME: u8 = 0x0a;
    pub(super) const FAMILY_HELP: u8 = 0x12;
    pub(super) const FAMILY_TYPE: u8 = 0x18;
    pub(super) const FAMILY_METRIC: u8 = 0x22;
    pub(super) const FAMILY_UNIT: u8 = 0x2a;
    pub(super) const METRIC_LABEL: u8 = 0x0a;
    pub(super) const METRIC_GAUGE: u8 = 0x12;
    pub(super) const METRIC_COUNTER: u8 = 0x1a;
    pub(super) const METRIC_UNTYPED: u8 = 0x2a;
    pub(super) const METRIC_HISTOGRAM: u8 = 0x3a;
    pub(super) const LABEL_NAME: u8 = 0x0a;
    pub(super) const LABEL_VALUE: u8 = 0x12;
    pub(super) const SCALAR_VALUE: u8 = 0x09;
    pub(super) const HISTOGRAM_COUNT: u8 = 0x08;
    pub(super) const HISTOGRAM_SUM: u8 = 0x11;
    pub(super) const HISTOGRAM_BUCKET: u8 = 0x1a;
    pub(super) const HISTOGRAM_SCHEMA: u8 = 0x28;
    pub(super) const HISTOGRAM_ZERO_THRESHOLD: u8 = 0x31;
    pub(super) const HISTOGRAM_ZERO_COUNT: u8 = 0x38;
    pub(super) const HISTOGRAM_NEGATIVE_SPAN: u8 = 0x4a;
    pub(super) const HISTOGRAM_NEGATIVE_DELTA: u8 = 0x50;
    pub(super) const HISTOGRAM_POSITIVE_SPAN: u8 = 0x62;
    pub(super) const HISTOGRAM_POSITIVE_DELTA: u8 = 0x68;
    pub(super) const HISTOGRAM_CREATED: u8 = 0x7a;
    pub(super) const COUNTER_CREATED: u8 = 0x1a;
    pub(super) const TIMESTAMP_SECONDS: u8 = 0x08;
    pub(super) const SPAN_OFFSET: u8 = 0x08;
    pub(super) const SPAN_LENGTH: u8 = 0x10;
    pub(super) const BUCKET_COUNT: u8 = 0x08;
    pub(super) const BUCKET_BOUND: u8 = 0x11;
}

/// The length of a double.
const DOUBLE_LEN: usize = 8;

/// The length of every count: that of the longest varint.
const COUNT_LEN: usize = 10;

/// A bucket's length: two tags, the count and the bound.
const BUCKET_LEN: usize = 2 + COUNT_LEN + DOUBLE_LEN;

fn write_head(out: &mut Vec<u8>, shown: &Shown<'_>, _: Part) {
    write_bytes(out, tag::FAMILY_NAME, shown.name.as_bytes());
    if !shown.desc.help.is_empty() {
        write_bytes(out, tag::FAMILY_HELP, shown.desc.help.as_bytes());
    }
    let kind = match shown.desc.kind {
        Kind::Counter => 0,
        Kind::Gauge | Kind::Info | Kind::StateSet => 1,
        Kind::Unknown => 3,
        Kind::Histogram => 4,
    };
    out.extend_from_slice(&[tag::FAMILY_TYPE, kind]);
    if let Some(unit) = &shown.desc.unit {
        write_bytes(out, tag::FAMILY_UNIT, unit.as_bytes());
    }
}

fn write_series(lines: &mut Lines, shown: &Shown<'_>, series: &Series, _: Part) {
    let mut labels = Vec::new();
    for (name, value) in shown.labels(series) {
        write_label(&mut labels, &name, value);
    }
    let created = match shown.desc.kind {
        Kind::Counter => created(shown, tag::COUNTER_CREATED, series),
        Kind::Histogram => created(shown, tag::HISTOGRAM_CREATED, series),
        Kind::Gauge | Kind::Info | Kind::StateSet | Kind::Unknown => Vec::new(),
    };
    match series.shape() {
        Shape::Scalar(_) | Shape::Sharded { .. } | Shape::One => {
            write_scalar(lines, shown, &labels, &created);
        }
        Shape::States { names } => {
            for state in names {
                let mut labels = labels.clone();
                write_label(&mut labels, &shown.name, state);
                write_scalar(lines, shown, &labels, &created);
            }
        }
        Shape::Histogram { native: Some(_), .. } => {
            lines.bytes.extend_from_slice(&labels);
            lines.end_line();
        }
        Shape::Histogram { bounds, native: None } => {
            let values = (bounds.len() + 1) * (2 + BUCKET_LEN) + 2 + DOUBLE_LEN + COUNT_LEN;
            write_metric_head(lines, shown.desc.kind, &labels, created.len() + values);
            lines.bytes.extend_from_slice(&created);
            write_histogram(lines, bounds);
        }
    }
}

/// The field of this tag that says when a series was created, or nothing.
fn created(shown: &Shown<'_>, tag: u8, series: &Series) -> Vec<u8> {
    let mut field = Vec::new();
    if shown.desc.is_created_shown {
        write_timestamp(&mut field, tag, series.created());
    }
    field
}

fn write_timestamp(out: &mut Vec<u8>, tag: u8, seconds: u64) {
    let mut timestamp = Vec::new();
    write_field(&mut timestamp, tag::TIMESTAMP_SECONDS, seconds);
    write_bytes(out, tag, &timestamp);
}

fn write_label(labels: &mut Vec<u8>, name: &str, value: &str) {
    let mut label = Vec::new();
    write_bytes(&mut label, tag::LABEL_NAME, name.as_bytes());
    write_bytes(&mut label, tag::LABEL_VALUE, value.as_bytes());
    write_bytes(labels, tag::METRIC_LABEL, &label);
}

/// Appends a metric that has one value, behind when it was created.
fn write_scalar(lines: &mut Lines, shown: &Shown<'_>, labels: &[u8], created: &[u8]) {
    write_metric_head(lines, shown.desc.kind, labels, created.len() + 1 + DOUBLE_LEN);
    lines.bytes.extend_from_slice(created);
    keep_double(lines, tag::SCALAR_VALUE);
}

/// Appends a metric up to its value, which is a message of `value_len` bytes.
fn write_metric_head(lines: &mut Lines, kind: Kind, labels: &[u8], value_len: usize) {
    let value_tag = match kind {
        Kind::Counter => tag::METRIC_COUNTER,
        Kind::Gauge | Kind::Info | Kind::StateSet => tag::METRIC_GAUGE,
        Kind::Histogram => tag::METRIC_HISTOGRAM,
        Kind::Unknown => tag::METRIC_UNTYPED,
    };
    let mut head = vec![value_tag];
    write_varint(&mut head, value_len as u64);
    lines.bytes.push(tag::FAMILY_METRIC);
    write_varint(&mut lines.bytes, (labels.len() + head.len() + value_len) as u64);
    lines.bytes.extend_from_slice(labels);
    lines.bytes.extend_from_slice(&head);
}

/// Appends the fields of a histogram, in the order in which its values come.
fn write_histogram(lines: &mut Lines, bounds: &[f64]) {
    for bound in bounds.iter().chain([&f64::INFINITY]) {
        lines.bytes.extend_from_slice(&[tag::HISTOGRAM_BUCKET, BUCKET_LEN as u8]);
        keep_count(lines, tag::BUCKET_COUNT);
        lines.bytes.push(tag::BUCKET_BOUND);
        lines.bytes.extend_from_slice(&bound.to_le_bytes());
    }
    keep_double(lines, tag::HISTOGRAM_SUM);
    keep_count(lines, tag::HISTOGRAM_COUNT);
}

/// Appends a page of native histograms: `head`, then a metric for each series, whose labels stand in
/// `labels`.
pub(super) fn write_native_page<'p>(
    out: &mut Vec<u8>,
    head: &[u8],
    mut labels: impl Iterator<Item = &'p [u8]>,
    source: &PageSource,
    is_created_shown: bool,
) {
    let (mut message, mut metric, mut fields) = (head.to_vec(), Vec::new(), Vec::new());
    source.visit_native(|histogram| {
        metric.clear();
        metric.extend_from_slice(labels.next().expect("a page has labels for each series"));
        fields.clear();
        write_native(&mut fields, &histogram);
        if is_created_shown {
            write_timestamp(&mut fields, tag::HISTOGRAM_CREATED, histogram.created);
        }
        write_bytes(&mut metric, tag::METRIC_HISTOGRAM, &fields);
        write_bytes(&mut message, tag::FAMILY_METRIC, &metric);
    });
    write_varint(out, message.len() as u64);
    out.extend_from_slice(&message);
}

/// Appends the fields of a native histogram, the classic ones first.
fn write_native(out: &mut Vec<u8>, histogram: &NativeHistogram<'_>) {
    let counts = &histogram.counts;
    // An observation may be counted by a classic bucket and not yet by its native one.
    let mut cumulative = 0_u64;
    for (bound, count) in histogram.bounds.iter().zip(histogram.buckets) {
        cumulative = cumulative.wrapping_add(*count).min(counts.count);
        write_bucket(out, *bound, cumulative);
    }
    write_bucket(out, f64::INFINITY, counts.count);
    // Nor may NaN be summed already. Buckets that do not add up to the count are taken only where
    // the sum is NaN.
    write_double(out, tag::HISTOGRAM_SUM, if counts.nan > 0 { f64::NAN } else { histogram.sum });
    write_field(out, tag::HISTOGRAM_COUNT, counts.count);
    write_field(out, tag::HISTOGRAM_SCHEMA, zigzag(histogram.resolution.schema().into()));
    write_double(out, tag::HISTOGRAM_ZERO_THRESHOLD, histogram.resolution.zero_threshold());
    write_field(out, tag::HISTOGRAM_ZERO_COUNT, counts.zero);
    let tags = (tag::HISTOGRAM_NEGATIVE_SPAN, tag::HISTOGRAM_NEGATIVE_DELTA);
    write_native_buckets(out, tags, counts.first, counts.negative);
    let tags = (tag::HISTOGRAM_POSITIVE_SPAN, tag::HISTOGRAM_POSITIVE_DELTA);
    write_native_buckets(out, tags, counts.first, counts.positive);
}

/// Appends a span for each run of `buckets`, the first of which has the number `first`, that counted
/// something, and then the difference of each of their counts from the one before.
fn write_native_buckets(out: &mut Vec<u8>, tags: (u8, u8), first: i32, buckets: &[u64]) {
    let (span_tag, delta_tag) = tags;
    let mut offset = i64::from(first);
    for run in buckets.chunk_by(|a, b| (*a == 0) == (*b == 0)) {
        if run[0] == 0 {
            offset += run.len() as i64;
            continue;
        }
        let mut span = Vec::new();
        write_field(&mut span, tag::SPAN_OFFSET, zigzag(offset));
        write_field(&mut span, tag::SPAN_LENGTH, run.len() as u64);
        write_bytes(out, span_tag, &span);
        // The next one starts where this one ends.
        offset = 0;
    }
    let mut previous = 0;
    for count in buckets.iter().filter(|count| **count > 0) {
        write_field(out, delta_tag, zigzag(count.wrapping_sub(previous).cast_signed()));
        previous = *count;
    }
}

/// The length of a page of native histograms is at most this: that of what is laid out, and for each
/// series that of its fields if every cell counted something.
pub(super) fn native_page_len_max(laid_out: usize, series: usize, shape: &Shape) -> usize {
    // Of its metric, its histogram and the fields with one value: tags, lengths and values.
    const SERIES_LEN: usize = 80;
    // A span of each second bucket, and its delta.
    const NATIVE_LEN: usize = 1 + COUNT_LEN + 8;
    let Shape::Histogram { bounds, native: Some(native) } = shape else { return laid_out };
    let classic = (bounds.len() + 1) * (2 + BUCKET_LEN);
    COUNT_LEN + laid_out + series * (SERIES_LEN + classic + 2 * native.count() * NATIVE_LEN)
}

fn write_bucket(out: &mut Vec<u8>, bound: f64, count: u64) {
    let mut bucket = Vec::with_capacity(BUCKET_LEN);
    write_field(&mut bucket, tag::BUCKET_COUNT, count);
    write_double(&mut bucket, tag::BUCKET_BOUND, bound);
    write_bytes(out, tag::HISTOGRAM_BUCKET, &bucket);
}

/// Appends a field that is a varint.
fn write_field(out: &mut Vec<u8>, tag: u8, value: u64) {
    out.push(tag);
    write_varint(out, value);
}

/// Appends a field that is a double.
fn write_double(out: &mut Vec<u8>, tag: u8, value: f64) {
    out.push(tag);
    let at = out.len();
    out.extend_from_slice(&[0; DOUBLE_LEN]);
    put_double(out, at, value);
}

/// Signed numbers with small ones first: 0, -1, 1, -2, ….
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn keep_double(lines: &mut Lines, tag: u8) {
    lines.bytes.push(tag);
    lines.end_line();
    lines.bytes.extend_from_slice(&[0; DOUBLE_LEN]);
}

fn keep_count(lines: &mut Lines, tag: u8) {
    lines.bytes.push(tag);
    lines.end_line();
    lines.bytes.extend_from_slice(&padded_varint(0));
}

/// Puts its length in front of a page, which is one message.
pub(super) fn close_page(lines: &mut Lines) {
    let mut length = Vec::new();
    write_varint(&mut length, lines.bytes.len() as u64);
    let shift = length.len() as u32;
    lines.bytes.splice(..0, length);
    lines.ends.iter_mut().for_each(|end| *end += shift);
}

/// Writes a double over the bytes that are kept for it at `at`. Zero has no sign and NaN one form,
/// as in the text formats; one of the others means to Prometheus that the series has ended.
#[inline]
pub(super) fn put_double(page: &mut [u8], at: usize, value: f64) {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    page[at..at + DOUBLE_LEN].copy_from_slice(&value.to_le_bytes());
}

/// Writes a count over the bytes that are kept for it at `at`.
#[inline]
pub(super) fn put_count(page: &mut [u8], at: usize, value: u64) {
    page[at..at + COUNT_LEN].copy_from_slice(&padded_varint(value));
}

/// `value` in ten groups of seven bits, the lowest first; all but the last say that more follow.
#[inline]
fn padded_varint(value: u64) -> [u8; COUNT_LEN] {
    // Eight groups of seven bits are moved apart in three steps: two of 28, four of 14, eight of 7.
    let low = value & 0xff_ffff_ffff_ffff;
    let low = (low & 0x0fff_ffff) | (low & 0xff_ffff_f000_0000) << 4;
    let low = (low & 0x0000_3fff_0000_3fff) | (low & 0x0fff_c000_0fff_c000) << 2;
    let low = (low & 0x007f_007f_007f_007f) | (low & 0x3f80_3f80_3f80_3f80) << 1;
    let mut bytes = [0; COUNT_LEN];
    bytes[..8].copy_from_slice(&(low | 0x8080_8080_8080_8080).to_le_bytes());
    bytes[8] = (value >> 56) as u8 | 0x80;
    bytes[9] = (value >> 63) as u8;
    bytes
}

/// Appends a field that has a length.
fn write_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The varint at the start of `bytes`, and its length.
    fn read_varint(bytes: &[u8]) -> (u64, usize) {
        let len = bytes.iter().position(|byte| *byte < 0x80).expect("a varint ends") + 1;
        let groups = bytes[..len].iter().enumerate();
        (groups.map(|(i, byte)| u64::from(byte & 0x7f) << (7 * i)).sum(), len)
    }

    proptest! {
        #[test]
        fn varints_read_back(value in any::<u64>(), shift in 0..64_u32) {
            let value = value >> shift;
            prop_assert_eq!(read_varint(&padded_varint(value)), (value, COUNT_LEN));
            let mut bytes = Vec::new();
            write_varint(&mut bytes, value);
            prop_assert_eq!(read_varint(&bytes), (value, bytes.len()));
        }
    }

    #[test]
    fn zero_and_nan_have_one_form() {
        for (value, bits) in [
            (-0.0, 0),
            (f64::from_bits(0x7ff0_0000_0000_0002), f64::NAN.to_bits()),
            (f64::from_bits(u64::MAX), f64::NAN.to_bits()),
            (f64::NEG_INFINITY, f64::NEG_INFINITY.to_bits()),
        ] {
            let mut page = [7; 10];
            put_double(&mut page, 1, value);
            assert_eq!(page[1..9], bits.to_le_bytes());
            assert_eq!((page[0], page[9]), (7, 7));
        }
    }
}
