//! Interrupts: let in one at a time, in a window that the image opens, and handled in thread context.
//!
//! Interrupts stay off while Rust code runs. [`window`] and [`halt`] turn them on for an instant; the processor then
//! takes the one of highest priority, whose stub notes it and returns with interrupts off again. It saves no register,
//! because it uses none. The local APIC holds back that interrupt and lower ones until
//! [`end_of_interrupt`](crate::apic::LocalApic::end_of_interrupt).

use core::arch::{asm, naked_asm};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use x86::dtables::{DescriptorTablePointer, lidt};

use crate::exception;
use crate::segments::CODE;

/// Vectors of exceptions.
const EXCEPTIONS: usize = 32;
/// Interrupts there are vectors for.
pub const INTERRUPTS: usize = 64;
/// The vector of interrupt 0.
pub const FIRST_VECTOR: u8 = EXCEPTIONS as u8;

/// A gate of the interrupt descriptor table (Intel SDM volume 3A, section 7.14.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
struct Gate([u64; 2]);

impl Gate {
    const ABSENT: Self = Self([0; 2]);

    /// An interrupt gate to `handler` on stack `stack` of the task state; 0 is the interrupted one.
    const fn new(handler: u64, stack: u64) -> Self {
        let present_interrupt = 0x8e << 40;
        let low = handler & 0xffff
            | (CODE as u64) << 16
            | stack << 32
            | present_interrupt
            | (handler >> 16 & 0xffff) << 48;
        Self([low, handler >> 32])
    }
}

#[repr(C, align(16))]
struct Idt(UnsafeCell<[Gate; EXCEPTIONS + INTERRUPTS]>);

// SAFETY: written before it is used, with interrupts off, on the one processor.
unsafe impl Sync for Idt {}

static IDT: Idt = Idt(UnsafeCell::new([Gate::ABSENT; EXCEPTIONS + INTERRUPTS]));

/// Loads the table with the exceptions in it, which run on stack 1 of the task state.
///
/// # Safety
/// [`segments::load`](crate::segments::load) was called, and interrupts are off.
pub unsafe fn load_exceptions() {
    fill(0, EXCEPTIONS, exception::stubs as *const () as u64, 1);
    let pointer =
        DescriptorTablePointer { limit: (size_of::<Idt>() - 1) as u16, base: IDT.0.get().cast_const() };
    // SAFETY: the table stays, and its gates lead to stubs that never return.
    unsafe { lidt(&pointer) };
}

/// Adds the interrupts to the table.
pub fn load() {
    fill(EXCEPTIONS, INTERRUPTS, stubs as *const () as u64, 0);
}

/// Fills `count` gates from `first` on with the stubs that begin at `stubs`.
fn fill(first: usize, count: usize, stubs: u64, stack: u64) {
    for index in 0..count {
        let gate = Gate::new(stubs + index as u64 * exception::STUB_SIZE, stack);
        // SAFETY: `first + count` is at most the table's length, and there is no reference to it.
        unsafe { IDT.0.get().cast::<Gate>().add(first + index).write(gate) };
    }
}

/// The address after the stub of the interrupt that was taken; 0 for none.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Lets one pending interrupt in, and says which: 0 is the one at [`FIRST_VECTOR`].
pub fn window() -> Option<u8> {
    // SAFETY: only a stub of ours runs, which leaves everything but `TAKEN` as it was. STI takes effect after the next
    // instruction (Intel SDM volume 2B).
    unsafe { asm!("sti", "nop", "cli") };
    taken()
}

/// Halts the processor until an interrupt is there, lets it in, and says which.
pub fn halt() -> Option<u8> {
    // SAFETY: as in `window`. An interrupt can't come between STI and HLT, so none is slept through.
    unsafe { asm!("sti", "hlt", "cli") };
    taken()
}

fn taken() -> Option<u8> {
    let end = TAKEN.swap(0, Ordering::Relaxed);
    let offset = end.checked_sub(stubs as *const () as usize + exception::STUB_SIZE as usize)?;
    u8::try_from(offset / exception::STUB_SIZE as usize).ok()
}

/// One call of five bytes for each interrupt: the return address tells which. It goes to [`TAKEN`]; the return is to
/// where interrupts are off, so that no second one follows at once.
#[unsafe(naked)]
extern "C" fn stubs() {
    naked_asm!(
        ".rept {count}",
        ".byte 0xe8",
        ".long 2f - . - 4",
        ".endr",
        "2:",
        "pop qword ptr [rip + {taken}]",
        "and dword ptr [rsp + 16], {interrupts_off}",
        "iretq",
        count = const INTERRUPTS,
        taken = sym TAKEN,
        interrupts_off = const !(1 << 9),
    )
}

#[cfg(test)]
mod tests {
    use super::Gate;

    #[test]
    fn a_gate_spreads_its_handler() {
        assert_eq!(Gate::new(0x1122_3344_5566_7788, 1), Gate([0x5566_8e01_0008_7788, 0x1122_3344]));
    }
}
