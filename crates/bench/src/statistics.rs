//! What several rounds of one measurement say.

use serde::{Deserialize, Serialize};

/// The values of one figure, in the order of the rounds; one or more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Told", try_from = "Kept")]
pub struct Sample(Vec<f64>);

/// A sample with what is derived from it, for who reads the results.
#[derive(Serialize)]
struct Told {
    median: f64,
    spread: f64,
    rounds: Vec<f64>,
}

impl From<Sample> for Told {
    fn from(sample: Sample) -> Self {
        Self { median: sample.median(), spread: sample.spread(), rounds: sample.0 }
    }
}

/// What a sample is made of.
#[derive(Deserialize)]
struct Kept {
    rounds: Vec<f64>,
}

impl TryFrom<Kept> for Sample {
    type Error = &'static str;

    fn try_from(kept: Kept) -> Result<Self, Self::Error> {
        Self::new(kept.rounds).ok_or("a figure has no rounds")
    }
}

impl Sample {
    /// `None` where there is no value, or one that is no number.
    pub fn new(values: Vec<f64>) -> Option<Self> {
        (!values.is_empty() && values.iter().all(|value| value.is_finite())).then_some(Self(values))
    }

    /// What was not measured but read off, such as a file's length.
    pub fn exact(value: u64) -> Self {
        Self(vec![value as f64])
    }

    /// The middle value, or the mean of the two in the middle.
    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    /// Largest less smallest value, as a part of the median, or of the mean where that is 0; 0 where all are equal.
    pub fn spread(&self) -> f64 {
        let smallest = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let middle = if self.median() == 0.0 { self.mean() } else { self.median() };
        if largest == smallest { 0.0 } else { (largest - smallest) / middle }
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// This divided by the other. Where both have as many rounds these were interleaved, and the ratio is the median of
    /// the rounds' own: what slows the whole machine for a while slows both.
    pub fn over(&self, other: &Self) -> f64 {
        if self.0.len() == other.0.len() {
            let ratios: Vec<f64> = self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect();
            median(&ratios)
        } else {
            self.median() / other.median()
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values.to_vec()).unwrap()
    }

    #[test]
    fn the_median_is_the_middle_in_any_order() {
        assert_eq!(sample(&[9.0, 1.0, 5.0]).median(), 5.0);
        assert_eq!(sample(&[4.0, 1.0, 9.0, 2.0]).median(), 3.0);
        assert_eq!(sample(&[7.0]).median(), 7.0);
    }

    #[test]
    fn one_round_that_went_wrong_moves_the_spread_and_not_the_median() {
        let calm = sample(&[100.0, 101.0, 99.0, 100.0, 100.0]);
        let disturbed = sample(&[100.0, 101.0, 99.0, 100.0, 900.0]);
        assert_eq!(calm.median(), disturbed.median());
        assert_eq!((calm.spread(), disturbed.spread()), (0.02, 8.01));
    }

    #[test]
    fn equal_values_have_no_spread_even_where_all_are_zero() {
        assert_eq!(sample(&[3.0, 3.0]).spread(), 0.0);
        assert_eq!(sample(&[0.0]).spread(), 0.0);
    }

    #[test]
    fn what_is_mostly_nothing_has_a_spread_that_is_a_number() {
        assert_eq!(sample(&[0.0, 0.0, 3.0]).spread(), 3.0);
    }

    #[test]
    fn a_slow_phase_of_the_machine_leaves_the_ratio_of_interleaved_rounds() {
        let (ours, other) = (sample(&[200.0, 100.0, 20.0, 200.0]), sample(&[100.0, 50.0, 10.0, 100.0]));
        assert_eq!(ours.over(&other), 2.0);
    }

    #[test]
    fn rounds_that_do_not_pair_are_compared_by_their_medians() {
        assert_eq!(sample(&[10.0, 30.0, 20.0]).over(&sample(&[5.0])), 4.0);
    }

    #[test]
    fn nothing_and_no_number_are_no_sample() {
        assert_eq!(Sample::new(vec![]), None);
        assert_eq!(Sample::new(vec![1.0, f64::NAN]), None);
        assert_eq!(Sample::new(vec![f64::INFINITY]), None);
    }
}
