use core::time::Duration;

use iface_clock::Instant;

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(5);
/// Attempts that begin this long after each other, or longer, have nothing to do with each other.
const APART: Duration = Duration::from_secs(60);

/// How long to wait before an attempt that comes soon after another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    /// When the last one began, and how long it waited before.
    last: Option<(Instant, Duration)>,
}

impl Backoff {
    /// How long an attempt that is to be made `now` has to wait.
    pub(crate) fn delay(&mut self, now: Instant) -> Duration {
        let delay = match self.last {
            Some((at, delay)) if now.since(at) < APART => (delay * 2).clamp(SHORTEST, LONGEST),
            _ => Duration::ZERO,
        };
        self.last = Some((now + delay, delay));
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_in_a_row_wait_longer_and_longer_until_there_is_a_quiet_minute() {
        let mut backoff = Backoff::default();
        let mut now = Instant::START;
        let mut delays = [0; 12];
        for delay in &mut delays {
            let waited = backoff.delay(now);
            *delay = waited.as_millis();
            now = now + waited + Duration::from_millis(1);
        }
        assert_eq!(delays, [0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000]);
        now = now + APART;
        assert_eq!(backoff.delay(now), Duration::ZERO);
        assert_eq!(backoff.delay(now + Duration::from_millis(59_999)), SHORTEST);
    }
}
