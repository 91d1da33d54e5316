//! Memory that the process has from its start: the segments of its file, and the stack of its first thread.

use alloc::vec::Vec;
use core::ops::Range;
use core::slice;

use linux_raw_sys::elf::{Elf_Ehdr, Elf_Phdr, PF_W, PT_LOAD};
use rustix::param::linux_execfn;
use rustix::process::{Resource, getrlimit};

use crate::arch::PAGE_SIZE;

/// What the stack may have where there is no limit: as much as is usual.
const USUAL_STACK: usize = 8 << 20;

unsafe extern "C" {
    /// The first byte of the file where it is in memory, which the linker defines (System V Application Binary Interface,
    /// chapter 4, "ELF header").
    #[link_name = "__ehdr_start"]
    static FILE: Elf_Ehdr;
}

/// Memory of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub range: Range<usize>,
    pub writable: bool,
}

/// The segments of the image, whole pages as the kernel maps them: what lies behind the last byte of one can be used as well, and
/// who looks for the end of a text there may.
pub(crate) fn segments() -> Vec<Region> {
    let start = (&raw const FILE).addr();
    // SAFETY: the linker laid the file's header and those of its segments out so, in a segment that is readable.
    let headers = unsafe {
        let header = &FILE;
        let first = (&raw const FILE).byte_add(header.e_phoff).cast::<Elf_Phdr>();
        slice::from_raw_parts(first, header.e_phnum.into())
    };
    let loaded = headers.iter().filter(|header| header.p_type == PT_LOAD);
    // A file whose place is chosen as it is loaded has addresses from 0 on.
    let moved = loaded.clone().find(|header| header.p_offset == 0).map_or(0, |header| start - header.p_vaddr);
    let region = |header: &Elf_Phdr| {
        let start = moved + header.p_vaddr;
        let end = (start + header.p_memsz).next_multiple_of(PAGE_SIZE);
        Region { range: start & !(PAGE_SIZE - 1)..end, writable: header.p_flags & PF_W != 0 }
    };
    loaded.map(region).collect()
}

/// The stack of the first thread, which the kernel makes larger when it is used, up to a limit. Above it are arguments
/// and environment, and last the name of the file (Linux, `fs/binfmt_elf.c`, `fs/exec.c`).
pub(crate) fn first_stack() -> Region {
    let name = linux_execfn().to_bytes_with_nul().as_ptr_range();
    let end = name.end.addr().next_multiple_of(PAGE_SIZE);
    let limit = getrlimit(Resource::Stack).current.and_then(|limit| usize::try_from(limit).ok());
    Region { range: end.saturating_sub(limit.unwrap_or(USUAL_STACK))..end, writable: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region_of(address: usize) -> Region {
        segments().into_iter().find(|region| region.range.contains(&address)).expect("a part of the image")
    }

    #[test]
    fn code_constants_and_data_are_segments() {
        static CONSTANT: [u8; 100] = [7; 100];
        static mut WRITABLE: [u8; 100] = [0; 100];
        assert!(!region_of((segments as fn() -> Vec<Region> as *const ()).addr()).writable);
        assert!(!region_of(CONSTANT.as_ptr().addr()).writable);
        assert!(region_of((&raw const WRITABLE).addr()).writable);
        assert!(!region_of((&raw const FILE).addr()).writable);
        for Region { range, .. } in segments() {
            assert_eq!((range.start % PAGE_SIZE, range.end % PAGE_SIZE), (0, 0), "{range:x?}");
        }
    }
}
