//! Which slots of a circle of memory are in use.

/// Slots of which neighbours are taken together and freed in the order in which they were taken, whatever the order in
/// which their users are done with them.
pub(crate) struct Circle<const SIZE: usize> {
    /// For each slot what begins there.
    runs: [Run; SIZE],
    /// Where the next run begins, if it fits before the end.
    next: usize,
    /// The oldest run in use.
    oldest: usize,
    /// Slots in use, all from the oldest to the next.
    used: usize,
    /// Runs with the device.
    lent: u16,
}

/// Neighbouring slots.
#[derive(Clone, Copy)]
struct Run {
    slots: u16,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// None begins here.
    Free,
    /// The device has it.
    Lent,
    /// The device is done with it, or nobody ever had it.
    Done,
}

impl<const SIZE: usize> Circle<SIZE> {
    /// All of it free.
    pub(crate) const fn new() -> Self {
        Self { runs: [Run { slots: 0, state: State::Free }; SIZE], next: 0, oldest: 0, used: 0, lent: 0 }
    }

    /// Whether so many neighbours are free.
    #[inline]
    pub(crate) fn has_room(&self, slots: usize) -> bool {
        self.skipped(slots) + slots + self.used <= SIZE
    }

    /// Lends so many neighbours to the device: the first of them, or `None` where so many are not free.
    #[inline]
    pub(crate) fn lend(&mut self, slots: usize) -> Option<u16> {
        if slots == 0 || !self.has_room(slots) {
            return None;
        }
        if self.used == 0 {
            (self.next, self.oldest) = (0, 0);
        }
        let skipped = self.skipped(slots);
        if skipped > 0 {
            self.take(skipped, State::Done);
        }
        self.lent += 1;
        Some(self.take(slots, State::Lent))
    }

    /// The device is done with the run that begins at `slot`; false where it has none there.
    #[inline]
    pub(crate) fn finish(&mut self, slot: u32) -> bool {
        let Some(run) = self.runs.get_mut(slot as usize).filter(|run| run.state == State::Lent) else {
            return false;
        };
        run.state = State::Done;
        self.lent -= 1;
        while let Run { slots, state: State::Done } = self.runs[self.oldest] {
            self.runs[self.oldest].state = State::Free;
            self.used -= usize::from(slots);
            self.oldest = (self.oldest + usize::from(slots)) % SIZE;
        }
        true
    }

    /// How many runs the device has.
    #[inline]
    pub(crate) fn lent(&self) -> u16 {
        self.lent
    }

    /// Slots up to the end that are left out, so that `slots` neighbours begin anew at the beginning.
    #[inline]
    fn skipped(&self, slots: usize) -> usize {
        let rest = SIZE - self.next;
        if self.used == 0 || slots <= rest { 0 } else { rest }
    }

    /// Takes the next slots.
    #[inline]
    fn take(&mut self, slots: usize, state: State) -> u16 {
        let begin = self.next;
        self.runs[begin] = Run { slots: slots as u16, state };
        self.used += slots;
        self.next = (begin + slots) % SIZE;
        begin as u16
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    const SIZE: usize = 16;

    #[test]
    fn all_of_an_empty_circle_can_be_had_wherever_it_stopped() {
        let mut circle = Circle::<SIZE>::new();
        for first in 1..=SIZE {
            let slot = circle.lend(first).unwrap();
            assert!(circle.finish(slot.into()));
            assert_eq!(circle.lend(SIZE), Some(0), "after {first}");
            assert!(!circle.has_room(1) && circle.finish(0));
        }
        assert_eq!((circle.lend(SIZE + 1), circle.lend(0)), (None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

        #[test]
        fn runs_never_overlap_and_come_free_again(
            steps in prop::collection::vec((any::<bool>(), 1..=SIZE, any::<prop::sample::Index>()), 1..200),
        ) {
            let mut circle = Circle::<SIZE>::new();
            let mut lent: Vec<(usize, usize)> = Vec::new();
            for (lends, slots, which) in steps {
                if lends {
                    let room = circle.has_room(slots);
                    let begin = circle.lend(slots).map(usize::from);
                    prop_assert_eq!(begin.is_some(), room);
                    if let Some(begin) = begin {
                        prop_assert!(begin + slots <= SIZE);
                        prop_assert!(lent.iter().all(|(other, long)| begin + slots <= *other || other + long <= begin));
                        lent.push((begin, slots));
                    }
                } else if !lent.is_empty() {
                    let (begin, _) = lent.swap_remove(which.index(lent.len()));
                    prop_assert!(circle.finish(begin as u32));
                    prop_assert!(!circle.finish(begin as u32), "it is done with");
                }
                prop_assert_eq!(usize::from(circle.lent()), lent.len());
                let begins = vec![u32::MAX, SIZE as u32];
                prop_assert!(begins.into_iter().all(|slot| !circle.finish(slot)));
            }
            for (begin, _) in lent.drain(..) {
                prop_assert!(circle.finish(begin as u32));
            }
            prop_assert!(circle.has_room(SIZE));
        }
    }
}
