//! Measuring in turns (A B C A B C ...), so that what else the machine does falls on all alike.

use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long and how often.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Turns go on for this long,
    pub time: Duration,
    /// but there are this many at least.
    pub turns_min: usize,
}

impl Effort {
    pub const FULL: Effort = Effort { time: Duration::from_secs(4), turns_min: 15 };
    /// `--quick`: enough to see that everything works.
    pub const QUICK: Effort = Effort { time: Duration::from_millis(100), turns_min: 3 };

    /// What `measure` says of each of `count` contestants, turn by turn.
    pub fn take_turns(self, count: usize, mut measure: impl FnMut(usize) -> f64) -> Vec<Samples> {
        let mut values = vec![Vec::new(); count];
        let start = Instant::now();
        while values[0].len() < self.turns_min || start.elapsed() < self.time {
            values.iter_mut().enumerate().for_each(|(index, values)| values.push(measure(index)));
        }
        values.into_iter().map(Samples::new).collect()
    }
}

/// The values of one contestant, ascending.
pub struct Samples(Vec<f64>);

impl Samples {
    fn new(mut values: Vec<f64>) -> Samples {
        values.sort_unstable_by(f64::total_cmp);
        Samples(values)
    }

    pub fn percentile(&self, percent: usize) -> f64 {
        self.0[(self.0.len() - 1) * percent / 100]
    }

    /// The median, and where the middle half lies.
    pub fn cell(&self) -> String {
        let [low, middle, high] = [25, 50, 75].map(|percent| figure(self.percentile(percent)));
        format!("{middle} ({low}..{high})")
    }
}

/// Three digits that matter.
pub fn figure(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// A table in Markdown, its first column text and the others figures.
pub struct Table(String);

impl Table {
    pub fn new(title: &str, columns: &[String]) -> Table {
        let mut text = format!("\n### {title}\n\n| | {} |\n| --- |", columns.join(" | "));
        columns.iter().for_each(|_| text.push_str(" ---: |"));
        Table(text + "\n")
    }

    pub fn row(&mut self, name: &str, cells: &[String]) {
        writeln!(self.0, "| {name} | {} |", cells.join(" | ")).expect("a String takes everything");
    }

    pub fn print(self) {
        println!("{}", self.0.trim_end());
    }
}

/// The time that `work` takes, in nanoseconds divided by `per`.
pub fn nanos_per(per: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / per as f64
}
