//! What paths led to, where that never changes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;

use iface_vfs::Place;

/// How many paths are kept; a power of two. Each takes its length and about 50 bytes.
const SLOTS: usize = 256;
/// An odd number with bits of no pattern, from the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub place: Place,
    /// The directory in which that was found.
    pub parent: Place,
}

#[derive(Debug)]
struct Item {
    base: Place,
    path: Box<[u8]>,
    end: End,
}

/// Files by their paths: one path for each value of a hash, the newest.
///
/// A server opens the same files again and again. Only those belong here whose whole way lies in volumes that do not
/// change.
#[derive(Debug, Default)]
pub(crate) struct Memo(RefCell<Vec<Option<Item>>>);

impl Memo {
    pub fn get(&self, base: Place, path: &[u8]) -> Option<End> {
        let items = self.0.borrow();
        let item = items.get(slot(path))?.as_ref()?;
        (*item.path == *path && item.base == base).then_some(item.end)
    }

    pub fn set(&self, base: Place, path: &[u8], end: End) {
        let mut items = self.0.borrow_mut();
        if items.is_empty() {
            items.resize_with(SLOTS, || None);
        }
        items[slot(path)] = Some(Item { base, path: path.into(), end });
    }
}

/// The slot of a path, by a hash of its words (multiplication and rotation, as FxHash).
fn slot(path: &[u8]) -> usize {
    let words = path.chunks(8).map(|piece| {
        let mut word = [0; 8];
        word[..piece.len()].copy_from_slice(piece);
        u64::from_ne_bytes(word)
    });
    let hash = words.fold(path.len() as u64, |hash, word| (hash.rotate_left(5) ^ word).wrapping_mul(MIX));
    (hash >> 32) as usize % SLOTS
}
