use core::time::Duration;

use iface_clock::Instant;

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(5);
/// A connection that lasted this much longer than the delay before it was a good one.
const GOOD: Duration = Duration::from_secs(1);

/// How long to wait before a backend is taken up again that left soon after it came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    /// When it was taken up last, and what was waited for then.
    last: Option<(Instant, Duration)>,
}

impl Backoff {
    /// When to take the backend up that offered itself `now`.
    pub(crate) fn taken_up(&mut self, now: Instant) -> Instant {
        let delay = match self.last {
            Some((at, delay)) if now.since(at) < delay + GOOD => (delay * 2).clamp(SHORTEST, LONGEST),
            _ => Duration::ZERO,
        };
        let when = now + delay;
        self.last = Some((when, delay));
        when
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flapping_backend_is_slowed_down_and_forgiven() {
        let mut backoff = Backoff::default();
        let mut now = Instant::START;
        let mut delays = [0; 12];
        for delay in &mut delays {
            let when = backoff.taken_up(now);
            *delay = when.since(now).as_millis();
            now = when + Duration::from_millis(1);
        }
        assert_eq!(delays, [0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000]);
        now = now + Duration::from_secs(6);
        assert_eq!(backoff.taken_up(now), now);
    }
}
