//! From the 32-bit mode that PVH and Multiboot start an image in, to 64-bit Rust.

use core::cell::UnsafeCell;

use crate::paging::Table;

/// The page tables that the image starts on: the first gigabyte, of which the boot code maps the image.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct BootTables {
    /// Level 4.
    pub root: UnsafeCell<Table>,
    /// Level 3.
    pub first_half_tebibyte: UnsafeCell<Table>,
    /// Level 2.
    pub first_gibibyte: UnsafeCell<Table>,
}

// SAFETY: the boot code writes them before Rust runs; from then on `paging` does, on the one processor.
unsafe impl Sync for BootTables {}

/// Filled in by the boot code. They are zero before: the loader clears them with the rest of `.bss`.
pub static TABLES: BootTables = BootTables {
    root: UnsafeCell::new(Table::EMPTY),
    first_half_tebibyte: UnsafeCell::new(Table::EMPTY),
    first_gibibyte: UnsafeCell::new(Table::EMPTY),
};

/// A stack above a guard page; the page is a part of it until [`guard`](crate::paging::guard) unmaps it.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct GuardedStack<const SIZE: usize> {
    guard: [u8; 4096],
    stack: UnsafeCell<[u8; SIZE]>,
}

// SAFETY: nobody reads or writes it but as a stack, of which the processor has one at a time.
unsafe impl<const SIZE: usize> Sync for GuardedStack<SIZE> {}

impl<const SIZE: usize> GuardedStack<SIZE> {
    /// A stack of `SIZE` bytes, a multiple of 4096; another size does not compile where it is for a static.
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        assert!(SIZE.is_multiple_of(4096));
        Self { guard: [0; 4096], stack: UnsafeCell::new([0; SIZE]) }
    }

    /// The address of its guard page.
    pub fn guard(&self) -> u64 {
        self.guard.as_ptr() as u64
    }

    /// The address after its last byte.
    pub fn top(&self) -> u64 {
        self.stack.get() as u64 + SIZE as u64
    }
}

/// Defines the symbol `$entry`: code for 32-bit protected mode without paging, with `eax` and `ebx` as the boot protocol
/// left them, that maps the image (up to the linker's symbol `unicore_image_end`), enters 64-bit mode with SSE on, and
/// calls `$start(eax, ebx)` on the stack that ends at the symbol `$stack_end`.
///
/// Intel SDM volume 3A, section 10.8.5 (entering IA-32e mode) and 14.1.3 (SSE).
#[macro_export]
macro_rules! enter_long_mode {
    ($entry:literal, $start:literal, $stack_end:literal) => {
        core::arch::global_asm!(
            ".pushsection .text.boot, \"ax\", @progbits",
            ".code32",
            concat!(".globl ", $entry),
            concat!($entry, ":"),
            "cli",
            "cld",
            "mov edi, eax",
            "mov esi, ebx",
            concat!("mov esp, offset ", $stack_end),
            // Present and writable: each table points to the next.
            "mov dword ptr [{tables}], offset {tables} + 4096 + 3",
            "mov dword ptr [{tables} + 4096], offset {tables} + 8192 + 3",
            // Present, writable, 2 MiB: the image. Rust gives each part its own access later.
            "mov edx, offset {tables} + 8192",
            "mov eax, 0x83",
            "2:",
            "mov [edx], eax",
            "add edx, 8",
            "add eax, 0x200000",
            "cmp eax, offset unicore_image_end + 0x83",
            "jb 2b",
            "mov eax, offset {tables}",
            "mov cr3, eax",
            // CR4: PAE, OSFXSR, OSXMMEXCPT.
            "mov eax, cr4",
            "or eax, 0x620",
            "mov cr4, eax",
            // EFER: long mode, no-execute.
            "mov ecx, 0xc0000080",
            "rdmsr",
            "or eax, 0x900",
            "wrmsr",
            // CR0: paging, write protection, x87 errors as exceptions, WAIT trapping, protected mode.
            "mov eax, 0x80010033",
            "mov cr0, eax",
            "lgdt [.Lgdt_pointer]",
            // A far jump, by its bytes: assemblers disagree on how to write it.
            ".byte 0xea",
            ".long .Llong_mode",
            ".short {code}",
            ".Lgdt_pointer:",
            ".short {gdt_limit}",
            ".long {gdt}",
            ".code64",
            ".Llong_mode:",
            "mov eax, {data}",
            "mov ds, eax",
            "mov es, eax",
            "mov ss, eax",
            // Where backtraces end.
            "xor ebp, ebp",
            concat!("call ", $start),
            "ud2",
            ".popsection",
            tables = sym $crate::boot::TABLES,
            gdt = sym $crate::segments::GDT,
            gdt_limit = const $crate::segments::GDT_LIMIT,
            code = const $crate::segments::CODE,
            data = const $crate::segments::DATA,
        );
    };
}
