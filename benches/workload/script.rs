//! What W(N) is made of and how its values change, whatever library counts them.
//!
//! 60 % counters in 10 families, 20 % gauges (every second one a float with nine decimals), 20 %
//! histogram lines, all with five labels; a line is 138 bytes long on average, its value included.

pub const COUNTER_FAMILIES: usize = 10;
pub const GAUGE_FAMILIES: usize = 4;
/// Eleven bounds: twelve buckets, a sum and a count.
pub const LINES_PER_HISTOGRAM: usize = 14;

pub const LABELS: [&str; 5] = ["instance_id", "method", "region", "route", "status"];

/// A family's name and HELP text.
pub type Named = (String, String);

/// Names, numbers of series, and the sequence of updates.
pub struct Script {
    /// Series of each family of counters.
    pub counters: usize,
    /// Series of each family of gauges.
    pub gauges: usize,
    /// Series of the family of histograms.
    pub histograms: usize,
    random: Random,
}

/// A change of one value. Series are counted over all families of their kind.
#[derive(Clone, Copy)]
pub enum Update {
    Count { counter: usize, by: u64 },
    Set { gauge: usize, to: f64 },
    Observe { histogram: usize, value: f64 },
}

impl Script {
    /// About `lines` lines.
    pub fn new(lines: usize) -> Script {
        Script {
            counters: lines * 6 / 10 / COUNTER_FAMILIES,
            gauges: lines * 2 / 10 / GAUGE_FAMILIES,
            histograms: (lines * 2 / 10 / LINES_PER_HISTOGRAM).max(1),
            random: Random(42),
        }
    }

    pub fn counter_family(family: usize) -> Named {
        let help = format!("Requests of kind {family} that the shop has answered.");
        (format!("shop_http_requests_{family}_total"), help)
    }

    pub fn gauge_family(family: usize) -> Named {
        let help = format!("How much of pool {family} is in use.");
        (format!("shop_pool_{family}_utilisation_ratio"), help)
    }

    pub fn histogram_family() -> Named {
        ("shop_http_request_duration_seconds".into(), "Time to answer a request.".into())
    }

    /// The label values of series `number` of a family, in the order of [`LABELS`].
    pub fn label_values(number: usize) -> [String; 5] {
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

    /// Gives every series its first value.
    pub fn begin(&mut self, mut apply: impl FnMut(Update)) {
        for counter in 0..self.all_counters() {
            // Two to eight digits, all lengths alike.
            let digits = 1 + self.random.below(7) as u32;
            let by = 10_u64.pow(digits) + self.random.below(9 * 10_u64.pow(digits));
            apply(Update::Count { counter, by });
        }
        for gauge in 0..self.all_gauges() {
            apply(self.set(gauge));
        }
        for histogram in 0..self.histograms {
            for _ in 0..50 {
                apply(self.observe(histogram));
            }
        }
    }

    /// Changes a tenth of the values, as between two scrapes.
    #[allow(dead_code, reason = "not every bench changes values")]
    pub fn advance(&mut self, mut apply: impl FnMut(Update)) {
        for _ in 0..self.all_counters() / 10 {
            let counter = self.random.index(self.all_counters());
            apply(Update::Count { counter, by: self.random.below(100) });
        }
        for _ in 0..self.all_gauges() / 10 {
            let gauge = self.random.index(self.all_gauges());
            apply(self.set(gauge));
        }
        for _ in 0..self.histograms.div_ceil(10) {
            let histogram = self.random.index(self.histograms);
            apply(self.observe(histogram));
        }
    }

    fn all_counters(&self) -> usize {
        self.counters * COUNTER_FAMILIES
    }

    fn all_gauges(&self) -> usize {
        self.gauges * GAUGE_FAMILIES
    }

    fn set(&mut self, gauge: usize) -> Update {
        let whole = self.random.below(100_000) as f64;
        let to = if gauge.is_multiple_of(2) {
            whole
        } else {
            self.random.below(1_000_000_000) as f64 / 1_000_000_000.0
        };
        Update::Set { gauge, to }
    }

    fn observe(&mut self, histogram: usize) -> Update {
        Update::Observe { histogram, value: self.random.below(12_000) as f64 / 1000.0 }
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
