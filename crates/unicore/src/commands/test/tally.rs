//! Counts verdicts and writes a line for each.

/// How many tests went which way.
#[derive(Default)]
pub(super) struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Tally {
    pub(super) fn passed(&mut self, name: &str) {
        self.passed += 1;
        println!("ok      {name}");
    }

    pub(super) fn failed(&mut self, name: &str, why: &str) {
        self.failed += 1;
        println!("FAILED  {name}: {why}");
    }

    pub(super) fn skipped(&mut self, name: &str, why: &str) {
        self.skipped += 1;
        println!("skipped {name}: {why}");
    }

    pub(super) fn all_passed(&self) -> bool {
        self.failed == 0
    }

    /// `7 passed, 1 failed`, and the skipped ones where there are any.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("{} passed, {} failed", self.passed, self.failed);
        if self.skipped > 0 {
            text += &format!(", {} skipped", self.skipped);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_ones_are_told_where_there_are_any() {
        let mut tally = Tally::default();
        tally.passed("a");
        assert_eq!(tally.summary(), "1 passed, 0 failed");
        tally.failed("b", "why");
        tally.skipped("c", "why");
        assert_eq!(tally.summary(), "1 passed, 1 failed, 1 skipped");
        assert!(!tally.all_passed());
    }
}
