//! The parts of memory that are free: a range without its holes.

use core::ops::Range;

use x86_64::paging::PAGE_SIZE;

/// The whole pages of `range` that no hole touches, lowest first.
#[derive(Clone, Debug)]
pub struct Pieces<H> {
    rest: Range<u64>,
    holes: H,
}

impl<H: Iterator<Item = Range<u64>> + Clone> Pieces<H> {
    /// `holes` may come in any order, and overlap.
    pub fn new(range: Range<u64>, holes: H) -> Self {
        let start = range.start.checked_next_multiple_of(PAGE_SIZE).unwrap_or(range.end);
        Self { rest: start..range.end & !(PAGE_SIZE - 1), holes: holes.clone() }
    }

    /// The holes that are not empty, as whole pages.
    fn holes(&self) -> impl Iterator<Item = Range<u64>> + use<H> {
        self.holes.clone().filter(|hole| !hole.is_empty()).map(|hole| {
            let end = hole.end.checked_next_multiple_of(PAGE_SIZE).unwrap_or(u64::MAX);
            hole.start & !(PAGE_SIZE - 1)..end
        })
    }
}

impl<H: Iterator<Item = Range<u64>> + Clone> Iterator for Pieces<H> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        while !self.rest.is_empty() {
            let start = self.rest.start;
            let mut end = self.rest.end;
            for hole in self.holes() {
                if hole.contains(&self.rest.start) {
                    self.rest.start = hole.end;
                } else if hole.start > start {
                    end = end.min(hole.start);
                }
            }
            if self.rest.start == start {
                self.rest.start = end;
                return Some(start..end);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::Pieces;

    #[test]
    fn holes_are_cut_out_as_whole_pages() {
        let holes = [0x2800..0x2801, 0x5000..0x6000, 0x5800..0x7001, 0x9000..0x9000];
        let pieces: Vec<_> = Pieces::new(0x1001..0xafff, holes.into_iter()).collect();
        assert_eq!(pieces, [0x3000..0x5000, 0x8000..0xa000]);
    }

    #[test]
    fn the_end_of_the_address_space_is_no_danger() {
        assert_eq!(Pieces::new(u64::MAX - 5..u64::MAX, core::iter::empty()).next(), None);
        let mut pieces = Pieces::new(0x1000..u64::MAX, core::iter::once(0x2000..u64::MAX));
        assert_eq!(pieces.next(), Some(0x1000..0x2000));
        assert_eq!(pieces.next(), None);
    }

    proptest! {
        #[test]
        fn every_page_is_free_or_in_a_hole(
            start in 0u64..40000, length in 0u64..80000,
            holes in prop::collection::vec((0u64..120_000, 0u64..20000), 0..8),
        ) {
            let holes: Vec<_> = holes.into_iter().map(|(start, length)| start..start + length).collect();
            let pieces: Vec<_> = Pieces::new(start..start + length, holes.iter().cloned()).collect();
            for page in (0..130_000u64).step_by(4096) {
                let whole = start <= page && page + 4096 <= start + length;
                let touched = holes.iter().any(|hole| !hole.is_empty() && hole.start < page + 4096 && page < hole.end);
                let free = pieces.iter().filter(|piece| piece.contains(&page)).count();
                prop_assert_eq!(free, usize::from(whole && !touched), "page {:#x} of {:?}", page, &pieces);
            }
        }
    }
}
