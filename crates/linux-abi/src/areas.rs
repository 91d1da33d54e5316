//! Which addresses of the window are in use, and for what: ranges of pages that do not overlap.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

/// Ranges of addresses, each with what is there. Neighbours with equal contents are one range.
#[derive(Debug, Default)]
pub(crate) struct Areas<T> {
    /// By where each begins: where it ends, and what is there.
    areas: BTreeMap<usize, (usize, T)>,
}

impl<T: Clone + PartialEq> Areas<T> {
    pub const fn new() -> Self {
        Self { areas: BTreeMap::new() }
    }

    /// The pieces of `range` that are in use, lowest first.
    pub fn within(&self, range: Range<usize>) -> Vec<(Range<usize>, T)> {
        let first = self.areas.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let areas = self.areas.range(first..range.end.max(first));
        areas
            .map(|(start, (end, what))| ((*start).max(range.start)..(*end).min(range.end), what.clone()))
            .filter(|(piece, _)| !piece.is_empty())
            .collect()
    }

    /// All of the range that `place` is in.
    pub fn whole(&self, place: usize) -> Option<Range<usize>> {
        let (start, (end, _)) = self.areas.range(..=place).next_back()?;
        (place < *end).then_some(*start..*end)
    }

    /// Whether nothing is in use.
    pub fn is_empty(&self) -> bool {
        self.areas.is_empty()
    }

    /// Whether all of `range` is in use.
    pub fn covers(&self, range: Range<usize>) -> bool {
        let pieces = self.within(range.clone());
        let end = pieces
            .iter()
            .try_fold(range.start, |reached, (piece, _)| (piece.start == reached).then_some(piece.end));
        end == Some(range.end)
    }

    /// Has `what` in `range`, instead of what was there.
    pub fn set(&mut self, range: Range<usize>, what: T) {
        self.clear(range.clone());
        let mut merged = range;
        if let Some((start, (end, before))) = self.areas.range(..merged.start).next_back()
            && *end == merged.start
            && *before == what
        {
            merged.start = *start;
        }
        if let Some((end, after)) = self.areas.get(&merged.end)
            && *after == what
        {
            let end = *end;
            self.areas.remove(&merged.end);
            merged.end = end;
        }
        self.areas.insert(merged.start, (merged.end, what));
    }

    /// Has nothing in `range`.
    pub fn clear(&mut self, range: Range<usize>) {
        for (piece, what) in self.within(range) {
            let (&start, &(end, _)) =
                self.areas.range(..=piece.start).next_back().expect("the piece is of an area");
            self.areas.remove(&start);
            if start < piece.start {
                self.areas.insert(start, (piece.start, what.clone()));
            }
            if piece.end < end {
                self.areas.insert(piece.end, (end, what));
            }
        }
    }

    /// The highest place of `length` free bytes within `window`.
    pub fn find(&self, window: Range<usize>, length: usize) -> Option<usize> {
        let mut end = window.end;
        for (start, (area_end, _)) in self.areas.range(..window.end).rev() {
            if end.saturating_sub((*area_end).max(window.start)) >= length {
                break;
            }
            end = end.min(*start);
        }
        end.checked_sub(length).filter(|start| *start >= window.start)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const WINDOW: Range<usize> = 10..60;

    fn covered(model: &BTreeMap<usize, u8>, range: Range<usize>) -> bool {
        range.into_iter().all(|page| model.contains_key(&page))
    }

    proptest! {
        /// Against a map from each address to what is there.
        #[test]
        fn every_address_has_what_was_set_last(
            changes in prop::collection::vec((10usize..60, 1usize..20, prop::option::of(0u8..3)), 1..40),
            asked in (10usize..60, 1usize..30),
        ) {
            let (mut areas, mut model) = (Areas::new(), BTreeMap::new());
            for (start, length, what) in changes {
                let range = start..(start + length).min(WINDOW.end);
                match what {
                    Some(what) => {
                        model.extend(range.clone().map(|address| (address, what)));
                        areas.set(range, what);
                    }
                    None => {
                        range.clone().for_each(|address| { model.remove(&address); });
                        areas.clear(range);
                    }
                }
            }
            let range = asked.0..(asked.0 + asked.1).min(WINDOW.end);
            let listed: BTreeMap<usize, u8> = areas
                .within(range.clone())
                .into_iter()
                .flat_map(|(piece, what)| piece.map(move |address| (address, what)))
                .collect();
            let expected: BTreeMap<usize, u8> = model.range(range.clone()).map(|(at, what)| (*at, *what)).collect();
            prop_assert_eq!(listed, expected);
            prop_assert_eq!(areas.covers(range.clone()), covered(&model, range));
            // Neighbours are merged.
            let pieces = areas.within(0..100);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].0.end < pair[1].0.start || pair[0].1 != pair[1].1));
            // The place found is free, and there is none above it.
            let fits = |start: usize| start >= WINDOW.start && (start..start + asked.1).all(|at| at < WINDOW.end && !model.contains_key(&at));
            let highest = (0..WINDOW.end).rev().find(|start| fits(*start));
            prop_assert_eq!(areas.find(WINDOW, asked.1), highest);
        }
    }
}
