//! Delimited protobuf: messages of the proto2 type `io.prometheus.client.MetricFamily`, each behind
//! its length (“Exposition formats”, prometheus.io/docs; `metrics.proto` of the client model).
//!
//! ```text
//! length  MetricFamily                                        varint, then the message
//!   0a    name   12 help   18 type   2a unit                  the head, on a page of its own
//!   22    Metric
//!     0a    LabelPair     0a name   12 value
//!     12 gauge  1a counter  2a untyped:   09 value            8 bytes
//!       12    Exemplar                                        of counters, where asked for
//!       1a    Timestamp     08 seconds                        likewise
//!     30    timestamp_ms                                  of values that have a time
//!     22    Summary
//!       1a    Quantile      09 quantile     11 value          8 bytes, 8 bytes
//!       11    sample_sum    08 sample_count                   8 bytes, 10 bytes
//!     3a    Histogram
//!       1a    Bucket        08 count        11 upper bound    10 bytes, 8 bytes
//!               1a    Exemplar                                where asked for
//!       11    sample_sum    08 sample_count                   8 bytes, 10 bytes
//!       7a    Timestamp     08 seconds                        where asked for
//! ```
//!
//! All lengths are known when pages are laid out, because values have fixed widths: doubles, and
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
//! and which buckets it has is known only at the scrape. So are the times of values that have one, and
//! which exemplars there are, of a family that keeps them: one for each counter and classic bucket,
//!
//! ```text
//!   Exemplar
//!     0a    LabelPair     0a name   12 value
//!     11    value         1a Timestamp    08 seconds   10 nanos
//! ```
//!
//! Of such families only the labels of the series are laid out; messages are built at each scrape
//! (`built`), of values that take no more room than they need.
//!
//! If one has several pages it comes several times: how long its message would be is not known
//! before all of it is built. Prometheus, which asks for these, joins them.

mod built;

pub(super) use built::{MetricFields, page_len_max, write_page};

use super::notes::Notation;
use super::{Lines, Shown, Syntax, Values};
use crate::metric::{Exemplar, Given, KeptExemplar, Note, Part, Series, Shape};
use crate::model::Kind;

pub(super) static SYNTAX: Syntax = Syntax {
    parts: |_, _| &[Part::All],
    write_head,
    write_series,
    notes,
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
    pub(super) const METRIC_TIMESTAMP_MS: u8 = 0x30;
    pub(super) const METRIC_GAUGE: u8 = 0x12;
    pub(super) const METRIC_COUNTER: u8 = 0x1a;
    pub(super) const METRIC_SUMMARY: u8 = 0x22;
    pub(super) const METRIC_UNTYPED: u8 = 0x2a;
    pub(super) const METRIC_HISTOGRAM: u8 = 0x3a;
    pub(super) const LABEL_NAME: u8 = 0x0a;
    pub(super) const LABEL_VALUE: u8 = 0x12;
    pub(super) const SCALAR_VALUE: u8 = 0x09;
    pub(super) const SUMMARY_QUANTILE: u8 = 0x1a;
    pub(super) const QUANTILE: u8 = 0x09;
    pub(super) const QUANTILE_VALUE: u8 = 0x11;
    /// As of a summary.
    pub(super) const HISTOGRAM_COUNT: u8 = 0x08;
    /// As of a summary.
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
    pub(super) const COUNTER_EXEMPLAR: u8 = 0x12;
    pub(super) const COUNTER_CREATED: u8 = 0x1a;
    pub(super) const TIMESTAMP_SECONDS: u8 = 0x08;
    pub(super) const TIMESTAMP_NANOS: u8 = 0x10;
    pub(super) const SPAN_OFFSET: u8 = 0x08;
    pub(super) const SPAN_LENGTH: u8 = 0x10;
    pub(super) const BUCKET_COUNT: u8 = 0x08;
    pub(super) const BUCKET_BOUND: u8 = 0x11;
    pub(super) const BUCKET_EXEMPLAR: u8 = 0x1a;
    pub(super) const EXEMPLAR_VALUE: u8 = 0x11;
    pub(super) const EXEMPLAR_TIMESTAMP: u8 = 0x1a;
}

