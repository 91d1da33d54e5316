//! Exceptions: none is expected, so each is reported with the registers, and ends the image.

use core::arch::naked_asm;
use core::cell::Cell;
use core::fmt::{self, Display};

use crate::single::SingleCore;

/// Bytes of a stub: one near call.
pub(crate) const STUB_SIZE: u64 = 5;

/// Vectors with an error code (Intel SDM volume 3A, table 7-1).
const WITH_ERROR_CODE: u32 = 1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30;

/// The vector of a page fault.
const PAGE_FAULT: u8 = 14;

/// Registers as the stub stored them, lowest address first.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Saved {
    /// As [`NAMES`] names them.
    general: [u64; 15],
    /// The address after the stub.
    stub_end: u64,
    /// Error code where there is one, then what the processor pushes. The last word is another's where there is none.
    pushed: [u64; 6],
}

const NAMES: [&str; 15] =
    ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"];

/// Where `rbp` is among them.
const FRAME_POINTER: usize = 6;

/// What is known of an exception; [`Display`] gives the register dump.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// Its vector (Intel SDM volume 3A, table 7-1).
    pub vector: u8,
    /// Its error code; 0 where it has none.
    pub error_code: u64,
    /// The instruction that raised it, or the one after.
    pub instruction: u64,
    /// The stack pointer.
    pub stack_pointer: u64,
    /// The frame pointer.
    pub frame_pointer: u64,
    /// The flags.
    pub flags: u64,
    /// The address whose access faulted, for a page fault.
    pub address: Option<u64>,
    general: [u64; 15],
}

impl Exception {
    fn new(saved: &Saved) -> Self {
        let vector = ((saved.stub_end - stubs as *const () as u64) / STUB_SIZE - 1) as u8;
        let has_error_code = WITH_ERROR_CODE >> vector & 1 == 1;
        let (error_code, [instruction, _, flags, stack_pointer]) = match saved.pushed {
            [error, ip, cs, flags, sp, _] if has_error_code => (error, [ip, cs, flags, sp]),
            [ip, cs, flags, sp, ..] => (0, [ip, cs, flags, sp]),
        };
        // SAFETY: reading CR2 has no effect.
        let address = (vector == PAGE_FAULT).then(|| unsafe { x86::controlregs::cr2() } as u64);
        let general = saved.general;
        let frame_pointer = general[FRAME_POINTER];
        Self { vector, error_code, instruction, stack_pointer, frame_pointer, flags, address, general }
    }

    /// What the manual calls it.
    pub const fn name(&self) -> &'static str {
        match self.vector {
            0 => "divide error",
            1 => "debug exception",
            2 => "non-maskable interrupt",
            3 => "breakpoint",
            4 => "overflow",
            5 => "bound range exceeded",
            6 => "invalid opcode",
            7 => "device not available",
            8 => "double fault",
            10 => "invalid task state",
            11 => "segment not present",
            12 => "stack segment fault",
            13 => "general protection fault",
            PAGE_FAULT => "page fault",
            16 => "x87 floating-point error",
            17 => "alignment check",
            18 => "machine check",
            19 => "SIMD floating-point exception",
            21 => "control protection exception",
            _ => "reserved exception",
        }
    }
}

impl Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (vector {}, error code {:#x})", self.name(), self.vector, self.error_code)?;
        if let Some(address) = self.address {
            write!(f, " at address {address:#x}")?;
        }
        write!(f, "\n  rip {:016x}  rsp {:016x}", self.instruction, self.stack_pointer)?;
        write!(f, "  rflags {:016x}", self.flags)?;
        for (index, (name, value)) in NAMES.iter().zip(self.general).enumerate() {
            f.write_str(if index % 3 == 0 { "\n  " } else { "  " })?;
            write!(f, "{name} {value:016x}")?;
        }
        Ok(())
    }
}

/// Who is told of an exception.
pub type Handler = fn(&Exception) -> !;

// SAFETY: set before there can be an exception that is handled, then read alone.
static HANDLER: SingleCore<Cell<Option<Handler>>> = unsafe { SingleCore::new(Cell::new(None)) };

/// Has `handler` called on an exception, on the exception stack.
pub fn set_handler(handler: Handler) {
    HANDLER.set(Some(handler));
}

