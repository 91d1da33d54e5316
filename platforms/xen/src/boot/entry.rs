//! The image's first instructions, in the two ways that Xen starts it, and the notes by which Xen finds them
//! (`public/elfnote.h`).

use core::arch::global_asm;

/// Defines the assembler's `note`: an ELF note of Xen.
macro_rules! note {
    ($type:literal, $value:literal) => {
        global_asm!(
            ".pushsection .note.Xen, \"a\", @note",
            ".balign 4",
            ".long 2f - 1f",
            ".long 4f - 3f",
            concat!(".long ", $type),
            "1: .asciz \"Xen\"",
            "2: .balign 4",
            concat!("3: ", $value),
            "4: .balign 4",
            ".popsection",
        );
    };
}

// PVH: 32-bit protected mode, `ebx` has the address of the start information (docs/misc/pvh.pandoc).
x86_64::enter_long_mode!("unicore_pvh_entry", "unicore_pvh_start", "unicore_boot_stack_end");

// XEN_ELFNOTE_PHYS32_ENTRY.
note!(18, ".long unicore_pvh_entry");

// PV: 64-bit mode in page tables of Xen's making, `rsi` has the address of the start information (`public/xen.h`,
// "start-of-day memory layout").
global_asm!(
    ".pushsection .text.boot, \"ax\", @progbits",
    ".globl unicore_pv_entry",
    "unicore_pv_entry:",
    "cld",
    "mov rsp, offset unicore_boot_stack_end",
    // Where backtraces end.
    "xor ebp, ebp",
    "mov rdi, rsi",
    "call unicore_pv_start",
    "ud2",
    ".popsection",
);

// XEN_ELFNOTE_ENTRY, _HYPERCALL_PAGE, _VIRT_BASE, _PADDR_OFFSET, _XEN_VERSION, _GUEST_OS, _LOADER, _FEATURES.
note!(1, ".quad unicore_pv_entry");
note!(2, ".quad HYPERCALL_PAGE");
note!(3, ".quad 0");
note!(4, ".quad 0");
note!(5, ".asciz \"xen-3.0\"");
note!(6, ".asciz \"unicore\"");
note!(8, ".asciz \"generic\"");
note!(10, ".asciz \"!writable_page_tables|pae_pgdir_above_4gb\"");
