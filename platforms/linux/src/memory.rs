//! Memory by anonymous maps.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::cell::RefCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr::null_mut;
use core::slice;

use iface_memory::{Memory, MemoryError, Stack};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::arch::PAGE_SIZE;

/// Stacks of their own map each, above a page without access.
#[derive(Clone, Copy)]
pub struct LinuxMemory {
    /// Length in bytes of each stack in use, by where it starts.
    stacks: &'static RefCell<BTreeMap<usize, usize>>,
}

impl LinuxMemory {
    /// No stack is in use.
    pub(crate) fn new() -> Self {
        Self { stacks: Box::leak(Box::default()) }
    }

    /// Whether `range` lies in a stack that is in use.
    pub(crate) fn holds(&self, range: &Range<usize>) -> bool {
        let stacks = self.stacks.borrow();
        let below = stacks.range(..=range.start).next_back();
        below.is_some_and(|(start, length)| range.end <= start + length)
    }
}

impl Memory for LinuxMemory {
    fn stack(&self, size: usize) -> Result<Stack, MemoryError> {
        let size = size.checked_next_multiple_of(PAGE_SIZE).ok_or(MemoryError::Exhausted)?;
        let stack = guarded(size).map_err(|_| MemoryError::Exhausted)?;
        self.stacks.borrow_mut().insert(stack.as_ptr().addr(), stack.len());
        Ok(stack)
    }

    fn release_stack(&self, stack: Stack) {
        let known = self.stacks.borrow_mut().remove(&stack.as_ptr().addr());
        assert_eq!(known, Some(stack.len()), "a stack is given back that was not given");
        let guard = stack.as_mut_ptr().wrapping_byte_sub(PAGE_SIZE);
        // SAFETY: guard and stack are one map that `guarded` made, and the exclusive reference to it ends here.
        let unmapped = unsafe { munmap(guard.cast(), PAGE_SIZE + stack.len()) };
        unmapped.expect("what was mapped can be unmapped");
    }
}

/// Address space for the heap.
pub(crate) fn heap(mib: u32) -> Result<&'static mut [MaybeUninit<u8>], Errno> {
    let length = usize::try_from(mib).ok().and_then(|mib| mib.checked_mul(1 << 20)).ok_or(Errno::NOMEM)?;
    map(length)
}

/// `size` bytes, a multiple of the page size, above a page without access.
pub(crate) fn guarded(size: usize) -> Result<&'static mut [MaybeUninit<u8>], Errno> {
    let all = map(size.checked_add(PAGE_SIZE).ok_or(Errno::NOMEM)?)?;
    let (guard, stack) = all.split_at_mut(PAGE_SIZE);
    // SAFETY: the page is part of the new map, and no reference to it is kept.
    unsafe { mprotect(guard.as_mut_ptr().cast(), PAGE_SIZE, MprotectFlags::empty())? };
    Ok(stack)
}

/// A new map of zeros whose pages cost nothing until they are touched.
pub(crate) fn map(length: usize) -> Result<&'static mut [MaybeUninit<u8>], Errno> {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
    // SAFETY: the kernel chooses the place, so nothing else is there.
    let start: *mut c_void = unsafe { mmap_anonymous(null_mut(), length, access, flags)? };
    // SAFETY: the map is new, readable, writable, `length` bytes long, and used through this reference alone.
    Ok(unsafe { slice::from_raw_parts_mut(start.cast(), length) })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::String;

    use super::*;

    /// The line of the process's map table for the region that holds `address`.
    fn region(address: usize) -> Option<String> {
        let table = std::fs::read_to_string("/proc/self/maps").unwrap();
        let holds = |line: &&str| {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let parse = |hex| usize::from_str_radix(hex, 16).unwrap();
            (parse(start)..parse(end)).contains(&address)
        };
        table.lines().find(holds).map(String::from)
    }

    #[test]
    fn a_stack_is_above_a_page_without_access() {
        let memory = LinuxMemory::new();
        let stack = memory.stack(10_000).unwrap();
        assert_eq!(stack.len(), 3 * PAGE_SIZE);
        stack.fill(MaybeUninit::new(1));
        let start = stack.as_ptr().addr();
        assert!(region(start).unwrap().contains(" rw-p "));
        assert!(region(start - 1).unwrap().contains(" ---p "));
        memory.release_stack(stack);
        assert!(memory.stacks.borrow().is_empty());
    }

    #[test]
    fn too_large_a_stack_is_refused() {
        for size in [usize::MAX, usize::MAX - 2 * PAGE_SIZE, 1 << 60] {
            assert_eq!(LinuxMemory::new().stack(size).err(), Some(MemoryError::Exhausted), "{size}");
        }
    }

    #[test]
    #[should_panic(expected = "was not given")]
    fn a_foreign_stack_is_refused() {
        let foreign = Box::leak(Box::new([MaybeUninit::new(0); PAGE_SIZE]));
        LinuxMemory::new().release_stack(foreign);
    }

    #[test]
    fn a_heap_costs_nothing_before_it_is_touched() {
        let resident = || {
            let status = std::fs::read_to_string("/proc/self/statm").unwrap();
            status.split(' ').nth(1).unwrap().parse::<usize>().unwrap()
        };
        let before = resident();
        let heap = heap(512).unwrap();
        assert_eq!(heap.len(), 512 << 20);
        assert!(resident() - before < 1000, "pages");
    }
}
