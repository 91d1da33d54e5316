//! What is left to others.

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;

/// Memory that stays the allocator's, in one piece, when a further chunk is taken: a part of what the chunks have, within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spare {
    /// Which part: 32 for a thirty-second.
    pub part: usize,
    /// Bytes that are left at least.
    pub least: usize,
    /// Bytes that are enough.
    pub most: usize,
}

impl Spare {
    /// Nothing is left.
    pub const NONE: Self = Self { part: 1, least: 0, most: 0 };

    /// Bytes that are left where the chunks have `used`.
    fn bytes(self, used: usize) -> usize {
        (used / self.part).clamp(self.least, self.most)
    }

    /// Whether the allocator can give as much.
    pub(crate) fn is_left(self, allocator: &impl GlobalAlloc, used: usize) -> bool {
        let bytes = self.bytes(used);
        let Ok(layout) = Layout::array::<u8>(bytes) else { return false };
        if bytes == 0 {
            return true;
        }
        // SAFETY: the layout has a size.
        let piece = unsafe { allocator.alloc(layout) };
        // A compiler may leave out an allocation that is given back unused.
        if black_box(piece).is_null() {
            return false;
        }
        // SAFETY: it was just allocated so.
        unsafe { allocator.dealloc(piece, layout) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Spare;

    #[test]
    fn a_part_within_bounds_is_left() {
        let spare = Spare { part: 32, least: 1000, most: 5000 };
        assert_eq!([0, 32_001, 64_000, 1 << 40].map(|used| spare.bytes(used)), [1000, 1000, 2000, 5000]);
        assert_eq!(Spare::NONE.bytes(1 << 40), 0);
    }
}
