//! An allocator under test with the blocks it gave, each filled with a pattern of its own.

use std::{alloc::Layout, collections::BTreeMap, mem::MaybeUninit, ptr::NonNull, slice};

use iface_allocator::Allocator;

/// Names a block that is in use.
pub(crate) type Block = u64;

/// Checks every block when it is given, changed and freed: aligned, apart from the others, contents as written.
pub(crate) struct Arena<A: Allocator> {
    allocator: &'static A,
    used_at_start: usize,
    blocks: BTreeMap<Block, (NonNull<u8>, Layout)>,
    /// Of every block the address, and the address behind it.
    ends: BTreeMap<usize, usize>,
    next: Block,
}

/// Memory to give away.
pub(crate) fn memory(size: usize) -> &'static mut [MaybeUninit<u8>] {
    Box::leak(Box::new_uninit_slice(size))
}

impl<A: Allocator> Arena<A> {
    pub(crate) fn new(allocator: &'static A, size: usize) -> Self {
        allocator.add(memory(size));
        Self::over(allocator)
    }

    pub(crate) fn over(allocator: &'static A) -> Self {
        Self {
            allocator,
            used_at_start: allocator.usage().used,
            blocks: BTreeMap::new(),
            ends: BTreeMap::new(),
            next: 0,
        }
    }

    pub(crate) fn blocks(&self) -> Vec<Block> {
        self.blocks.keys().copied().collect()
    }

    pub(crate) fn address(&self, block: Block) -> usize {
        self.blocks[&block].0.addr().get()
    }

    pub(crate) fn alloc(&mut self, size: usize, align: usize) -> Option<Block> {
        let layout = Layout::from_size_align(size, align).expect("a layout that exists");
        // SAFETY: no check asks for zero bytes.
        let pointer = NonNull::new(unsafe { self.allocator.alloc(layout) })?;
        let block = self.next;
        self.next += 1;
        self.insert(block, pointer, layout);
        Some(block)
    }

    /// Whether the block could be given another size; its contents up to the smaller size must be the same.
    pub(crate) fn realloc(&mut self, block: Block, size: usize) -> bool {
        let (pointer, layout) = self.blocks[&block];
        self.assert_contents(block, layout.size());
        // SAFETY: the block came from `alloc` or `realloc` with `layout`; `size` is above zero and below `isize::MAX`.
        let new = unsafe { self.allocator.realloc(pointer.as_ptr(), layout, size) };
        let Some(new) = NonNull::new(new) else {
            self.assert_contents(block, layout.size());
            return false;
        };
        let new_layout = Layout::from_size_align(size, layout.align()).expect("a layout that exists");
        self.remove(block);
        assert!(
            holds(new, size.min(layout.size()), block),
            "realloc from {layout:?} to {size} lost contents"
        );
        self.insert(block, new, new_layout);
        true
    }

    pub(crate) fn free(&mut self, block: Block) {
        let (pointer, layout) = self.blocks[&block];
        self.assert_contents(block, layout.size());
        self.remove(block);
        // SAFETY: the block came from `alloc` or `realloc` with `layout` and is forgotten here.
        unsafe { self.allocator.dealloc(pointer.as_ptr(), layout) }
    }

    pub(crate) fn free_all(&mut self) {
        self.blocks().into_iter().for_each(|block| self.free(block));
    }

    pub(crate) fn assert_zeroed_allocation(&mut self, size: usize) {
        let layout = Layout::from_size_align(size, 8).expect("a layout that exists");
        // SAFETY: the size is above zero; the block is initialized with zeros, read, and freed with its layout.
        unsafe {
            let pointer = NonNull::new(self.allocator.alloc_zeroed(layout)).expect("zeroed memory");
            let bytes = slice::from_raw_parts(pointer.as_ptr(), size);
            assert!(bytes.iter().all(|byte| *byte == 0), "zeroed memory is not zero");
            self.allocator.dealloc(pointer.as_ptr(), layout);
        }
    }

    pub(crate) fn assert_all_returned(&self) {
        let used = self.allocator.usage().used;
        assert!(self.blocks.is_empty(), "the check kept blocks");
        assert_eq!(used, self.used_at_start, "bytes in use after everything was freed");
    }

    fn insert(&mut self, block: Block, pointer: NonNull<u8>, layout: Layout) {
        let start = pointer.addr().get();
        assert_eq!(start % layout.align(), 0, "{layout:?} at {start:#x}");
        let end = start + layout.size();
        let below = self.ends.range(..end).next_back();
        assert!(
            below.is_none_or(|(_, below)| *below <= start),
            "{layout:?} at {start:#x} overlaps {below:x?}"
        );
        self.ends.insert(start, end);
        // SAFETY: the allocator gave `layout.size()` bytes at `pointer` for us alone.
        unsafe { pointer.write_bytes(pattern(block), layout.size()) }
        self.blocks.insert(block, (pointer, layout));
    }

    fn remove(&mut self, block: Block) {
        let address = self.address(block);
        self.ends.remove(&address);
        self.blocks.remove(&block);
    }

    fn assert_contents(&self, block: Block, size: usize) {
        assert!(holds(self.blocks[&block].0, size, block), "block {block} of {size} bytes lost its contents");
    }
}

/// Whether `size` bytes, filled by [`Arena::insert`], are still the pattern of `block`.
fn holds(pointer: NonNull<u8>, size: usize, block: Block) -> bool {
    // SAFETY: the block is in use by the arena, which wrote at least `size` bytes of it.
    let bytes = unsafe { slice::from_raw_parts(pointer.as_ptr(), size) };
    bytes.iter().all(|byte| *byte == pattern(block))
}

fn pattern(block: Block) -> u8 {
    (block % 251) as u8
}
