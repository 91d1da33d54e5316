#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    convert::Infallible,
    mem::MaybeUninit,
    ptr::{self, NonNull},
};

use buddy_system_allocator::Heap;
use iface_allocator::{Allocator, Usage};

/// Block sizes: 2⁰ to 2³⁹ bytes, or up to half of a smaller address space.
const ORDERS: usize = if usize::BITS < 40 { usize::BITS as usize } else { 40 };

/// Settings: there are none.
#[derive(Debug)]
pub struct Config {}

/// What it needs: nothing.
#[derive(Debug)]
pub struct Needs {}

/// What it provides beside the [`Provider`] of the image: nothing.
#[derive(Debug)]
pub struct Provides {}

/// Starts the room. The allocator works from the first instruction on, and is empty until the platform adds memory.
///
/// # Errors
/// None.
pub fn init(_: &'static Config, _: Needs) -> Result<Provides, Infallible> {
    Ok(Provides {})
}

/// The allocator, for a `static` of the image.
#[derive(Debug)]
pub struct Provider {
    heap: UnsafeCell<Heap<ORDERS>>,
}

// SAFETY: `iface_allocator::Allocator` has its callers take turns, and no method runs while another does, since none
// of them calls out.
unsafe impl Sync for Provider {}

impl Provider {
    /// An allocator without memory.
    pub const fn new(_: &'static Config) -> Self {
        Self { heap: UnsafeCell::new(Heap::new()) }
    }

    #[expect(clippy::mut_from_ref, reason = "the callers take turns, see `Sync`")]
    fn heap(&self) -> &mut Heap<ORDERS> {
        // SAFETY: every method of `Provider` ends its use of the heap before it returns and calls nobody who could
        // ask for it again, so that this reference is the only one.
        unsafe { &mut *self.heap.get() }
    }
}

/// Bytes of the block that serves `layout`: always a power of two, 2⁶³ at most as a layout's size is below that.
fn block_size(layout: Layout) -> usize {
    layout.size().max(layout.align()).max(size_of::<usize>()).next_power_of_two()
}

/// How the heap is asked for a block: rounded already, so that its statistics stay right when a block is kept by
/// [`realloc`](GlobalAlloc::realloc) for another size.
fn block(size: usize) -> Option<Layout> {
    Layout::from_size_align(size, 1).ok()
}

// SAFETY: the heap gives each block to one owner until it is freed; a block is aligned to its size, which is at
// least the layout's size and alignment; it never unwinds.
unsafe impl GlobalAlloc for Provider {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        block(block_size(layout))
            .and_then(|block| self.heap().alloc(block).ok())
            .map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if let (Some(pointer), Some(block)) = (NonNull::new(pointer), block(block_size(layout))) {
            // SAFETY: by the caller's duty `pointer` came from `alloc` with this layout, which took this block.
            unsafe { self.heap().dealloc(pointer, block) }
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: by the caller's duty `new_size`, rounded up to the alignment, does not exceed `isize::MAX`.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        let (mut size, new_size) = (block_size(layout), block_size(new_layout));
        if new_size > size {
            // SAFETY: the caller's duty for `realloc` holds for `relocate` as well.
            return unsafe { self.relocate(pointer, layout, new_layout) };
        }
        while size > new_size {
            size /= 2;
            // SAFETY: the block at `pointer` has `2 * size` bytes; its upper half is a block of `size` bytes, as if
            // it had been allocated so, and nobody uses it from here on.
            unsafe { self.dealloc(pointer.add(size), Layout::from_size_align_unchecked(size, 1)) }
        }
        pointer
    }
}

impl Provider {
    /// Moves an allocation into a larger block; null, and the old one left as it is, where there is none.
    ///
    /// # Safety
    /// As for [`GlobalAlloc::realloc`], and `new_layout` is the larger.
    unsafe fn relocate(&self, pointer: *mut u8, layout: Layout, new_layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's duty `new_layout` has a size above zero.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both blocks hold the smaller layout's bytes and belong to different allocations; `pointer` was
            // allocated with `layout`.
            unsafe {
                ptr::copy_nonoverlapping(pointer, new, layout.size());
                self.dealloc(pointer, layout);
            }
        }
        new
    }
}

impl Allocator for Provider {
    fn add(&self, memory: &'static mut [MaybeUninit<u8>]) {
        const ALIGN: usize = align_of::<usize>();
        let range = memory.as_mut_ptr_range();
        let start = range.start.expose_provenance().next_multiple_of(ALIGN);
        let end = range.end.addr() / ALIGN * ALIGN;
        if start < end {
            // SAFETY: the memory is borrowed mutably for ever, so it is nobody else's and stays.
            unsafe { self.heap().add_to_heap(start, end) }
        }
    }

    fn usage(&self) -> Usage {
        let heap = self.heap();
        Usage { total: heap.stats_total_bytes(), used: heap.stats_alloc_actual() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::boxed::Box;

    fn fresh() -> &'static Provider {
        Box::leak(Box::new(Provider::new(&Config {})))
    }

    #[test]
    fn conforms() {
        allocator_conformance::conforms(fresh);
    }

    #[test]
    fn little_memory_is_lost_to_mixed_sizes() {
        let share = allocator_conformance::share_in_use(fresh);
        assert!(share > 0.65, "{share}");
    }

    #[test]
    #[ignore = "figures of the README: cargo test --release -p alloc-buddy figures -- --ignored --nocapture"]
    fn figures() {
        for count in [1000, 10_000] {
            std::println!("one of {count}: {:?}", allocator_conformance::time_of_a_free(fresh, count));
        }
        std::println!("share in use: {:.3}", allocator_conformance::share_in_use(fresh));
    }

    #[test]
    fn block_holds_size_and_alignment() {
        let block = |size, align| block_size(Layout::from_size_align(size, align).unwrap());
        assert_eq!(block(0, 1), size_of::<usize>());
        assert_eq!(block(17, 1), 32);
        assert_eq!(block(17, 4096), 4096);
        assert_eq!(block(isize::MAX as usize, 1), 1 << (usize::BITS - 1));
    }

    #[test]
    fn shrinking_gives_back_halves_in_place() {
        let provider = fresh();
        provider.add(Box::leak(Box::new_uninit_slice(1 << 16)));
        let before = provider.usage().used;
        // SAFETY: the layouts are those the block has at each step.
        unsafe {
            let layout = Layout::from_size_align(4096, 1).unwrap();
            let pointer = provider.alloc(layout);
            assert_eq!(provider.realloc(pointer, layout, 100), pointer);
            assert_eq!(provider.usage().used, before + 128);
            provider.dealloc(pointer, Layout::from_size_align(100, 1).unwrap());
        }
        assert_eq!(provider.usage().used, before);
    }
}
