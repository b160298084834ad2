//! A reader of delimited protobuf: the judge of every protobuf body.
//!
//! Knows the messages of `io.prometheus.client` as the format's description lists them, and the
//! wire format of proto2. A field or a wire type that it does not know is an error.

/// Reads a whole body.
///
/// # Errors
/// What is wrong with the first message that is.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Family>, String> {
    let mut families = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (len, after) = varint(rest)?;
        let prefix_len = rest.len() - after.len();
        require(prefix_len <= 5, "a length of more than five bytes")?;
        let (message, after) = split(after, len)?;
        families.push(family(message)?);
        rest = after;
    }
    Ok(families)
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) unit: String,
    pub(crate) kind: u64,
    pub(crate) metrics: Vec<Metric>,
}

pub(crate) const COUNTER: u64 = 0;
pub(crate) const GAUGE: u64 = 1;
pub(crate) const SUMMARY: u64 = 2;
pub(crate) const UNTYPED: u64 = 3;
pub(crate) const HISTOGRAM: u64 = 4;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Metric {
    pub(crate) labels: Vec<(String, String)>,
    /// Of the member that fits the family's kind.
    pub(crate) value: Option<f64>,
    pub(crate) histogram: Option<Histogram>,
    pub(crate) summary: Option<Summary>,
    pub(crate) exemplar: Option<Exemplar>,
    /// Of a counter or a histogram: seconds and nanoseconds since 1970.
    pub(crate) created: Option<(u64, u64)>,
    pub(crate) timestamp_ms: Option<u64>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: Option<u64>,
    pub(crate) sum: Option<f64>,
    /// Quantile, value.
    pub(crate) quantiles: Vec<(f64, f64)>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    pub(crate) count: Option<u64>,
    pub(crate) sum: Option<f64>,
    /// Upper bound, cumulative count, exemplar.
    pub(crate) buckets: Vec<(f64, u64, Option<Exemplar>)>,
    pub(crate) native: Option<Native>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Native {
    pub(crate) schema: i64,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    /// Number of the bucket, count.
    pub(crate) negative: Vec<(i64, u64)>,
    pub(crate) positive: Vec<(i64, u64)>,
}

/// What a native histogram has for one sign: offsets and lengths of spans, and deltas.
#[derive(Default)]
struct Buckets {
    spans: Vec<(i64, u64)>,
    deltas: Vec<i64>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    /// Seconds and nanoseconds since 1970.
    pub(crate) timestamp: Option<(u64, u64)>,
}

/// One field of a message.
enum Field<'a> {
    Varint(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

fn family(message: &[u8]) -> Result<Family, String> {
    let mut family = Family::default();
    let mut metrics = Vec::new();
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Bytes(text)) => family.name = string(text)?,
            (2, Field::Bytes(text)) => family.help = string(text)?,
            (3, Field::Varint(kind)) => family.kind = kind,
            (4, Field::Bytes(message)) => metrics.push(message),
            (5, Field::Bytes(text)) => family.unit = string(text)?,
            _ => return Err(format!("field {number} in a family")),
        }
        Ok(())
    })?;
    require(!family.name.is_empty(), "a family without a name")?;
    require(!metrics.is_empty(), "a family without metrics")?;
    family.metrics =
        metrics.into_iter().map(|m| metric(m, family.kind)).collect::<Result<_, _>>()?;
    Ok(family)
}

fn metric(message: &[u8], kind: u64) -> Result<Metric, String> {
    let mut metric = Metric::default();
    fields(message, |number, field| {
        match (number, kind, field) {
            (1, _, Field::Bytes(message)) => metric.labels.push(label(message)?),
            (2, GAUGE, Field::Bytes(message))
            | (3, COUNTER, Field::Bytes(message))
            | (5, UNTYPED, Field::Bytes(message)) => scalar(message, &mut metric, kind)?,
            (4, SUMMARY, Field::Bytes(message)) => metric.summary = Some(summary(message)?),
            (6, _, Field::Varint(ms)) => metric.timestamp_ms = Some(ms),
            (7, HISTOGRAM, Field::Bytes(message)) => {
                metric.histogram = Some(histogram(message, &mut metric.created)?);
            }
            _ => return Err(format!("field {number} in a metric of type {kind}")),
        }
        Ok(())
    })?;
    let members = [metric.value.is_some(), metric.histogram.is_some(), metric.summary.is_some()];
    require(
        members.iter().filter(|is_there| **is_there).count() == 1,
        "a metric without its value",
    )?;
    Ok(metric)
}

