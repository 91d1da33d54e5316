//! Which pages were found to be usable a short time ago.

use core::cell::Cell;
use core::ops::Range;

use super::PAGE_SIZE;

/// Most pages that are remembered; a power of two.
const PAGES: usize = 64;
/// Beside a page's address: that it can be written is not known.
const READ: u64 = 1;
/// No page's address.
const NOTHING: u64 = u64::MAX;

/// Pages that can be read, or read and written, as the processor's own cache of page tables has them. It holds for as
/// long as that one: whoever has the processor forget pages has this forget them, too.
#[derive(Debug)]
pub struct Seen([Cell<u64>; PAGES]);

impl Default for Seen {
    fn default() -> Self {
        Self::new()
    }
}

impl Seen {
    /// No pages.
    pub const fn new() -> Self {
        Self([const { Cell::new(NOTHING) }; PAGES])
    }

    /// Whether all of `range` is known to be readable, and writable where `write` says so.
    pub fn knows(&self, range: &Range<u64>, write: bool) -> bool {
        let page = page_of(range.start);
        let seen = self.slot(page).get() & !(READ * u64::from(!write));
        seen == page && page_of(range.end.wrapping_sub(1)) == page
    }

    /// Remembers that `range` was found to be readable, or writable, where it is within one page.
    pub fn note(&self, range: &Range<u64>, write: bool) {
        let page = page_of(range.start);
        if !range.is_empty() && page_of(range.end - 1) == page {
            self.slot(page).set(if write { page } else { page | READ });
        }
    }

    /// Forgets all.
    pub fn forget(&self) {
        self.0.iter().for_each(|page| page.set(NOTHING));
    }

    fn slot(&self, page: u64) -> &Cell<u64> {
        &self.0[(page / PAGE_SIZE) as usize % PAGES]
    }
}

/// The page that an address is in.
const fn page_of(address: u64) -> u64 {
    address & !(PAGE_SIZE - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against all that was ever noted: nothing is known that was not noted as such since the last time of forgetting.
        #[test]
        fn what_is_known_was_noted(
            steps in prop::collection::vec((0u64..300, 0u64..4096, 1u64..6000, any::<bool>(), 0..20), 1..100),
        ) {
            let seen = Seen::new();
            let mut noted = [(false, false); 300];
            for (page, offset, length, write, what) in steps {
                let range = page * PAGE_SIZE + offset..page * PAGE_SIZE + offset + length;
                let (reads, writes) = noted[page as usize];
                let within = offset + length <= PAGE_SIZE;
                let known = seen.knows(&range, write);
                let usable = writes || (reads && !write);
                prop_assert!(!known || (within && usable), "{:?}", range);
                match what {
                    0 => {
                        seen.forget();
                        noted.fill((false, false));
                    }
                    1..10 => {
                        seen.note(&range, write);
                        prop_assert_eq!(seen.knows(&range, write), within);
                        prop_assert!(!within || seen.knows(&range, false));
                        if within {
                            noted[page as usize] = (reads || !write, writes || write);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn neither_nothing_nor_everything_is_known_at_first() {
        let seen = Seen::new();
        for range in [0..1, 0..0, 0..u64::MAX, u64::MAX - 1..u64::MAX] {
            assert!(!seen.knows(&range, false) && !seen.knows(&range, true), "{range:?}");
        }
    }

    #[test]
    fn pages_of_one_slot_take_turns() {
        let seen = Seen::new();
        let (one, other) = (0..8, PAGES as u64 * PAGE_SIZE..PAGES as u64 * PAGE_SIZE + 8);
        seen.note(&one, true);
        assert!(seen.knows(&one, true) && !seen.knows(&other, false));
        seen.note(&other, false);
        assert!(seen.knows(&other, false) && !seen.knows(&other, true) && !seen.knows(&one, false));
    }
}
