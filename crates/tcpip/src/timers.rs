//! When each socket wants to be looked at again.

use alloc::vec::Vec;

use iface_clock::Instant;

/// At most one point in time for each of many numbers, the earliest first: a binary heap that knows where each
/// number stands in it (Sedgewick, *Algorithms*, section 2.4: indexed priority queue).
#[derive(Debug, Default)]
pub struct Timers {
    heap: Vec<(Instant, u32)>,
    /// Where a number stands in the heap; [`ABSENT`] where it does not.
    places: Vec<u32>,
}

const ABSENT: u32 = u32::MAX;

impl Timers {
    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// The earliest point in time.
    pub fn earliest(&self) -> Option<Instant> {
        self.heap.first().map(|(at, _)| *at)
    }

    /// Has `number` come at `at`, or earlier where an earlier time stands already. A timer that is no longer needed
    /// may stand: it costs one look when it comes, which is less than to take it out for each packet.
    pub fn set(&mut self, number: u32, at: Instant) {
        let index = number as usize;
        if index >= self.places.len() {
            self.places.resize(index + 1, ABSENT);
        }
        match self.places[index] {
            ABSENT => {
                self.heap.push((at, number));
                self.rise(self.heap.len() - 1);
            }
            place if at < self.heap[place as usize].0 => {
                self.heap[place as usize].0 = at;
                self.rise(place as usize);
            }
            _ => {}
        }
    }

    /// Whether there is memory for a time of every number below `numbers`.
    pub fn reserve(&mut self, numbers: usize) -> bool {
        let (heap, places) =
            (numbers.saturating_sub(self.heap.len()), numbers.saturating_sub(self.places.len()));
        self.heap.try_reserve(heap).is_ok() && self.places.try_reserve(places).is_ok()
    }

    /// Forgets the time of `number`.
    pub fn clear(&mut self, number: u32) {
        let Some(&place) = self.places.get(number as usize).filter(|place| **place != ABSENT) else { return };
        self.take(place as usize);
    }

    /// Takes a number whose time has come.
    pub fn pop(&mut self, now: Instant) -> Option<u32> {
        self.earliest().filter(|at| *at <= now)?;
        Some(self.take(0))
    }

    fn take(&mut self, place: usize) -> u32 {
        let (_, number) = self.heap.swap_remove(place);
        self.places[number as usize] = ABSENT;
        if place < self.heap.len() {
            self.sink(place);
            self.rise(place);
        }
        number
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.heap[place].0 < self.heap[(place - 1) / 2].0 {
            self.heap.swap(place, (place - 1) / 2);
            self.note(place);
            place = (place - 1) / 2;
        }
        self.note(place);
    }

    fn sink(&mut self, mut place: usize) {
        while let Some(child) =
            self.earlier_child(place).filter(|child| self.heap[*child].0 < self.heap[place].0)
        {
            self.heap.swap(place, child);
            self.note(place);
            place = child;
        }
        self.note(place);
    }

    fn earlier_child(&self, place: usize) -> Option<usize> {
        let (left, right) = (2 * place + 1, 2 * place + 2);
        match (self.heap.get(left), self.heap.get(right)) {
            (Some(a), Some(b)) if b.0 < a.0 => Some(right),
            (Some(_), _) => Some(left),
            _ => None,
        }
    }

    fn note(&mut self, place: usize) {
        self.places[self.heap[place].1 as usize] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn behaves_as_a_sorted_map(steps in prop::collection::vec((0u8..3, 0u32..40, 0u64..1000), 0..300)) {
            let (mut timers, mut model) = (Timers::default(), BTreeMap::<u32, u64>::new());
            for (step, number, at) in steps {
                match step {
                    0 => {
                        timers.set(number, Instant::from_nanos(at));
                        model.entry(number).and_modify(|old| *old = at.min(*old)).or_insert(at);
                    }
                    1 => {
                        timers.clear(number);
                        model.remove(&number);
                    }
                    _ => {
                        let popped = timers.pop(Instant::from_nanos(at));
                        let earliest = model.values().min().copied().filter(|earliest| *earliest <= at);
                        prop_assert_eq!(popped.map(|popped| model[&popped]), earliest);
                        popped.map(|popped| model.remove(&popped));
                    }
                }
                prop_assert_eq!(timers.earliest().map(Instant::as_nanos), model.values().min().copied());
            }
        }
    }
}
