//! What is measured now, and how long it still takes.

use std::time::{Duration, Instant};

/// Steps of a known length each.
pub struct Progress {
    steps: usize,
    begun: usize,
    /// What the steps that have not begun were thought to take.
    left: Duration,
    /// What those that are over were thought to take, and when the first began.
    thought: Duration,
    first: Option<Instant>,
    current: Duration,
}

impl Progress {
    pub fn new(steps: &[Duration]) -> Self {
        Self {
            steps: steps.len(),
            begun: 0,
            left: steps.iter().sum(),
            thought: Duration::ZERO,
            first: None,
            current: Duration::ZERO,
        }
    }

    /// A step begins.
    pub fn begin(&mut self, what: &str, thought: Duration) {
        self.thought += self.current;
        self.current = thought;
        let elapsed = self.first.get_or_insert_with(Instant::now).elapsed();
        self.begun += 1;
        let minutes = in_minutes(estimate(self.left, self.thought, elapsed));
        eprintln!("bench: {} of {}: {what} (about {minutes} left)", self.begun, self.steps);
        self.left = self.left.saturating_sub(thought);
    }
}

/// What is left, on a machine that took `elapsed` for what was thought to take `thought`: never sooner than thought.
fn estimate(left: Duration, thought: Duration, elapsed: Duration) -> Duration {
    if thought.is_zero() {
        left
    } else {
        left.mul_f64((elapsed.as_secs_f64() / thought.as_secs_f64()).max(1.0))
    }
}

fn in_minutes(duration: Duration) -> String {
    match duration.as_secs().div_ceil(60) {
        0 | 1 => "a minute".into(),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_slow_machine_makes_the_rest_longer() {
        assert_eq!(estimate(seconds(100), seconds(0), seconds(0)), seconds(100));
        assert_eq!(estimate(seconds(100), seconds(10), seconds(30)), seconds(300));
        assert_eq!(estimate(seconds(100), seconds(10), seconds(5)), seconds(100));
    }

    #[test]
    fn times_are_told_in_minutes() {
        assert_eq!(in_minutes(seconds(59)), "a minute");
        assert_eq!(in_minutes(seconds(61)), "2 minutes");
    }
}
