//! What is of x86_64 alone: the first instructions, the system call instruction, and the frame of a signal
//! (System V Application Binary Interface, AMD64 Architecture Processor Supplement, sections 3.4.1 and A.2.1).

use core::arch::{asm, naked_asm};
use core::ffi::c_void;

use linux_raw_sys::general::__NR_rt_sigreturn;

/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;

/// Defines `unicore_entry`, which calls `$start` with the stack pointer that the kernel set.
#[doc(hidden)]
#[macro_export]
macro_rules! entry_instructions {
    ($start:path) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn unicore_entry() -> ! {
            // A zero frame pointer ends backtraces; a call expects the stack 16-byte aligned.
            ::core::arch::naked_asm!(
                "xor ebp, ebp",
                "mov rdi, rsp",
                "and rsp, -16",
                "call {start}",
                "ud2",
                start = sym $start,
            )
        }
    };
}

/// Makes system call `number` and returns what the kernel does: a negative error number where it failed.
///
/// # Safety
/// The arguments are what the system call takes, and memory that they point to is valid for it.
pub unsafe fn system_call(number: u32, arguments: [usize; 4]) -> isize {
    let mut result = number as isize;
    // SAFETY: the kernel preserves every register but these three; the caller answers for the arguments.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Where a signal's handler returns to: goes on where the thread was interrupted, whose registers lie on the stack.
#[unsafe(naked)]
pub unsafe extern "C" fn after_handler() {
    naked_asm!("mov eax, {number}", "syscall", "ud2", number = const __NR_rt_sigreturn)
}

/// What the kernel says of the processor (`AT_HWCAP2`) where the instruction of [`set_thread_pointer`] may be used (Linux,
/// Documentation/arch/x86/x86_64/fsgs.rst, `HWCAP2_FSGSBASE`).
pub const MAY_SET_THREAD_POINTER: usize = 1 << 1;

/// Sets the base of `fs`. An address that is not canonical is a fault.
///
/// # Safety
/// The kernel lets the process use the instruction.
pub unsafe fn set_thread_pointer(value: usize) {
    // SAFETY: no code of the image uses memory by `fs`; the instruction is there, says the caller.
    unsafe { asm!("wrfsbase {}", in(reg) value, options(nomem, nostack, preserves_flags)) };
}

/// The registers as the kernel saved them for a signal handler, in its order.
const REGISTERS: [&str; 18] = [
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx",
    "rsp", "rip", "eflags",
];

/// The interrupted thread's registers. The head of `struct ucontext` (arch/x86/include/uapi/asm/sigcontext.h and
/// include/uapi/asm-generic/ucontext.h in Linux).
#[repr(C)]
pub struct SignalContext {
    flags: usize,
    link: *mut c_void,
    stack: linux_raw_sys::general::stack_t,
    registers: [usize; REGISTERS.len()],
}

impl SignalContext {
    /// Where it was interrupted.
    pub fn instruction_pointer(&self) -> usize {
        self.registers[16]
    }

    /// Its stack pointer.
    pub fn stack_pointer(&self) -> usize {
        self.registers[15]
    }

    /// Its frame pointer.
    pub fn frame_pointer(&self) -> usize {
        self.registers[10]
    }

    /// Every register with its name.
    pub fn registers(&self) -> impl Iterator<Item = (&'static str, usize)> {
        REGISTERS.into_iter().zip(self.registers)
    }
}

/// The frame pointer of the function that this is inlined into.
#[inline(always)]
pub fn frame_pointer() -> usize {
    let pointer;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, rbp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}
