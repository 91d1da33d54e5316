//! The translation cache of QEMU's emulator, which an image would leave at its smallest.
//!
//! The emulator keeps what it knows of a page in the one place that the low bits of the page's number name, of 256 places at
//! first. Pages whose numbers end alike push each other out, and each time the emulator walks the page tables again. It
//! doubles the places when it has to forget everything and most are in use (QEMU, `accel/tcg/cputlb.c`,
//! `tlb_mmu_resize_locked`). A system with many address spaces makes it forget all the time; an image never does.

use core::hint::black_box;
use core::mem::MaybeUninit;

use super::PAGE_SIZE;
use crate::cpuid;

/// What the emulator calls itself.
const EMULATOR: [u8; 12] = *b"TCGTCGTCGTCG";

/// Places that it has at first, and that it is to have: for 16 MiB, after which more were not seen to gain.
const FIRST: usize = 256;
const LAST: usize = 4096;

/// Has the emulator, where this is one, remember more pages, by reading a byte of each page of `memory` until all places are
/// in use. Memory of fewer pages than it has places changes nothing. Takes about 2 ms.
pub fn widen(memory: &[MaybeUninit<u8>]) {
    if cpuid::hypervisor().is_none_or(|(name, _)| name != EMULATOR) {
        return;
    }
    let page = PAGE_SIZE as usize;
    for places in fillings(memory.len() / page) {
        for byte in memory.iter().step_by(page).take(places) {
            // SAFETY: a reference can be read from; what it reads may be uninitialised, and nobody looks at it.
            black_box(unsafe { core::ptr::from_ref(byte).read_volatile() });
        }
        // SAFETY: forgetting cached entries changes nothing but time.
        unsafe { x86::tlb::flush_all() };
    }
}

/// How many places there are to be filled, time after time, with so many pages.
fn fillings(pages: usize) -> impl Iterator<Item = usize> {
    let doubled = |places: &usize| Some(places * 2);
    core::iter::successors(Some(FIRST), doubled).take_while(move |places| *places < LAST && *places <= pages)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn places_double_as_far_as_memory_fills_them() {
        let all = |pages| fillings(pages).collect::<Vec<_>>();
        assert_eq!(all(1 << 20), [256, 512, 1024, 2048]);
        assert_eq!(all(1023), [256, 512]);
        assert!(all(255).is_empty());
    }
}