extern "sysv64" fn raised(saved: &Saved) -> ! {
    let exception = Exception::new(saved);
    match HANDLER.get() {
        Some(handler) => handler(&exception),
        None => panic!("{exception}"),
    }
}

/// Bytes of a stub for a PV domain: two pops and a near jump.
const PV_STUB_SIZE: u64 = 8;

/// The address of the stub for `vector`, below 32, of a domain that Xen delivers exceptions to (PV).
///
/// Xen pushes what the processor would, and then `r11` and `rcx`, which it used itself (`create_bounce_frame` in Xen's
/// `arch/x86/x86_64/entry.S`).
pub fn pv_stub(vector: u8) -> u64 {
    pv_stubs as *const () as u64 + u64::from(vector % 32) * PV_STUB_SIZE
}

/// Takes off what Xen pushed, for each vector, and goes on as for the processor's own.
#[unsafe(naked)]
extern "C" fn pv_stubs() {
    naked_asm!(
        ".set .Lpv_vector, 0",
        ".rept 32",
        "pop rcx",
        "pop r11",
        ".byte 0xe9",
        ".long {stubs} + {size} * .Lpv_vector - . - 4",
        ".set .Lpv_vector, .Lpv_vector + 1",
        ".endr",
        stubs = sym stubs,
        size = const STUB_SIZE,
    )
}

/// One call of five bytes for each vector: the return address tells which.
#[unsafe(naked)]
pub(crate) extern "C" fn stubs() {
    naked_asm!(
        ".rept 32",
        ".byte 0xe8",
        ".long 2f - . - 4",
        ".endr",
        "2:",
        "push r15",
        "push r14",
        "push r13",
        "push r12",
        "push r11",
        "push r10",
        "push r9",
        "push r8",
        "push rbp",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push rbx",
        "push rax",
        "cld",
        "mov rdi, rsp",
        "and rsp, -16",
        "call {raised}",
        "ud2",
        raised = sym raised,
    )
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::{Exception, PV_STUB_SIZE, STUB_SIZE, Saved, pv_stub, stubs};

    fn saved(vector: u64, pushed: [u64; 6]) -> Saved {
        let stub_end = stubs as *const () as u64 + (vector + 1) * STUB_SIZE;
        Saved { general: core::array::from_fn(|index| index as u64), stub_end, pushed }
    }

    #[test]
    fn an_error_code_is_told_from_the_instruction() {
        let with = Exception::new(&saved(13, [0x18, 0x10_1000, 8, 2, 0x20_0000, 16]));
        assert_eq!((with.vector, with.error_code, with.instruction), (13, 0x18, 0x10_1000));
        assert_eq!((with.flags, with.stack_pointer, with.frame_pointer), (2, 0x20_0000, 6));
        let without = Exception::new(&saved(6, [0x10_1000, 8, 2, 0x20_0000, 16, 99]));
        assert_eq!((without.vector, without.error_code, without.instruction), (6, 0, 0x10_1000));
        assert_eq!((without.flags, without.stack_pointer), (2, 0x20_0000));
    }

    #[test]
    fn a_stub_of_pv_pops_two_words_and_goes_on_as_the_others() {
        for vector in 0..32u8 {
            let stub = pv_stub(vector) as *const [u8; PV_STUB_SIZE as usize];
            // SAFETY: the stub is code of this program.
            let [pop_rcx, pop_r11_prefix, pop_r11, jump, displacement @ ..] =
                unsafe { stub.read_unaligned() };
            assert_eq!([pop_rcx, pop_r11_prefix, pop_r11, jump], [0x59, 0x41, 0x5b, 0xe9]);
            let target =
                (stub as u64 + PV_STUB_SIZE).wrapping_add_signed(i64::from(i32::from_le_bytes(displacement)));
            assert_eq!(target, stubs as *const () as u64 + u64::from(vector) * STUB_SIZE);
        }
    }

    #[test]
    fn the_dump_names_every_register() {
        let dump = Exception::new(&saved(0, [0x10_1000, 8, 2, 0x20_0000, 16, 0])).to_string();
        assert!(
            dump.starts_with("divide error (vector 0, error code 0x0)\n  rip 0000000000101000"),
            "{dump}"
        );
        assert!(dump.contains("r13 000000000000000c"), "{dump}");
        assert_eq!(dump.lines().count(), 7);
    }
}
