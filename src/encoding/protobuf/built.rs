//! Pages whose messages are built at the scrape, because only then it is known how long they are:
//! native histograms, what has exemplars, and values that have a time.

use super::super::notes::{Notation, Notes, SeriesNotes};
use super::{
    BUCKET_LEN, COUNT_LEN, DOUBLE_LEN, created_tag, put_double, tag, value_tag, write_bytes,
    write_field, write_timestamp, write_varint,
};
use crate::metric::{NativeHistogram, PageSource, Shape, Value};
use crate::model::Kind;

/// What the metrics of a page are, and what they say beside their values.
pub(crate) struct MetricFields {
    pub(crate) kind: Kind,
    pub(crate) is_created_shown: bool,
    pub(crate) notes: Option<Notation>,
}

/// Appends a page: `head`, then a metric for each series, whose labels stand in `labels`.
pub(crate) fn write_page<'p>(
    out: &mut Vec<u8>,
    head: &[u8],
    mut labels: impl Iterator<Item = &'p [u8]>,
    source: &PageSource,
    fields: &MetricFields,
) {
    let notes = fields.notes.map(|notation| Notes::read(source, notation)).unwrap_or_default();
    let lines = source.lines_per_series();
    let is_timed = matches!(source.shape(), Shape::Timed);
    let mut notes = (0..).step_by(lines).map(|first_line| notes.series_at(first_line));
    let (mut message, mut metric, mut value) = (head.to_vec(), Vec::new(), Vec::new());
    let mut add = |created: u64, write: &dyn Fn(&mut Vec<u8>, SeriesNotes<'_>)| {
        value.clear();
        let notes = notes.next().expect("lines do not end");
        write(&mut value, notes);
        if let Some(tag) = created_tag(fields.kind).filter(|_| fields.is_created_shown) {
            write_timestamp(&mut value, tag, created);
        }
        metric.clear();
        metric.extend_from_slice(labels.next().expect("a page has labels for each series"));
        write_bytes(&mut metric, value_tag(fields.kind), &value);
        if is_timed {
            metric.extend_from_slice(notes.of_line(0));
        }
        write_bytes(&mut message, tag::FAMILY_METRIC, &metric);
    };
    if source.shape().native().is_some() {
        source.visit_native(|histogram| {
            add(histogram.created, &|out, notes| write_native(out, &histogram, notes));
        });
    } else {
        let mut values = Vec::new();
        source.visit(|value| values.push(value));
        for (series, values) in source.series().iter().zip(values.chunks_exact(lines)) {
            let shape = series.shape();
            add(series.created(), &|out, notes| write_values(out, shape, values, notes));
        }
    }
    write_varint(out, message.len() as u64);
    out.extend_from_slice(&message);
}

/// Appends the fields of one value or a classic histogram; `values` are those of its lines.
fn write_values(out: &mut Vec<u8>, shape: &Shape, values: &[Value], notes: SeriesNotes<'_>) {
    let Shape::Histogram { bounds, .. } = shape else {
        write_double(out, tag::SCALAR_VALUE, values[0].as_f64());
        if !matches!(shape, Shape::Timed) {
            write_exemplar(out, tag::COUNTER_EXEMPLAR, notes.of_line(0));
        }
        return;
    };
    for (line, bound) in bounds.iter().chain([&f64::INFINITY]).enumerate() {
        write_bucket(out, *bound, count(values[line]), notes.of_line(line));
    }
    write_double(out, tag::HISTOGRAM_SUM, values[bounds.len() + 1].as_f64());
    write_field(out, tag::HISTOGRAM_COUNT, count(values[bounds.len() + 2]));
}

/// The value of a histogram's line that counts.
fn count(value: Value) -> u64 {
    match value {
        Value::U64(count) => count,
        Value::I64(_) | Value::F64(_) => unreachable!("buckets count whole things"),
    }
}

/// Appends the fields of a native histogram, the classic ones first.
fn write_native(out: &mut Vec<u8>, histogram: &NativeHistogram<'_>, notes: SeriesNotes<'_>) {
    let counts = &histogram.counts;
    // An observation may be counted by a classic bucket and not yet by its native one.
    let mut cumulative = 0_u64;
    for (line, (bound, count)) in histogram.bounds.iter().zip(histogram.buckets).enumerate() {
        cumulative = cumulative.wrapping_add(*count).min(counts.count);
        write_bucket(out, *bound, cumulative, notes.of_line(line));
    }
    write_bucket(out, f64::INFINITY, counts.count, notes.of_line(histogram.bounds.len()));
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

/// The length of a page is at most this: that of what is laid out, and for each series that of its
/// fields if every cell counted something, and of its exemplars.
pub(crate) fn page_len_max(laid_out: usize, source: &PageSource, fields: &MetricFields) -> usize {
    // Of its metric, its value and the fields with one value: tags, lengths and values.
    const SERIES_LEN: usize = 80;
    // A span of each second bucket, and its delta.
    const NATIVE_LEN: usize = 1 + COUNT_LEN + 8;
    let (classic, native) = match source.shape() {
        Shape::Histogram { bounds, native } => (bounds.len() + 1, native.as_ref()),
        _ => (1, None),
    };
    let note_len = fields.notes.map_or(0, |notation| notation.len_max);
    let native_len = native.map_or(0, |native| 2 * native.count() * NATIVE_LEN);
    let series_len = SERIES_LEN + classic * (2 + BUCKET_LEN + note_len) + native_len;
    COUNT_LEN + laid_out + source.series().len() * series_len
}

fn write_bucket(out: &mut Vec<u8>, bound: f64, count: u64, exemplar: &[u8]) {
    let mut bucket = Vec::with_capacity(BUCKET_LEN);
    write_field(&mut bucket, tag::BUCKET_COUNT, count);
    write_double(&mut bucket, tag::BUCKET_BOUND, bound);
    write_exemplar(&mut bucket, tag::BUCKET_EXEMPLAR, exemplar);
    write_bytes(out, tag::HISTOGRAM_BUCKET, &bucket);
}

/// Appends an exemplar, of which there is a message or nothing.
fn write_exemplar(out: &mut Vec<u8>, tag: u8, message: &[u8]) {
    if !message.is_empty() {
        write_bytes(out, tag, message);
    }
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