fn scalar(message: &[u8], metric: &mut Metric, kind: u64) -> Result<(), String> {
    fields(message, |number, field| {
        match (number, kind, field) {
            (1, _, Field::Double(value)) => metric.value = Some(value),
            (2, COUNTER, Field::Bytes(message)) => metric.exemplar = Some(exemplar(message)?),
            (3, COUNTER, Field::Bytes(message)) => metric.created = Some(timestamp(message)?),
            _ => return Err(format!("field {number} in a value")),
        }
        Ok(())
    })
}

fn summary(message: &[u8]) -> Result<Summary, String> {
    let mut summary = Summary::default();
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Varint(count)) => summary.count = Some(count),
            (2, Field::Double(sum)) => summary.sum = Some(sum),
            (3, Field::Bytes(message)) => summary.quantiles.push(quantile(message)?),
            _ => return Err(format!("field {number} in a summary")),
        }
        Ok(())
    })?;
    require(summary.count.is_some() && summary.sum.is_some(), "a summary without a total")?;
    Ok(summary)
}

fn quantile(message: &[u8]) -> Result<(f64, f64), String> {
    let (mut quantile, mut value) = (None, None);
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Double(number)) => quantile = Some(number),
            (2, Field::Double(number)) => value = Some(number),
            _ => return Err(format!("field {number} in a quantile")),
        }
        Ok(())
    })?;
    quantile.zip(value).ok_or_else(|| "a quantile without its value".to_owned())
}

fn histogram(message: &[u8], created: &mut Option<(u64, u64)>) -> Result<Histogram, String> {
    let mut histogram = Histogram::default();
    let (mut negative, mut positive) = (Buckets::default(), Buckets::default());
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Varint(count)) => histogram.count = Some(count),
            (2, Field::Double(sum)) => histogram.sum = Some(sum),
            (3, Field::Bytes(message)) => histogram.buckets.push(bucket(message)?),
            (5, Field::Varint(schema)) => native(&mut histogram).schema = unzigzag(schema),
            (6, Field::Double(threshold)) => native(&mut histogram).zero_threshold = threshold,
            (7, Field::Varint(count)) => native(&mut histogram).zero_count = count,
            (9, Field::Bytes(message)) => negative.spans.push(span(message)?),
            (10, Field::Varint(delta)) => negative.deltas.push(unzigzag(delta)),
            (12, Field::Bytes(message)) => positive.spans.push(span(message)?),
            (15, Field::Bytes(message)) => *created = Some(timestamp(message)?),
            (13, Field::Varint(delta)) => positive.deltas.push(unzigzag(delta)),
            _ => return Err(format!("field {number} in a histogram")),
        }
        Ok(())
    })?;
    let (count, sum) = histogram.count.zip(histogram.sum).ok_or("a histogram without a total")?;
    if let Some(native) = &mut histogram.native {
        (native.negative, native.positive) =
            (native_buckets(&negative)?, native_buckets(&positive)?);
        require((-4..=8).contains(&native.schema), "an unknown schema")?;
        require(native.zero_threshold > 0.0, "a native histogram that cannot be told from others")?;
        let counts = native.negative.iter().chain(&native.positive).map(|(_, count)| count);
        let total = native.zero_count + counts.sum::<u64>();
        require(total == count || sum.is_nan() && total < count, "a count unlike the buckets")?;
    }
    Ok(histogram)
}

fn native(histogram: &mut Histogram) -> &mut Native {
    histogram.native.get_or_insert_default()
}

