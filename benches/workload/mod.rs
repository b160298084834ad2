//! W(N): about N lines like those of a real service, for all benches.
//!
//! 60 % counters in 10 families, 20 % gauges (every second one a float with nine decimals), 20 %
//! histogram lines, all with five labels; a line is 138 bytes long on average, its value included.

use promlet::{Buckets, Counter, Dynamic, Family, Gauge, Histogram, Instrument, Registry};

const COUNTER_FAMILIES: usize = 10;
const GAUGE_FAMILIES: usize = 4;
/// Eleven bounds: twelve buckets, a sum and a count.
const LINES_PER_HISTOGRAM: usize = 14;

const LABELS: [&str; 5] = ["instance_id", "method", "region", "route", "status"];

/// A registry with its handles.
pub struct Workload {
    pub registry: Registry,
    pub counters: Vec<Counter>,
    pub gauges: Vec<Gauge>,
    pub histograms: Vec<Histogram>,
    random: Random,
}

/// The label values of series `number` of a family.
fn label_values(number: usize) -> [String; 5] {
    const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
    const REGIONS: [&str; 3] = ["eu-central-1", "us-east-1", "ap-south-2"];
    const STATUSES: [&str; 5] = ["200", "201", "404", "500", "503"];
    [
        format!("i-{:08x}", number as u32 / 60 * 2_654_435 + 77),
        METHODS[number % 4].into(),
        REGIONS[number / 20 % 3].into(),
        format!("/api/v1/resources/{}", number / 240),
        STATUSES[number / 4 % 5].into(),
    ]
}

fn series<M: Instrument>(family: &Family<Dynamic, M>, count: usize) -> Vec<M> {
    let handle = |number| {
        let values = label_values(number);
        family.get_or_create(&values.each_ref().map(String::as_str))
    };
    (0..count).map(handle).collect()
}

impl Workload {
    /// A workload of about `lines` lines, all of them with values.
    pub fn new(lines: usize) -> Workload {
        let registry = Registry::new();
        let mut counters = Vec::new();
        for family in 0..COUNTER_FAMILIES {
            let name = format!("shop_http_requests_{family}_total");
            let help = format!("Requests of kind {family} that the shop has answered.");
            let family = registry.family_builder(name, help).register_dynamic(&LABELS, ());
            let family = family.expect("the workload's names are legal");
            counters.extend(series(&family, lines * 6 / 10 / COUNTER_FAMILIES));
        }
        let mut gauges = Vec::new();
        for family in 0..GAUGE_FAMILIES {
            let name = format!("shop_pool_{family}_utilisation_ratio");
            let help = format!("How much of pool {family} is in use.");
            let family = registry.family_builder(name, help).register_dynamic(&LABELS, ());
            let family = family.expect("the workload's names are legal");
            gauges.extend(series(&family, lines * 2 / 10 / GAUGE_FAMILIES));
        }
        let histograms = registry
            .family_builder("shop_http_request_duration_seconds", "Time to answer a request.")
            .register_dynamic(&LABELS, Buckets::default())
            .expect("the workload's names are legal");
        let histograms = series(&histograms, (lines * 2 / 10 / LINES_PER_HISTOGRAM).max(1));
        let mut workload = Workload { registry, counters, gauges, histograms, random: Random(42) };
        workload.set_all();
        workload
    }

    /// Changes a tenth of the values, as between two scrapes.
    pub fn advance(&mut self) {
        for _ in 0..self.counters.len() / 10 {
            let index = self.random.index(self.counters.len());
            self.counters[index].inc_by(self.random.below(100));
        }
        for _ in 0..self.gauges.len() / 10 {
            let index = self.random.index(self.gauges.len());
            self.set_gauge(index);
        }
        for _ in 0..self.histograms.len().div_ceil(10) {
            let index = self.random.index(self.histograms.len());
            self.histograms[index].observe(self.random.below(12_000) as f64 / 1000.0);
        }
    }

    fn set_all(&mut self) {
        for index in 0..self.counters.len() {
            // Two to eight digits, all lengths alike.
            let digits = 1 + self.random.below(7) as u32;
            let value = 10_u64.pow(digits) + self.random.below(9 * 10_u64.pow(digits));
            self.counters[index].inc_by(value);
        }
        for index in 0..self.gauges.len() {
            self.set_gauge(index);
        }
        for index in 0..self.histograms.len() {
            for _ in 0..50 {
                self.histograms[index].observe(self.random.below(12_000) as f64 / 1000.0);
            }
        }
    }

    fn set_gauge(&mut self, index: usize) {
        let whole = self.random.below(100_000) as f64;
        let value = if index.is_multiple_of(2) {
            whole
        } else {
            self.random.below(1_000_000_000) as f64 / 1_000_000_000.0
        };
        self.gauges[index].set(value);
    }
}

/// xorshift64*, by G. Marsaglia and S. Vigna: the same workload in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % limit
    }

    fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }
}
