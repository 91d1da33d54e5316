//! The image's first instruction, and the headers by which loaders find it.

use core::arch::global_asm;

x86_64::enter_long_mode!("unicore_entry", "unicore_start", "unicore_boot_stack_end");

// PVH: an ELF note with the 32-bit entry point (Xen, docs/misc/pvh.pandoc; public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY).
global_asm!(
    ".pushsection .note.Xen, \"a\", @note",
    ".balign 4",
    ".long 2f - 1f",
    ".long 4f - 3f",
    ".long 18",
    "1: .asciz \"Xen\"",
    "2: .balign 4",
    "3: .long unicore_entry",
    "4: .balign 4",
    ".popsection",
);

// Multiboot Specification 0.6.96, section 3.1. The address fields are there because loaders that go by ELF take 32-bit
// files alone.
global_asm!(
    ".pushsection .multiboot, \"a\", @progbits",
    ".balign 4",
    "1:",
    ".long {magic}",
    ".long {flags}",
    ".long {checksum}",
    ".long 1b",
    ".long unicore_image_start",
    ".long unicore_file_end",
    ".long unicore_image_end",
    ".long unicore_entry",
    ".popsection",
    magic = const HEADER_MAGIC,
    flags = const HEADER_FLAGS,
    checksum = const 0u32.wrapping_sub(HEADER_MAGIC).wrapping_sub(HEADER_FLAGS),
);

const HEADER_MAGIC: u32 = 0x1bad_b002;
/// Modules on page boundaries, memory information, address fields.
const HEADER_FLAGS: u32 = 1 << 0 | 1 << 1 | 1 << 16;