/// The number and the count of each bucket that `buckets` tells of.
fn native_buckets(buckets: &Buckets) -> Result<Vec<(i64, u64)>, String> {
    let mut deltas = buckets.deltas.iter();
    let (mut next, mut count, mut all) = (0, 0, Vec::new());
    for (offset, length) in &buckets.spans {
        require(all.is_empty() || *offset >= 0, "spans that overlap")?;
        next += offset;
        for _ in 0..*length {
            count += deltas.next().ok_or("a span longer than its deltas")?;
            all.push((next, u64::try_from(count).map_err(|error| error.to_string())?));
            next += 1;
        }
    }
    require(deltas.next().is_none(), "more deltas than the spans have buckets")?;
    Ok(all)
}

fn span(message: &[u8]) -> Result<(i64, u64), String> {
    let mut span = (0, 0);
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Varint(offset)) => span.0 = unzigzag(offset),
            (2, Field::Varint(length)) => span.1 = length,
            _ => return Err(format!("field {number} in a span")),
        }
        Ok(())
    })?;
    Ok(span)
}

/// 0, -1, 1, -2, …
fn unzigzag(value: u64) -> i64 {
    let half = (value / 2).cast_signed();
    if value.is_multiple_of(2) { half } else { -half - 1 }
}

fn bucket(message: &[u8]) -> Result<(f64, u64, Option<Exemplar>), String> {
    let (mut bound, mut count, mut shown) = (None, None, None);
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Varint(value)) => count = Some(value),
            (2, Field::Double(value)) => bound = Some(value),
            (3, Field::Bytes(message)) => shown = Some(exemplar(message)?),
            _ => return Err(format!("field {number} in a bucket")),
        }
        Ok(())
    })?;
    let (bound, count) = bound.zip(count).ok_or("a bucket without its bound or count")?;
    Ok((bound, count, shown))
}

fn label(message: &[u8]) -> Result<(String, String), String> {
    let mut label = (String::new(), String::new());
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Bytes(text)) => label.0 = string(text)?,
            (2, Field::Bytes(text)) => label.1 = string(text)?,
            _ => return Err(format!("field {number} in a label")),
        }
        Ok(())
    })?;
    Ok(label)
}

fn exemplar(message: &[u8]) -> Result<Exemplar, String> {
    let mut exemplar = Exemplar::default();
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Bytes(message)) => exemplar.labels.push(label(message)?),
            (2, Field::Double(value)) => exemplar.value = value,
            (3, Field::Bytes(message)) => exemplar.timestamp = Some(timestamp(message)?),
            _ => return Err(format!("field {number} in an exemplar")),
        }
        Ok(())
    })?;
    Ok(exemplar)
}

fn timestamp(message: &[u8]) -> Result<(u64, u64), String> {
    let mut time = (0, 0);
    fields(message, |number, field| {
        match (number, field) {
            (1, Field::Varint(seconds)) => time.0 = seconds,
            (2, Field::Varint(nanos)) => time.1 = nanos,
            _ => return Err(format!("field {number} in a timestamp")),
        }
        Ok(())
    })?;
    Ok(time)
}

fn fields<'a>(
    message: &'a [u8],
    mut each: impl FnMut(u64, Field<'a>) -> Result<(), String>,
) -> Result<(), String> {
    let mut rest = message;
    while !rest.is_empty() {
        let (tag, after) = varint(rest)?;
        let (field, after) = match tag & 7 {
            0 => varint(after).map(|(value, after)| (Field::Varint(value), after))?,
            1 => {
                let (bytes, after) = split(after, 8)?;
                let bits = bytes.try_into().expect("eight bytes were split off");
                (Field::Double(f64::from_bits(u64::from_le_bytes(bits))), after)
            }
            2 => {
                let (len, after) = varint(after)?;
                split(after, len).map(|(bytes, after)| (Field::Bytes(bytes), after))?
            }
            wire => return Err(format!("wire type {wire}")),
        };
        each(tag >> 3, field)?;
        rest = after;
    }
    Ok(())
}

/// A number of at most ten groups of seven bits, and what follows.
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), String> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        require(index < 9 || *byte <= 1, "a varint above 64 bits")?;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err("a varint without an end".to_owned())
}

fn split(bytes: &[u8], len: u64) -> Result<(&[u8], &[u8]), String> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    bytes.split_at_checked(len).ok_or_else(|| format!("{len} bytes of {}", bytes.len()))
}

fn string(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())
}

fn require(holds: bool, reason: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason.to_owned()) }
}