/// The length of a double.
const DOUBLE_LEN: usize = 8;

/// The length of every count: that of the longest varint.
const COUNT_LEN: usize = 10;

/// A bucket's length: two tags, the count and the bound.
const BUCKET_LEN: usize = 2 + COUNT_LEN + DOUBLE_LEN;

/// A quantile's length: two tags, the quantile and its value.
const QUANTILE_LEN: usize = 2 + 2 * DOUBLE_LEN;

/// The length of a sum and a count, with their tags.
const SUM_AND_COUNT_LEN: usize = 2 + DOUBLE_LEN + COUNT_LEN;

fn write_head(out: &mut Vec<u8>, shown: &Shown<'_>, _: Part) {
    write_bytes(out, tag::FAMILY_NAME, shown.name.as_bytes());
    if !shown.desc.help.is_empty() {
        write_bytes(out, tag::FAMILY_HELP, shown.desc.help.as_bytes());
    }
    let kind = match shown.desc.kind {
        Kind::Counter => 0,
        Kind::Gauge | Kind::Info | Kind::StateSet => 1,
        Kind::Summary => 2,
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
    if is_built(shown, series.shape()) {
        lines.bytes.extend_from_slice(&labels);
        return lines.end_line();
    }
    let created = created(shown, series);
    match series.shape() {
        Shape::Scalar(_)
        | Shape::Sharded { .. }
        | Shape::Timed
        | Shape::One
        | Shape::Given(Given::Number) => {
            write_scalar(lines, shown, &labels, &created);
        }
        Shape::States { names } => {
            for state in names {
                let mut labels = labels.clone();
                write_label(&mut labels, &shown.name, state);
                write_scalar(lines, shown, &labels, &created);
            }
        }
        Shape::Histogram { bounds, .. } => {
            let values = (bounds.len() + 1) * (2 + BUCKET_LEN) + SUM_AND_COUNT_LEN;
            write_metric_head(lines, shown.desc.kind, &labels, created.len() + values);
            lines.bytes.extend_from_slice(&created);
            write_histogram(lines, bounds.iter().chain([&f64::INFINITY]));
        }
        Shape::Given(Given::Histogram { bounds }) => {
            let values = bounds.len() * (2 + BUCKET_LEN) + SUM_AND_COUNT_LEN;
            write_metric_head(lines, shown.desc.kind, &labels, values);
            write_histogram(lines, bounds.iter());
        }
        Shape::Given(Given::Summary { quantiles }) => {
            let values = quantiles.len() * (2 + QUANTILE_LEN) + SUM_AND_COUNT_LEN;
            write_metric_head(lines, shown.desc.kind, &labels, values);
            write_summary(lines, quantiles);
        }
    }
}

/// Whether the messages of such series are built at the scrape, so that only their labels are laid
/// out.
pub(super) fn is_built(shown: &Shown<'_>, shape: &Shape) -> bool {
    shown.desc.keeps_exemplars || matches!(shape, Shape::Timed) || shape.native().is_some()
}

/// The field that says when a series was created, or nothing.
fn created(shown: &Shown<'_>, series: &Series) -> Vec<u8> {
    let mut field = Vec::new();
    if let Some(tag) = created_tag(shown.desc.kind).filter(|_| shown.desc.is_created_shown) {
        write_timestamp(&mut field, tag, series.created());
    }
    field
}

/// The tag of the field that says when a series of this kind was created.
fn created_tag(kind: Kind) -> Option<u8> {
    match kind {
        Kind::Counter => Some(tag::COUNTER_CREATED),
        Kind::Histogram => Some(tag::HISTOGRAM_CREATED),
        Kind::Gauge | Kind::Info | Kind::StateSet | Kind::Summary | Kind::Unknown => None,
    }
}

fn notes(shown: &Shown<'_>, shape: &Shape, _: Part) -> Option<Notation> {
    match shape {
        Shape::Timed => Some(TIMES),
        _ => shown.desc.keeps_exemplars.then_some(EXEMPLARS),
    }
}

/// A tag, and a varint.
const TIMES: Notation = Notation { write: write_note, len_max: 1 + COUNT_LEN };

/// A code point takes at most ten bytes: as the name of a label, with tags and lengths. The number, the
/// time and the lengths of all are below 64.
const EXEMPLARS: Notation =
    Notation { write: write_note, len_max: 10 * Exemplar::CODE_POINTS_MAX + 64 };

/// Appends the fields of an exemplar, or of a metric the one that says when it was measured.
fn write_note(out: &mut Vec<u8>, note: Note<'_>) {
    match note {
        Note::Exemplar(exemplar) => write_exemplar(out, exemplar),
        Note::Time(ms) => write_field(out, tag::METRIC_TIMESTAMP_MS, ms),
    }
}

/// Appends the fields of an exemplar; its labels are fields like those of a metric.
fn write_exemplar(out: &mut Vec<u8>, exemplar: &KeptExemplar) {
    for (name, value) in exemplar.labels() {
        write_label(out, name, value);
    }
    out.push(tag::EXEMPLAR_VALUE);
    out.extend_from_slice(&(exemplar.value + 0.0).to_le_bytes());
    let (seconds, ms) = (exemplar.time_ms / 1_000, exemplar.time_ms % 1_000);
    let mut timestamp = Vec::new();
    write_field(&mut timestamp, tag::TIMESTAMP_SECONDS, seconds);
    write_field(&mut timestamp, tag::TIMESTAMP_NANOS, ms * 1_000_000);
    write_bytes(out, tag::EXEMPLAR_TIMESTAMP, &timestamp);
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
    let mut head = vec![value_tag(kind)];
    write_varint(&mut head, value_len as u64);
    lines.bytes.push(tag::FAMILY_METRIC);
    write_varint(&mut lines.bytes, (labels.len() + head.len() + value_len) as u64);
    lines.bytes.extend_from_slice(labels);
    lines.bytes.extend_from_slice(&head);
}

/// The tag of the field of a metric of this kind that its value is in.
fn value_tag(kind: Kind) -> u8 {
    match kind {
        Kind::Counter => tag::METRIC_COUNTER,
        Kind::Gauge | Kind::Info | Kind::StateSet => tag::METRIC_GAUGE,
        Kind::Histogram => tag::METRIC_HISTOGRAM,
        Kind::Summary => tag::METRIC_SUMMARY,
        Kind::Unknown => tag::METRIC_UNTYPED,
    }
}

/// Appends the fields of a histogram, in the order in which its values come.
fn write_histogram<'b>(lines: &mut Lines, bounds: impl Iterator<Item = &'b f64>) {
    for bound in bounds {
        lines.bytes.extend_from_slice(&[tag::HISTOGRAM_BUCKET, BUCKET_LEN as u8]);
        keep_count(lines, tag::BUCKET_COUNT);
        lines.bytes.push(tag::BUCKET_BOUND);
        lines.bytes.extend_from_slice(&bound.to_le_bytes());
    }
    keep_double(lines, tag::HISTOGRAM_SUM);
    keep_count(lines, tag::HISTOGRAM_COUNT);
}

/// Appends the fields of a summary, in the order in which its values come.
fn write_summary(lines: &mut Lines, quantiles: &[f64]) {
    for quantile in quantiles {
        lines.bytes.extend_from_slice(&[tag::SUMMARY_QUANTILE, QUANTILE_LEN as u8, tag::QUANTILE]);
        lines.bytes.extend_from_slice(&quantile.to_le_bytes());
        keep_double(lines, tag::QUANTILE_VALUE);
    }
    keep_double(lines, tag::HISTOGRAM_SUM);
    keep_count(lines, tag::HISTOGRAM_COUNT);
}

/// Appends a field that is a varint.
fn write_field(out: &mut Vec<u8>, tag: u8, value: u64) {
    out.push(tag);
    write_varint(out, value);
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

/// Appends what stands in front of the metrics of a family, which take `metrics_len` bytes: the
/// length of the message, and its head.
pub(super) fn write_family_start(out: &mut Vec<u8>, shown: &Shown<'_>, metrics_len: usize) {
    let mut head = Vec::new();
    write_head(&mut head, shown, Part::All);
    write_varint(out, (head.len() + metrics_len) as u64);
    out.extend_from_slice(&head);
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
