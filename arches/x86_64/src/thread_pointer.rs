//! The base of `fs`, by which threads find what is theirs alone. The image itself has nothing there.

use core::arch::asm;
use core::cell::Cell;

use x86::controlregs::{Cr4, cr4, cr4_write};
use x86::msr::{IA32_FS_BASE, wrmsr};

use crate::{SingleCore, cpuid};

// SAFETY: the image runs on one processor, and no handler of exceptions uses it.
static INSTRUCTION: SingleCore<Cell<Option<bool>>> = unsafe { SingleCore::new(Cell::new(None)) };

/// Sets it by the instruction `WRFSBASE` (Intel SDM volume 2D), where the processor has that and lets the image use it.
/// Returns whether it did.
///
/// An address that is not canonical is a general protection fault.
pub fn set_by_instruction(value: usize) -> bool {
    let usable = INSTRUCTION.get().unwrap_or_else(|| {
        let usable = allow_instruction();
        INSTRUCTION.set(Some(usable));
        usable
    });
    if usable {
        // SAFETY: no code of the image uses memory by `fs`. The instruction is one that may be used.
        unsafe { asm!("wrfsbase {}", in(reg) value, options(nomem, nostack, preserves_flags)) };
    }
    usable
}

/// Sets it by its register (Intel SDM volume 4, `IA32_FS_BASE`), which every processor of 64 bits has.
///
/// An address that is not canonical is a general protection fault.
pub fn set_by_register(value: usize) {
    // SAFETY: no code of the image uses memory by `fs`.
    unsafe { wrmsr(IA32_FS_BASE, value as u64) };
}

/// Asks for the instruction (volume 3A, section 2.5, CR4.FSGSBASE). A hypervisor that makes the register up may leave the bit
/// as it was.
fn allow_instruction() -> bool {
    // SAFETY: the bit changes nothing but that four instructions are there, which the processor has.
    cpuid::has_fs_base_instructions()
        && unsafe {
            cr4_write(cr4() | Cr4::CR4_ENABLE_FSGSBASE);
            cr4().contains(Cr4::CR4_ENABLE_FSGSBASE)
        }
}
