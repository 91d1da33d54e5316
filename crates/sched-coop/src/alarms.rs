//! Deadlines of threads.

use alloc::{collections::BinaryHeap, vec::Vec};
use core::cmp::Reverse;

use iface_clock::Instant;

/// Number of an alarm, counted up; 0 is none.
type Number = u64;

/// Deadlines by time, equal ones in the order in which they were set; each thread has at most one.
///
/// Cancelling forgets an alarm where it is; what was forgotten is cleared away when it comes first or outnumbers the
/// rest, so that both take constant time on average.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    heap: BinaryHeap<Reverse<(Instant, Number, usize)>>,
    /// By thread, the alarm that is set.
    set: Vec<Number>,
    live: usize,
    last: Number,
}

impl Alarms {
    /// Sets the alarm of `thread`, which has none now.
    pub(crate) fn set(&mut self, thread: usize, at: Instant) {
        if self.set.len() <= thread {
            self.set.resize(thread + 1, 0);
        }
        self.last += 1;
        self.set[thread] = self.last;
        self.live += 1;
        self.heap.push(Reverse((at, self.last, thread)));
    }

    /// Forgets the alarm of `thread`, if it has one.
    pub(crate) fn cancel(&mut self, thread: usize) {
        if let Some(number @ 1..) = self.set.get_mut(thread) {
            *number = 0;
            self.live -= 1;
            if self.heap.len() > 2 * self.live + 16 {
                let set = &self.set;
                self.heap.retain(|Reverse((_, number, thread))| set[*thread] == *number);
            }
        }
    }

    /// When the first alarm goes off.
    pub(crate) fn first(&mut self) -> Option<Instant> {
        while let Some(Reverse((at, number, thread))) = self.heap.peek() {
            if self.set[*thread] == *number {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the first alarm that is due, and says whose it was.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<usize> {
        if self.first()? > now {
            return None;
        }
        let Reverse((_, _, thread)) = self.heap.pop()?;
        self.set[thread] = 0;
        self.live -= 1;
        Some(thread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanoseconds: u64) -> Instant {
        Instant::from_nanos(nanoseconds)
    }

    #[test]
    fn earliest_first_then_in_order() {
        let mut alarms = Alarms::default();
        for (thread, time) in [(3, 20), (1, 10), (0, 20), (2, 30)] {
            alarms.set(thread, at(time));
        }
        assert_eq!(alarms.first(), Some(at(10)));
        assert_eq!(alarms.take_due(at(9)), None);
        assert_eq!([(); 4].map(|()| alarms.take_due(at(20))), [Some(1), Some(3), Some(0), None]);
    }

    #[test]
    fn cancelled_alarms_do_not_pile_up() {
        let mut alarms = Alarms::default();
        alarms.set(0, at(1_000_000));
        for time in 0..10_000 {
            alarms.set(1, at(2_000_000 + time));
            alarms.cancel(1);
            assert!(alarms.heap.len() < 32);
        }
        alarms.cancel(1);
        assert_eq!(alarms.first(), Some(at(1_000_000)));
        assert_eq!(alarms.take_due(at(3_000_000)), Some(0));
        assert_eq!(alarms.take_due(at(3_000_000)), None);
    }
}
